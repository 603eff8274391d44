"""README.md does what it says: every line of its ```sh blocks is run, in order, in a scratch copy of this folder with one replication a
scenario; paths that it names exist. `make test` would be this test again; `make check`, `nightly` and `bench` are only asked to be known."""

import os
import re
import shlex
import shutil
import subprocess
import unittest

from support.program import TOP, temporary_folder

README = os.path.join(TOP, "README.md")
LEFT_OUT = ("make test", "git clone", "cd ", "sudo ", "apt", "jupyter", "#")
ONLY_KNOWN = ("make check", "make nightly", "make bench", "make clean", "make asan", "make ubsan", "make tsan", "make lint")
FOLDERS = ("sim", "models", "configs", "analysis", "tests", "bench", "build", ".ci")


def commands(text):
    """The commands of all ```sh blocks; prompts and comments removed, continued lines joined."""
    found = []
    for block in re.findall(r"(?ms)^```(?:sh|bash|shell|console)\n(.*?)^```", text):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.strip().removeprefix("$ ")
            if line:
                found.append(line)
    return found


class Reader(unittest.TestCase):
    """The reading of blocks itself, so that an empty list never passes for a good README."""

    def test_commands(self):
        text = "# x\n\n```sh\nmake demo\n$ headroom run \\\n  a.yaml   # why\n\n```\n```yaml\nmake no\n```\n"
        self.assertEqual(commands(text), ["make demo", "headroom run    a.yaml   # why"])


@unittest.skipUnless(os.path.exists(README), "there is no README.md yet")
class Readme(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        with open(README, encoding="utf-8") as file:
            self.text = file.read()

    def scratch(self):
        """A copy with its build, times kept, so that nothing is built again; every scenario with one replication."""
        folder = temporary_folder()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        copy = os.path.join(folder, "headroom")
        ignored = shutil.ignore_patterns(".git", "tests", "release-O*", "debug-*", "asan-*", "ubsan-*", "tsan-*", "*.h5", "*.journal*")
        shutil.copytree(TOP, copy, ignore=ignored, symlinks=True)
        for name in os.listdir(os.path.join(copy, "configs")):
            path = os.path.join(copy, "configs", name)
            if not name.endswith(".yaml"):
                continue
            with open(path, encoding="utf-8") as file:
                text = re.sub(r"(?m)^replications: *\d+", "replications: 1", file.read())
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return copy

    def environment(self, copy):
        result = dict(os.environ, PATH=os.path.join(copy, "build") + os.pathsep + os.environ["PATH"], DESTDIR=os.path.join(copy, "root"))
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "HEADROOM"):
            result.pop(name, None)
        return result

    def test_commands(self):
        copy = self.scratch()
        listed = commands(self.text)
        self.assertIn("make demo", " ".join(listed))
        self.assertIn("make test", " ".join(listed))
        skipped = []
        for command in listed:
            if command.startswith(LEFT_OUT):
                continue
            if "azure" in command and not os.environ.get("HEADROOM_DATA"):
                skipped.append(command)
                continue
            if command.startswith(ONLY_KNOWN):
                command = command.replace("make", "make -n", 1)
            with self.subTest(command=command):
                result = subprocess.run(["bash", "-c", command], cwd=copy, env=self.environment(copy), stdin=subprocess.DEVNULL, capture_output=True,
                                        text=True, timeout=300, check=False)
                self.assertEqual(result.returncode, 0, f"{command}\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
        if skipped:
            print(f"without HEADROOM_DATA not run: {', '.join(skipped)}")

    def test_options_exist(self):
        """Each `headroom COMMAND --option` of the running text is one that its help lists."""
        program = os.environ.get("HEADROOM", os.path.join(TOP, "build", "headroom"))
        for command, rest in re.findall(r"`headroom (\w+)([^`\n]*)`", self.text):
            text = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=False).stdout
            self.assertTrue(text, f"headroom {command}")
            for option in re.findall(r"(?<!\S)--[a-z]+", rest):
                self.assertIn(option, text, f"headroom {command} {option}")

    def test_paths_exist(self):
        for path in re.findall(r"`([\w./-]+)`", self.text) + re.findall(r"\]\(([\w./-]+)\)", self.text):
            if path.split("/")[0] in FOLDERS and path.split("/")[0] != "build" and "/" in path:
                self.assertTrue(os.path.exists(os.path.join(TOP, path)), path)

    def test_make_targets_exist(self):
        with open(os.path.join(TOP, "Makefile"), encoding="utf-8") as file:
            targets = set(re.findall(r"(?m)^([a-z-]+):", file.read()))
        for words in re.findall(r"`make ([^`\n]+)`", self.text):
            for word in shlex.split(words):
                if re.fullmatch(r"[a-z-]+", word):
                    self.assertIn(word, targets, f"make {words}")


if __name__ == "__main__":
    unittest.main()

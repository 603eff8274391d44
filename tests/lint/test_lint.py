"""The checkout passes every lint rule, and every rule can fail: each of its BAD files is found, none of its GOOD files is."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import lint  # noqa: E402
from tree import Tree, is_allowed, read_allowed, strip_c  # noqa: E402


def write_tree(folder, files, compiled):
    """Writes a small checkout; compiles its C files when the rule looks at objects."""
    for path, text in files.items():
        name = os.path.join(folder, path)
        os.makedirs(os.path.dirname(name), exist_ok=True)
        with open(name, "w", encoding="utf-8") as file:
            file.write(text)
        if compiled:
            made = os.path.join(folder, "build", path[:-2] + ".o")
            os.makedirs(os.path.dirname(made), exist_ok=True)
            subprocess.run(["gcc", "-c", name, "-o", made], check=True)
    return Tree(folder, os.path.join(folder, "build") if compiled else None)


class Rules(unittest.TestCase):
    def prove(self, rule):
        module = lint.load(rule)
        for path, text in module.BAD.items():
            with self.subTest(bad=path), tempfile.TemporaryDirectory() as folder:
                self.assertTrue(lint.findings(rule, write_tree(folder, {path: text}, rule == "globals")), f"{rule} misses {path}")
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual([], lint.findings(rule, write_tree(folder, module.GOOD, rule == "globals")))

    def keep(self, rule):
        programs = os.environ.get("HEADROOM_TESTS")
        objects = os.path.dirname(programs) if programs else None
        allowed = read_allowed(os.path.join(HERE, "allow.txt"))
        self.assertEqual("", "\n".join(lint.findings(rule, Tree(TOP, objects), allowed)))


def add_tests():
    for rule in lint.RULES:
        setattr(Rules, f"test_{rule}_can_fail", lambda self, rule=rule: self.prove(rule))
        setattr(Rules, f"test_{rule}_holds", lambda self, rule=rule: self.keep(rule))


add_tests()


class Helpers(unittest.TestCase):
    def test_every_rule_file_is_run(self):
        files = {name[:-3] for name in os.listdir(os.path.join(HERE, "rules")) if name.endswith(".py")}
        self.assertEqual(files, set(lint.RULES))

    def test_strip_c(self):
        self.assertEqual('a ""; b\n', strip_c('a "x//y\\""; b\n'))
        self.assertEqual(["a", "b"], strip_c("a /* x\n y */ b").split())
        self.assertEqual(1, strip_c("a /* x\n y */ b").count("\n"))
        self.assertEqual('#include "sim/a.h"\n', strip_c('#include "sim/a.h"\n'))

    def test_exceptions(self):
        allowed = [("banned", "sim/lab/*yaml*.c:free", "because")]
        self.assertTrue(is_allowed(allowed, "banned", "sim/lab/yaml.c:free"))
        self.assertFalse(is_allowed(allowed, "banned", "sim/lab/yaml.c:malloc"))
        self.assertFalse(is_allowed(allowed, "units", "sim/lab/yaml.c:free"))


if __name__ == "__main__":
    unittest.main()

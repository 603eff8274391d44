"""The test run itself: what passes, fails, skips, crashes, hangs or holds nothing is counted as such, and the last line says so."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

PYTHON = """import unittest
class T(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail("no")
    def test_skipped(self): self.skipTest("no data here")
"""
# What a cmocka program prints, by a shell script.
CMOCKA = """#!/bin/sh
echo '[ RUN      ] one'; echo '[       OK ] one'
echo '[ RUN      ] two'; echo 'skip: too short'; echo '[  SKIPPED ] two'
echo '[ RUN      ] three'; echo '[  FAILED  ] three'
echo '[  FAILED  ] 1 test(s), listed below:'; echo '[  FAILED  ] three'
exit 1
"""


class Runner(unittest.TestCase):
    def run_suites(self, files, *options):
        """(exit code, lines) of tests/run.py in a folder of its own that holds these suites."""
        with tempfile.TemporaryDirectory() as top:
            os.makedirs(os.path.join(top, "tests"))
            shutil.copy(os.path.join(TESTS, "run.py"), os.path.join(top, "tests"))
            for path, text in files.items():
                name = os.path.join(top, path)
                os.makedirs(os.path.dirname(name), exist_ok=True)
                with open(name, "w", encoding="utf-8") as file:
                    file.write(text)
                os.chmod(name, 0o755)
            result = subprocess.run([sys.executable, os.path.join(top, "tests", "run.py"), "--programs", "out", *options],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            return result.returncode, result.stdout.splitlines()

    def check(self, files, code, last, *options):
        found, lines = self.run_suites(files, *options)
        self.assertEqual((code, last), (found, lines[-1]), "\n".join(lines))
        return "\n".join(lines)

    def test_python(self):
        text = self.check({"tests/a/test_p.py": PYTHON}, 1, "1 passed, 1 failed, 1 skipped")
        self.assertIn("skipped test_skipped: no data here", text)
        self.assertIn("AssertionError: no", text)

    def test_all_passed(self):
        self.check({"tests/a/test_p.py": PYTHON.replace('self.fail("no")', "pass")}, 0, "2 passed, 0 failed, 1 skipped")

    def test_cmocka(self):
        text = self.check({"tests/a/test_c.c": "", "out/tests/a/test_c": CMOCKA}, 1, "1 passed, 1 failed, 1 skipped")
        self.assertIn("skipped two: too short", text)

    def test_crash(self):
        crash = CMOCKA.split("echo '[  FAILED")[0] + "kill -ABRT $$\n"
        text = self.check({"tests/a/test_c.c": "", "out/tests/a/test_c": crash}, 1, "1 passed, 1 failed, 1 skipped")
        self.assertIn("three (crashed)", text)

    def test_bad_exit_code_alone(self):
        good = "#!/bin/sh\necho '[ RUN      ] one'; echo '[       OK ] one'\nexit 66\n"
        self.check({"tests/a/test_c.c": "", "out/tests/a/test_c": good}, 1, "1 passed, 1 failed, 0 skipped")

    def test_nothing_run(self):
        self.check({"tests/a/test_p.py": "", "tests/a/test_c.c": "", "out/tests/a/test_c": "#!/bin/sh\n"}, 1,
                   "0 passed, 2 failed, 0 skipped")

    def test_not_built_or_not_importable(self):
        self.check({"tests/a/test_p.py": "import nothing_of_this_name\n", "tests/a/test_c.c": ""}, 1, "0 passed, 2 failed, 0 skipped")

    def test_time_limit(self):
        self.check({"tests/a/test_c.c": "", "out/tests/a/test_c": "#!/bin/sh\nsleep 60\n"}, 1, "0 passed, 1 failed, 0 skipped",
                   "--limit", "1")

    def test_no_suite(self):
        self.check({}, 1, "0 passed, 1 failed, 0 skipped")


if __name__ == "__main__":
    unittest.main()

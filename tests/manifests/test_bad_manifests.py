#!/usr/bin/env python3
"""Every diagnostic of a bad manifest, byte for byte: `headroom check scenario.yaml -f NAME.yaml` on tests/manifests/bad/NAME.yaml says
NAME.expected: its exit code, then standard error. `test_bad_manifests.py --write` writes what the program says now; read the difference
before keeping it."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BAD = os.path.join(HERE, "bad")
PROGRAM = os.path.abspath(os.environ.get("HEADROOM", os.path.join(HERE, "..", "..", "build", "headroom")))


def names():
    return sorted(name[:-5] for name in os.listdir(BAD) if name.endswith(".yaml"))


def outcomes():
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(BAD, "scenario.base"), os.path.join(folder, "scenario.yaml"))
        for name in names():
            shutil.copy(os.path.join(BAD, name + ".yaml"), folder)
            result = subprocess.run([PROGRAM, "check", "scenario.yaml", "-f", name + ".yaml"], cwd=folder, capture_output=True, timeout=60, check=False)
            yield name, b"exit %d\n" % result.returncode + result.stderr


class BadManifests(unittest.TestCase):
    maxDiff = None

    def test_every_case(self):
        for name, said in outcomes():
            with self.subTest(name), open(os.path.join(BAD, name + ".expected"), "rb") as file:
                self.assertEqual(said.decode(), file.read().decode())

    def test_each_is_an_error_of_the_scenario_with_its_place(self):
        for name in names():
            with self.subTest(name), open(os.path.join(BAD, name + ".expected"), encoding="utf-8") as file:
                first, *rest = file.read().splitlines()
                self.assertEqual(first, "exit 3")
                self.assertTrue(any(line.startswith(name + ".yaml") and ": error: " in line for line in rest) or name == "no_document", rest)


if __name__ == "__main__":
    if "--write" in sys.argv:
        for each, words in outcomes():
            with open(os.path.join(BAD, each + ".expected"), "wb") as out:
                out.write(words)
    else:
        unittest.main()

#!/usr/bin/env python3
"""Every diagnostic of a bad scenario or trace, byte for byte: `headroom check` on tests/diagnostics/cases/NAME.yaml (with the arguments in
NAME.args, one a line) and on the files of generated.py says NAME.expected: its exit code, then standard error.

`test_diagnostics.py --write` writes what the program says now; read the difference before keeping it."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(HERE, "cases")
PROGRAM = os.path.abspath(os.environ.get("HEADROOM", os.path.join(TOP, "build", "headroom")))
SECONDS = 60  # far more than any of them takes, whatever the machine

sys.path.insert(0, HERE)
import generated  # noqa: E402


def environment():
    return {key: value for key, value in os.environ.items() if key != "HEADROOM_DATA"}


def said(folder, arguments):
    result = subprocess.run([PROGRAM, "check"] + arguments, cwd=folder, env=environment(), capture_output=True, timeout=SECONDS)
    return b"exit %d\n" % result.returncode + result.stderr


def kept_cases():
    for name in sorted(os.listdir(CASES)):
        if name.endswith(".yaml"):
            options = os.path.join(CASES, name[:-5] + ".args")
            arguments = open(options, encoding="utf-8").read().splitlines() if os.path.exists(options) else []
            yield name[:-5], CASES, [name] + arguments


def outcomes():
    for name, folder, arguments in kept_cases():
        yield name, said(folder, arguments)
    for name, files, arguments in generated.CASES:
        with tempfile.TemporaryDirectory() as folder:
            for path, content in files.items():
                os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
                with open(os.path.join(folder, path), "wb") as file:
                    file.write(content)
            yield name, said(folder, arguments)


def expected_path(name):
    return os.path.join(CASES, name + ".expected")


class Diagnostics(unittest.TestCase):
    maxDiff = None

    def test_every_case(self):
        names = set()
        for name, outcome in outcomes():
            names.add(name + ".expected")
            with self.subTest(case=name):
                with open(expected_path(name), "rb") as file:
                    self.assertEqual(outcome.decode("utf-8", "replace"), file.read().decode("utf-8", "replace"))
        kept = {name for name in os.listdir(CASES) if name.endswith(".expected")}
        self.assertEqual(kept - names, set(), "expected texts without a case")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        for case, text in outcomes():
            with open(expected_path(case), "wb") as output:
                output.write(text)
    else:
        unittest.main()

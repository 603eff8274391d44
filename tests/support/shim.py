"""The preloaded library of tests/faults/shim.c: built once a suite, with the compiler that is there."""

import os
import shutil
import subprocess
import unittest

from support.program import TOP, InFolder, sha256, temporary_folder

SOURCE = os.path.join(TOP, "tests", "faults", "shim.c")


def build(folder):
    """The path of the library; skips where it cannot be built or preloaded."""
    compiler = next((name for name in ("gcc", "cc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise unittest.SkipTest("no C compiler is there to build the library that injects faults")
    library = os.path.join(folder, "shim.so")
    made = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise AssertionError(made.stderr)
    return library


def sanitized():
    """Sanitizers bring their own allocator and want to be loaded first."""
    return any(os.environ.get(name) for name in ("ASAN_OPTIONS", "TSAN_OPTIONS"))


def environment(library, folder, **fault):
    """Of a program in which FAULT_... (at, once, kind, errno, kill, calls, alloc) happens below the folder; errno may be a name's number."""
    result = {"LD_PRELOAD": library, "FAULT_FOLDER": folder}
    for name, value in fault.items():
        if value is not None and value is not False:
            result["FAULT_" + name.upper()] = str(int(value) if isinstance(value, bool) else value)
    return result


class Preloaded(InFolder):
    """Tests of a program under the preloaded library, against the result of SCENARIO that nothing disturbed: self.whole, its SHA-256."""

    SCENARIO = None

    @classmethod
    def setUpClass(cls):
        if sanitized():
            raise unittest.SkipTest("a preloaded library and a sanitizer do not go together")
        cls.tools = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.tools, ignore_errors=True)
        cls.preload = build(cls.tools)

    def setUp(self):
        super().setUp()
        self.write("s.yaml", self.SCENARIO)
        self.headroom("run", "s.yaml", "-o", "whole.h5", "--quiet")
        self.whole = sha256(self.path("whole.h5"))
        os.remove(self.path("whole.h5"))

    def disturbed(self, **fault):
        """The environment in which this fault happens."""
        return environment(self.preload, self.folder, **fault)

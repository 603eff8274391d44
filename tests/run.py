#!/usr/bin/env python3
"""Runs every test and counts: one line a suite (name, passed/failed/skipped, seconds), the reason of every skip, the output of
every failure. The last line is exactly `N passed, N failed, N skipped`; the exit code is 1 when anything failed.

A suite is a file: tests/*/test_*.c (a cmocka program built below --programs) or tests/*/test_*.py (unittest). A suite that crashes,
runs out of time, is not built or runs no test counts as one failure. C tests say why they skip in a line `skip: reason`.

Tests see: HEADROOM (the program), HEADROOM_TESTS (folder of the C test programs), HEADROOM_DATA (real data, may be unset),
HEADROOM_SHORT (set by --short), HEADROOM_NIGHTLY. They run in the top folder and write to temporary folders only.
"""

import argparse
import concurrent.futures
import glob
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUTPUT_LINES = 80  # of a failing suite that are shown
# Folders whose tests look at files rather than run the program: pointless under a sanitizer.
NOT_ABOUT_THE_PROGRAM = {"lint", "runner", "data", "notebooks", "analysis", "docs"}


class Outcome:
    def __init__(self, suite):
        self.suite = suite
        self.passed = 0
        self.failed = []  # names
        self.skipped = []  # (name, reason)
        self.seconds = 0.0
        self.output = ""


# ---- one Python suite, in a process of its own ----------------------------------------------------------------------
class Collect(unittest.TestResult):
    """Counts per test method; a failing subtest fails its method once."""

    def __init__(self):
        super().__init__()
        self.ok, self.bad, self.skips = [], {}, []

    def addSuccess(self, test):
        self.ok.append(test.id())

    def addFailure(self, test, err):
        self.bad.setdefault(test.id(), []).append("".join(traceback.format_exception(*err)))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.bad.setdefault(test.id(), []).append(str(subtest) + "\n" + "".join(traceback.format_exception(*err)))

    def addSkip(self, test, reason):
        self.skips.append((test.id(), reason))

    def addExpectedFailure(self, test, err):
        self.ok.append(test.id())

    def addUnexpectedSuccess(self, test):
        self.bad.setdefault(test.id(), []).append("succeeded, but is marked as expected to fail\n")


def run_python_suite(path, report):
    """The child: runs one file's tests and writes the outcome as JSON to `report`."""
    sys.path[:0] = [os.path.dirname(os.path.abspath(path)), os.path.join(TOP, "tests"), TOP]
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    result = Collect()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    for test, errors in result.bad.items():
        for error in errors:
            print(f"FAILED {test}\n{error}", flush=True)
    passed = [test for test in result.ok if test not in result.bad]
    with open(report, "w", encoding="utf-8") as file:
        json.dump({"passed": len(passed), "failed": list(result.bad), "skipped": result.skips}, file)


# ---- running and reading --------------------------------------------------------------------------------------------
def run_command(command, environment, limit_s):
    """(exit code or None on time-out, output). The whole process group ends with it."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=TOP, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            code = process.wait(timeout=limit_s)
        except subprocess.TimeoutExpired:
            code = None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        process.wait()
        output.seek(0)
        return code, output.read().decode("utf-8", "replace")


def read_cmocka(text):
    """(passed, failed names, skipped (name, reason), name of a test that began and never ended) of cmocka's plain output."""
    passed, failed, skipped = 0, [], []
    current, reason = None, ""
    for line in text.splitlines():
        begin = re.match(r"\[ RUN +\] (\S+)", line)
        end = re.match(r"\[ +(OK|FAILED|SKIPPED|ERROR) +\] (\S+)", line)
        if begin:
            current, reason = begin.group(1), "no reason given"
        elif line.startswith("skip: "):
            reason = line[len("skip: "):]
        elif end and end.group(2) == current:
            if end.group(1) == "OK":
                passed += 1
            elif end.group(1) == "SKIPPED":
                skipped.append((current, reason))
            else:
                failed.append(current)
            current = None
    for match in re.finditer(r"\[ +FAILED +\] GROUP (SETUP|TEARDOWN)", text):
        failed.append("group " + match.group(1).lower())
    return passed, failed, skipped, current


def run_suite(suite, options, environment):
    outcome = Outcome(suite)
    start = time.monotonic()
    path = os.path.join("tests", suite)
    code = 0
    if suite.endswith(".py"):
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report")
            code, outcome.output = run_command([sys.executable, __file__, "--one", path, "--report", report], environment,
                                               options.limit)
            if os.path.exists(report):
                with open(report, encoding="utf-8") as file:
                    counts = json.load(file)
                outcome.passed = counts["passed"]
                outcome.failed = counts["failed"]
                outcome.skipped = [tuple(item) for item in counts["skipped"]]
            else:
                outcome.failed.append("(crashed)")
    else:
        program = os.path.join(options.programs, path[:-2])
        if not os.path.exists(os.path.join(TOP, program)):
            outcome.failed.append("(not built)")
        else:
            code, outcome.output = run_command(options.wrap + [os.path.join(TOP, program)], environment, options.limit)
            outcome.passed, outcome.failed, outcome.skipped, unfinished = read_cmocka(outcome.output)
            if unfinished:
                outcome.failed.append(f"{unfinished} (crashed)")
    if code is None:
        outcome.failed.append(f"(stopped after {options.limit} s)")
    elif code != 0 and not outcome.failed:
        outcome.failed.append(f"(ended with {'signal' if code < 0 else 'exit code'} {abs(code)})")
    if not outcome.passed and not outcome.failed and not outcome.skipped:
        outcome.failed.append("(ran no test)")
    outcome.seconds = time.monotonic() - start
    return outcome


def show(outcome):
    counts = f"{outcome.passed}/{len(outcome.failed)}/{len(outcome.skipped)}"
    print(f"{'FAIL' if outcome.failed else 'ok  '} {outcome.suite:<44} {counts:>10} {outcome.seconds:8.2f} s")
    by_reason = {}
    for name, reason in outcome.skipped:
        by_reason.setdefault(reason, []).append(name.split(".")[-1])
    for reason, names in by_reason.items():
        print(f"       skipped {', '.join(names)}: {reason}")
    if outcome.failed:
        for name in outcome.failed:
            print(f"       failed {name}")
        lines = outcome.output.splitlines()
        if len(lines) > OUTPUT_LINES:
            print(f"       | ... {len(lines) - OUTPUT_LINES} lines before")
        for line in lines[-OUTPUT_LINES:]:
            print(f"       | {line}")
    sys.stdout.flush()


# ---- sanitizers -----------------------------------------------------------------------------------------------------
def sanitizer_environment(environment):
    """Options for whichever sanitizer the programs carry; the others ignore them."""
    suppress = os.path.join(TOP, "tests", "support")
    environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:allocator_may_return_null=1")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    lsan = os.path.join(suppress, "lsan.supp")
    if os.path.exists(lsan):
        environment.setdefault("LSAN_OPTIONS", f"suppressions={lsan}:print_suppressions=0")
    # Archer tells ThreadSanitizer what OpenMP orders; libraries that are not instrumented are left out.
    environment.setdefault("TSAN_OPTIONS", "ignore_noninstrumented_modules=1:halt_on_error=0:exitcode=66")
    archer = sorted(glob.glob("/usr/lib/llvm-*/lib/libarcher.so"))
    if archer:
        environment.setdefault("OMP_TOOL_LIBRARIES", archer[-1])


def tsan_wrap():
    """ThreadSanitizer's fixed address map breaks under strong address randomisation; switch it off where that is allowed."""
    command = ["setarch", os.uname().machine, "-R"]
    if shutil.which("setarch") and subprocess.run(command + ["true"], stderr=subprocess.DEVNULL).returncode == 0:
        return command
    return []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", default="build/release-gcc", help="folder of the C test programs' build")
    parser.add_argument("--programs-only", action="store_true", help="leave out suites that only look at files")
    parser.add_argument("--short", action="store_true", help="set HEADROOM_SHORT: fewer repetitions")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="suites at a time")
    parser.add_argument("--limit", type=int, default=int(os.environ.get("HEADROOM_TEST_LIMIT_S", "600")), help="seconds a suite")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--report", help=argparse.SUPPRESS)
    parser.add_argument("only", nargs="*", help="suites whose name contains one of these words")
    options = parser.parse_args()
    if options.one:
        run_python_suite(options.one, options.report)
        return 0

    os.chdir(TOP)
    environment = dict(os.environ, HEADROOM_TESTS=os.path.join(TOP, options.programs, "tests"), PYTHONDONTWRITEBYTECODE="1",
                       MPLBACKEND="Agg")
    environment.setdefault("HEADROOM", os.path.join(TOP, "build", "headroom"))
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CMOCKA_MESSAGE_OUTPUT", "CMOCKA_TEST_FILTER"):
        environment.pop(name, None)
    if options.short:
        environment["HEADROOM_SHORT"] = "1"
    flavour = os.path.basename(options.programs.rstrip("/")).split("-")[0]
    if flavour in ("asan", "ubsan", "tsan"):
        sanitizer_environment(environment)
    options.wrap = tsan_wrap() if flavour == "tsan" else []

    suites = [path[len("tests/"):] for path in glob.glob("tests/*/test_*.c") + glob.glob("tests/*/test_*.py")]
    if options.programs_only:
        suites = [suite for suite in suites if suite.split("/")[0] not in NOT_ABOUT_THE_PROGRAM]
    if options.only:
        suites = [suite for suite in suites if any(word in suite for word in options.only)]
    print(f"{'suite':<49} {'pass/fail/skip':>10} {'seconds':>8}")
    passed = failed = skipped = 0
    with concurrent.futures.ThreadPoolExecutor(max(1, options.jobs)) as pool:
        for work in concurrent.futures.as_completed([pool.submit(run_suite, suite, options, environment) for suite in sorted(suites)]):
            outcome = work.result()
            show(outcome)
            passed += outcome.passed
            failed += len(outcome.failed)
            skipped += len(outcome.skipped)
    if not suites:
        print("no suites found")
        failed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

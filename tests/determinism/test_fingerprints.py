"""Equal sweeps give byte-equal files: whatever the number of threads, the compiler, its optimisation, the code paths that libm takes,
and whether the plain loop or the specialised ones ran. The fingerprint is the SHA-256 of the whole file.

`make test` builds gcc -O0, clang -O0 and clang -O3 beside the program at hand (gcc -O3); HEADROOM_NIGHTLY all of gcc and clang, -O0 to -O3."""

import json
import os
import shutil
import subprocess
import unittest

import h5py
import numpy
from scenarios import SCENARIOS

from support.program import NIGHTLY, PROGRAM, SHORT, TOP, InFolder, sha256, temporary_folder

SLOW_LIBM = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2_Usable,-AVX2"}
NAMES = list(SCENARIOS)[:: 3 if SHORT else 1]


def differences(one, other):
    """Which datasets of two files differ, and where first."""
    found = []
    with h5py.File(one, "r") as first, h5py.File(other, "r") as second:

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                if name not in second or item.shape != second[name].shape:
                    found.append(f"{name}: shapes differ")
                    return
                a, b = item[...], second[name][...]
                same = (a == b) | ((a != a) & (b != b)) if a.dtype.kind == "f" else a == b
                if not numpy.all(same):
                    at = tuple(int(k) for k in numpy.argwhere(~same)[0])
                    found.append(f"{name}{list(at)}: {a[at]!r} and {b[at]!r}")

        first.visititems(visit)
    return "\n".join(found[:12]) or "no dataset differs; the bytes of the files do"


def other_builds():
    """{name: program} of further builds of the same sources, made or brought up to date by make; none touches build/headroom."""
    wanted = [(compiler, level) for compiler in ("gcc", "clang") for level in ("-O0", "-O1", "-O2", "-O3")]
    if not NIGHTLY:
        wanted = [("gcc", "-O0"), ("clang", "-O0"), ("clang", "-O3")]
    builds = {}
    for compiler, level in wanted:
        if not shutil.which(compiler):
            continue
        make = ["make", "--no-print-directory", f"-j{os.cpu_count() or 1}", f"CC={compiler}", f"OPT={level}", "program"]
        done = subprocess.run(make, cwd=TOP, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(make)}\n{done.stderr[-3000:]}")
        builds[f"{compiler} {level}"] = os.path.join(TOP, "build", f"release{level}-{compiler}", "headroom")
    return builds


class Fingerprints(InFolder):
    references = None

    @classmethod
    def setUpClass(cls):
        """Each scenario once, with one thread: what all others are compared with."""
        cls.references = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.references, ignore_errors=True)
        for name in NAMES:
            path = os.path.join(cls.references, name)
            with open(path + ".yaml", "w", encoding="utf-8") as file:
                json.dump(SCENARIOS[name], file)
            subprocess.run([PROGRAM, "run", path + ".yaml", "-o", path + ".h5", "--quiet", "-j", "1"], check=True)

    def each(self, *variants):
        """Every scenario, as each variant (label, options, further arguments of headroom()) says, against the references."""
        for name in NAMES:
            scenario, reference = (os.path.join(self.references, name + ending) for ending in (".yaml", ".h5"))
            for label, options, more in variants:
                with self.subTest(scenario=name, variant=label):
                    output = self.run_scenario(scenario, *options, name="other", **more)
                    if sha256(output) != sha256(reference):
                        self.fail(f"{name}, {label}:\n{differences(reference, output)}")

    def test_threads(self):
        self.each(*((f"{threads} threads", ("-j", str(threads)), {}) for threads in (2, 3, 8)))

    def test_plain_loop(self):
        self.each(("--plain", ("--plain",), {}))

    def test_libm_without_fma(self):
        self.each(("without FMA", (), {"environment": SLOW_LIBM}))

    def test_environment(self):
        """Locale, time zone, terminal and folder leave no trace."""
        self.each(("environment", (), {"environment": {"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Tokyo", "NO_COLOR": "1", "OMP_NUM_THREADS": "3", "COLUMNS": "20"}}))

    def test_builds(self):
        if SHORT or not shutil.which("make"):
            self.skipTest("no further builds in a short run or without make")
        builds = other_builds()
        self.each(*((label, (), {"program": program}) for label, program in builds.items()))

    def test_they_do_something(self):
        """A fingerprint of nothing would never change: each scenario scales, serves and, where it is meant to, loses jobs."""
        lossy = {"retries": ("dropped", "abandoned"), "random": ("failed",), "timeout_waiting": ("abandoned",), "timeout_total": ("abandoned",),
                 "timeout_waste": ("abandoned",)}
        for name in NAMES:
            with h5py.File(os.path.join(self.references, name + ".h5"), "r") as file:
                self.assertEqual(int(file["summary/status"][...].max()), 0, name)
                self.assertGreater(float(file["summary/finished"][...].min()), 500, name)
                self.assertGreater(float(file["summary/scale_actions"][...].max()), 1, name)
                for column in lossy.get(name, ()):
                    self.assertGreater(float(file["summary/" + column][...].max()), 0, f"{name} {column}")

    def test_another_seed_is_another_file(self):
        scenario = self.write("s.yaml", SCENARIOS["jsq"])
        self.assertNotEqual(sha256(self.run_scenario(scenario)), sha256(self.run_scenario(scenario, "--set", "seed=43", name="t")))


if __name__ == "__main__":
    unittest.main()

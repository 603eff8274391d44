"""Every open, read, write, truncation, fsync, rename and unlink of a sweep fails in turn, once and for good, while it runs, while it
is resumed and while it is merged; so does every piece of memory the program asks for. Wanted: exit code 4 with a message, no signal, nothing half
written, and a resume that gives the file of an undisturbed sweep byte for byte. A failure that the program survives must have left no trace.

Short: every call of the rare kinds and some of the many writes. HEADROOM_NIGHTLY (`make faults`): all of them."""

import errno
import os
import resource
import shutil
import unittest

from support import shim
from support.program import NIGHTLY, sha256, small

ERRNO = {"open": (errno.EMFILE, errno.EACCES), "read": (errno.EIO,), "write": (errno.ENOSPC, errno.EIO), "truncate": (errno.EIO,), "fsync": (errno.EIO,),
         "rename": (errno.EIO,), "unlink": (errno.EACCES,)}
SCENARIO = small({
    "horizon": "1m", "replications": 2,
    "sweep": [{"set": "deployments.app.concurrency", "values": [1, 2]}],
})


def some(count, short):
    """Which of `count` calls: all, or `short` of them evenly spread, the first and last among them."""
    if NIGHTLY or count <= short:
        return range(1, count + 1)
    return sorted({1 + round(k * (count - 1) / (short - 1)) for k in range(short)})


class Faults(shim.Preloaded):
    SCENARIO = SCENARIO

    def clear(self, *keep):
        for name in os.listdir(self.folder):
            if name not in ("s.yaml", *keep):
                os.remove(self.path(name))

    def run_share(self, resume=True, **more):
        return self.headroom("run", "s.yaml", "-o", "r.h5", "--shard", "1/1", "-j", "1", "--quiet", *(["--resume"] if resume else []), **more)

    def run_all(self, resume=True, **more):
        return self.headroom("run", "s.yaml", "-o", "r.h5", "-j", "1", "--quiet", *(["--resume"] if resume else []), **more)

    def merge(self, force=True, **more):
        return self.headroom("merge", "r.h5", "--quiet", *(["--force"] if force else []), **more)

    def logged(self, step, **fault):
        """A step, and what it called, in order."""
        log = os.path.join(self.tools, "calls")
        if os.path.exists(log):
            os.remove(log)
        result = step(code=None, environment=self.disturbed(calls=log, **fault))
        with open(log, encoding="utf-8") as file:
            return result, file.read().split()

    def check(self, result, label):
        self.assertIn(result.returncode, (0, 4), f"{label}\n{result.stdout}{result.stderr}")
        if result.returncode == 4:
            self.assertRegex(result.stderr, r"(?m)^(headroom: )?error: |: error: ", label)
        return result.returncode

    def each_fault(self, step, prepare, short):
        """(label, exit code) of the step, with each call failing; the folder is as it was left."""
        prepare()
        result, calls = self.logged(step)
        self.assertEqual(result.returncode, 0, result.stderr)
        survived, injected = set(), 0
        for kind in sorted(set(calls)):
            count = calls.count(kind)
            for at in some(count, short):
                for once in (True, False) if NIGHTLY else (at % 2 == 0,):
                    number = ERRNO[kind][at % len(ERRNO[kind])]
                    label = f"{step.__name__}: {kind} {at} of {count} {'once' if once else 'for good'}: {errno.errorcode[number]}"
                    prepare()
                    result, called = self.logged(step, kind=kind, at=at, once=once, errno=number)
                    code = self.check(result, label)
                    injected += 1
                    if code == 0 and called.count(kind) >= at:  # how often it commits depends on the time
                        survived.add(kind)
                    yield label, code
        print(f"faults: {injected} failures in {step.__name__}, no signal, no half result; harmless ones only of: {', '.join(sorted(survived)) or 'none'}", flush=True)
        # Failures that end well are of what SQLite may do without, and of clearing up.
        self.assertLessEqual(survived, {"open", "read", "unlink", "fsync", "truncate"})

    def check_left(self, label, code):
        """No half result is there, whatever happened."""
        if os.path.exists(self.path("r.h5")):
            self.assertEqual(sha256(self.path("r.h5")), self.whole, label)
        else:
            self.assertEqual(code, 4, label)

    def test_run(self):
        for label, code in self.each_fault(self.run_all, self.clear, 6):
            self.check_left(label, code)
            self.run_all()
            self.assertEqual(sha256(self.path("r.h5")), self.whole, label)
            self.assertEqual([name for name in os.listdir(self.folder) if name not in ("r.h5", "s.yaml", "r.h5.partial", "r.h5.journal")], [], label)

    def test_resume(self):
        """Of a sweep that was killed in the middle of a commit: its journal has to be rolled back first."""
        self.run_share(resume=False, code=-9, environment=self.disturbed(kind="fsync", at=6, kill=True))
        half = os.path.join(self.tools, "half")
        shutil.copytree(self.folder, half)

        def prepare():
            self.clear()
            for name in os.listdir(half):
                shutil.copy(os.path.join(half, name), self.folder)

        for label, _ in self.each_fault(self.run_share, prepare, 5):
            self.run_share()
            self.merge()
            self.assertEqual(sha256(self.path("r.h5")), self.whole, label)

    def test_merge(self):
        self.run_share(resume=False)
        journal = "r.h5.shard-1-of-1.journal"
        before = sha256(self.path(journal))
        for label, code in self.each_fault(self.merge, lambda: self.clear(journal), 5):
            self.check_left(label, code)
            self.assertEqual(sha256(self.path(journal)), before, label)
            self.merge()
            self.assertEqual(sha256(self.path("r.h5")), self.whole, label)
            self.assertEqual(sorted(os.listdir(self.folder)), ["r.h5", journal, "s.yaml"], label)

    def test_memory(self):
        """Every block of every arena, at its first want and ever after."""
        for step, name in ((self.run_share, "run"), (self.merge, "merge")):
            at, codes = 1, []
            while at < 3000:
                self.clear(*(["r.h5.shard-1-of-1.journal"] if name == "merge" else []))
                result = step(code=None, environment=self.disturbed(alloc=at, once=at % 2 == 0))
                codes.append(result.returncode)
                if result.returncode == 0:
                    break
                self.check(result, f"{name}: allocation {at}")
                self.assertIn("memory", result.stderr)
                at += 1 if NIGHTLY else max(1, at // 2)
            self.assertEqual(codes[-1], 0)
            self.run_share()
        self.merge()
        self.assertEqual(sha256(self.path("r.h5")), self.whole)

    def test_little_memory(self):
        """The machine's own limit: libraries meet it, too."""
        self.clear()
        for mib in (range(60, 400, 10) if NIGHTLY else (100, 180)):
            limit = mib << 20
            result = self.run_share(code=None, preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
            self.assertIn(result.returncode, (0, 1, 4, 127), f"{mib} MiB\n{result.stderr}")  # 1: libgomp; 127: the loader
            self.assertTrue(result.returncode == 0 or result.stderr, f"{mib} MiB")
        self.run_share()
        self.merge()
        self.assertEqual(sha256(self.path("r.h5")), self.whole)

    def test_few_file_handles(self):
        """The real limit, which also meets what the shim does not count."""
        for most in (range(4, 12) if NIGHTLY else (5, 8)):
            self.clear()
            result = self.run_all(code=None, preexec_fn=lambda most=most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
            self.assertIn(result.returncode, (0, 4, 127), f"{most} handles\n{result.stderr}")
            self.assertTrue(result.returncode == 0 or result.stderr)
            self.run_all()
            self.assertEqual(sha256(self.path("r.h5")), self.whole)


if __name__ == "__main__":
    unittest.main()

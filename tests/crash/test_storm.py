"""SIGKILL at random instants over whole sweeps and shares, their resumes and their merges: no finished run is lost, none is simulated
twice, and every result has the bytes of an undisturbed sweep. Then a kill before every single call that touches a file.

`make crash` does 1,000 kills and every call (HEADROOM_NIGHTLY); `make test` a few."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

from support import shim
from support.program import NIGHTLY, PROGRAM, SHORT, InFolder, repetitions, sha256, small

KILLS = repetitions(10, 1000, 4)
# Constant arrivals: jobs count runs (see test_kill_resume.py).
JOBS = 400 * 600 - 1
SCENARIO = small({
    "horizon": "10m", "replications": 10,
    "deployments.app.workload.arrivals": {"constant": {"rate": "400/s"}}, "deployments.app.concurrency": 16, "deployments.app.replicas": {"initial": 4, "max": 12},
    "strategies": {"out": {"scale": {"horizontal": {"target": "55%"}}}},
    "sweep": [{"set": "deployments.app.variants.only.service.distribution.time.exponential.mean", "values": ["60ms", "80ms", "100ms", "110ms", "120ms"]}],
})
POINTS, RUNS_A_POINT = 5, 10


class Storm(InFolder):
    def setUp(self):
        super().setUp()
        self.random = random.Random(int(os.environ.get("HEADROOM_STORM", "41")))
        self.scenario = self.write("s.yaml", SCENARIO)
        start_s = time.monotonic()
        self.headroom("run", self.scenario, "-o", "whole.h5", "--quiet", "-j", "2", "--traces", "all")
        self.duration_s = time.monotonic() - start_s
        self.whole = sha256(self.path("whole.h5"))
        self.kills = {"run": 0, "resume": 0, "share": 0, "merge": 0}
        self.lost = self.again = self.sweeps = 0

    def committed(self, journal):
        """{run: data}; read from a copy, as SQLite would repair the file itself."""
        if not os.path.exists(journal):
            return {}
        copy = self.path("copy.db")
        for ending in ("", "-journal"):
            if os.path.exists(journal + ending):
                shutil.copy(journal + ending, copy + ending)
        try:
            with sqlite3.connect(copy) as database:
                return dict(database.execute("SELECT run, data FROM run").fetchall())
        except sqlite3.OperationalError as error:
            self.assertIn("no such table", str(error))
            return {}
        finally:
            for ending in ("", "-journal"):
                if os.path.exists(copy + ending):
                    os.remove(copy + ending)

    def attempt(self, what, arguments, most_s):
        """Standard output, or None when it was killed."""
        process = subprocess.Popen([PROGRAM, *arguments], cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            output, errors = process.communicate(timeout=self.random.uniform(0, most_s))
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
        self.assertIn(process.returncode, (0, -9), errors)
        self.kills[what] += process.returncode == -9
        return output if process.returncode == 0 else None

    def run_until_done(self, output, shard, planned):
        """A share (or a whole sweep, shard None) to its end, through kills; counts what is lost or done again."""
        journal = self.path(output + (".journal" if shard is None else ".shard-{}-of-{}.journal".format(*shard)))
        options = ["--traces", "all", "-j", "2", "--resume"] + (["--shard", "{}/{}".format(*shard)] if shard else [])
        most_s = 0.9 * self.duration_s * (planned / (POINTS * RUNS_A_POINT) + 0.1)
        before = {}
        while True:
            what = "share" if shard else "resume" if before else "run"
            said = self.attempt(what, ["run", self.scenario, "-o", output, *options], most_s if sum(self.kills.values()) < KILLS else 300)
            if said is not None:
                jobs = re.search(r"runs, (\d+) jobs", said)  # a result that was written before has nothing to say
                if jobs:
                    self.again += abs(int(jobs.group(1)) - JOBS * (planned - len(before))) // JOBS
                return journal
            if shard is None and os.path.exists(self.path(output)):
                self.assertEqual(sha256(self.path(output)), self.whole, "half a result")
            now = self.committed(journal)
            if shard is not None or not os.path.exists(self.path(output)):
                self.lost += sum(now.get(run) != data for run, data in before.items())
            before = now

    def sweep(self, shards):
        output = f"r{self.sweeps}.h5"
        self.sweeps += 1
        if shards == 0:
            self.run_until_done(output, None, POINTS * RUNS_A_POINT)
        else:
            journals = []
            for k in self.random.sample(range(1, shards + 1), shards):
                planned = RUNS_A_POINT * len(range(k - 1, POINTS, shards))
                journals.append(self.run_until_done(output, (k, shards), planned))
            before = [sha256(journal) for journal in journals]
            while self.attempt("merge", ["merge", output, "--force"], 0.3 * self.duration_s if sum(self.kills.values()) < KILLS else 300) is None:
                if os.path.exists(self.path(output)):
                    self.assertEqual(sha256(self.path(output)), self.whole, "half a result")
                self.assertEqual([sha256(journal) for journal in journals], before)
        self.assertEqual(sha256(self.path(output)), self.whole)
        self.headroom("status", output)
        for name in os.listdir(self.folder):
            if name.startswith(output):
                os.remove(self.path(name))

    def test_storm(self):
        while sum(self.kills.values()) < KILLS:
            for shards in (0, 2, 1, 3):
                if sum(self.kills.values()) < KILLS:
                    self.sweep(shards)
        print(f"crash: {sum(self.kills.values())} kills in {self.sweeps} sweeps ({', '.join(f'{number} in {what}' for what, number in self.kills.items())}): "
              f"{self.lost} finished runs lost, {self.again} simulated again, every result byte-equal", flush=True)
        self.assertEqual((self.lost, self.again), (0, 0))


class EveryCall(shim.Preloaded):
    SCENARIO = small({"horizon": "1m", "replications": 2, "sweep": [{"set": "deployments.app.concurrency", "values": [1, 2]}]})

    def setUp(self):
        super().setUp()
        self.killed = 0

    def each_call(self, *arguments):
        """Kills the command before its k-th call on a file, for all k (some of them in a short test); yields after each kill."""
        k = 1
        while True:
            result = self.headroom(*arguments, code=None, environment=self.disturbed(at=k, kill=True))
            if result.returncode == 0:
                return
            self.assertEqual(result.returncode, -9, result.stderr)
            self.killed += 1
            yield
            k += 1 if NIGHTLY else 31 if SHORT else 13

    def clear(self, *keep):
        for name in os.listdir(self.folder):
            if name not in ("s.yaml", *keep):
                os.remove(self.path(name))

    def test_run_and_resume(self):
        run = ("run", "s.yaml", "-o", "r.h5", "--quiet", "-j", "1", "--resume")
        for _ in self.each_call(*run):
            self.headroom("status", ".", code=None)
            self.headroom(*run)
            self.assertEqual(sha256(self.path("r.h5")), self.whole)
            self.clear()
        print(f"crash: killed before each of {self.killed} calls of run" if NIGHTLY else "")

    def test_merge(self):
        self.headroom("run", "s.yaml", "-o", "r.h5", "--quiet", "--shard", "1/1")
        journal = "r.h5.shard-1-of-1.journal"
        for _ in self.each_call("merge", "r.h5", "--quiet"):
            self.headroom("merge", "r.h5", "--quiet", "--force")
            self.assertEqual(sha256(self.path("r.h5")), self.whole)
            self.clear(journal)
        print(f"crash: killed before each of {self.killed} calls of merge" if NIGHTLY else "")


if __name__ == "__main__":
    unittest.main()

"""Kills a sweep with SIGKILL at random instants and resumes it, over and over: what was committed stays, nothing committed is simulated
again, no half result appears, and the final file has the bytes of an uninterrupted sweep."""

import os
import random
import re
import shutil
import sqlite3
import subprocess
import time
import unittest

from support.program import PROGRAM, InFolder, repetitions, sha256, small

KILLS = repetitions(10, 150, 5)  # while it runs
KILLS_IN_WRITING = repetitions(4, 50, 2)  # while the result is written
# Constant arrivals: every run simulates as many jobs, rate x horizon less the one at the very end, so that jobs count runs.
JOBS = 200 * 600 - 1
SCENARIO = small({
    "horizon": "10m", "replications": 20,
    "deployments.app.workload.arrivals": {"constant": {"rate": "200/s"}}, "deployments.app.concurrency": 8,
    "deployments.app.replicas": {"initial": 4, "max": 12},
    "strategies": {"out": {"scale": {"horizontal": {"target": "55%"}}}, "up": {"scale": {"vertical": {"target": "55%"}}}},
    "sweep": [{"set": "deployments.app.variants.only.service.distribution.time.exponential.mean", "values": ["60ms", "80ms", "100ms", "120ms"]}],
})
RUNS = 4 * 2 * 20


class KillAndResume(InFolder):
    def committed(self, output):
        """{run: data} of the journal. It is read from a copy, as SQLite would repair the file itself after the kill."""
        if not os.path.exists(output + ".journal"):
            return {}
        copy = self.path("copy.db")
        shutil.copy(output + ".journal", copy)
        if os.path.exists(output + ".journal-journal"):
            shutil.copy(output + ".journal-journal", copy + "-journal")
        try:
            with sqlite3.connect(copy) as journal:
                return dict(journal.execute("SELECT run, data FROM run").fetchall())
        except sqlite3.OperationalError as error:
            self.assertIn("no such table", str(error))
            return {}
        finally:
            for name in (copy, copy + "-journal"):
                if os.path.exists(name):
                    os.remove(name)

    def start(self, scenario, output):
        return subprocess.Popen([PROGRAM, "run", scenario, "-o", output, "--quiet", "--resume", "--traces", "all", "-j", "2"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def kill_after(self, scenario, output, delay_s):
        """True if the sweep was killed, false if it had ended well before."""
        process = self.start(scenario, output)
        try:
            process.wait(timeout=delay_s)
        except subprocess.TimeoutExpired:
            process.kill()
        _, errors = process.communicate()
        self.assertIn(process.returncode, (0, -9), errors)
        return process.returncode == -9

    def check_after_kill(self, output, before):
        now = self.committed(output)
        if os.path.exists(output):
            self.assertEqual(sha256(output), self.whole_sha256, "a half result")
            return now
        self.assertGreaterEqual(len(now), len(before))
        for run, data in before.items():
            self.assertEqual(now.get(run), data, f"run {run}, committed before, has changed")
        return now

    def test_kills(self):
        random_instants = random.Random(20)
        scenario = self.write("s.yaml", SCENARIO)
        whole = self.run_scenario(scenario, "--traces", "all", name="whole")
        self.whole_sha256 = sha256(whole)
        output = self.path("s.h5")
        committed, kills = {}, 0
        while kills < KILLS:
            # At the beginning, and around the commits of every half second.
            delay_s = random_instants.choice([random_instants.uniform(0, 0.08), random_instants.uniform(0.45, 0.75)])
            if self.kill_after(scenario, output, delay_s):
                kills += 1
                committed = self.check_after_kill(output, committed)
            else:
                self.assertEqual(sha256(output), self.whole_sha256)
                os.remove(output)
                committed = {}
        self.finish(scenario, output)

    def kill_in_writing(self, scenario, output, delay_s):
        """Kills so long after the result's temporary file appeared; false if the sweep ended before."""
        process = self.start(scenario, output)
        while process.poll() is None and not os.path.exists(output + ".partial"):
            time.sleep(0.0005)
        time.sleep(delay_s)
        process.kill()
        process.communicate()
        return process.returncode == -9

    def test_kills_while_the_result_is_written(self):
        random_instants = random.Random(8)
        scenario = self.write("s.yaml", SCENARIO)
        self.whole_sha256 = sha256(self.run_scenario(scenario, "--traces", "all", name="whole"))
        output = self.path("s.h5")
        kills = 0
        for _ in range(10 * KILLS_IN_WRITING):
            if self.kill_in_writing(scenario, output, random_instants.uniform(0, 0.03)):
                kills += 1
                self.check_after_kill(output, {})
                if not os.path.exists(output):
                    self.assertEqual(len(self.committed(output)), RUNS)
            if kills == KILLS_IN_WRITING:
                break
            if os.path.exists(output):
                os.remove(output)
        self.finish(scenario, output)

    def finish(self, scenario, output):
        """Resumes to the end; only what was missing is simulated."""
        if os.path.exists(output):  # killed between the last rename and the removal of the journal
            os.remove(output)
        kept = len(self.committed(output))
        text = self.headroom("run", scenario, "-o", output, "--resume", "--traces", "all").stdout
        runs, jobs = re.search(r"s\.h5: (\d+) runs, (\d+) jobs", text).groups()
        self.assertEqual((int(runs), int(jobs)), (RUNS, JOBS * (RUNS - kept)))
        self.assertEqual(sha256(output), self.whole_sha256)
        self.assertEqual({name for name in os.listdir(self.folder) if name.startswith("s.")}, {"s.yaml", "s.h5"})

    def test_only_the_missing_runs_are_simulated(self):
        scenario = self.write("s.yaml", SCENARIO)
        output = self.path("s.h5")
        process = self.start(scenario, output)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and not 0 < len(self.committed(output)) < RUNS:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        kept = len(self.committed(output))
        self.assertGreater(kept, 0)
        text = self.headroom("run", scenario, "-o", output, "--resume", "--traces", "all").stdout
        jobs = int(re.search(r"runs, (\d+) jobs", text).group(1))
        self.assertEqual(jobs, JOBS * (RUNS - kept))


if __name__ == "__main__":
    unittest.main()

"""Shares of a sweep: which one a launcher's environment gives, that any number of them merges into the file of the undivided sweep byte for
byte, that what is missing is said and made alone, and what merge refuses."""

import csv
import fcntl
import io
import json
import os
import sqlite3
import subprocess
import time
import unittest

import h5py
import numpy
import xarray

from support.program import PROGRAM, InFolder, sha256, small

POINTS, STRATEGIES, REPLICATIONS = 7, 2, 3
RUNS = POINTS * STRATEGIES * REPLICATIONS
SCENARIO = small({
    "horizon": "5m", "replications": REPLICATIONS,
    "strategies.out": {"scale": {"horizontal": {"target": "60%"}}},
    "sweep": [{"set": "deployments.app.concurrency", "values": list(range(1, POINTS + 1))}],
})
LAUNCHERS = ("SLURM_", "OMPI_", "PMI", "MV2_", "JOB_COMPLETION_INDEX", "PARALLEL_", "HEADROOM_SHARDS")


def clean():
    """The environment without any launcher."""
    for name in [name for name in os.environ if name.startswith(LAUNCHERS)]:
        del os.environ[name]


class Shares(InFolder):
    def setUp(self):
        super().setUp()
        clean()
        self.scenario = self.write("s.yaml", SCENARIO)

    def share(self, output, shard, *options, code=0, **more):
        return self.headroom("run", self.scenario, "-o", output, "--shard", shard, *options, code=code, **more)

    def whole(self, *options):
        self.headroom("run", self.scenario, "-o", "whole.h5", "--quiet", *options)
        return sha256(self.path("whole.h5"))

    def status(self, *paths, code=0):
        return json.loads(self.headroom("status", *paths, "--json", code=code).stdout)["sweeps"]


class Merging(Shares):
    def test_any_number_of_shares_gives_the_same_bytes(self):
        whole = self.whole("--traces", "all")
        for shards in (1, 2, 5, 64):  # more than there are points: some are empty
            output = f"of-{shards}.h5"
            for k in range(shards, 0, -1):
                self.share(output, f"{k}/{shards}", "--traces", "all", "--quiet")
            self.assertFalse(os.path.exists(self.path(output)))
            self.headroom("merge", output, "--remove")
            self.assertEqual(sha256(self.path(output)), whole, f"{shards} shares")
        self.assertEqual([name for name in os.listdir(self.folder) if "journal" in name or "partial" in name], [])

    def test_a_point_stays_together(self):
        self.share("r.h5", "2/3", "--quiet")
        with sqlite3.connect(self.path("r.h5.shard-2-of-3.journal")) as journal:
            runs = [run for run, in journal.execute("SELECT run FROM run ORDER BY run")]
        size = STRATEGIES * REPLICATIONS
        self.assertEqual(runs, [point * size + k for point in (1, 4) for k in range(size)])

    def test_journals_by_name_by_folder_and_beside_the_result(self):
        whole = self.whole()
        os.mkdir(self.path("far"))
        for k in (1, 2):
            self.share("far/r.h5", f"{k}/2", "--quiet")
        self.headroom("merge", "far/r.h5", "--quiet")
        self.headroom("merge", "a.h5", "far", "--quiet")
        self.headroom("merge", "b.h5", "far/r.h5.shard-2-of-2.journal", "far/r.h5.shard-1-of-2.journal", "--quiet")
        for name in ("far/r.h5", "a.h5", "b.h5"):
            self.assertEqual(sha256(self.path(name)), whole, name)

    def test_overlapping_journals(self):
        """Of different numbers of shares, or one given twice: equal runs are one run."""
        whole = self.whole()
        for shard in ("1/2", "2/2"):
            self.share("a.h5", shard, "--quiet")
        self.share("b.h5", "1/3", "--quiet")
        self.headroom("merge", "c.h5", "a.h5", "b.h5", "a.h5.shard-1-of-2.journal", "--quiet")
        self.assertEqual(sha256(self.path("c.h5")), whole)

    def test_a_merge_needs_neither_scenario_nor_inputs(self):
        whole = self.whole()
        self.share("r.h5", "1/1", "--quiet")
        os.remove(self.scenario)
        self.headroom("merge", "r.h5", "--quiet")
        self.assertEqual(sha256(self.path("r.h5")), whole)

    def test_what_is_missing_is_refused_and_made_alone(self):
        whole = self.whole()
        for k in (1, 2, 4):
            self.share("r.h5", f"{k}/4", "--quiet")
        result = self.headroom("merge", "r.h5", code=4)
        self.assertFalse(os.path.exists(self.path("r.h5")))
        self.assertIn(f"{12} of {RUNS} runs are missing", result.stderr)
        again = f"headroom run {self.scenario} -o r.h5 --shard 3/4 --resume"
        self.assertIn(f"share 3 of 4: 12 missing, the first is run 12; it has no journal here\n    {again}\n", result.stderr)
        self.headroom(*again.split()[1:])
        self.headroom("merge", "r.h5")
        self.assertEqual(sha256(self.path("r.h5")), whole)

    def test_partial(self):
        for k in (1, 3):
            self.share("r.h5", f"{k}/3", "--quiet")
        result = self.headroom("merge", "r.h5", "--partial")
        self.assertIn("share 2 of 3", result.stderr)
        for engine in ("netcdf4", "h5netcdf"):
            with xarray.open_dataset(self.path("r.h5"), group="summary", engine=engine) as summary:
                self.assertEqual(summary.sizes["run"], RUNS)
                missing = summary.status.values == 2
                self.assertEqual([point for point in range(POINTS) if missing[point * 6:point * 6 + 6].all()], [1, 4])
                self.assertEqual(missing.sum(), 12)
                self.assertTrue((summary.offered.isnull().values[:, 0] == missing).all())
                self.assertEqual(summary.status.attrs["flag_meanings"], "ok failed missing")
            with xarray.open_dataset(self.path("r.h5"), group="trace", engine=engine) as trace:
                self.assertEqual(trace.offered_rps.isnull().all(dim=("deployment", "time")).values.sum(), 4)
        with h5py.File(self.path("r.h5")) as file:
            self.assertEqual(file.attrs["partial"], 1)
        # A partial result is no finished one: its shares can be gone on with, and merged again.
        self.share("r.h5", "2/3", "--resume", "--quiet")
        self.headroom("merge", "r.h5", code=2)
        self.headroom("merge", "r.h5", "--force", "--quiet")
        self.assertEqual(sha256(self.path("r.h5")), self.whole())

    def test_different_sweeps_are_refused(self):
        self.share("r.h5", "1/2", "--quiet")
        self.share("r.h5", "2/2", "--quiet", "--set", "deployments.app.replicas.initial=3")
        errors = self.headroom("merge", "r.h5", code=4).stderr
        self.assertIn("belong to different scenarios; first difference, line", errors)
        self.assertIn("--set deployments.app.replicas.initial=3", errors)
        self.share("q.h5", "1/2", "--quiet")
        self.share("q.h5", "2/2", "--quiet", "--traces", "all")
        self.assertIn("traces of first runs", self.headroom("merge", "q.h5", code=4).stderr)

    def test_journals_that_disagree_on_a_run(self):
        self.share("a.h5", "1/1", "--quiet")
        self.share("b.h5", "1/2", "--quiet")
        with sqlite3.connect(self.path("b.h5.shard-1-of-2.journal")) as journal:
            journal.execute("UPDATE run SET data = (SELECT data FROM run WHERE run = 1) WHERE run = 3")
        self.assertIn("run 3 differs between", self.headroom("merge", "c.h5", "a.h5", "b.h5", code=4).stderr)

    def test_nothing_to_merge(self):
        self.assertIn("no journal of 'r.h5'", self.headroom("merge", "r.h5", code=4).stderr)
        self.write("x.journal", "not a journal, whatever its name says; long enough for a header" * 3)
        self.assertIn("is not a journal of headroom", self.headroom("merge", "r.h5", "x.journal", code=4).stderr)
        self.write("y.journal", "")
        self.assertIn("holds nothing yet", self.headroom("merge", "r.h5", "y.journal", code=4).stderr)

    def test_a_second_merge_of_the_same_result_is_refused(self):
        self.share("r.h5", "1/1", "--quiet")
        with open(self.path("r.h5.partial"), "wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # another kind of lock: not ours
            self.headroom("merge", "r.h5", "--quiet")
        os.remove(self.path("r.h5"))
        with open(self.path("r.h5.partial"), "wb") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            self.assertIn("is being written by another headroom", self.headroom("merge", "r.h5", code=4).stderr)
        self.headroom("merge", "r.h5", "--quiet")


class Rounds(Shares):
    """Where `precision` adds replications a point's number of them follows from its own runs, so each share finds it for its points."""

    def setUp(self):
        super().setUp()
        self.scenario = self.write("s.yaml", {**SCENARIO, "replications": 4, "horizon": "10m",
                                              "precision": {"metric": "latency_mean_s", "relative": "0.7%", "max_replications": 60}})

    def test_any_number_of_shares_gives_the_same_bytes(self):
        whole = self.whole()
        with h5py.File(self.path("whole.h5")) as file:
            runs, most = int(file.attrs["runs"]), len(set(file["summary/replication"][()]))
            sizes = {point: (file["summary/point"][()] == point).sum() for point in range(POINTS)}
        self.assertGreater(len(set(sizes.values())), 2, "points differ in what they need")
        self.assertLess(runs, POINTS * STRATEGIES * 60)
        self.assertGreater(most, 8, "more than one round")
        for shards in (1, 2, 5):
            output = f"of-{shards}.h5"
            for k in range(shards, 0, -1):
                self.share(output, f"{k}/{shards}", "--quiet")
            self.assertEqual(sum(share["done"] for share in self.status(output)[0]["shares"]), runs)
            self.headroom("merge", output, "--quiet")
            self.assertEqual(sha256(self.path(output)), whole, f"{shards} shares")

    def test_what_is_missing_is_known_only_at_the_end(self):
        whole = self.whole()
        self.share("r.h5", "1/2", "--quiet")
        self.share("r.h5", "2/2", "--quiet")
        path = self.path("r.h5.shard-2-of-2.journal")
        with sqlite3.connect(path) as journal:  # as an interruption within a later round leaves it
            planned, = journal.execute("SELECT planned FROM progress").fetchone()
            runs = [run for run, in journal.execute("SELECT run FROM run ORDER BY run")]
            late = [run for run in runs if run % 60 >= 8]
            self.assertEqual(planned, len(runs))
            self.assertGreater(len(late), 4)
            for run in late:
                journal.execute("DELETE FROM run WHERE run = ?", (run,))
            journal.execute("UPDATE progress SET done = ?, planned = ?, final = 0", (len(runs) - len(late),) * 2)
        journal.close()
        sweep, = self.status("r.h5")
        self.assertFalse(sweep["final"])
        self.assertEqual([share["state"] for share in sweep["shares"]], ["complete", "stopped"])
        self.assertIn("so far (precision may ask for more)", self.headroom("status", "r.h5").stdout)
        self.assertIn("share 2 of 2:", self.headroom("merge", "r.h5", code=4).stderr)
        self.share("r.h5", "2/2", "--resume", "--quiet")
        self.headroom("merge", "r.h5", "--quiet")
        self.assertEqual(sha256(self.path("r.h5")), whole)
        self.assertTrue(self.status("r.h5")[0]["final"])

    def test_batches_and_manifests(self):
        """What the file says of statistics, and strategies that are manifests, come through journals."""
        self.write("hpa.yaml", {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "app"},
                                "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}, "minReplicas": 1, "maxReplicas": 4,
                                         "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}]}})
        edits = {**SCENARIO, "replications": 1, "batches": 8, "horizon": "30m"}
        edits["strategies"] = {**SCENARIO["strategies"], "manifest": {"scale": {"manifest": "hpa.yaml"}}}
        self.scenario = self.write("s.yaml", edits)
        whole = self.whole()
        for k in (1, 2):
            self.share("r.h5", f"{k}/2", "--quiet")
        self.headroom("merge", "r.h5", "--quiet")
        self.assertEqual(sha256(self.path("r.h5")), whole)
        os.remove(self.path("r.h5.shard-1-of-2.journal"))
        self.headroom("merge", "part.h5", "r.h5.shard-2-of-2.journal", "--partial", "--quiet")
        with h5py.File(self.path("part.h5")) as file:
            missing = file["summary/status"][()] == 2
            batches = file["batches/latency_mean_s"][()]
            self.assertTrue((numpy.isnan(batches).all(axis=(1, 2)) == missing).all())

    def test_training_queues(self):
        """Their groups come through journals, and rows of runs that are missing from a partial result."""
        training = {name: {"jobs": {"arrivals": {"poisson": {"rate": "30/h"}}, "duration": {"exponential": {"mean": "2m"}}}} for name in ("a", "b")}
        scenario = {**SCENARIO, "training": training, "replications": 2, "horizon": "1h"}
        scenario["cluster"] = {"pools": {"gpu": {"machine": {"cpu": 16, "memory": "64Gi", "gpu": 4, "price": "$1/h"}, "nodes": {"min": 2, "max": 2}}}}
        self.scenario = self.write("s.yaml", scenario)
        whole = self.whole("--traces", "all")
        for k in (1, 2):
            self.share("r.h5", f"{k}/2", "--quiet", "--traces", "all")
        self.headroom("merge", "r.h5", "--quiet")
        self.assertEqual(sha256(self.path("r.h5")), whole)
        self.headroom("merge", "part.h5", "r.h5.shard-2-of-2.journal", "--partial", "--quiet")
        with h5py.File(self.path("part.h5")) as file:
            missing = file["summary/status"][()] == 2
            self.assertTrue((numpy.isnan(file["training/submitted"][()]).all(axis=1) == missing).all())
            self.assertEqual(len(file["training_trace/gpus"]), len(missing))

    def test_assertions_are_about_the_whole(self):
        result = self.share("r.h5", "1/2", "--assert", "latency_mean_s < 1s", code=2)
        self.assertIn("headroom compare RESULT --assert", result.stderr)


class Resuming(Shares):
    def test_a_finished_share_has_nothing_to_do(self):
        self.share("r.h5", "1/2", "--quiet")
        self.assertIn("exists: a sweep was interrupted; --resume", self.share("r.h5", "1/2", code=4).stderr)
        self.assertIn(" 0 jobs in ", self.share("r.h5", "1/2", "--resume").stdout)

    def test_a_finished_sweep_has_nothing_to_do(self):
        self.share("r.h5", "1/1", "--quiet")
        self.headroom("merge", "r.h5", "--remove", "--quiet")
        before = sha256(self.path("r.h5"))
        self.share("r.h5", "1/1", "--resume", "--quiet")
        self.assertEqual(sorted(os.listdir(self.folder)), ["r.h5", "s.yaml"])
        self.assertEqual(sha256(self.path("r.h5")), before)

    def test_another_number_of_shares_is_refused(self):
        self.share("r.h5", "1/2", "--quiet")
        self.assertIn("is being made in 2 shares, not 3", self.share("r.h5", "1/3", code=2).stderr)

    def test_a_changed_scenario_is_refused_and_the_key_named(self):
        """The journal is what an interrupted sweep leaves; the text is written in YAML as people do."""
        text = ("name: y\nhorizon: 5m\ncluster: {pools: {cpu: {machine: {cpu: 4, memory: 16Gi, price: $1/h}, nodes: {min: 1, max: 4}}}}\n"
                "deployments:\n  app:\n    requests: {cpu: 1, memory: 1Gi}\n    # few\n    concurrency: 2\n"
                "    variants: {v: {service: {distribution: {time: {exponential: {mean: 100ms}}}}}}\n"
                "    workload: {arrivals: {poisson: {rate: 2/s}}}\nstrategies: {still: {scale: none}}\n")
        self.scenario = self.write("y.yaml", text)
        self.share("r.h5", "1/2", "--quiet")
        self.write("y.yaml", text.replace("concurrency: 2", "concurrency: 3"))
        errors = self.share("r.h5", "1/2", "--resume", code=4).stderr
        self.assertIn("the scenario has changed since", errors)
        self.assertIn("first difference, line 8 (deployments.app.concurrency):\n  then:     concurrency: 2\n  now:      concurrency: 3\n", errors)

    def test_a_changed_input_is_refused_and_named(self):
        jobs = "time,input,output\n" + "".join(f"{k},1,1\n" for k in range(1, 100))
        self.write("jobs.csv", jobs)
        scenario = dict(SCENARIO)
        scenario["deployments"] = {"app": dict(SCENARIO["deployments"]["app"], workload={"arrivals": {"trace": {"trace": {"file": "jobs.csv"}}}})}
        self.scenario = self.write("t.yaml", scenario)
        self.share("r.h5", "1/2", "--quiet")
        self.write("jobs.csv", jobs + "100,1,1\n")
        errors = self.share("r.h5", "1/2", "--resume", code=4).stderr
        self.assertRegex(errors, r"the input 'jobs\.csv' has changed since .*: SHA-256 then [0-9a-f]{12}\.\.\., now [0-9a-f]{12}\.\.\.")
        self.share("r.h5", "2/2", "--quiet")
        self.assertRegex(self.headroom("merge", "r.h5", code=4).stderr, r"the input 'jobs\.csv' of the journals .* differs: SHA-256")

    def test_two_writers(self):
        self.share("r.h5", "1/2", "--quiet")
        with open(self.path("r.h5.shard-1-of-2.journal"), "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 0x40000000 + 4096)
            self.assertIn("is being written by another headroom", self.share("r.h5", "1/2", "--resume", code=4).stderr)


class Status(Shares):
    def test_shares(self):
        for k in (1, 3):
            self.share("r.h5", f"{k}/3", "--quiet")
        sweep, = self.status("r.h5")
        self.assertEqual((sweep["runs"], sweep["done"], sweep["failed"], sweep["missing"], sweep["running"]), (RUNS, 30, 0, 12, 0))
        self.assertEqual([(share["shard"], share["state"], share["done"], share["missing"]) for share in sweep["shares"]],
                         [(1, "complete", 18, 0), (2, "absent", 0, 12), (3, "complete", 12, 0)])
        rows = list(csv.DictReader(io.StringIO(self.headroom("status", "r.h5", "--csv").stdout)))
        self.assertEqual([(int(row["shard"]), row["state"], int(row["done"]), int(row["missing"]), row["journal"]) for row in rows],
                         [(share["shard"], share["state"], share["done"], share["missing"], share["journal"] or "") for share in sweep["shares"]])
        text = self.headroom("status", ".").stdout
        self.assertIn(f"headroom run {self.scenario} -o r.h5 --shard 2/3 --resume", text)
        self.assertIn("30 done (71.43 %)", text)

    def test_failed_runs_are_counted(self):
        scenario = dict(SCENARIO, deployments={"app": dict(SCENARIO["deployments"]["app"], queue={"max_queue": 50}, workload={"arrivals": {"poisson": {"rate": "80/s"}}})})
        self.scenario = self.write("f.yaml", scenario)
        self.share("r.h5", "1/1", "--quiet", code=1)
        sweep, = self.status("r.h5")
        self.assertGreater(sweep["failed"], 0)
        self.assertEqual(sweep["done"], RUNS)

    def test_while_it_runs(self):
        """Looked at again and again, the sweep is neither disturbed nor misread."""
        scenario = dict(SCENARIO, horizon="12h")
        self.scenario = self.write("long.yaml", scenario)
        process = subprocess.Popen([PROGRAM, "run", self.scenario, "-o", "r.h5", "--shard", "1/2", "--quiet", "-j", "1"], cwd=self.folder,
                                   stderr=subprocess.PIPE, text=True)
        seen, states = [0], set()
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end:
            if os.path.exists(self.path("r.h5.shard-1-of-2.journal")):
                for sweep in self.status("r.h5"):
                    share = sweep["shares"][0]
                    seen.append(share["done"])
                    states.add(share["state"])
            time.sleep(0.02)
        self.assertEqual((process.wait(), process.stderr.read()), (0, ""))
        process.stderr.close()
        self.assertEqual(seen, sorted(seen))
        self.assertIn("running", states)
        sweep, = self.status("r.h5")
        self.assertEqual((sweep["shares"][0]["state"], sweep["done"]), ("complete", 24))
        self.assertGreater(sweep["shares"][0]["runs_per_s"], 0)

    def test_what_is_no_journal(self):
        self.assertIn("No such file", self.headroom("status", "x.journal", code=4).stderr)
        self.assertIn("no journal is in", self.headroom("status", "x.h5", code=4).stderr)
        self.write("x.journal", "")
        self.assertIn("holds nothing yet", self.headroom("status", "x.journal").stderr)
        self.headroom("tune", self.scenario, "--minimize", "cost_usd", "--over", "strategies.out.scale.horizontal.target={50%,60%}", "--budget", "20", "--confirm", "2",
                      "--set", "sweep=[]", "--journal", "y.journal", "--quiet")
        self.assertIn("y.journal is the journal of a tuning, which does not run now", self.headroom("status", "y.journal").stderr)
        self.assertIn("has no runs to merge", self.headroom("merge", "z.h5", "y.journal", code=4).stderr)


class Launchers(Shares):
    """Which share an environment gives: (environment, option, k, N) or (environment, option, words of the refusal)."""

    ARRAY = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7"}

    def array(self, task, count, least, step=1, most=None):
        most = least + (count - 1) * step if most is None else most
        return dict(self.ARRAY, SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_COUNT=str(count), SLURM_ARRAY_TASK_MIN=str(least),
                    SLURM_ARRAY_TASK_STEP=str(step), SLURM_ARRAY_TASK_MAX=str(most))

    def expect(self, environment, options, share, words=None):
        result = self.headroom("run", self.scenario, "-o", "r.h5", "--strategies", "still", *options, code=None, environment=environment)
        journals = [name for name in os.listdir(self.folder) if name.endswith(".journal")]
        for name in journals:
            os.remove(self.path(name))
        if os.path.exists(self.path("r.h5")):
            os.remove(self.path("r.h5"))
        if words:
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(words, result.stderr)
            self.assertEqual(journals, [])
        elif share is None:
            self.assertEqual((result.returncode, journals, result.stderr), (0, [], ""))
        else:
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(journals, [f"r.h5.shard-{share[0]}-of-{share[1]}.journal"], environment)
            self.assertIn(f"headroom: share {share[0]} of {share[1]} (", result.stderr)
        return result.stderr

    def test_option(self):
        self.expect({}, ["--shard", "3/4"], (3, 4))
        self.expect({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "8"}, ["--shard", "3/4"], (3, 4))
        self.expect({"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "8"}, ["--shard", "none"], None)
        for wrong in ("0/4", "5/4", "1/0", "-1/4", "1", "1/", "/4", "1/4x", "1.5/4", "a/b", "1/1000001", "auto/0", "auto/x", ""):
            self.expect({}, ["--shard", wrong], None, f"--shard {wrong}:")
        self.expect({}, ["--shard", "auto"], None, "no Slurm array")
        self.expect({}, [], None)

    def test_slurm_array(self):
        self.assertIn("(Slurm array task)", self.expect(self.array(2, 4, 1), [], (2, 4)))
        self.expect(self.array(0, 4, 0), [], (1, 4))
        self.expect(self.array(9, 4, 0, 3), [], (4, 4))
        # Part of an array that is run again: its numbers are the shares', if their number is said.
        self.expect(self.array(3, 1, 3), [], None, "set HEADROOM_SHARDS=N")
        self.expect(self.array(3, 1, 3), ["--shard", "auto/4"], (3, 4))
        self.expect(dict(self.array(3, 1, 3), HEADROOM_SHARDS="4"), [], (3, 4))
        self.expect(dict(self.array(3, 2, 2), HEADROOM_SHARDS="4"), [], (3, 4))
        self.expect(dict(self.array(5, 1, 5), HEADROOM_SHARDS="4"), [], None, "beyond the 4 shares")
        self.expect(dict(self.array(0, 4, 0), HEADROOM_SHARDS="4"), [], None, "from 1")
        self.expect(self.array(7, 3, 1, 1, most=7), [], None, "cannot be told")

    def test_slurm_steps(self):
        step = {"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "2", "SLURM_STEP_NUM_TASKS": "4", "SLURM_NTASKS": "8"}
        self.expect(step, [], (3, 4))
        self.expect({"SLURM_PROCID": "2", "SLURM_NTASKS": "4"}, [], (3, 4))
        # The batch script itself is no step, a step of one task runs everything.
        self.expect({"SLURM_JOB_ID": "7", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, [], None)
        self.expect({"SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, [], None)
        # Steps of several tasks within an array.
        self.expect(dict(self.array(2, 3, 1), **step), [], (7, 12))
        self.expect(dict(self.array(2, 3, 1), **dict(step, SLURM_PROCID="0", SLURM_STEP_NUM_TASKS="1")), [], (2, 3))

    def test_mpi(self):
        self.expect({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "3"}, [], (2, 3))
        self.expect({"PMI_RANK": "0", "PMI_SIZE": "2"}, [], (1, 2))
        self.expect({"PMIX_RANK": "1"}, [], None, "of how many")
        self.expect({"PMIX_RANK": "1", "HEADROOM_SHARDS": "2"}, [], (2, 2))
        self.expect({"PMI_RANK": "0", "PMI_SIZE": "2", "HEADROOM_SHARDS": "3"}, [], None, "there are 2")
        # mpirun within a Slurm job: the ranks are its own, whatever started its daemons.
        self.expect({"SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "SLURM_NTASKS": "2", "OMPI_COMM_WORLD_RANK": "5", "OMPI_COMM_WORLD_SIZE": "6"}, [], (6, 6))

    def test_kubernetes(self):
        self.expect({"JOB_COMPLETION_INDEX": "0"}, [], None, "HEADROOM_SHARDS=N")
        self.expect({"JOB_COMPLETION_INDEX": "0", "HEADROOM_SHARDS": "3"}, [], (1, 3))
        self.expect({"JOB_COMPLETION_INDEX": "2"}, ["--shard", "auto/3"], (3, 3))
        self.expect({"JOB_COMPLETION_INDEX": "3"}, ["--shard", "auto/3"], None, "beyond the 3 shares")
        self.expect({"JOB_COMPLETION_INDEX": "0", "HEADROOM_SHARDS": "many"}, [], None, "HEADROOM_SHARDS=many")

    def test_parallel(self):
        self.expect({"PARALLEL_SEQ": "2"}, [], None)
        self.expect({"PARALLEL_SEQ": "2"}, ["--shard", "auto/3"], (2, 3))
        self.expect({"PARALLEL_SEQ": "2", "HEADROOM_SHARDS": "3"}, [], (2, 3))
        self.expect({"PARALLEL_SEQ": "2"}, ["--shard", "auto"], None, "auto/N")


if __name__ == "__main__":
    unittest.main()

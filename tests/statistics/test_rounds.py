"""`precision`: rounds that end when intervals are narrow enough, the same for any number of threads and after an interruption; `--assert`: 0, 98
or 99, each said in words; resampled traces; what intervals say they are conditional on; JSON and CSV everywhere."""

import csv
import io
import json
import os
import signal
import subprocess
import time
import unittest

import h5py
import scipy.stats

from support.program import PROGRAM, InFolder, sha256, small

PRECISE = small({"horizon": "10m", "replications": 4, "precision": {"metric": "latency_mean_s", "relative": "3%", "max_replications": 200},
                 "strategies": {"still": {"scale": "none"}, "track": {"scale": {"horizontal": {"target": "60%"}}}},
                 "sweep": [{"set": "deployments.app.workload.arrivals.poisson.rate", "values": ["6/s", "12/s", "16/s"]}]})


class Rounds(InFolder):
    def rows(self, output):
        return [(point["point"], row["strategy"], row["runs"], row["deployments"]["app"]["latency_mean_s"])
                for point in json.loads(self.headroom("compare", output, "--json").stdout)["points"] for row in point["strategies"]]

    def test_until_precise(self):
        output = self.run_scenario(PRECISE)
        rows = self.rows(output)
        for _, strategy, runs, interval in rows:
            self.assertLessEqual(interval["half_width"], 0.03 * interval["mean"], strategy)
        by_point = {}
        for point, _, runs, _ in rows:
            by_point.setdefault(point, set()).add(runs)
        self.assertTrue(all(len(runs) == 1 for runs in by_point.values()), "the strategies of a point stay paired")
        counts = [next(iter(runs)) for runs in by_point.values()]
        self.assertGreater(max(counts), min(counts), "a busier point needs more")
        with h5py.File(output) as file:
            self.assertEqual(file.attrs["runs"], 2 * sum(counts))
            self.assertEqual(len(file["summary/run"]), 2 * sum(counts))
            self.assertEqual(len(file["trace/run"]), 6)
        self.assertIn(f"{min(counts)} to {max(counts)} replications", self.headroom("compare", output).stdout)

    def test_a_figure_of_training(self):
        queue = {"jobs": {"arrivals": {"poisson": {"rate": "6/h"}}, "gpus": 1, "duration": {"exponential": {"mean": "10m"}}}}
        pool = {"machine": {"cpu": 8, "memory": "32Gi", "gpu": 2, "price": "$1/h"}, "nodes": {"min": 1, "max": 1}}
        precise = {"metric": "completion_mean_s", "relative": "8%", "max_replications": 400}
        scenario = {"horizon": "12h", "replications": 4, "precision": precise, "training": {"q": queue}, "cluster.pools": {"gpu": pool}, "sweep": None,
                    "deployments.app.replicas": {"initial": 0, "min": 0, "max": 1}, "deployments.app.workload": {"arrivals": "none"}, "strategies": {"s": {"scale": "none"}}}
        with h5py.File(self.run_scenario(small(scenario))) as file:
            mean = file["training/completion_mean_s"][:, 0]
        self.assertGreater(len(mean), 4)
        self.assertLess(len(mean), 400)
        half_width = scipy.stats.t.ppf(0.975, len(mean) - 1) * mean.std(ddof=1) / len(mean) ** 0.5
        self.assertLessEqual(half_width, 0.08 * mean.mean())
        none = small({"replications": 4, "precision": precise})
        self.assertIn("`completion_mean_s` is of training queues, and there is none", self.headroom("check", self.write("none.yaml", none), code=3).stderr)

    def test_threads_and_interruption_change_nothing(self):
        wanted = sha256(self.run_scenario(PRECISE, "-j", "1"))
        self.assertEqual(sha256(self.run_scenario(PRECISE, "-j", "4", name="threads")), wanted)
        path, output = self.write("cut.yaml", PRECISE), self.path("cut.h5")
        for wait_s in (0.1, 0.2, 0.4):
            process = subprocess.Popen([PROGRAM, "run", path, "-o", output, "--quiet", "--resume"], cwd=self.folder, stderr=subprocess.DEVNULL)
            time.sleep(wait_s)
            process.send_signal(signal.SIGKILL)
            process.wait()
            if os.path.exists(output):
                break
        self.headroom("run", path, "-o", output, "--quiet", "--resume")
        self.assertEqual(sha256(output), wanted)

    def test_equal_to_that_many_replications(self):
        """The rounds only choose the number: the figures are those of a plain sweep of so many."""
        one = {key: value for key, value in PRECISE.items() if key != "sweep"}
        rows = self.rows(self.run_scenario(one))
        plain = {key: value for key, value in one.items() if key != "precision"}
        plain["replications"] = rows[0][2]
        self.assertEqual(self.rows(self.run_scenario(plain, name="plain")), rows)

    def test_limit(self):
        scenario = {**PRECISE, "precision": {"metric": "latency_mean_s", "relative": "0.1%", "max_replications": 6}}
        self.write("s.yaml", scenario)
        said = self.headroom("run", "s.yaml", "-o", "s.h5", "--quiet").stderr
        self.assertIn("3 of 3 points are not as precise as asked for with max_replications (6)", said)
        self.assertEqual({runs for _, _, runs, _ in self.rows(self.path("s.h5"))}, {6})

    def test_absolute_and_cluster_and_antithetic(self):
        scenario = {**PRECISE, "precision": {"metric": "cluster_cost_usd", "absolute": 0.02, "relative": "0.01%"}, "antithetic": True}
        output = self.run_scenario(scenario)
        for point in json.loads(self.headroom("compare", output, "--json").stdout)["points"]:
            for row in point["strategies"]:
                self.assertEqual(row["runs"] % 2, 0)
                self.assertLessEqual(row["cluster_cost_usd"]["half_width"], 0.02)


class Assertions(InFolder):
    SCENARIO = small({"replications": 6, "strategies": {"still": {"scale": "none"}, "track": {"scale": {"horizontal": {"target": "60%"}}}}})

    def judged(self, code, *assertions, options=()):
        arguments = [text for assertion in assertions for text in ("--assert", assertion)]
        return self.headroom("compare", self.path("s.h5"), *arguments, *options, code=code)

    def test_codes_and_words(self):
        output = self.run_scenario(self.SCENARIO)
        app = json.loads(self.headroom("compare", output, "--json").stdout)["points"][0]["strategies"][0]["deployments"]["app"]
        mean, half = app["latency_mean_s"]["mean"], app["latency_mean_s"]["half_width"]
        for bound, op, code, words in ((mean + 2 * half, "<=", 0, "holds for still"), (mean - 2 * half, "<=", 99, "MISSED for still"),
                                       (mean + half / 2, "<=", 98, "cannot be decided for still"), (mean - 2 * half, ">=", 0, "holds for still"),
                                       (mean + 2 * half, ">", 99, "MISSED"), (mean, "<", 98, "cannot be decided")):
            said = self.judged(code, f"still: latency_mean_s {op} {bound:.9f}").stdout
            self.assertIn(words, said)
            self.assertIn("the 95 % interval is", said)
        self.judged(0, "still: latency_p99_s<=10s", "latency_p99_s <= 20000ms", "track: app.attainment_ratio > 1%", "cluster_cost_usd < 100")
        self.judged(99, "latency_p99_s <= 10s", "still: latency_mean_s <= 1us")  # the worst decides
        self.judged(98, "latency_p99_s <= 10s", f"still: latency_mean_s <= {mean}")
        said = json.loads(self.judged(99, "still: offered < 3", "offered > 3", options=["--json"]).stdout)
        self.assertEqual([item["verdict"] for item in said["assertions"]], ["missed", "holds"])
        self.assertIn("MISSED", self.judged(99, "still: offered < 3", options=["--csv"]).stderr)

    def test_run(self):
        path = self.write("s.yaml", self.SCENARIO)
        self.assertIn("MISSED", self.headroom("run", path, "--assert", "offered < 3", code=99).stdout)
        said = self.headroom("run", path, "--force", "--quiet", "--assert", "offered < 3", "--assert", "offered > 3", code=99)
        self.assertEqual((said.stdout, said.stderr.count("MISSED"), said.stderr.count("holds")), ("", 2, 0))
        self.assertEqual(self.headroom("run", path, "--force", "--quiet", "--assert", "offered > 3").stderr, "")
        self.headroom("run", path, "--resume", "--quiet", "--assert", "offered < 3", code=99)  # finished already: judged all the same

    def test_mistakes_show_before_anything_runs(self):
        path = self.write("s.yaml", self.SCENARIO)
        for text, words in (("stil: offered > 3", "did you mean still"), ("offred > 3", "did you mean offered"), ("offered = 3", "no <= or >="),
                            ("offered > many", "no bound"), ("offered > 3s", "no bound"), ("ap.offered > 3", "did you mean app"), ("offered > nan", "no bound")):
            self.assertIn(words, self.headroom("run", path, "--assert", text, code=2).stderr)
        self.assertFalse(os.path.exists(self.path("s.h5")))

    def test_one_replication_cannot_decide(self):
        self.run_scenario({**self.SCENARIO, "replications": 1})
        self.assertIn("one value gives no interval", self.judged(98, "offered > 3").stdout)


class Traces(InFolder):
    def replay(self, resample):
        self.write("day.csv", "t,n\n" + "".join(f"{60 * k},{1 + k // 60}\n" for k in range(240)))
        arrivals = {"replay": {"trace": {"file": "day.csv", "kind": "counts", "count": "n"}, **resample}}
        return small({"horizon": "4h", "replications": 6, "deployments.app.workload": {"arrivals": arrivals},
                      "strategies": {"still": {"scale": "none"}, "track": {"scale": {"horizontal": {"target": "60%"}}}}})

    def offered(self, output):
        with h5py.File(output) as file:
            return file["summary/offered"][:, 0].reshape(2, 6).tolist(), file.attrs["conditional_on"]

    def test_resampled(self):
        (still, track), given = self.offered(self.run_scenario(self.replay({})))
        self.assertEqual(set(still + track), {600.0})
        self.assertIn("the trace day.csv as it was", given)
        output = self.run_scenario(self.replay({"resample": {"block": "1h"}}), name="resampled")
        (still, track), given = self.offered(output)
        self.assertEqual(still, track)  # common to all strategies
        self.assertGreater(len(set(still)), 3)  # and new for every replication
        self.assertIn("traces like day.csv (blocks of 3600 s)", given)
        self.assertIn(given, self.headroom("compare", output).stdout)
        (still, _), given = self.offered(self.run_scenario(self.replay({"resample": {"block": "1h", "period": "2h"}}), name="period"))
        self.assertTrue(all(n % 120 == 0 for n in still))  # an hour of one period or the other
        self.assertIn("keep their place in the period", given)

    def test_mistakes(self):
        for resample, words in (({"period": "1h"}, "give `block`"), ({"block": "1ms"}, "at least 1s"), ({"block": "2h", "period": "1h"}, "must not be longer")):
            self.assertIn(words, self.headroom("check", self.write("s.yaml", self.replay({"resample": resample})), code=3).stderr)

    def test_conditions_of_laws(self):
        output = self.run_scenario(small({"replications": 3}))
        with h5py.File(output) as file:
            self.assertEqual(file.attrs["conditional_on"], "these laws of arrivals and these service laws")


class Machines(InFolder):
    def test_csv_everywhere(self):
        scenario = small({"replications": 3, "strategies": {"still": {"scale": "none"}, "track": {"scale": {"horizontal": {"target": "40%"}}}}})
        path = self.write("s.yaml", scenario)
        from_run = self.headroom("run", path, "--csv").stdout
        self.assertEqual(from_run, self.headroom("compare", "s.h5", "--csv").stdout)
        self.assertEqual([row["strategy"] for row in csv.DictReader(io.StringIO(from_run))], ["still", "track"])
        rows = list(csv.DictReader(io.StringIO(self.headroom("explain", "s.h5", "-s", "track", "--csv").stdout)))
        lines = self.decisions("s.h5", "-s", "track")
        self.assertEqual([(float(row["at_s"]), row["step"], row["action"], int(row["replicas_after"])) for row in rows],
                         [(line["at_s"], line["step"], line["action"], line["replicas_after"]) for line in lines])
        self.assertTrue(rows)

    def test_unknown_baseline(self):
        output = self.run_scenario(small({"replications": 2}))
        self.assertIn("did you mean still", self.headroom("compare", output, "--baseline", "stil", code=2).stderr)


if __name__ == "__main__":
    unittest.main()

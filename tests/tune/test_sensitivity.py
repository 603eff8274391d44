"""`headroom sensitivity` through the program: what matters is found to matter, what does not is not, and nothing depends on threads."""

import csv
import io
import json
import unittest

from support.program import InFolder, small

TARGET = "strategies.track.scale.horizontal.target"
MAX = "deployments.app.replicas.max"
OVER = ["--over", TARGET + "=30%..90%", "--over", MAX + "={40,50,60}"]
SCENARIO = {
    "horizon": "10m",
    "deployments.app.replicas": {"initial": 4, "min": 1, "max": 40},
    "deployments.app.workload": {"arrivals": {"poisson": {"rate": "20/s"}}, "rate": {"diurnal": {"period": "10m", "peak": 1.6}}},
    "strategies": {"track": {"scale": {"horizontal": {"target": "70%"}}}},
}


class Sensitivity(InFolder):
    def study(self, *options, code=0):
        return self.headroom("sensitivity", self.write("s.yaml", small(SCENARIO)), *options, code=code)

    def test_morris(self):
        study = json.loads(self.study(*OVER, "--metric", "cost_usd", "--metric", "attainment_ratio", "--trajectories", "6", "--json").stdout)
        cost = study["metrics"]["cost_usd"]
        self.assertLess(cost[TARGET]["mu"], 0)
        self.assertGreater(cost[TARGET]["mu_star"]["low"], 0)
        self.assertEqual(cost[MAX]["mu_star"]["value"], 0)  # the pool ends before
        self.assertLess(study["metrics"]["attainment_ratio"][TARGET]["mu"], 0)
        self.assertIn("target", self.study(*OVER).stdout)

    def test_sobol(self):
        cost = json.loads(self.study(*OVER, "--method", "sobol", "--samples", "32", "--replications", "1", "--json").stdout)["metrics"]["cost_usd"]
        self.assertGreater(cost[TARGET]["total"]["value"], 0.8)
        self.assertEqual(cost[MAX]["total"]["value"], 0)

    def test_csv(self):
        for method, column in (("morris", "mu_star"), ("sobol", "total")):
            options = [*OVER, "--method", method, *(["--trajectories", "4"] if method == "morris" else ["--samples", "8"])]
            found = json.loads(self.study(*options, "--json").stdout)["metrics"]["cost_usd"]
            rows = list(csv.DictReader(io.StringIO(self.study(*options, "--csv").stdout)))
            self.assertEqual([(row["metric"], row["threshold"]) for row in rows], [("cost_usd", TARGET), ("cost_usd", MAX)])
            for row in rows:
                for end, name in (("", "value"), ("_low", "low"), ("_high", "high")):
                    self.assertAlmostEqual(float(row[column + end]), found[row["threshold"]][column][name], 8)

    def test_threads(self):
        for options in (["--trajectories", "4"], ["--method", "sobol", "--samples", "8"]):
            self.assertEqual(len({self.study(*OVER, *options, "--json", "--threads", n).stdout for n in ("1", "2", "3")}), 1)

    def test_a_journal_is_shared_with_tune(self):
        self.study(*OVER, "--journal", "runs.db", "--trajectories", "4", "--json")
        self.headroom("tune", "s.yaml", "--minimize", "cost_usd", "--over", TARGET + "={30%,50%}", "--over", MAX + "={40,50}", "--journal", "runs.db", "--budget", "60", "--confirm", "3")

    def test_usage(self):
        for options, words in ((["--method", "morris", "--samples", "3", *OVER], "belongs to"), (["--over", TARGET + "={50%}"], "at least two"),
                               ([*OVER, "--metric", "costs"], "no metric"), ([*OVER, "--method", "sobl"], "morris or sobol")):
            self.assertIn(words, self.study(*options, code=2).stderr)


if __name__ == "__main__":
    unittest.main()

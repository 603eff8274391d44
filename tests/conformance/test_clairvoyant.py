"""Nobody beats the bound: every policy of the registry, under several loads, node policies and billing rules, is billed at least the lower
bound on cost if it attains; the achievable plan, too. Where the bound is not proven, none is stored."""

import json
import re
import subprocess
import unittest

import numpy

from support.program import NIGHTLY, PROGRAM, InFolder, small

POLICIES = re.findall(r"(?m)^  (\S+)  ", subprocess.run([PROGRAM, "describe", "policy"], capture_output=True, text=True, check=True).stdout)
NODES = {"usual": "on-demand", "ca": {"cluster-autoscaler": {"scale_down_unneeded_time": "60s", "scale_down_delay_after_add": "60s"}}, "karpenter": "karpenter"}
GPU_POOL = {"machine": {"cpu": 8, "memory": "32Gi", "gpu": 2, "price": "$3.6/h"}, "nodes": {"min": 1, "max": 12}, "startup": "30s"}
LOADS = {
    "waves": {"arrivals": {"poisson": {"rate": "12/s"}}, "rate": {"diurnal": {"period": "20m", "peak": 1.8}}},
    "bursts": {"arrivals": {"mmpp": {"rate_low": "3/s", "rate_high": "25/s", "mean_low": "4m", "mean_high": "2m"}}},
    "sparse": {"arrivals": {"poisson": {"rate": "0.05/s"}}},
}
BILLS = {"second": {}, "hour": {"minimum_charge": "10m", "granularity": "10m", "bill_startup": False}}


def scenario(load, bill, nodes, changes=None):
    return small({
        "horizon": "1h", "seed": 5, "warmup": "5m",
        "cluster.pools": {"g": {**GPU_POOL, **BILLS[bill]}},
        "deployments.app": {
            "requests": {"cpu": 2, "gpu": 1}, "concurrency": 2, "replicas": {"initial": 2, "min": 0 if load == "sparse" else 1, "max": 24},
            "variants": {"v": {"load": "5s", "service": {"distribution": {"time": {"lognormal": {"mean": "300ms", "cv": 0.6}}}}}},
            "objective": {"latency": "6s", "attainment": 0.9}, "workload": LOADS[load],
        },
        "strategies": {policy: {"scale": policy, "nodes": NODES[nodes]} for policy in POLICIES},
        **(changes or {}),
    })


class Clairvoyant(InFolder):
    def check(self, load, bill, nodes):
        result = self.result(scenario(load, bill, nodes))
        bound = result.summary["cost_lower_bound_usd"][POLICIES.index("clairvoyant")]
        cost, attained = result.summary["cluster_cost_usd"], result.summary["attainment_ratio"][:, 0]
        self.assertGreater(bound, 0)
        self.assertEqual(numpy.isfinite(result.summary["cost_lower_bound_usd"]).sum(), 1)
        attains = [policy for k, policy in enumerate(POLICIES) if attained[k] >= 0.9]
        self.assertIn("clairvoyant", attains)
        self.assertGreater(len(attains), 5, attains)
        for policy in attains:
            self.assertGreaterEqual(cost[POLICIES.index(policy)] + 1e-9, bound, policy)

    def test_nobody_beats_the_bound(self):
        cases = [("waves", "second", "usual"), ("bursts", "hour", "ca"), ("sparse", "second", "karpenter")]
        if NIGHTLY:
            cases = [(load, bill, nodes) for load in LOADS for bill in BILLS for nodes in NODES]
        for load, bill, nodes in cases:
            with self.subTest(load=load, bill=bill, nodes=nodes):
                self.check(load, bill, nodes)

    def test_regret_is_an_interval(self):
        """compare: the clairvoyant strategy never wins; every other one that attains at the stated size lies between its two costs."""
        output = self.run_scenario(scenario("waves", "second", "usual", {"replications": 4}))
        text = self.headroom("compare", output).stdout
        self.assertIn("Lower bound on cost: $", text)
        self.assertIn("Achievable: $", text)
        rows = {row["strategy"]: row for row in json.loads(self.headroom("compare", output, "--json").stdout)["points"][0]["strategies"]}
        seer = rows["clairvoyant"]
        self.assertTrue(seer["clairvoyant"] and not seer["winner"])
        self.assertTrue(any(row["winner"] for row in rows.values()))
        bound, achievable = seer["cost_lower_bound_usd"]["mean"], seer["cluster_cost_usd"]["mean"]
        self.assertLessEqual(bound, achievable)
        judged = [name for name, row in rows.items() if row["reaches_objective"] and not row["resizes"]["mean"] and not row["clairvoyant"]]
        self.assertGreater(len(judged), 5, judged)
        for name in judged:
            self.assertAlmostEqual(rows[name]["regret_bound_usd"]["mean"], rows[name]["cluster_cost_usd"]["mean"] - bound, places=9)
            self.assertAlmostEqual(rows[name]["regret_achievable_usd"]["mean"], rows[name]["cluster_cost_usd"]["mean"] - achievable, places=9)
        self.assertIsNone(rows["vertical"]["regret_bound_usd"]["mean"])  # it resizes: the bound is not its

    def test_few_jobs_are_searched(self):
        """20 s and 30 s at once on a node of two slots: 30 s, as the slots cannot share; the work alone says 25 s. One more of 20 s: 50 s, as it stays on its node."""
        for jobs, seconds in ([20, 30], 30), ([20, 20, 30], 50):
            with self.subTest(jobs=jobs):
                self.write("jobs.csv", "time,size\n" + "".join(f"10,{size}\n" for size in jobs))
                changes = {"horizon": "100s", "warmup": "0s", "deployments.app.replicas": {"initial": 1, "min": 0, "max": 9}, "deployments.app.requests": {"cpu": 8, "gpu": 2},
                           "cluster.pools.g": {**GPU_POOL, "nodes": {"min": 0, "max": 9}, "bill_startup": False, "minimum_charge": "0s"},
                           "deployments.app.variants.v": {"load": "5s", "service": {"sized": {"per_input": "1s"}}},
                           "deployments.app.objective": {"latency": "30s", "attainment": 1},
                           "deployments.app.workload": {"arrivals": {"replay": {"trace": {"file": "jobs.csv", "input": "size", "kind": "rows"}}}},
                           "strategies": {"all-seeing": {"scale": "clairvoyant"}}}
                result = self.result(scenario("waves", "second", "usual", changes))
                self.assertAlmostEqual(result.summary["cost_lower_bound_usd"][0], seconds * 3.6 / 3600, places=9)

    def test_no_proof_no_bound(self):
        """Two deployments, two pools, work resumed elsewhere, no objective: nothing is proven, and nothing is stored."""
        second = {"deployments.other": scenario("waves", "second", "usual")["deployments"]["app"]}
        cases = {"two deployments": second, "two pools": {"cluster.pools.h": GPU_POOL, "deployments.app.pool": "g"},
                 "resumed": {"deployments.app.failure": {"work": "resume"}}, "no objective": {"deployments.app.objective": {}}}
        for name, changes in cases.items():
            with self.subTest(name):
                result = self.result(scenario("waves", "second", "usual", {"strategies": {"all-seeing": {"scale": "clairvoyant"}}, **changes}))
                self.assertTrue(numpy.isnan(result.summary["cost_lower_bound_usd"]).all())


if __name__ == "__main__":
    unittest.main()

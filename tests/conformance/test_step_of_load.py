"""Every policy of the registry acts in a whole run: a step of load up and down (step-of-load.yaml, with a strategy for each), nodes that follow, and
errors with their place for parameters that cannot be. What a policy must do is stated by its kind; the figures are wide, as rules differ."""

import os
import re
import subprocess
import unittest

import numpy

from support.program import PROGRAM, TOP, InFolder, Result, sha256, small

SCENARIO = os.path.join(TOP, "tests", "conformance", "step-of-load.yaml")
LOW, HIGH, AFTER = (25, 30), (50, 60), (110, 120)  # minutes: settled before the step, near the end of the high load, an hour after it


def described(*topic):
    return subprocess.run([PROGRAM, "describe", *topic], capture_output=True, text=True, check=True).stdout


POLICIES = re.findall(r"(?m)^  (\S+)  ", described("policy"))
NODE_POLICIES = re.findall(r"(?m)^  (\S+)  ", described("node-policy"))
STILL = {"none", "small_model", "fairshare", "clairvoyant"}  # they do not follow load; clairvoyant need not: four replicas fill the node that is there anyway
VERTICAL = {"vertical", "hybrid", "vpa", "autopilot-like"}  # larger replicas; hybrid first
LEARN_FROM_BURSTS = {"vpa", "autopilot-like"}  # from use beyond the request, which needs limits above it
# Reach less by design: they give back replicas until the objective is missed. The others are at 0.98 or more, as 4 replicas at 60 % are 0.9998.
SEEK_THE_EDGE = {"oneshot", "aiad"}


class Step_of_load(InFolder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.results = {}

    def shipped(self, *options):
        if options not in self.results:
            self.results[options] = self.result(SCENARIO, *options)
        return self.results[options]

    def during(self, result, strategy, column, minutes):
        rows = [float(at) / 60 for at in result.trace["time"]]
        chosen = [k for k, at in enumerate(rows) if minutes[0] <= at < minutes[1]]
        return result.trace[column][result.run_of(strategy), 0][chosen]

    def of(self, policy):
        if policy not in LEARN_FROM_BURSTS:
            return self.shipped()
        return self.shipped("--set", "deployments.app.limits.cpu=2", "--strategies", ",".join(sorted(LEARN_FROM_BURSTS)))

    def test_every_policy_is_here(self):
        """A new policy is missed here until it has a strategy in step-of-load.yaml."""
        self.assertEqual(set(self.shipped().strategies), set(POLICIES))
        self.assertEqual({int(status) for status in self.shipped().summary["status"]}, {0})

    def test_up_and_down(self):
        """2.5 cores of work under the high load, 0.5 under the low one. Wished means over ten minutes; with resizing, cores x replicas."""
        for policy in POLICIES:
            with self.subTest(policy=policy):
                result = self.of(policy)
                low, high, after = (float(numpy.mean(self.during(result, policy, "replicas_wished", minutes) * self.during(result, policy, "replica_cores", minutes)))
                                    for minutes in (LOW, HIGH, AFTER))
                if policy in STILL:
                    self.assertTrue(low == high == after)
                    continue
                self.assertGreaterEqual(high, 2.2)
                self.assertGreater(high, 1.4 * low)
                self.assertLess(after, 0.7 * high)
                cores = self.during(result, policy, "replica_cores", HIGH)
                if policy in VERTICAL:
                    self.assertGreater(cores.max(), 1.2)
                else:
                    self.assertEqual(set(cores.tolist()), {1.0})

    def test_objective_is_attained(self):
        """90 % within 1 s: in the settled low load, near the end of the high one, and an hour after it."""
        for policy in set(POLICIES) - {"none"}:
            with self.subTest(policy=policy):
                result = self.of(policy)
                for minutes in (LOW, HIGH, AFTER):
                    attained = float(numpy.nanmean(self.during(result, policy, "attainment_ratio", minutes)))
                    self.assertGreater(attained, 0.75 if policy in SEEK_THE_EDGE else 0.9, f"minutes {minutes}")

    def test_none_attains_for_less_than_clairvoyant(self):
        """Of those that keep the size of replicas and the model; over the whole run, as its plan is made."""
        result = self.shipped()
        least = result.value("cluster_cost_usd", "clairvoyant")
        self.assertGreaterEqual(result.value("attainment_ratio", "clairvoyant"), 0.9)
        for policy in set(POLICIES) - VERTICAL - {"small_model"}:
            if result.value("attainment_ratio", policy) >= 0.9:
                self.assertGreaterEqual(result.value("cluster_cost_usd", policy), least - 1e-9, policy)

    def test_without_a_policy_it_is_missed(self):
        """So that attaining it says something: two replicas cannot carry 2.5 cores of work."""
        self.assertLess(float(numpy.nanmean(self.during(self.shipped(), "none", "attainment_ratio", HIGH))), 0.1)

    def test_plain_and_threads(self):
        one = sha256(self.run_scenario(SCENARIO, "-j", "1"))
        self.assertEqual(one, sha256(self.run_scenario(SCENARIO, "-j", "3", name="threads")))
        self.assertEqual(one, sha256(self.run_scenario(SCENARIO, "--plain", name="plain")))

    def test_forecast_of_the_second_day(self):
        """aws-predictive-scaling-like alone: 1 request/s at night, 8/s (80 % of a core; at a target of 50 % two replicas) from 8 to 20 h. It knows nothing on
        the first day; on the second the replica is there SchedulingBufferTime (5 min) before 8 h, and it never goes, as nothing scales in."""
        points = [{"at": f"{24 * day + hour}h", "factor": factor} for day in (0, 1) for hour, factor in ((0, 1), (8, 8), (20, 1))]
        scenario = small({"horizon": "48h", "deployments.app.replicas": {"initial": 1, "min": 1, "max": 9},
                          "deployments.app.workload": {"arrivals": {"poisson": {"rate": "1/s"}}, "rate": {"steps": {"points": points}}},
                          "strategies": {"it": {"scale": {"aws-predictive-scaling-like": {"Mode": "ForecastAndScale", "TargetValue": 50}}}}})
        decisions = self.result(scenario).groups["decisions"]
        rows = zip(decisions["time_s"], decisions["replicas_before"], decisions["replicas_after"])
        changes = [(float(at) / 3600, int(after)) for at, before, after in rows if before != after]
        self.assertEqual([after for _, after in changes], [2])
        self.assertGreaterEqual(changes[0][0], 32 - 5 / 60 - 1e-9)
        self.assertLessEqual(changes[0][0], 32 - 4 / 60)


class Nodes(InFolder):
    def test_nodes_follow(self):
        """Replicas of two cores, two a node: `horizontal` wishes 4 to 6 under the high load, so two or three nodes, and one before and long after. An hour is
        enough for each to give them back (Cluster Autoscaler: 10 min unneeded, 10 min after the last addition)."""
        strategies = ", ".join(f"{name}: {{scale: horizontal, nodes: {name}}}" for name in NODE_POLICIES)
        with open(SCENARIO, encoding="utf-8") as file:
            text = re.sub(r"(?s)\nstrategies:.*", f"\nstrategies: {{{strategies}}}\n", file.read())
        result = self.result(text, "--set", "deployments.app.requests.cpu=2", "--set", "deployments.app.limits.cpu=0")
        minutes = [float(at) / 60 for at in result.pool["time"]]
        for policy in NODE_POLICIES:
            with self.subTest(policy=policy):
                nodes = result.pool["nodes_ready"][result.run_of(policy), 0]
                low, high, after = (numpy.mean([n for n, at in zip(nodes, minutes) if span[0] <= at < span[1]]) for span in (LOW, HIGH, AFTER))
                if policy == "static":
                    self.assertEqual((low, high, after), (1, 1, 1))
                    self.assertGreater(result.trace["replicas_pending"][result.run_of(policy), 0].max(), 0.5)
                    continue
                self.assertLess(low, 1.2)
                self.assertGreaterEqual(high, 1.9)
                self.assertLess(after, 1.2)
                attained = [value for value, at in zip(result.trace["attainment_ratio"][result.run_of(policy), 0], minutes) if HIGH[0] <= at < HIGH[1]]
                self.assertGreater(numpy.nanmean(attained), 0.9)


class Bad_parameters(InFolder):
    """Out of bounds, of the wrong kind, unknown: each is an error at its place, exit code 3."""

    def wrong_values(self, category, name):
        """(key, value) beyond the bounds that the page of a model states for its own parameters."""
        page = described(category, name).split("\nParameters\n")
        if len(page) < 2:
            return
        for key, kind in re.findall(r"(?m)^  (\S+) +(\S.*)$", page[1].split("\nEvidence\n")[0]):
            bounds = re.search(r"from (\S+) to ([^;\s]+)", kind)
            if kind.startswith(("whole number", "number", "ratio")):
                yield key, "much"
                if bounds:
                    yield key, float(bounds.group(1)) - 1
                    yield key, float(bounds.group(2)) * 2 + 1
            elif kind.startswith("duration"):
                yield key, "-1s"
                yield key, "soon"
            elif kind.startswith(("one of", "true or false", "metric")):
                yield key, "no such thing"
            elif kind.startswith(("map of", "list")):
                yield key, 7

    def assert_located(self, scenario, what):
        self.write("s.yaml", scenario)
        result = self.headroom("check", "s.yaml", code=None)
        self.assertEqual(result.returncode, 3, f"{what}\n{result.stdout}{result.stderr}")
        self.assertRegex(result.stderr, r"^s\.yaml:\d+:\d+: error: ", what)
        self.assertIn("^", result.stderr, what)

    def test_policies(self):
        for policy in POLICIES:
            with self.subTest(policy=policy):
                self.assert_located(small({"strategies": {"it": {"scale": {policy: {"no_such_parameter": 1}}}}}), "unknown")
                for key, value in self.wrong_values("policy", policy):
                    self.assert_located(small({"strategies": {"it": {"scale": {policy: {key: value}}}}}), f"{key}: {value}")

    def test_node_policies(self):
        for policy in NODE_POLICIES:
            with self.subTest(policy=policy):
                self.assert_located(small({"strategies": {"it": {"nodes": {policy: {"no_such_parameter": 1}}}}}), "unknown")
                for key, value in self.wrong_values("node-policy", policy):
                    self.assert_located(small({"strategies": {"it": {"nodes": {policy: {key: value}}}}}), f"{key}: {value}")


if __name__ == "__main__":
    unittest.main()

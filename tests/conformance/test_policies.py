"""One suite for every policy of the registry, as `describe policy` lists them: bounds, capacity, bills, jobs, rest, scale. A new policy is
in it from its first day; what is asked here holds whatever its rule is."""

import functools
import re
import subprocess
import unittest

import numpy

from support.program import NIGHTLY, PROGRAM, InFolder, changed, sha256, small

POLICIES = re.findall(r"(?m)^  (\S+)  ", subprocess.run([PROGRAM, "describe", "policy"], capture_output=True, text=True, check=True).stdout)
WAVES = {"diurnal": {"period": "400s", "peak": 1.9, "peak_at": "100s"}}
FAULTS = [{"at": "333s", "deployment": "app", "replicas": 2}, {"at": "700s", "deployment": "app", "replicas": 1}]
SIZES = {"small": {"accuracy": 0.7, "load": "4s", "service": {"distribution": {"time": {"exponential": {"mean": "60ms"}}}}},
         "large": {"accuracy": 0.8, "load": "8s", "service": {"distribution": {"time": {"exponential": {"mean": "150ms"}}}}}}
TOLD = {  # parameters that make a policy do something here, and durations inside others, for the scale of time
    "threshold": {"data_size": {"source": "offered", "below": 1}},
    "hpa": {"controller": {"downscale_stabilization": "300s", "cpu_initialization_period": "300s", "initial_readiness_delay": "30s"}},
}
SEEK_THE_EDGE = {"oneshot", "aiad"}  # they give back replicas until the objective is missed, then take them again: no rest by design
LOADED = {
    "horizon": "1000s", "seed": 11, "deployments.app.variants": SIZES, "deployments.app.workload.rate": WAVES,
    "deployments.app.limits": {"cpu": 2}, "deployments.app.speed": {"amdahl": {"parallel": "90%"}},
    "deployments.app.queue": {"limit": 60, "timeout": {"after": "3s"}}, "deployments.app.replicas": {"initial": 3, "min": 2, "max": 9},
    "faults": FAULTS,
}


def choose(policy, parameters=None):
    """How a strategy names a policy, quick to act where it can be told to."""
    merged = {**TOLD.get(policy, {}), **(parameters or {})}
    return {"scale": {policy: merged} if merged else policy}


def seconds(text):
    """Of a duration like `1h30m`, `5m` or `2.5s`."""
    unit = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    return sum(float(number) * unit[name] for number, name in re.findall(r"([\d.]+)(ns|us|ms|s|m|h|d|w)", text))


def durations(what, name):
    """{parameter: default in seconds} of a model or table, from its page."""
    page = subprocess.run([PROGRAM, "describe", *([what] if name is None else [what, name])], capture_output=True, text=True, check=True).stdout
    return {key: seconds(value) for key, value in re.findall(r"(?m)^  (\S+) +duration, .*default (\S+)$", page)}


def scaled(value, factor):
    """A scenario with all durations times the factor and all rates divided by it."""
    if isinstance(value, dict):
        return {key: scaled(item, factor) for key, item in value.items()}
    if isinstance(value, list):
        return [scaled(item, factor) for item in value]
    if isinstance(value, str) and re.fullmatch(r"[\d.]+/s", value):
        return f"{float(value[:-2]) / factor!r}/s"
    if isinstance(value, str) and re.fullmatch(r"([\d.]+(ms|s|m|h))+", value):
        return f"{round(seconds(value) * factor * 1e6)}us"
    return value


def each_policy(test):
    """A test of one policy, for all of them; each fails for itself."""

    @functools.wraps(test)
    def for_all(self):
        for policy in POLICIES:
            with self.subTest(policy=policy):
                test(self, policy)

    return for_all


class Policies(InFolder):
    def loaded(self, policy, changes=None, parameters=None):
        return small({**LOADED, "strategies": {"it": choose(policy, parameters)}, **(changes or {})})

    def test_there_are_the_six(self):
        self.assertLessEqual({"none", "small_model", "vertical", "horizontal", "hybrid", "threshold"}, set(POLICIES))

    @each_policy
    def test_bounds_of_replicas(self, policy):
        """Wished replicas stay between minimum and maximum, also where the policy's own parameter asks for others."""
        cases = [({}, None), ({"deployments.app.replicas": {"initial": 1, "min": 1, "max": 2}}, None)]
        if policy == "none":
            cases += [({}, {"replicas": 500}), ({}, {"replicas": 0})]
        if policy == "horizontal":
            cases += [({}, {"min": 20, "max": 30}), ({}, {"min": 0, "max": 0})]
        for changes, parameters in cases:
            scenario = self.loaded(policy, changes, parameters)
            result = self.result(scenario)
            bounds = scenario["deployments"]["app"]["replicas"]
            wished = result.trace["replicas_wished"][0, 0]
            self.assertGreaterEqual(wished.min(), bounds["min"])
            self.assertLessEqual(wished.max(), bounds["max"])
            placed = sum(result.trace[f"replicas_{state}"][0, 0] for state in ("pending", "starting", "ready"))
            self.assertLessEqual(placed.max(), bounds["max"] + 1e-9)

    @each_policy
    def test_capacity_is_never_exceeded(self, policy):
        for placement in ("first-fit", "best-fit", "spread"):
            scenario = self.loaded(policy, {"cluster.pools.cpu.placement": placement, "cluster.pools.cpu.nodes": {"min": 1, "max": 3}})
            result = self.result(scenario)
            for resource in ("cpu", "memory"):
                reserved = result.pool[f"{resource}_reserved_ratio"][0, 0]
                self.assertLessEqual(numpy.nanmax(reserved), 1 + 1e-12)
            nodes = result.pool["nodes_ready"][0, 0] + result.pool["nodes_starting"][0, 0]
            self.assertLessEqual(nodes.max(), 3 + 1e-9)
            self.assertGreaterEqual(nodes.min(), 1 - 1e-9)
            self.assertLessEqual(result.trace["replica_cores"][0, 0].max(), 4)

    @each_policy
    def test_the_bill_is_the_sum_of_its_parts(self, policy):
        other = {"deployments.other": {**self.loaded(policy)["deployments"]["app"], "requests": {"cpu": "700m", "memory": "3Gi"}}}
        result = self.result(changed(self.loaded(policy), other), "--traces", "all")
        parts = float(result.summary["cost_usd"][0].sum()) + result.value("idle_cost_usd")
        self.assertAlmostEqual(parts, result.value("cluster_cost_usd"), places=9)
        self.assertGreaterEqual(result.value("idle_cost_usd"), 0)
        self.assertAlmostEqual(float(result.pool["cost_cumulative_usd"][0, :, -1].sum()), result.value("cluster_cost_usd"), places=9)

    @each_policy
    def test_jobs_are_conserved(self, policy):
        for changes in ({}, {"deployments.app.retry": {"attempts": 3}}, {"deployments.app.dispatch": "least-outstanding", "deployments.app.grace": "20ms"}):
            result = self.result(self.loaded(policy, changes))
            ended = sum(result.value(name) for name in ("finished", "dropped", "abandoned", "failed", "in_flight"))
            self.assertEqual(result.value("offered"), ended)
            self.assertGreaterEqual(result.value("attempts"), result.value("offered"))
            rows = result.trace["offered_rps"][0, 0].sum() * 1000 / 256
            self.assertAlmostEqual(rows, result.value("offered"), places=6)
            self.assertEqual(result.groups["latency"]["counts"][0, 0].sum(), result.value("finished"))

    def test_offered_is_the_workload_not_the_policy(self):
        """Common random numbers: whatever is done about it, the same jobs arrive."""
        scenario = self.loaded("none")
        scenario["strategies"] = {policy: choose(policy) for policy in POLICIES}
        result = self.result(scenario)
        self.assertEqual(len(set(float(value) for value in result.summary["offered"][:, 0])), 1)
        for other in range(1, len(POLICIES)):
            numpy.testing.assert_array_equal(result.trace["offered_rps"][0], result.trace["offered_rps"][other])

    def test_alone_or_beside_others(self):
        """A strategy's figures do not depend on which others are in the file, or on their order."""
        scenario = self.loaded("none")
        scenario["strategies"] = {policy: choose(policy) for policy in reversed(POLICIES)}
        together = self.result(scenario)
        for policy in POLICIES:
            alone = self.result({**scenario, "strategies": {policy: choose(policy)}}, name="alone")
            for name, values in alone.summary.items():
                if not isinstance(values, list) and values.ndim == 2:
                    numpy.testing.assert_array_equal(values[0], together.summary[name][together.run_of(policy)], name)

    @each_policy
    def test_deterministic(self, policy):
        scenario = self.write("s.yaml", self.loaded(policy))
        self.assertEqual(sha256(self.run_scenario(scenario)), sha256(self.run_scenario(scenario, name="again")))

    def assert_rest(self, result):
        """Nothing that can be wished changes in the second half."""
        for column in ("replicas_wished", "replica_cores", "variant"):
            half = result.trace[column][0, 0, 128:]
            self.assertEqual(set(half.tolist()), {half[0]}, column)

    @each_policy
    def test_rest_without_work(self, policy):
        result = self.result(self.loaded(policy, {"horizon": "1h", "deployments.app.workload": {"arrivals": "none"}, "faults": None}))
        self.assert_rest(result)
        self.assertEqual(result.value("offered"), 0)

    @each_policy
    def test_rest_under_constant_load(self, policy):
        """Constant gaps and services: once settled there is nothing to do."""
        if policy in SEEK_THE_EDGE:
            return
        for rate in (3, 14, 29):
            variants = {"only": {"load": "5s", "service": {"distribution": {"time": "100ms"}}}}
            changes = {"horizon": "2h", "deployments.app.workload": {"arrivals": {"constant": {"rate": f"{rate}/s"}}}, "faults": None,
                       "deployments.app.variants": variants}
            self.assert_rest(self.result(self.loaded(policy, changes)))

    @each_policy
    def test_first_look_may_take_away(self, policy):
        """More at the start than is needed: taken back whenever the policy wishes, be it at 0 s."""
        parameters = {"replicas": 1} if policy == "none" else None
        result = self.result(self.loaded(policy, {"deployments.app.replicas": {"initial": 9, "min": 1, "max": 9}}, parameters))
        self.assertEqual(int(result.summary["status"][0]), 0)

    @each_policy
    def test_time_scale(self, policy):
        """All durations doubled, all rates halved: the same story, twice as slow. Every count is equal, every time doubled, every cost, too."""
        scenario = self.loaded(policy, {"cluster.pools.cpu.minimum_charge": "60s", "cluster.pools.cpu.granularity": "1s", "deployments.app.grace": "30s"},
                               {key: f"{value!r}s" for key, value in durations("policy", policy).items()})
        strategy = scenario["strategies"]["it"]
        strategy.update({"period": "15s", "metrics": {"scrape": "15s", "window": "60s", "lag": "0s"}, "nodes": {"on-demand": {"empty_for": "60s"}}})
        one = self.result(scenario)
        two = self.result(scaled(scenario, 2), name="scaled")
        for column in ("offered", "finished", "dropped", "abandoned", "failed", "in_flight", "attempts", "scale_actions", "nodes_ordered"):
            numpy.testing.assert_array_equal(one.summary[column], two.summary[column], column)
        self.assertAlmostEqual(two.value("latency_mean_s") / one.value("latency_mean_s"), 2, places=6)
        self.assertAlmostEqual(two.value("cluster_cost_usd") / one.value("cluster_cost_usd"), 2, places=6)
        for column in ("attainment_ratio", "replicas_ready", "utilisation_ratio", "accuracy_ratio", "requested_cores"):
            self.assertAlmostEqual(two.value(column), one.value(column), places=6, msg=column)

    @each_policy
    def test_money_scale(self, policy):
        """Prices times three: the same run at three times the cost (no policy here has a budget)."""
        one = self.result(self.loaded(policy))
        three = self.result(self.loaded(policy, {"cluster.pools.cpu.machine.price": "$3/h"}), name="dear")
        self.assertAlmostEqual(three.value("cluster_cost_usd") / one.value("cluster_cost_usd"), 3, places=9)
        numpy.testing.assert_array_equal(one.trace["latency_mean_s"], three.trace["latency_mean_s"])

    @each_policy
    def test_no_name_matters_but_for_random_numbers(self, policy):
        """Renaming pool and strategy changes no figure of the deployment (constant start-up)."""
        one = self.result(self.loaded(policy))
        scenario = self.loaded(policy)
        scenario["cluster"]["pools"] = {"renamed": scenario["cluster"]["pools"]["cpu"]}
        scenario["strategies"] = {"renamed": scenario["strategies"]["it"]}
        other = self.result(scenario, name="renamed")
        numpy.testing.assert_array_equal(one.summary["latency_mean_s"], other.summary["latency_mean_s"])

    @each_policy
    def test_plain_loop_and_threads(self, policy):
        scenario = self.write("s.yaml", self.loaded(policy, {"replications": 3}))
        one = sha256(self.run_scenario(scenario, "-j", "1"))
        self.assertEqual(one, sha256(self.run_scenario(scenario, "-j", "3", name="threads")))
        self.assertEqual(one, sha256(self.run_scenario(scenario, "--plain", name="plain")))


class More_nodes(InFolder):
    def test_never_lower_attainment(self):
        """`horizontal` with more nodes to be had: attainment does not fall (beyond a thousandth, as other starts meet other jobs)."""
        nodes = list(range(1, 9))
        scenario = small({**LOADED, "faults": None, "deployments.app.replicas": {"initial": 2, "min": 2, "max": 60}, "replications": 3 if not NIGHTLY else 20,
                          "deployments.app.workload.arrivals": {"poisson": {"rate": "60/s"}},
                          "strategies": {"out": {"scale": {"horizontal": {"target": "60%"}}}},
                          "sweep": [{"set": "cluster.pools.cpu.nodes.max", "values": nodes}]})
        result = self.result(scenario)
        attained = result.summary["attainment_ratio"][:, 0].reshape(len(nodes), -1).mean(axis=1)
        self.assertTrue((numpy.diff(attained) >= -1e-3).all(), attained)
        self.assertGreater(attained[-1], attained[0] + 0.2)


class At_one_instant(InFolder):
    def test_shrink_when_a_replica_becomes_ready(self):
        """By hand: load up to 30 s only. The look at 15 s wishes more and orders nodes, ready 30 s later at 45 s, and their replicas with them
        (no load time); the look at 45 s sees an empty window and wishes one replica: those just ready are drained at their first instant."""
        scenario = small({"horizon": "5m", "cluster.pools.cpu.nodes": {"min": 1, "max": 8}, "cluster.pools.cpu.startup": "30s",
                          "deployments.app.requests": {"cpu": 4}, "deployments.app.replicas": {"initial": 1, "min": 1, "max": 8},
                          "deployments.app.variants": {"only": {"service": {"distribution": {"time": "100ms"}}}},
                          "deployments.app.workload": {"arrivals": {"constant": {"rate": "30/s"}},
                                                       "rate": {"steps": {"points": [{"at": "0s", "factor": 1}, {"at": "30s", "factor": 0}]}}},
                          "deployments.app.queue": {"limit": 0},
                          "strategies": {"out": {"scale": {"horizontal": {"scale_down_window": "0s"}},
                                                 "metrics": {"scrape": "15s", "window": "15s"}}}})
        result = self.result(scenario)
        self.assertEqual(result.trace["replicas_wished"][0, 0, -1], 1)
        self.assertAlmostEqual(result.value("offered"), 900, delta=1)

    def test_fault_when_a_replica_becomes_ready(self):
        """A failure at the instant at which a start ends, at a look, and twice at once."""
        faults = [{"at": f"{at}s", "deployment": "app", "replicas": n} for at, n in ((0, 1), (15, 1), (35, 5), (45, 3), (45, 3), (50, 1), (60, 9))]
        for load in ("0s", "5s", "15s"):
            scenario = small({"horizon": "5m", "faults": faults, "cluster.pools.cpu.startup": "20s", "deployments.app.variants.only.load": load,
                              "strategies": {policy: choose(policy) for policy in POLICIES}})
            result = self.result(scenario)
            for run in range(len(POLICIES)):
                ended = sum(result.summary[name][run, 0] for name in ("finished", "dropped", "abandoned", "failed", "in_flight"))
                self.assertEqual(result.summary["offered"][run, 0], ended)

    def test_two_leave_at_once_where_another_waits(self):
        """By hand: three idle replicas of one core fill a node of four but for one; another deployment's replica of two cores waits. The look at
        15 s drains two at once: the first that is gone makes the room."""
        scenario = small({"horizon": "2m", "cluster.pools.cpu.nodes": {"min": 1, "max": 1}, "deployments.app.workload": {"arrivals": "none"},
                          "deployments.app.replicas": {"initial": 3, "min": 1, "max": 3},
                          "strategies": {"it": {"scale": {"horizontal": {"scale_down_window": "0s"}}, "deployments": {"other": {"scale": {"none": {"replicas": 1}}}}}}})
        scenario["deployments"]["other"] = {**scenario["deployments"]["app"], "requests": {"cpu": 2}, "replicas": {"initial": 0, "min": 0, "max": 1}}
        result = self.result(scenario)
        self.assertEqual(result.trace["replicas_wished"][0, :, -1].tolist(), [1, 1])
        self.assertEqual(result.trace["replicas_ready"][0, :, -1].tolist(), [1, 1])
        self.assertAlmostEqual(result.value("replicas_ready", deployment=1), (120 - 15 - 5) / 120, places=9)

    def test_work_left_under_processor_sharing(self):
        """`least-work` has to measure jobs that share a processor, too: two queues stay of like length, also after a failure."""
        scenario = small({"horizon": "3m", "deployments.app.dispatch": "least-work", "deployments.app.replicas": {"initial": 2, "min": 2, "max": 2},
                          "deployments.app.concurrency": 4, "deployments.app.workload.arrivals": {"poisson": {"rate": "16/s"}},
                          "deployments.app.variants.only.service": {"processor-sharing": {"time": {"exponential": {"mean": "100ms"}}}}})
        result = self.result(scenario)
        self.assertGreater(result.value("attainment_ratio"), 0.5)
        one = {**scenario, "faults": [{"at": "18s", "deployment": "app", "replicas": 2}]}
        one["deployments"]["app"].update({"concurrency": 1, "replicas": {"initial": 1, "min": 1, "max": 1}, "workload": {"arrivals": {"poisson": {"rate": "20/s"}}}})
        result = self.result(one, name="failing")
        ended = sum(result.value(name) for name in ("finished", "dropped", "abandoned", "failed", "in_flight"))
        self.assertEqual(result.value("offered"), ended)

    def test_down_to_nothing_and_up_again(self):
        """A minimum of no replicas: jobs wait until there is one again, none is lost."""
        for policy in ("none", "horizontal"):
            parameters = {"replicas": 0} if policy == "none" else {"scale_down_window": "0s"}
            workload = {"arrivals": {"constant": {"rate": "5/s"}}, "rate": {"steps": {"points": [{"at": "0s", "factor": 1}, {"at": "60s", "factor": 0},
                                                                                             {"at": "200s", "factor": 1}]}}}
            scenario = small({"deployments.app.replicas": {"initial": 1, "min": 0, "max": 4}, "deployments.app.workload": workload,
                              "strategies": {"it": choose(policy, parameters)}})
            result = self.result(scenario)
            ended = sum(result.value(name) for name in ("finished", "in_flight"))
            self.assertEqual(result.value("offered"), ended)


if __name__ == "__main__":
    unittest.main()

"""Faults that were once proven with a scenario, each as the smallest run that shows it, with the figure worked out by hand."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

import numpy

from support.program import PROGRAM, SHORT, InFolder, changed, small


def pool(cores, least=1, most=1, **more):
    return {"p": {"machine": {"cpu": cores, "price": "$1/h"}, "nodes": {"min": least, "max": most}, **more}}


def fixed(time):
    return {"m": {"service": {"distribution": {"time": time}}}}


def constant(rate):
    return {"arrivals": {"constant": {"rate": rate}}}


def one(pools, deployment, strategies, **more):
    """A scenario with one deployment, d."""
    return {"name": "proven", "cluster": {"pools": pools}, "deployments": {"d": deployment}, "strategies": strategies, **more}


class Comparing(InFolder):
    def verdict(self, scenario, code=0):
        """What decided at the only point, and the rows of the strategies by name."""
        output = self.run_scenario(scenario, code=code)
        (point,) = json.loads(self.headroom("compare", output, "--json").stdout)["points"]
        return point["decided_by"], {row["strategy"]: row for row in point["strategies"]}

    def test_a_strategy_with_failed_runs_does_not_win(self):
        """One replica at load 0.7 costs half as much, but has more than 9 jobs waiting in some runs (in a long one P(N > 10) is 0.7^11 = 2 %),
        which fail; two never do. One node of $1/h for 1000 s is 1000 / 3600 dollars."""
        deployment = {"requests": {"cpu": 4}, "objective": {"latency": "20s", "attainment": "90%"}, "queue": {"max_queue": 9},
                      "variants": fixed({"exponential": "0.7s"}), "workload": {"arrivals": {"poisson": {"rate": "1/s"}}}}
        scenario = one(pool(4, 0, 10), deployment, {name: {"scale": {"none": {"replicas": n}}} for name, n in (("one", 1), ("two", 2))},
                       horizon="1000s", replications=10)
        decided_by, row = self.verdict(scenario, code=1)
        self.assertEqual(decided_by, "cost")
        self.assertGreater(row["one"]["failed"], 0)
        self.assertGreater(row["one"]["runs"], 1)
        self.assertEqual((row["two"]["failed"], row["two"]["runs"]), (0, 10))
        self.assertAlmostEqual(row["one"]["cluster_cost_usd"]["mean"], 1000 / 3600, places=9)
        self.assertAlmostEqual(row["two"]["cluster_cost_usd"]["mean"], 2000 / 3600, places=9)
        self.assertEqual({name: (r["winner"], r["tied"], r["reaches_objective"]) for name, r in row.items()},
                         {"one": (False, False, False), "two": (True, False, True)})

    def test_a_deployment_without_objective_has_no_say(self):
        """a: a job each second, 2.5 s of service, no queue: a replica takes every third job, so 1/3 and 2/3 are attained, of 99.9 %. b attains
        1/10 under both strategies, which is further off, but nobody asked it to: no reason to call the two alike."""
        scenario = one(pool(64), None, {name: {"scale": "none", "deployments": {"a": {"scale": {"none": {"replicas": n}}}}} for name, n in (("one", 1), ("two", 2))},
                       horizon="3000s", replications=2)
        scenario["deployments"] = {
            "a": {"objective": {"latency": "5s", "attainment": "99.9%"}, "queue": {"limit": 0}, "replicas": {"initial": 1, "min": 1, "max": 2},
                  "variants": fixed("2.5s"), "workload": constant("1/s")},
            "b": {"queue": {"limit": 0}, "variants": fixed("95ms"), "workload": constant("100/s")}}
        decided_by, row = self.verdict(scenario)
        self.assertEqual(decided_by, "attainment")
        for name, share in (("one", 1 / 3), ("two", 2 / 3)):
            self.assertAlmostEqual(row[name]["deployments"]["a"]["attainment_ratio"]["mean"], share, delta=1e-3)
            self.assertAlmostEqual(row[name]["deployments"]["b"]["attainment_ratio"]["mean"], 0.1, delta=1e-3)
        self.assertEqual({name: (r["winner"], r["tied"]) for name, r in row.items()}, {"one": (False, False), "two": (True, False)})

    def served_or_not(self, objective, queue=None):
        deployment = {"objective": objective, "replicas": {"initial": 0, "min": 0, "max": 9}, "queue": queue or {"max_queue": 1000},
                      "variants": fixed("2.5s" if queue else "900ms"), "workload": constant("1/s")}
        strategies = {"dead": {"scale": {"none": {"replicas": 0}}}, "one": {"scale": {"none": {"replicas": 1}}}}
        return one(pool(4, 1, 10), deployment, strategies, horizon="300s", replications=3)

    def test_who_served_nothing_neither_wins_nor_ties(self):
        """Both pay for the one node, 300 / 3600 dollars, so costs are alike. No job of `dead` ever ended, and all are younger than the objective, or
        there is none for latency: its attainment is unknown, not good."""
        for objective in ({"latency": "300s", "attainment": "50%"}, {"attainment": "50%"}):
            decided_by, row = self.verdict(self.served_or_not(objective))
            self.assertEqual(decided_by, "cost")
            self.assertEqual(row["dead"]["deployments"]["d"]["finished"]["mean"], 0)
            for r in row.values():
                self.assertAlmostEqual(r["cluster_cost_usd"]["mean"], 300 / 3600, places=9)
            self.assertEqual({name: (r["winner"], r["tied"], r["reaches_objective"]) for name, r in row.items()},
                             {"one": (True, False, True), "dead": (False, False, False)}, objective)

    def test_who_served_nothing_does_not_come_nearest(self):
        """Where nobody reaches the objective: with room for one waiting job and 2.5 s of service, 1 s apart, about 2 of 5 are served,
        of 99 % asked; `dead` served none."""
        decided_by, row = self.verdict(self.served_or_not({"latency": "300s", "attainment": "99%"}, {"limit": 1}))
        self.assertEqual(decided_by, "attainment")
        self.assertAlmostEqual(row["one"]["deployments"]["d"]["throughput_rps"]["mean"], 0.4, delta=0.01)
        self.assertEqual({name: (r["winner"], r["tied"]) for name, r in row.items()}, {"one": (True, False), "dead": (False, False)})

    def test_unknown_attainment_does_not_come_nearest(self):
        """Nobody reaches 99.9 %: the replica of `one` fails at 100.5 s with the job of 100 s, one of 299 (another is there at the next look).
        No job of `dead` is old enough to count, so its attainment is unknown; it served nothing, and that is not nearest."""
        scenario = changed(self.served_or_not({"latency": "300s", "attainment": "99.9%"}), {"deployments.d.failure": {"jobs": "fail"}})
        scenario["faults"] = [{"at": "100.5s", "deployment": "d", "replicas": 1}]
        decided_by, row = self.verdict(scenario)
        self.assertEqual(decided_by, "attainment")
        self.assertAlmostEqual(row["one"]["deployments"]["d"]["attainment_ratio"]["mean"], 1 - 1 / 299, delta=1e-4)
        self.assertEqual({name: (r["winner"], r["tied"]) for name, r in row.items()}, {"one": (True, False), "dead": (False, False)})

    def test_a_warmup_leaves_something(self):
        """A horizon of 64 s has slices of 1 s: 63 s leave the last one, any more would leave none."""
        self.run_scenario(small({"horizon": "64s", "warmup": "63s"}))
        for warmup in ("63001ms", "64s", "70s"):
            self.write("late.yaml", small({"horizon": "64s", "warmup": warmup}))
            for command in (("check", "late.yaml"), ("run", "late.yaml", "-o", "late.h5")):
                self.assertIn("warmup must leave something", self.headroom(*command, code=3).stderr)


class Replicas(InFolder):
    def drained_after_five_minutes(self, service):
        """Two replicas for in_flight 50 each: the look at 15 s wishes one, and is followed when it is 300 s old, at 315 s. A job each 20 s, by
        turns to the first and the second, is cancelled after 100 s, so five are in service from 100 s on."""
        deployment = {"requests": {"cpu": 2}, "replicas": {"initial": 2, "min": 1, "max": 2}, "concurrency": 8, "grace": "1h", "dispatch": "round-robin",
                      "queue": {"timeout": {"of": "total", "after": "100s", "work": "cancel"}}, "variants": {"m": {"service": service}},
                      "workload": constant("0.05/s")}
        policy = {"horizontal": {"metric": "in_flight_per_replica", "target": 50, "scale_down_window": "300s"}}
        return self.result(one(pool(2, 0, 5), deployment, {"h": {"scale": policy}}, horizon="2560s"))

    SERVICES = ({"distribution": {"time": "1500s"}}, {"processor-sharing": {"time": "1500s", "cores": 8}})

    def test_a_draining_replica_leaves_with_its_last_cancelled_job(self):
        """The second replica has the jobs of 240 s and 280 s when it is drained at 315 s; the last is cancelled at 380 s. Until then two replicas
        of 2 cores are reserved: 2 x (1 + 380 / 2560)."""
        for service in self.SERVICES:
            with self.subTest(service=next(iter(service))):
                result = self.drained_after_five_minutes(service)
                self.assertAlmostEqual(result.value("replicas_ready"), 1 + 315 / 2560, places=9)
                self.assertAlmostEqual(float(result.trace["replicas_draining"][0, 0].sum()) * 10, 380 - 315, places=6)
                self.assertAlmostEqual(result.value("requested_cores"), 2 * (1 + 380 / 2560), places=9)

    def test_a_draining_replica_leaves_with_its_last_finished_job(self):
        """Jobs of 95 s, on as many cores as there are: that of 240 s ends at 335 s, that of 280 s at 375 s, 5 s before it would be cancelled. The
        second end was looked for from before the first, which processor sharing refuses."""
        for service in ({"distribution": {"time": "95s"}}, {"processor-sharing": {"time": "95s", "cores": 8}}):
            with self.subTest(service=next(iter(service))):
                result = self.drained_after_five_minutes(service)
                self.assertAlmostEqual(float(result.trace["replicas_draining"][0, 0].sum()) * 10, 375 - 315, places=6)
                self.assertEqual(result.value("abandoned"), 0)

    def test_utilisation_is_of_ready_replicas(self):
        """Rows of 10 s. Up to 315 s five jobs in 16 slots. Then the first replica alone, of 8 slots, with the jobs of 220, 260 and 300 s; that of
        320 s comes as that of 220 s goes; 340 s: a fourth; 360 s comes as 260 s goes; 380 s: a fifth, as the second replica is left by its last."""
        for service in self.SERVICES:
            with self.subTest(service=next(iter(service))):
                rows = self.drained_after_five_minutes(service).trace["utilisation_ratio"][0, 0]
                numpy.testing.assert_allclose(rows[12:31], 5 / 16, rtol=1e-9)
                self.assertAlmostEqual(float(rows[31]), (5 + 3) * 5 / (16 * 5 + 8 * 5), places=9)
                numpy.testing.assert_allclose(rows[32:40], [3 / 8, 3 / 8, 4 / 8, 4 / 8, 4 / 8, 4 / 8, 5 / 8, 5 / 8], rtol=1e-9)

    def test_burst_when_a_neighbour_is_gone(self):
        """Work of 4 s at one core. Two replicas share 4 cores: 2 s. One is drained at 315 s (idle, gone at once); the next look, at 330 s, finds
        4 cores for the other: 1 s. Jobs come at 20, 40, ... 2540 s, the first 16 (to 320 s) before that look: 16 x 2 s + 111 x 1 s."""
        deployment = {"requests": {"cpu": 1}, "limits": {"cpu": 4}, "replicas": {"initial": 2, "min": 1, "max": 4}, "speed": "linear",
                      "variants": fixed("4s"), "workload": constant("0.05/s")}
        result = self.result(one(pool(4), deployment, {"h": {"scale": {"horizontal": {"target": "70%"}}}}, horizon="2560s"))
        self.assertAlmostEqual(result.value("replicas_ready"), 1 + 315 / 2560, places=9)
        self.assertEqual(result.value("finished"), 127)
        self.assertAlmostEqual(result.value("latency_mean_s"), (16 * 2 + 111) / 127, places=9)
        rows = result.trace["latency_mean_s"][0, 0]
        early, late = rows[:33], rows[33:]
        numpy.testing.assert_allclose(early[~numpy.isnan(early)], 2, rtol=1e-9)
        numpy.testing.assert_allclose(late[~numpy.isnan(late)], 1, rtol=1e-9)

    def test_usage_follows_a_resize(self):
        """A job of 10000 s from 1 s on holds the only slot, however large the replica: utilisation is 1, of which 70 % is wished, so cores grow by
        1 / 0.7 a look until the node's 16: ln 16 / ln(1 / 0.7) = 7.8, eight times. The same whether jobs share the processor or not."""
        for service in ("distribution", "processor-sharing"):
            with self.subTest(service=service):
                deployment = {"requests": {"cpu": 1}, "speed": "constant", "variants": {"m": {"service": {service: {"time": "10000s"}}}},
                              "workload": constant("1/s"), "queue": {"limit": 0}}
                result = self.result(one(pool(16), deployment, {"v": {"scale": {"vertical": {"target": "70%"}}}}, horizon="2560s"))
                self.assertEqual(result.value("scale_actions"), 8)
                self.assertEqual(result.trace["replica_cores"][0, 0, -1], 16)
                numpy.testing.assert_allclose(result.trace["utilisation_ratio"][0, 0, 1:], 1, rtol=1e-9)

    def test_a_fault_when_a_replica_becomes_ready(self):
        """Wished at 0 s, loaded at 20 s, when a replica is to fail: none is ready yet, so none does, and one is ready for 236 of 256 s. Jobs at
        0.5, 1, ... 255.5 s."""
        deployment = {"requests": {"cpu": 1}, "replicas": {"initial": 0, "min": 0}, "variants": changed(fixed("100ms"), {"m.load": "20s"}),
                      "workload": constant("2/s")}
        for at, ready_s in (("20s", 236), ("20001ms", 0)):
            faults = [{"at": at, "deployment": "d", "replicas": 1}]
            result = self.result(one(pool(2, 0, 5, startup="0s"), deployment, {"still": {"scale": {"none": {"replicas": 1}}}}, horizon="256s", faults=faults))
            if not ready_s:
                self.assertLess(result.value("replicas_ready"), 236 / 256)  # a moment later it is hit
                continue
            self.assertAlmostEqual(result.value("replicas_ready"), ready_s / 256, places=9)
            self.assertEqual((result.value("offered"), result.value("finished"), result.value("failed")), (511, 511, 0))

    def test_accuracy_is_that_of_the_variant_that_started_the_job(self):
        """Jobs of 1000 s at 1000 and 2000 s; the large variant up to 1500 s, the small one after. The first ends at 2000 s, while the small one is
        there, but was the large one's: 0.9. The second is the small one's, ends at 3000 s: (0.9 + 0.5) / 2."""
        deployment = {"requests": {"cpu": 2}, "variants": {name: {"accuracy": accuracy, **fixed("1000s")["m"]} for name, accuracy in (("small", 0.5), ("large", 0.9))},
                      "workload": constant("0.001/s")}
        size = {"source": "series", "below": "1G", "series": [{"at": "0s", "size": "2G"}, {"at": "1500s", "size": "0.1G"}]}
        for horizon, accuracy in (("2560s", 0.9), ("3840s", 0.7)):
            result = self.result(one(pool(2, 1, 5), deployment, {"t": {"scale": {"threshold": {"data_size": size}}}}, horizon=horizon))
            variant = result.trace["variant"][0, 0]
            self.assertEqual((variant[0], variant[-1]), (1, 0))
            self.assertAlmostEqual(result.value("accuracy_ratio"), accuracy, places=12)
            self.assertAlmostEqual(result.value("latency_mean_s"), 1000, places=9)

    def test_horizontal_keeps_one_replica(self):
        """replicas.min 0: a ten minutes' pause and then 2 jobs a second, 0.2 of a replica. One is kept, as without any there is no metric to
        come back by. With none at the start the first look wishes one, on a node that takes 30 s: ready for 3570 of 3600 s."""
        workload = {**constant("2/s"), "rate": {"steps": {"points": [{"at": "0s", "factor": 0}, {"at": "600s", "factor": 1}]}}}
        for initial, ready_s, parameters in ((1, 3600, {}), (0, 3570, {}), (1, 3600, {"min": 0})):
            deployment = {"requests": {"cpu": 1}, "replicas": {"initial": initial, "min": 0}, "objective": {"latency": "1s"}, "variants": fixed("100ms"),
                          "workload": workload}
            policy = {"horizontal": {"scale_down_window": "30s", **parameters}}
            result = self.result(one(pool(2, 0, 5, startup="30s"), deployment, {"h": {"scale": policy}}, horizon="3600s"))
            self.assertEqual(set(result.trace["replicas_wished"][0, 0].tolist()), {1})
            self.assertAlmostEqual(result.value("replicas_ready"), ready_s / 3600, places=9)
            self.assertAlmostEqual(result.value("finished"), 3000 * 2, delta=1)
            self.assertAlmostEqual(result.value("latency_mean_s"), 0.1, places=9)

    def test_dropped_at_the_start(self):
        """Two are ready at 0 s, the look at 0 s wishes one: the other has gone at the instant at which it came."""
        deployment = {"replicas": {"initial": 2}, "variants": fixed("1s"), "workload": constant("0.5/s")}
        result = self.result(one({"p": {"machine": {"cpu": 4}}}, deployment, {"one": {"scale": {"none": {"replicas": 1}}}}, horizon="100s"))
        self.assertEqual(result.value("replicas_ready"), 1)
        self.assertEqual(result.value("finished"), 49)  # at 2, 4, ... 98 s
        self.assertAlmostEqual(result.value("latency_mean_s"), 1, places=12)

    def test_dropped_when_they_become_ready(self):
        """Jobs at 1 ... 16 s, 3 s each, on one replica: job i ends at 1 + 3 i, after 1 + 2 i: 18 s on average, the last at 49 s. The look at 15 s
        orders four nodes, up at 60 s with a replica each, when the look sees the empty 45 to 60 s and drops those: no time ready. The nodes stay
        for 60 s: 1 + 4 x 60 / 400 on average."""
        workload = {**constant("1/s"), "rate": {"steps": {"points": [{"at": "0s", "factor": 1}, {"at": "16s", "factor": 0}]}}}
        deployment = {"requests": {"cpu": 1}, "replicas": {"initial": 1, "min": 1, "max": 5}, "variants": fixed("3s"), "workload": workload}
        strategy = {"scale": {"horizontal": {"scale_down_window": "0s", "metric": "in_flight_per_replica", "target": 2}}, "metrics": {"window": "15s"}}
        pools = {"p": {"machine": {"cpu": 1}, "nodes": {"min": 0, "max": 9, "initial": 1}, "startup": "45s"}}
        result = self.result(one(pools, deployment, {"h": strategy}, horizon="400s"))
        self.assertEqual((result.value("offered"), result.value("finished")), (16, 16))
        self.assertAlmostEqual(result.value("latency_mean_s"), 18, places=9)
        self.assertAlmostEqual(result.value("replicas_ready"), 1, places=12)
        self.assertEqual(result.value("nodes_ordered"), 5)
        self.assertAlmostEqual(result.value("nodes_ready"), 1 + 4 * 60 / 400, places=9)


# A process of its own starts the program and prints the most memory that its only child had (ru_maxrss counts KiB on Linux).
MOST_MEMORY = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


class Jobs(InFolder):
    def most_memory_mb(self, scenario):
        path = self.write("m.yaml", scenario)
        command = [sys.executable, "-c", MOST_MEMORY, PROGRAM, "run", path, "-o", self.path("m.h5"), "--quiet"]
        return int(subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=300, check=True).stdout) * 1024 / 1e6

    def test_feedback_has_no_end_of_hops(self):
        """A job goes round again with probability 0.99: 1 / 0.01 = 100 visits on average (with 255 at most it would be 92.3), with a standard
        deviation of 99.5; over the 20000 jobs that come, 0.7 for the mean. 5 x 100 visits of 1 ms a second: half loaded."""
        deployment = {"variants": fixed("1ms"), "route": [{"to": "d", "probability": 0.99}], "workload": constant("5/s")}
        result = self.result(one(pool(4), deployment, {"still": {"scale": "none"}}, horizon="4000s"))
        self.assertAlmostEqual(result.value("offered") / 20000, 100, delta=4 * 0.7)

    @unittest.skipIf(SHORT, "memory is measured without sanitizers")
    def test_memory_of_flows_upstream(self):
        """From a to b, which looks once an hour: of 3600 s x 500 jobs/s on their way not many may be kept: 1.8 million events of 32 bytes
        or more would be 58 MB beside the program's own 25 and what it holds for its output."""
        service = fixed({"exponential": "1ms"})
        scenario = one(pool(64), None, {"still": {"scale": "none", "period": "1h"}}, horizon="4000s")
        scenario["deployments"] = {"a": {"replicas": {"initial": 4}, "variants": service, "route": [{"to": "b", "probability": 1}],
                                         "workload": {"arrivals": {"poisson": {"rate": "500/s"}}}},
                                   "b": {"replicas": {"initial": 4}, "variants": service}}
        self.assertLess(self.most_memory_mb(scenario), 60)

    @unittest.skipIf(SHORT, "memory is measured without sanitizers")
    def test_memory_of_long_patience(self):
        """A total timeout of a day that no job of 10 ms ever reaches: 2 h x 200 jobs/s = 1.44 million of them, of which two at a time are there. An
        event of 32 bytes kept for each would be 46 MB."""
        deployment = {"concurrency": 20, "queue": {"timeout": {"of": "total", "after": "1d"}}, "variants": fixed({"exponential": "10ms"}),
                      "workload": {"arrivals": {"poisson": {"rate": "200/s"}}}}
        self.assertLess(self.most_memory_mb(one(pool(20, 1, 5), deployment, {"still": {"scale": "none"}}, horizon="2h")), 40)

    def test_interrupted_between_looks(self):
        """A look a day, and 40000 s x 3000 jobs/s are far more than 2 s of work: an interrupt does not wait for the look."""
        deployment = {"replicas": {"initial": 4}, "variants": fixed({"exponential": "1ms"}), "workload": {"arrivals": {"poisson": {"rate": "3000/s"}}}}
        path = self.write("i.yaml", one(pool(64), deployment, {"still": {"scale": "none", "period": "1d"}}, horizon="40000s"))
        with subprocess.Popen([PROGRAM, "run", path, "-o", self.path("i.h5"), "--quiet"], cwd=self.folder, stderr=subprocess.DEVNULL) as process:
            try:
                end = time.monotonic() + 30
                while not os.path.exists(self.path("i.h5.journal")) and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(0.2)
                self.assertIsNone(process.poll())
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(timeout=2), 130)
            finally:
                process.kill()

    def test_median_of_a_constant_is_the_constant(self):
        """M/D/50 at load 0.7: 350/s x 100 ms / 50. Fewer than half of the jobs wait (of M/M/50, by Erlang's C, 1 %), so the median is the
        service time itself, not a bucket's edge near it."""
        for changes in ({"concurrency": 50, "replicas": {"initial": 1}}, {"replicas": {"initial": 50, "min": 50, "max": 50}}):
            deployment = {"variants": fixed("100ms"), "workload": {"arrivals": {"poisson": {"rate": "350/s"}}}, **changes}
            result = self.result(one(pool(64), deployment, {"still": {"scale": "none"}}, horizon="300s"))
            self.assertLess(result.value("waited_ratio"), 0.5)
            with self.subTest(next(iter(changes))):
                self.assertEqual(set(result.trace["latency_p50_s"][0, 0].tolist()), {0.1})
                self.assertEqual(result.value("latency_p50_s"), 0.1)


if __name__ == "__main__":
    unittest.main()

"""Training beside inference and beside other queues: who gives way to whom, quotas, nodes that come for gangs, and what must add up in every
scenario, drawn at random. Cases by hand are (submitted s, GPUs, duration s)."""

import os
import random
import unittest

import h5py
import numpy

from queues import IDLE, Queues, scenario
from support.program import SHORT, repetitions, sha256

SEED = int(os.environ.get("HEADROOM_SEED", "20261125"))


class Sharing(Queues):
    # ---- deployments ----

    def service_beside(self, queue, priority=None, gpus=4):
        """A replica that needs all GPUs of the node, wished from the start but pending: its node is taken by training at instant 0 first."""
        service = {**IDLE, "requests": {"gpu": gpus}, "replicas": {"initial": 1, "min": 1, "max": 1}}
        if priority is not None:
            service["priority"] = priority
        return scenario({"q": queue}, changes={"deployments": {"service": service}})

    def test_a_replica_that_is_there_keeps_its_place(self):
        """4 GPUs, 2 of a replica: a gang of 3 waits for ever, one of 2 runs."""
        columns = self.training(self.service_beside(self.queue([(0, 2, 10), (0, 3, 10)]), gpus=2))
        self.assertEqual(columns["completed"][0, 0], 1)
        self.assertEqual(columns["unfinished"][0, 0], 1)
        self.assertEqual(columns["preemptions"][0, 0], 0)

    def failing(self, queue, **service):
        """One replica of 4 GPUs on the only node of 4 fails at 100 s, training takes the node, and the policy wants it back at 115 s or later."""
        deployment = {**IDLE, "requests": {"gpu": 4}, "replicas": {"initial": 1, "min": 1, "max": 1}, **service}
        return scenario({"q": queue}, changes={"deployments": {"service": deployment}, "faults": [{"at": "100s", "deployment": "service"}],
                                               "strategies": {"only": {"scale": {"horizontal": {"target": 0.5}}, "nodes": "static", "period": "15s"}}})

    def test_inference_takes_gpus_back(self):
        """The failed replica is wished again at the next look, 105 s. The job that began at 100 s has done 5 s, of which the checkpoint at 4 s
        is kept; it goes on when nobody needs the node: never."""
        queue = self.queue([(50, 4, 200)], checkpoint={"interval": "4s"})
        columns = self.training(self.failing(queue))
        self.assertEqual(columns["preemptions"][0, 0], 1)
        self.assertAlmostEqual(columns["lost_gpu_h"][0, 0] * 3600, 4 * 1, places=6)
        self.assertAlmostEqual(columns["useful_gpu_h"][0, 0] * 3600, 4 * 4, places=6)
        self.assertEqual(columns["unfinished"][0, 0], 1)

    def test_inference_of_lower_priority_waits(self):
        columns = self.training(self.failing(self.queue([(50, 4, 200)]), priority=-1))
        self.assertEqual(columns["preemptions"][0, 0], 0)
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], 250, places=6)

    # ---- queues ----

    def two(self, low, high, gpus=4, **high_fields):
        """A queue of priority 0 and one of priority 1."""
        return self.training(scenario({"low": self.queue(low, name="low", checkpoint={"preempted": "save"}),
                                       "high": {**self.queue(high, name="high"), "priority": 1, **high_fields}}, gpus=gpus))

    def test_higher_priority_preempts_the_youngest_it_needs(self):
        """Two jobs of 2 GPUs; a gang of 2 of the higher queue at 4 s stops the one that began last."""
        columns = self.two([(0, 2, 10), (1, 2, 10)], [(4, 2, 3)])
        self.assertEqual(columns["preemptions"][0].tolist(), [1, 0])
        self.assertAlmostEqual(columns["completion_mean_s"][0, 1], 3, places=6)
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], (10 + 13) / 2, places=6)

    def test_higher_priority_waits_where_it_may_not_preempt(self):
        columns = self.two([(0, 4, 10), (1, 4, 10)], [(4, 4, 3)], preempt=False)
        self.assertEqual(columns["preemptions"][0].tolist(), [0, 0])
        self.assertAlmostEqual(columns["completion_mean_s"][0, 1], 9, places=6)  # 10 to 13
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], (10 + 22) / 2, places=6)  # the second from 13 to 23

    def test_only_as_many_as_needed_are_preempted(self):
        """Four jobs of one GPU; a gang of 2 stops the two that began last."""
        columns = self.two([(k, 1, 20) for k in range(4)], [(10, 2, 5)])
        self.assertEqual(columns["preemptions"][0].tolist(), [2, 0])
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], (20 + 20 + 25 + 25) / 4, places=6)

    def quotas(self, jobs_a, jobs_b, **quotas):
        return self.training(scenario({"a": self.queue(jobs_a, name="a", checkpoint={"preempted": "save"}, quota=quotas.get("a", {})),
                                       "b": self.queue(jobs_b, name="b", checkpoint={"preempted": "save"}, quota=quotas.get("b", {}))}))

    def test_a_quota_without_borrowing_is_a_cap(self):
        columns = self.quotas([(0, 1, 10)] * 4, [], a={"gpu": 2, "borrow": False})
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], 15, places=6)

    def test_a_gang_beyond_its_quota_is_rejected(self):
        columns = self.quotas([(0, 3, 10), (0, 2, 10)], [], a={"gpu": 2, "borrow": False})
        self.assertEqual(columns["rejected"][0, 0], 1)
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], 10, places=6)

    def test_borrowing(self):
        columns = self.quotas([(0, 1, 10)] * 4, [], a={"gpu": 2}, b={"gpu": 2})
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], 10, places=6)

    def test_what_is_not_lent_cannot_be_borrowed(self):
        columns = self.quotas([(0, 1, 10)] * 4, [], a={"gpu": 2}, b={"gpu": 2, "lend": False})
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], 15, places=6)

    def test_reclaim(self):
        """a holds 4 of 4, 2 of them borrowed; at 5 s b wants its 2: the two of a that began last stop, and go on at 8 s."""
        columns = self.quotas([(0, 1, 10)] * 4, [(5, 2, 3)], a={"gpu": 2}, b={"gpu": 2})
        self.assertEqual(columns["preemptions"][0].tolist(), [2, 0])
        self.assertAlmostEqual(columns["completion_mean_s"][0, 1], 3, places=6)
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], (10 + 10 + 13 + 13) / 4, places=6)

    def test_no_reclaim(self):
        columns = self.quotas([(0, 1, 10)] * 4, [(5, 2, 3)], a={"gpu": 2}, b={"gpu": 2, "reclaim": False})
        self.assertEqual(columns["preemptions"].sum(), 0)
        self.assertAlmostEqual(columns["completion_mean_s"][0, 1], 8, places=6)

    def test_reclaim_takes_no_more_than_was_borrowed(self):
        """b has a right to 2 and wants 3: it waits for free GPUs instead of taking a's own."""
        columns = self.quotas([(0, 1, 10)] * 4, [(5, 3, 3)], a={"gpu": 2}, b={"gpu": 2})
        self.assertEqual(columns["preemptions"].sum(), 0)
        self.assertAlmostEqual(columns["completion_mean_s"][0, 1], 8, places=6)

    # ---- nodes ----

    def test_nodes_come_for_a_gang(self):
        """No node at first: a gang of 3 on nodes of 2 GPUs has two ordered at once, which take 30 s; released 60 s after it has ended."""
        for policy in ("on-demand", "cluster-autoscaler", "karpenter"):
            text = scenario({"q": self.queue([(5, 3, 100)])}, gpus=2, changes={
                "cluster.pools.gpu.nodes": {"min": 0, "max": 5, "initial": 0}, "cluster.pools.gpu.startup": "30s",
                "strategies": {"only": {"scale": "none", "nodes": policy}}})
            output = self.run_scenario(text)
            with h5py.File(output, "r") as file:
                completion, ordered = file["training/completion_mean_s"][0, 0], file["summary/nodes_ordered"][0]
            with self.subTest(policy):
                self.assertEqual(ordered, 2)
                self.assertGreaterEqual(completion, 130)
                self.assertLess(completion, 200)  # looks of the policy itself come on top
                if policy == "on-demand":
                    self.assertAlmostEqual(completion, 130, places=6)

    def test_workers_keep_their_node(self):
        """Karpenter would consolidate two half-empty nodes; a worker that must not be evicted keeps its own, one that may be moves."""
        for evictable in (False, True):
            jobs = [(0, 1, 3000), (0, 1, 20), (1, 1, 3000)]
            text = scenario({"q": self.queue(jobs, evictable=evictable)}, gpus=2, horizon="4000s", changes={
                "cluster.pools.gpu.nodes": {"min": 0, "max": 5, "initial": 0}, "cluster.pools.gpu.startup": "10s",
                "strategies": {"only": {"scale": "none", "nodes": "karpenter"}}})
            columns = self.training(text)
            with self.subTest(evictable=evictable):
                self.assertEqual(columns["restarts"][0, 0] > 0, evictable)

    # ---- what must hold always ----

    def random_scenario(self, draw):
        disciplines = ["fifo", "backfill", {"shortest-remaining": {"preemptive": draw.random() < 0.5}}, {"las": {"classes": ["10m", "1h"]}},
                       {"goodput-like": {"period": "2m"}}, {"threshold": {"period": "2m", "below": "1G"}}]
        throughputs = ["linear", {"ring-allreduce": {"gradient": "200M", "bandwidth": "2G", "node_bandwidth": "20G"}}, {"usl": {"coherency": 0.001}}]

        def queue(k):
            text = {"discipline": draw.choice(disciplines), "priority": draw.randint(-1, 2), "preempt": draw.random() < 0.7, "throughput": draw.choice(throughputs),
                    "worker": {"cpu": draw.randint(0, 8), "memory": f"{draw.randint(0, 32)}Gi"}, "startup": draw.choice(["0s", "20s", {"exponential": {"mean": "30s"}}]),
                    "checkpoint": {"interval": draw.choice(["0s", "5m", "1h"]), "cost": "10s", "restart": "30s", "preempted": draw.choice(["lose", "save"])},
                    "failure": {"mtbf": draw.choice(["0s", "3h", "50h"]), "downtime": "1m"}, "evictable": draw.random() < 0.3,
                    "jobs": {"arrivals": {"poisson": {"rate": f"{draw.randint(1, 20)}/h"}}, "gpus": {"uniform": {"low": 1, "high": draw.randint(1, 10)}},
                             "duration": {"lognormal": {"mean": f"{draw.randint(1, 60)}m", "cv": 1.5}}, "data_size": {"exponential": {"mean": "1G"}}}}
            if draw.random() < 0.5:
                text["jobs"]["elastic"] = {"min": draw.randint(1, 3), "max": draw.randint(4, 16)}
            if draw.random() < 0.3:
                text["jobs"]["cancel"] = {"probability": 0.3, "after": {"exponential": {"mean": "30m"}}}
            if draw.random() < 0.3:
                text["stragglers"] = {"step": {"lognormal": {"mean": 1, "cv": 0.3}}, "backup": draw.randint(0, 2)}
            if draw.random() < 0.5:
                text["quota"] = {"gpu": draw.randint(1, 12), **{key: draw.random() < 0.5 for key in ("borrow", "lend", "reclaim")}}
            if draw.random() < 0.4:
                text["variants"] = {"small": {"accuracy": 0.7, "work": 0.5}, "large": {"accuracy": 0.9}}
            text["pool"] = draw.choice([["a"], ["b"], ["a", "b"], ["b", "a"]])
            return text

        pool = {"machine": {"gpu": 4, "cpu": 32, "memory": "128Gi", "price": "$2/h"}, "startup": "90s"}
        service = {"pool": ["a", "b"], "requests": {"cpu": 4, "memory": "8Gi", "gpu": draw.choice([1, 2, "500m"])}, "replicas": {"initial": 1, "min": 0, "max": 8},
                   "variants": {"only": {"load": "10s", "service": {"distribution": {"time": {"exponential": {"mean": "1s"}}}}}},
                   "workload": {"arrivals": {"poisson": {"rate": "3/s"}}, "rate": {"diurnal": {"period": "3h"}}}}
        nodes = draw.choice(["static", "on-demand", "cluster-autoscaler", "karpenter"])
        low = 2 if nodes == "static" else draw.randint(0, 2)
        return {"name": "random", "horizon": f"{draw.randint(3, 9)}h", "seed": draw.randint(1, 10**6),
                "cluster": {"pools": {name: {**pool, "nodes": {"min": low, "max": draw.randint(2, 4)}} for name in "ab"}},
                "deployments": {"service": service}, "training": {f"q{k}": queue(k) for k in range(draw.randint(1, 4))},
                "strategies": {"one": {"scale": {"horizontal": {"target": 0.6}}, "nodes": nodes}, "two": {"scale": {"none": {"replicas": draw.randint(0, 5)}}, "nodes": nodes}}}

    def assert_conserved(self, output):
        with h5py.File(output, "r") as file:
            self.assertTrue((file["summary/status"][...] == 0).all(), file["summary/message"][...])
            t = {name: file["training"][name][...] for name in file["training"] if file["training"][name].ndim == 2}
            trace = {name: file["training_trace"][name][...] for name in file["training_trace"] if file["training_trace"][name].ndim == 3}
            numpy.testing.assert_array_equal(t["submitted"], t["completed"] + t["cancelled"] + t["rejected"] + t["unfinished"])
            hours = file.attrs["horizon_s"] / 3600
            numpy.testing.assert_allclose(t["gpus"] * hours, t["useful_gpu_h"] + t["lost_gpu_h"] + t["overhead_gpu_h"], rtol=1e-9, atol=1e-9)
            parts = file["summary/cost_usd"][...].sum(axis=1) + t["training_cost_usd"].sum(axis=1) + file["summary/idle_cost_usd"][...]
            numpy.testing.assert_allclose(parts, file["summary/cluster_cost_usd"][...], rtol=1e-9)
            held = trace["gpus"].sum(axis=1) + file["trace/requested_gpus"][...].sum(axis=1)
            there = 4 * file["pool/nodes_ready"][...].sum(axis=1)
            self.assertTrue((held <= there + 1e-9).all())
            for name in ("submitted", "preemptions", "restarts", "rescales"):
                numpy.testing.assert_array_equal(trace[name].sum(axis=2), t[name])
            numpy.testing.assert_allclose(trace["cost_cumulative_usd"][:, :, -1], t["training_cost_usd"], rtol=1e-9, atol=1e-12)
            for values in t.values():
                self.assertTrue(((values >= 0) | numpy.isnan(values)).all())
            return t

    def test_conservation(self):
        """Jobs, GPUs and money add up in scenarios drawn at random, with failures, preemption, quotas, elastic jobs and nodes that come and go."""
        draw = random.Random(SEED)
        counted = 0
        for number in range(repetitions(16, 1500, 6)):
            text = self.random_scenario(draw)
            with self.subTest(seed=SEED, number=number):
                counted += self.assert_conserved(self.run_scenario(text, name="random"))["submitted"].sum()
        self.assertGreater(counted, 500)

    def test_same_bits_whatever_the_loop_and_threads(self):
        draw = random.Random(SEED + 1)
        for number in range(2 if SHORT else 5):
            text = self.write("same.yaml", self.random_scenario(draw))
            files = [self.run_scenario(text, *options, name=f"same{k}") for k, options in enumerate((["--threads", "1"], ["--threads", "4"], ["--plain"]))]
            self.assertEqual(len({sha256(file) for file in files}), 1, f"seed {SEED + 1}, number {number}")

    def test_a_queue_does_not_move_the_jobs_of_others(self):
        """The jobs of a queue are addressed by its name: another queue on other machines changes nothing."""
        def text(queues):
            return scenario({name: {"pool": name, "jobs": {"arrivals": {"poisson": {"rate": "20/h"}}, "gpus": {"uniform": {"low": 1, "high": 3}},
                                                         "duration": {"exponential": {"mean": "10m"}}}, "failure": {"mtbf": "5h"}} for name in queues},
                            horizon="24h", changes={"cluster.pools": {name: {"machine": {"gpu": 4, "price": "$1/h"}, "nodes": {"min": 1, "max": 1}} for name in ("x", "y")},
                                                    "deployments.idle.pool": "x"})
        alone, both = self.training(text(["y"]), name="alone"), self.training(text(["x", "y"]), name="both")
        for name in alone:
            if name != "cluster_gpu_ratio":
                numpy.testing.assert_array_equal(alone[name][:, 0], both[name][:, 1], err_msg=name)


if __name__ == "__main__":
    unittest.main()

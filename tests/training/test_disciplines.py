"""Every discipline on cases of a few jobs, by hand: (submitted s, GPUs, duration s) of each job, and how long each takes from submission to
end. GPUs are 4 of one node unless a case says otherwise."""

import unittest

import numpy

from queues import Queues, scenario

SAVE = {"preempted": "save"}


class Disciplines(Queues):
    def columns(self, cases):
        """One run of all cases: a queue each, on a pool of its own."""
        queues, pools = {}, {}
        for k, (jobs, fields) in enumerate(cases):
            fields = dict(fields)
            machine = {"gpu": fields.pop("gpus", 4), "cpu": 64, "memory": "256Gi", "price": "$1/h"}
            nodes = fields.pop("nodes", 1)
            pools[f"p{k}"] = {"machine": machine, "nodes": {"min": nodes, "max": nodes}}
            queues[f"q{k}"] = self.queue(jobs, name=f"jobs{k}", pool=f"p{k}", **fields)
        return self.training(scenario(queues, changes={"cluster.pools": pools, "deployments.idle.pool": "p0"}))

    def holds(self, expected, columns, q):
        """The figures of the file against those of the list: mean and quantiles pin a list of a few."""
        self.assertEqual(columns["completed"][0, q], len(expected))
        self.assertAlmostEqual(columns["completion_mean_s"][0, q], numpy.mean(expected), places=5)
        for name, p in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            self.assertAlmostEqual(columns[f"completion_{name}_s"][0, q], numpy.quantile(expected, p), places=5, msg=f"{name} of {expected}")

    def cases(self, default, cases, **fixed):
        fixed = {"discipline": default, **fixed}
        columns = self.columns([(jobs, {**fixed, **(more[0] if more else {})}) for jobs, _, *more in cases])
        for q, (jobs, expected, *_) in enumerate(cases):
            with self.subTest(case=q + 1, jobs=jobs):
                self.holds(expected, columns, q)

    def test_fifo(self):
        self.cases("fifo", [
            ([(0, 1, 10)], [10]),
            ([(0, 4, 10), (0, 4, 10)], [10, 20]),
            ([(0, 2, 10), (0, 2, 10)], [10, 10]),
            ([(0, 3, 10), (0, 2, 10), (0, 1, 5)], [10, 20, 15]),  # the second blocks the third
            ([(0, 1, 10), (0, 4, 10), (1, 1, 1)], [10, 20, 20]),
            ([(0, 2, 10), (5, 2, 10)], [10, 10]),
            ([(0, 4, 3), (1, 1, 2), (2, 2, 2)], [3, 4, 3]),
            ([(0, 1, 4)] * 5, [4, 4, 4, 4, 8]),
            ([(0, 3, 6), (1, 1, 2), (2, 1, 2)], [6, 2, 3]),
            ([(0, 4, 2), (0, 3, 2), (0, 2, 2), (0, 1, 2)], [2, 4, 6, 6]),
            ([(0, 2, 8), (0, 2, 4), (0, 4, 1), (0, 1, 1)], [8, 4, 9, 10]),
            ([(0, 5, 3), (0, 1, 2)], [2]),  # the first can never run
            ([(0, 3, 5), (0, 1, 5)], [5, 5], {"gpus": 2, "nodes": 2}),  # a gang over two nodes
            ([(0, 1, 5), (0, 2, 5), (0, 1, 5)], [5, 5, 5], {"gpus": 2, "nodes": 2}),
        ])

    def test_backfill(self):
        self.cases("backfill", [
            ([(0, 1, 10)], [10]),
            ([(0, 4, 10), (0, 4, 10)], [10, 20]),
            ([(0, 2, 10), (0, 2, 10)], [10, 10]),
            ([(0, 3, 10), (0, 2, 10), (0, 1, 5)], [10, 20, 5]),  # ends before the shadow time, 10
            ([(0, 3, 10), (0, 2, 10), (0, 1, 15)], [10, 20, 15]),  # needs what the second leaves over
            ([(0, 3, 10), (0, 4, 10), (0, 1, 15)], [10, 20, 35]),  # would delay the second
            ([(0, 3, 10), (0, 4, 10), (0, 1, 10)], [10, 20, 10]),  # ends at the shadow time itself
            ([(0, 2, 10), (0, 1, 4), (0, 3, 5), (0, 1, 6)], [10, 4, 15, 6]),
            ([(0, 2, 10), (0, 1, 4), (0, 2, 5), (0, 1, 6)], [10, 4, 9, 15]),
            ([(0, 2, 10), (0, 1, 4), (0, 2, 5), (0, 1, 4)], [10, 4, 9, 4]),
            ([(0, 3, 10), (0, 3, 10), (0, 1, 20), (0, 1, 20)], [10, 20, 20, 40]),  # the first backfilled takes all that is left over
            ([(0, 3, 10), (0, 4, 10), (0, 1, 6)], [10, 20, 6], {"discipline": {"backfill": {"estimate": 2}}}),
            ([(0, 4, 5), (1, 4, 5), (2, 1, 1)], [5, 9, 9]),
        ])

    def test_shortest_remaining(self):
        self.cases("shortest-remaining", [
            ([(0, 1, 10)], [10]),
            ([(0, 2, 10), (1, 2, 2)], [12, 2]),
            ([(0, 2, 10), (1, 2, 2)], [10, 11], {"discipline": {"shortest-remaining": {"preemptive": False}}}),
            ([(0, 2, 4), (0, 2, 2), (0, 2, 3)], [9, 2, 5]),
            ([(0, 1, 5), (0, 1, 5), (1, 1, 1)], [5, 6, 1]),
            ([(0, 2, 10), (0, 1, 20)], [10, 30]),
            ([(0, 1, 3), (0, 2, 2)], [5, 2]),
            ([(0, 1, 2), (0, 2, 3), (0, 1, 4)], [2, 7, 4]),
            ([(0, 2, 6), (2, 1, 3)], [9, 3]),
            ([(0, 2, 6), (2, 1, 5)], [6, 9]),
            ([(0, 2, 10), (1, 2, 2)], [13, 2], {"checkpoint": {}}),  # preempted, and all is lost
            ([(0, 2, 4), (2, 2, 2)], [4, 4]),  # as much is left of both: the older goes on
            ([(0, 1, 1), (0, 1, 2), (0, 1, 3), (0, 1, 4)], [1, 2, 4, 6]),
        ], gpus=2, checkpoint=SAVE)

    def test_least_attained_service(self):
        classes = {"least-attained-service": {"classes": ["4s"]}}
        self.cases("", [
            ([(0, 1, 10)], [10]),
            ([(0, 2, 10), (0, 2, 10)], [12, 20]),
            ([(0, 2, 1), (0, 2, 1)], [1, 2]),
            ([(0, 2, 10), (5, 2, 1)], [11, 1]),
            ([(0, 2, 10), (1, 2, 1)], [11, 2]),
            ([(0, 1, 10), (0, 1, 10), (0, 1, 2)], [10, 12, 6]),
            ([(0, 2, 10), (5, 2, 1)], [10, 6], {"discipline": "las"}),  # one hour of GPU time: the same class
            ([(0, 2, 4), (0, 2, 4)], [6, 8], {"discipline": {"las": {"classes": ["2s", "4s"]}}}),
            ([(0, 2, 10), (0, 1, 1)], [11, 3]),
            ([(0, 1, 2), (0, 1, 2), (0, 1, 2)], [2, 2, 4]),
            ([(0, 1, 3), (0, 1, 3), (1, 1, 3)], [3, 3, 5]),
            ([(0, 2, 3), (2.5, 2, 1)], [4, 1]),
            ([(0, 2, 10), (5, 2, 1)], [16, 1], {"checkpoint": {}}),
        ], gpus=2, checkpoint=SAVE, discipline=classes)

    def test_goodput_like(self):
        elastic = {"elastic": {"min": 1, "max": 4}}
        flat = {"table": {"points": [{"gpus": 1, "rate": "1/s"}, {"gpus": 2, "rate": "1/s"}, {"gpus": 4, "rate": "1/s"}]}}
        late = {"table": {"points": [{"gpus": 1, "rate": "1/s"}, {"gpus": 2, "rate": "1/s"}, {"gpus": 4, "rate": "2/s"}]}}
        self.cases("", [
            ([(0, 1, 40)], [10]),
            ([(0, 1, 40), (0, 1, 40)], [10, 20]),
            ([(0, 1, 80), (0, 1, 40)], [30, 30]),
            ([(0, 1, 100), (0, 1, 20)], [30, 20]),
            ([(0, 1, 40)], [20], {"more": {"elastic": {"max": 2}}}),
            ([(0, 1, 40), (0, 1, 40)], [20, 20], {"more": {"elastic": {"max": 2}}}),
            ([(0, 2, 20)], [10]),
            ([(0, 1, 40)], [20], {"throughput": late}),  # nothing at two GPUs, twice as fast at four
            ([(0, 1, 40)] * 5, [10, 50, 50, 50, 50]),
            ([(0, 1, 10)] * 4, [10, 10, 10, 10], {"throughput": flat}),
            ([(0, 1, 80), (0, 1, 40)], [37.5, 30], {"checkpoint": {"restart": "5s"}}),
            ([(0, 2, 20)] * 3, [10, 30, 30], {"more": {"elastic": {"min": 2, "max": 4}}}),
            ([(0, 2, 10)] * 3, [10, 10, 20], {"more": {}}),
        ], discipline={"goodput-like": {"period": "10s"}}, more=elastic)

    def test_threshold(self):
        def rule(**more):
            return {"threshold": {"period": "10s", **more}}
        elastic = {"elastic": {"min": 1, "max": 4}, "data_size": "20G"}
        small = {"elastic": {"min": 1, "max": 4}, "data_size": "1G"}
        variants = {"small": {"accuracy": 0.7, "work": 0.5}, "large": {"accuracy": 0.9}}
        flat = {"table": {"points": [{"gpus": 1, "rate": "1/s"}, {"gpus": 2, "rate": "1/s"}]}}
        one = {"nodes": 1, "gpus": 4}
        self.cases("", [
            ([(0, 1, 40)], [20], {"more": small}),  # the small model
            ([(0, 1, 40)], [20]),  # two GPUs of the other node at 10 s
            ([(0, 1, 40)], [17.5], one),  # no other node: vertically, three more GPUs
            ([(0, 1, 40)], [25], {"discipline": rule(way="vertical")}),  # one more on its node
            ([(0, 1, 40)], [40], {**one, "discipline": rule(way="horizontal")}),
            ([(0, 1, 80)], [30]),  # a node at 10 s, then the rest of both
            ([(0, 1, 40)], [40], {"discipline": rule(within="100s")}),  # it will be in time
            ([(0, 1, 40)], [20], {"discipline": rule(within="30s")}),
            ([(0, 1, 40), (0, 1, 40)], [20, 20 + 20 / 3]),
            ([(0, 1, 40)], [40], {"throughput": flat}),
            ([(0, 1, 40)], [25], {"more": {"elastic": {"max": 2}, "data_size": "20G"}}),
            ([(0, 1, 40)], [20], {"more": small, "variants": {}}),  # no models to choose from: it scales
        ], discipline=rule(), more=elastic, variants=variants, nodes=2, gpus=2)

    def test_threshold_trains_the_small_model_for_small_data(self):
        for data, accuracy in (("1G", 0.7), ("20G", 0.9)):
            variants = {"small": {"accuracy": 0.7, "work": 0.5}, "large": {"accuracy": 0.9}}
            columns = self.columns([([(0, 1, 4)], {"discipline": "threshold", "more": {"data_size": data}, "variants": variants})])
            self.assertEqual(columns["trained_accuracy_ratio"][0, 0], accuracy)
            self.assertEqual(columns["completion_mean_s"][0, 0], 2 if data == "1G" else 4)


if __name__ == "__main__":
    unittest.main()

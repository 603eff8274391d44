"""What goes wrong with nodes, by hand, through the whole program: instants are made certain by laws without spread, and every figure follows
from them."""

import unittest

import numpy

from support.program import InFolder, small


def certainly(duration):
    """A law of one value where a plain duration would mean an exponential."""
    return {"uniform": {"low": duration, "high": duration}}


def cluster(changes=None, pool=None):
    """One node of 4 cores at $3.6/h ($0.001/s), ready at 0; one replica that wants all of it; nothing arrives."""
    machine = {"cpu": 4, "memory": "16Gi", "price": "$3.6/h"}
    one = {"machine": machine, "nodes": {"min": 1, "max": 1}, "minimum_charge": "0s", "granularity": "1ns", **(pool or {})}
    return small({"horizon": "2560s", "cluster.pools": {"cpu": one}, "deployments.app.requests": {"cpu": 4}, "deployments.app.replicas": {"initial": 1, "min": 1, "max": 1},
                  "deployments.app.workload": {"arrivals": "none"}, "deployments.app.objective": None, "deployments.app.variants.only.load": "0s", **(changes or {})})


def another(**more):
    return {"machine": {"cpu": 4, "memory": "16Gi", "price": "$7.2/h"}, "nodes": {"min": 0, "max": 4}, "minimum_charge": "0s", "granularity": "1ns", **more}


class Failures(InFolder):
    def test_repaired(self):
        """Up 600 s, down 200 s: fails at 600, 1400 and 2200 s; up again to the end from 2400 s on. Nothing is paid while it is down."""
        result = self.result(cluster(pool={"failures": {"mtbf": certainly("600s"), "repair": "200s"}}))
        self.assertEqual(result.value("nodes_failed"), 3)
        self.assertEqual(result.value("replicas_lost"), 3)
        self.assertAlmostEqual(result.value("nodes_down"), 600 / 2560, places=12)
        self.assertAlmostEqual(result.value("cluster_cost_usd"), 1.96, places=9)
        self.assertAlmostEqual(result.value("replicas_ready"), 1960 / 2560, places=12)
        self.assertEqual(result.value("nodes_ordered"), 1)
        down = result.pool["nodes_down"][0, 0]  # rows of 10 s
        self.assertTrue((down[60:80] == 1).all() and down[59] == 0 and down[80] == 0)

    def test_gone_and_ordered_anew(self):
        """Up 600 s, gone; the next one takes 40 s, paid from its order: fails at 600, 1240, 1880, 2520 s."""
        for billed, cost in ((True, 2.56), (False, 2.40)):
            result = self.result(cluster(pool={"failures": {"mtbf": certainly("600s")}, "startup": "40s", "bill_startup": billed}))
            self.assertEqual(result.value("nodes_failed"), 4)
            self.assertEqual(result.value("nodes_ordered"), 5)
            self.assertAlmostEqual(result.value("cluster_cost_usd"), cost, places=9)

    def test_one_crew_repairs_after_the_other(self):
        """Both fail at 600 s. Two crews: both are back at 800 s; one: at 800 and at 1000 s."""
        for crews, down_s in ((0, 400), (2, 400), (1, 600)):
            pool = {"nodes": {"min": 2, "max": 2}, "failures": {"mtbf": certainly("600s"), "repair": "200s", "crews": crews}}
            self.assertAlmostEqual(self.result(cluster({"horizon": "1280s"}, pool)).value("nodes_down"), down_s / 1280, places=12, msg=crews)

    def test_loss_is_seen_later(self):
        """Lost at 600 s with a second node idle beside it: replaced at once, or after 100 s. Its repair is long."""
        for detect, ready_s in (("0s", 2560), ("100s", 2460)):
            pool = {"nodes": {"min": 1, "max": 1}, "failures": {"mtbf": certainly("600s"), "repair": "1h", "detect": detect}}
            scenario = cluster({"deployments.app.pool": ["cpu", "spare"], "cluster.pools.spare": another(nodes={"min": 1, "max": 1})}, pool)
            self.assertAlmostEqual(self.result(scenario).value("replicas_ready"), ready_s / 2560, places=12, msg=detect)

    def test_only_serving(self):
        """Nobody is served: nothing fails; the same with work all the time does."""
        failures = {"mtbf": "100s", "repair": "1s", "strikes": "serving"}
        self.assertEqual(self.result(cluster(pool={"failures": failures})).value("nodes_failed"), 0)
        busy = {"deployments.app.workload": {"arrivals": {"constant": {"rate": "1/s"}}}, "deployments.app.variants.only.service": {"distribution": {"time": "1h"}}}
        self.assertGreater(self.result(cluster(busy, {"failures": failures})).value("nodes_failed"), 10)

    def test_jobs_that_are_hit(self):
        """A job of 1000 s from 1 s on; the node fails at 600 s and is back at 800 s. It restarts (ends at 1800 s), resumes (ends at 1201 s), or
        fails. The clock of failures starts anew at 800 s and strikes at 1400 s: a job that has restarted is hit again, and a third time."""
        one_job = {"arrivals": {"constant": {"rate": "1/s"}}, "rate": {"steps": {"points": [{"at": "0s", "factor": 1}, {"at": "1.5s", "factor": 0}]}}}
        for failure, hit, finished, failed in (({"work": "restart"}, 3, 0, 0), ({"work": "resume"}, 1, 1, 0), ({"jobs": "fail"}, 1, 0, 1)):
            scenario = cluster({"deployments.app.workload": one_job, "deployments.app.failure": failure, "deployments.app.variants.only.service": {"distribution": {"time": "1000s"}}},
                               {"failures": {"mtbf": certainly("600s"), "repair": "200s"}})
            result = self.result(scenario)
            self.assertEqual([result.value(column) for column in ("offered", "interrupted", "finished", "failed")], [1, hit, finished, failed], failure)
            if finished:
                self.assertAlmostEqual(result.value("latency_mean_s"), 1200, places=6)

    def test_nodes_that_never_start(self):
        """No node at the start. Each order is given up after 100 s; then 60, 120, 240, 240 ... s nothing is ordered: orders at 0, 160, 380, 720,
        1060, 1400, 1740, 2080 and 2420 s; the last one is given up at 2520 s."""
        pool = {"nodes": {"min": 0, "max": 1, "initial": 0}, "failures": {"start": 1, "start_detect": "100s"}, "backoff": {"first": "60s", "most": "4m"}, "bill_startup": False}
        result = self.result(cluster(pool=pool))
        self.assertEqual(result.value("starts_failed"), 9)
        self.assertEqual(result.value("nodes_ordered"), 9)
        self.assertEqual(result.value("replicas_ready"), 0)
        self.assertEqual(result.value("cluster_cost_usd"), 0)

    def test_slow_nodes(self):
        """All at half the speed, none, and a share that the law of large numbers finds again."""
        arrivals = {"deployments.app.workload": {"arrivals": {"constant": {"rate": "0.1/s"}}}, "deployments.app.variants.only.service": {"distribution": {"time": "1s"}}}
        for slow, latency_s in (({"share": 1, "speed": "50%"}, 2), ({"share": 1, "speed": "80%"}, 1.25), ({"share": 0}, 1)):
            self.assertAlmostEqual(self.result(cluster(arrivals, {"slow": slow})).value("latency_mean_s"), latency_s, places=9)
        many = cluster({**arrivals, "deployments.app.replicas": {"initial": 400, "min": 400, "max": 400}, "deployments.app.workload": {"arrivals": {"constant": {"rate": "100/s"}}},
                        "deployments.app.dispatch": "round-robin"}, {"nodes": {"min": 400, "max": 400}, "slow": {"share": "30%", "speed": "50%"}})
        self.assertAlmostEqual(self.result(many).value("latency_mean_s"), 1.3, delta=0.07)


class Spot(InFolder):
    NOTICE = {"trace": {"file": "reclaims.csv"}, "notice": "2m"}

    def reclaimed(self, changes=None, pool=None, instants="600"):
        self.write("reclaims.csv", "time\n0\n" + "\n".join(instants.split()) + "\n")
        return self.result(cluster(changes, {"spot": self.NOTICE, "startup": "50s", "nodes": {"min": 0, "max": 2}, **(pool or {})}))

    def test_an_idle_node_goes_at_the_notice(self):
        """It is empty at once, and given back at 600 s; the next one is ready at 650 s."""
        result = self.reclaimed()
        self.assertEqual(result.value("nodes_reclaimed"), 1)
        self.assertEqual(result.value("replicas_lost"), 0)
        self.assertAlmostEqual(result.value("cluster_cost_usd"), 2.56, places=9)
        self.assertAlmostEqual(result.value("replicas_ready"), 2510 / 2560, places=12)

    def test_a_job_that_outlives_the_notice(self):
        """Of 700 s, from 1 s on: it ends at 701 s, within the notice. Of 1000 s: killed at 720 s, begun anew on the other node."""
        one_job = {"arrivals": {"constant": {"rate": "1/s"}}, "rate": {"steps": {"points": [{"at": "0s", "factor": 1}, {"at": "1.5s", "factor": 0}]}}}
        for service, lost, ends_s, old_until_s in (("700s", 0, 701, 701), ("1000s", 1, 1720, 720)):
            result = self.reclaimed({"deployments.app.workload": one_job, "deployments.app.grace": "1h", "deployments.app.variants.only.service": {"distribution": {"time": service}}})
            self.assertEqual([result.value("replicas_lost"), result.value("interrupted")], [lost, lost], service)
            self.assertAlmostEqual(result.value("latency_mean_s"), ends_s - 1, places=6)
            self.assertAlmostEqual(result.value("cluster_cost_usd"), (old_until_s + 1960) / 1000, places=9)

    def test_no_node_to_take(self):
        """Instants at which nothing is there pass: the one at 610 s comes while the next node starts."""
        self.assertEqual(self.reclaimed(instants="600 610 2000").value("nodes_reclaimed"), 2)

    def test_several_at_once(self):
        """Counts per interval: two of three nodes at 600 s."""
        self.write("reclaims.csv", "time,count\n0,0\n600,2\n1200,0\n")
        spot = {"trace": {"file": "reclaims.csv", "kind": "counts", "interval": "10m"}, "notice": "1m"}
        result = self.result(cluster({"strategies.still.nodes": "static"}, {"spot": spot, "nodes": {"min": 0, "max": 3, "initial": 3}}))
        self.assertEqual(result.value("nodes_reclaimed"), 2)
        self.assertEqual(result.pool["nodes_ready"][0, 0, -1], 1)

    def test_rate(self):
        """20 nodes over 200 h at 0.05 an hour each: 200 reclaims expected."""
        pool = {"spot": {"reclaims": "0.05/h"}, "nodes": {"min": 20, "max": 20}}
        result = self.result(cluster({"horizon": "200h", "replications": 4}, pool))
        self.assertAlmostEqual(float(result.summary["nodes_reclaimed"].mean()), 200, delta=4 * (200 / 4) ** 0.5)


class Stock(InFolder):
    """The node fails at 700 s and is gone; there is no stock from 600 to 900 s."""

    OUT = {"failures": {"mtbf": certainly("700s")}, "stockouts": {"every": certainly("600s"), "last": "300s"}, "backoff": {"first": "60s", "most": "30m"}}
    SHORT = {"horizon": "1280s"}

    def test_refused_orders_back_off(self):
        """Asked at 700 (then 60 s nothing), 760 (120 s), 880 (240 s) and 1120 s, when there is stock again."""
        result = self.result(cluster(self.SHORT, self.OUT))
        self.assertEqual(result.value("orders_refused"), 3)
        self.assertAlmostEqual(result.value("cluster_cost_usd"), 0.7 + 0.16, places=9)
        self.assertAlmostEqual(result.value("stock_out_ratio"), 300 / 1280, places=12)

    def test_the_next_pool_of_the_list_helps_out(self):
        for policy in ("on-demand", "cluster-autoscaler", "karpenter"):
            scenario = cluster({**self.SHORT, "deployments.app.pool": ["cpu", "dear"], "cluster.pools.dear": another(startup="30s"), "strategies.still.nodes": policy}, self.OUT)
            result = self.result(scenario)
            self.assertGreaterEqual(result.value("orders_refused"), 1, policy)
            dear = result.pool["nodes_ready"][0, 1]
            self.assertTrue(dear.max() == 1 and not dear[: int(700 / 5)].any(), policy)
            if policy == "on-demand":  # at once: ready at 730 s
                self.assertAlmostEqual(result.value("replicas_ready"), 1250 / 1280, places=12)

    def test_pools_of_one_market(self):
        markets = {"cluster.pools.b": another(stockouts={"every": "10m", "last": "5m", "market": "east"}), "cluster.pools.c": another(stockouts={"every": "10m", "last": "5m"}),
                   "deployments.app.pool": "cpu", "horizon": "24h"}
        out = self.result(cluster(markets, {"stockouts": {"every": "10m", "last": "5m", "market": "east"}})).pool["stock_out_ratio"][0]
        self.assertTrue(numpy.array_equal(out[0], out[1]))
        self.assertFalse(numpy.array_equal(out[0], out[2]))
        self.assertAlmostEqual(float(out[2].mean()), 1 / 3, delta=0.12)

    def test_prepared_nodes_are_there_all_the_same(self):
        """A node prepared beforehand is taken at 700 s, and ready 5 s later."""
        result = self.result(cluster(self.SHORT, {**self.OUT, "startup": "90s", "warm": {"nodes": 1, "startup": "5s", "price": 0}}))
        self.assertEqual([result.value("orders_refused"), result.value("warm_starts")], [0, 1])
        self.assertAlmostEqual(result.value("replicas_ready"), 1275 / 1280, places=12)

    def test_the_founding_rule_sees_it(self):
        """resource_limit of source stock-out: true while the pool is closed after a refusal, so the rule grows replicas where they are."""
        load = {"arrivals": {"constant": {"rate": "9/s"}}, "rate": {"steps": {"points": [{"at": "0s", "factor": 0.1}, {"at": "620s", "factor": 1}]}}}
        rule = {"threshold": {"cooldown": "15s", "start_patience": "30s", "resource_limit": {"source": "stock-out"}, "data_size": {"source": "series", "series": [{"at": "0s", "size": "99G"}], "below": 1}}}
        changes = {"horizon": "900s", "deployments.app.workload": load, "deployments.app.requests": {"cpu": 1}, "deployments.app.replicas": {"initial": 1, "min": 1, "max": 9},
                   "deployments.app.speed": "linear", "strategies": {"rule": {"scale": rule, "period": "15s", "metrics": {"scrape": "15s", "window": "30s"}}}}
        never = {"stockouts": {"every": certainly("600s"), "last": "1h"}, "backoff": {"first": "10m", "most": "30m"}, "nodes": {"min": 1, "max": 3}}
        for pool, grown in ((never, True), ({"nodes": {"min": 1, "max": 3}}, False)):
            busy = dict(changes, **{"deployments.other": {"requests": {"cpu": 2.5}, "pool": "cpu", "replicas": {"initial": 1}, "workload": {"arrivals": "none"},
                                                          "variants": {"only": {"service": {"distribution": {"time": "1s"}}}}}})
            result = self.result(cluster(busy, pool))
            limits = result.trace["resource_limit"][0, 0]
            self.assertEqual(bool((limits == 1).any()), grown)
            self.assertEqual(bool(result.trace["replica_cores"][0, 0].max() > 1), grown)
            self.assertEqual(result.value("orders_refused") > 0, grown)

    def test_data_size_of_a_job(self):
        """1000 units a job whatever the rate: small below 1001 bytes, large below 1000."""
        for below, variant in ((1001, 0), (1000, 1)):
            rule = {"threshold": {"data_size": {"source": "job", "below": below}}}
            two = {"small": {"accuracy": 0.7, "service": {"distribution": {"time": "10ms"}}}, "large": {"accuracy": 0.9, "service": {"distribution": {"time": "400ms"}}}}
            scenario = cluster({"deployments.app.variants": two, "deployments.app.workload": {"arrivals": {"constant": {"rate": "2/s"}}, "input": 1000},
                                "strategies": {"rule": {"scale": rule}}}, {"nodes": {"min": 1, "max": 1}})
            result = self.result(scenario)
            self.assertEqual(result.trace["data_size_bytes"][0, 0, -1], 1000)
            self.assertEqual(result.trace["variant"][0, 0, -1], variant)


class Starts(InFolder):
    def starting(self, pool, replicas, nodes, changes=None):
        """Replicas wished from the first look at 0 s on, that load 10 s each at full speed: the integral of those starting, in replica seconds."""
        grown = {"horizon": "256s", "deployments.app.requests": {"cpu": 1}, "deployments.app.replicas": {"initial": 0, "min": 0, "max": 9}, "deployments.app.variants.only.load": "10s",
                 "strategies.still.scale": {"none": {"replicas": replicas}}, **(changes or {})}
        result = self.result(cluster(grown, {"nodes": {"min": nodes, "max": nodes}, "placement": "spread", **pool}))
        return float(result.trace["replicas_starting"][0, 0].sum())

    def test_pulls_share_a_registry(self):
        """Three at once, room for one: 30 s each. Room for two: 15 s each. Room for three, or no limit: 10 s."""
        for pulls, each_s in (({"pool": 1}, 30), ({"pool": 2}, 15), ({"pool": 3}, 10), ({}, 10)):
            self.assertAlmostEqual(self.starting({"pulls": pulls}, 3, 3), 3 * each_s, places=6, msg=str(pulls))

    def test_pulls_share_a_node(self):
        """Three on two nodes, each with room for one: the two that share take 20 s, the other 10 s. All on one: 30 s each."""
        self.assertAlmostEqual(self.starting({"pulls": {"node": 1}}, 3, 2), 2 * 20 + 10, places=6)
        self.assertAlmostEqual(self.starting({"pulls": {"node": 1}}, 3, 1), 90, places=6)

    def test_a_later_one_slows_the_others_down(self):
        """The second node comes 5 s after the first, room for one: the first replica has 5 s left, and goes at half the speed until 15 s; the second
        has 5 s left then, and is alone: ready at 20 s."""
        pool = {"pulls": {"pool": 1}, "nodes": {"min": 0, "max": 2, "initial": 1}, "startup": "5s"}
        changes = {"deployments.app.requests": {"cpu": 3}}
        self.assertAlmostEqual(self.starting(pool, 2, 1, changes), 15 + 15, places=6)

    def test_prepared_nodes(self):
        """One of two nodes is prepared: up in 5 s instead of 60, and images are there: replicas load in 4 s instead of 10."""
        pool = {"nodes": {"min": 0, "max": 2, "initial": 0}, "startup": "60s", "warm": {"nodes": 1, "startup": "5s", "load": "40%", "price": 0}}
        scenario = cluster({"horizon": "256s", "deployments.app.requests": {"cpu": 3}, "deployments.app.replicas": {"initial": 0, "min": 0, "max": 2},
                            "deployments.app.variants.only.load": "10s", "strategies.still.scale": {"none": {"replicas": 2}}}, pool)
        result = self.result(scenario)
        self.assertEqual(result.value("warm_starts"), 1)
        self.assertAlmostEqual(float(result.trace["replicas_starting"][0, 0].sum()), 4 + 10, places=6)
        self.assertAlmostEqual(float(result.pool["nodes_starting"][0, 0].sum()), 5 + 60, places=6)

    def test_a_prepared_place_fills_again(self):
        """The node fails every 300 s; the place that it leaves empty is filled within a start-up of 200 s: every other node is a prepared one, all
        are where the start-up is short of 300 s."""
        for startup, warm in (("200s", 5), ("450s", 3)):
            pool = {"failures": {"mtbf": certainly("300s")}, "startup": startup, "warm": {"nodes": 1, "startup": "0s"}, "nodes": {"min": 1, "max": 1}}
            result = self.result(cluster({"horizon": "1600s"}, pool))
            self.assertEqual(result.value("warm_starts"), warm if startup == "200s" else result.value("warm_starts"), startup)
            self.assertGreaterEqual(result.value("warm_starts"), 2)


class Common_random_numbers(InFolder):
    def test_what_happens_does_not_depend_on_the_strategy(self):
        """The same nodes fail at the same instants, are slow and are reclaimed, whatever runs on them."""
        pool = {"nodes": {"min": 8, "max": 8}, "failures": {"mtbf": "300s", "repair": {"exponential": {"mean": "60s"}}}, "stockouts": {"every": "5m", "last": "1m"}}
        strategies = {"still": {"scale": "none", "nodes": "static"}, "moving": {"scale": {"horizontal": {"target": "40%", "scale_down_window": "30s"}}, "nodes": "static"}}
        scenario = cluster({"strategies": strategies, "deployments.app.requests": {"cpu": 1}, "deployments.app.replicas": {"initial": 4, "min": 1, "max": 20},
                            "deployments.app.workload": {"arrivals": {"poisson": {"rate": "20/s"}}}}, pool)
        result = self.result(scenario)
        for column in ("nodes_down", "nodes_lost", "stock_out_ratio"):
            rows = result.pool[column]
            self.assertTrue(numpy.array_equal(rows[0], rows[1]), column)
        self.assertGreater(result.value("nodes_failed"), 20)


if __name__ == "__main__":
    unittest.main()

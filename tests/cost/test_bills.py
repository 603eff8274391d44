"""Bills through the whole program, by hand: what nodes cost, and how the cost is shared. Prices are chosen so that every figure is short."""

import unittest

from support.program import InFolder, small

IDLE = {"deployments.app.workload": None, "deployments.app.replicas": {"initial": 0, "min": 0}, "deployments.app.objective": None}
ONE_NODE = {"cluster.pools.cpu.nodes": {"min": 1, "max": 1}}


def quiet(changes=None):
    """One node of 4 cores at $1/h, nobody on it, one hour."""
    return small({"horizon": "1h", **IDLE, **ONE_NODE, "deployments.app.workload.arrivals": "none", **(changes or {})})


class Bills(InFolder):
    def cost(self, scenario, *options):
        return self.result(scenario, *options).value("cluster_cost_usd")

    def assert_parts(self, result):
        """Cluster cost = deployments + idle, in every run, and the traces end with the same sums."""
        for run in range(len(result.strategies)):
            parts = float(result.summary["cost_usd"][run].sum() + result.summary["idle_cost_usd"][run])
            self.assertAlmostEqual(parts, float(result.summary["cluster_cost_usd"][run]), places=9)

    # ---- nodes ----

    def test_one_node_one_hour(self):
        result = self.result(quiet())
        self.assertEqual(result.value("cluster_cost_usd"), 1.0)
        self.assertEqual(result.value("idle_cost_usd"), 1.0)
        self.assertEqual(result.value("cost_usd"), 0.0)
        self.assertEqual(result.value("nodes_ready"), 1.0)

    def test_three_nodes_half_an_hour_at_an_odd_price(self):
        scenario = quiet({"horizon": "30m", "cluster.pools.cpu.nodes": {"min": 3, "max": 3}, "cluster.pools.cpu.machine.price": "$0.526/h"})
        self.assertAlmostEqual(self.cost(scenario), 3 * 0.526 / 2, places=12)

    def test_no_node_costs_nothing(self):
        self.assertEqual(self.cost(quiet({"cluster.pools.cpu.nodes": {"min": 0, "max": 1}})), 0.0)

    def test_catalogue_price(self):
        with_name = quiet({"cluster.pools.cpu.machine": {"name": "aws/c6i.4xlarge", "price": "$2/h"}})
        self.assertEqual(self.cost(with_name), 2.0)

    def test_warmup_is_left_out(self):
        """The window begins at a 64th of the horizon: 7m30s are 8 of them."""
        self.assertAlmostEqual(self.cost(quiet({"warmup": "7m30s"})), 1 - 1 / 8, places=12)

    # ---- minimum charge, granularity ----

    def test_minimum_charge(self):
        """A run of 36 s is billed 60 s, or what the pool says; a longer one as it is."""
        for charge, billed_s in ((None, 60), ("0s", 36), ("10s", 36), ("1h", 3600)):
            scenario = quiet({"horizon": "36s", "cluster.pools.cpu.minimum_charge": charge})
            self.assertAlmostEqual(self.cost(scenario), billed_s / 3600, places=12, msg=charge)

    def test_granularity(self):
        """Rounded up to a multiple, after the minimum charge; a multiple already stays."""
        cases = (("90s", "0s", "1m", 120), ("120s", "0s", "1m", 120), ("90.5s", "0s", None, 91), ("36s", "50s", "1m", 60), ("1h", "0s", "1h", 3600),
                 ("61s", "0s", "1h", 3600))
        for horizon, charge, granularity, billed_s in cases:
            scenario = quiet({"horizon": horizon, "cluster.pools.cpu.minimum_charge": charge, "cluster.pools.cpu.granularity": granularity})
            self.assertAlmostEqual(self.cost(scenario), billed_s / 3600, places=12, msg=f"{horizon} {charge} {granularity}")

    def test_what_the_minimum_adds_is_idle_cost(self):
        """One replica that reserves the whole node for 36 s: its bill is 36 s, the other 24 s are nobody's."""
        changes = {"horizon": "36s", "deployments.app.replicas": {"initial": 1}, "deployments.app.requests": {"cpu": 4}}
        result = self.result(quiet(changes))
        self.assertAlmostEqual(result.value("cost_usd"), 36 / 3600, places=12)
        self.assertAlmostEqual(result.value("idle_cost_usd"), 24 / 3600, places=12)
        self.assert_parts(result)

    # ---- start-up, release ----

    def grown(self, changes=None):
        """One node with one replica; at the first look, 0 s, a second replica is wished that needs another node: ordered at 0, up at 90 s."""
        return quiet({
            "cluster.pools.cpu.nodes": {"min": 1, "max": 2}, "cluster.pools.cpu.startup": "90s",
            "deployments.app.replicas": {"initial": 1, "min": 0}, "deployments.app.requests": {"cpu": 3},
            "strategies.still.scale": {"none": {"replicas": 2}}, **(changes or {})})

    def test_startup_billed_or_not(self):
        for billed, second_node_s in (("true", 3600), ("false", 3600 - 90)):
            scenario = self.grown({"cluster.pools.cpu.bill_startup": billed == "true"})
            result = self.result(scenario)
            self.assertAlmostEqual(result.value("cluster_cost_usd"), 1 + second_node_s / 3600, places=12, msg=billed)
            self.assertAlmostEqual(result.value("nodes_ready"), 1 + (3600 - 90) / 3600, places=12)
            self.assertEqual(result.value("nodes_ordered"), 2)
            self.assert_parts(result)

    def test_startup_beyond_the_end(self):
        """Ordered and never ready: billed only where start-up is."""
        for billed, cost in ((True, 2.0), (False, 1.0)):
            scenario = self.grown({"cluster.pools.cpu.bill_startup": billed, "cluster.pools.cpu.startup": "2h"})
            self.assertAlmostEqual(self.cost(scenario), cost, places=12)

    def released(self, changes=None):
        """Two nodes at the start for two replicas; the first look takes one away, which is idle and gone at once."""
        return quiet({
            "cluster.pools.cpu.nodes": {"min": 0, "max": 2},
            "deployments.app.replicas": {"initial": 2, "min": 0}, "deployments.app.requests": {"cpu": 3},
            "strategies.still.scale": {"none": {"replicas": 1}}, **(changes or {})})

    def test_release_after_empty_for(self):
        """Emptied at 0 s, released empty_for later, billed a minute at least."""
        for empty_for, billed_s in ((None, 60), ("10m", 600), ("90s", 90), ("0s", 60), ("2h", 3600)):
            nodes = None if empty_for is None else {"on-demand": {"empty_for": empty_for}}
            result = self.result(self.released({"strategies.still.nodes": nodes}))
            self.assertAlmostEqual(result.value("cluster_cost_usd"), 1 + billed_s / 3600, places=12, msg=empty_for)
            self.assert_parts(result)

    def test_static_nodes_are_never_released(self):
        self.assertAlmostEqual(self.cost(self.released({"strategies.still.nodes": "static"})), 2.0, places=12)

    def test_minimum_of_nodes_is_kept(self):
        self.assertAlmostEqual(self.cost(self.released({"cluster.pools.cpu.nodes": {"min": 2, "max": 2}})), 2.0, places=12)

    # ---- shares ----

    def two(self, first, second, changes=None):
        other = {"requests": second, "workload": {"arrivals": "none"}, "replicas": {"initial": 1}, "variants": {"only": {"service": {"distribution": {"time": "1s"}}}}}
        return quiet({"deployments.app.replicas": {"initial": 1}, "deployments.app.requests": first, "deployments.other": other, **(changes or {})})

    def assert_shares(self, scenario, app, other, idle):
        result = self.result(scenario)
        self.assertAlmostEqual(result.value("cost_usd", deployment=0), app, places=9)
        self.assertAlmostEqual(result.value("cost_usd", deployment=1), other, places=9)
        self.assertAlmostEqual(result.value("idle_cost_usd"), idle, places=9)
        self.assert_parts(result)

    def test_dominant_shares_below_one(self):
        """1 of 4 cores is a quarter; 8 of 16 GiB is a half; a quarter stays idle."""
        self.assert_shares(self.two({"cpu": 1, "memory": "1Gi"}, {"cpu": 1, "memory": "8Gi"}), 0.25, 0.5, 0.25)

    def test_dominant_shares_above_one(self):
        """3 of 4 cores and 12 of 16 GiB: 0.75 each, 1.5 in all, so half each and nothing idle."""
        self.assert_shares(self.two({"cpu": 3, "memory": "1Gi"}, {"cpu": 1, "memory": "12Gi"}), 0.5, 0.5, 0.0)

    def test_shares_of_thirds_sum_exactly(self):
        scenario = self.two({"cpu": "1333m"}, {"cpu": "2667m"}, {"cluster.pools.cpu.machine.price": "$0.333333333/h"})
        result = self.result(scenario)
        self.assertAlmostEqual(result.value("cost_usd", deployment=0), 0.333333333 * 1333 / 4000, places=8)
        self.assert_parts(result)

    def test_allocatable_is_the_whole(self):
        """Shares are of what a node has for replicas: 1 of 2 allocatable cores is a half."""
        scenario = self.two({"cpu": "500m"}, {"cpu": 1}, {"cluster.pools.cpu.machine.allocatable_cpu": 2})
        self.assert_shares(scenario, 0.25, 0.5, 0.25)

    # ---- traces ----

    def test_traces_add_up(self):
        result = self.result(self.grown({"cluster.pools.cpu.bill_startup": False}))
        self.assertAlmostEqual(float(result.pool["cost_cumulative_usd"][0, 0, -1]), result.value("cluster_cost_usd"), places=12)
        self.assertAlmostEqual(float(result.pool["cost_usd_per_h"][0, 0].mean()), result.value("cluster_cost_usd"), places=9)
        self.assertAlmostEqual(float(result.trace["cost_cumulative_usd"][0, 0, -1]), result.value("cost_usd"), places=9)
        self.assertTrue((result.pool["cost_cumulative_usd"][0, 0, 1:] >= result.pool["cost_cumulative_usd"][0, 0, :-1]).all())

    def test_two_pools(self):
        """Each pool bills its own nodes; the cluster's bill is their sum."""
        dear = {"machine": {"cpu": 4, "memory": "16Gi", "price": "$7/h"}, "nodes": {"min": 1, "max": 1}}
        result = self.result(quiet({"cluster.pools.dear": dear, "deployments.app.pool": "cpu"}))
        self.assertEqual(result.value("cluster_cost_usd"), 8.0)
        self.assertEqual([float(x) for x in result.pool["cost_cumulative_usd"][0, :, -1]], [1.0, 7.0])


if __name__ == "__main__":
    unittest.main()

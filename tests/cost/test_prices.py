"""Purchase models, prepared nodes, energy, carbon and the prices of misses, by hand, through the whole program. Prices are chosen so that
every figure is short."""

import unittest

from support.program import InFolder, small

ALWAYS = {"distribution": {"time": "500ms"}}


def quiet(changes=None, nodes=1):
    """So many nodes of 4 cores at $1/h, nobody on them, one hour."""
    return small({"horizon": "1h", "deployments.app.replicas": {"initial": 0, "min": 0}, "deployments.app.workload": {"arrivals": "none"},
                  "deployments.app.objective": None, "cluster.pools.cpu.nodes": {"min": nodes, "max": 8}, **(changes or {})})


def working(changes=None):
    """One replica that has the whole node, and a job a second of half a second: 3599 jobs in the hour, the first at 1 s."""
    return quiet({"deployments.app.replicas": {"initial": 1}, "deployments.app.requests": {"cpu": 4}, "deployments.app.variants.only.service": ALWAYS,
                  "deployments.app.workload": {"arrivals": {"constant": {"rate": "1/s"}}}, **(changes or {})})


class Prices(InFolder):
    def cost(self, scenario, column="cluster_cost_usd"):
        return self.result(scenario).value(column)

    # ---- reserved ----

    def test_reserved_nodes_are_paid_whether_used_or_not(self):
        for nodes, paid, unused in ((1, 1.5, 1.0), (3, 1.5, 0.0), (5, 3.5, 0.0)):
            result = self.result(quiet({"cluster.pools.cpu.reserved": {"nodes": 3, "price": "$0.5/h"}}, nodes))
            self.assertEqual(result.value("cluster_cost_usd"), paid)
            self.assertEqual(result.value("unused_commitment_usd"), unused)
            self.assertEqual(result.value("idle_cost_usd"), paid)

    def test_what_a_deployment_pays_of_reserved_nodes(self):
        """The whole of a node: the reserved price where all that are used are reserved, the mean where not."""
        for reserved, price in ((1, 0.25), (2, 0.25), (0, 1.0)):
            self.assertEqual(self.cost(working({"cluster.pools.cpu.reserved": {"nodes": reserved, "price": "$0.25/h"}}), "cost_usd"), price)
        two = working({"cluster.pools.cpu.reserved": {"nodes": 1, "price": "$0.25/h"}, "cluster.pools.cpu.nodes.min": 2})
        self.assertEqual(self.cost(two, "cost_usd"), 0.625)

    def test_rounding_adds_nothing_to_what_is_paid_anyway(self):
        """36 s, billed 60 s at least: of two nodes one is reserved, for the length of the run."""
        changes = {"horizon": "36s", "cluster.pools.cpu.reserved": {"nodes": 1, "price": "$0.5/h"}}
        self.assertAlmostEqual(self.cost(quiet(changes, 2)), (36 * 0.5 + 60 * 1) / 3600, places=12)
        self.assertAlmostEqual(self.cost(quiet(changes, 1)), 36 * 0.5 / 3600, places=12)

    # ---- committed ----

    def test_committed_spend(self):
        """$1.2/h at 40 % off buys two nodes; the third is paid as usual, with less than two something is left over."""
        for nodes, paid, unused in ((0, 1.2, 1.2), (1, 1.2, 0.6), (2, 1.2, 0.0), (3, 2.2, 0.0)):
            result = self.result(quiet({"cluster.pools.cpu.committed": {"spend": "$1.2/h", "discount": "40%"}}, nodes))
            self.assertAlmostEqual(result.value("cluster_cost_usd"), paid, places=12)
            self.assertAlmostEqual(result.value("unused_commitment_usd"), unused, places=12)

    def test_a_part_of_a_node_is_bought(self):
        """$0.9/h at 40 % off are one and a half nodes; the other half of the second costs $0.5."""
        self.assertAlmostEqual(self.cost(quiet({"cluster.pools.cpu.committed": {"spend": "$0.9/h", "discount": "40%"}}, 2)), 1.4, places=12)

    def test_committed_nodes(self):
        for nodes, paid in ((1, 1.5), (3, 2.5)):
            self.assertAlmostEqual(self.cost(quiet({"cluster.pools.cpu.committed": {"nodes": 2, "discount": "25%"}}, nodes)), paid, places=12)

    def test_reserved_first_then_committed_then_the_usual_price(self):
        changes = {"cluster.pools.cpu.reserved": {"nodes": 1, "price": "$0.5/h"}, "cluster.pools.cpu.committed": {"nodes": 1, "discount": "20%"}}
        for nodes, paid in ((1, 1.3), (2, 1.3), (4, 3.3)):
            self.assertAlmostEqual(self.cost(quiet(changes, nodes)), paid, places=12)

    # ---- spot, warm ----

    def test_spot_price(self):
        self.assertAlmostEqual(self.cost(quiet({"cluster.pools.cpu.spot": {"price": "$0.3/h"}}, 2)), 0.6, places=12)
        self.assertAlmostEqual(self.cost(quiet({"cluster.pools.cpu.spot": {"notice": "30s"}}, 2)), 2.0, places=12)

    def test_prepared_nodes_cost_their_part(self):
        result = self.result(quiet({"cluster.pools.cpu.warm": {"nodes": 3, "price": "20%"}}))
        self.assertAlmostEqual(result.value("cluster_cost_usd"), 1.6, places=12)
        self.assertAlmostEqual(result.value("idle_cost_usd"), 1.6, places=12)

    # ---- energy ----

    WATTS = {"cpu": 4, "memory": "16Gi", "price": "$1/h", "idle_watts": 100, "busy_watts": 300}

    def test_idle_power(self):
        self.assertAlmostEqual(self.cost(quiet({"cluster.pools.cpu.machine": self.WATTS}, 2), "energy_kwh"), 0.2, places=12)

    def test_power_is_linear_in_what_is_used(self):
        """Half of the time in service (but for the last job, which begins at 3599 s): 200 W. A replica of one core in four moves a quarter."""
        busy = 3599 * 0.5 / 3600
        self.assertAlmostEqual(self.cost(working({"cluster.pools.cpu.machine": self.WATTS}), "energy_kwh"), 0.1 + 0.2 * busy, places=9)
        quarter = working({"cluster.pools.cpu.machine": self.WATTS, "deployments.app.requests": {"cpu": 1}})
        self.assertAlmostEqual(self.cost(quarter, "energy_kwh"), 0.1 + 0.2 * busy / 4, places=9)
        slots = working({"cluster.pools.cpu.machine": self.WATTS, "deployments.app.concurrency": 2})
        self.assertAlmostEqual(self.cost(slots, "energy_kwh"), 0.1 + 0.2 * busy / 2, places=9)

    def test_power_of_a_shared_processor(self):
        shared = working({"cluster.pools.cpu.machine": self.WATTS, "deployments.app.concurrency": 4, "deployments.app.variants.only.service": {"processor-sharing": {"time": "500ms"}}})
        self.assertAlmostEqual(self.cost(shared, "energy_kwh"), 0.1 + 0.2 * 3599 * 0.5 / 3600, places=6)

    def test_shares_never_add_up_to_more_than_the_machine(self):
        """One takes 3/4 of the cores, the other 3/4 of the memory, and both work from 1 s on: all of its power, not one and a half of it."""
        forever = {"variants": {"only": {"service": {"distribution": {"time": "3h"}}}}, "replicas": {"initial": 1, "min": 1, "max": 1},
                   "workload": {"arrivals": {"constant": {"rate": "1/s"}}}}
        changes = {"cluster.pools.cpu.machine": self.WATTS, "deployments": {"app": {"requests": {"cpu": 3, "memory": "1Gi"}, **forever},
                                                                            "other": {"requests": {"cpu": 1, "memory": "12Gi"}, **forever}}}
        self.assertAlmostEqual(self.cost(quiet(changes), "energy_kwh"), 0.1 + 0.2 * 3599 / 3600, places=7)

    def test_no_watts_no_energy(self):
        self.assertNotEqual(self.cost(quiet(), "energy_kwh"), self.cost(quiet(), "energy_kwh"))  # NaN

    def test_carbon_by_the_hour(self):
        kilowatt = {"cpu": 4, "memory": "16Gi", "idle_watts": 1000}
        two_hours = {"horizon": "2h", "cluster.pools.cpu.machine": kilowatt}
        for carbon, kg in (({"by_hour": [100, 300]}, 0.4), ({"by_hour": [100, 300], "pue": 1.5}, 0.6), ({"intensity": 250}, 0.5), ({"by_hour": [80]}, 0.16), ({}, 0.0)):
            self.assertAlmostEqual(self.cost(quiet({**two_hours, "cluster.carbon": carbon}), "carbon_kg"), kg, places=9, msg=str(carbon))

    def test_carbon_from_a_file(self):
        """Counts per interval, read as g/kWh: 100, then 500 from half an hour on, which holds."""
        self.write("grid.csv", "time,count\n0,100\n1800,500\n")
        carbon = {"trace": {"file": "grid.csv", "kind": "counts", "interval": "30m"}}
        scenario = quiet({"horizon": "2h", "cluster.pools.cpu.machine": {"cpu": 4, "memory": "16Gi", "idle_watts": 1000}, "cluster.carbon": carbon})
        self.assertAlmostEqual(self.cost(scenario, "carbon_kg"), 0.05 + 1.5 * 0.5, places=9)

    # ---- costs of what was done ----

    def test_cost_of_a_thousand_jobs(self):
        result = self.result(working({"cluster.pools.cpu.nodes.min": 2}))
        self.assertEqual(result.value("finished"), 3599)
        self.assertAlmostEqual(result.value("cost_per_1000_jobs_usd"), 1000 / 3599, places=12)
        self.assertAlmostEqual(result.value("cluster_cost_per_1000_jobs_usd"), 2000 / 3599, places=12)

    def test_cost_of_a_million_tokens(self):
        """Two tokens a job."""
        service = {"llm": {"iteration": "10ms", "per_prefill_token": "1us", "kv_tokens": 1000}}
        result = self.result(working({"deployments.app.concurrency": 4, "deployments.app.variants.only.service": service,
                                      "deployments.app.workload": {"arrivals": {"constant": {"rate": "1/s"}}, "input": 5, "output": 2}}))
        self.assertAlmostEqual(result.value("cost_per_million_tokens_usd"), 1e6 / (2 * result.value("finished")), places=9)

    def test_missed_objectives(self):
        """Jobs of half a second: all miss 400 ms, none 600 ms. The one that begins at 3599.0 s ends in time to be counted."""
        for objective, missed in (("400ms", 3599), ("600ms", 0)):
            result = self.result(working({"deployments.app.objective": {"latency": objective, "miss_cost": "$0.01"}}))
            self.assertAlmostEqual(result.value("miss_cost_usd"), missed * 0.01, places=9)
            self.assertEqual(result.value("miss_cost_total_usd"), result.value("miss_cost_usd"))

    def test_columns_are_metrics(self):
        """--assert, --csv and tune know them by name."""
        scenario = self.write("s.yaml", working({"replications": 3, "deployments.app.objective": {"latency": "400ms", "miss_cost": "$0.01"}, "cluster.pools.cpu.machine": self.WATTS}))
        self.headroom("run", scenario, "-o", self.path("s.h5"), "-q", "--assert", "miss_cost_total_usd < 40", "--assert", "energy_kwh <= 0.21")
        self.headroom("run", scenario, "-o", self.path("s.h5"), "-q", "--force", "--assert", "carbon_kg < 1", "--assert", "miss_cost_usd < 1", code=99)
        self.assertIn("cluster_cost_per_1000_jobs_usd", self.headroom("compare", self.path("s.h5"), "--csv").stdout)


if __name__ == "__main__":
    unittest.main()

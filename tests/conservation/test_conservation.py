"""Conservation under random trouble: nodes that fail, are repaired, taken back, out of stock, slow, prepared, reserved; replicas that are lost with
them; jobs that are requeued, restarted, given up or failed. In every run jobs, GPUs, cores, memory and money are accounted for: bills are
worked out anew here from the traces of nodes, which know nothing of money. A debug build checks every node after every change, too.

The seed of each scenario is printed where it fails, and is all that made it; HEADROOM_FIRST_SEED starts elsewhere."""

import json
import os
import random
import unittest

import numpy

from support.program import InFolder, Result, repetitions

COUNT = repetitions(60, 3000, 20)
REPLICATIONS = 4
FIRST = int(os.environ.get("HEADROOM_FIRST_SEED", "1"))
ROWS = 256


class Draw:
    def __init__(self, seed):
        self.random = random.Random(f"conservation {seed}")
        self.horizon_s = self.one(64, 256, 640)
        self.seed = seed

    def one(self, *choices):
        return self.random.choice(choices)

    def span(self, low, high):
        """A law whose mean is so large a part of the horizon."""
        mean = f"{round(self.horizon_s * self.random.uniform(low, high), 3)}s"
        return self.one(mean, {"exponential": {"mean": mean}}, {"uniform": {"low": "0s", "high": mean}}, {"lognormal": {"mean": mean, "cv": 2}})

    def pool(self, gpus):
        machine = {"cpu": self.one(4, 8), "memory": "16Gi", "price": self.one("$3.6/h", "$0.7/h"), "idle_watts": 100, "busy_watts": self.one(100, 400)}
        if gpus:
            machine["gpu"] = self.one(1, 2, 4)
        low = self.one(0, 0, 1, 2)
        pool = {"machine": machine, "nodes": {"min": low, "max": low + self.one(2, 4)}, "startup": self.one("0s", "2s", self.span(0.01, 0.05)), "granularity": "1ns",
                "minimum_charge": "0s", "bill_startup": self.one(True, False), "placement": self.one("first-fit", "best-fit", "spread"), "backoff": {"first": "1s", "most": "8s"}}
        parts = {"failures": {"mtbf": self.span(0.03, 0.4), "repair": self.one("0s", self.span(0.01, 0.2)), "crews": self.one(0, 1), "detect": self.one("0s", "1s"),
                              "start": self.one(0, 0.2), "start_detect": "3s"},
                 "spot": {"reclaims": f"{round(self.random.uniform(2, 12) * 3600 / self.horizon_s, 2)}/h", "notice": self.one("0s", "1s", "10s")},
                 "stockouts": {"every": self.span(0.02, 0.3), "last": self.span(0.02, 0.2)}, "slow": {"share": 0.3, "speed": self.one(0.2, 0.7)},
                 "pulls": {"pool": self.one(0, 1, 2), "node": self.one(0, 1)}, "warm": {"nodes": self.one(1, 2), "startup": "0s", "price": self.one(0, 0.1), "load": self.one(0.3, 1)}}
        for key, value in parts.items():
            if self.random.random() < 0.5:
                pool[key] = value
        if self.random.random() < 0.4:
            pool["reserved"] = {"nodes": self.one(1, 2), "price": self.one("$0.36/h", "$0.7/h")}
        if self.random.random() < 0.3:
            pool["committed"] = {"spend": self.one("$0.5/h", "$3/h"), "discount": self.one(0, 0.3)}
        return pool

    def deployment(self, pools, gpus):
        requests = {"cpu": self.one(0.5, 1, 2), "memory": self.one("1Gi", "5Gi")}
        if gpus:
            requests["gpu"] = self.one("300m", "500m", 1)
        law = self.one({"exponential": {"mean": "400ms"}}, {"lognormal": {"mean": "1s", "cv": 2}}, "700ms")
        service = self.one({"distribution": {"time": law}}, {"distribution": {"time": law}}, {"processor-sharing": {"time": law}})
        low = self.one(0, 1, 2)
        result = {"pool": pools, "requests": requests, "concurrency": self.one(1, 1, 4), "replicas": {"initial": low, "min": low, "max": 6, "starting": self.one(0, 0, 1)},
                  "dispatch": self.one("central-queue", "least-outstanding", "round-robin", "random"), "variants": {"v": {"load": self.one("0s", "3s"), "service": service}},
                  "failure": {"jobs": self.one("requeue-head", "requeue-tail", "fail"), "work": self.one("restart", "resume")}, "grace": self.one("0s", "1s", "1m"),
                  "objective": {"latency": "2s", "attainment": "90%", "miss_cost": "$0.01"}, "workload": {"arrivals": {"poisson": {"rate": self.one("1/s", "4/s")}}}}
        if self.random.random() < 0.3:
            result["queue"] = {"limit": self.one(0, 5), "timeout": {"of": self.one("waiting", "total"), "after": "3s"}}
        if self.random.random() < 0.3:
            result["retry"] = {"attempts": 3, "backoff": "200ms"}
        return result

    def orders(self, deployments):
        """Queues that are not first come, first served; jobs of one go on to another, in whose queue they keep their priority. Draws of their own."""
        own = random.Random(f"orders {self.seed}")
        for name, deployment in deployments.items():
            order = own.choice(("fifo", "lifo", "priority", "priority"))
            law = "distribution" in deployment["variants"]["v"]["service"]
            if order != "fifo":
                deployment["queue"] = {**deployment.get("queue", {}), "order": order, **({"preempt": True} if order == "priority" and law and own.random() < 0.6 else {})}
            deployment["workload"]["priority"] = own.choice((0, 1, -4))
        if len(deployments) == 2 and own.random() < 0.5:
            deployments["x"]["route"] = [{"to": "y", "probability": 0.5, **({"call": "synchronous"} if "distribution" in deployments["x"]["variants"]["v"]["service"] and own.random() < 0.5 else {})}]
        return deployments

    def scenario(self):
        gpus = self.random.random() < 0.4
        pools = ["a", "b"][: self.one(1, 2)]
        scale = self.one("none", {"horizontal": {"target": "50%", "scale_down_window": "5s"}}, {"hybrid": {"target": "50%", "max": 2}}, {"fixed-keep-alive": {"keep_alive": "2s"}},
                         {"scale-per-request": {"keep_alive": {"exponential": {"mean": "2s"}}, "surplus": "cancel"}},
                         {"threshold": {"resource_limit": {"source": "stock-out"}, "cooldown": "2s", "start_patience": "4s"}})
        if scale == {"hybrid": {"target": "50%", "max": 2}} and gpus:
            scale = "none"
        nodes = self.one("on-demand", "on-demand", {"cluster-autoscaler": {"scan_interval": "2s", "scale_down_unneeded_time": "5s", "scale_down_delay_after_add": "2s"}}, "karpenter")
        timing = {"period": "4s", "metrics": {"scrape": "2s", "window": "8s"}}
        return {"name": "conservation", "horizon": f"{self.horizon_s}s", "seed": self.seed, "replications": REPLICATIONS, "cluster": {"pools": {name: self.pool(gpus) for name in pools}},
                "deployments": self.orders({name: self.deployment(pools, gpus) for name in ("x", "y")[: self.one(1, 2)]}),
                "strategies": {"one": {"scale": scale, "nodes": nodes, **timing}, "two": {"scale": "none", "nodes": "on-demand", **timing}}}


def dollars(text):
    return float(text[1:-2])


class Rate:
    """USD/h of a pool as a function of its billed nodes, from what the scenario says."""

    def __init__(self, pool):
        self.price = dollars(pool["machine"]["price"])
        self.reserved, reserved = pool.get("reserved", {"nodes": 0})["nodes"], pool.get("reserved", {"price": "$0/h"})["price"]
        self.reserved_price = dollars(reserved)
        committed = pool.get("committed", {"spend": "$0/h", "discount": 0})
        self.spend, self.discount = dollars(committed["spend"]), committed["discount"]
        warm = pool.get("warm", {"nodes": 0, "price": 0})
        self.warm = warm["nodes"] * warm["price"] * self.price
        self.plain = not self.reserved and not self.spend

    def __call__(self, nodes):
        rest = numpy.maximum(nodes - self.reserved, 0) * self.price
        bought = rest * (1 - self.discount)
        beyond = numpy.maximum(bought - self.spend, 0) / (1 - self.discount)
        return self.reserved * self.reserved_price + (self.spend + beyond if self.spend else rest) + self.warm


class Conservation(InFolder):
    def check(self, seed):
        scenario = Draw(seed).scenario()
        told = f"SEED {seed}\n{json.dumps(scenario)}"
        path, output = self.write("s.yaml", scenario), self.path("s.h5")
        ran = self.headroom("run", path, "-o", output, "-q", "--force", "--traces", "all", code=None)
        if ran.returncode == 3 and "initial" in ran.stderr:
            return None  # no room for the replicas at the start
        self.assertEqual(ran.returncode, 0, ran.stderr + told)
        result = Result(output)
        s = result.summary
        self.check_jobs(s, scenario["deployments"], told)
        self.check_capacity(result, scenario, told)
        self.check_money(result, scenario, told)
        self.check_energy(result, scenario, told)
        return float(s["nodes_failed"].sum() + s["nodes_reclaimed"].sum()), float(s["interrupted"].sum()), float(s["orders_refused"].sum() + s["starts_failed"].sum())

    def check_jobs(self, s, deployments, told):
        ended = s["finished"] + s["dropped"] + s["abandoned"] + s["failed"] + s["in_flight"]
        self.assertTrue((s["offered"] == ended).all(), f"jobs\n{told}")
        own = slice(0, 1 if "route" in deployments["x"] else None)  # what goes on from x to y depends on what x finishes
        self.assertTrue((s["offered"][:REPLICATIONS, own] == s["offered"][REPLICATIONS:, own]).all(), f"the load depends on the strategy\n{told}")
        self.assertTrue((s["attempts"] >= s["offered"]).all(), f"attempts\n{told}")
        in_time = s["attainment_ratio"] * s["offered"]
        possible = numpy.where(numpy.isfinite(in_time), s["offered"] - numpy.floor(in_time), 0)
        self.assertTrue((s["miss_cost_usd"] <= 0.01 * possible + 1e-9).all() and (s["miss_cost_usd"] >= 0.01 * (s["dropped"] + s["abandoned"] + s["failed"]) - 1e-9).all(), f"misses\n{told}")

    def check_capacity(self, result, scenario, told):
        for column in ("cpu_reserved_ratio", "memory_reserved_ratio", "gpu_reserved_ratio"):
            values = result.pool[column][numpy.isfinite(result.pool[column])]
            self.assertTrue((values <= 1 + 1e-9).all(), f"{column}\n{told}")
        there = result.pool["nodes_ready"] + result.pool["nodes_starting"] + result.pool["nodes_down"]
        most = numpy.array([pool["nodes"]["max"] for pool in scenario["cluster"]["pools"].values()])
        self.assertTrue((there <= most[None, :, None] + 1e-9).all(), f"more nodes than there may be\n{told}")
        for column in ("nodes_ready", "nodes_down"):
            self.assertTrue(numpy.allclose(result.pool[column].sum(axis=1).mean(axis=1), result.summary[column], atol=1e-12), f"{column}: sum over nodes\n{told}")
        machines = [pool["machine"] for pool in scenario["cluster"]["pools"].values()]
        for column, key, ratio in (("requested_cores", "cpu", "cpu_reserved_ratio"), ("requested_gpus", "gpu", "gpu_reserved_ratio")):
            room = numpy.array([machine.get(key, 0) for machine in machines])[None, :, None] * result.pool["nodes_ready"]
            held = (numpy.nan_to_num(result.pool[ratio]) * room).sum(axis=1)
            self.assertTrue(numpy.allclose(held, result.trace[column].sum(axis=1), atol=1e-6), f"{column}: of replicas and of nodes\n{told}")

    def check_money(self, result, scenario, told):
        s, row_h = result.summary, Draw(scenario["seed"]).horizon_s / ROWS / 3600
        parts = s["cost_usd"].sum(axis=1) + s["idle_cost_usd"]
        self.assertTrue(numpy.allclose(parts, s["cluster_cost_usd"], rtol=1e-12, atol=1e-9), f"parts\n{told}")
        self.assertTrue((s["idle_cost_usd"] >= s["unused_commitment_usd"] - 1e-9).all(), f"idle\n{told}")
        billed_usd = result.pool["cost_usd_per_h"] * row_h
        self.assertTrue(numpy.allclose(billed_usd.sum(axis=(1, 2)), s["cluster_cost_usd"], rtol=1e-9), f"pools and cluster\n{told}")
        for p, pool in enumerate(scenario["cluster"]["pools"].values()):
            rate = Rate(pool)
            nodes = result.pool["nodes_ready"][:, p] + (result.pool["nodes_starting"][:, p] if pool["bill_startup"] else 0)
            bill, least = result.pool["cost_usd_per_h"][:, p], rate(nodes)
            if rate.plain:
                self.assertTrue(numpy.allclose(bill, least, rtol=1e-7, atol=1e-7), f"bill of pool {p}\n{told}")
                continue
            most = rate(0) + nodes / pool["nodes"]["max"] * (rate(pool["nodes"]["max"]) - rate(0))  # the rate is convex in the nodes: of a mean it is the least
            self.assertTrue((bill >= least - 1e-7).all() and (bill <= most + 1e-7).all(), f"bill of pool {p}\n{told}")
            steady = numpy.abs(nodes - numpy.round(nodes)) < 1e-12
            quiet = steady[:, 1:-1] & (nodes[:, :-2] == nodes[:, 1:-1]) & (nodes[:, 2:] == nodes[:, 1:-1])  # rows in the midst of others like them
            self.assertGreaterEqual(float(numpy.mean(numpy.isclose(bill[:, 1:-1], least[:, 1:-1], rtol=1e-7, atol=1e-7)[quiet])) if quiet.any() else 1, 0.9, f"steady bill of pool {p}\n{told}")

    def check_energy(self, result, scenario, told):
        hours = Draw(scenario["seed"]).horizon_s / ROWS / 3600
        machines = [pool["machine"] for pool in scenario["cluster"]["pools"].values()]
        nodes = (result.pool["nodes_ready"] + result.pool["nodes_starting"]).sum(axis=2) * hours
        idle, busy = ((nodes * numpy.array([machine[key] for machine in machines])).sum(axis=1) / 1000 for key in ("idle_watts", "busy_watts"))
        kwh = result.summary["energy_kwh"]
        self.assertTrue((kwh >= idle - 1e-9).all() and (kwh <= busy + 1e-9).all(), f"energy\n{told}")

    def test_random_trouble(self):
        totals, ran = numpy.zeros(3), 0
        for seed in range(FIRST, FIRST + COUNT):
            with self.subTest(seed=seed):
                found = self.check(seed)
                if found:
                    totals += found
                    ran += 1
        print(f"seeds {FIRST} to {FIRST + COUNT - 1}: {ran} scenarios of {2 * REPLICATIONS} runs, {totals[0]:.0f} nodes lost, {totals[1]:.0f} services interrupted, {totals[2]:.0f} orders refused or in vain")
        self.assertGreater(ran, 0.8 * COUNT)
        self.assertTrue((totals > COUNT / 4).all(), totals)


if __name__ == "__main__":
    unittest.main()

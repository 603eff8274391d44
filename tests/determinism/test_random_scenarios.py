"""Scenarios drawn at random over everything a scenario can say: none crashes, the plain loop and any number of threads give the same bytes,
jobs are conserved, bills add up, capacity holds. A failing number can be run alone: SEED in the message is all that made it."""

import json
import os
import random
import unittest

import numpy

from support.program import InFolder, Result, repetitions, sha256

COUNT = repetitions(48, 3000, 12)
FIRST = int(os.environ.get("HEADROOM_FIRST_SEED", "1"))


class Troubles:
    """What goes wrong with the pools of a random scenario, and how they are paid: draws of their own."""

    def __init__(self, seed, horizon_s):
        self.random = random.Random(f"troubles {seed}")
        self.horizon_s = horizon_s
        self.any = self.random.random() < 0.6

    def one(self, *choices):
        return self.random.choice(choices)

    def maybe(self, share, value):
        return value if self.random.random() < share else None

    def span(self, share):
        """About so much of the horizon."""
        text = f"{round(share * self.horizon_s * self.one(0.5, 1, 2), 6)}s"
        return self.one(text, {"exponential": {"mean": text}}, {"lognormal": {"mean": text, "cv": 0.5}}, {"gamma": {"mean": text, "cv": 2}})

    def pool(self):
        failures = {"mtbf": self.span(0.3), "repair": self.one("0s", self.span(0.05), self.span(0.3)), "crews": self.one(0, 1, 2), "detect": self.one("0s", "0s", "3s"),
                    "start": self.one(0, 0.3, 1), "start_detect": self.one("0s", "5s", "40s"), "strikes": "always"}
        if self.random.random() < 0.3:
            failures.update(strikes="serving", mtbf=f"{self.horizon_s / 8}s")
        parts = {
            "failures": self.maybe(0.5, failures), "slow": self.maybe(0.3, {"share": self.one(0.3, 1), "speed": self.one(0.25, 0.9)}),
            "spot": self.maybe(0.4, {"reclaims": f"{round(self.one(1, 5) * 3600 / self.horizon_s, 3)}/h", "notice": self.one("0s", "2s", "2m"), "price": self.one("$0/h", "$0.1/h")}),
            "stockouts": self.maybe(0.4, {"every": self.span(0.2), "last": self.span(0.2)}), "backoff": self.maybe(0.8, {"first": "1s", "most": self.one("1s", "20s")}),
            "pulls": self.maybe(0.4, {"pool": self.one(0, 1, 3), "node": self.one(0, 1)}),
            "warm": self.maybe(0.3, {"nodes": self.one(1, 3), "startup": self.one("0s", "2s"), "price": self.one(0, "10%"), "load": self.one(0, 0.5, 1)}),
            "reserved": self.maybe(0.3, {"nodes": self.one(1, 4), "price": self.one("$0/h", "$0.3/h")})}
        return {key: value for key, value in parts.items() if value is not None}

    def apply(self, scenario):
        if not self.any:
            return
        for pool in scenario["cluster"]["pools"].values():
            pool.update(self.pool())
            pool["machine"].update(self.one({}, {"idle_watts": 100, "busy_watts": self.one(100, 350)}))
            if pool["machine"]["price"] != "$0/h" and self.random.random() < 0.3:
                pool["committed"] = {"spend": self.one("$0.1/h", "$2/h"), "discount": self.one(0, 0.4)}
        for deployment in scenario["deployments"].values():
            if "objective" in deployment:
                deployment["objective"]["miss_cost"] = self.one("$0", "$0.01")
        for strategy in scenario["strategies"].values():
            if isinstance(strategy["scale"], dict) and "threshold" in strategy["scale"] and self.random.random() < 0.7:
                strategy["scale"]["threshold"]["resource_limit"]["source"] = "stock-out"
                strategy["scale"]["threshold"]["data_size"]["source"] = "job"
        scenario["cluster"]["carbon"] = {"by_hour": [200, 400]}


class Orders:
    """In which order the queues of a random scenario are served, and the priorities of its workloads: draws of their own, too."""

    def __init__(self, seed):
        self.random = random.Random(f"orders {seed}")

    def apply(self, scenario):
        if self.random.random() < 0.4:
            return
        for deployment in scenario["deployments"].values():
            if self.random.random() < 0.7:
                deployment["workload"]["priority"] = self.random.choice((-1, 0, 5))
            order = self.random.choice(("fifo", "lifo", "priority", "priority", "priority"))
            laws = all(set(variant["service"]) <= {"distribution", "sized"} for variant in deployment["variants"].values())
            if order != "fifo":
                deployment["queue"] = {**deployment.get("queue", {}), "order": order, **({"preempt": True} if order == "priority" and laws and self.random.random() < 0.5 else {})}


class Draw:
    """A random scenario: a dictionary by a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.horizon_s = self.one(1, 30, 180, 300.5)
        self.seed = seed
        self.loops = random.Random(f"loops {seed}")
        self.batching = random.Random(f"batching {seed}")  # of its own, so that the other draws of a seed stay what they were
        self.troubles = Troubles(seed, self.horizon_s)
        self.orders = Orders(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def maybe(self, share, value):
        return value if self.random.random() < share else None

    def some(self, **items):
        return {key: value for key, value in items.items() if value is not None}

    def law(self, mean_s):
        mean = f"{round(mean_s * 1e6)}us"
        return self.one(mean, {"exponential": {"mean": mean}}, {"lognormal": {"mean": mean, "cv": self.one(0.3, 1, 3)}}, "0s" if self.random.random() < 0.1 else mean)

    def service(self, mean_s):
        return self.one({"distribution": {"time": self.law(mean_s)}}, {"distribution": {"time": self.law(mean_s)}},
                        {"sized": {"base": f"{round(mean_s * 5e5)}us", "per_input": "100us", "noise": self.one(1, {"lognormal": {"mean": 1, "cv": 0.5}})}},
                        {"processor-sharing": {"time": self.law(mean_s), "cores": self.one(1, 2)}})

    def arrivals(self):
        rate = self.one("1/s", "7/s", "20/s", "60/s")
        return self.one({"poisson": {"rate": rate}}, {"constant": {"rate": rate}}, {"gamma": {"rate": rate, "cv": self.one(0.3, 2)}},
                        {"weibull": {"rate": rate, "cv": 1.7}},
                        {"mmpp": {"rate_low": "2/s", "rate_high": "80/s", "mean_low": "20s", "mean_high": "5s"}})

    def rate(self):
        return self.one(None, {"diurnal": {"period": "100s", "peak": 2, "peak_at": "30s"}},
                        {"steps": {"points": [{"at": "0s", "factor": self.one(0, 1)}, {"at": "40s", "factor": 2}, {"at": "90s", "factor": 0}, {"at": "150s", "factor": 1}]}})

    def batched(self, variants):
        """Now and then a server of batches or of iterations instead, in all variants."""
        one = self.batching.choice
        kind = one(("", "", "", "", "dynamic-batching", "llm"))
        self.output = one((3, {"exponential": {"mean": 30}})) if kind == "llm" else None
        for variant in variants.values() if kind else ():
            if kind == "llm":
                params = {"iteration": one(("0s", "3ms")), "per_prefill_token": one(("1us", "40us")), "per_sequence": "100us", "per_thousand_kv": one(("0s", "50us")),
                          "prefill": one(("chunked", "whole")), "kv_full": one(("preempt", "queue")), "kv_tokens": one((0, 300, 1000)),
                          "max_batched_tokens": one((64, 8192)), "overhead": one(("0s", "20ms"))}
            else:
                params = {"max_wait": one(("0s", "5ms", "2s")), "base": one(("0s", "20ms")), "floor": "10ms", "peak": one(("100/s", "1000/s")), "instances": 1,
                          "noise": one((1, {"exponential": {"mean": 1}}, {"lognormal": {"mean": 1, "cv": 0.5}})), "per_input": one(("0s", "1us")), "pad_to": one(([], [2, 8]))}
            variant["service"] = {kind: params}
        return variants

    def deployment(self, pools):
        first = self.service(self.one(0.01, 0.08, 0.3))
        variants = {"small": self.some(accuracy=0.7, load=self.maybe(0.7, self.law(4)), service=first)}
        if self.random.random() < 0.5 and "processor-sharing" not in first:
            variants["large"] = {"accuracy": 0.9, "load": self.one("0s", "15s"), "service": {"distribution": {"time": self.law(0.2)}}}
            if "sized" in first:
                variants["large"]["service"] = {"sized": {"base": "50ms", "per_input": "300us"}}
        variants = self.batched(variants)
        low = self.one(0, 1, 1, 2)
        request = self.one(0.5, 1, 1, 2, 4)
        return self.some(
            pool=self.one(*pools, pools, pools[::-1]), requests={"cpu": request, "memory": self.one("0", "1Gi", "3Gi")}, limits=self.maybe(0.4, {"cpu": request * self.one(1, 2)}),
            concurrency=self.one(1, 1, 3, 8), replicas={"initial": low + self.one(0, 1, 2) if low else self.one(0, 1), "min": low, "max": self.one(4, 9), "starting": self.one(0, 0, 0, 1, 2)},
            dispatch=self.one("central-queue", "random", "round-robin", "least-outstanding", "power-of-two", "least-work"), tie=self.one("first", "random"),
            sampling=self.one("without-replacement", "with-replacement"), variants=variants, variant=self.maybe(0.3, "small"),
            queue=self.some(limit=self.maybe(0.5, self.one(0, 1, 5, 50)), timeout=self.maybe(0.5, {
                "of": self.one("waiting", "total"), "after": self.law(self.one(0.05, 0.5, 3)), "work": self.one("cancel", "waste")})),
            speed=self.one("constant", "linear", {"amdahl": {"parallel": "80%"}}), objective=self.maybe(0.7, {"latency": self.one("100ms", "1s"), "attainment": "95%"}),
            retry=self.maybe(0.4, {"attempts": self.one(2, 5), "backoff": self.one("0s", "100ms", "2s"), "jitter": self.one(0, 0.5)}),
            failure=self.maybe(0.6, {"jobs": self.one("requeue-head", "requeue-tail", "fail"), "work": self.one("restart", "resume")}),
            grace=self.maybe(0.5, self.one("0s", "10ms", "1s")),
            workload=self.some(arrivals=self.arrivals(), rate=self.rate(), input=self.one(0, 100, {"exponential": {"mean": 200}}), output=self.output, unit_bytes=self.one(1, 1000)))

    def nodes(self):
        seconds = self.one("0s", "7s", "30s")
        autoscaler = {"scan_interval": self.one("1s", "10s"), "expander": self.one("random", "price", ["most-pods", "least-waste"]), "scale_down_unneeded_time": seconds,
                      "scale_down_delay_after_add": self.one("0s", "20s"), "scale_down_utilization_threshold": self.one(0.5, 0.9),
                      "unremovable_node_recheck_timeout": seconds, "max_drain_parallelism": self.one(1, 5), "max_node_provision_time": self.one("5s", "15m")}
        node_pool = {"expireAfter": self.one("50s", "720h"), "disruption": {"consolidateAfter": seconds, "budgets": [{"nodes": self.one(1, "50%", "100%")}]}}
        return self.one(None, "static", {"on-demand": {"empty_for": self.one("0s", "20s")}}, {"cluster-autoscaler": autoscaler},
                        {"karpenter": {"nodePools": {"all": node_pool}, "batch_idle_duration": self.one("0s", "1s")}})

    def strategy(self):
        down = self.one("0s", "15s", "1m")
        cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": self.one(30, 70)}}}
        waiting = {"type": "External", "external": {"metric": {"name": "queue_jobs"}, "target": {"type": "AverageValue", "averageValue": self.one(1, "500m")}}}
        hpa = {"minReplicas": self.one(0, 1, 2), "metrics": self.one([cpu, waiting], [waiting, cpu]), "controller": {"downscale_stabilization": down},
               "behavior": self.maybe(0.5, {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 30}]}, "scaleDown": {"stabilizationWindowSeconds": 20}})}
        manifests = self.one(
            {"hpa": {key: value for key, value in hpa.items() if value is not None}},
            {"keda": {"minReplicaCount": self.one(0, 1), "pollingInterval": self.one(5, 15), "cooldownPeriod": self.one(0, 20),
                      "triggers": [{"type": "meter", "metadata": {"meter": self.one("queue_jobs", "in_flight_jobs"), "threshold": 2}}]}},
            {"kpa": {"stable-window": self.one("6s", "20s"), "scale-to-zero-grace-period": "5s", "target-burst-capacity": self.one(-1, 0, 50)}},
            {"ray-serve": {"min_replicas": self.one(0, 1), "max_replicas": 9, "upscale_delay_s": self.one(0, 5), "downscale_delay_s": self.one(1, 20), "look_back_period_s": 5,
                           "metrics_interval_s": 1}},
            {"vpa": {"updatePolicy": {"updateMode": self.one("Off", "Initial", "Recreate", "InPlaceOrRecreate"), "minReplicas": 1}}},
            {"fixed-keep-alive": {"keep_alive": self.one("1s", "20s")}},
            {"scale-per-request": {"keep_alive": self.one("0s", "2s", self.law(5)), "surplus": self.one("keep", "cancel")}}, "hybrid-histogram-like", "autopilot-like", "aiad", "queueing-model", "pid", "wva", "clairvoyant")
        scale = self.one(
            manifests, manifests, manifests, manifests, {"none": {"replicas": self.one(-1, 0, 1, 5)}}, "small_model", {"vertical": {"target": "50%", "scale_down_window": down, "cooldown": self.one("0s", "30s")}},
            {"horizontal": {"target": self.one("30%", "60%"), "scale_down_window": down, "metric": self.one("utilisation", "queue_per_replica", "in_flight_per_replica", "latency")}},
            {"hybrid": {"target": "50%", "max": self.one(0, 2), "scale_down_window": down}},
            {"threshold": {"data_size": {"source": self.one("offered", "backlog"), "below": self.one(1, 1000, "100k", "10M")}, "cooldown": self.one("0s", "15s"),
                           "scale_down_after": "30s", "resource_limit": {"source": self.one("pool", "always", "never")}}})
        scrape = self.one("1s", "5s", "15s")
        metrics = {"scrape": scrape, "window": self.one("15s", "60s"), "lag": self.one("0s", "7s")}
        own = self.random.random() < 0.5  # the policy's own timing, or the strategy's
        return self.some(scale=scale, nodes=self.nodes(), period=None if own else self.one("15s", "20s"), metrics=None if own else metrics)

    def pool(self):
        return self.some(machine=self.some(cpu=self.one(4, 8), memory="32Gi", price=self.one("$0/h", "$0.526/h"), speed=self.maybe(0.3, self.one(0.5, 2))),
                         nodes={"min": self.one(0, 1, 3), "max": self.one(12, 14)}, startup=self.one("0s", "15s", self.law(10)),
                         placement=self.one("first-fit", "best-fit", "spread"), minimum_charge=self.one("0s", "60s"), bill_startup=self.one(True, False))

    def scenario(self):
        pools = ["one", "two"][: self.one(1, 1, 2)]
        names = [f"d{k}" for k in range(self.one(1, 1, 2, 3))]
        deployments = {name: self.deployment(pools) for name in names}
        for k, name in enumerate(names):
            if self.random.random() < 0.3:
                deployments[name]["route"] = [{"to": self.one(*names), "probability": self.one(0.3, 0.6)}]
                if self.loops.random() < 0.4:
                    deployments[name]["route"][0]["call"] = "synchronous"
            if self.loops.random() < 0.15:
                think = self.loops.choice(("0s", "500ms", {"exponential": {"mean": "1s"}}))
                deployments[name]["workload"] = {"arrivals": {"closed": {"clients": self.loops.choice((1, 5, 60)), "think": think}}}
        faults = [{"at": f"{round(self.one(0, 0.1, 0.25, 0.5, self.random.random()) * self.horizon_s, 3)}s", "deployment": self.one(*names), "replicas": self.one(1, 2, 9)}
                  for _ in range(self.one(0, 0, 2, 4))]
        result = self.some(name="random", horizon=f"{self.horizon_s}s", warmup=self.one("0s", f"{self.horizon_s / 4}s"), replications=2, seed=self.seed,
                         cluster={"pools": {name: self.pool() for name in pools}}, deployments=deployments,
                         strategies={f"s{k}": self.strategy() for k in range(3)}, faults=faults or None)
        self.troubles.apply(result)
        self.orders.apply(result)
        return result


class Random_scenarios(InFolder):
    def check(self, seed):
        scenario = Draw(seed).scenario()
        path = self.write(f"{seed}.yaml", scenario)
        told = f"SEED {seed}\n{json.dumps(scenario)[:6000]}"
        checked = self.headroom("check", path, code=None)
        self.assertIn(checked.returncode, (0, 3), told + checked.stderr)
        if checked.returncode == 3:
            self.assertNotIn("internal", checked.stderr)
            return False
        output = self.path(f"{seed}.h5")
        ran = self.headroom("run", path, "-o", output, "-q", "--traces", "all", "-j", "1", code=None)
        self.assertIn(ran.returncode, (0, 1), f"{ran.stderr}\n{told}")
        for label, options in (("plain", ["--plain"]), ("3 threads", ["-j", "3"])):
            self.headroom("run", path, "-o", self.path("other.h5"), "-q", "--force", "--traces", "all", *options, code=ran.returncode)
            self.assertEqual(sha256(self.path("other.h5")), sha256(output), f"{label}\n{told}")
        self.check_figures(Result(output), scenario, told)
        self.check_stepping(Result(output), scenario, ran.returncode, told)
        os.remove(output)
        return True

    def check_stepping(self, result, scenario, code, told):
        """An event for each iteration of a server, where nothing happens, too: the same figures."""
        services = [v["service"]["llm"] for d in scenario["deployments"].values() for v in d["variants"].values() if "llm" in v["service"]]
        if not services:
            return
        for service in services:
            service["step_iterations"] = True
        self.headroom("run", self.write("steps.yaml", scenario), "-o", self.path("other.h5"), "-q", "--force", "--traces", "all", code=code)
        stepped = Result(self.path("other.h5"))
        for group, other in ((result.summary, stepped.summary), (result.trace, stepped.trace)):
            for column in group:
                if isinstance(group[column], numpy.ndarray) and group[column].dtype.kind == "f":
                    self.assertTrue(numpy.array_equal(group[column], other[column], equal_nan=True), f"{column}: stepping\n{told}")

    def check_figures(self, result, scenario, told):
        s = result.summary
        ok = s["status"] == 0
        routed = any("route" in deployment for deployment in scenario["deployments"].values())
        ended = s["finished"] + s["dropped"] + s["abandoned"] + s["failed"] + s["in_flight"]
        if not routed:
            self.assertTrue((s["offered"] == ended)[ok].all(), f"conservation\n{told}")
        parts = s["cost_usd"].sum(axis=1) + s["idle_cost_usd"]
        self.assertTrue(numpy.allclose(parts[ok], s["cluster_cost_usd"][ok], atol=1e-9, rtol=1e-12), f"bill\n{told}")
        self.assertTrue((s["idle_cost_usd"][ok] >= s["unused_commitment_usd"][ok] - 1e-12).all(), f"idle cost\n{told}")
        for column in ("attainment_ratio", "accuracy_ratio", "unserved_ratio", "waited_ratio", "exhausted_ratio"):
            values = s[column][ok]
            values = values[numpy.isfinite(values)]
            self.assertTrue(((values >= 0) & (values <= 1)).all(), f"{column}\n{told}")
        for column in ("queue_jobs", "in_service_jobs", "latency_mean_s", "queue_wait_mean_s", "replicas_ready"):
            values = s[column][ok]
            self.assertFalse((values < 0).any(), f"{column}\n{told}")
        for column in ("cpu_reserved_ratio", "memory_reserved_ratio"):
            values = result.pool[column][numpy.isfinite(result.pool[column])]
            self.assertTrue((values <= 1 + 1e-9).all(), f"{column}\n{told}")

    def test_random_scenarios(self):
        ran = 0
        for seed in range(FIRST, FIRST + COUNT):
            with self.subTest(seed=seed):
                ran += self.check(seed)
        self.assertGreater(ran, COUNT * 0.6, "too many drawn scenarios are refused")


if __name__ == "__main__":
    unittest.main()

"""Small scenarios that together take every path whose order or rounding could differ: queues, dispatch rules, servers, laws, policies,
failures, drains, resizes. Each is a second of work at most."""

from support.program import small

LOGNORMAL = {"distribution": {"time": {"lognormal": {"mean": "90ms", "cv": 1.1}}}}
SCALERS = {
    "out": {"scale": {"horizontal": {"target": "55%", "scale_down_window": "30s"}}},
    "up": {"scale": {"vertical": {"target": "55%", "scale_down_window": "30s"}}},
    "both": {"scale": {"hybrid": {"target": "55%", "max": 2, "scale_down_window": "30s"}}},
}
WAVES = {"diurnal": {"period": "200s", "peak": 1.9, "peak_at": "60s"}}
FAULTS = [{"at": "95s", "deployment": "app", "replicas": 1}, {"at": "210s", "deployment": "app", "replicas": 2}]
BASE = {"horizon": "400s", "replications": 2, "seed": 42, "strategies": SCALERS, "deployments.app.workload.rate": WAVES,
        "deployments.app.variants.only.service": LOGNORMAL, "faults": FAULTS}


def scenario(changes):
    return small({**BASE, **changes})


def with_more_deployments():
    """Eight alone, on two pools: the flows of one run side by side."""
    result = scenario({"replications": 1, "horizon": "300s", "strategies": {"out": SCALERS["out"]},
                       "cluster.pools.gpu": {"machine": {"cpu": 8, "memory": "64Gi", "gpu": 2, "price": "$3/h"}, "nodes": {"min": 1, "max": 6},
                                             "startup": {"lognormal": {"median": "20s", "p95": "40s"}}, "placement": "spread"},
                       "cluster.pools.cpu.nodes": {"min": 2, "max": 12}, "deployments.app.pool": "cpu"})
    app = result["deployments"]["app"]
    for k in range(7):
        other = {**app, "pool": "gpu" if k % 3 == 0 else "cpu", "dispatch": ("central-queue", "least-outstanding", "least-work")[k % 3]}
        if k % 3 == 0:
            other["requests"] = {"cpu": 1, "memory": "2Gi", "gpu": "500m"}
        result["deployments"][f"app-{k}"] = other
    return result


def routed():
    """Two stations with feedback: half of the second's jobs go back to the first."""
    result = scenario({"deployments.app.route": [{"to": "next", "probability": 0.8}], "deployments.app.workload.arrivals.poisson.rate": "7/s"})
    result["deployments"]["next"] = {"requests": {"cpu": 1, "memory": "1Gi"}, "replicas": {"initial": 2, "min": 1, "max": 10},
                                     "variants": {"only": {"load": "5s", "service": LOGNORMAL}}, "route": [{"to": "app", "probability": 0.4}]}
    return result


def clients():
    """Closed loops: clients that think, are turned away, give up, try again, and whose jobs go through a second deployment."""
    result = routed()
    result["deployments"]["app"]["workload"] = {"arrivals": {"closed": {"clients": 40, "think": {"lognormal": {"mean": "2s", "cv": 2}}}}, "input": {"exponential": {"mean": 40}}}
    result["deployments"]["app"].update({"concurrency": 8, "replicas": {"initial": 3, "min": 2, "max": 10}, "queue": {"limit": 12, "timeout": {"after": "2s"}}, "retry": {"attempts": 2, "backoff": "300ms", "jitter": 0.5}})
    result["deployments"]["app"]["route"] = [{"to": "next", "probability": 0.6, "call": "synchronous"}, {"to": "next2", "probability": 0.3}]
    result["deployments"]["next"]["route"] = [{"to": "next2", "probability": 0.2}]
    result["deployments"]["next2"] = {**result["deployments"]["next"], "route": []}
    result["deployments"]["busy"] = {"requests": {"cpu": 1, "memory": "1Gi"}, "replicas": {"initial": 1, "min": 0, "max": 4}, "concurrency": 2, "queue": {"limit": 3},
                                     "variants": {"only": {"load": "5s", "service": LOGNORMAL}}, "workload": {"arrivals": {"closed": {"clients": 5, "think": "0s"}}}}
    return result


def by_priority():
    """Three classes on two deployments that grow and shrink: one with preemption and little room, the other one's newest job first."""
    result = scenario({"deployments.app.queue": {"order": "priority", "preempt": True, "limit": 12}, "deployments.app.failure": {"jobs": "requeue-head", "work": "resume"},
                       "deployments.app.workload.priority": -1, "deployments.app.route": [{"to": "next", "probability": 0.5, "call": "synchronous"}]})
    for name, priority in (("high", 9), ("middle", 4)):
        result["deployments"][name] = {"concurrency": 20, "variants": {"v": {"service": {"distribution": {"time": "0s"}}}}, "route": [{"to": "app", "call": "synchronous"}],
                                       "retry": {"attempts": 3, "backoff": "200ms"}, "workload": {"arrivals": {"gamma": {"rate": "4/s", "cv": 1.5}}, "priority": priority}}
    result["deployments"]["next"] = {"requests": {"cpu": 1, "memory": "1Gi"}, "replicas": {"initial": 1, "min": 1, "max": 6}, "dispatch": "least-work", "queue": {"order": "lifo"},
                                     "variants": {"only": {"load": "5s", "service": LOGNORMAL}}}
    return result


def on_several_pools():
    """Deployments that may use two kinds of machines, and node policies that add, empty and replace nodes."""
    result = scenario({
        "horizon": "900s", "deployments.app.pool": ["large", "cpu"], "deployments.app.limits": {"cpu": 2}, "deployments.app.speed": "linear",
        "cluster.pools.cpu.nodes": {"min": 0, "max": 6},
        "cluster.pools.large": {"machine": {"cpu": 16, "memory": "64Gi", "price": "$1.1/h"}, "nodes": {"min": 0, "max": 3},
                                "startup": {"lognormal": {"median": "20s", "p95": "40s"}}, "placement": "best-fit"},
        "strategies": {
            "autoscaler": {**SCALERS["out"], "nodes": {"cluster-autoscaler": {
                "expander": ["price", "random"], "scale_down_unneeded_time": "30s", "scale_down_delay_after_add": "20s", "unremovable_node_recheck_timeout": "20s"}}},
            "random": {**SCALERS["out"], "nodes": {"cluster-autoscaler": {"expander": "random", "scale_down_unneeded_time": "0s", "scale_down_delay_after_add": "0s"}}},
            "karpenter": {**SCALERS["out"], "nodes": {"karpenter": {"nodePools": {"all": {"disruption": {"budgets": [{"nodes": "100%"}]}}}}}}}})
    result["deployments"]["other"] = {"pool": ["cpu", "large"], "requests": {"cpu": 3, "memory": "4Gi"}, "replicas": {"initial": 1, "min": 1, "max": 6},
                                      "variants": {"only": {"load": "5s", "service": LOGNORMAL}}, "workload": {"arrivals": {"poisson": {"rate": "9/s"}}, "rate": WAVES}}
    return result


def in_trouble():
    """Nodes that fail, are repaired by one crew, are taken back, run out, are slow, prepared, reserved; loads that share a registry."""
    return scenario({
        "horizon": "900s", "deployments.app.pool": ["spot", "cpu"], "deployments.app.limits": {"cpu": 2}, "deployments.app.speed": "linear",
        "deployments.app.failure": {"jobs": "requeue-tail", "work": "resume"}, "deployments.app.objective": {"latency": "500ms", "attainment": "90%", "miss_cost": "$0.001"},
        "cluster.carbon": {"by_hour": [310, 420], "pue": 1.3},
        "cluster.pools.cpu": {"machine": {"cpu": 4, "memory": "16Gi", "price": "$1/h", "idle_watts": 90, "busy_watts": 310}, "nodes": {"min": 1, "max": 5}, "startup": "20s",
                              "failures": {"mtbf": "200s", "repair": {"lognormal": {"mean": "40s", "cv": 1}}, "crews": 1, "detect": "5s", "start": "20%", "start_detect": "10s"},
                              "backoff": {"first": "5s", "most": "20s"}, "slow": {"share": "40%", "speed": "60%"}, "warm": {"nodes": 1, "startup": "2s", "load": "30%"},
                              "reserved": {"nodes": 1, "price": "$0.6/h"}, "committed": {"nodes": 1, "discount": "25%"}},
        "cluster.pools.spot": {"machine": {"cpu": 8, "memory": "32Gi", "price": "$2/h", "idle_watts": 150, "busy_watts": 500}, "nodes": {"min": 0, "max": 3},
                               "startup": {"lognormal": {"median": "20s", "p95": "40s"}}, "spot": {"reclaims": "20/h", "notice": "10s", "price": "$0.6/h"},
                               "stockouts": {"every": "120s", "last": {"gamma": {"mean": "40s", "cv": 0.7}}}, "backoff": {"first": "5s", "most": "20s"}, "pulls": {"pool": 2, "node": 1}},
        "strategies": {"out": SCALERS["out"], "rule": {"scale": {"threshold": {"resource_limit": {"source": "stock-out"}, "cooldown": "15s", "scale_down_after": "45s"}}},
                       "karpenter": {**SCALERS["out"], "nodes": "karpenter"}}})


def autoscalers(changes):
    """Policies that are asked, list replicas, evict and resize them, let idle ones go, and weigh metrics of their own."""
    waiting = {"type": "External", "external": {"metric": {"name": "queue_jobs"}, "target": {"type": "AverageValue", "averageValue": "500m"}}}
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    scale = {
        "hpa": {"hpa": {"minReplicas": 0, "metrics": [cpu, waiting], "controller": {"downscale_stabilization": "30s", "cpu_initialization_period": "20s"}}},
        "keda": {"keda": {"minReplicaCount": 0, "pollingInterval": 5, "cooldownPeriod": 10, "triggers": [{"type": "meter", "metadata": {"meter": "in_flight_jobs", "threshold": 1}}]}},
        "kpa": {"kpa": {"stable-window": "10s", "scale-to-zero-grace-period": "5s"}},
        "ray": {"ray-serve": {"min_replicas": 0, "max_replicas": 8, "upscale_delay_s": 2, "downscale_delay_s": 10, "look_back_period_s": 5, "metrics_interval_s": 1}},
        "vpa": {"vpa": {"updatePolicy": {"updateMode": "InPlaceOrRecreate", "minReplicas": 1}, "resourcePolicy": {"containerPolicies": [{"minAllowed": {"cpu": "500m"}}]}}},
        "keep-alive": {"fixed-keep-alive": {"keep_alive": "15s"}},
        "per-request": {"scale-per-request": {"keep_alive": {"exponential": {"mean": "15s"}}, "surplus": "cancel"}}, "histogram": "hybrid-histogram-like", "autopilot": "autopilot-like", "aiad": "aiad",
        "clairvoyant": {"clairvoyant": {"trials": 20, "runs": 2}},
    }
    return scenario({"replications": 1, "deployments.app.replicas": {"initial": 1, "min": 0, "max": 8}, "deployments.app.objective": {"latency": "2s", "attainment": "90%"},
                     "deployments.app.limits": {"cpu": 2}, "deployments.app.speed": {"amdahl": {"parallel": "80%"}},
                     "strategies": {name: {"scale": policy} for name, policy in scale.items()}, "faults": FAULTS[:1], **changes})


SCENARIOS = {
    "central_queue": scenario({"deployments.app.concurrency": 3, "deployments.app.workload.arrivals": {"gamma": {"rate": "45/s", "cv": 1.6}}}),
    "jsq": scenario({"deployments.app.dispatch": "least-outstanding", "deployments.app.tie": "random", "deployments.app.replicas.initial": 4}),
    "power_of_two": scenario({"deployments.app.dispatch": "power-of-two", "deployments.app.workload.arrivals": {"weibull": {"rate": "14/s", "cv": 1.5}}}),
    "round_robin": scenario({"deployments.app.dispatch": "round-robin", "deployments.app.failure": {"jobs": "requeue-tail", "work": "resume"}}),
    "random": scenario({"deployments.app.dispatch": "random", "deployments.app.failure": {"jobs": "fail"}, "deployments.app.grace": "50ms"}),
    "processor_sharing": scenario({"deployments.app.concurrency": 8, "deployments.app.dispatch": "least-outstanding",
                                   "deployments.app.variants.only.service": {"processor-sharing": {"time": {"lognormal": {"mean": "90ms", "cv": 2}}}}}),
    "dynamic_batching": scenario({"deployments.app.concurrency": 8, "deployments.app.dispatch": "central-queue", "deployments.app.workload.arrivals.poisson.rate": "90/s",
                                  "deployments.app.queue": {"limit": 60, "timeout": {"of": "total", "after": "900ms", "work": "cancel"}},
                                  "deployments.app.variants.only.service": {"dynamic-batching": {
                                      "max_size": 4, "max_wait": "20ms", "instances": 2, "base": "30ms", "peak": "60/s", "noise": {"lognormal": {"mean": 1, "cv": 0.6}}}}}),
    "llm_batching": scenario({"deployments.app.concurrency": 12, "deployments.app.dispatch": "least-outstanding", "deployments.app.workload.input": {"lognormal": {"mean": 300, "cv": 1}},
                              "deployments.app.workload.output": {"exponential": {"mean": 40}},
                              "deployments.app.variants.only.service": {"llm": {"iteration": "7ms", "per_prefill_token": "21us", "per_sequence": "130us", "per_thousand_kv": "333us",
                                                                                "kv_tokens": 3000, "max_batched_tokens": 256, "overhead": "9ms"}}}),
    "retries": scenario({"deployments.app.queue": {"limit": 6, "timeout": {"after": {"exponential": {"mean": "700ms"}}}},
                         "deployments.app.retry": {"attempts": 4, "backoff": "300ms", "jitter": 0.5}}),
    "timeout_waiting": scenario({"deployments.app.queue": {"limit": 40, "timeout": {"after": "400ms"}}}),
    "timeout_total": scenario({"deployments.app.queue": {"timeout": {"of": "total", "after": "600ms", "work": "cancel"}},
                               "deployments.app.dispatch": "least-work"}),
    "timeout_waste": scenario({"deployments.app.queue": {"timeout": {"of": "total", "after": "600ms", "work": "waste"}}}),
    "routing": routed(),
    "vertical_bursts": scenario({"deployments.app.limits": {"cpu": 3}, "deployments.app.speed": {"amdahl": {"parallel": "80%"}},
                                 "deployments.app.workload.arrivals": {"mmpp": {"rate_low": "8/s", "rate_high": "40/s", "mean_low": "40s", "mean_high": "15s"}}}),
    "threshold": scenario({
        "deployments.app.variants": {"small": {"accuracy": 0.7, "load": "3s", "service": {"sized": {"base": "5ms", "per_input": "100us"}}},
                                     "large": {"accuracy": 0.8, "load": "6s", "service": {"sized": {"base": "20ms", "per_input": "400us"}}}},
        "deployments.app.workload.input": {"lognormal": {"mean": 200, "cv": 1}}, "deployments.app.workload.unit_bytes": "1k",
        "deployments.app.speed": "linear",
        "strategies": {"rule": {"scale": {"threshold": {"data_size": {"source": "offered", "below": "120M"}, "cooldown": "15s", "scale_down_after": "45s"}}},
                       "backlog": {"scale": {"threshold": {"data_size": {"source": "backlog", "below": "3M"}, "resource_limit": {"source": "always"}}}},
                       "small": {"scale": "small_model"}}}),
    "clients": clients(),
    "priorities": by_priority(),
    "many_deployments": with_more_deployments(),
    "several_pools": on_several_pools(),
    "in_trouble": in_trouble(),
    "autoscalers": autoscalers({}),
    "per_request": autoscalers({"deployments.app.workload": {"arrivals": {"mmpp": {"rate_low": "0.05/s", "rate_high": "9/s", "mean_low": "50s", "mean_high": "30s"}}}}),
}

"""The published cases (folder vectors/queueing of the real data) as cases of this suite; what the program cannot express yet is left out."""

import json
import math
import os

import exact
from builtin import ASSEMBLED_S, INSTANCES, assembled, batch_need, infinite_slots, sharing_slots
from stations import Case, Check, need_of_loss, need_of_number, relaxation, workload_text

FAMILIES = ("mm1", "mmc", "mmck", "md1", "mdc", "mek1", "mg1_fcfs", "mphc", "mgcc", "mginf", "gim1", "gimc", "mg1_ps", "mgc_ps", "mg1k_ps",
            "mm1_ps_tail", "erlang_a", "feedback", "jackson", "jsq_small", "sqd_small", "split", "power_of_d_meanfield", "mmpp_mc",
            "mt_g_inf", "mt_mc_sin", "bulk_service", "dynamic_batching", "batch_timeout")
MEASURED = {"mean_wait", "mean_response", "mean_queue", "mean_number", "mean_busy_servers", "utilisation", "throughput", "p_wait", "p_block",
            "p_abandon", "var_response", "response_p50", "response_p90", "response_p95", "response_p99", "response_p999"}
RENAMED = {"mean_wait_served": "mean_wait", "time_average_number": "mean_number", "mean_number_time_average": "mean_number",
           "time_average_queue": "mean_queue"}
# Percentiles of what is served by an exact law of one value sit on an atom; only the mean is compared.
ATOMS = {"mgcc", "mginf"}


def folder():
    data = os.environ.get("HEADROOM_DATA")
    path = os.path.join(data, "vectors", "queueing") if data else None
    return path if path and os.path.isdir(path) else None


def load(family):
    with open(os.path.join(folder(), family + ".json"), encoding="utf-8") as file:
        return json.load(file)["cases"]


# ---- stations --------------------------------------------------------------------------------------------------------


def mean_rate(arrival):
    kind = arrival["type"]
    if kind == "poisson":
        return arrival["rate"]
    if kind == "nhpp_sin":
        return arrival["base"]
    if kind == "renewal":
        return 1 / exact.moment(arrival["interarrival"], 1)
    up, down = arrival["switch12"], arrival["switch21"]
    return (arrival["rate1"] * down + arrival["rate2"] * up) / (up + down)


def balanced(law):
    return law.get("dist") != "hyperexp2" or abs(law["p1"] / law["rate1"] - (1 - law["p1"]) / law["rate2"]) < 1e-9


def form_of(servers, index):
    """c slots of one replica, or c replicas behind one queue, in turn."""
    if index % 2 and 1 < servers <= 64:
        return {"replicas": servers}
    return {"slots": servers}


def station_of(params, index):
    """The station of a case with one, or None where the program has no such thing."""
    if "arrival" not in params or "service" not in params:
        return None
    arrival, service = params["arrival"], params["service"]
    if arrival["type"] not in ("poisson", "renewal", "mmpp2", "nhpp_sin") or workload_text(arrival, 1) is None or not balanced(service):
        return None
    if params.get("discipline", "FCFS") not in ("FCFS", "PS", "PS-capped"):
        return None
    rate = mean_rate(arrival)
    station = {"arrival": arrival, "flow": rate, "service": service}
    if params.get("discipline", "").startswith("PS"):
        cores = params.get("cores", 1)
        rho = rate * exact.moment(service, 1) / cores
        slots = params["capacity"] if "capacity" in params else sharing_slots(rho, cores)
        station.update(cores=cores, slots=slots)
        if "capacity" in params:
            station["limit"] = 0
    elif params.get("servers") == "inf":
        load = rate * exact.moment(service, 1) * (1 + arrival.get("rel_amplitude", 0))
        station["slots"] = infinite_slots(load)
    elif "n_servers" in params:
        dispatch = {"jsq": "least-outstanding", "power-of-2": "power-of-two", "round-robin": "round-robin", "random": "random"}
        if params["dispatch"] not in dispatch or params["n_servers"] == "inf":
            return None
        station.update(replicas=params["n_servers"], dispatch=dispatch[params["dispatch"]])
        if params["dispatch"] == "power-of-2":
            station["sampling"] = params["sampling"] + "-replacement"
        if index % 2:
            station["tie"] = "random"
    else:
        station.update(form_of(params["servers"], index))
        if "capacity" in params:
            station["limit"] = params["capacity"] - params["servers"]
        if "patience" in params:
            station["patience"] = params["patience"]
    return station


# ---- what is expected ------------------------------------------------------------------------------------------------


def checks_of(family, case):
    expect, checks = case["expect"], []
    for name, value in expect.items():
        metric = RENAMED.get(name, name)
        if metric not in MEASURED or not isinstance(value, (int, float)):
            continue
        error = case.get("rel_err", 1e-9)
        if metric.startswith("response_p"):
            if family in ATOMS:
                continue
            error = max(error, case.get("percentile_rel_err", 0))
        if metric == "var_response":
            error = max(error, case.get("var_rel_err", 0))
        checks.append(Check(metric, value, 0, error))
    if family == "split" and case["params"]["dispatch"] in ("random", "round-robin"):
        checks = [c for c in checks if c.metric not in ("mean_queue", "mean_busy_servers")]
    if family == "mt_mc_sin":
        for check in checks:
            check.rel_err = max(check.rel_err, 1e-5)
    return checks


def need_of(family, case, station):
    """(jobs, slack): the plan's customers where there is one, else what a chain of the same load would need."""
    planned = case.get("plan", {}).get("customers_for_rel_halfwidth_0.5pct_at_95")
    if planned and "p_block" not in case["expect"] and "p_abandon" not in case["expect"]:
        return planned, 1.2
    params, rate = case["params"], station["flow"]
    servers = station.get("cores") or station.get("replicas", 1) * station.get("slots", 1)
    spread = (1 + exact.scv(station["service"])) / 2
    if "p_block" in case["expect"]:
        return need_of_loss(rate, params["servers"], params["capacity"]) * max(1, spread**0.5), 1.3
    if "p_abandon" in case["expect"]:
        patience = params["patience"]
        return need_of_loss(rate, servers, abandon=1 / patience["mean"]) * (5 if patience["dist"] == "det" else 1), 1.8
    if params.get("servers") == "inf":
        return need_of_number(rate, station["slots"]) * spread, 1.5
    if family == "mmpp_mc":
        return need_of_number(rate, servers) * 8 * servers, 5
    if family == "mt_mc_sin":
        return need_of_number(rate, servers) * 2, 3
    return need_of_number(rate * exact.moment(station["service"], 1), servers, max(1.0, spread)), 1.6


def primary_of(case):
    for metric in ("p_block", "p_abandon"):
        if case["expect"].get(metric, 0) > 0.01:
            return metric
    return "mean_number" if any(RENAMED.get(k, k) == "mean_number" for k in case["expect"]) else "mean_response"


def relaxation_of(params, station):
    servers = station.get("cores") or station.get("replicas", 1) * station.get("slots", 1)
    load = station["flow"] * exact.moment(station["service"], 1)
    if "limit" in station or "patience" in station:
        load = min(load, servers * 0.9)
    # Dispatch to queues of their own is slower to forget than one queue, at most by the number of queues.
    per = load / servers if "dispatch" in station else load
    arrival = station["arrival"]
    burst = 2 / (arrival["switch12"] + arrival["switch21"]) if arrival["type"] == "mmpp2" else 0
    spread = (1 + min(10.0, exact.scv(station["service"]))) / 2
    return relaxation(per, 1 if "dispatch" in station else servers) * max(1.0, spread) + burst


def case_of(family, case, index):
    if family == "jackson":
        return tandem(case)
    if family == "feedback":
        return feedback(case)
    if family == "power_of_d_meanfield":
        return mean_field(case)
    if family in ("bulk_service", "dynamic_batching"):
        return batched(family, case)
    if family == "batch_timeout":
        return batch_assembly(case)
    station = station_of(case["params"], index)
    if station is None:
        return None
    need, slack = need_of(family, case, station)
    service = case["params"]["service"]
    heavy = service["dist"] == "bpareto" or (service["dist"] == "lognormal" and exact.scv(service) > 3)
    result = Case(family, case["id"], [station], checks_of(family, case), primary_of(case), need, relaxation_of(case["params"], station),
                  heavy=heavy, slack=slack)
    if family == "mt_mc_sin":
        result.period = case["params"]["arrival"]["period"]
    if family == "mt_g_inf":
        swing = case["params"]["arrival"]["base"] * case["expect"]["relative_amplitude_of_number"]
        period = case["params"]["arrival"]["period"]
        phase = 2 * math.pi * case["expect"]["lag_of_peak_after_rate_peak"] / period
        result.wave = (period, swing * math.cos(phase), -swing * math.sin(phase))
    return result


# ---- networks and large systems --------------------------------------------------------------------------------------


def tandem(case):
    if "tandem" not in case["params"]:
        return None
    stages, rate = case["params"]["tandem"], mean_rate(case["params"]["arrival"])
    stations, checks = [], []
    for k, stage in enumerate(stages):
        station = {"arrival": case["params"]["arrival"] if k == 0 else None, "flow": rate, "service": stage["service"]}
        station.update(form_of(stage["servers"], k))
        if k + 1 < len(stages):
            station["route"] = [(k + 1, 1.0)]
        stations.append(station)
        expect, speed = case["expect"], stage["service"]["rate"]
        checks += [Check("mean_response", expect[f"mean_response_station{k + 1}"], k), Check("p_wait", expect[f"p_wait_station{k + 1}"], k),
                   Check("throughput", rate, k), Check("mean_number", rate * expect[f"mean_response_station{k + 1}"], k),
                   Check("utilisation", rate / speed / stage["servers"], k)]
    needs = [need_of_number(rate / s["service"]["rate"], s["servers"]) for s in stages]
    slowest = max(relaxation(rate / s["service"]["rate"], s["servers"]) for s in stages)
    return Case("jackson", case["id"], stations, checks, "mean_number", max(needs), 2 * slowest, slack=1.3)


def batched(family, case):
    """One server; a batch takes base + per_job x size, times a factor of mean 1."""
    batch, rate, expect = case["params"]["batch_service"], mean_rate(case["params"]["arrival"]), case["expect"]
    time, most = batch["time"], batch["max_batch"]
    if batch.get("min_batch", 1) != 1 or case["params"]["servers"] != 1 or time.get("dist", time.get("law")) not in ("exp", "det"):
        return None
    base, per_job = (time["mean_fixed"], time["mean_per_job"]) if "law" in time else (time["mean"], 0)
    exponential = time.get("law", time.get("dist")) == "exp"
    law = {"dist": "exp", "rate": 1.0} if exponential else {"dist": "det", "value": 1.0}
    station = {"arrival": case["params"]["arrival"], "flow": rate, "service": law, "slots": most, "batch": {"most": most, "base": base, "per_job": per_job}}
    checks = [check for check in checks_of(family, case) if check.metric != "mean_batch_size"]
    if per_job == 0:
        checks.append(Check("mean_batch_size", expect["mean_batch_size"], 0, case["rel_err"]))
    if "mean_in_service" in expect:
        checks.append(Check("mean_busy_servers", expect["mean_in_service"], 0, case["rel_err"]))
    if not exponential:
        checks = [check for check in checks if not check.metric.startswith("response_p")]
    load = rate * (base / most + per_job)
    return Case(family, case["id"], [station], checks, "mean_number", batch_need(load, most) * (1 if exponential else 0.5),
                3 * relaxation(load, 1) * (base + per_job * most), slack=2)


def batch_assembly(case):
    """Servers without limit: as many as are ever busy. A batch takes a constant, so what it adds is known."""
    batching, rate, expect = case["params"]["batching"], mean_rate(case["params"]["arrival"]), case["expect"]
    wait, time = batching["max_delay"], ASSEMBLED_S * batching["max_delay"]
    known = {"mean_wait": expect["mean_batch_delay"], "mean_batch_size": expect["mean_batch_size"], "mean_response": expect["mean_batch_delay"] + time,
             "utilisation": expect["batch_rate"] * time / INSTANCES, "mean_queue": rate * expect["mean_batch_delay"], "throughput": rate}
    checks = [Check(metric, value, 0, case["rel_err"]) for metric, value in known.items()]
    return Case("batch_timeout", case["id"], [assembled(batching["max_batch"], rate, wait)], checks, "mean_wait", 2e5, 5 * wait, slack=2)


def feedback(case):
    if case["params"]["on_failure"] == "retry-in-place":
        return None
    p, outside, expect = case["params"]["failure_probability"], mean_rate(case["params"]["arrival"]), case["expect"]
    rate = outside / (1 - p)
    station = {"arrival": case["params"]["arrival"], "flow": rate, "service": case["params"]["service"], "route": [(0, p)]}
    checks = [Check("utilisation", expect["utilisation"]), Check("mean_number", expect["mean_number"]),
              Check("mean_response", expect["mean_response"] * (1 - p)), Check("throughput", expect["throughput"] / (1 - p))]
    return Case("feedback", case["id"], [station], checks, "mean_number", need_of_number(rate, 1) * (1 + p) / (1 - p),
                relaxation(rate, 1) / (1 - p), slack=1.4)


def mean_field(case, servers=1000):
    """The limit of many servers, corrected by its 1/N term where it is given."""
    params, expect = case["params"], case["expect"]
    correction = expect.get("correction_1_over_N_mean_response", case.get("correction_1_over_N_mean_response"))
    if params["dispatch"] != "power-of-2" or correction is None or "load_information" in params:
        return None
    per = mean_rate(params["arrival_per_server"])
    value = expect["mean_response"] + correction / servers
    rate = per * servers
    station = {"arrival": {"type": "poisson", "rate": rate}, "flow": rate, "service": params["service"], "replicas": servers,
               "dispatch": "power-of-two", "sampling": "with-replacement"}
    checks = [Check("mean_response", value, 0, 0.003), Check("mean_number", value * rate, 0, 0.003), Check("throughput", rate)]
    return Case("power_of_d_meanfield", case["id"], [station], checks, "mean_number", 1e6, 5 / (1 - per))


def transients():
    """(case, horizon in units) of the starts from empty: no warm-up is left out, and the answer is over replications."""
    for index, case in enumerate(load("transient_mmc")):
        segments = case["params"]["segments"]
        if case["params"]["initial"] != ["empty"] or len(segments) > 1:
            continue
        rate, servers, expect = segments[0]["arrival_rate"], segments[0]["servers"], case["expect"]
        station = dict(form_of(servers, index), arrival={"type": "poisson", "rate": rate}, flow=rate, service=case["params"]["service"])
        checks = [Check("mean_number", expect["time_average_number"], 0, 1e-7), Check("mean_queue", expect["time_average_queue"], 0, 1e-7),
                  Check("mean_busy_servers", expect["mean_busy_time_average"], 0, 1e-7)]
        if expect["time_average_queue"] * expect["horizon"] < 0.5:
            del checks[1]  # a queue that hardly ever forms
        yield Case("transient_mmc", case["id"], [station], checks, "mean_number", 0, 0), expect["horizon"]


def cases():
    for family in FAMILIES:
        for index, case in enumerate(load(family)):
            made = case_of(family, case, index)
            if made:
                yield made

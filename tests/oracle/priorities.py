"""Queues that are not first come, first served: the family priority of the published vectors, the LCFS cases of mg1_disciplines, and cases
whose exact values follow from formulas given here. Each class of jobs is a deployment whose jobs take no time there and call the one that
all share; what a class sees is that deployment's columns. The law of a class is that of its jobs' input, in millionths of a mean service.

A front of few slots keeps the rest of its class back, first come first served; as long as it sends more than the servers take, those of its
class who are kept back would not have been served before, so nothing changes for priorities. Where order among classes matters (fifo),
the fronts are as wide as their classes ever get."""

import math

import exact
import vectors
from measure import of_means, of_ratio
from stations import REPLICATIONS, WARMUP, Case, Check, law_text, relaxation, seconds

UNITS = 10**6  # of input, in a mean service
NOT_EXPRESSED = {"SIRO": "no queue serves in random order", "LCFS-PR": "preemption follows from priorities; the newest takes nobody's slot"}


# ---- formulas ----------------------------------------------------------------------------------------------------------


def cobham(rates, laws):
    """Mean waits of M/G/1 without preemption, highest class first (Cobham, Operations Research 2, 1954)."""
    residual = sum(rate * exact.moment(law, 2) for rate, law in zip(rates, laws)) / 2
    waits, before = [], 0.0
    for rate, law in zip(rates, laws):
        load = before + rate * exact.moment(law, 1)
        waits.append(residual / (1 - before) / (1 - load))
        before = load
    return waits


def preemptive(rates, laws):
    """Mean responses of M/G/1 with preemptive resume (Conway, Maxwell and Miller, Theory of Scheduling, chapter 8)."""
    responses, before, residual = [], 0.0, 0.0
    for rate, law in zip(rates, laws):
        load = before + rate * exact.moment(law, 1)
        residual += rate * exact.moment(law, 2) / 2
        responses.append((exact.moment(law, 1) + residual / (1 - load)) / (1 - before))
        before = load
    return responses


def in_one_line(rates, laws):
    """First come, first served: everybody waits alike (Pollaczek and Khinchine of the mixture)."""
    load = sum(rate * exact.moment(law, 1) for rate, law in zip(rates, laws))
    return [sum(rate * exact.moment(law, 2) for rate, law in zip(rates, laws)) / 2 / (1 - load)] * len(rates)


# ---- a case ------------------------------------------------------------------------------------------------------------


def classes_of(params):
    """[(rate, law of service)], highest first."""
    rates = [arrival["rate"] for arrival in params["arrival_classes"]]
    return list(zip(rates, params.get("service_classes") or [params["service"]] * len(rates)))


def case_of(name, classes, servers, responses, queue, wide=0, rel_err=1e-9, index=0):
    """Fronts, then the shared station. `queue`: its keys in the scenario."""
    fronts = [{"arrival": {"type": "poisson", "rate": rate}, "flow": rate, "service": law} for rate, law in classes]
    load, before = sum(rate * exact.moment(law, 1) for rate, law in classes), sum(rate * exact.moment(law, 1) for rate, law in classes[:-1])
    shared = {"arrival": None, "flow": sum(rate for rate, _ in classes), "service": classes[0][1], "queue": queue, "servers": servers,
              "form": "replicas" if index % 2 and servers > 1 else "slots", "wide": wide or 2 * servers + 6}
    checks = [Check("mean_response", response, k, rel_err) for k, response in enumerate(responses)]
    spread = max(1.0, max(exact.moment(law, 2) / 2 / exact.moment(law, 1) for _, law in classes))
    case = Case("priority", name, fronts + [shared], checks, "mean_response", 0, relaxation(load, servers) * spread / (1 - before / servers))
    case.unit_s = 1.0
    return case


def published():
    for index, vector in enumerate(vectors.load("priority")):
        params, expect, classes = vector["params"], vector["expect"], classes_of(vector["params"])
        preempts = params["discipline"] == "priority-preemptive-resume"
        responses = [expect[f"mean_response_class{k + 1}"] for k in range(len(classes))]
        case = case_of(vector["id"], classes, params["servers"], responses, "order: priority, preempt: " + ("true" if preempts else "false"), rel_err=vector["rel_err"], index=index)
        shared = len(classes)
        case.checks += [Check("utilisation", expect["utilisation"], shared)]
        if "p_wait" in expect:
            case.checks += [Check("p_wait", expect["p_wait"], shared)]
        yield case


H2 = {"dist": "hyperexp2", "p1": (1 + math.sqrt(0.6)) / 2, "rate1": 1 + math.sqrt(0.6), "rate2": 1 - math.sqrt(0.6)}
EXP, DET, SHORT_EXP = {"dist": "exp", "rate": 1.0}, {"dist": "det", "value": 1.0}, {"dist": "exp", "rate": 2.0}


def built_in():
    """Computed here, so that the suite bites without any data."""
    mixtures = {"exp-exp": ([0.3, 0.4], [EXP, EXP]), "short-h2-det": ([0.4, 0.2, 0.2], [SHORT_EXP, H2, DET])}
    for name, (rates, laws) in mixtures.items():
        means = [exact.moment(law, 1) for law in laws]
        for order, waits in (("priority", cobham(rates, laws)), ("fifo", in_one_line(rates, laws))):
            yield case_of(f"{name}-{order}", list(zip(rates, laws)), 1, [w + m for w, m in zip(waits, means)], f"order: {order}", 600 if order == "fifo" else 0)
        yield case_of(f"{name}-preemptive", list(zip(rates, laws)), 1, preemptive(rates, laws), "order: priority, preempt: true")


def last_come(cases):
    """LCFS without preemption: of single stations, from [(name, rate, law, {metric: value})]."""
    for name, rate, law, expect in cases:
        station = {"arrival": {"type": "poisson", "rate": rate}, "flow": rate, "service": law, "queue": "order: lifo", "servers": 1, "form": "slots"}
        service_variance = exact.moment(law, 2) - exact.moment(law, 1) ** 2
        checks = [Check(metric, expect[metric]) for metric in ("mean_wait", "mean_response", "p_wait", "mean_number")]
        checks.append(Check("var_response", expect["var_wait"] + service_variance))  # a wait has ended when the service of its own begins
        case = Case("lcfs", name, [station], checks, "mean_response", 0, relaxation(rate, 1) * exact.moment(law, 2) / 2 * 2, heavy=True)
        case.unit_s = 1.0
        yield case


def lcfs_exact(rate, law):
    """M/G/1 whose newest is first: the mean wait is that of FIFO, E[W^2] = rate b3 / (3 (1 - rho)^2) + rate^2 b2^2 / (2 (1 - rho)^3), b the
    moments of a service (Conway, Maxwell and Miller, Theory of Scheduling, chapter 8)."""
    b1, b2, b3 = (exact.moment(law, r) for r in (1, 2, 3))
    rest = 1 - rate * b1
    wait = rate * b2 / 2 / rest
    second = rate * b3 / 3 / rest**2 + rate**2 * b2**2 / 2 / rest**3
    return {"mean_wait": wait, "mean_response": wait + b1, "p_wait": rate * b1, "mean_number": rate * (wait + b1), "wait_m2": second, "var_wait": second - wait**2}


def published_last_come():
    """([(name, rate, law, expected)], {reason: cases left out})."""
    found, left = [], {}
    for vector in vectors.load("mg1_disciplines"):
        params, discipline = vector["params"], vector["params"]["discipline"]
        if discipline == "LCFS":
            found.append((vector["id"], params["arrival"]["rate"], params["service"], vector["expect"]))
        elif discipline in NOT_EXPRESSED:
            left[NOT_EXPRESSED[discipline]] = left.get(NOT_EXPRESSED[discipline], 0) + 1
    return found, left


# ---- YAML --------------------------------------------------------------------------------------------------------------


def input_text(law):
    return law_text(law, UNITS).replace("s,", ",").replace("s}", "}").rstrip("s")


def shared_lines(name, station, service, rest=""):
    copies = station["servers"] if station["form"] == "replicas" else 1
    return [f"  {name}:", f"    concurrency: {station['servers'] // copies}", f"    replicas: {{initial: {copies}, min: {copies}, max: {copies}}}",
            f"    queue: {{{station['queue']}}}", f"    variants: {{v: {{service: {{{service}}}}}}}{rest}"]


def arrivals(rate):
    return f"arrivals: {{poisson: {{rate: {rate:.15g}/s}}}}"


def scenario(case, units, seed):
    *fronts, shared = case.stations
    names = [case.key] if not fronts else [f"{case.key}-{chr(ord('a') + k)}" for k in range(len(case.stations))]
    period_s = max(1, min(86400, round(units / 20)))
    lines = [f"name: priorities\nhorizon: {seconds(units)}\nwarmup: {seconds(units / WARMUP)}\nreplications: {REPLICATIONS}\nseed: {seed}",
             "cluster: {pools: {p: {machine: {cpu: 1000000, memory: 1Ti}, nodes: {min: 1, max: 1}}}}",
             f"strategies: {{s: {{scale: none, nodes: static, period: {period_s}s, metrics: {{scrape: {period_s}s, window: {period_s}s}}}}}}", "deployments:"]
    for k, front in enumerate(fronts):
        lines += [f"  {names[k]}:", f"    concurrency: {shared['wide']}", "    variants: {v: {service: {distribution: {time: 0s}}}}",
                  f"    route: [{{to: {names[-1]}, call: synchronous}}]",
                  f"    workload: {{{arrivals(front['arrival']['rate'])}, input: {input_text(front['service'])}, priority: {len(fronts) - k}}}"]
    if fronts:
        lines += shared_lines(names[-1], shared, "sized: {per_input: 1us}")
    else:
        lines += shared_lines(names[-1], shared, f"distribution: {{time: {law_text(shared['service'], 1)}}}", f"\n    workload: {{{arrivals(shared['flow'])}}}")
    return "\n".join(lines) + "\n"


def units_of(case, jobs):
    """So many jobs in all replications together, but long enough to forget the start."""
    return max(jobs / case.stations[-1]["flow"] / REPLICATIONS, 5 * WARMUP * case.relaxation)


# ---- what holds for all classes together -------------------------------------------------------------------------------


def fronts_of(case, result):
    return [(station, result.rows(f"{case.key}-{chr(ord('a') + k)}")) for k, station in enumerate(case.stations[:-1])]


def work_waiting(case, result):
    """(sum of rho_k W_k, its error): the same whatever the order, as long as it does not look at sizes and interrupts nobody."""
    total = 0
    for station, rows in fronts_of(case, result):
        mean = exact.moment(station["service"], 1)
        total = total + station["flow"] * mean * (rows["latency_mean_s"] - mean)
    return of_means(total)


def number(case, result):
    return of_means(sum(rows["queue_jobs"] + rows["in_service_jobs"] for _, rows in fronts_of(case, result)))


def lost(case, result, k=None):
    """Share of the calls of front k (None: all) that were lost."""
    rows = [r for j, (_, r) in enumerate(fronts_of(case, result)) if k in (None, j)]
    return of_ratio(sum(r["failed"] for r in rows), sum(r["offered"] for r in rows))

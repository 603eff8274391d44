"""A queueing case as deployments of a scenario: what is simulated, what is expected, and how long it must run. Times are in units of the
case (usually one mean service time); the YAML is written in seconds, with a unit of each case's own, so that cases which need
different numbers of customers share one horizon and one scenario."""

import math
import re
from dataclasses import dataclass, field

import exact

HALFWIDTH = 0.005  # relative, at 95 %: what the mean of a case must reach where its length was not cut
PLAN = (1.96 / HALFWIDTH) ** 2  # samples wanted for a relative variance of 1
REPLICATIONS = 24
WARMUP = 8  # one part in WARMUP of the horizon is left out


@dataclass
class Check:
    metric: str
    expected: float
    station: int = 0
    rel_err: float = 1e-9


@dataclass
class Case:
    family: str
    name: str
    stations: list  # dictionaries, see `deployment`
    checks: list
    primary: str  # the metric (of station 0) of the half width and of calibration
    need: float  # jobs of station 0 for HALFWIDTH, one run's worth in all replications together
    relaxation: float  # units after which the start is forgotten
    heavy: bool = False  # infinite or nearly infinite fourth moments: judged by its interval alone
    slack: float = 1.0  # how much wider than planned the interval may come out where the plan is a guess
    period: float = 0.0  # the horizon is a multiple of it
    wave: tuple = None  # (period, expected sine, expected cosine) of in_service_jobs
    unit_s: float = 0.0
    halfwidth: float = 0.0  # required of the primary metric

    def __post_init__(self):
        self.key = re.sub(r"[^a-z0-9]+", "-", f"{self.family}-{self.name}".lower()).strip("-")


# ---- how long --------------------------------------------------------------------------------------------------------


def relaxation(rate, servers):
    """Of M/M/c, from Karlin and McGregor's spectral gap; 1 is the service itself."""
    gap = (math.sqrt(servers) - math.sqrt(rate)) ** 2
    return 1 + (1 / gap if gap > 1e-9 else 1e4)


def need_of_chain(chain, rate, of, mean):
    """Jobs for HALFWIDTH of the time average of a function of a birth-death chain."""
    variance = chain.asymptotic_variance(of) / mean**2
    return PLAN * variance * rate


def need_of_number(rate, servers, variability=1.0, capacity=None):
    chain = exact.station_chain(rate, servers, capacity)
    return max(0.3, variability) * need_of_chain(chain, rate, chain.n, chain.mean(chain.n))


def need_of_loss(rate, servers, capacity=None, abandon=0.0):
    """Of the share lost: what the level adds to the counting noise."""
    chain = exact.station_chain(rate, servers, capacity, abandon)
    loss = abandon * (chain.n - servers).clip(0) / rate if abandon else (chain.n == capacity) * 1.0
    share = chain.mean(loss)
    return need_of_chain(chain, rate, loss, share) + PLAN * (1 - share) / share


def cost_s(station):
    """Rough CPU seconds of one job: which loop of the engine serves it, and its laws."""
    slots, tabled = station.get("slots", 1), station["service"]["dist"] in ("gamma", "erlang", "lognormal", "hyperexp2", "bpareto")
    tabled += station.get("arrival") is not None and station["arrival"]["type"] == "renewal"
    events = "cores" in station or "batch" in station or "route" in station or station.get("dispatch") == "least-work"
    events |= station.get("arrival") is None or station.get("patience", {"dist": "det"})["dist"] != "det"
    base = (200 + 1.5 * slots if events else 110) if events or "dispatch" in station else 45 + 10 * math.log2(slots + station.get("replicas", 1))
    return 1e-9 * (base + 60 * tabled)


def cost_of(case, units):
    """CPU seconds of all replications."""
    return REPLICATIONS * units * sum(s["flow"] * cost_s(s) for s in case.stations)


def units_of(case, most_s, margin=2.0):
    """Units one replication lasts, warm-up included, in at most so many CPU seconds (but long enough to forget its start); sets the
    half width that this length should give."""
    first, share = case.stations[0]["flow"], WARMUP / (WARMUP - 1)
    wanted = case.need * margin / first / REPLICATIONS * share
    units = min(wanted, most_s / cost_of(case, 1.0))
    units = max(units, 5 * WARMUP * case.relaxation)
    if case.wave:
        units = 64 * case.wave[0]
    elif case.period:
        units = max(1, round(units / WARMUP / case.period)) * WARMUP * case.period
    case.halfwidth = HALFWIDTH * case.slack * math.sqrt(max(1.0, wanted / units))
    return units


# ---- YAML ------------------------------------------------------------------------------------------------------------


def seconds(value):
    text = f"{value:.12f}".rstrip("0")
    return (text + "0" if text.endswith(".") else text) + "s"


def law_text(law, unit):
    mean, kind = exact.moment(law, 1) * unit, law["dist"]
    cv = f"{math.sqrt(max(0.0, exact.scv(law))):.15g}"
    if kind == "det":
        return seconds(law["value"] * unit)
    if kind == "exp":
        return f"{{exponential: {{mean: {seconds(mean)}}}}}"
    if kind == "erlang":
        return f"{{erlang: {{mean: {seconds(mean)}, stages: {law['k']}}}}}"
    if kind == "uniform":
        return f"{{uniform: {{low: {seconds(law['a'] * unit)}, high: {seconds(law['b'] * unit)}}}}}"
    if kind == "bpareto":
        return f"{{pareto: {{alpha: {law['alpha']:.15g}, low: {seconds(law['lo'] * unit)}, high: {seconds(law['hi'] * unit)}}}}}"
    name = {"hyperexp2": "hyperexponential"}.get(kind, kind)
    return f"{{{name}: {{mean: {seconds(mean)}, cv: {cv}}}}}"


def noise_text(law):
    return "1" if law["dist"] == "det" else law_text(law, 1).replace("mean: 1.0s", "mean: 1")


def rate_text(rate, unit):
    return f"{rate / unit:.15g}/s"


def workload_text(arrival, unit):
    """None where the program has no such arrivals."""
    kind = arrival["type"]
    if kind == "poisson":
        return f"{{arrivals: {{poisson: {{rate: {rate_text(arrival['rate'], unit)}}}}}}}"
    if kind == "mmpp2":
        one, two = (arrival["rate1"], 1 / arrival["switch12"]), (arrival["rate2"], 1 / arrival["switch21"])
        low, high = sorted((one, two))
        return (f"{{arrivals: {{mmpp: {{rate_low: {rate_text(low[0], unit)}, rate_high: {rate_text(high[0], unit)}, "
                f"mean_low: {seconds(low[1] * unit)}, mean_high: {seconds(high[1] * unit)}}}}}}}")
    if kind == "nhpp_sin":
        period = arrival["period"] * unit
        return (f"{{arrivals: {{poisson: {{rate: {rate_text(arrival['base'], unit)}}}}}, rate: {{diurnal: {{period: {seconds(period)}, "
                f"peak: {1 + arrival['rel_amplitude']:.15g}, peak_at: {seconds(period / 4)}}}}}}}")
    if kind != "renewal":
        return None
    law = arrival["interarrival"]
    rate = rate_text(1 / exact.moment(law, 1), unit)
    if law["dist"] == "det":
        return f"{{arrivals: {{constant: {{rate: {rate}}}}}}}"
    name = {"erlang": "gamma"}.get(law["dist"], law["dist"])
    if name not in ("gamma", "weibull"):
        return None
    return f"{{arrivals: {{{name}: {{rate: {rate}, cv: {math.sqrt(exact.scv(law)):.15g}}}}}}}"


def deployment(station, name, unit, stop_s=None):
    """Arrivals end at stop_s. Keys: arrival (None: only routes lead here), flow (jobs a unit), service, slots (of one replica), replicas,
    dispatch, tie, sampling, limit, patience (law), cores (processor sharing), batch (most, wait, instances, base, per_job; service is then
    a factor of mean 1), route ([(station index, probability)])."""
    law = law_text(station["service"], unit)
    if "batch" in station:
        batch = station["batch"]
        rate = f", peak: {rate_text(1 / batch['per_job'], unit)}" if batch["per_job"] else ""
        service = (f"dynamic-batching: {{max_size: {batch['most']}, max_wait: {seconds(batch.get('wait', 0) * unit)}, "
                   f"instances: {batch.get('instances', 1)}, base: {seconds(batch['base'] * unit)}{rate}, noise: {noise_text(station['service'])}}}")
    elif "cores" in station:
        service = f"processor-sharing: {{time: {law}, cores: {station['cores']}}}"
    else:
        service = f"distribution: {{time: {law}}}"
    replicas = station.get("replicas", 1)
    lines = [f"  {name[0]}:", "    requests: {cpu: 1}", f"    concurrency: {station.get('slots', 1)}",
             f"    replicas: {{initial: {replicas}, min: {replicas}, max: {replicas}}}",
             f"    variants: {{v: {{service: {{{service}}}}}}}"]
    for key in ("dispatch", "tie", "sampling"):
        if key in station:
            lines.append(f"    {key}: {station[key]}")
    queue = [f"limit: {station['limit']}"] if "limit" in station else []
    if "patience" in station:
        queue.append(f"timeout: {{of: waiting, after: {law_text(station['patience'], unit)}}}")
    if queue:
        lines.append(f"    queue: {{{', '.join(queue)}}}")
    if station.get("arrival"):
        workload = workload_text(station["arrival"], unit)
        if stop_s is not None and "rate: {diurnal" not in workload:
            workload = workload[:-1] + f", rate: {{steps: {{points: [{{at: 0s, factor: 1}}, {{at: {seconds(stop_s)}, factor: 0}}]}}}}}}"
        lines.append(f"    workload: {workload}")
    if station.get("route"):
        lines.append("    route: [" + ", ".join(f"{{to: {name[1 + to]}, probability: {p:.15g}}}" for to, p in station["route"]) + "]")
    return lines


def names_of(case):
    if len(case.stations) == 1:
        return [case.key]
    return [f"{case.key}-{chr(ord('a') + k)}" for k in range(len(case.stations))]


def scenario(cases, horizon_s, seed, replications=REPLICATIONS, scrape_s=300, warmup_s=None, stop_s=None):
    """One scenario of independent cases on one huge node; case.unit_s is set."""
    warmup_s = horizon_s / WARMUP if warmup_s is None else warmup_s
    lines = ["name: oracle", f"horizon: {seconds(horizon_s)}", f"warmup: {seconds(warmup_s)}", f"replications: {replications}",
             f"seed: {seed}",
             "cluster: {pools: {p: {machine: {cpu: 1000000, memory: 1Ti}, nodes: {min: 1, max: 1}}}}",
             "strategies: {none: {scale: none, nodes: static, "
             f"period: {scrape_s}s, metrics: {{scrape: {scrape_s}s, window: {scrape_s}s}}}}}}", "deployments:"]
    for case in cases:
        names = names_of(case)
        for k, station in enumerate(case.stations):
            lines += deployment(station, [names[k]] + names, case.unit_s, stop_s)
    return "\n".join(lines) + "\n"

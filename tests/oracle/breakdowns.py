"""Published cases of servers that break down, and of servers that are switched on for each job that waits: families breakdown_mg1,
breakdown_mmc and mmk_setup. A server is a node that holds one replica, so each case is a cluster of its own: a failure stops the control
plane, and cases beside each other would stop one another."""

import math

import vectors
from exact import moment
from stations import REPLICATIONS, WARMUP, Case, Check, law_text, relaxation, seconds

UNIT_S = 1.0
MEASURED = {"mean_number", "mean_response", "throughput", "mean_busy_servers", "mean_up_servers", "mean_failures_per_job", "mean_queue"}
KEEP_ALIVE = 1.0  # mean services
NOT_EXPRESSED = {
    "delay": "the idle time until a server is switched off is exponential; keep_alive is a constant",
    "at once": "a run with keep_alive near 0 stops that often; the published value is that of the formula used instead, at keep_alive 0",
    "several": "a job that a freed server takes cancels one set-up; no policy is asked at departures",
}


def setup_response(params, keep_alive):
    """M/M/1 whose server is switched off once idle for keep_alive: an M/G/1 queue whose first job of a busy period may have to wait for a
    set-up D (Welch, On a generalized M/G/1 queuing process in which the first customer of each busy period receives exceptional
    service, Operations Research 12, 1964)."""
    rate, setup = params["arrival"]["rate"], 1 / params["setup_rate"]
    share = math.exp(-rate * keep_alive)  # of busy periods that begin with one
    first, second = share * setup, 2 * share * setup**2
    return 1 / (1 - rate) + (2 * first + rate * second) / (2 * (1 + rate * first))


def pool_text(case):
    params, servers = case["params"], case["params"].get("servers", case["params"].get("servers_max"))
    failures = ""
    if "failure_rate" in params:
        repair = params.get("repair") or {"dist": "exp", "rate": params["repair_rate"], "mean": 1 / params["repair_rate"]}
        strikes = "always" if params["failure_when_idle"] else "serving"
        crews = params.get("repair_crews", servers)
        failures = (f", failures: {{mtbf: {{exponential: {{mean: {seconds(UNIT_S / params['failure_rate'])}}}}}, repair: {law_text(repair, UNIT_S)}, "
                    f"strikes: {strikes}, crews: {crews if crews < servers else 0}}}")
    return f"{{machine: {{cpu: 1, memory: 1Gi}}, nodes: {{min: {servers}, max: {servers}, initial: {servers}}}{failures}}}"


def scenario(case, units, seed):
    """The text of one case's scenario: `units` mean services long."""
    params = case["params"]
    servers = params.get("servers", params.get("servers_max"))
    work = "restart" if params.get("on_failure") == "restart" else "resume"
    scale, replicas, load = "none", f"{{initial: {servers}, min: {servers}, max: {servers}}}", "0s"
    if "setup_rate" in params:
        scale, replicas = f"{{fixed-keep-alive: {{keep_alive: {seconds(KEEP_ALIVE * UNIT_S)}}}}}", f"{{initial: 0, min: 0, max: {servers}}}"
        load = f"{{exponential: {{mean: {seconds(UNIT_S / params['setup_rate'])}}}}}"
    period_s = max(1, min(86400, round(units * UNIT_S / 20)))
    return "\n".join([
        f"name: breakdowns\nhorizon: {seconds(units * UNIT_S)}\nwarmup: {seconds(units * UNIT_S / WARMUP)}\nreplications: {REPLICATIONS}\nseed: {seed}",
        f"cluster: {{pools: {{{made(case).key}: {pool_text(case)}}}}}",
        f"strategies: {{s: {{scale: {scale}, nodes: static, period: {period_s}s, metrics: {{scrape: {period_s}s, window: {period_s}s}}}}}}",
        "deployments:", f"  {made(case).key}:", "    requests: {cpu: 1}", f"    replicas: {replicas}", f"    failure: {{jobs: requeue-head, work: {work}}}",
        f"    variants: {{v: {{load: {load}, service: {{distribution: {{time: {law_text(params['service'], UNIT_S)}}}}}}}}}",
        f"    workload: {{arrivals: {{poisson: {{rate: {params['arrival']['rate'] / UNIT_S:.15g}/s}}}}}}"]) + "\n"


def load_of(case):
    """(share of the time the servers need, how bursty their interruptions are)."""
    params, expect = case["params"], case["expect"]
    if "setup_rate" in params:
        return params["arrival"]["rate"] / params["servers_max"], 1 / params["setup_rate"]
    repair = moment(params["repair"], 1) if "repair" in params else 1 / params["repair_rate"]
    return expect.get("load_with_failures", expect.get("effective_load")), repair + 1 / params["failure_rate"] * 0.05


def made(case):
    params = case["params"]
    family = "mmk_setup" if "setup_rate" in params else "breakdown_mg1" if not params["failure_when_idle"] else "breakdown_mmc"
    station = {"arrival": params["arrival"], "flow": params["arrival"]["rate"], "service": params["service"]}
    checks = [Check(metric, value, 0, case["rel_err"]) for metric, value in case["expect"].items() if metric in MEASURED]
    if family == "mmk_setup":
        response = setup_response(params, KEEP_ALIVE)
        checks = [Check("mean_response", response), Check("mean_number", response * station["flow"]), Check("throughput", station["flow"])]
    rho, burst = load_of(case)
    result = Case(family, case["id"], [station], checks, "mean_response", 0, relaxation(rho, 1) + burst)
    result.unit_s = UNIT_S
    return result


def reason_against(case):
    """Why a case cannot be said in a scenario, or None."""
    params = case["params"]
    if "setup_rate" not in params:
        return None
    if params["idle_timeout_rate"] is not None:
        return NOT_EXPRESSED["delay"]
    return NOT_EXPRESSED["several"] if params["servers_max"] > 1 else None


def cases():
    """(those that can be run, {reason: how many cannot})."""
    found, left = [], {}
    for family in ("breakdown_mg1", "breakdown_mmc", "mmk_setup"):
        for case in vectors.load(family):
            reason = reason_against(case)
            if reason:
                left[reason] = left.get(reason, 0) + 1
            else:
                found.append(case)
    return found, left


def units_of(case, events):
    """So many arrivals and failures in all replications together, but long enough to forget the start."""
    params = case["params"]
    servers = params.get("servers", 1)
    rate = params["arrival"]["rate"] + 3 * servers * params.get("failure_rate", 0)
    return max(events / rate / REPLICATIONS, 10 * WARMUP * made(case).relaxation)

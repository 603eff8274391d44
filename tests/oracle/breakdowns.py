"""Published cases of servers that come and go: that break down (families breakdown_mg1, breakdown_mmc), and that are set up for a job that
waits and switched off when idle (mmk_setup: at once or after an exponential time, one set-up at a time or as many as jobs wait, surplus ones
cancelled; scale_to_zero: one server, a fixed idle time). A server is a node that holds one replica, so each case is a cluster of its own: a
failure stops the control plane, and cases beside each other would stop one another."""

import vectors
from exact import moment
from stations import REPLICATIONS, WARMUP, Case, Check, law_text, relaxation, seconds

UNIT_S = 1.0
FAMILIES = ("breakdown_mg1", "breakdown_mmc", "mmk_setup", "scale_to_zero")
MEASURED = {"mean_number", "mean_response", "throughput", "mean_busy_servers", "mean_up_servers", "mean_failures_per_job", "mean_queue", "mean_on_servers",
            "mean_servers_in_setup", "cold_starts_per_time"}
OF_SETUPS = {"mean_wait", "p_wait"}  # jobs that are interrupted wait more than once
RENAMED = {"fraction_time_setup": "mean_servers_in_setup"}


def family_of(params):
    if "setup_rate" in params:
        return "mmk_setup"
    if "setup" in params:
        return "scale_to_zero"
    return "breakdown_mg1" if not params["failure_when_idle"] else "breakdown_mmc"


def servers_of(params):
    return params.get("servers", params.get("servers_max"))


def pool_text(params):
    servers, failures = servers_of(params), ""
    if "failure_rate" in params:
        repair = params.get("repair") or {"dist": "exp", "rate": params["repair_rate"], "mean": 1 / params["repair_rate"]}
        strikes = "always" if params["failure_when_idle"] else "serving"
        crews = params.get("repair_crews", servers)
        failures = (f", failures: {{mtbf: {{exponential: {{mean: {seconds(UNIT_S / params['failure_rate'])}}}}}, repair: {law_text(repair, UNIT_S)}, "
                    f"strikes: {strikes}, crews: {crews if crews < servers else 0}}}")
    return f"{{machine: {{cpu: 1, memory: 1Gi}}, nodes: {{min: {servers}, max: {servers}, initial: {servers}}}{failures}}}"


def setup_law(params):
    return params.get("setup") or {"dist": "exp", "rate": params["setup_rate"], "mean": 1 / params["setup_rate"]}


def idle_text(params):
    if "idle_timeout" in params:
        return seconds(params["idle_timeout"] * UNIT_S)
    rate = params["idle_timeout_rate"]
    return law_text({"dist": "exp", "rate": rate, "mean": 1 / rate}, UNIT_S) if rate else "0s"


def scenario(case, units, seed):
    """The text of one case's scenario: `units` mean services long."""
    params = case["params"]
    servers, key = servers_of(params), made(case).key
    work = "restart" if params.get("on_failure") == "restart" else "resume"
    scale, replicas, load = "none", f"{{initial: {servers}, min: {servers}, max: {servers}}}", "0s"
    if family_of(params) in ("mmk_setup", "scale_to_zero"):
        surplus = "cancel" if params.get("cancel_surplus_setups", False) else "keep"
        scale = f"{{scale-per-request: {{keep_alive: {idle_text(params)}, surplus: {surplus}}}}}"
        replicas = f"{{initial: {servers}, min: 0, max: {servers}, starting: {1 if params.get('staggered') else 0}}}"
        load = law_text(setup_law(params), UNIT_S)
    period_s = max(1, min(86400, round(units * UNIT_S / 20)))
    return "\n".join([
        f"name: servers\nhorizon: {seconds(units * UNIT_S)}\nwarmup: {seconds(units * UNIT_S / WARMUP)}\nreplications: {REPLICATIONS}\nseed: {seed}",
        f"cluster: {{pools: {{{key}: {pool_text(params)}}}}}",
        f"strategies: {{s: {{scale: {scale}, nodes: static, period: {period_s}s, metrics: {{scrape: {period_s}s, window: {period_s}s}}}}}}",
        "deployments:", f"  {key}:", "    requests: {cpu: 1}", f"    replicas: {replicas}", f"    failure: {{jobs: requeue-head, work: {work}}}",
        f"    variants: {{v: {{load: {load}, service: {{distribution: {{time: {law_text(params['service'], UNIT_S)}}}}}}}}}",
        f"    workload: {{arrivals: {{poisson: {{rate: {params['arrival']['rate'] / UNIT_S:.15g}/s}}}}}}"]) + "\n"


def load_of(case):
    """(share of the time the servers need, how bursty their interruptions are)."""
    params, expect = case["params"], case["expect"]
    if family_of(params) in ("mmk_setup", "scale_to_zero"):
        return params["arrival"]["rate"] * moment(params["service"], 1) / servers_of(params), moment(setup_law(params), 1)
    repair = moment(params["repair"], 1) if "repair" in params else 1 / params["repair_rate"]
    return expect.get("load_with_failures", expect.get("effective_load")), repair + 1 / params["failure_rate"] * 0.05


def made(case):
    params = case["params"]
    station = {"arrival": params["arrival"], "flow": params["arrival"]["rate"], "service": params["service"]}
    known = MEASURED if "failure_rate" in params else MEASURED | OF_SETUPS
    checks = [Check(RENAMED.get(metric, metric), value, 0, case["rel_err"]) for metric, value in case["expect"].items() if RENAMED.get(metric, metric) in known]
    rho, burst = load_of(case)
    servers = servers_of(params) if family_of(params) == "mmk_setup" else 1
    if params.get("staggered"):  # what a row of starts leaves waiting is worked off by what is over
        burst *= servers / 2 / (1 - rho)
    result = Case(family_of(params), case["id"], [station], checks, "mean_response", 0, relaxation(rho * servers, servers) + burst)
    result.unit_s = UNIT_S
    return result


def cases():
    return [case for family in FAMILIES for case in vectors.load(family)]


def units_of(case, events):
    """So many arrivals and failures in all replications together, but long enough to forget the start."""
    params = case["params"]
    rate = params["arrival"]["rate"] + 3 * servers_of(params) * params.get("failure_rate", 0)
    return max(events / rate / REPLICATIONS, 10 * WARMUP * made(case).relaxation)


def jobs_of(case, events):
    """In all replications."""
    return units_of(case, events) * case["params"]["arrival"]["rate"] * REPLICATIONS

"""Cases whose exact values are computed here (exact.py), so that the suite bites without any data."""

import math

import exact
from stations import Case, Check, need_of_chain, need_of_loss, need_of_number, relaxation

EXP = {"dist": "exp", "rate": 1.0}
DET = {"dist": "det", "value": 1.0}
ERLANG4 = {"dist": "erlang", "k": 4, "rate": 4.0}
LOGNORMAL4 = {"dist": "lognormal", "mu": -math.log(5) / 2, "sigma": math.sqrt(math.log(5))}
UNIFORM = {"dist": "uniform", "a": 0.2, "b": 1.8}


def hyperexponential(squared_cv):
    p = (1 + math.sqrt((squared_cv - 1) / (squared_cv + 1))) / 2
    return {"dist": "hyperexp2", "p1": p, "rate1": 2 * p, "rate2": 2 * (1 - p)}


def pareto(alpha, span):
    """Bounded on [low, span * low], mean 1."""
    law = {"dist": "bpareto", "alpha": alpha, "lo": 1.0, "hi": float(span)}
    low = 1 / exact.moment(law, 1)
    return {"dist": "bpareto", "alpha": alpha, "lo": low, "hi": span * low}


def poisson(rate):
    return {"type": "poisson", "rate": rate}


def gaps(law):
    return {"type": "renewal", "interarrival": law}


def weibull(mean, shape):
    return {"dist": "weibull", "shape": shape, "scale": mean / math.gamma(1 + 1 / shape)}


def checks_of(expected, station=0, rel_err=1e-9):
    return [Check(metric, value, station, rel_err) for metric, value in expected.items()]


def sharing_slots(rho, cores=1):
    """Room for all but one job in 10^12."""
    return cores + 4 + int(math.ceil(math.log(1e-12) / math.log(rho)))


def infinite_slots(mean):
    return int(mean + 9 * math.sqrt(mean) + 20)


def single(family, name, station, expected, **options):
    options.setdefault("primary", "mean_number")
    return Case(family, name, [station], checks_of(expected), **options)


# As many batches at once as there will ever be, each for so long, in multiples of the wait.
INSTANCES, ASSEMBLED_S = 32, 0.2


def assembled(most, rate, wait):
    """Batch assembly with unlimited servers."""
    batch = {"most": most, "wait": wait, "instances": INSTANCES, "base": ASSEMBLED_S * wait, "per_job": 0}
    return {"arrival": poisson(rate), "flow": rate, "service": DET, "slots": most * INSTANCES, "batch": batch}


def batch_need(rho, most):
    """As many batches as M/M/1 has jobs."""
    return need_of_number(rho, 1) * (1 + most * rho) / 2


# ---- families --------------------------------------------------------------------------------------------------------


def one_queue():
    for rho in (0.5, 0.8):
        expected = dict(exact.mmc(rho, 1), **exact.mm1_percentiles(rho))
        yield single("mm1", f"rho{rho}", {"arrival": poisson(rho), "flow": rho, "service": EXP}, expected,
                     need=need_of_number(rho, 1), relaxation=relaxation(rho, 1))
    for servers, rho, form in ((2, 0.7, "slots"), (4, 0.8, "slots"), (4, 0.8, "replicas"), (16, 0.9, "replicas"), (100, 0.9, "slots"),
                               (10, 0.5, "replicas")):
        rate = servers * rho
        station = {"arrival": poisson(rate), "flow": rate, "service": EXP, form: servers}
        yield single("mmc", f"c{servers}-rho{rho}-{form}", station, exact.mmc(rate, servers), need=need_of_number(rate, servers),
                     relaxation=relaxation(rate, servers))
    station = {"arrival": poisson(2.4), "flow": 2.4, "service": EXP, "replicas": 3, "dispatch": "least-work"}
    yield single("mmc", "c3-rho0.8-least-work", station, exact.mmc(2.4, 3), need=need_of_number(2.4, 3), relaxation=relaxation(2.4, 3))
    for servers, capacity, rate in ((1, 5, 0.95), (1, 1, 0.8), (4, 8, 4.8), (8, 8, 8.0), (32, 40, 30.4), (10, 50, 12.0)):
        form = "slots" if servers != 4 else "replicas"
        station = {"arrival": poisson(rate), "flow": rate, "service": EXP, form: servers, "limit": capacity - servers}
        yield single("mmck", f"c{servers}-k{capacity}-a{rate}", station, exact.mmck(rate, servers, capacity), primary="p_block",
                     need=need_of_loss(rate, servers, capacity), relaxation=relaxation(min(rate, 0.9 * servers), servers))


def general_service():
    laws = (("det", DET), ("erlang4", ERLANG4), ("uniform", UNIFORM), ("h2-4", hyperexponential(4)), ("logn4", LOGNORMAL4))
    for name, law in laws:
        rate = 0.7 if name != "logn4" else 0.5
        spread = (1 + exact.scv(law)) / 2
        yield single("md1" if name == "det" else "mg1", f"{name}-rho{rate}", {"arrival": poisson(rate), "flow": rate, "service": law},
                     exact.mg1(rate, law), need=need_of_number(rate, 1, spread) * (2.5 if name == "logn4" else 1),
                     relaxation=relaxation(rate, 1) * max(1, spread), heavy=name == "logn4", slack=1.3)
    law = pareto(1.5, 100)
    yield single("mg1", "pareto1.5-rho0.5", {"arrival": poisson(0.5), "flow": 0.5, "service": law}, exact.mg1(0.5, law),
                 need=1.2e7, relaxation=100, heavy=True, slack=2)
    for law, name in ((DET, "det"), (hyperexponential(10), "h2-10")):
        station = {"arrival": poisson(8.0), "flow": 8.0, "service": law, "slots": 8, "limit": 0}
        expected = exact.mmck(8.0, 8, 8)
        yield single("mgcc", f"c8-{name}", station, {k: expected[k] for k in ("p_block", "throughput", "mean_number", "utilisation")},
                     primary="p_block", need=need_of_loss(8.0, 8, 8) * 1.5, relaxation=10, slack=1.6)
    for name, law in (("gamma0.5", {"dist": "gamma", "shape": 0.5, "scale": 1 / 0.7 / 0.5}), ("weibull0.6", weibull(1 / 0.7, 0.6)),
                      ("weibull2", weibull(1 / 0.8, 2.0)), ("erlang4", {"dist": "erlang", "k": 4, "rate": 4 * 0.8}),
                      ("det", {"dist": "det", "value": 1 / 0.8})):
        rate = 1 / exact.moment(law, 1)
        yield single("gim1", f"{name}-rho{rate:.1f}", {"arrival": gaps(law), "flow": rate, "service": EXP}, exact.gim1(law),
                     need=need_of_number(rate, 1, (1 + exact.scv(law)) / 2), relaxation=relaxation(rate, 1) * 2, slack=1.2)


def processor_sharing():
    for name, law, rho in (("exp", EXP, 0.7), ("det", DET, 0.8), ("h2-4", hyperexponential(4), 0.5), ("logn4", LOGNORMAL4, 0.5)):
        station = {"arrival": poisson(rho), "flow": rho, "service": law, "cores": 1, "slots": sharing_slots(rho)}
        yield single("mg1_ps", f"{name}-rho{rho}", station, exact.ps(rho, law), need=need_of_number(rho, 1, (1 + exact.scv(law)) / 2),
                     relaxation=relaxation(rho, 1) * (1 + exact.scv(law)), heavy=name == "logn4", slack=1.3)
    for name, law, cores, rho in (("exp", EXP, 4, 0.8), ("det", DET, 4, 0.7), ("logn4", LOGNORMAL4, 16, 0.7)):
        rate = cores * rho
        station = {"arrival": poisson(rate), "flow": rate, "service": law, "cores": cores, "slots": sharing_slots(rho, cores)}
        yield single("mgc_ps", f"{name}-c{cores}-rho{rho}", station, exact.ps(rate, law, cores),
                     need=need_of_number(rate, cores, (1 + exact.scv(law)) / 2), relaxation=3 * relaxation(rate, cores), slack=1.3)
    station = {"arrival": poisson(0.9), "flow": 0.9, "service": DET, "cores": 1, "slots": 4, "limit": 0}
    yield single("mg1k_ps", "det-k4", station, exact.ps_limit(0.9, 4), primary="p_block", need=need_of_loss(0.9, 1, 4), relaxation=20)


def batching():
    for most, rho in ((1, 0.7), (4, 0.8), (16, 0.6)):
        rate = most * rho
        station = {"arrival": poisson(rate), "flow": rate, "service": EXP, "slots": most, "batch": {"most": most, "base": 1.0, "per_job": 0}}
        yield single("bulk_service", f"b{most}-rho{rho}", station, exact.bulk(rate, most), need=batch_need(rho, most), relaxation=3 * relaxation(rho, 1),
                     slack=2)
    for most, rate, wait in ((2, 2.0, 1.0), (8, 8.0, 1.0), (32, 8.0, 1.0)):
        yield single("batch_timeout", f"b{most}-l{rate:.0f}", assembled(most, rate, wait), exact.batch_timeout(rate, most, wait, ASSEMBLED_S * wait, INSTANCES),
                     primary="mean_wait", need=2e5, relaxation=5, slack=2)


def impatience():
    for servers, rate, mean in ((1, 1.0, 2.0), (5, 5.0, 0.5), (20, 22.0, 1.0)):
        chain_need = need_of_loss(rate, servers, abandon=1 / mean)
        common = {"arrival": poisson(rate), "flow": rate, "service": EXP, "slots": servers}
        patience = {"dist": "exp", "rate": 1 / mean}
        yield single("erlang_a", f"c{servers}-exp{mean}", dict(common, patience=patience), exact.erlang_a(rate, servers, 1 / mean),
                     primary="p_abandon", need=chain_need, relaxation=20)
        yield single("erlang_a", f"c{servers}-det{mean}", dict(common, patience={"dist": "det", "value": mean}),
                     exact.mmc_timeout(rate, servers, mean), primary="p_abandon", need=2 * chain_need, relaxation=20, slack=1.3)
    # queues of single replicas: round robin to one replica is one server with an expiry in the event loop
    station = {"arrival": poisson(0.9), "flow": 0.9, "service": EXP, "dispatch": "round-robin", "patience": {"dist": "det", "value": 2.0}}
    yield single("erlang_a", "c1-det2-own-queue", station, exact.mmc_timeout(0.9, 1, 2.0), primary="p_abandon",
                 need=2 * need_of_loss(0.9, 1, abandon=0.5), relaxation=20, slack=1.3)


def networks():
    p, rate = 0.3, 0.7
    station = {"arrival": poisson(rate * (1 - p)), "flow": rate, "service": EXP, "route": [(0, p)]}
    expected = {k: v for k, v in exact.mmc(rate, 1).items() if k != "var_response"}
    yield single("feedback", "p0.3-rho0.7", station, expected, need=need_of_number(rate, 1) * (1 + p) / (1 - p),
                 relaxation=relaxation(rate, 1) / (1 - p), slack=1.3)
    first = {"arrival": poisson(0.7), "flow": 0.7, "service": EXP, "route": [(1, 1.0)]}
    second = {"arrival": None, "flow": 0.7, "service": {"dist": "exp", "rate": 0.5}, "slots": 2}
    checks = checks_of(exact.mmc(0.7, 1)) + checks_of(exact.mmc(0.7, 2, 0.5), 1)
    yield Case("jackson", "tandem", [first, second], checks, "mean_number", need_of_number(0.7, 1), 2 * relaxation(0.7, 1))
    # a loop: a -> b with 0.6, b -> a with 0.5, arrivals at both
    out_a, out_b, back = 0.3, 0.2, 0.5
    flow_a = (out_a + back * out_b) / (1 - 0.6 * back)
    flow_b = out_b + 0.6 * flow_a
    a = {"arrival": poisson(out_a), "flow": flow_a, "service": EXP, "route": [(1, 0.6)]}
    b = {"arrival": poisson(out_b), "flow": flow_b, "service": {"dist": "exp", "rate": 0.4}, "replicas": 2, "route": [(0, back)]}
    expected = [{k: v for k, v in exact.mmc(*args).items() if k != "var_response"} for args in ((flow_a, 1), (flow_b, 2, 0.4))]
    yield Case("jackson", "loop", [a, b], checks_of(expected[0]) + checks_of(expected[1], 1), "mean_number",
               need_of_number(flow_a, 1) * 2, 8 * relaxation(0.7, 1), slack=1.4)


def dispatching():
    for name, servers, rule, rho, longest, extra in (
            ("jsq-n2-first", 2, "jsq", 0.7, 40, {}), ("jsq-n3-random", 3, "jsq", 0.7, 22, {"tie": "random"}),
            ("two-with-n3", 3, "with", 0.7, 26, {"sampling": "with-replacement"}), ("two-without-n3", 3, "without", 0.7, 24, {}),
            ("two-without-n3-random", 3, "without", 0.5, 18, {"tie": "random"})):
        rate = servers * rho
        dispatch = "least-outstanding" if rule == "jsq" else "power-of-two"
        station = dict(extra, arrival=poisson(rate), flow=rate, service=EXP, replicas=servers, dispatch=dispatch)
        yield single("dispatch", name, station, exact.dispatch_chain(rate, servers, rule, longest), need=need_of_number(rate, servers),
                     relaxation=2 * relaxation(rho, 1), slack=1.4)
    station = {"arrival": poisson(2.4), "flow": 2.4, "service": EXP, "replicas": 4, "dispatch": "random"}
    expected = dict(exact.mmc(0.6, 1), mean_number=4 * 1.5, mean_queue=4 * 0.9, throughput=2.4)
    del expected["mean_busy_servers"]
    yield single("dispatch", "random-n4", station, expected, need=need_of_number(0.6, 1), relaxation=relaxation(0.6, 1))
    station = {"arrival": poisson(2.8), "flow": 2.8, "service": EXP, "replicas": 4, "dispatch": "round-robin"}
    expected = exact.gim1({"dist": "erlang", "k": 4, "rate": 2.8}, servers=4)
    yield single("dispatch", "round-robin-n4", station, expected, need=need_of_number(0.7, 1), relaxation=relaxation(0.7, 1))


def modulated():
    for servers, rate_high, rate_low, long_high, long_low in ((1, 1.5, 0.3, 5.0, 10.0), (4, 6.0, 1.5, 10.0, 15.0)):
        arrival = {"type": "mmpp2", "rate1": rate_high, "rate2": rate_low, "switch12": 1 / long_high, "switch21": 1 / long_low}
        expected = exact.mmpp_mc(arrival, servers)
        rate = expected["throughput"]
        yield single("mmpp", f"c{servers}", {"arrival": arrival, "flow": rate, "service": EXP, "slots": servers}, expected,
                     need=8e6 if servers == 1 else 4e7, relaxation=150, slack=3)
    for base, amplitude, period in ((10.0, 0.9, 10.0), (50.0, 0.3, 4.0)):
        arrival = {"type": "nhpp_sin", "base": base, "rel_amplitude": amplitude, "period": period}
        size, behind = exact.infinite_servers_wave(EXP, period)
        swing = base * amplitude * size
        station = {"arrival": arrival, "flow": base, "service": EXP, "slots": infinite_slots(base * (1 + amplitude))}
        yield single("mt_g_inf", f"l{base:.0f}-p{period:.0f}", station, {"mean_number": base, "throughput": base, "mean_queue": 0.0},
                     need=1e6, relaxation=10, slack=2, wave=(period, swing * math.cos(behind), -swing * math.sin(behind)))
    chain = exact.station_chain(20.0, infinite_slots(20))
    yield single("mginf", "exp-a20", {"arrival": poisson(20.0), "flow": 20.0, "service": EXP, "slots": infinite_slots(20)},
                 {"mean_number": 20.0, "mean_queue": 0.0, "mean_response": 1.0, "var_response": 1.0},
                 need=need_of_chain(chain, 20.0, chain.n, 20.0), relaxation=1)


def cases():
    for family in (one_queue, general_service, processor_sharing, batching, impatience, networks, dispatching, modulated):
        yield from family()

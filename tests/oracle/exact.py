"""Exact values of queueing theory, computed here from published formulas: nothing of the simulator is used. Time is in units of one mean
service time unless a rate says otherwise. Laws are the dictionaries of the vectors (dist: exp, det, erlang, gamma, weibull, uniform,
hyperexp2, lognormal, bpareto)."""

import math

import numpy

# ---- laws ------------------------------------------------------------------------------------------------------------


def moment(law, r):
    """E[X^r], r = 1, 2, 3."""
    kind = law["dist"]
    if kind == "exp":
        return math.factorial(r) / law["rate"] ** r
    if kind == "det":
        return law["value"] ** r
    if kind in ("erlang", "gamma"):
        shape, scale = (law["k"], 1 / law["rate"]) if kind == "erlang" else (law["shape"], law["scale"])
        return scale**r * math.prod(shape + j for j in range(r))
    if kind == "weibull":
        return law["scale"] ** r * math.gamma(1 + r / law["shape"])
    if kind == "uniform":
        a, b = law["a"], law["b"]
        return sum(a**j * b ** (r - j) for j in range(r + 1)) / (r + 1)
    if kind == "hyperexp2":
        p = law["p1"]
        return math.factorial(r) * (p / law["rate1"] ** r + (1 - p) / law["rate2"] ** r)
    if kind == "lognormal":
        return math.exp(r * law["mu"] + r * r * law["sigma"] ** 2 / 2)
    if kind == "bpareto":
        a, low, high = law["alpha"], law["lo"], law["hi"]
        front = a * low**a / (1 - (low / high) ** a)
        return front * (math.log(high / low) if r == a else (high ** (r - a) - low ** (r - a)) / (r - a))
    raise ValueError(kind)


def scv(law):
    return moment(law, 2) / moment(law, 1) ** 2 - 1


def laplace(law, s):
    """E[exp(-s X)] of an interarrival law."""
    kind = law["dist"]
    if kind == "det":
        return math.exp(-s * law["value"])
    if kind in ("erlang", "gamma"):
        shape, scale = (law["k"], 1 / law["rate"]) if kind == "erlang" else (law["shape"], law["scale"])
        return (1 + s * scale) ** -shape
    if kind == "weibull":  # X = scale E^(1/shape), E exponential; the trapezoid rule in log E converges geometrically
        z = numpy.linspace(-60, 5, 20001)
        e = numpy.exp(z)
        return float(numpy.trapz(numpy.exp(-e - s * law["scale"] * e ** (1 / law["shape"])) * e, z))
    raise ValueError(kind)


# ---- birth and death -------------------------------------------------------------------------------------------------


class BirthDeath:
    """Stationary law of a chain with the given birth rates (from 0, 1, ...) and death rates (from 1, 2, ...)."""

    def __init__(self, birth, death):
        logs = numpy.concatenate(([0.0], numpy.cumsum(numpy.log(birth) - numpy.log(death))))
        weight = numpy.exp(logs - logs.max())
        self.birth = numpy.asarray(birth, float)
        self.p = weight / weight.sum()
        self.n = numpy.arange(len(self.p))

    def mean(self, f):
        return float(self.p @ f)

    def asymptotic_variance(self, f):
        """Of the time average of f (Burman 1981; Whitt 1992): 2 sum_j (sum_{i<=j} (f_i - mean) p_i)^2 / (birth_j p_j)."""
        term = (f - self.mean(f)) * self.p
        below, above = numpy.cumsum(term)[:-1], numpy.cumsum(term[::-1])[::-1][1:]  # they cancel; the smaller tail is exact
        part = numpy.where(numpy.cumsum(self.p)[:-1] < 0.5, below, above)
        flow = self.birth * self.p[:-1]
        keep = flow > 1e-200
        return float(2 * numpy.sum(part[keep] ** 2 / flow[keep]))


def station_chain(rate, servers, capacity=None, abandon=0.0, service_rate=1.0):
    """M/M/c, M/M/c/K or M/M/c+M as a chain, cut where nothing is left."""
    if capacity is None:
        rho = rate / (servers * service_rate)
        spare = 40 + 45 / abandon * rate / servers if abandon else 60 / -math.log(rho)
        capacity = int(servers + 12 * math.sqrt(servers) + spare)
    n = numpy.arange(1, capacity + 1)
    death = numpy.minimum(n, servers) * service_rate + numpy.maximum(n - servers, 0) * abandon
    return BirthDeath(numpy.full(capacity, float(rate)), death)


def erlang_c(servers, load):
    b = 1.0
    for k in range(1, servers + 1):
        b = load * b / (k + load * b)
    return b / (1 - load / servers * (1 - b))


def bulk(rate, most, service_rate=1.0):
    """M/M^[b]/1: a free server takes min(b, waiting) jobs. Busy with n waiting has probability in proportion to r^n (Bailey 1954; Gross and
    Harris, Fundamentals of Queueing Theory, 3.2), r the root of mu r^(b+1) - (lambda + mu) r + lambda in (0, 1)."""
    low, high = 0.0, 1 - 1e-12
    for _ in range(200):
        r = (low + high) / 2
        low, high = (r, high) if service_rate * r ** (most + 1) - (rate + service_rate) * r + rate > 0 else (low, r)
    first = rate / service_rate  # busy with nobody waiting, for each idle
    idle = 1 / (1 + first / (1 - r))
    queue = idle * first * r / (1 - r) ** 2
    response = queue / rate + 1 / service_rate
    return {"p_wait": 1 - idle, "utilisation": 1 - idle, "mean_queue": queue, "mean_wait": queue / rate, "mean_response": response,
            "mean_number": rate * response, "throughput": rate, "mean_batch_size": rate / service_rate / (1 - idle)}


def batch_timeout(rate, most, wait, time, instances):
    """Batches close when full or when the first job has waited so long; each is served at once. Jobs behind the first come as a Poisson
    process: the batch is open with j of them behind it for P(N(wait) > j) / rate."""
    open_with, below, term = [], 0.0, math.exp(-rate * wait)
    for j in range(most - 1):
        below += term
        term *= rate * wait / (j + 1)
        open_with.append((1 - below) / rate)
    size = 1 + rate * sum(open_with)
    delay = sum((1 + j) * t for j, t in enumerate(open_with)) / size
    return {"mean_batch_size": size, "mean_wait": delay, "mean_response": delay + time, "mean_queue": rate * delay, "throughput": rate,
            "utilisation": rate / size * time / instances, "mean_number": rate * (delay + time)}


def mmc(rate, servers, service_rate=1.0):
    wait_share = erlang_c(servers, rate / service_rate)
    spare = servers * service_rate - rate
    wait = wait_share / spare
    variance = (2 * wait_share - wait_share**2) / spare**2 + 1 / service_rate**2
    return {"p_wait": wait_share, "mean_wait": wait, "mean_response": wait + 1 / service_rate, "mean_queue": rate * wait,
            "mean_number": rate * wait + rate / service_rate, "mean_busy_servers": rate / service_rate, "throughput": rate,
            "utilisation": rate / service_rate / servers, "var_response": variance}


def mm1_percentiles(rate, service_rate=1.0):
    return {f"response_p{name}": -math.log(1 - q) / (service_rate - rate)
            for name, q in (("50", 0.5), ("90", 0.9), ("95", 0.95), ("99", 0.99), ("999", 0.999))}


def mmck(rate, servers, capacity):
    chain = station_chain(rate, servers, capacity)
    block = float(chain.p[-1])
    carried = rate * (1 - block)
    number, queue = chain.mean(chain.n), chain.mean(numpy.maximum(chain.n - servers, 0))
    waits = float(chain.p[servers:-1].sum()) / (1 - block)
    return {"p_block": block, "throughput": carried, "mean_number": number, "mean_queue": queue, "mean_wait": queue / carried,
            "mean_response": number / carried, "p_wait": waits, "utilisation": carried / servers}


def erlang_a(rate, servers, abandon):
    """Exponential patience of the given rate while waiting."""
    chain = station_chain(rate, servers, abandon=abandon)
    queue, number = chain.mean(numpy.maximum(chain.n - servers, 0)), chain.mean(chain.n)
    lost = abandon * queue / rate
    return {"p_abandon": lost, "mean_queue": queue, "mean_number": number, "throughput": rate * (1 - lost),
            "utilisation": rate * (1 - lost) / servers}


def mmc_timeout(rate, servers, timeout):
    """M/M/c with a fixed patience while waiting (Baccelli and Hebuterne 1981): the offered wait V has density
    rate p e^((rate - c) x) up to the timeout and rate p e^(rate timeout - c x) behind it, p = P(c - 1 busy)."""
    term, below = 1.0, 0.0
    for k in range(servers):
        term = term * rate / k if k else 1.0
        below += term  # weights of 0 .. c-1 busy; `term` ends as that of c-1
    gap = rate - servers
    inside = timeout if gap == 0 else math.expm1(gap * timeout) / gap
    beyond = math.exp(gap * timeout) / servers
    total = below + rate * term * (inside + beyond)
    lost = rate * term * beyond / total
    first = timeout**2 / 2 if gap == 0 else (timeout * math.exp(gap * timeout) - inside) / gap
    waited = rate * term * first / total
    served = 1 - lost
    queue = rate * (waited + lost * timeout)
    return {"p_abandon": lost, "mean_wait": waited / served, "mean_queue": queue, "throughput": rate * served,
            "mean_number": queue + rate * served, "utilisation": rate * served / servers}


# ---- one server ------------------------------------------------------------------------------------------------------


def mg1(rate, service):
    """Pollaczek and Khinchine: mean, and the variance of the response (Takacs)."""
    m1, m2, m3 = (moment(service, r) for r in (1, 2, 3))
    rho = rate * m1
    wait = rate * m2 / 2 / (1 - rho)
    variance = wait**2 + rate * m3 / 3 / (1 - rho) + m2 - m1**2
    return {"p_wait": rho, "mean_wait": wait, "mean_response": wait + m1, "mean_queue": rate * wait, "mean_number": rate * wait + rho,
            "utilisation": rho, "throughput": rate, "var_response": variance}


def gim1(arrival, servers=1):
    """GI/M/1: an arrival finds the server busy with probability s, s = A*(1 - s); the response is exponential of rate 1 - s."""
    low, high = 0.0, 1 - 1e-9
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if laplace(arrival, 1 - middle) > middle else (low, middle)
    s = (low + high) / 2
    rate = 1 / moment(arrival, 1)
    result = {"p_wait": s, "mean_wait": s / (1 - s), "mean_response": 1 / (1 - s), "mean_queue": rate * s / (1 - s),
              "mean_number": rate / (1 - s), "utilisation": rate, "throughput": rate, "var_response": 1 / (1 - s) ** 2}
    if servers > 1:  # round robin: each of `servers` sees every servers-th arrival (the law given is that of one queue)
        for name in ("mean_queue", "mean_number", "throughput"):
            result[name] *= servers
    return result


def ps(rate, service, cores=1):
    """Processor sharing, no job faster than one core: N has the M/M/c law whatever the service law."""
    mean = moment(service, 1)
    base = mmc(rate, cores, 1 / mean)
    result = {name: base[name] for name in ("mean_response", "mean_number", "utilisation", "throughput")}
    rho = rate * mean
    if cores == 1 and service["dist"] == "exp":  # Coffman, Muntz and Trotter 1970
        result["var_response"] = (mean / (1 - rho)) ** 2 * (2 + rho) / (2 - rho)
    if cores == 1 and service["dist"] == "det":  # Var[T | x] = 2/(1-rho)^2 int_0^x (x-t)(1-W(t)) dt, W(t) = (1-rho) e^(rate t) below x
        inner = (math.expm1(rho) - rho) / rho**2
        result["var_response"] = 2 * (mean / (1 - rho)) ** 2 * (0.5 - (1 - rho) * inner)
    return result


def ps_limit(rate, capacity):
    chain = station_chain(rate, 1, capacity)
    block, number = float(chain.p[-1]), chain.mean(chain.n)
    carried = rate * (1 - block)
    return {"p_block": block, "mean_number": number, "throughput": carried, "mean_response": number / carried, "utilisation": carried}


# ---- modulated arrivals ----------------------------------------------------------------------------------------------


def mmpp_mc(arrival, servers):
    """MMPP(2)/M/c: the levels up to c by elimination, the rest matrix-geometric (Neuts 1981)."""
    rates = numpy.array([arrival["rate1"], arrival["rate2"]])
    switch = numpy.array([[-arrival["switch12"], arrival["switch12"]], [arrival["switch21"], -arrival["switch21"]]])
    up, eye = numpy.diag(rates), numpy.eye(2)
    local, down = switch - up - servers * eye, servers * eye
    r = numpy.zeros((2, 2))
    for _ in range(200000):
        new = -(up + r @ r @ down) @ numpy.linalg.inv(local)
        if numpy.abs(new - r).max() < 1e-15:
            break
        r = new
    # levels below c: pi_{n+1} = pi_n R_n with R_n from the top, R_n = up (-(local_{n+1}) - R_{n+1} down_{n+2})^-1
    steps = [None] * (servers + 1)
    steps[servers] = r
    for n in range(servers - 1, -1, -1):
        inner = switch - up - (n + 1) * eye
        steps[n] = up @ numpy.linalg.inv(-(inner + steps[n + 1] @ (min(n + 2, servers) * eye)))
    start = switch - up + steps[0] @ eye
    first = numpy.linalg.svd(start.T)[2][-1]
    level = [first / first.sum()]
    for n in range(servers):
        level.append(level[n] @ steps[n])
    rest = numpy.linalg.inv(eye - r)  # levels from c on: level[c] r^k
    total = sum(x.sum() for x in level[:servers]) + (level[servers] @ rest).sum()
    at_c = level[servers] / total
    queue = float((at_c @ r @ rest @ rest).sum())
    busy_by_state = at_c @ rest
    mean_rate = (rates * [arrival["switch21"], arrival["switch12"]]).sum() / (arrival["switch12"] + arrival["switch21"])
    wait = queue / mean_rate
    return {"mean_queue": queue, "mean_number": queue + mean_rate, "mean_wait": wait, "mean_response": wait + 1,
            "p_wait": float(busy_by_state @ rates) / mean_rate, "throughput": mean_rate, "utilisation": mean_rate / servers}


def infinite_servers_wave(mean_law, period):
    """(amplitude of the number over that of the rate, phase behind it) of M(t)/M/inf under a sinusoidal rate (Eick, Massey, Whitt 1993)."""
    w = 2 * math.pi / period * moment(mean_law, 1)
    return 1 / math.sqrt(1 + w * w), math.atan(w)


# ---- dispatch to equal servers ---------------------------------------------------------------------------------------


def position_law(servers, rule):
    """P(the chosen server is k-th by queue length): rule jsq, with or without (two are drawn so)."""
    if rule == "jsq":
        return [1.0] + [0.0] * (servers - 1)
    if rule == "with":
        return [((servers - k) ** 2 - (servers - k - 1) ** 2) / servers**2 for k in range(servers)]
    return [2 * (servers - 1 - k) / (servers * (servers - 1)) for k in range(servers)]


def dispatch_chain(rate, servers, rule, longest):
    """The sorted queue lengths as a Markov chain, cut at `longest`: mean number and what an arrival finds."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import spsolve
    states, index, stack = [], {}, [(0,) * servers]
    index[stack[0]] = 0
    rows, cols, values = [], [], []
    law = position_law(servers, rule)
    while stack:
        state = stack.pop()
        states.append(state)
        moves = [(tuple(sorted(state[:k] + (state[k] + 1,) + state[k + 1:])), rate * law[k])
                 for k in range(servers) if law[k] > 0 and state[k] < longest]
        moves += [(tuple(sorted(state[:k] + (state[k] - 1,) + state[k + 1:])), 1.0) for k in range(servers) if state[k] > 0]
        for target, speed in moves:
            if target not in index:
                index[target] = len(index)
                stack.append(target)
            rows += [index[target], index[state]]
            cols += [index[state], index[state]]
            values += [speed, -speed]
    size = len(index)
    matrix = coo_matrix((values, (rows, cols)), shape=(size, size)).tolil()
    matrix[0, :] = 1.0
    right = numpy.zeros(size)
    right[0] = 1.0
    p = spsolve(matrix.tocsc(), right)
    number = waits = 0.0
    for state in states:
        weight = p[index[state]]
        number += weight * sum(state)
        waits += weight * sum(law[k] for k in range(servers) if state[k] > 0)
    response = number / rate
    return {"mean_number": float(number), "mean_response": float(response), "mean_wait": float(response - 1), "p_wait": float(waits),
            "mean_queue": float(number - rate), "utilisation": rate / servers, "throughput": rate}

#!/usr/bin/env python3
"""The same queues in SimPy, as its users write them: what headroom's speed is measured against.

    simpy_reference.py mm1|mm16|jsq64 CUSTOMERS [SEED]

mm1, mm16: one Store, which one or sixteen server processes read. jsq64: one Resource a server, a customer joins the one with the
fewest customers, the lowest number in a tie. Mean service 10 ms; load 0.9, 0.8, 0.8. Prints JSON: CPU seconds per customer of the simulation itself
(imports and set-up are left out) and the mean response in seconds, which theory knows: 0.1 for mm1, 0.01095 for mm16.
"""

import json
import random
import sys
import time

import simpy

MEAN_SERVICE_S = 0.010


class Responses:
    """Running sums; a list of every response would only cost SimPy more."""

    def __init__(self):
        self.count = 0
        self.total_s = 0.0


def source(env, store, rate_rps, customers, rng):
    gap = rng.expovariate
    for _ in range(customers):
        yield env.timeout(gap(rate_rps))
        store.put(env.now)


def server(env, store, rng, responses):
    service = rng.expovariate
    rate = 1.0 / MEAN_SERVICE_S
    while True:
        arrived_s = yield store.get()
        yield env.timeout(service(rate))
        responses.count += 1
        responses.total_s += env.now - arrived_s


def central_queue(env, servers, load, customers, rng, responses):
    store = simpy.Store(env)
    env.process(source(env, store, load * servers / MEAN_SERVICE_S, customers, rng))
    for _ in range(servers):
        env.process(server(env, store, rng, responses))


def customer(env, index, resources, outstanding, rng, responses):
    arrived_s = env.now
    with resources[index].request() as turn:
        yield turn
        yield env.timeout(rng.expovariate(1.0 / MEAN_SERVICE_S))
    outstanding[index] -= 1
    responses.count += 1
    responses.total_s += env.now - arrived_s


def shortest_queue(env, servers, load, customers, rng, responses):
    resources = [simpy.Resource(env) for _ in range(servers)]
    outstanding = [0] * servers

    def arrivals():
        rate_rps = load * servers / MEAN_SERVICE_S
        for _ in range(customers):
            yield env.timeout(rng.expovariate(rate_rps))
            index = outstanding.index(min(outstanding))
            outstanding[index] += 1
            env.process(customer(env, index, resources, outstanding, rng, responses))

    env.process(arrivals())


MODELS = {
    "mm1": lambda *rest: central_queue(rest[0], 1, 0.9, *rest[1:]),
    "mm16": lambda *rest: central_queue(rest[0], 16, 0.8, *rest[1:]),
    "jsq64": lambda *rest: shortest_queue(rest[0], 64, 0.8, *rest[1:]),
}


def simulate(model, customers, seed):
    """(CPU seconds per customer, mean response in seconds)."""
    env = simpy.Environment()
    responses = Responses()
    MODELS[model](env, customers, random.Random(seed), responses)
    start_s = time.process_time()
    env.run()
    spent_s = time.process_time() - start_s
    if responses.count != customers:
        raise RuntimeError(f"{responses.count} of {customers} customers finished")
    return spent_s / customers, responses.total_s / customers


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in MODELS:
        sys.exit(f"usage: simpy_reference.py {'|'.join(MODELS)} CUSTOMERS [SEED]")
    cpu_s, response_s = simulate(sys.argv[1], int(float(sys.argv[2])), int(sys.argv[3]) if len(sys.argv) == 4 else 1)
    print(json.dumps({"model": sys.argv[1], "cpu_s_per_customer": cpu_s, "mean_response_s": response_s}))


if __name__ == "__main__":
    main()

"""Closed loops, where the exact answers are known: M/M/c//N (finite source) and its insensitivity to the law of thinking, a closed network by
mean value analysis, clients that never think; synchronous calls, which hold a slot; and what holds in every run."""

import json
import unittest

import h5py
import numpy

from support.program import InFolder, repetitions, small

HORIZON_S = 20000
REPLICATIONS = repetitions(8, 40, 6)


def finite_source(clients, servers, think_s, service_s):
    """Throughput of M/M/c//N by its birth and death equations (Kleinrock, Queueing Systems I, 3.8)."""
    weight = [1.0]
    for n in range(clients):
        weight.append(weight[-1] * (clients - n) / think_s * service_s / min(n + 1, servers))
    busy = sum(min(n, servers) * w for n, w in enumerate(weight)) / sum(weight)
    return busy / service_s


def mean_values(clients, think_s, demands_s):
    """Exact MVA of single servers in a row (Reiser and Lavenberg 1980): throughput, and the mean response at each."""
    queue = [0.0] * len(demands_s)
    for n in range(1, clients + 1):
        response = [demand * (1 + waiting) for demand, waiting in zip(demands_s, queue)]
        throughput = n / (think_s + sum(response))
        queue = [throughput * r for r in response]
    return throughput, response


def two_phases(clients, think_s, phases_s):
    """Throughput of M/G/1//N whose service is two exponential phases: its Markov chain, solved."""
    states = [(0, 0)] + [(n, phase) for n in range(1, clients + 1) for phase in (0, 1)]
    rate = numpy.zeros((len(states), len(states)))
    for k, (n, phase) in enumerate(states):
        if n < clients:
            rate[k, states.index((n + 1, phase))] += (clients - n) / think_s
        if n and phase == 0:
            rate[k, states.index((n, 1))] += 1 / phases_s[0]
        if n and phase == 1:
            rate[k, states.index((n - 1, 0))] += 1 / phases_s[1]
    balance = numpy.vstack([(rate - numpy.diag(rate.sum(axis=1))).T, numpy.ones(len(states))])
    chance = numpy.linalg.lstsq(balance, numpy.append(numpy.zeros(len(states)), 1), rcond=None)[0]
    return sum(p for p, (n, phase) in zip(chance, states) if phase == 1) / phases_s[1]


class Closed(InFolder):
    def scenario(self, clients, think, replicas, more=None):
        return small({"horizon": f"{HORIZON_S}s", "warmup": "500s", "replications": REPLICATIONS, "cluster.pools.cpu.machine": {"cpu": 64, "memory": "64Gi"},
                      "deployments.app.replicas": {"initial": replicas, "min": replicas, "max": replicas},
                      "deployments.app.variants.only": {"service": {"distribution": {"time": {"exponential": {"mean": "500ms"}}}}},
                      "deployments.app.workload": {"arrivals": {"closed": {"clients": clients, "think": think}}}, "strategies": {"still": {"scale": "none"}}, **(more or {})})

    def columns(self, scenario, *names):
        output = self.run_scenario(scenario, "--traces", "none")
        with h5py.File(output) as file:
            self.assertEqual(set(file["summary/status"][()]), {0})
            self.check_conservation(file)
            return [file[f"summary/{name}"][()] for name in names]

    def check_conservation(self, file):
        lost = sum(file[f"summary/{name}"][()] for name in ("finished", "dropped", "abandoned", "failed", "in_flight"))
        numpy.testing.assert_array_equal(file["summary/offered"][()], lost)

    def near(self, values, exact, what):
        """Within 4.5 standard errors of the replications' mean, which itself is known to 1 %."""
        error = values.std(ddof=1) / len(values) ** 0.5
        self.assertLess(abs(values.mean() - exact), 4.5 * error + 1e-12, f"{what}: {values.mean()} +- {error}, exact {exact}")
        self.assertLess(1.96 * error, 0.01 * exact, what)

    def test_finite_source_and_any_law_of_thinking(self):
        for clients, servers in ((1, 1), (10, 3), (40, 12)):
            exact = finite_source(clients, servers, 1, 0.5)
            for think in ({"exponential": {"mean": "1s"}}, "1s", {"lognormal": {"mean": "1s", "cv": 2}}):
                with self.subTest(clients=clients, servers=servers, think=think):
                    throughput, latency = self.columns(self.scenario(clients, think, servers), "throughput_rps", "latency_mean_s")
                    self.near(throughput[:, 0], exact, "throughput")
                    self.near(latency[:, 0], clients / exact - 1, "response, by Little's law of the whole cycle")

    def test_network_by_mean_value_analysis(self):
        scenario = self.scenario(6, {"exponential": {"mean": "2s"}}, 1, {"deployments.app.route": [{"to": "next"}], "horizon": f"{2 * HORIZON_S}s"})
        scenario["deployments"]["next"] = {"requests": {"cpu": 1}, "replicas": {"initial": 1, "min": 1, "max": 1},
                                           "variants": {"only": {"service": {"distribution": {"time": {"exponential": {"mean": "800ms"}}}}}}}
        exact, response = mean_values(6, 2, [0.5, 0.8])
        throughput, latency = self.columns(scenario, "throughput_rps", "latency_mean_s")
        for k in (0, 1):
            self.near(throughput[:, k], exact, f"throughput of {k}")
            self.near(latency[:, k], response[k], f"response at {k}")

    def test_nobody_thinks(self):
        """All clients are in the system all the time: 3 of 5 in service."""
        throughput, queue = self.columns(self.scenario(5, "0s", 3), "throughput_rps", "queue_jobs")
        self.near(throughput[:, 0], 6, "throughput")
        numpy.testing.assert_allclose(queue[:, 0], 2, rtol=1e-9)

    def test_who_is_turned_away_comes_back(self):
        """M/M/2//4 without room to wait: of n clients in service those that find two are lost and think again (Engset's loss)."""
        weight = [1.0, 4 * 0.5, 4 * 3 / 2 * 0.25]  # binomial weights of a = service / think
        exact = sum(min(n, 2) * w for n, w in enumerate(weight)) / sum(weight) / 0.5
        scenario = self.scenario(4, {"exponential": {"mean": "1s"}}, 2, {"deployments.app.queue": {"limit": 0}})
        throughput, dropped, offered = self.columns(scenario, "throughput_rps", "dropped", "offered")
        self.near(throughput[:, 0], exact, "throughput")
        blocked = weight[2] * 2 / sum(w * (4 - n) for n, w in enumerate(weight))  # an arriving client sees the others' state
        self.near((dropped / offered)[:, 0], blocked, "call congestion")

    def test_time_goes_on_when_nobody_is_ever_served(self):
        scenario = self.scenario(2, "0s", 1, {"horizon": "50s", "warmup": "0s", "replications": 1, "deployments.app.queue": {"limit": 0},
                                              "deployments.app.variants.only.service": {"distribution": {"time": "1h"}}})
        offered, dropped = self.columns(scenario, "offered", "dropped")
        self.assertGreater(dropped[0, 0], 40000)  # one a millisecond
        self.assertEqual(offered[0, 0], dropped[0, 0] + 1)

    def test_the_same_clients_under_every_strategy(self):
        """Job k of client c has the same work whoever serves it, so that the difference of two numbers of replicas hardly varies."""
        scenario = self.scenario(20, {"exponential": {"mean": "4s"}}, 3, {"horizon": "3000s"})
        scenario["deployments"]["app"]["replicas"] = {"initial": 3, "min": 1, "max": 9}
        scenario["strategies"] = {"three": {"scale": {"none": {"replicas": 3}}}, "four": {"scale": {"none": {"replicas": 4}}}}
        output = self.run_scenario(scenario, "--traces", "none")
        pairs = json.loads(self.headroom("compare", output, "--json", "--pairs").stdout)["points"][0]["pairs"]
        factor = {pair["metric"]: pair["variance_factor"] for pair in pairs}
        self.assertGreater(factor["latency_mean_s"], 1.5)

    def call(self, changes=None, **back):
        """`app` serves 500 ms on average, then calls `back`, 800 ms, and holds its slot meanwhile."""
        scenario = self.scenario(6, {"exponential": {"mean": "2s"}}, 1, {"deployments.app.route": [{"to": "back", "call": "synchronous"}], **(changes or {})})
        scenario["deployments"]["back"] = {"requests": {"cpu": 1}, "replicas": {"initial": 1, "min": 1, "max": 1},
                                           "variants": {"only": {"service": {"distribution": {"time": {"exponential": {"mean": "800ms"}}}}}}, **back}
        return scenario

    def test_a_slot_held_is_part_of_the_service(self):
        """One slot: M/G/1 whose service is the sum of both (Pollaczek and Khinchine), since the called one never waits."""
        scenario = self.call({"deployments.app.workload": {"arrivals": {"poisson": {"rate": "0.4/s"}}}, "horizon": f"{6 * HORIZON_S}s"})
        wait = 0.4 * (0.5**2 + 0.8**2 + (0.5 + 0.8) ** 2) / (2 * (1 - 0.4 * 1.3))
        latency, utilisation, busy = self.columns(scenario, "latency_mean_s", "utilisation_ratio", "in_service_jobs")
        self.near(latency[:, 0], wait + 1.3, "response of the caller")
        self.near(latency[:, 1], 0.8, "response of the called")
        self.near(busy[:, 0], 0.4 * 1.3, "slots held or in use")
        self.near(utilisation[:, 0], 0.4 * 0.5, "CPU in use: none while it waits for the call")

    def test_layers_of_a_closed_system(self):
        """As many slots as clients: nobody waits at the caller, so its slots are where clients are `thinking` for the called one (exact MVA)."""
        scenario = self.call({"deployments.app.concurrency": 6})
        exact, response = mean_values(6, 2 + 0.5, [0.8])
        throughput, latency = self.columns(scenario, "throughput_rps", "latency_mean_s")
        self.near(throughput[:, 0], exact, "throughput")
        self.near(latency[:, 0], 0.5 + response[0], "response of the caller")
        self.near(latency[:, 1], response[0], "response of the called")

    def test_fewer_slots_than_clients(self):
        """One slot for all: a finite source before one server whose service has both phases in a row."""
        scenario = self.call({"horizon": f"{3 * HORIZON_S}s"})
        throughput, latency = self.columns(scenario, "throughput_rps", "latency_mean_s")
        exact = two_phases(6, 2, (0.5, 0.8))
        self.near(throughput[:, 0], exact, "throughput")
        self.near(latency[:, 0], 6 / exact - 2, "response of the caller")

    def test_a_lost_call_fails_the_caller(self):
        """The called one never has room beside the one it serves: every refusal is a failure of its caller, once for all or tried again."""
        for attempts in (1, 3):
            scenario = self.call({"deployments.app.concurrency": 4, "deployments.app.retry": {"attempts": attempts, "backoff": "100ms"}}, queue={"limit": 0})
            dropped, failed, attempts_made, offered = self.columns(scenario, "dropped", "failed", "attempts", "offered")
            self.assertGreater(dropped[:, 1].min(), 1000)
            if attempts == 1:
                numpy.testing.assert_allclose(failed[:, 0], dropped[:, 1], atol=4)  # booked to their own first arrivals: the window's edges
            self.assertTrue((failed[:, 0] <= dropped[:, 1] + 4).all())
            self.assertEqual((attempts_made[:, 0] > offered[:, 0]).all(), attempts > 1)

    def test_a_circle_of_calls_stands_still(self):
        """Both wait for the other's only slot: nothing ends after the first jobs; `check` says so beforehand."""
        scenario = self.call({"warmup": "0s"}, route=[{"to": "app", "probability": 0.9}])
        self.assertIn("may come back to it", self.headroom("check", self.write("c.yaml", scenario)).stderr)
        finished, in_flight = self.columns(scenario, "finished", "in_flight")
        self.assertLess(finished.max(), 10)
        self.assertEqual(in_flight[:, 0].min(), 7)  # six clients', and the one that came back

    def test_errors_of_calls(self):
        scenario = self.call({"deployments.app.variants.only.service": {"processor-sharing": {"time": "1s"}}})
        self.assertIn("a synchronous call holds a slot", self.headroom("check", self.write("p.yaml", scenario), code=3).stderr)
        scenario = self.call({"deployments.app.route": [{"to": "back", "probability": 0.5, "call": "synchronous"}, {"to": "back", "probability": 0.2}]})
        self.assertIn("is of the other kind", self.headroom("check", self.write("t.yaml", scenario), code=3).stderr)

    def test_errors(self):
        scenario = self.scenario(5, "1s", 1, {"deployments.app.workload.rate": {"diurnal": {"period": "1h", "peak": 2}}})
        self.assertIn("follows from their thinking", self.headroom("check", self.write("r.yaml", scenario), code=3).stderr)
        self.assertIn("there is no trace of them", self.headroom("generate", self.write("g.yaml", self.scenario(5, "1s", 1)), code=2).stderr)


if __name__ == "__main__":
    unittest.main()

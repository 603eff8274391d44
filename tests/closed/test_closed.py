"""Closed loops, where the exact answers are known: M/M/c//N (finite source) and its insensitivity to the law of thinking, a closed network by
mean value analysis, clients that never think; and what holds in every run."""

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
        """Within 3.7 standard errors of the replications' mean, and that within 1 %: see vectors/queueing, acceptance test."""
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

    def test_errors(self):
        scenario = self.scenario(5, "1s", 1, {"deployments.app.workload.rate": {"diurnal": {"period": "1h", "peak": 2}}})
        self.assertIn("follows from their thinking", self.headroom("check", self.write("r.yaml", scenario), code=3).stderr)
        self.assertIn("there is no trace of them", self.headroom("generate", self.write("g.yaml", self.scenario(5, "1s", 1)), code=2).stderr)


if __name__ == "__main__":
    unittest.main()

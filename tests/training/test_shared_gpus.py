"""Jobs that laws make: parts of a GPU as a trace brings them, sizes spread over their laws, and a rank correlation of GPUs and duration; by hand."""

import unittest

import numpy
import scipy.stats

from queues import Queues, scenario


def atoms(*values):
    """Each as probable as the others."""
    points, n = [], len(values)
    for k, value in enumerate(values):
        points += ([[value, round(k / n, 9)]] if k else []) + [[value, round((k + 1) / n, 9)]]
    return {"empirical": {"points": points}}


class SharedGpus(Queues):
    def law(self, gpus, **more):
        return {"jobs": {"arrivals": {"constant": {"rate": "1/s"}}, "gpus": gpus, "gpu_parts": True, "duration": "10s", **more}, "discipline": "fifo"}

    def columns(self, queue, *options, **more):
        return self.training(scenario({"jobs": queue}, gpus=1, horizon="40s", **more), *options)

    def test_parts_are_those_of_a_trace(self):
        """Half a GPU, none, 0.301 of one, and more than the machine has: the same jobs out of a law and out of a file."""
        first = self.columns(self.law(0.5))
        submitted = int(first["submitted"][0, 0])
        self.assertIn(submitted, (39, 40))
        for gpus in (0.5, 0, 0.301, 2):
            law = self.columns(self.law(gpus))
            trace = self.columns(self.queue([(k + 1 if submitted == 39 else k, gpus, 10) for k in range(submitted)]))
            for name, column in law.items():
                numpy.testing.assert_array_equal(column, trace[name], f"{gpus} GPUs: {name}")
        self.assertEqual(first["completed"][0, 0], 6)  # two at a time, 10 s each, in 39 or 40 s: three pairs
        self.assertEqual(self.columns(self.law(0))["gpus"][0, 0], 0)
        self.assertEqual(self.columns(self.law(2))["rejected"][0, 0], submitted)

    def test_without_gpu_parts_they_are_whole(self):
        queue = self.law(0.5)
        queue["jobs"]["gpu_parts"] = False
        self.assertEqual(self.columns(queue)["completed"][0, 0], 3)  # one at a time

    def test_shuffled_jobs_add_up(self):
        """Of every 8 jobs just one takes each of 8 sizes: what 64 of them use is known, in every replication and its mirror."""
        begins = 0 if self.columns(self.law(0.5))["submitted"][0, 0] == 40 else 1
        sizes = {"gpus": (atoms(0, 0.25, 0.5, 0.75, 1, 2, 3, 4), "500ms", 8 * 11.5 * 0.5), "duration": (1, atoms(*(f"{k}00ms" for k in range(1, 9))), 8 * 3.6)}
        for gpus, duration, used in sizes.values():
            for more in ({}, {"shuffle_groups": 4}, {"correlation": 0.5}):
                queue = self.law(gpus, shuffle=8, **{"duration": duration, **(more if more.get("correlation") is None or gpus != 1 else {})})
                columns = self.training(scenario({"jobs": queue}, gpus=4, nodes=4, horizon=f"{63 + begins}900ms", replications=6, antithetic=True))
                self.assertEqual(set(columns["submitted"][:, 0]), {64})
                numpy.testing.assert_allclose(columns["useful_gpu_h"][:, 0] * 3600, used, rtol=1e-9)

    def test_correlation(self):
        """Jobs of more GPUs take longer: GPU time is that of the sum over a Gaussian copula, by quadrature."""
        law, rho = atoms(1, 4), 0.8
        queue = self.law(law, duration={"empirical": {"points": [["0s", 0], ["800ms", 1]]}}, correlation=rho)
        columns = self.training(scenario({"jobs": queue}, gpus=4, nodes=4, horizon="1000900ms", replications=16))
        jobs = columns["submitted"][:, 0]
        r = 2 * numpy.sin(numpy.pi / 6 * rho)
        u = (numpy.arange(2000) + 0.5) / 2000
        normal = scipy.stats.norm.ppf(u)
        higher = 1 - scipy.stats.norm.cdf(-r * normal / (1 - r * r) ** 0.5)  # P(4 GPUs) given the duration's u
        exact = (0.8 * u * (1 + 3 * higher)).mean()
        found = columns["useful_gpu_h"][:, 0] * 3600 / jobs
        self.assertLess(abs(found.mean() - exact), 5 * found.std(ddof=1) / 4, exact)
        self.assertGreater(exact, 1.15 * 0.4 * 2.5)  # independent ones would use that much less

    def test_no_laws_to_correlate(self):
        error = self.headroom("check", self.write("bad.yaml", scenario({"jobs": self.queue([(0, 1, 1)], more={"correlation": 0.5})})), code=3).stderr
        self.assertIn("these jobs come from a trace", error)
        error = self.headroom("check", self.write("bad.yaml", scenario({"jobs": self.law(1, shuffle=10, shuffle_groups=4)})), code=3).stderr
        self.assertIn("`shuffle` (10) is no multiple of it", error)


if __name__ == "__main__":
    unittest.main()

"""What the generators promise, counted from the jobs that `headroom generate` writes: dispersion of doubly stochastic arrivals, spells, tables,
crowds, batches, clients, and sizes with a rank correlation; against theory or integrals by hand."""

import io
import unittest

import numpy
import scipy.stats

from support.program import InFolder, small

RATE = 5.0


class Generators(InFolder):
    def workload(self, rate=None, arrivals=None, **more):
        return {"arrivals": arrivals or {"poisson": {"rate": f"{RATE}/s"}}, **({"rate": {"modulated": rate}} if rate else {}), **more}

    def jobs(self, workload, horizon_s, replication=0):
        path = self.write("g.yaml", small({"horizon": f"{horizon_s}s", "deployments.app.workload": workload}))
        text = self.headroom("generate", path, "--replication", str(replication)).stdout
        return numpy.loadtxt(io.StringIO(text), delimiter=",", skiprows=1, dtype=numpy.int64, ndmin=2)

    def instants(self, workload, horizon_s, replication=0):
        return self.jobs(workload, horizon_s, replication)[:, 0] / 1e9

    def counts(self, workload, horizon_s, window_s, replications=6):
        """[replication][window], the windows beginning at 0."""
        edges = numpy.arange(0, horizon_s + window_s / 2, window_s)
        return numpy.array([numpy.histogram(self.instants(workload, horizon_s, r), edges)[0] for r in range(replications)])

    def check_dispersion(self, counts, mean, exact):
        """Variance about the known mean over that mean, within six standard errors, which are themselves below 8 %."""
        found = ((counts - mean) ** 2).mean(axis=1) / mean
        error = found.std(ddof=1) / len(found) ** 0.5
        self.assertLess(abs(found.mean() - exact), 6 * error, f"{found.mean()} +- {error}, exact {exact}")
        self.assertLess(error, 0.08 * exact)

    def relative_variance(self, window_s, *bursts):
        """Of the integral of a product of factors over a window: two instants t apart share a cell of length d with probability 1 - t / d."""
        t = (numpy.arange(20000) + 0.5) / 20000 * window_s
        product = numpy.prod([1 + cv**2 * numpy.maximum(0, 1 - t / scale) for scale, cv in bursts], axis=0)
        return (2 * (window_s - t) * (product - 1)).mean() / window_s

    def test_bursts(self):
        """Counts are Poisson given the rate: dispersion 1 + rate x width x relative variance; 2/3 cv^2 of it where the window is one cell."""
        self.assertAlmostEqual(self.relative_variance(10, (10, 1)), 2 / 3, places=4)
        for cv in (0.5, 1, 2):
            counts = self.counts(self.workload({"bursts": [{"scale": "10s", "cv": cv}]}), 40000, 10, 16)
            self.check_dispersion(counts, RATE * 10, 1 + RATE * 10 * self.relative_variance(10, (10, cv)))
        counts = self.counts(self.workload({"bursts": [{"scale": "10s", "cv": 0.8}, {"scale": "100s", "cv": 0.5}]}), 200000, 50)
        self.check_dispersion(counts, RATE * 50, 1 + RATE * 50 * self.relative_variance(50, (10, 0.8), (100, 0.5)))

    def test_spells(self):
        """30 s on, 70 s off: no job in a quiet spell, 1 / 0.3 of the rate in a busy one, whichever comes first."""
        for r in range(4):
            at = self.instants(self.workload({"on_off": {"on": "30s", "off": "70s"}}), 10000, r)
            begins = 0 if (at < 30).sum() > 0 else 70
            self.assertTrue(((at - begins) % 100 < 30).all())
            self.assertLess(abs(len(at) - 10000 * RATE), 6 * (10000 * RATE) ** 0.5)
        at = self.instants(self.workload({"on_off": {"on": "30s", "off": "70s", "quiet": 0.5}}), 100000)
        busy = (at % 100 < 30) if numpy.histogram(at % 100, [0, 30, 100])[0][0] > 0.4 * len(at) else (at % 100 >= 70)
        self.assertAlmostEqual(busy.mean(), 0.3 / (0.3 + 0.7 * 0.5), delta=0.005)

    def test_day_week_and_levels(self):
        day, week = list(range(1, 25)), [1, 1, 1, 1, 2, 0, 3]
        at = self.instants(self.workload({"starts": "30h", "day": day, "week": week}), 7 * 86400)  # from Tuesday, six o'clock
        clock = at + 30 * 3600
        expected = numpy.array([day[h % 24] / 12.5 * week[h // 24 % 7] / (9 / 7) * RATE * 3600 for h in range(30, 30 + 168)])
        found = numpy.histogram(clock, numpy.arange(30, 30 + 169) * 3600)[0]
        self.assertTrue((found[expected == 0] == 0).all())
        z = (found - expected)[expected > 0] / expected[expected > 0] ** 0.5
        self.assertLess(abs(z).max(), 4.5)
        at = self.instants(self.workload({"levels": {"every": "100s", "of": [1, 0, 3]}}), 900)
        found = numpy.histogram(at, numpy.arange(0, 1000, 100))[0]
        expected = numpy.array([1, 0, 3] * 3) / (4 / 3) * RATE * 100
        self.assertLess(abs((found - expected) / (expected + 1e-9) ** 0.5).max(), 5)

    def test_trend_and_crowds(self):
        at = self.instants(self.workload({"trend": 1.5}), 20000)
        self.assertAlmostEqual((at < 10000).mean(), (1 - 1.5 / 4) / 2, delta=0.01)
        crowd = {"at": "1000s", "peak": 9, "ramp": "100s", "hold": "200s", "decay": "400s"}
        at = self.instants(self.workload({"crowds": [crowd]}), 3000)
        for first, last, more in ((0, 1000, 0), (1000, 1100, 8 * 50), (1100, 1300, 8 * 200), (1300, 1700, 8 * 200), (1700, 3000, 0)):
            expected = RATE * (last - first + more)
            self.assertLess(abs(((at >= first) & (at < last)).sum() - expected), 5 * expected**0.5, (first, last))
        at = self.instants(self.workload({"random_crowds": {"every": "900s", "peak": 9, "hold": "100s"}}), 10000)
        self.assertLess(abs(((at % 1000) >= 900).mean() - 900 / 1800), 0.02)

    def test_batches(self):
        """Poisson batches: dispersion E[B^2] / E[B], and the rate is that of the batches times E[B]."""
        size = {"empirical": {"points": [[1, 0.5], [3, 0.5], [3, 0.8], [10, 0.8], [10, 1]]}}
        mean, square = 0.5 + 0.3 * 3 + 2, 0.5 + 0.3 * 9 + 20
        counts = self.counts(self.workload(arrivals={"batches": {"of": {"poisson": {"rate": "2/s"}}, "size": size}}), 40000, 10)
        self.check_dispersion(counts, 20 * mean, square / mean)
        self.assertAlmostEqual(counts.mean(), 20 * mean, delta=1)
        at = self.instants(self.workload({"bursts": [{"scale": "5s", "cv": 1}]}, arrivals={"batches": {"of": {"gamma": {"rate": "2/s", "cv": 2}}, "size": 4}}), 1000)
        self.assertTrue((at.reshape(-1, 4) == at.reshape(-1, 4)[:, :1]).all())  # a batch stays together when the rate changes

    def test_clients(self):
        """Clients with exponential gaps together are Poisson; one bursty client is a renewal process; shares add up to the rate."""
        gaps = numpy.diff(self.instants(self.workload(arrivals={"clients": {"rate": "5/s", "count": 12, "zipf": 1.2}}), 4000))
        self.assertGreater(scipy.stats.kstest(gaps, "expon", args=(0, 0.2)).pvalue, 1e-3)
        for law, cv in (("gamma", 3), ("weibull", 0.5)):
            gaps = numpy.diff(self.instants(self.workload(arrivals={"clients": {"rate": "5/s", "of": [{"share": 2, "law": law, "cv": cv}]}}), 20000))
            self.assertAlmostEqual(gaps.std() / gaps.mean(), cv, delta=0.05 * cv)
        counts = self.counts(self.workload(arrivals={"clients": {"rate": "5/s", "of": [{"share": 9, "cv": 0.05}, {"share": 1, "cv": 0.05}]}}), 10000, 100)
        self.assertAlmostEqual(counts.mean(), 500, delta=1)
        self.assertLess(counts.var() / counts.mean(), 0.05)  # two nearly regular ones

    def test_sizes_keep_their_laws_and_correlate(self):
        law = {"lognormal": {"median": 100, "cv": 2}}
        plain = self.jobs(self.workload(input=law, output=law), 10000)
        for wanted in (-0.9, -0.4, 0.3, 0.8):
            jobs = self.jobs(self.workload(input=law, output=law, correlation=wanted), 10000)
            self.assertAlmostEqual(scipy.stats.spearmanr(jobs[:, 1], jobs[:, 2])[0], wanted, delta=0.02)
            numpy.testing.assert_array_equal(jobs[:, 1], plain[:, 1])
            self.assertGreater(scipy.stats.ks_2samp(jobs[:, 2], plain[:, 2]).pvalue, 1e-3)

    def test_adding_a_part_moves_no_other(self):
        """Each part draws by its own numbers: a burst factor is the same with and without spells."""
        bursts = [{"scale": "50s", "cv": 1}]
        alone = self.instants(self.workload({"bursts": bursts}), 2000)
        with_spells = self.instants(self.workload({"bursts": bursts, "on_off": {"on": "10000s", "off": "0s"}}), 2000)
        numpy.testing.assert_allclose(alone, with_spells, atol=1e-6)

    def test_errors(self):
        for rate, words in (({"day": [1, 2, 3, 4, 5, 6, 7]}, "do not divide a day"), ({"week": [1]}, "a week has 7 days"), ({"day": [0] * 24}, "a rate above 0"),
                            ({"bursts": [{"scale": "1s"}]}, "cv"), ({"bursts": [{"scale": "1s", "cv": 12}]}, "9.9"), ({"on_off": {"on": "0s", "off": "1s"}}, "must take time"), ({"levels": {"every": "1h", "of": []}}, "a rate above 0")):
            path = self.write("e.yaml", small({"deployments.app.workload": self.workload(rate)}))
            self.assertIn(words, self.headroom("check", path, code=3).stderr)
        for arrivals, words in (({"clients": {"rate": "1/s"}}, "how many clients"), ({"clients": {"rate": "1/s", "count": 2, "of": [{"share": 1}]}}, "either `of`"),
                                ({"batches": {"of": {"closed": {"clients": 2, "think": "1s"}}, "size": 2}}, "cannot be multiplied")):
            path = self.write("e.yaml", small({"deployments.app.workload": self.workload(arrivals=arrivals)}))
            self.assertIn(words, self.headroom("check", path, code=3).stderr)


if __name__ == "__main__":
    unittest.main()

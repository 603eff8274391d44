"""Every interval that `compare` prints, against SciPy and NumPy on the values in the result file: over replications, pairs of antithetic
ones and batches, pooled quantiles, controls, paired differences, comparisons with the best. And what is refused, with its reason."""

import csv
import io
import json
import math
import unittest

import h5py
import numpy
from scipy import stats

from support.program import InFolder, changed, small

QUEUE = small({"horizon": "30m", "replications": 8, "deployments.app.replicas": {"initial": 3, "min": 2, "max": 6},
               "strategies": {"three": {"scale": "none"}, "four": {"scale": {"none": {"replicas": 4}}}, "track": {"scale": {"horizontal": {"target": "60%"}}}}})
WAVE = {"deployments.app.workload.rate": {"diurnal": {"period": "30m"}}}


def interval(values, level=0.95):
    values = numpy.asarray(values)
    n = len(values)
    return values.mean(), stats.t.ppf(0.5 + level / 2, n - 1) * values.std(ddof=1) / math.sqrt(n)


def quantile_of_counts(counts, low, high, q):
    below = numpy.cumsum(counts)
    rank = q * below[-1]
    k = int(numpy.searchsorted(below, rank))
    return low[k] + (high[k] - low[k]) * (rank - (below[k - 1] if k else 0)) / counts[k]


class Intervals(InFolder):
    def near(self, found, wanted, what=""):
        self.assertTrue(math.isclose(found, wanted, rel_tol=1e-7, abs_tol=1e-11), f"{what}: {found} for {wanted}")

    def compared(self, scenario, *options, name="s"):
        output = self.run_scenario(scenario, name=name)
        said = json.loads(self.headroom("compare", output, "--json", *options).stdout)
        return output, said, {row["strategy"]: row for row in said["points"][0]["strategies"]}

    def columns(self, output, strategy, group="summary"):
        with h5py.File(output) as file:
            names = [text.decode() for text in file[group]["strategy"][...]]
            rows = [k for k, name in enumerate(names) if name == strategy]
            return {name: item[...][rows] for name, item in file[group].items() if item.dtype.kind == "f" and item.shape and item.shape[0] == len(names)}

    def test_replications(self):
        output, said, rows = self.compared(QUEUE)
        self.assertEqual(said["intervals_over"], "replications")
        for name, row in rows.items():
            columns = self.columns(output, name)
            for column in ("offered", "latency_mean_s", "attainment_ratio", "cost_usd", "queue_jobs", "replicas_ready"):
                mean, half = interval(columns[column][:, 0])
                self.near(row["deployments"]["app"][column]["mean"], mean, column)
                self.near(row["deployments"]["app"][column]["half_width"], half, column)
            self.near(row["cluster_cost_usd"]["half_width"], interval(columns["cluster_cost_usd"])[1])

    def test_quantiles_by_sectioning_of_pooled_counts(self):
        output, _, rows = self.compared(QUEUE)
        with h5py.File(output) as file:
            counts, low, high = file["latency/counts"][:, 0], file["latency/bin_low_s"][...], file["latency/bin_high_s"][...]
        for k, (name, row) in enumerate(rows.items()):
            own = self.columns(output, name)
            for column, q in (("latency_p50_s", 0.5), ("latency_p90_s", 0.9), ("latency_p99_s", 0.99)):
                sections = own[column][:, 0]
                whole = quantile_of_counts(counts[8 * k:8 * k + 8].sum(axis=0), low, high, q)
                half = stats.t.ppf(0.975, 7) * math.sqrt(((sections - whole) ** 2).sum() / 7 / 8)
                self.near(row["deployments"]["app"][column]["mean"], whole, column)
                self.near(row["deployments"]["app"][column]["half_width"], half, column)

    def test_quantile_refused_below_the_sample_that_has_one(self):
        few = small({"horizon": "64s", "replications": 4, "deployments.app.workload.arrivals": {"poisson": {"rate": "1/s"}}})
        output, _, rows = self.compared(few)
        app = rows["still"]["deployments"]["app"]
        self.assertLess(4 * app["finished"]["mean"], 299)
        self.assertIsNone(app["latency_p99_s"]["half_width"])
        self.assertIsNotNone(app["latency_p90_s"]["half_width"])
        self.assertIn("no interval exists below 299", self.headroom("compare", output).stdout)

    def test_batches(self):
        one = {**QUEUE, "replications": 1, "batches": 16, "warmup": "3m"}
        output, said, rows = self.compared(one)
        self.assertEqual(said["intervals_over"], "batches")
        summary = self.columns(output, "track")
        with h5py.File(output) as file:
            k = [text.decode() for text in file["batches/strategy"][...]].index("track")
            batches = {name: item[...][k] for name, item in file["batches"].items() if item.dtype.kind == "f" and item.ndim > 1}
        app = rows["track"]["deployments"]["app"]
        for column in ("offered", "finished", "cost_usd", "scale_actions", "replicas_ready", "queue_jobs", "throughput_rps"):
            self.near(batches[column][0].mean(), summary[column][0, 0], column)  # the batches make up the window
            mean, half = interval(batches[column][0])
            self.near(app[column]["mean"], mean, column)
            self.near(app[column]["half_width"], half, column)
        self.near(rows["track"]["cluster_cost_usd"]["half_width"], interval(batches["cluster_cost_usd"])[1])
        sections, whole = batches["latency_p99_s"][0], summary["latency_p99_s"][0, 0]
        self.near(app["latency_p99_s"]["mean"], whole)
        self.near(app["latency_p99_s"]["half_width"], stats.t.ppf(0.975, 15) * math.sqrt(((sections - whole) ** 2).sum() / 15 / 16))
        self.assertEqual(summary["window_start_s"][0], 1800 / 64 * 16)  # 57 slices are left, of which 48 make 16 equal batches

    def test_batches_that_depend_on_each_other(self):
        busy = small({"horizon": "64s", "batches": 32, "deployments.app.workload.arrivals": {"poisson": {"rate": "19.5/s"}}})
        output, _, _ = self.compared(busy)
        self.assertIn("depend on each other", self.headroom("compare", output).stdout)

    def test_antithetic(self):
        scenario = {**QUEUE, "replications": 20, "antithetic": True}
        output, said, rows = self.compared(scenario)
        self.assertEqual(said["intervals_over"], "pairs of antithetic replications")
        columns = self.columns(output, "three")
        for column in ("offered", "latency_mean_s", "utilisation_ratio"):
            pairs = columns[column][:, 0].reshape(10, 2)
            mean, half = interval(pairs.mean(axis=1))
            self.near(rows["three"]["deployments"]["app"][column]["mean"], mean)
            self.near(rows["three"]["deployments"]["app"][column]["half_width"], half)
        self.assertLess(numpy.corrcoef(columns["offered"][:, 0].reshape(10, 2).T)[0, 1], -0.5)

    def test_antithetic_gaps(self):
        """u and 1 - u: exp(-rate gap) of the two sum to 1."""
        path = self.write("s.yaml", {**QUEUE, "antithetic": True})
        gaps = []
        for replication in ("4", "5"):
            rows = list(csv.DictReader(io.StringIO(self.headroom("generate", path, "--replication", replication).stdout)))
            gaps.append(numpy.diff([0] + [int(row["arrival_ns"]) for row in rows][:5000]) / 1e9)
        n = min(map(len, gaps))
        numpy.testing.assert_allclose(numpy.exp(-12 * gaps[0][:n]) + numpy.exp(-12 * gaps[1][:n]), 1, atol=1e-7)

    def test_controls(self):
        output, _, rows = self.compared(changed(QUEUE, {"replications": 24, "deployments.app.workload.arrivals": {"poisson": {"rate": "20/s"}}}), "--control")
        three, track = self.columns(output, "three"), self.columns(output, "track")
        load, c, b = 2.0, 3, 1.0
        for k in range(1, c + 1):
            b = load * b / (k + load * b)
        erlang = 0.1 + b / (1 - load / c * (1 - b)) * 0.1 / (c - load)
        numpy.testing.assert_allclose(three["latency_erlang_s"][:, 0], erlang, rtol=1e-12)
        self.assertTrue(numpy.isnan(track["latency_erlang_s"]).all())
        numpy.testing.assert_allclose(three["offered_expected"], 20 * 1800, rtol=1e-12)
        # the Erlang queue `three` is the control of the others, the offered load its own
        factors = {name: self.check_control(rows[name], self.columns(output, name)["latency_mean_s"][:, 0], x)
                   for name, x in (("track", three["latency_mean_s"][:, 0] - erlang), ("four", three["latency_mean_s"][:, 0] - erlang),
                                   ("three", three["offered"][:, 0] - 36000))}
        self.assertGreater(factors["four"], 2)

    def check_control(self, row, y, x):
        n = len(y)
        design = numpy.column_stack([numpy.ones(n), x])
        fit, rest, _, _ = numpy.linalg.lstsq(design, y, rcond=None)
        error = math.sqrt(rest[0] / (n - 2) * numpy.linalg.inv(design.T @ design)[0, 0])
        factor = y.var(ddof=1) / n / error**2
        found = row["deployments"]["app"]["latency_mean_s"]
        self.near(found["mean"], fit[0])
        self.near(found["half_width"], stats.t.ppf(0.975, n - 2) * error)
        self.near(row["control_factor"], factor)
        return factor

    def test_no_control_where_the_load_varies(self):
        output, _, _ = self.compared(small({**WAVE, "replications": 5}))
        self.assertIn("There is no control", self.headroom("compare", output, "--control").stdout)

    def test_paired_differences(self):
        for options, pairs in ((["--baseline", "four"], [("three", "four"), ("track", "four")]),
                               (["--pairs"], [("four", "three"), ("track", "three"), ("track", "four")])):
            output, said, _ = self.compared(QUEUE, *options)
            found = said["points"][0]["pairs"]
            self.assertEqual(list(dict.fromkeys((pair["a"], pair["b"]) for pair in found)), pairs)
            for pair in found:
                a, b = self.columns(output, pair["a"])[pair["metric"]], self.columns(output, pair["b"])[pair["metric"]]
                a, b = (a[:, 0], b[:, 0]) if a.ndim > 1 else (a, b)
                mean, half = interval(a - b, 1 - 0.05 / len(pairs))
                self.near(pair["difference"]["mean"], mean, pair)
                if pair["difference"]["half_width"]:
                    self.near(pair["difference"]["half_width"], half, pair)
                    self.near(pair["variance_factor"], (a.var(ddof=1) + b.var(ddof=1)) / (a - b).var(ddof=1), pair)
                    self.assertEqual(pair["told_apart"], abs(mean) > half)
            table = list(csv.DictReader(io.StringIO(self.headroom("compare", output, "--csv", *options).stdout)))
            self.assertEqual([(row["a"], row["b"], row["metric"]) for row in table], [(pair["a"], pair["b"], pair["metric"]) for pair in found])
            words = self.headroom("compare", output, *options).stdout
            for a, b in pairs:
                self.assertIn(f"{a} against {b}: ", words)

    def test_words_of_pairs(self):
        same = {**QUEUE, "strategies": {"one": {"scale": "none"}, "two": {"scale": "none"}, "more": {"scale": {"none": {"replicas": 6}}}}}
        words = self.headroom("compare", self.run_scenario(same), "--pairs").stdout
        self.assertIn("two against one: their costs cannot be told apart, nor can their attainment", words)
        self.assertIn("the same", words)
        self.assertRegex(words, r"more against one: costs [\d.]+ % ± [\d.]+ more")

    def test_latency_alone_says_nothing_where_the_unserved_share_differs(self):
        full = {**QUEUE, "strategies": {"two": {"scale": {"none": {"replicas": 2}}}, "six": {"scale": {"none": {"replicas": 6}}}}}
        full["deployments"] = {"app": {**full["deployments"]["app"], "queue": {"limit": 1}, "workload": {"arrivals": {"poisson": {"rate": "40/s"}}}}}
        output, said, _ = self.compared(full, "--pairs")
        latency = [pair for pair in said["points"][0]["pairs"] if pair["metric"] == "latency_p99_s"]
        self.assertTrue(all(pair["unserved_differs"] for pair in latency))
        self.assertIn("but of the jobs served: the unserved shares differ", self.headroom("compare", output, "--pairs").stdout)

    def best(self, values):
        """Hsu's intervals, stated again: of mean_i - min over j != i, smaller is better."""
        names, n = list(values), len(values)
        t = stats.t.ppf(1 - 0.05 / (n - 1), len(next(iter(values.values()))) - 1)
        half = {(i, j): t * (values[i] - values[j]).std(ddof=1) / math.sqrt(len(values[i])) for i in names for j in names if i != j}
        mean = {(i, j): (values[i] - values[j]).mean() for i, j in half}
        worse = {i: max(0, max(mean[i, j] - half[i, j] for j in names if j != i)) for i in names}
        candidates = [i for i in names if worse[i] == 0]
        high = {i: 0 if candidates == [i] else max([0] + [mean[i, j] + half[i, j] for j in candidates if j != i]) for i in names}
        low = {i: min(0, max(mean[i, j] - half[i, j] for j in names if j != i)) for i in names}
        return candidates, low, high

    def test_comparison_with_the_best(self):
        close = {**QUEUE, "horizon": "20m", "strategies": {f"t{k}": {"scale": {"horizontal": {"target": f"{k}%"}}} for k in (50, 51, 52, 70)}}
        output, said, rows = self.compared(close)
        self.assertEqual(said["points"][0]["decided_by"], "cost")
        counted = {name: self.columns(output, name)["cluster_cost_usd"] for name, row in rows.items() if row["reaches_objective"]}
        candidates, low, high = self.best(counted)
        self.assertEqual(sorted(name for name, row in rows.items() if row["winner"] or row["tied"]), sorted(candidates))
        for name in counted:
            if not any(rows[name][key] for key in ("winner", "tied")) and high[name] == 0:
                continue
            self.near(rows[name]["worse_than_best_of_others"]["high"], high[name], name)
            if name in candidates:
                self.near(rows[name]["worse_than_best_of_others"]["low"], low[name], name)

    def test_front(self):
        scenario = {**QUEUE, "strategies": {"six": {"scale": {"none": {"replicas": 6}}}, "three": {"scale": "none"}, "again": {"scale": "none"}}}
        output, said, rows = self.compared(scenario)
        self.assertEqual([rows[name]["pareto"] for name in ("six", "three", "again")], ["front", "front", "front"])  # equal ones do not dominate
        self.assertIn("On the front of cost, p99 latency and accuracy: six, three, again.", self.headroom("compare", output).stdout)

    def test_front_dominated(self):
        """More replicas on the same node cost nothing: who has fewer is slower at the same price."""
        scenario = small({"horizon": "30m", "replications": 6, "cluster.pools.cpu.nodes": {"min": 4, "max": 4}, "deployments.app.workload.arrivals": {"poisson": {"rate": "25/s"}},
                          "strategies": {"few": {"scale": {"none": {"replicas": 3}}}, "many": {"scale": {"none": {"replicas": 8}}}},
                          "deployments.app.replicas": {"initial": 3, "min": 1, "max": 12}})
        output, _, rows = self.compared(scenario)
        self.assertEqual((rows["few"]["pareto"], rows["few"].get("dominated_by"), rows["many"]["pareto"]), ("dominated", "many", "front"))
        self.assertIn("dominated: few (by many)", self.headroom("compare", output).stdout)


class Windows(InFolder):
    def window(self, changes, *options):
        output = self.run_scenario(small({"horizon": "64m", **changes}), *options)
        with h5py.File(output) as file:
            return file["summary/window_start_s"][...]

    def test_by_time_and_count(self):
        self.assertEqual(self.window({}).tolist(), [0])
        self.assertEqual(self.window({"warmup": "90s"}).tolist(), [120])
        at = self.window({"warmup_jobs": 7200, "replications": 3})  # at 12/s ten minutes, and a bit
        self.assertTrue(all(540 <= t <= 720 for t in at), at)
        self.assertEqual(self.window({"warmup_jobs": 7200, "warmup": "30m"}).tolist(), [1800])

    def test_count_that_never_comes(self):
        self.write("s.yaml", small({"warmup_jobs": 10**6}))
        self.headroom("run", "s.yaml", "-o", "s.h5", "--quiet", code=1)
        with h5py.File(self.path("s.h5")) as file:
            self.assertIn("fewer than 1000000 jobs arrived", file["summary/message"][0].decode())

    SLOW = {"deployments.app.variants.only.service": {"distribution": {"time": {"exponential": {"mean": "3m"}}}}, "warmup_rule": "mser-5",
            "deployments.app.concurrency": 600, "deployments.app.replicas": {"initial": 4, "min": 4, "max": 4}}

    def test_mser(self):
        """Slow jobs fill the system in some ten minutes; all strategies of the point get the same window."""
        at = self.window({**self.SLOW, "replications": 3, "strategies": {"one": {"scale": "none"}, "two": {"scale": {"none": {"replicas": 3}}}}})
        self.assertEqual(len(set(at)), 1)
        self.assertTrue(300 <= at[0] <= 1500, at)
        self.assertEqual(self.window({"warmup_rule": "mser-5"}).tolist()[0] <= 600, True)  # quick jobs: next to nothing

    def test_mser_does_not_depend_on_threads(self):
        changes = {**self.SLOW, "replications": 4}
        self.assertEqual(self.window(changes, "-j", "1").tolist(), self.window(changes, "-j", "3").tolist())

    def test_mser_refuses_what_never_settles(self):
        growing = small({"warmup_rule": "mser-5", "deployments.app.workload.arrivals": {"poisson": {"rate": "30/s"}}})
        said = self.headroom("run", self.write("s.yaml", growing), "-o", "s.h5", "--quiet", code=3).stderr
        self.assertIn("finds no steady state", said)

    def test_refused_where_the_load_varies(self):
        for changes in ({"batches": 16}, {"warmup_jobs": 100}, {"warmup_rule": "mser-5"}):
            for why in ({"deployments.app.workload.rate": {"diurnal": {"period": "10m"}}}, {"faults": [{"at": "1m", "deployment": "app"}]}):
                said = self.headroom("check", self.write("s.yaml", small({**changes, **why})), code=3).stderr
                self.assertIn("terminating simulation", said)
                self.assertIn("use replications", said)
        self.write("t.csv", "t\n1\n2\n3\n")
        replay = {"deployments.app.workload": {"arrivals": {"replay": {"trace": {"file": "t.csv"}}}}, "batches": 8}
        self.assertIn("a workload follows a trace", self.headroom("check", self.write("s.yaml", small(replay)), code=3).stderr)
        mmpp = {"deployments.app.workload.arrivals": {"mmpp": {"rate_low": "5/s", "rate_high": "20/s", "mean_low": "10s", "mean_high": "10s"}}, "batches": 8}
        self.headroom("check", self.write("s.yaml", small(mmpp)))

    def test_other_refusals(self):
        for changes, words in (({"batches": 1}, "one batch gives no interval"), ({"batches": 8, "replications": 2}, "is for one long run"),
                               ({"antithetic": True, "replications": 3}, "must be even"), ({"precision": {"metric": "cost_ud"}}, "did you mean cost_usd"),
                               ({"precision": {"metric": "cost_usd"}, "replications": 10}, "give `relative` or `absolute`"),
                               ({"precision": {"relative": "1%"}}, "which metric"), ({"precision": {"metric": "cost_usd", "relative": "1%"}}, "precision begins with these"),
                               ({"sweep": [{"set": "batches", "values": [0, 8]}]}, "all points of a sweep share them")):
            self.assertIn(words, self.headroom("check", self.write("s.yaml", small(changes)), code=3).stderr)


if __name__ == "__main__":
    unittest.main()

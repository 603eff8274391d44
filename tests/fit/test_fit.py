"""`headroom fit` on published traces: the mean over generated replicas against the trace. Dispersion at 1, 10, 60 and 600 s within 25 % where the
trace holds at least 100 windows, else within its block-bootstrap interval, or n/a where it has fewer than 10; the profile of the day within
10 % (3 days and more); median and p99 of sizes within 5 %; rank correlation within 0.05. HEADROOM_NIGHTLY takes every staged trace and 50 replicas; parts of traces that nothing was tried on
are held to the same."""

import csv
import gzip
import io
import json
import os
import unittest

import h5py
import numpy
import yaml

from support.program import NIGHTLY, SHORT, InFolder, small

WINDOWS_S = (1, 10, 60, 600)
REPLICAS = 50 if NIGHTLY else 24
STAGED = ["azure-llm-2023/AzureLLMInferenceTrace_code.csv", "azure-llm-2023/AzureLLMInferenceTrace_conv.csv", "limbo/wikipedia_trace.txt", "servegen/m-small.tar.gz",
          "pollux/workloads/workload-1.csv", "vidur/arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv.gz"]
MORE = ["philly/philly_2017-09-04_10-31.csv.gz", "worldcup98/invocation_count_1998-04-30_06-23.csv.gz", "openb/openb_pod_list_default.csv.gz", "servegen/m-mid-traces.tar.gz",
        "servegen/mm-image.tar.gz"] + [f"pollux/workloads{kind}/workload-{k}.csv" for kind in ("", "-realistic") for k in range(1, 6) if (kind, k) != ("", 1)]


def bootstrap(values, of, block=1, draws=400):
    """95 % interval of a figure of the values, resampled in blocks."""
    random, n = numpy.random.default_rng(1), len(values)
    blocks = -(-n // block)
    starts = random.integers(0, max(1, n - block + 1), (draws, blocks))
    index = (starts[:, :, None] + numpy.arange(block)).reshape(draws, -1)[:, :n]
    return numpy.percentile([of(values[row]) for row in index], (2.5, 97.5))


class Rows:
    """What the checks need beyond the program's figures: rows of a CSV of requests or jobs."""

    def __init__(self, path):
        opened = gzip.open(path, "rt") if path.endswith(".gz") else open(path, encoding="utf-8")
        with opened as file:
            self.rows = list(csv.reader(file))[1:]

    def azure(self):
        self.at_s = numpy.array([float(row[0][11:13]) * 3600 + float(row[0][14:16]) * 60 + float(row[0][17:]) for row in self.rows])
        return self

    def counts(self, window_s):
        whole = int((self.at_s[-1] - self.at_s[0]) // window_s)
        return numpy.histogram(self.at_s - self.at_s[0], numpy.arange(whole + 1) * window_s)[0]


def fano(counts):
    return counts.var() / counts.mean() if counts.mean() > 0 else numpy.nan


class Fit(InFolder):
    def fit(self, path, *options, replicas=REPLICAS):
        return json.loads(self.headroom("fit", path, "--replicas", str(replicas), "--json", "-o", "fit.yaml", "--force", *options).stdout)

    def verdicts(self, result, rows=None):
        """(figure, trace, fit, allowed, kept) of everything that is promised."""
        figures, windows = result["figures"], result["windows"]
        for window_s in WINDOWS_S:
            name = f"index of dispersion {window_s} s"
            if name not in figures:
                continue
            trace, fit = figures[name]["trace"], figures[name]["fit"]
            if windows[str(window_s)] >= 100:
                yield name, trace, fit, "25 %", abs(fit / trace - 1) <= 0.25
            elif windows[str(window_s)] >= 10 and rows is not None:
                low, high = bootstrap(rows.counts(window_s), fano, block=5)
                yield name, trace, fit, f"bootstrap {low:.4g} to {high:.4g}", low <= fit <= high
            else:
                yield name, trace, fit, "n/a: too short", True
        if result["span_s"] >= 3 * 86400:
            for hour in range(24):
                line = figures.get(f"hour {hour}")
                if line:
                    yield f"hour {hour}", line["trace"], line["fit"], "10 %", abs(line["fit"] / line["trace"] - 1) <= 0.1
        for name in ("input", "output", "GPUs", "duration (s)"):
            for level in ("p50", "p99"):
                line = figures.get(f"{name} {level}")
                if not line:
                    continue
                trace, fit = line["trace"], line["fit"]
                yield f"{name} {level}", trace, fit, "5 %", abs(fit - trace) <= 0.05 * trace
        for name in ("Spearman input, output", "Spearman GPUs, duration"):
            if name in figures:
                line = figures[name]
                yield name, line["trace"], line["fit"], "0.05", abs(line["fit"] - line["trace"]) <= 0.05

    def check(self, name, path, rows=None, replicas=REPLICAS):
        missed, hours = [], []
        print(f"\n{name}")
        for figure, trace, fit, allowed, kept in self.verdicts(self.fit(path, replicas=replicas), rows):
            if figure.startswith("hour"):
                hours.append(abs(fit / trace - 1))
            else:
                print(f"  {figure:<28} {trace:>12.6g} {fit:>12.6g}  {allowed}{'' if kept else '  MISSED'}")
            if not kept:
                missed.append(f"{figure}: {trace:.6g}, fit {fit:.6g}, allowed {allowed}")
        if hours:
            print(f"  {'hours of the day, the worst':<28} {'':>12} {100 * max(hours):>10.1f} %  10 %", flush=True)
        self.assertEqual(missed, [], name)

    def staged(self, name):
        folder = os.environ.get("HEADROOM_DATA")
        if not folder:
            self.skipTest("HEADROOM_DATA is not set")
        return os.path.join(folder, "traces", name)

    def test_staged_traces(self):
        for name in (STAGED + MORE if NIGHTLY else STAGED[:: 3 if SHORT else 1]):
            path = self.staged(name)
            with self.subTest(trace=name):
                self.check(name, path, Rows(path).azure() if "azure" in name else None)

    def test_parts_that_nothing_was_tried_on(self):
        """Halves of the requests. Nightly with 200 replicas: half of the bursty trace is a few dozen spells, and the mean dispersion of 50 such is off by a fifth."""
        for name, first, last in ((STAGED[1], 0, 9000), (STAGED[1], 9000, 19366), (STAGED[0], 0, 4500))[: 1 if SHORT else 3 if NIGHTLY else 2]:
            with open(self.staged(name), encoding="utf-8") as file:
                lines = file.read().splitlines()
            path = self.write("part.csv", "\n".join([lines[0], *lines[1 + first:1 + last]]) + "\n")
            with self.subTest(trace=name, rows=(first, last)):
                self.check(f"{name}, rows {first} to {last}", path, Rows(path).azure(), 200 if NIGHTLY else REPLICAS)

    def test_what_is_written_generates_it(self):
        """The YAML as a user pastes it: its jobs, counted by numpy."""
        workload = {"arrivals": {"gamma": {"rate": "4/s", "cv": 1}}, "rate": {"modulated": {"bursts": [{"scale": "10s", "cv": 0.6}]}}, "input": {"lognormal": {"mean": 300, "cv": 1}},
                    "output": {"exponential": {"mean": 80}}, "correlation": 0.5}
        trace = self.headroom("generate", self.write("true.yaml", small({"horizon": "2h", "deployments.app.workload": workload}))).stdout
        self.write("t.csv", trace)
        result = self.headroom("fit", "t.csv", "-o", "w.yaml", "--replicas", "20")
        self.assertIn("index of dispersion 10 s", result.stdout)
        with open(self.path("w.yaml"), encoding="utf-8") as file:
            fitted = yaml.safe_load(file)["workload"]
        path = self.write("again.yaml", small({"horizon": "2h", "deployments.app.workload": fitted}))
        first = numpy.loadtxt(io.StringIO(trace), delimiter=",", skiprows=1)
        replicas = [numpy.loadtxt(io.StringIO(self.headroom("generate", path, "--replication", str(r)).stdout), delimiter=",", skiprows=1) for r in range(24)]
        for window_s in (1, 10, 60):
            edges = numpy.arange(0, 7201, window_s) * 1e9
            wanted, found = fano(numpy.histogram(first[:, 0], edges)[0]), numpy.mean([fano(numpy.histogram(r[:, 0], edges)[0]) for r in replicas])
            self.assertLess(abs(found / wanted - 1), 0.25, window_s)
        for column in (1, 2):
            for level in (50, 99):
                wanted, found = numpy.percentile(first[:, column], level), numpy.mean([numpy.percentile(r[:, column], level) for r in replicas])
                self.assertLess(abs(found / wanted - 1), 0.05, (column, level))

    def test_sizes_without_instants(self):
        """A law of sizes from a trace that does not say when: the correlation of a known copula, and what is written generates them."""
        random = numpy.random.default_rng(5)
        normal = random.multivariate_normal((0, 0), ((1, -0.6), (-0.6, 1)), 6000)
        sizes = numpy.rint(numpy.exp(numpy.array((5, 3)) + normal)).astype(int)
        self.write("sizes.csv", "num_prefill_tokens,num_decode_tokens\n" + "".join(f"{a},{b}\n" for a, b in sizes))
        result = json.loads(self.headroom("fit", "sizes.csv", "--replicas", "20", "--json", "-o", "w.yaml").stdout)
        self.assertNotIn("rate (1/s)", result["figures"])
        line = result["figures"]["Spearman input, output"]
        self.assertLess(abs(line["trace"] - 6 / numpy.pi * numpy.arcsin(-0.6 / 2)), 0.03)
        self.assertLess(abs(line["fit"] - line["trace"]), 0.01)
        with open(self.path("w.yaml"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("put arrivals of your own", text)
        path = self.write("again.yaml", small({"horizon": "6000s", "deployments.app.workload": yaml.safe_load(text)["workload"]}))
        again = numpy.loadtxt(io.StringIO(self.headroom("generate", path).stdout), delimiter=",", skiprows=1)
        for column in (0, 1):
            wanted, found = numpy.percentile(sizes[:, column], (50, 90)), numpy.percentile(again[:, column + 1], (50, 90))
            self.assertLess(numpy.max(numpy.abs(found / wanted - 1)), 0.1, column)

    def test_jobs_of_parts_of_a_gpu(self):
        """What is written for training jobs makes them as they are compared: GPU time a job, counted by a queue that has room for all (without the correlation, so that it is a product of means)."""
        random, jobs = numpy.random.default_rng(8), 400
        gpus, at_s = random.choice([0, 0.25, 1, 4], jobs, p=[0.2, 0.3, 0.4, 0.1]), numpy.sort(random.uniform(0, 7200, jobs))
        lasting = numpy.rint(random.exponential(60, jobs) * (1 + (gpus > 1))) + 1
        self.write("jobs.csv", "at,gpus,duration\n" + "".join(f"{a:.6f},{g},{d}\n" for a, g, d in zip(at_s, gpus, lasting)))
        options = [x for key in ("format=generic", "time=at", "unit=s", "gpus=gpus", "duration=duration") for x in ("--set", key)]
        figures = json.loads(self.headroom("fit", "jobs.csv", *options, "--replicas", "30", "--json", "-o", "w.yaml").stdout)["figures"]
        for name in ("GPUs p50", "GPUs p99", "duration (s) p50", "duration (s) p99"):
            self.assertLessEqual(abs(figures[name]["fit"] / figures[name]["trace"] - 1), 0.05, name)
        with open(self.path("w.yaml"), encoding="utf-8") as file:
            text = yaml.safe_load(file)["jobs"]
        self.assertTrue(text["gpu_parts"])
        self.assertGreater(text["correlation"], 0)
        text["arrivals"], idle = {"constant": {"rate": "1/s"}}, {"variants": {"v": {"service": {"distribution": {"time": "1s"}}}}, "replicas": {"initial": 0, "min": 0},
                                                                "workload": {"arrivals": "none"}}
        for key in ("rate", "correlation"):
            text.pop(key, None)
        scenario = {"name": "again", "horizon": "20000s", "replications": 8, "deployments": {"idle": idle}, "training": {"q": {"jobs": text}}, "strategies": {"only": {"scale": "none"}},
                    "cluster": {"pools": {"gpu": {"machine": {"gpu": 8, "cpu": 64, "memory": "256Gi"}, "nodes": {"min": 400, "max": 400}}}}}
        with h5py.File(self.run_scenario(scenario), "r") as file:
            held = file["training/gpus"][:, 0]  # GPUs held on average: one job a second
        self.assertLess(abs(held.mean() / (gpus.mean() * lasting.mean()) - 1), 0.05)

    def test_crowds_and_a_trend_are_found(self):
        """Two flash crowds on a rate that grows: when they come, how many they bring (half of (peak - 1) x length x rate), and the slope. Without them
        there are none, however bursty the trace."""
        crowds = [{"at": "2h", "peak": 8, "ramp": "3m", "decay": "12m"}, {"at": "5h", "peak": 6, "ramp": "2m", "decay": "10m"}]
        rate = {"modulated": {"trend": 0.6, "bursts": [{"scale": "60s", "cv": 0.3}], "crowds": crowds}}
        for modulated, expected in ((rate, [(7200, 7 * 900 / 2), (18000, 5 * 720 / 2)]), ({"modulated": {"bursts": [{"scale": "60s", "cv": 1}, {"scale": "600s", "cv": 0.5}]}}, [])):
            workload = {"arrivals": {"poisson": {"rate": "4/s"}}, "rate": modulated}
            self.write("t.csv", self.headroom("generate", self.write("t.yaml", small({"horizon": "6h", "deployments.app.workload": workload}))).stdout)
            result = self.fit("t.csv")
            with open(self.path("fit.yaml"), encoding="utf-8") as file:
                found = yaml.safe_load(file)["workload"]["rate"]["modulated"]
            seconds = lambda text: float(text.rstrip("s"))
            self.assertEqual(len(found.get("crowds", [])), len(expected))
            for crowd, (at_s, area_s) in zip(sorted(found.get("crowds", []), key=lambda one: seconds(one["at"])), expected):
                self.assertLess(abs(seconds(crowd["at"]) - at_s), 150)
                self.assertLess(abs((crowd["peak"] - 1) * (seconds(crowd["ramp"]) + seconds(crowd["decay"])) / 2 / area_s - 1), 0.25)
            self.assertLess(abs(found.get("trend", 0) - (0.6 if expected else 0)), 0.2)
            for window_s in (1, 10, 60) if expected else ():
                figure = result["figures"][f"index of dispersion {window_s} s"]
                self.assertLess(abs(figure["fit"] / figure["trace"] - 1), 0.25, window_s)

    def test_the_same_for_any_number_of_threads(self):
        jobs = self.headroom("generate", self.write("t.yaml", small({"horizon": "10m", "deployments.app.workload": {"arrivals": {"gamma": {"rate": "5/s", "cv": 3}}}}))).stdout
        self.write("t.csv", jobs)
        outputs = {self.headroom("fit", "t.csv", "--replicas", "6", "-j", threads).stdout for threads in ("1", "2", "5")}
        self.assertEqual(len(outputs), 1)

    def test_words_and_errors(self):
        self.write("short.csv", "arrival_ns,input,output\n0,1,1\n5,1,1\n")
        self.assertIn("2 rows are too few to fit", self.headroom("fit", "short.csv", code=3).stderr)
        self.write("instant.csv", "arrival_ns,input,output\n" + "".join(f"{1000 * k},1,1\n" for k in range(100)))
        self.assertIn("less than a second between its rows", self.headroom("fit", "instant.csv", code=3).stderr)
        spike = [10 * k for k in range(300)] + [3000 + k / 1000 for k in range(2000)] + [3002 + 10 * k for k in range(300)]
        self.write("spike.csv", "arrival_s\n" + "".join(f"{at}\n" for at in spike))
        self.headroom("fit", "spike.csv", "--replicas", "2")  # bursts as strong as a gamma law can be, and no stronger
        self.write("bad.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.0,12,x\n")
        self.assertIn("bad.csv:2:", self.headroom("fit", "bad.csv", code=3).stderr)
        self.assertIn("No such file", self.headroom("fit", "none.csv", code=4).stderr)
        self.assertIn("--replicas", self.headroom("fit", "short.csv", "--replicas", "1", code=2).stderr)
        jobs = self.headroom("generate", self.write("t.yaml", small({"horizon": "5m"}))).stdout
        self.write("t.csv", jobs)
        rows = list(csv.DictReader(io.StringIO(self.headroom("fit", "t.csv", "--replicas", "4", "--csv").stdout)))
        self.assertEqual(rows[0]["figure"], "rate (1/s)")
        self.headroom("fit", "t.csv", "--replicas", "2", "-o", "w.yaml", "-q")
        self.assertIn("--force replaces it", self.headroom("fit", "t.csv", "--replicas", "2", "-o", "w.yaml", "-q", code=2).stderr)


if __name__ == "__main__":
    unittest.main()

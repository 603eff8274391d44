"""Training queues against exact results: order statistics of step times, checkpointing under failures, all-reduce throughput, queues of one
GPU a job as M/M/c and priority queues. The cases are the published ones (vectors/queueing of the real data); without them the group skips.
Random results must lie within 4.5 standard errors: 6 in a million fall outside by chance, for any of some hundred figures."""

import json
import math
import os
import unittest

import numpy

from queues import Queues, scenario
from support.program import NIGHTLY, SHORT

DATA = os.environ.get("HEADROOM_DATA")
FOLDER = os.path.join(DATA, "vectors", "queueing") if DATA else None
SIGMAS = 4.5
HOUR = 3600.0


def cases(family):
    with open(os.path.join(FOLDER, family + ".json"), encoding="utf-8") as file:
        return json.load(file)["cases"]


def law(text, unit, suffix="s"):
    """A law of the vectors, in units of `unit` seconds."""
    kind, mean, cv = text["dist"], f"{text['mean'] * unit!r}{suffix}", math.sqrt(text.get("scv", 0))
    if kind == "exp":
        return {"exponential": {"mean": mean}}
    if kind == "det":
        return mean
    if kind == "uniform":
        return {"uniform": {"low": f"{text['a'] * unit!r}{suffix}", "high": f"{text['b'] * unit!r}{suffix}"}}
    if kind == "bpareto":
        return {"pareto": {"alpha": text["alpha"], "low": f"{text['lo'] * unit!r}{suffix}", "high": f"{text['hi'] * unit!r}{suffix}"}}
    if kind == "erlang":
        return {"erlang": {"mean": mean, "stages": text["k"]}}
    name = {"lognormal": "lognormal", "weibull": "weibull", "gamma": "gamma", "hyperexp2": "hyperexponential"}[kind]
    return {name: {"mean": mean, "cv": cv}}


@unittest.skipUnless(FOLDER and os.path.isdir(FOLDER), "HEADROOM_DATA names no folder with vectors/queueing")
class Truths(Queues):
    def one_each(self, queues, gpus, horizon="90000h"):
        """One job a queue, all at once; GPUs for all. How long each took, in seconds."""
        arrivals = {"replay": {"trace": {"file": "one.csv", "time": "arrival_ns"}}}
        self.write("one.csv", "arrival_ns\n0\n")
        for queue in queues.values():
            queue["jobs"]["arrivals"] = arrivals
        columns = self.training(scenario(queues, gpus=gpus, horizon=horizon))
        self.assertEqual([name for k, name in enumerate(queues) if columns["completed"][0, k] != 1], [])
        return dict(zip(queues, columns["completion_mean_s"][0]))

    # ---- laws ----

    def test_stragglers(self):
        """A step waits for the slowest worker but b: with work by data the time of a job is E[step] / (n - b) a sample."""
        samples, queues, expected = 10**6, {}, {}
        for case in cases("straggler_max"):
            n, dropped = case["params"]["n_workers"], case["params"]["backup_dropped"]
            step = law(case["params"]["worker_step_time"], 1, "")
            queues[case["id"]] = {"jobs": {"gpus": n, "data_size": samples * n, "sample": 1}, "stragglers": {"step": step, "backup": dropped}}
            expected[case["id"]] = samples * n * case["expect"]["mean_step_time"] / (n - dropped)
        took = self.one_each(queues, sum(queue["jobs"]["gpus"] for queue in queues.values()))
        for name, seconds in expected.items():
            self.assertLess(abs(took[name] / seconds - 1), 2e-8, name)
        self.assertGreaterEqual(len(expected), 20)

    def test_all_reduce(self):
        """Throughput of rings and trees, strong and weak scaling, to 1e-12: jobs are so long that their nanoseconds do not count."""
        queues, expected = {}, {}
        for k, case in enumerate(case for case in cases("elastic_training") if "gradient_bytes" in case["params"]):
            given = case["params"]
            for n, curve in case["curve"].items():
                for scaling in ("strong", "weak"):
                    name = f"{k}-{n}-{scaling}"
                    samples = int(curve[scaling + "_throughput"] * 4e6)
                    model = {"gradient": int(given["gradient_bytes"]), "latency": f"{given['alpha'] * 1e6:g}us", "bandwidth": int(given["bandwidth"]),
                             "compute": f"{given['compute_per_sample']!r}s", "overlap": given["overlap"], "scaling": scaling,
                             "batch": given["global_batch"] if scaling == "strong" else given["weak_local_batch"]}
                    queues[name] = {"jobs": {"gpus": int(n), "data_size": samples, "sample": 1}, "throughput": {"ring-allreduce": model}}
                    expected[name] = samples / curve[scaling + "_throughput"]
        total = sum(queue["jobs"]["gpus"] for queue in queues.values())
        took = self.one_each(queues, total)
        for name, seconds in expected.items():
            self.assertLess(abs(took[name] / seconds - 1), 1e-12, name)

    def test_trees(self):
        """The other collective, from the same vectors: step = compute x batch / n + (1 - overlap) x tree(n)."""
        queues, expected = {}, {}
        for k, case in enumerate(case for case in cases("elastic_training") if "gradient_bytes" in case["params"]):
            given = case["params"]
            for n, curve in case["curve"].items():
                step = given["compute_per_sample"] * given["global_batch"] / int(n) + (1 - given["overlap"]) * curve["tree_allreduce"]
                samples = int(given["global_batch"] / step * 4e6)
                model = {"gradient": int(given["gradient_bytes"]), "latency": f"{given['alpha'] * 1e6:g}us", "bandwidth": int(given["bandwidth"]), "collective": "tree",
                         "compute": f"{given['compute_per_sample']!r}s", "overlap": given["overlap"], "batch": given["global_batch"]}
                queues[f"{k}-{n}"] = {"jobs": {"gpus": int(n), "data_size": samples, "sample": 1}, "throughput": {"ring-allreduce": model}}
                expected[f"{k}-{n}"] = samples * step / given["global_batch"]
        took = self.one_each(queues, sum(queue["jobs"]["gpus"] for queue in queues.values()))
        for name, seconds in expected.items():
            self.assertLess(abs(took[name] / seconds - 1), 1e-12, name)

    def test_usl(self):
        queues, expected = {}, {}
        for k, case in enumerate(case for case in cases("elastic_training") if "serial_fraction" in case["params"]):
            given = case["params"]
            for n, speedup in case["curve"].items():
                samples = int(speedup * 4e6)
                queues[f"{k}-{n}"] = {"jobs": {"gpus": int(n), "data_size": samples, "sample": 1},
                                      "throughput": {"usl": {"contention": given["serial_fraction"], "coherency": given["coherency"]}}}
                expected[f"{k}-{n}"] = samples / speedup
        took = self.one_each(queues, sum(queue["jobs"]["gpus"] for queue in queues.values()))
        for name, seconds in expected.items():
            self.assertLess(abs(took[name] / seconds - 1), 1e-12, name)

    # ---- checkpoints ----

    def test_makespan_under_failures(self):
        """Jobs of 100 segments on one GPU each, failures also during checkpoints and restarts: mean and failures by Daly's complete model."""
        jobs = 300 if SHORT else 4000 if NIGHTLY else 900
        chosen = [case for case in cases("checkpoint") if "makespan_100_segments" in case["expect"]]
        gap = max(case["expect"]["makespan_100_segments"] / case["params"]["mtbf"] for case in chosen) / 8
        queues = {}
        for case in chosen:  # in units of its own mean time between failures, which is made 1000 s
            given = case["params"]
            unit = 1000 / given["mtbf"]
            queues[case["id"]] = {"jobs": {"arrivals": {"constant": {"rate": f"{1 / (gap * 1000)!r}/s"}}, "duration": f"{100 * given['interval'] * unit!r}s"},
                                  "failure": {"mtbf": "1000s", "downtime": f"{given['downtime'] * unit!r}s"},
                                  "checkpoint": {"interval": f"{given['interval'] * unit!r}s", "cost": f"{given['checkpoint_cost'] * unit!r}s",
                                                 "restart": f"{given['restart_cost'] * unit!r}s"}}
        columns = self.training(scenario(queues, gpus=10 * len(chosen), horizon=f"{gap * 1000 * (jobs + 30)!r}s"))
        for q, case in enumerate(chosen):
            unit, expect = 1000 / case["params"]["mtbf"], case["expect"]
            n = columns["completed"][0, q]
            self.assertGreater(n, jobs * 0.9, case["id"])
            error = SIGMAS * math.sqrt(100 * expect["var_segment_time"] / n) * unit
            self.assertLess(abs(columns["completion_mean_s"][0, q] - expect["makespan_100_segments"] * unit), error, case["id"])
            self.assertEqual(columns["queueing_mean_s"][0, q], 0, case["id"])
            failures = 100 * expect["failures_per_segment"]  # their variance is at most that of a geometric number a segment
            error = SIGMAS * math.sqrt(100 * expect["failures_per_segment"] * (1 + expect["failures_per_segment"]) * 3 / n)
            self.assertLess(abs(columns["restarts"][0, q] / n - failures), error + 0.02 * failures, case["id"])

    def test_optimal_intervals(self):
        """Young's and Daly's: a job of a little less than the interval makes one checkpoint, one of a little more makes two. Failures are made
        rare by their number (the median job meets none), not by the mean time, which decides the interval."""
        queues, expected = {}, {}
        for case in cases("checkpoint"):
            given, expect = case["params"], case["expect"]
            for rule in ("young", "daly"):
                if f"tau_{rule}" not in expect or expect[f"tau_{rule}"] + 2 * given["checkpoint_cost"] > 0.4 * given["mtbf"]:
                    continue
                for side, n in ((-1e-7, 1), (1e-7, 2)):
                    duration = expect[f"tau_{rule}"] * HOUR * (1 + side)
                    name = f"{case['id']}-{rule}-{n}"
                    queues[name] = {"jobs": {"arrivals": {"constant": {"rate": "0.1/h"}}, "duration": f"{duration!r}s"},
                                    "failure": {"mtbf": f"{given['mtbf'] * HOUR!r}s"}, "checkpoint": {"rule": rule, "cost": f"{given['checkpoint_cost'] * HOUR!r}s"}}
                    expected[name] = duration + n * given["checkpoint_cost"] * HOUR
        self.assertGreaterEqual(len(queues), 24)
        columns = self.training(scenario(queues, gpus=400, horizon="400h"))
        for q, (name, seconds) in enumerate(expected.items()):
            self.assertLess(abs(columns["completion_p50_s"][0, q] - seconds), 1e-5, name)

    # ---- queues ----

    def means(self, columns, name, q):
        values = columns[name][:, q]
        return numpy.mean(values), numpy.std(values, ddof=1) / math.sqrt(len(values))

    def near(self, columns, name, q, exact, label):
        mean, error = self.means(columns, name, q)
        self.assertLess(abs(mean - exact), 5.5 * error + 1e-6 * exact, f"{label}: {mean} +- {error}, exact {exact}")  # t of 11 degrees: as rare as 4.5 sigma, and rarer than 1e-3

    def station(self, queues, servers, horizon, warmup):
        return self.training(scenario(queues, gpus=servers, horizon=f"{horizon}s", changes={"warmup": f"{warmup}s", "replications": 12}))

    def test_mmc(self):
        for case in cases("mmc"):
            servers, rho = case["params"]["servers"], case["expect"]["utilisation"]
            if servers > 32 or rho > 0.9 or (not NIGHTLY and servers not in (2, 4, 10)):
                continue
            rate = rho * servers
            jobs = 12000
            columns = self.station({"q": {"jobs": {"arrivals": {"poisson": {"rate": f"{rate / 100!r}/s"}}, "duration": {"exponential": {"mean": "100s"}}}}},
                                   servers, 100 * jobs / rate, 10 * jobs / rate)
            with self.subTest(case["id"]):
                self.near(columns, "completion_mean_s", 0, 100 * case["expect"]["mean_response"], case["id"])
                self.near(columns, "queueing_mean_s", 0, 100 * case["expect"]["mean_wait"], case["id"])
                self.near(columns, "gpus", 0, rho * servers, case["id"])
                self.near(columns, "waiting_jobs", 0, case["expect"]["mean_queue"], case["id"])

    def test_priorities(self):
        tested = 0
        for case in cases("priority"):
            given, expect = case["params"], case["expect"]
            classes, servers, preemptive = given["arrival_classes"], given["servers"], given["discipline"] == "priority-preemptive-resume"
            if not NIGHTLY and expect["utilisation"] > 0.85 and case["id"] not in ("prio-np-mmc-c1-rho0.9-2cls", "prio-pr-mmc-c4-rho0.9-3cls"):
                continue
            services = given.get("service_classes", [given.get("service")] * len(classes))
            queues = {}
            for k, arrivals in enumerate(classes):
                queues[f"class{k + 1}"] = {"priority": len(classes) - k, "preempt": preemptive, "checkpoint": {"preempted": "save"},
                                           "jobs": {"arrivals": {"poisson": {"rate": f"{arrivals['rate'] / 100!r}/s"}}, "duration": law(services[k], 100)}}
            rate = sum(arrivals["rate"] for arrivals in classes)
            jobs = (4000 if SHORT else 8000) * (1 if expect["utilisation"] < 0.85 else 3 if expect["utilisation"] < 0.93 else 10)
            columns = self.station(queues, servers, 100 * jobs / rate, 20 * jobs / rate)
            with self.subTest(case["id"]):
                for k in range(len(classes)):
                    if f"mean_response_class{k + 1}" in expect:
                        self.near(columns, "completion_mean_s", k, 100 * expect[f"mean_response_class{k + 1}"], case["id"])
                    if f"mean_wait_class{k + 1}" in expect:
                        self.near(columns, "queueing_mean_s", k, 100 * expect[f"mean_wait_class{k + 1}"], case["id"])
                self.assertEqual((columns["preemptions"].sum() > 0), preemptive)
            tested += 1
        self.assertGreaterEqual(tested, 10)


if __name__ == "__main__":
    unittest.main()

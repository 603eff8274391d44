#!/usr/bin/env python3
"""Measures every figure headroom promises; ends with one line a figure, `bench: NAME VALUE UNIT`, and writes a CSV.

    run_bench.py [--program build/headroom] [--csv build/bench.csv] [--rounds 5] [--quick] [FIGURE ...]

How: what is compared runs in turn within the same rounds, so a slow minute meets both; a figure is a quotient of medians. headroom runs as
a user runs it, `headroom run bench/scenarios/NAME.yaml`, with a short and a long horizon: the difference of the two, divided by the
difference in customers (rate x horizon), leaves start-up, decoding and writing out. CPU time and peak memory are the operating
system's account of the finished process (wait4). SimPy's CPU time is that of its event loop alone, imports left out.
The machine must have two free cores for the figures on threads; nothing here is a test, and a busy machine fails nothing.
"""

import argparse
import csv
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCENARIOS = os.path.join(TOP, "bench", "scenarios")
# Arrivals a second of each scenario in bench/scenarios: what turns customers into a horizon.
RATE_RPS = {"mm1": 90.0, "mm16": 1280.0, "jsq64": 5120.0, "jsq1000": 99000.0, "in_run": 64000.0}


class Usage:
    """What one finished process used."""

    def __init__(self, wall_s, rusage):
        self.wall_s = wall_s
        self.cpu_s = rusage.ru_utime + rusage.ru_stime
        self.peak_mib = rusage.ru_maxrss / 1024.0


class Bench:
    def __init__(self, options, folder):
        self.program = os.path.abspath(options.program)
        self.rounds = options.rounds
        self.scale = 0.05 if options.quick else 1.0
        self.folder = folder
        self.count = 0

    def start(self, scenario, threads, *settings):
        """(process, result file, start) of one headroom run."""
        self.count += 1
        result = os.path.join(self.folder, f"{self.count}.h5")
        command = [self.program, "run", os.path.join(SCENARIOS, scenario + ".yaml"), "-o", result, "--force", "--quiet",
                   "--threads", str(threads)]
        for setting in settings:
            command += ["--set", setting]
        start_s = time.monotonic()
        return subprocess.Popen(command, cwd=TOP, stdout=subprocess.DEVNULL), result, start_s

    def command(self, *arguments):
        """(usage, standard output) of another command of the program."""
        with tempfile.TemporaryFile() as output:
            start_s = time.monotonic()
            usage = self.finish(subprocess.Popen([self.program, *arguments], cwd=self.folder, stdout=output), start_s)
            output.seek(0)
            return usage, output.read().decode()

    def run_and_merge(self, scenario, threads, *settings):
        """(usage of the run, usage of the merge, what the run said) of a sweep that goes through a journal of its own; nothing is left."""
        self.count += 1
        result = os.path.join(self.folder, f"{self.count}.h5")
        options = [word for setting in settings for word in ("--set", setting)]
        ran, text = self.command("run", os.path.join(SCENARIOS, scenario + ".yaml"), "-o", result, "--threads", str(threads), "--shard", "1/1", *options)
        merged, _ = self.command("merge", result, "--remove", "--quiet")
        os.remove(result)
        return ran, merged, text

    def finish(self, process, start_s):
        _, status, rusage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"`{' '.join(process.args)}` ended with {process.returncode}")
        return Usage(time.monotonic() - start_s, rusage)

    def run(self, scenario, threads, *settings):
        """(usage, SHA-256 of the result) of one run; the result is removed."""
        process, result, start_s = self.start(scenario, threads, *settings)
        usage = self.finish(process, start_s)
        with open(result, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        os.remove(result)
        return usage, digest

    def run_customers(self, scenario, threads, customers):
        return self.run(scenario, threads, f"horizon={customers / RATE_RPS[scenario]:.6f}s")

    def cpu_s_per_customer(self, scenario, customers):
        """Start-up taken off: (long - short) / (customers of long - customers of short)."""
        long, short = customers, customers / 10
        long_s = self.run_customers(scenario, 1, long)[0].cpu_s
        short_s = self.run_customers(scenario, 1, short)[0].cpu_s
        return (long_s - short_s) / (long - short)

    def simpy_cpu_s_per_customer(self, model, customers, seed):
        script = os.path.join(TOP, "bench", "simpy_reference.py")
        output = subprocess.run([sys.executable, script, model, str(int(customers)), str(seed)], check=True, capture_output=True, text=True)
        return json.loads(output.stdout)["cpu_s_per_customer"]


# ---- the figures: each returns (value, remark) -----------------------------------------------------------------------
def against_simpy(model):
    def measure(bench):
        ours, theirs = [], []
        for number in range(bench.rounds):
            ours.append(bench.cpu_s_per_customer(model, 2e7 * bench.scale))
            theirs.append(bench.simpy_cpu_s_per_customer(model, 2e5 * bench.scale, number + 1))
        ours_s, theirs_s = statistics.median(ours), statistics.median(theirs)
        return theirs_s / ours_s, f"{ours_s * 1e9:.1f} ns against {theirs_s * 1e9:.0f} ns a customer"

    return measure


def jsq_growth(bench):
    large, small = [], []
    for _ in range(bench.rounds):
        large.append(bench.cpu_s_per_customer("jsq1000", 2e7 * bench.scale))
        small.append(bench.cpu_s_per_customer("jsq64", 2e7 * bench.scale))
    large_s, small_s = statistics.median(large), statistics.median(small)
    return large_s / small_s, f"{large_s * 1e9:.1f} ns against {small_s * 1e9:.1f} ns a customer"


def in_run_speedup(bench):
    """One run, the same bits: elapsed time with one thread over that with two, start-up taken off both."""
    elapsed = {1: [], 2: []}
    digests = set()
    for _ in range(bench.rounds):
        for threads in (1, 2):
            long, digest = bench.run_customers("in_run", threads, 4e7 * bench.scale)
            short, _ = bench.run_customers("in_run", threads, 4e6 * bench.scale)
            elapsed[threads].append(long.wall_s - short.wall_s)
            digests.add(digest)
    if len(digests) != 1:
        raise RuntimeError("one and two threads gave different results")
    one_s, two_s = statistics.median(elapsed[1]), statistics.median(elapsed[2])
    return one_s / two_s, f"{one_s:.2f} s with one thread, {two_s:.2f} s with two, the same bytes"


def two_threads_speedup(bench):
    """64 equal runs by two threads, against 32 in each of two processes at the same time: their elapsed time over ours."""
    ours, theirs = [], []
    for _ in range(bench.rounds):
        ours.append(bench.run("two_threads", 2, "replications=64")[0].wall_s)
        pair = [bench.start("two_threads", 1, "replications=32") for _ in range(2)]
        theirs.append(max(bench.finish(process, start_s).wall_s for process, _, start_s in pair))
        for _, result, _ in pair:
            os.remove(result)
    ours_s, theirs_s = statistics.median(ours), statistics.median(theirs)
    return theirs_s / ours_s, f"{ours_s:.2f} s against {theirs_s:.2f} s of two processes"


def peak_mib(customers):
    def measure(bench):
        # The account begins with what this script held when it started the program (about 15 MiB): a floor, never a loss.
        peaks = [bench.run_customers("mm16", 1, customers * bench.scale)[0].peak_mib for _ in range(min(bench.rounds, 3))]
        return max(peaks), f"{customers * bench.scale:.0e} customers"

    return measure


def sweep_runs_per_s(bench):
    """Everything counts here: start, decoding, journal, HDF5."""
    runs = int(2000 * bench.scale)
    elapsed = [bench.run("sweep", 2, f"replications={runs}")[0].wall_s for _ in range(bench.rounds)]
    return runs / statistics.median(elapsed), f"{runs} runs of 10,000 jobs, stored, in {statistics.median(elapsed):.2f} s"


def control_share(bench):
    """The controllers' part of a run's CPU time. Too small to be seen by itself, so they also look, and scrape, 100 times as often: with c
    the cost of control and j that of jobs, c + j and 100 c + j are measured."""
    horizon = f"horizon={max(15, round(60 * bench.scale / 15) * 15)}s"
    often = ["strategies.hpa.period=150ms", "strategies.hpa.metrics.scrape=150ms"]
    usual, hundredfold = [], []
    for _ in range(bench.rounds):
        usual.append(bench.run("control", 1, horizon)[0].cpu_s)
        hundredfold.append(bench.run("control", 1, horizon, *often)[0].cpu_s)
    usual_s, hundredfold_s = statistics.median(usual), statistics.median(hundredfold)
    control_s = (hundredfold_s - usual_s) / 99
    return control_s / usual_s, f"{control_s:.4f} s of {usual_s:.2f} s of CPU"


def csv_import(bench):
    """Reading, checking and describing a CSV of requests, against `LC_ALL=C wc -w` on the same file: theirs over ours, CPU time."""
    path = os.path.join(bench.folder, "requests.csv")
    with open(path, "w", encoding="ascii") as file:
        file.write("TIMESTAMP,ContextTokens,GeneratedTokens\n")
        for k in range(int(2.7e6 * bench.scale)):
            ticks = k * 1_999_999  # of 100 ns
            second, minute, hour, day = ticks // 10**7 % 60, ticks // (60 * 10**7) % 60, ticks // (3600 * 10**7) % 24, ticks // (86400 * 10**7)
            file.write(f"2024-05-{10 + day:02d} {hour:02d}:{minute:02d}:{second:02d}.{ticks % 10**7:07d},{k * 7919 % 8000 + 1},{k * 104729 % 1000 + 1}\n")
    ours, theirs = [], []
    for _ in range(bench.rounds):
        for command, times in (([bench.program, "describe", "trace", path], ours), (["wc", "-w", path], theirs)):
            start_s = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"})
            times.append(bench.finish(process, start_s).cpu_s)
    size = os.path.getsize(path)
    os.remove(path)
    ours_s, theirs_s = statistics.median(ours), statistics.median(theirs)
    return theirs_s / ours_s, f"{size / ours_s / 1e6:.0f} MB/s against {size / theirs_s / 1e6:.0f} MB/s of wc -w"


def journal_share(bench):
    """What a sweep costs beyond simulating (start, encoding, journal, merge), where a run takes 10 ms of CPU: its workers' own account of
    the time within runs, against the system's account of both processes."""
    runs, horizon_s, shares, remark = 1000, 2000.0, [], ""
    for number in range(bench.rounds + 1):
        ran, merged, text = bench.run_and_merge("journal", 1, f"horizon={horizon_s:.6f}s")
        simulating_s = float(re.search(r"\(([0-9.]+) s of CPU simulating\)", text).group(1))
        horizon_s *= 0.010 * runs / simulating_s if number == 0 else 1  # the first round finds the horizon
        if number:
            whole_s = ran.cpu_s + merged.cpu_s
            shares.append(1 - simulating_s / whole_s)
            remark = f"{runs} runs of {simulating_s / runs * 1e3:.2f} ms, {(ran.cpu_s - simulating_s) / runs * 1e3:.2f} ms beside and {merged.cpu_s / runs * 1e3:.2f} ms of merge each"
    return statistics.median(shares), remark


def merge_of_many(bench):
    """The usage of merging 100,000 runs, measured once for both figures."""
    if not hasattr(bench, "merged"):
        settings = ["replications=1"] if bench.scale < 1 else []
        bench.merged = bench.run_and_merge("merge", 2, *settings)[1]
    return bench.merged


def merge_100k_s(bench):
    usage = merge_of_many(bench)
    return usage.wall_s, f"{usage.cpu_s:.2f} s of CPU"


def merge_100k_mib(bench):
    return merge_of_many(bench).peak_mib, "the same merge"


ARRIVALS = {
    "poisson": ["deployments.app.workload.arrivals={poisson: {rate: 2000/s}}"],
    "gamma": ["deployments.app.workload.arrivals={gamma: {rate: 2000/s, cv: 2}}"],
    "mmpp": ["deployments.app.workload.arrivals={mmpp: {rate_low: 1000/s, rate_high: 4000/s, mean_low: 20s, mean_high: 10s}}"],
    "modulated": ["deployments.app.workload.rate={modulated: {levels: {every: 100s, of: [1, 2, 3, 2]}, bursts: [{scale: 1s, cv: 0.5}, {scale: 60s, cv: 0.3}]}}"],
}


def arrival_cost(kind):
    """An arrival of this kind against a Poisson one: CPU time of `headroom generate --count`, which makes the jobs and nothing else; a short
    horizon is taken off a long one, so that start and tables do not count."""

    def cost_s(bench, name):
        times, jobs = [], []
        for horizon_s in (50000 * bench.scale, 2500 * bench.scale):
            usage, text = bench.command("generate", os.path.join(SCENARIOS, "arrivals.yaml"), "--count", "--set", f"horizon={horizon_s:.0f}s", "--set", ARRIVALS[name][0])
            times.append(usage.cpu_s)
            jobs.append(int(text))
        return (times[0] - times[1]) / (jobs[0] - jobs[1])

    def measure(bench):
        ours, poisson = [], []
        for _ in range(bench.rounds):
            ours.append(cost_s(bench, kind))
            poisson.append(cost_s(bench, "poisson"))
        ours_s, poisson_s = statistics.median(ours), statistics.median(poisson)
        return ours_s / poisson_s, f"{ours_s * 1e9:.1f} ns against {poisson_s * 1e9:.1f} ns"

    return measure


# name: (how, unit, direction, goal)
FIGURES = {
    "mm1_vs_simpy": (against_simpy("mm1"), "x", "at least", 250),
    "mm16_vs_simpy": (against_simpy("mm16"), "x", "at least", 200),
    "jsq64_vs_simpy": (against_simpy("jsq64"), "x", "at least", 150),
    "jsq1000_over_jsq64": (jsq_growth, "ratio", "at most", 1.5),
    "in_run_speedup": (in_run_speedup, "x", "at least", 1.8),
    "two_threads_speedup": (two_threads_speedup, "of_two_processes", "at least", 0.98),
    "control_share": (control_share, "ratio", "at most", 0.05),
    "peak_mib_1e7": (peak_mib(1e7), "MiB", "at most", 64),
    "peak_mib_1e8": (peak_mib(1e8), "MiB", "at most", 64),
    "arrival_gamma_vs_poisson": (arrival_cost("gamma"), "ratio", "at most", 3),
    "arrival_mmpp_vs_poisson": (arrival_cost("mmpp"), "ratio", "at most", 3),
    "arrival_modulated_vs_poisson": (arrival_cost("modulated"), "ratio", "at most", 3),
    "csv_import_vs_wc": (csv_import, "x", "at least", 0.5),
    "journal_share": (journal_share, "ratio", "at most", 0.05),
    "merge_100k_s": (merge_100k_s, "s", "at most", 60),
    "merge_100k_mib": (merge_100k_mib, "MiB", "at most", 512),
    "sweep_runs_per_s": (sweep_runs_per_s, "runs/s", "at least", 500),
}


def measure_all(bench, names):
    """[(name, value or None, unit, direction, goal, remark)], with a line on stderr as each is known."""
    rows = []
    for name in names:
        measure, unit, direction, goal = FIGURES[name]
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            value, remark = measure(bench)
        except (RuntimeError, OSError, subprocess.CalledProcessError, ZeroDivisionError) as error:
            value, remark = None, str(error)
        print(f"  {'not measured' if value is None else f'{value:.4g} {unit}'} ({direction} {goal}): {remark}", file=sys.stderr, flush=True)
        rows.append((name, value, unit, direction, goal, remark))
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(TOP, "build", "headroom"))
    parser.add_argument("--csv", default=os.path.join(TOP, "build", "bench.csv"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the work: to see that it runs, not how fast")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"some of: {' '.join(FIGURES)}")
    options = parser.parse_args()
    unknown = [name for name in options.figures if name not in FIGURES]
    if unknown:
        parser.error(f"no figure {unknown[0]}; there are: {' '.join(FIGURES)}")
    with tempfile.TemporaryDirectory() as folder:
        rows = measure_all(Bench(options, folder), options.figures or list(FIGURES))
    with open(options.csv, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "value", "unit", "goal", "goal_value", "remark"])
        writer.writerows((name, "" if value is None else f"{value:.6g}", *rest) for name, value, *rest in rows)
    for name, value, unit, *_ in rows:
        if value is not None:
            print(f"bench: {name} {value:.4g} {unit}")
    return 1 if any(row[1] is None for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

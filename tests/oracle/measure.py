"""Runs a scenario through the program, reads the summaries back, and estimates each metric of a case with its standard error over
replications. Ratios (a mean over jobs) are ratios of sums; percentiles come from the pooled counts of all replications."""

import math
import os
import subprocess
import tempfile

import h5py
import numpy

from stations import WARMUP, names_of, scenario

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("HEADROOM", os.path.join(TOP, "build", "headroom"))
COLUMNS = ("offered", "finished", "dropped", "abandoned", "failed", "in_flight", "attempts", "throughput_rps", "latency_mean_s",
           "latency_p999_s", "latency_variance_s2", "queue_wait_mean_s", "waited_ratio", "queue_jobs", "in_service_jobs", "utilisation_ratio", "interrupted",
           "replicas_ready", "replicas_starting", "scale_actions")
QUANTILES = {"50": 0.5, "90": 0.9, "95": 0.95, "99": 0.99, "999": 0.999}
BIN_WIDTH = 0.0079  # of the latency histogram, relative
HISTOGRAM_BIAS = 1e-3  # of a percentile interpolated inside a bin


class ProgramFailed(Exception):
    pass


class Result:
    """The summaries of all replications of one scenario."""

    def __init__(self, path, traces):
        with h5py.File(path) as file:
            summary = file["summary"]
            self.names = {name.decode() if isinstance(name, bytes) else name: k for k, name in enumerate(summary["deployment"][()])}
            if "status" in summary and summary["status"][()].any():
                raise ProgramFailed(str(summary["message"][()]))
            self.column = {name: summary[name][()] for name in COLUMNS}
            self.counts = file["latency/counts"][()] if len(summary["run"]) <= 100 and not traces else None
            self.low = file["latency/bin_low_s"][()]
            self.high = file["latency/bin_high_s"][()]
            self.in_service = file["trace/in_service_jobs"][()] if traces else None

    def rows(self, name):
        """Columns of one deployment: {column: [replication]}."""
        k = self.names[name]
        return {column: values[:, k] for column, values in self.column.items()}


def run(text, traces=False, options=()):
    """Runs a scenario's text; its result."""
    with tempfile.TemporaryDirectory() as folder:
        path, output = os.path.join(folder, "case.yaml"), os.path.join(folder, "case.h5")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        command = [PROGRAM, "run", path, "-o", output, "--force", "--quiet", "--traces", "all" if traces else "none", *options]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise ProgramFailed(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return Result(output, traces)


# ---- estimates -------------------------------------------------------------------------------------------------------


def of_means(values):
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(len(values)))


def of_ratio(numerator, denominator):
    """Sum over sum, and the standard error of its linearisation."""
    x = numerator.sum() / denominator.sum()
    rest = numerator - x * denominator
    return float(x), float(math.sqrt((rest**2).sum() / len(rest) / (len(rest) - 1)) / denominator.mean())


def of_variance(mean, variance, count):
    """The variance over all jobs of all replications."""
    first, second = mean * count, (variance + mean**2) * count
    m1, m2 = first.sum() / count.sum(), second.sum() / count.sum()
    rest = (second - m2 * count) - 2 * m1 * (first - m1 * count)
    return float(m2 - m1**2), float(math.sqrt((rest**2).sum() / len(rest) / (len(rest) - 1)) / count.mean())


def quantile(counts, low, high, q):
    below = numpy.cumsum(counts)
    rank = q * below[-1]
    k = int(numpy.searchsorted(below, rank))
    before = below[k - 1] if k else 0
    return low[k] + (high[k] - low[k]) * (rank - before) / counts[k]


def of_quantile(counts, low, high, q):
    pooled = quantile(counts.sum(axis=0), low, high, q)
    single = numpy.array([quantile(row, low, high, q) for row in counts])
    return float(pooled), float(single.std(ddof=1) / math.sqrt(len(single)))


def estimate(result, name, metric, unit, batches=1):
    """(value, standard error) in the units of the case."""
    r = result.rows(name)
    if metric == "mean_number":
        return of_means(r["queue_jobs"] + r["in_service_jobs"])
    if metric in PLAIN:
        value, error = of_means(r[PLAIN[metric]])
        return (value * unit, error * unit) if metric == "throughput" else (value, error)
    if metric == "cold_starts_per_time":  # where each action is a start or the end of an idle time, in turn
        window = r["finished"] / r["throughput_rps"] / unit
        return of_means(r["scale_actions"] / 2 / window)
    if metric in ("mean_response", "mean_wait"):
        column = "latency_mean_s" if metric == "mean_response" else "queue_wait_mean_s"
        return of_ratio(r[column] * r["finished"] / unit, r["finished"])
    if metric == "mean_batch_size":  # where a batch takes as long whatever its size; of one replica
        return of_ratio(r["in_service_jobs"], r["utilisation_ratio"] * batches)
    if metric == "mean_failures_per_job":
        return of_ratio(r["interrupted"], r["finished"])
    if metric == "p_wait":
        return of_ratio(r["waited_ratio"] * r["finished"], r["finished"])
    if metric in ("p_block", "p_abandon"):
        return of_ratio(r["dropped" if metric == "p_block" else "abandoned"], r["offered"])
    if metric == "var_response":
        return of_variance(r["latency_mean_s"] / unit, r["latency_variance_s2"] / unit**2, r["finished"])
    value, error = of_quantile(result.counts[:, result.names[name]], result.low, result.high, QUANTILES[metric[len("response_p"):]])
    return value / unit, error / unit


PLAIN = {"mean_queue": "queue_jobs", "mean_busy_servers": "in_service_jobs", "utilisation": "utilisation_ratio",
         "throughput": "throughput_rps", "mean_up_servers": "replicas_ready", "mean_on_servers": "replicas_ready",
         "mean_servers_in_setup": "replicas_starting"}


def edge(result, name, metric, unit, horizon_s):
    """What leaving out unfinished jobs may change in a metric of jobs: those that arrived in the last moments and stay long. For a mean it
    is (E[T^2] / E[T]) / window; the others are in proportion, with a factor that is ample."""
    r = result.rows(name)
    if metric == "throughput":  # ends in the window of jobs that began before it, and the reverse
        return 3 / r["finished"].mean()
    if metric in PLAIN or metric in ("mean_number", "mean_batch_size", "p_block", "p_abandon", "cold_starts_per_time"):
        return 0.0
    mean, variance = numpy.mean(r["latency_mean_s"]), numpy.mean(r["latency_variance_s2"])
    share = (variance / mean + mean) / (horizon_s * (1 - 1 / WARMUP))
    return share * {"mean_response": 1, "mean_wait": 2, "p_wait": 1, "var_response": 4}.get(metric, 2)


def wave(result, name, periods=64):
    """(sine, cosine) coefficients of the jobs in service over the whole periods behind the first quarter, each with its error."""
    rows = result.in_service[:, result.names[name]]
    n = rows.shape[1]
    middle = (numpy.arange(n) + 0.5) / n * periods * 2 * math.pi
    smooth = numpy.sinc(periods / n)  # a row is a mean over its length
    keep = slice(n // 4, n)
    values = [2 * (rows[:, keep] * f(middle[keep])).mean(axis=1) / smooth for f in (numpy.sin, numpy.cos)]
    return [of_means(v) for v in values]


# ---- laws of every run ----------------------------------------------------------------------------------------------


def conservation(result, name):
    """Runs in which jobs got lost or were counted twice."""
    r = result.rows(name)
    return numpy.flatnonzero(r["offered"] != r["finished"] + r["dropped"] + r["abandoned"] + r["failed"] + r["in_flight"])


def little_exactly(result, name, station, unit, horizon_s):
    """The worst relative difference of the two sides of Little's law, for the queue and for the service, in runs that start and end
    empty: both count the same jobs, so it is zero but for rounding."""
    r = result.rows(name)
    if r["in_flight"].any():
        return math.inf
    waited, patience = r["finished"] * r["queue_wait_mean_s"], station.get("patience")
    served = r["finished"] * r["latency_mean_s"] - waited
    worst = abs(r["in_service_jobs"] * horizon_s / served - 1).max()
    if patience and patience["dist"] != "det":  # how long those waited who gave up is in no column
        return float(worst)
    if patience:
        waited = waited + r["abandoned"] * patience["value"] * unit
    return float(max(worst, (abs(r["queue_jobs"] * horizon_s - waited) / (waited + served)).max()))


def little(result, name, station, unit, horizon_s):
    """The worst violation of Little's law in a window, in multiples of what jobs at its two edges can make of it (amply: the sharp
    form is little_exactly)."""
    r = result.rows(name)
    window = horizon_s * (1 - 1 / WARMUP)
    levels = r["queue_jobs"] + r["in_service_jobs"]
    ample = (60 + 15 * levels) * r["latency_p999_s"] + 10 * station["service"].get("hi", 0) * unit
    service = abs(r["in_service_jobs"] * window - r["finished"] * (r["latency_mean_s"] - r["queue_wait_mean_s"]))
    worst = float((service / ample).max())
    waited = r["finished"] * r["queue_wait_mean_s"]
    patience = station.get("patience")
    if patience and patience["dist"] == "det":  # who gave up has waited exactly so long
        waited = waited + r["abandoned"] * patience["value"] * unit
    if not patience or patience["dist"] == "det":
        ample = ample + (patience["value"] * unit * (60 + 15 * levels) if patience else 0)
        worst = max(worst, float((abs(r["queue_jobs"] * window - waited) / ample).max()))
    return worst


def alone(case, horizon_s, seed):
    """The scenario of one case: the same names, seed and horizon, so the same random numbers."""
    return scenario([case], horizon_s, seed), names_of(case)

"""Runs cases in batches, judges every metric by the acceptance rule of the vectors (|x - exact| <= t s + error, and the half width), and
gives each failing case a second chance with another seed and a longer run: both must fail, so that thousands of comparisons raise
no false alarm and a real error, which grows against its standard error, stays."""

import math
import time
from dataclasses import dataclass

import measure
from stations import REPLICATIONS, WARMUP, Check, names_of, scenario, units_of

HORIZON_S = 100000
T_LIMIT = 3.77  # Student's t of 23 degrees of freedom, two-sided 9.7e-4
ROUNDING = 3e-7  # service times are whole nanoseconds
AT_A_TIME = 40  # cases a scenario: bounds the memory of a run


@dataclass
class Judgement:
    case: object
    check: object
    value: float
    error: float
    tolerance: float
    halfwidth: float  # relative, reached
    wanted: float  # relative; infinite where none is asked

    @property
    def z(self):
        return (self.value - self.check.expected) / self.error if self.error > 0 else 0.0

    @property
    def wrong(self):
        return not abs(self.value - self.check.expected) <= self.tolerance

    @property
    def sloppy(self):
        return self.halfwidth > self.wanted

    def words(self):
        what = "off" if self.wrong else f"half width {self.halfwidth:.4f} above {self.wanted:.4f}"
        return (f"{self.case.key}: {self.check.metric} of station {self.check.station}: expected {self.check.expected:.8g}, got "
                f"{self.value:.8g} +- {self.error:.2g} (z {self.z:+.2f}): {what}")


def wanted_halfwidth(case, check):
    if check.metric == case.primary and check.station == 0:
        return case.halfwidth * (6 if case.heavy else 1)
    if case.heavy or check.station:
        return math.inf
    return {"response_p99": 4, "var_response": 8}.get(check.metric, math.inf) * case.halfwidth


RARE = {"p_wait": "p_wait", "mean_wait": "p_wait", "mean_queue": "p_wait", "p_block": "p_block", "p_abandon": "p_abandon"}
TAIL_HALFWIDTH = 0.011  # of the mean; in shorter runs a 99.9th percentile is made of a few busy periods, and its error is none
EVENTS = 2000  # expected ones that a metric of rare events needs: they come in bunches


def rare(case, check, horizon_s):
    """Is the metric made of a handful of events? Their standard error says nothing then."""
    shares = [c.expected for c in case.checks if c.metric == RARE.get(check.metric) and c.station == check.station]
    jobs = case.stations[check.station]["flow"] * horizon_s / case.unit_s * (1 - 1 / WARMUP) * REPLICATIONS
    return bool(shares) and 0 < shares[0] * jobs < EVENTS


def histogram_error(case, check):
    """Interpolation inside a bin; where the percentile is an atom (nobody waited, equal services) up to a whole bin."""
    if not check.metric.startswith("response_p"):
        return 0.0
    service = case.stations[check.station]["service"]
    atom = service["dist"] == "det" and abs(check.expected / service["value"] - 1) < 1e-6
    return measure.BIN_WIDTH if atom else measure.HISTOGRAM_BIAS


def judge(case, result, horizon_s):
    names, found = names_of(case), []
    for check in case.checks:
        if rare(case, check, horizon_s) or (check.metric == "response_p999" and case.halfwidth > TAIL_HALFWIDTH):
            continue
        name = names[check.station]
        instances = case.stations[check.station].get("batch", {}).get("instances", 1)
        value, error = measure.estimate(result, name, check.metric, case.unit_s, instances)
        size = abs(check.expected)
        extra = measure.edge(result, name, check.metric, case.unit_s, horizon_s) + ROUNDING + histogram_error(case, check)
        tolerance = T_LIMIT * error + (check.rel_err + extra) * size
        halfwidth = 1.96 * error / size if size else 0.0
        found.append(Judgement(case, check, value, error, tolerance, halfwidth, wanted_halfwidth(case, check)))
    return found


def judge_wave(case, result):
    found = []
    for (value, error), expected, name in zip(measure.wave(result, names_of(case)[0]), case.wave[1:], ("sine", "cosine")):
        check = Check(name, expected, 0, 1e-4)
        scale = math.hypot(*case.wave[1:])
        found.append(Judgement(case, check, value, error, T_LIMIT * error + 1e-4 * scale, 0.0, math.inf))
    return found


def laws(case, result, horizon_s):
    """Violations of what holds in every single run."""
    found = []
    for name, station in zip(names_of(case), case.stations):
        lost = measure.conservation(result, name)
        if len(lost):
            found.append(f"{name}: offered is not finished + dropped + abandoned + failed + in_flight in runs {lost[:5].tolist()}")
        worst = measure.little(result, name, station, case.unit_s, horizon_s)
        if not worst <= 1:
            found.append(f"{name}: Little's law is violated, {worst:.1f} times what the edges of the window allow")
    return found


def batches(cases):
    """Cases of a scenario last about equally long in customers, so that threads stay busy; waves need the traces and go by themselves."""
    plain = [case for case in cases if not case.wave]
    waves = [case for case in cases if case.wave]
    count = -(-len(plain) // AT_A_TIME)
    for k in range(count):
        yield plain[k::count], False
    for k in range(0, len(waves), AT_A_TIME):
        yield waves[k:k + AT_A_TIME], True


def measure_all(cases, seed, most_s, longer=1.0, say=None):
    """(judgements, violations of laws); each case's length is set here."""
    judgements, violations = [], []
    for batch, traces in batches(cases):
        for case in batch:
            case.unit_s = HORIZON_S / units_of(case, most_s * longer, 2.0 * longer)
        start = time.monotonic()
        result = measure.run(scenario(batch, HORIZON_S, seed, scrape_s=300), traces)
        if say:
            say(f"  {len(batch)} cases in {time.monotonic() - start:.1f} s")
        for case in batch:
            judgements += judge_without_counts(case, result) + judge_wave(case, result) if traces else judge(case, result, HORIZON_S)
            violations += laws(case, result, HORIZON_S)
    return judgements, violations


def judge_without_counts(case, result):
    kept = [check for check in case.checks if not check.metric.startswith("response_p")]
    whole, case.checks = case.checks, kept
    found = judge(case, result, HORIZON_S)
    case.checks = whole
    for judgement in found:
        judgement.wanted = math.inf
    return found


def failures(judgements):
    return [j for j in judgements if j.wrong or j.sloppy]


def two_stage(cases, seed, most_s, say=print, longer=4.0):
    """(judgements of the first stage, failures that stayed, violations, cases tried twice)."""
    judgements, violations = measure_all(cases, seed, most_s, say=say)
    suspects = {id(j.case): j.case for j in failures(judgements)}
    if not suspects:
        return judgements, [], violations, []
    for j in failures(judgements):
        say("  again: " + j.words())
    first = {(j.case.key, j.check.metric, j.check.station) for j in failures(judgements)}
    second, more = measure_all(list(suspects.values()), seed + 1000003, most_s, longer, say)
    stayed = [j for j in failures(second) if (j.case.key, j.check.metric, j.check.station) in first]
    return judgements, stayed, violations + more, list(suspects.values())


def calibration(judgements):
    """{family: (cases, metrics, mean z, rms z of the primary metrics)} and the same over all."""
    families = {}
    for j in judgements:
        families.setdefault(j.case.family, []).append(j)
    families["all"] = judgements
    table = {}
    for family, found in families.items():
        z = [j.z for j in found if j.check.metric == j.case.primary and j.check.station == 0 and j.error > 0]
        mean = sum(z) / len(z) if z else 0.0
        rms = math.sqrt(sum(x * x for x in z) / len(z)) if z else 0.0
        table[family] = (len({j.case.key for j in found}), len(found), mean, rms)
    return table

"""The program against queueing theory: every case is a deployment of a real scenario, run by the real program with 24 replications, and
its summaries are compared with exact values (see judge.py for the rule). A built-in set has its values computed here; the published
vectors join where HEADROOM_DATA is set. HEADROOM_NIGHTLY takes every case and longer runs; HEADROOM_SHORT a tenth of the length."""

import os
import unittest

import numpy

import builtin
import judge
import measure
import vectors
from stations import cost_of, names_of, scenario, units_of

SHORT, NIGHTLY = bool(os.environ.get("HEADROOM_SHORT")), bool(os.environ.get("HEADROOM_NIGHTLY"))
SEED = 20240501
BUILTIN_S = 0.03 if SHORT else 0.6 if not NIGHTLY else 10  # CPU seconds a case, at most
VECTOR_S = 0.15 if not NIGHTLY else 1
VECTOR_HALFWIDTH = 0.02 if not NIGHTLY else 0.2  # cases that would come out wider are left to the nights
TRANSIENT_REPLICATIONS = 300 if not NIGHTLY else 3000
PLAIN_S = 0.02  # CPU seconds a case of the comparison of loops
EXAMPLES = 3  # failing scenarios printed in full


def say(text):
    print(text, flush=True)


def report(judgements, twice):
    table = judge.calibration(judgements)
    say(f"{'family':<22} {'cases':>5} {'metrics':>7} {'mean z':>7} {'rms z':>6}")
    for family, (cases, metrics, mean, rms) in table.items():
        say(f"{family:<22} {cases:>5} {metrics:>7} {mean:>7.2f} {rms:>6.2f}")
    if twice:
        say(f"tried twice: {', '.join(case.key for case in twice)}")
    return table["all"]


class Oracle(unittest.TestCase):
    def compare(self, cases, most_s):
        judgements, stayed, violations, twice = judge.two_stage(cases, SEED, most_s, say)
        overall = report(judgements, twice)
        shown = list({id(j.case): j.case for j in stayed}.values())[:EXAMPLES]
        for case in shown:
            say(f"# {case.key} alone\n{measure.alone(case, judge.HORIZON_S, SEED + 1000003)[0]}")
        self.assertEqual(violations, [], "laws that hold in every run")
        self.assertEqual([j.words() for j in stayed], [])
        return overall

    def check_calibration(self, overall):
        """Over one metric a case, z is about normal: catches what is too small, or too wide, for any single test."""
        cases, _, mean, rms = overall
        if cases < 100:
            return
        room = 4 / (2 * cases) ** 0.5  # Student's t of 23 degrees of freedom has rms 1.046
        self.assertLess(abs(mean), 3.4 / cases**0.5)
        self.assertGreater(rms, 0.9 if NIGHTLY else 1.046 - room)
        self.assertLess(rms, 1.15 if NIGHTLY else 1.046 + room)

    def test_closed_formulas(self):
        cases = list(builtin.cases())
        self.compare(cases[::3] if SHORT else cases, BUILTIN_S)

    def test_plain_loop_gives_the_same_summaries(self):
        """The planned loops against --plain, through the whole program: every column of every run, bit for bit."""
        cases = [case for case in builtin.cases() if not case.wave]
        for case in cases:
            case.unit_s = judge.HORIZON_S / units_of(case, PLAIN_S / 4 if SHORT else PLAIN_S)
        text = scenario(cases, judge.HORIZON_S, SEED, replications=2, scrape_s=1500)
        planned, plain = measure.run(text), measure.run(text, options=["--plain"])
        for case in cases:
            for name in names_of(case):
                one, two = planned.rows(name), plain.rows(name)
                different = [column for column in one if not numpy.array_equal(one[column], two[column], equal_nan=True)]
                self.assertEqual(different, [], f"{name}: --plain differs\n{scenario([case], judge.HORIZON_S, SEED, 2, 1500)}")

    def test_littles_law_exactly(self):
        """Arrivals stop before the end, so that every run starts and ends empty: time averages and job averages must agree."""
        cases = [case for case in builtin.cases() if not case.wave]
        for case in cases:
            case.unit_s = judge.HORIZON_S / units_of(case, PLAIN_S / 4 if SHORT else PLAIN_S)
        text = scenario(cases, judge.HORIZON_S, SEED, 2, 1500, warmup_s=0, stop_s=judge.HORIZON_S / 2)
        result = measure.run(text)
        for case in cases:
            for name, station in zip(names_of(case), case.stations):
                with self.subTest(name=name):
                    self.assertEqual(len(measure.conservation(result, name)), 0)
                    self.assertLess(measure.little_exactly(result, name, station, case.unit_s, judge.HORIZON_S), 1e-8)

    def needs_data(self):
        if SHORT:
            self.skipTest("--short")
        if not vectors.folder():
            self.skipTest("HEADROOM_DATA is not set")

    def test_start_from_empty(self):
        """Time averages over [0, horizon] from an empty start, nothing left out: what a warm-up would hide."""
        self.needs_data()
        cases, horizon_s = [], 1000
        for case, units in vectors.transients():
            case.unit_s = horizon_s / units
            cases.append(case)
        result = measure.run(scenario(cases, horizon_s, SEED, TRANSIENT_REPLICATIONS, horizon_s, warmup_s=0))
        judgements = [j for case in cases for j in judge.judge(case, result, horizon_s)]
        report(judgements, [])
        self.assertEqual([j.words() for j in judgements if j.wrong], [])

    def test_published_vectors(self):
        self.needs_data()
        chosen = []
        for case in vectors.cases():
            cost_s = cost_of(case, units_of(case, VECTOR_S))
            if case.halfwidth <= VECTOR_HALFWIDTH * case.slack and cost_s <= 3 * VECTOR_S:
                chosen.append(case)
        self.check_calibration(self.compare(chosen, VECTOR_S))


if __name__ == "__main__":
    unittest.main()

"""The program against queueing theory: every case is a deployment of a real scenario, run by the real program with 24 replications, and
its summaries are compared with exact values (see judge.py for the rule). A built-in set has its values computed here; the published
vectors join where HEADROOM_DATA is set. HEADROOM_NIGHTLY takes every case and longer runs; HEADROOM_SHORT a tenth of the length."""

import os
import unittest

import builtin
import judge
import measure
import vectors
from stations import cost_of, units_of

SHORT, NIGHTLY = bool(os.environ.get("HEADROOM_SHORT")), bool(os.environ.get("HEADROOM_NIGHTLY"))
SEED = 20240501
BUILTIN_S = 0.03 if SHORT else 0.6 if not NIGHTLY else 10  # CPU seconds a case, at most
VECTOR_S = 0.2 if not NIGHTLY else 6
VECTOR_HALFWIDTH = 0.02 if not NIGHTLY else 0.2  # cases that would come out wider are left to the nights
EXAMPLES = 3  # failing scenarios printed in full


def say(text):
    print(text, flush=True)


def report(judgements, violations, twice):
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
        overall = report(judgements, violations, twice)
        shown = list({id(j.case): j.case for j in stayed}.values())[:EXAMPLES]
        for case in shown:
            say(f"# {case.key} alone\n{measure.alone(case, judge.HORIZON_S, SEED + 1000003)[0]}")
        self.assertEqual(violations, [], "laws that hold in every run")
        self.assertEqual([j.words() for j in stayed], [])
        return overall

    def check_calibration(self, overall):
        """Over one metric a case, z is about normal: catches what is too small, or too wide, for any single test."""
        cases, _, mean, rms = overall
        if cases < 200:
            return
        self.assertLess(abs(mean), 3.4 / cases**0.5)
        self.assertGreater(rms, 0.9)
        self.assertLess(rms, 1.15)

    def test_closed_formulas(self):
        cases = list(builtin.cases())
        self.compare(cases[::3] if SHORT else cases, BUILTIN_S)

    def test_published_vectors(self):
        if SHORT:
            self.skipTest("--short")
        if not vectors.folder():
            self.skipTest("HEADROOM_DATA is not set")
        chosen = []
        for case in vectors.cases():
            cost_s = cost_of(case, units_of(case, VECTOR_S))
            if case.halfwidth <= VECTOR_HALFWIDTH * case.slack and cost_s <= 3 * VECTOR_S:
                chosen.append(case)
        self.check_calibration(self.compare(chosen, VECTOR_S))


if __name__ == "__main__":
    unittest.main()

"""Servers that break down and are repaired (always, or only while they serve; jobs resumed or restarted; crews that are shared), and servers
set up for jobs that wait and switched off when idle: the program against the exact values of the published vectors. Every case is a scenario of
its own."""

import os
import unittest

import breakdowns
import judge
import measure
import vectors

SHORT, NIGHTLY = bool(os.environ.get("HEADROOM_SHORT")), bool(os.environ.get("HEADROOM_NIGHTLY"))
SEED = 20240601
EVENTS = 4e5 if not NIGHTLY else 1e7
SETUP_EVENTS = 4e5 if not NIGHTLY else 3e6  # each of them stops the run
EVERY = 1 if NIGHTLY else 3  # of the cases
MOST_JOBS = 6e5  # of a case outside the nightly form: long set-ups need long runs


def events_of(case):
    return EVENTS if "failure_rate" in case["params"] else SETUP_EVENTS


class Breakdowns(unittest.TestCase):
    def setUp(self):
        if SHORT:
            self.skipTest("--short")
        if not vectors.folder():
            self.skipTest("HEADROOM_DATA is not set")

    def judged(self, case, events, seed):
        units = breakdowns.units_of(case, events)
        result = measure.run(breakdowns.scenario(case, units, seed))
        made = breakdowns.made(case)
        self.assertEqual(len(measure.conservation(result, made.key)), 0, made.key)
        return judge.judge(made, result, units * breakdowns.UNIT_S)

    def test_published_vectors(self):
        judgements, stayed = [], []
        chosen = [case for case in breakdowns.cases()[::EVERY] if NIGHTLY or breakdowns.jobs_of(case, events_of(case)) < MOST_JOBS]
        for case in chosen:
            found = self.judged(case, events_of(case), SEED)
            judgements += found
            if any(j.wrong for j in found):
                first = {j.check.metric for j in found if j.wrong}
                stayed += [j.words() for j in self.judged(case, 4 * events_of(case), SEED + 1000003) if j.wrong and j.check.metric in first]
        for family, (cases, metrics, mean, rms) in judge.calibration(judgements).items():
            print(f"{family:<22} {cases:>5} {metrics:>7} {mean:>7.2f} {rms:>6.2f}")
        self.assertEqual(stayed, [])
        widths = sorted(j.halfwidth for j in judgements if j.check.metric == "mean_response")
        print(f"half width of the mean response: median {widths[len(widths) // 2]:.4f}, widest {widths[-1]:.4f}")
        self.assertLess(widths[len(widths) // 2], 0.03, "runs too short to tell anything")
        self.assertLess(widths[-1], 0.2)


if __name__ == "__main__":
    unittest.main()

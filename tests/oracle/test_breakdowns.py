"""Servers that break down and are repaired (always, or only while they serve; jobs resumed or restarted; crews that are shared), and servers
switched on for a job that waits: the program against the exact values of the published vectors. Every case is a scenario of its own."""

import os
import unittest

import breakdowns
import judge
import measure
import vectors

SHORT, NIGHTLY = bool(os.environ.get("HEADROOM_SHORT")), bool(os.environ.get("HEADROOM_NIGHTLY"))
SEED = 20240601
EVENTS = 4e5 if not NIGHTLY else 2e7
EVERY = 1 if NIGHTLY else 2  # of the cases


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

    def test_formula_of_setups_is_the_published_one(self):
        for case in breakdowns.cases()[0]:
            if "setup_rate" in case["params"]:
                self.assertAlmostEqual(breakdowns.setup_response(case["params"], 0) / case["expect"]["mean_response"], 1, places=9)

    def test_published_vectors(self):
        chosen, left = breakdowns.cases()
        judgements, stayed = [], []
        for case in chosen[::EVERY]:
            found = self.judged(case, EVENTS, SEED)
            judgements += found
            if any(j.wrong for j in found):
                first = {j.check.metric for j in found if j.wrong}
                stayed += [j.words() for j in self.judged(case, 4 * EVENTS, SEED + 1000003) if j.wrong and j.check.metric in first]
        for family, (cases, metrics, mean, rms) in judge.calibration(judgements).items():
            print(f"{family:<22} {cases:>5} {metrics:>7} {mean:>7.2f} {rms:>6.2f}")
        for reason, count in left.items():
            print(f"not expressed, {count} cases: {reason}")
        self.assertEqual(stayed, [])
        widths = sorted(j.halfwidth for j in judgements if j.check.metric == "mean_response")
        print(f"half width of the mean response: median {widths[len(widths) // 2]:.4f}, widest {widths[-1]:.4f}")
        self.assertLess(widths[len(widths) // 2], 0.03, "runs too short to tell anything")
        self.assertLess(widths[-1], 0.2)


if __name__ == "__main__":
    unittest.main()

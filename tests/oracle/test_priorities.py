"""Priorities, with and without preemption, and queues whose newest is first: the program against exact values, the published ones where
HEADROOM_DATA is set. Every case is a scenario of its own."""

import os
import unittest

import exact
import judge
import measure
import priorities
import vectors

SHORT, NIGHTLY = bool(os.environ.get("HEADROOM_SHORT")), bool(os.environ.get("HEADROOM_NIGHTLY"))
SEED = 20240602
JOBS = 3e5 if not NIGHTLY else 5e6
MOST_JOBS = 9e5 if not NIGHTLY else float("inf")  # cases that need more to forget their start are left to the nights
EVERY = 1 if NIGHTLY else 2


class Priorities(unittest.TestCase):
    def setUp(self):
        if SHORT:
            self.skipTest("--short")

    def needs_data(self):
        if not vectors.folder():
            self.skipTest("HEADROOM_DATA is not set")

    def run_case(self, case, jobs, seed):
        units = priorities.units_of(case, jobs)
        result = measure.run(priorities.scenario(case, units, seed))
        for name in result.names:
            self.assertEqual(len(measure.conservation(result, name)), 0, name)
        return result, units

    def judged(self, case, jobs, seed, further):
        """Judgements of a case, and what `further` says of its result: [(what, (value, error), expected)]."""
        result, units = self.run_case(case, jobs, seed)
        found = judge.judge(case, result, units)
        for what, (value, error), expected in further(case, result):
            edge = judge.ROUNDING + max(measure.edge(result, name, "mean_wait", case.unit_s, units) for name in result.names)
            check = judge.Check(what, expected, len(case.stations) - 1)
            found.append(judge.Judgement(case, check, value, error, judge.T_LIMIT * error + edge * abs(expected), 1.96 * error / abs(expected), float("inf")))
        return found

    def compare(self, cases, further=lambda case, result: []):
        judgements, stayed = [], []
        for case in cases:
            found = self.judged(case, JOBS, SEED, further)
            judgements += found
            if any(j.wrong for j in found):
                first = {(j.check.metric, j.check.station) for j in found if j.wrong}
                again = self.judged(case, 4 * JOBS, SEED + 1000003, further)
                stayed += [j.words() for j in again if j.wrong and (j.check.metric, j.check.station) in first]
        for family, (count, metrics, mean, rms) in judge.calibration(judgements).items():
            print(f"{family:<22} {count:>5} {metrics:>7} {mean:>7.2f} {rms:>6.2f}", flush=True)
        self.assertEqual(stayed, [])
        widths = sorted(j.halfwidth for j in judgements if j.check.metric == "mean_response")
        print(f"half width of the mean response: median {widths[len(widths) // 2]:.4f}, widest {widths[-1]:.4f}")
        self.assertLess(widths[len(widths) // 2], 0.03, "runs too short to tell anything")
        self.assertLess(widths[-1], 0.25)

    def chosen(self, cases):
        short = [case for case in cases if priorities.units_of(case, JOBS) * case.stations[-1]["flow"] * priorities.REPLICATIONS <= MOST_JOBS]
        return short[::EVERY]

    def test_formulas_are_the_published_ones(self):
        self.needs_data()
        for vector in vectors.load("priority"):
            params = vector["params"]
            if params["servers"] > 1:
                continue
            rates, laws = zip(*priorities.classes_of(params))
            if params["discipline"] == "priority-nonpreemptive":
                values = [wait + exact.moment(law, 1) for wait, law in zip(priorities.cobham(rates, laws), laws)]
            else:
                values = priorities.preemptive(rates, laws)
            for k, value in enumerate(values):
                self.assertAlmostEqual(value / vector["expect"][f"mean_response_class{k + 1}"], 1, places=9, msg=vector["id"])
        for name, rate, law, expect in priorities.published_last_come()[0]:
            found = priorities.lcfs_exact(rate, law)
            for metric in ("mean_wait", "p_wait", "wait_m2", "var_wait"):
                self.assertAlmostEqual(found[metric] / expect[metric], 1, places=9, msg=name)

    def test_closed_formulas(self):
        """And one truth for all orders that interrupt nobody: the work that waits, sum of rho_k W_k, is the same."""
        cases = list(priorities.built_in())
        invariant = {}

        def further(case, result):
            if "preempt" in case.stations[-1]["queue"]:
                return []
            laws = [station["service"] for station in case.stations[:-1]]
            rates = [station["flow"] for station in case.stations[:-1]]
            load = sum(rate * exact.moment(law, 1) for rate, law in zip(rates, laws))
            invariant[case.name] = load * priorities.in_one_line(rates, laws)[0]
            return [("work that waits", priorities.work_waiting(case, result), invariant[case.name])]

        self.compare(cases, further)
        self.assertEqual(len(invariant), 4)

    def test_published_vectors(self):
        self.needs_data()
        expect = {vector["id"]: vector for vector in vectors.load("priority")}

        def further(case, result):
            values = expect[case.name]["expect"]
            if "mean_number" in values:
                return [("number in the system", priorities.number(case, result), values["mean_number"])]
            waits = sum(s["flow"] * exact.moment(s["service"], 1) * values[f"mean_wait_class{k + 1}"] for k, s in enumerate(case.stations[:-1]))
            return [("work that waits", priorities.work_waiting(case, result), waits)]

        self.compare(self.chosen(priorities.published()), further)

    def test_newest_first(self):
        self.compare(priorities.last_come((f"own-{name}", rate, law, priorities.lcfs_exact(rate, law)) for name, rate, law in (("exp", 0.7, priorities.EXP), ("det", 0.8, priorities.DET))))

    def test_published_newest_first(self):
        self.needs_data()
        cases, left = priorities.published_last_come()
        for reason, count in left.items():
            print(f"not expressed, {count} cases: {reason}")
        self.compare(self.chosen(priorities.last_come(cases)))

    def test_room_for_few(self):
        """M/M/1/K whose full queue drops the newest of the lowest: as many are lost as without priorities. With preemption no class sees a lower one,
        neither in service nor in the queue: the highest has M/M/1/K for itself, the two highest together another, and so on."""
        rates, room, service = [0.5, 0.4, 0.5], 5, priorities.EXP
        for index, queue in enumerate(("order: priority", "order: priority, preempt: true")):
            case = priorities.case_of(f"room-{index}", [(rate, service) for rate in rates], 1, [], f"{queue}, limit: {room - 1}", wide=room + 2)
            result, _ = self.run_case(case, 2 * JOBS, SEED)
            self.within(priorities.lost(case, result), exact.mmck(sum(rates), 1, room)["p_block"], queue)
            if index == 0:
                continue
            before = 0.0
            for k, rate in enumerate(rates):
                passed = sum(rates[: k + 1])
                all_lost = passed * exact.mmck(passed, 1, room)["p_block"]
                self.within(priorities.lost(case, result, k), (all_lost - before) / rate, f"class {k}")
                before = all_lost

    def within(self, estimate, expected, what):
        value, error = estimate
        self.assertLess(abs(value - expected), 4 * error + 1e-4 * expected, f"{what}: {value} +- {error}, expected {expected}")
        self.assertLess(error, 0.05 * expected, what)


if __name__ == "__main__":
    unittest.main()

"""The law of continuous batching against measurements: fitted on half of the batch sizes of each group, judged on the others, by itself and through
the program; and the fitted laws that ship. What needs the measurements is skipped without HEADROOM_DATA."""

import json
import os
import statistics
import sys
import unittest

from support.program import SHORT, TOP, InFolder

sys.path.insert(0, os.path.join(TOP, "analysis"))
import fit_services  # noqa: E402

SERVICES = os.path.join(TOP, "configs", "services")
PLAYED = 24 if not SHORT else 6  # groups that go through the program


def profiles():
    data = os.environ.get("HEADROOM_DATA")
    path = os.path.join(data, "profiles") if data else None
    return path if path and os.path.isdir(path) else None


def closed_loop(law, point, rounds=fit_services.ROUNDS):
    """b clients, each with one request at a time, all at once in the beginning: a job that ends comes back at once."""
    b, (tpot, ttft) = int(point.batch), fit_services.predict(law, point)
    service = dict(line.split(": ") for line in fit_services.service_lines(law, [point], 1))
    horizon_s = rounds * (ttft + tpot * (point.output - 1)) / 1e3
    return {"name": "closed", "horizon": f"{horizon_s:.6f}s", "cluster": {"pools": {"p": {"machine": {"cpu": 4}, "nodes": {"min": 1, "max": 1}}}},
            "deployments": {"d": {"concurrency": b, "variants": {"m": {"service": {"llm": service}}}, "route": [{"to": "d", "probability": 0.9999999}],
                                  "workload": {"arrivals": {"replay": {"trace": {"file": "clients.csv", "input": "input", "output": "output"}}}}}},
            "strategies": {"none": {"scale": "none"}}}


class Laws(InFolder):
    def setUp(self):
        super().setUp()
        if not profiles():
            self.skipTest("HEADROOM_DATA is not set")

    def test_half_of_the_batch_sizes_tells_the_others(self):
        verdicts = fit_services.judge(fit_services.llm_groups(profiles()))
        print(fit_services.report(verdicts), flush=True)
        tpot, ttft = fit_services.overall(verdicts)
        self.assertLessEqual(tpot, fit_services.TPOT_LIMIT)
        self.assertLessEqual(ttft, fit_services.TTFT_LIMIT)
        self.assertLess(len(fit_services.missed(verdicts)), len(verdicts) / 4)

    def played(self, law, point):
        """(time per token, time to first token) of a benchmark with so many clients, ms."""
        with open(self.path("clients.csv"), "w", encoding="utf-8") as file:
            file.write("at,input,output\n")
            for k in range(int(point.batch)):  # answers from half to one and a half times as long: clients of one length would march in step
                file.write(f"0,{point.input},{round(point.output * (0.5 + (k + 0.5) / point.batch))}\n")
        result = self.result(closed_loop(law, point))
        return result.value("tpot_mean_s") * 1e3, result.value("ttft_mean_s") * 1e3

    def test_through_the_program(self):
        """The held-out batch sizes of groups all over the table, as closed loops that run as long as the benchmarks did."""
        groups = sorted(fit_services.llm_groups(profiles()).items())
        errors, from_law = [[], []], [[], []]
        for _, points in groups[:: max(1, len(groups) // PLAYED)]:
            known, held_out = fit_services.halves(points)
            law = fit_services.fit(known)
            for point in held_out:
                for k, (value, measured, said) in enumerate(zip(self.played(law, point), (point.tpot_ms, point.ttft_ms), fit_services.predict(law, point))):
                    errors[k].append(abs(value / measured - 1))
                    from_law[k].append(abs(value / said - 1))
        tpot, ttft = (statistics.median(e) for e in errors)
        print(f"{len(errors[0])} held-out batch sizes through the program: median error {tpot:.1%} of the time per token, {ttft:.1%} of the time to first token", flush=True)
        self.assertLessEqual(tpot, fit_services.TPOT_LIMIT)
        self.assertLessEqual(ttft, fit_services.TTFT_LIMIT)
        self.assertLessEqual(statistics.median(from_law[0]), 0.03)  # the formulas that are fitted are what the program does
        self.assertLessEqual(statistics.median(from_law[1]), 0.15)

    def test_what_ships_is_what_is_fitted(self):
        for name, text in fit_services.scenarios(profiles()).items():
            with open(os.path.join(SERVICES, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), text, name)


class Shipped(InFolder):
    def test_they_run_and_serve(self):
        names = sorted(name for name in os.listdir(SERVICES) if name.endswith(".yaml"))
        self.assertGreaterEqual(len(names), 7)
        for name in names:
            with self.subTest(name=name):
                path = os.path.join(SERVICES, name)
                checked = self.headroom("check", path)
                self.assertEqual(checked.stderr, "")
                self.headroom("run", path, "-o", self.path("out.h5"), "--force", "-q", "--traces", "none", "--set", "horizon=2m", "--set", "warmup=10s")

    def test_beyond_what_was_measured_there_is_a_warning(self):
        path = os.path.join(SERVICES, "llama-3.1-8b-h100.yaml")
        for change, words in (("workload.input=20000", "the mean input is 20000, but the times of `llm-continuous-batching` were measured for 1024 to 4096"),
                              ("workload.output=9000", "the mean output is 9000"), ("concurrency=2000", "concurrency is 2000")):
            told = self.headroom("check", path, "--set", f"deployments.llm.{change}").stderr
            self.assertIn(words, told)
            self.assertIn("warning", told)


class Cold_start(InFolder):
    def scenario(self, load):
        return {"name": "cold", "horizon": "256s", "cluster": {"pools": {"p": {"machine": {"cpu": 4}, "nodes": {"min": 2, "max": 2}}}},
                "deployments": {"d": {"requests": {"cpu": 4}, "replicas": {"initial": 1, "min": 1, "max": 2}, "variants": {"m": {"load": load, "service": {"distribution": {"time": "1s"}}}},
                                      "workload": {"arrivals": {"constant": {"rate": "0.5/s"}}}}},
                "strategies": {"two": {"scale": {"none": {"replicas": 2}}}}}

    def test_image_and_weights_over_bandwidth(self):
        """The second replica is asked for at 0 s; (8 + 24) GiB at 1 GiB/s and 3 s more are 35 s."""
        same = [self.result(self.scenario(load)).value("replicas_ready") for load in ("35s", {"image": "8Gi", "weights": "24Gi", "bandwidth": "1Gi/s", "init": "3s"})]
        self.assertAlmostEqual(same[0], 1 + (256 - 35) / 256, places=9)
        self.assertEqual(same[0], same[1])

    def test_what_is_wrong_is_said(self):
        for load, words in (({"weights": "8Gi", "bandwidth": "0/s"}, "it must be positive"), ({"weights": "8Gi", "bandwidth": "1Gi"}, "1Gi/s is wanted"),
                            ({"weigths": "8Gi", "bandwidth": "1Gi/s"}, "did you mean `weights`?"), ({"image": "8x", "bandwidth": "1Gi/s"}, "`image` is `8x`"),
                            ({"image": [1], "bandwidth": "1Gi/s"}, "one value")):
            path = self.write("wrong.yaml", json.loads(json.dumps(self.scenario(load))))
            self.assertIn(words, self.headroom("check", path, code=3).stderr)


if __name__ == "__main__":
    unittest.main()

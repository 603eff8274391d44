#!/usr/bin/env python3
"""Every vector file passes: the project's own cases (at least three a schema), the upstream cases where HEADROOM_DATA has them, and the
runner itself says so when a case, a file or a folder is wrong."""

import json
import os
import re
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
RUNNER = os.path.join(os.environ.get("HEADROOM_TESTS", os.path.join(TOP, "build", "release-gcc", "tests")), "vectors", "vectors")
OWN = os.path.join(HERE, "cases")
DATA = os.environ.get("HEADROOM_DATA")
SCHEMAS = """ca_expander ca_utilization hpa_behavior_limit hpa_behavior_rate hpa_group_pods hpa_limits_no_behavior hpa_reconcile
hpa_replica_calculator hpa_scale_events hpa_stabilize_behavior hpa_stabilize_no_behavior hpa_utilization_ratio keda_job_metrics keda_jobs
keda_scaledobject kpa_activator_count kpa_autoscaler kpa_max_window kpa_metric_buckets kpa_sample_size kpa_scaler kpa_target ray_policy
ray_primitives vpa_container vpa_estimator vpa_histogram wva""".split()


def run(folder):
    result = subprocess.run([RUNNER, folder], capture_output=True, text=True, timeout=60)
    passed = {m[1]: int(m[2]) for m in re.finditer(r"^(\w+): (\d+) passed, 0 failed$", result.stdout, re.M)}
    return result, passed


class Vectors(unittest.TestCase):
    def all_pass(self, folder, least):
        result, passed = run(folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for name in os.listdir(folder):
            if not name.endswith(".json"):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                content = json.load(file)
            self.assertEqual(passed.get(content["schema"]), len(content["cases"]), name)
        for schema in SCHEMAS:
            self.assertGreaterEqual(passed.get(schema, 0), least, schema)

    def test_own_cases(self):
        self.all_pass(OWN, 3)

    @unittest.skipUnless(DATA, "HEADROOM_DATA is not set")
    def test_upstream_cases(self):
        self.all_pass(os.path.join(DATA, "vectors", "autoscalers"), 1)

    def test_a_wrong_expectation_fails(self):
        """Expectations matter: with other numbers and flags in them every case must fail."""
        for schema in SCHEMAS:
            with self.subTest(schema=schema), tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(OWN, schema + ".json"), encoding="utf-8") as file:
                    content = json.load(file)
                # Of an error it only matters that there is one.
                content["cases"] = [wrong(case) for case in content["cases"] if not is_error(case.get("expect"))]
                with open(os.path.join(folder, schema + ".json"), "w", encoding="utf-8") as file:
                    json.dump(content, file)
                result, _ = run(folder)
                failed = int(re.search(rf"^{schema}: \d+ passed, (\d+) failed$", result.stdout, re.M)[1])
                self.assertEqual((result.returncode, failed), (1, len(content["cases"])), result.stdout + result.stderr)

    def test_bad_files(self):
        for text, said in (("{", "bad.json:1"), ('{"schema": "hpa_x", "cases": [{}]}', "unknown schema `hpa_x`"),
                           ('{"schema": "wva", "cases": []}', "no cases of schema `wva`")):
            with self.subTest(text=text), tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "bad.json"), "w", encoding="utf-8") as file:
                    file.write(text)
                result, _ = run(folder)
                self.assertEqual(result.returncode, 1)
                self.assertIn(said, result.stderr)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run(folder)[0].returncode, 1)


def is_error(expect):
    return isinstance(expect, dict) and "error" in expect


EXPECTED = ("desired", "valid", "accepted", "histogram")  # expectations inside steps and ops, beside those named expect...


def wrong(value, inside=False):
    """A copy in which every number and flag that is expected is another one."""
    if isinstance(value, dict):
        if "step_fields" in value:  # steps are rows, the expectation last
            value = dict(value, steps=[row[:-1] + [row[-1] + 7] for row in value["steps"]])
        return {key: item if "tolerance" in key else wrong(item, inside or key.startswith("expect") or key in EXPECTED) for key, item in value.items()}
    if isinstance(value, list):
        return [wrong(item, inside) for item in value]
    if isinstance(value, bool):
        return value != inside
    if inside and isinstance(value, (int, float)):
        return value - 7 if value > 2**40 else value * 2 + 7
    return value + "?" if inside and isinstance(value, str) else value


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""What the reference pages claim as evidence is there: the test file that is named exists, upstream cases are as many as the vector files
hold, and a policy without vectors has at least 12 cases by hand, or says that it is the baseline of others."""

import glob
import json
import os
import re
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("HEADROOM", os.path.join(TOP, "build", "headroom")))
DATA = os.environ.get("HEADROOM_DATA")
# Policies and the schemas their core is checked by.
SCHEMAS = {"hpa": "hpa_", "keda": "keda_scaledobject", "keda-job": "keda_job", "kpa": "kpa_", "vpa": "vpa_", "ray-serve": "ray_", "wva": "wva",
           "cluster-autoscaler": "ca_"}
DEFINITIONS = {"none", "small_model", "clairvoyant", "static", "on-demand"}


def page(kind, name):
    return subprocess.run([PROGRAM, "describe", kind, name], capture_output=True, text=True, check=True, timeout=60).stdout


def models():
    text = subprocess.run([PROGRAM, "describe"], capture_output=True, text=True, check=True, timeout=60).stdout
    for kind, title in (("policy", "Models: policy NAME"), ("node-policy", "Models: node-policy NAME")):
        block = text.split(title, 1)[1].split("\n\n", 1)[0]
        for line in block.splitlines()[1:]:
            yield kind, line.split()[0]


def evidence(kind, name):
    text = page(kind, name)
    return " ".join(text.split("\nEvidence\n", 1)[1].split("\n\n", 1)[0].split())


def cases(folder, prefix):
    count = 0
    for path in glob.glob(os.path.join(folder, prefix + "*.json")):
        with open(path, encoding="utf-8") as file:
            count += len(json.load(file)["cases"])
    return count


class Evidence(unittest.TestCase):
    def test_every_policy(self):
        seen = list(models())
        self.assertGreater(len(seen), 30)
        for kind, name in seen:
            with self.subTest(policy=name):
                claim = evidence(kind, name)
                for path in re.findall(r"tests/\w+/\w+\.\w+", claim):
                    self.assertTrue(os.path.exists(os.path.join(TOP, path)), path)
                by_hand = [int(n) for n in re.findall(r"(\d+) (?:hand-computed|by hand)", claim)]
                if name in SCHEMAS:
                    self.assertRegex(claim, r"\d+ upstream cases")
                elif name not in DEFINITIONS:
                    self.assertGreaterEqual(max(by_hand, default=0), 12, claim)
                if "-like" in name or "unverified" in claim:
                    self.assertIn("-like", name, claim)

    @unittest.skipUnless(DATA, "HEADROOM_DATA is not set")
    def test_numbers_of_upstream_cases(self):
        for kind, name in models():
            if name not in SCHEMAS:
                continue
            with self.subTest(policy=name):
                claim = evidence(kind, name)
                upstream = cases(os.path.join(DATA, "vectors", "autoscalers"), SCHEMAS[name])
                self.assertEqual(int(re.search(r"(\d+) upstream cases", claim)[1]), upstream, claim)


if __name__ == "__main__":
    unittest.main()

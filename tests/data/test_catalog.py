"""Every figure of configs/catalog/nodes.yaml is the source's: checked against catalog/nodes.csv of the real data, field by field."""

import csv
import math
import os
import re
import unittest

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.environ.get("HEADROOM_DATA")
CATALOG = os.path.join(TOP, "configs", "catalog", "nodes.yaml")
REQUIRED = {"cpu", "memory", "allocatable_cpu", "allocatable_memory", "price", "source", "date"}
OPTIONAL = {"gpu", "gpu_model", "gpu_memory", "spot_price"}


def load():
    with open(CATALOG, encoding="utf-8") as file:
        return yaml.safe_load(file)


def mib(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * (1024 if unit == "Gi" else 1)


def millicores(value):
    text = str(value)
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000


def usd(text):
    return float(re.fullmatch(r"\$(\d+(?:\.\d{1,9})?)/h", text).group(1))


def gke_allocatable_millicores(cores):
    """GKE: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest are reserved."""
    tenths = 600 + 100 * (cores > 1) + 50 * max(0, min(cores, 4) - 2) + 25 * max(0, cores - 4)
    return cores * 1000 - math.ceil(tenths / 10)


def gke_allocatable_mib(memory_mib):
    """GKE: a falling share of each band of memory is reserved, and 100 MiB for eviction; in exact hundredths of a MiB."""
    hundredths, low = 10000, 0
    for high, percent in ((4, 25), (8, 20), (16, 10), (128, 6), (10**6, 2)):
        hundredths += max(0, min(memory_mib, high * 1024) - low * 1024) * percent
        low = high
    return memory_mib - -(-hundredths // 100)


class Form(unittest.TestCase):
    def test_fields_and_quantities(self):
        nodes = load()
        self.assertGreaterEqual(len(nodes), 30)
        for name, node in nodes.items():
            with self.subTest(node=name):
                self.assertRegex(name, r"^(aws|gcp|azure)/[\w.-]+$")
                self.assertLessEqual(REQUIRED, set(node))
                self.assertLessEqual(set(node), REQUIRED | OPTIONAL)
                self.assertEqual("gpu" in node, "gpu_model" in node)
                self.assertLess(millicores(node["allocatable_cpu"]), millicores(node["cpu"]))
                self.assertLess(mib(node["allocatable_memory"]), mib(node["memory"]))
                self.assertGreater(usd(node["price"]), usd(node.get("spot_price", "$0/h")))
                self.assertRegex(str(node["date"]), r"^\d{4}-\d\d-\d\d$")

    def test_keys_are_unique(self):
        with open(CATALOG, encoding="utf-8") as file:
            keys = re.findall(r"^(\S+):$", file.read(), re.MULTILINE)
        self.assertEqual(sorted(set(keys)), sorted(keys))

    def test_every_provider_and_gpu(self):
        nodes = load()
        self.assertEqual({"aws", "gcp", "azure"}, {name.split("/")[0] for name in nodes})
        models = " ".join(node.get("gpu_model", "") for node in nodes.values())
        for gpu in ("t4", "a10g", "l4", "v100", "a100", "h100"):
            self.assertIn(gpu, models)

    def test_reserve_without_figures_is_gke_s(self):
        for name, node in load().items():
            if not name.startswith("aws/"):
                with self.subTest(node=name):
                    self.assertEqual(gke_allocatable_millicores(node["cpu"]), millicores(node["allocatable_cpu"]))
                    self.assertEqual(gke_allocatable_mib(mib(node["memory"])), mib(node["allocatable_memory"]))


@unittest.skipUnless(DATA, "HEADROOM_DATA is not set")
class Source(unittest.TestCase):
    def test_every_figure(self):
        with open(os.path.join(DATA, "catalog", "nodes.csv"), encoding="utf-8", newline="") as file:
            rows = {f"{row['provider']}/{row['instance_type']}": row for row in csv.DictReader(file)}
        for name, node in load().items():
            with self.subTest(node=name):
                row = rows[name]
                self.assertEqual(int(row["vcpu"]), node["cpu"])
                self.assertEqual(float(row["memory_gib"]) * 1024, mib(node["memory"]))
                self.assertEqual(int(row["gpu_count"] or 0), node.get("gpu", 0))
                self.assertEqual(row["gpu"], node.get("gpu_model", ""))
                self.assertEqual(int(row["gpu_memory_mib_each"] or 0), mib(node.get("gpu_memory", "0Mi")))
                self.assertEqual(float(row["on_demand_usd_per_h"]), usd(node["price"]))
                self.assertEqual(float(row["spot_usd_per_h"] or 0), usd(node.get("spot_price", "$0/h")))
                if row["k8s_allocatable_cpu"]:
                    self.assertEqual(row["k8s_allocatable_cpu"], node["allocatable_cpu"])
                    self.assertEqual(row["k8s_allocatable_memory"], node["allocatable_memory"])
                self.assertTrue(row["source"].startswith(node["source"]))
                self.assertIn(str(node["date"]), row["source"])


if __name__ == "__main__":
    unittest.main()

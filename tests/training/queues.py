"""Training queues through the whole program: scenarios of a few jobs given as (submitted s, GPUs, duration s), and what came of them."""

import csv
import json

import h5py

from support.program import InFolder, changed

IDLE = {"replicas": {"initial": 0, "min": 0}, "variants": {"only": {"service": {"distribution": {"time": "1s"}}}}, "workload": {"arrivals": "none"}}


def scenario(queues, nodes=1, gpus=4, horizon="1000s", changes=None, **more):
    """One pool of `nodes` machines of `gpus` GPUs at $1/h each, a deployment that does nothing, and these queues."""
    return changed({"name": "training", "horizon": horizon,
                    "cluster": {"pools": {"gpu": {"machine": {"gpu": gpus, "cpu": 64, "memory": "256Gi", "price": "$1/h"}, "nodes": {"min": nodes, "max": nodes}}}},
                    "deployments": {"idle": IDLE}, "training": queues,
                    "strategies": {"only": {"scale": "none", "nodes": "static", "period": "24h", "metrics": {"scrape": "24h", "window": "24h"}}}, **more}, changes or {})


class Queues(InFolder):
    def trace(self, jobs, name="jobs"):
        """A trace file that keeps its instants, and the arrivals that replay it."""
        with open(self.path(name + ".csv"), "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["arrival_ns", "gpus", "duration"])
            for at, gpus, duration in jobs or [(10**6, 1, 1)]:  # an empty trace is an error; this one comes after every horizon
                writer.writerow([round(at * 1e9), gpus, round(duration * 1e9)])
        return {"replay": {"trace": {"file": name + ".csv", "format": "generic", "time": "arrival_ns", "unit": "ns", "gpus": "gpus", "duration": "duration"}}}

    def queue(self, jobs, discipline="fifo", name="jobs", more=None, **fields):
        return {"jobs": {"arrivals": self.trace(jobs, name), **(more or {})}, "discipline": discipline, **fields}

    def training(self, text, *options, **more):
        """The columns of /training: {column: [run][queue]}, and the names of the queues."""
        with h5py.File(self.run_scenario(text, *options, **more), "r") as file:
            group = file["training"]
            return {name: group[name][...] for name in group if group[name].ndim == 2}

    def compare_json(self, output):
        return json.loads(self.headroom("compare", output, "--json").stdout)

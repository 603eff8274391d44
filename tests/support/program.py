"""What tests of the whole program share: running it in a folder of its own, small scenarios, reading results.

A scenario is written as a dictionary, stored as JSON, which is YAML, too. `small()` is one deployment on one pool, to be changed by
dotted paths: small({"horizon": "1h", "deployments.app.concurrency": 4})."""

import copy
import hashlib
import json
import os
import resource
import shutil
import subprocess
import tempfile
import unittest

import h5py

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("HEADROOM", os.path.join(TOP, "build", "headroom"))
SHORT = bool(os.environ.get("HEADROOM_SHORT"))
NIGHTLY = bool(os.environ.get("HEADROOM_NIGHTLY"))

SMALL = {
    "name": "small",
    "horizon": "10m",
    "cluster": {"pools": {"cpu": {"machine": {"cpu": 4, "memory": "16Gi", "price": "$1/h"}, "nodes": {"min": 1, "max": 4}, "startup": "30s"}}},
    "deployments": {
        "app": {
            "requests": {"cpu": 1, "memory": "1Gi"},
            "replicas": {"initial": 2, "min": 1, "max": 12},
            "variants": {"only": {"load": "5s", "service": {"distribution": {"time": {"exponential": {"mean": "100ms"}}}}}},
            "objective": {"latency": "500ms", "attainment": "90%"},
            "workload": {"arrivals": {"poisson": {"rate": "12/s"}}},
        }
    },
    "strategies": {"still": {"scale": "none"}},
}


def changed(scenario, changes):
    """A copy with the values at dotted paths replaced; None removes."""
    scenario = copy.deepcopy(scenario)
    for path, value in changes.items():
        *parents, last = path.split(".")
        at = scenario
        for key in parents:
            at = at.setdefault(key, {})
        if value is None:
            at.pop(last, None)
        else:
            at[last] = copy.deepcopy(value)
    return scenario


def small(changes=None):
    return changed(SMALL, changes or {})


def repetitions(usual, nightly, short):
    return short if SHORT else nightly if NIGHTLY else usual


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def temporary_folder():
    """In memory where there is room: results are forced to disk, which would be most of a short test's time."""
    try:
        room = os.statvfs("/dev/shm")
        if os.access("/dev/shm", os.W_OK) and room.f_bavail * room.f_frsize > 1 << 29:
            return tempfile.mkdtemp(prefix="headroom-test-", dir="/dev/shm")
    except OSError:
        pass
    return tempfile.mkdtemp(prefix="headroom-test-")


def limit_file_size(most_bytes):
    """For preexec_fn: writes beyond this fail with an error instead of a signal."""
    import signal

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return limit


class InFolder(unittest.TestCase):
    """Each test works in a temporary folder of its own, which is the program's current folder, too."""

    maxDiff = None

    def setUp(self):
        self.folder = temporary_folder()
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else json.dumps(content, indent=1))
        return self.path(name)

    def headroom(self, *arguments, code=0, program=PROGRAM, environment=None, **options):
        """Runs the program; checks the exit code (None: any); returns the finished process with its texts."""
        result = subprocess.run([program, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=300,
                                env=dict(os.environ, **(environment or {})), check=False, **options)
        if code is not None:
            self.assertEqual(result.returncode, code, f"headroom {' '.join(arguments)}\n{result.stdout}{result.stderr}")
        return result

    def run_scenario(self, scenario, *options, code=0, name="s", **more):
        """Writes and runs a scenario; the path of its result."""
        if not isinstance(scenario, str) or "\n" in scenario:
            scenario = self.write(name + ".yaml", scenario)
        output = self.path(name + ".h5")
        self.headroom("run", scenario, "-o", output, "--force", "--quiet", *options, code=code, **more)
        return output

    def result(self, scenario, *options, **more):
        return Result(self.run_scenario(scenario, *options, **more))

    def decisions(self, output, *options):
        """The rows of `explain --json`."""
        return [json.loads(line) for line in self.headroom("explain", output, "--json", *options).stdout.splitlines()]


def texts(dataset):
    return [text.decode() if isinstance(text, bytes) else text for text in dataset[...]]


class Result:
    """A result file read whole: summary[column][run, deployment], cluster columns in the same place, trace[column][run, deployment, row]."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.groups = {group: {name: texts(item) if h5py.check_string_dtype(item.dtype) else item[...] for name, item in file[group].items()}
                           for group in ("summary", "latency", "trace", "pool", "decisions") if group in file}
        self.summary, self.trace, self.pool = self.groups["summary"], self.groups.get("trace", {}), self.groups.get("pool", {})
        self.strategies = self.summary["strategy"]

    def run_of(self, strategy, nth=0):
        return [k for k, name in enumerate(self.strategies) if name == strategy][nth]

    def value(self, column, strategy=None, deployment=0, nth=0):
        run = 0 if strategy is None else self.run_of(strategy, nth)
        values = self.summary[column][run]
        return float(values if values.ndim == 0 else values[deployment])

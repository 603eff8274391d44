"""The checks of test_hdf5.py on the result of a real sweep, and what only a real one can show: its figures fit together."""

import json
import os
import shutil
import subprocess
import unittest

import h5py
import numpy
import test_hdf5
import xarray

from support.program import PROGRAM, sha256, small, temporary_folder

SCENARIO = small({
    "horizon": "10m", "warmup": "75s", "replications": 3, "seed": 5, "about": "a real one",
    "deployments.app.workload.rate": {"diurnal": {"period": "300s", "peak": 1.8, "peak_at": "60s"}},
    "deployments.app.queue": {"timeout": {"after": "2s"}},
    "deployments.other": {"requests": {"cpu": "500m"}, "variants": {"small": {"accuracy": 0.7, "service": {"distribution": {"time": "50ms"}}},
                                                                    "large": {"accuracy": 0.9, "service": {"distribution": {"time": "90ms"}}}},
                          "workload": {"arrivals": {"constant": {"rate": "8/s"}}, "input": 100, "unit_bytes": "1k"}},
    "strategies": {"still": {"scale": "none"}, "out": {"scale": {"horizontal": {"target": "60%"}}},
                   "rule": {"scale": {"threshold": {"data_size": {"below": "10M"}}}}},
    "sweep": [{"set": "deployments.app.concurrency", "values": [1, 2]}],
})
RUNS, TRACED = 2 * 3 * 3, 2 * 3


class RealResult(test_hdf5.ResultFile):
    test_values = None
    test_equal_sweeps_equal_bytes = None

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.path = os.path.join(cls.folder, "result.h5")
        cls.scenario = os.path.join(cls.folder, "s.yaml")
        with open(cls.scenario, "w", encoding="utf-8") as file:
            json.dump(SCENARIO, file)
        subprocess.run([PROGRAM, "run", cls.scenario, "-o", cls.path, "--quiet"], check=True)

    @classmethod
    def tearDownClass(cls):
        pass

    def group(self, name):
        with xarray.open_dataset(self.path, group=name, engine="h5netcdf") as data:
            return data.load()

    def test_dimensions_and_coordinates(self):
        sizes = {"summary": {"run": RUNS, "deployment": 2}, "latency": {"run": RUNS, "deployment": 2, "bin": 5632},
                 "trace": {"run": TRACED, "deployment": 2, "time": 256}, "pool": {"run": TRACED, "pool": 1, "time": 256}}
        for group, data in self.each_engine():
            along = "decision" if group == "decisions" else "run"
            if group in sizes:
                self.assertEqual(dict(data.sizes), sizes[group])
                self.assertLessEqual(set(sizes[group]), set(data.coords))
            for name in ("strategy", "point", "replication"):
                self.assertIn(name, data.coords)
                self.assertEqual(data[name].dims, (along,))
            swept = [name for name in data.coords if name.endswith("concurrency")]
            self.assertEqual(len(swept), 1, list(data.coords))
            self.assertEqual(data[swept[0]].dims, (along,))

    def test_what_the_file_says_about_itself(self):
        with xarray.open_dataset(self.path, engine="h5netcdf") as data, open(self.scenario, encoding="utf-8") as file:
            says = data.attrs
            self.assertEqual((says["title"], says["comment"], says["scenario"]), ("small", "a real one", file.read()))
            self.assertEqual((says["seed"], says["horizon_s"], says["warmup_s"], says["runs"]), (5, 600, 75, RUNS))
            self.assertEqual(says["scenario_sha256"], sha256(self.scenario))

    def test_no_trace_of_where_and_when(self):
        """No folder, host or time: the same sweep elsewhere, under another name, has the same bytes."""
        other = os.path.join(self.folder, "else", "where")
        os.makedirs(other)
        shutil.copy(self.scenario, os.path.join(other, "t.yaml"))
        subprocess.run([PROGRAM, "run", "t.yaml", "--quiet", "-j", "1"], check=True, cwd=other)
        self.assertEqual(sha256(os.path.join(other, "t.h5")), sha256(self.path))
        with open(self.path, "rb") as file:
            data = file.read()
        for text in (self.folder.encode(), os.uname().nodename.encode() + b"\0"):
            self.assertNotIn(text, data)

    def test_summaries_are_sums_of_traces(self):
        """Beyond the warm-up, an eighth of the horizon: 32 of 256 rows. (Counts are booked to arrival in a summary, to their own instant in a
        trace; arrivals are the same in both.)"""
        summary, trace, pool = self.group("summary"), self.group("trace"), self.group("pool")
        at = summary.sel(run=trace.run)
        rows = trace.isel(time=slice(32, None))
        numpy.testing.assert_allclose(rows.offered_rps.sum("time") * 600 / 256, at.offered, rtol=1e-12)
        numpy.testing.assert_allclose(rows.queue_jobs.mean("time"), at.queue_jobs, rtol=1e-9, atol=1e-12)
        numpy.testing.assert_allclose(rows.in_service_jobs.mean("time"), at.in_service_jobs, rtol=1e-9)
        numpy.testing.assert_allclose(rows.replicas_ready.mean("time"), at.replicas_ready, rtol=1e-9)
        numpy.testing.assert_allclose(rows.cost_usd_per_h.mean("time") * 525 / 3600, at.cost_usd, rtol=1e-9)
        numpy.testing.assert_allclose(pool.cost_usd_per_h.isel(time=slice(32, None)).mean("time").sum("pool") * 525 / 3600, at.cluster_cost_usd, rtol=1e-9)

    def test_latency_counts_are_the_finished_jobs(self):
        summary, latency = self.group("summary"), self.group("latency")
        numpy.testing.assert_array_equal(latency.counts.sum("bin"), summary.finished)
        for run in range(RUNS):
            for d in range(2):
                counts = latency.counts[run, d].values.astype(float)
                reached = numpy.searchsorted(numpy.cumsum(counts), 0.5 * counts.sum())
                median = float(summary.latency_p50_s[run, d])
                self.assertGreaterEqual(median, float(latency.bin_low_s[reached]) * 0.999)
                self.assertLessEqual(median, float(latency.bin_high_s[reached]) * 1.001)

    def test_little(self):
        """Mean number in the system = throughput x mean time in it, up to what crosses the ends of the window."""
        summary = self.group("summary")
        jobs = (summary.queue_jobs + summary.in_service_jobs).sel(deployment="other")
        numpy.testing.assert_allclose(jobs, (summary.throughput_rps * summary.latency_mean_s).sel(deployment="other"), rtol=0.01)

    def test_states_and_limits_are_flags(self):
        trace = self.group("trace").isel(deployment=1)
        rule = trace.sel(run=trace.run[trace.strategy == "rule"])
        states = set(numpy.unique(rule.model_state.values[numpy.isfinite(rule.model_state.values)]).astype(int))
        self.assertLessEqual(states, set(range(1, 8)))
        self.assertLessEqual(set(numpy.unique(rule.resource_limit.values[numpy.isfinite(rule.resource_limit.values)])), {0.0, 1.0})

    def test_decisions_belong_to_traced_runs(self):
        with h5py.File(self.path, "r") as file:
            runs = file["decisions/run"][...]
            self.assertLessEqual(set(runs.tolist()), set(file["trace/run"][...].tolist()))
            self.assertGreater(len(runs), 0)


if __name__ == "__main__":
    unittest.main()

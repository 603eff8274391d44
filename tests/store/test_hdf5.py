"""A result file as others see it: h5py, xarray through netCDF4 and through h5netcdf, HDF5's own tools."""

import os
import shutil
import subprocess
import tempfile
import unittest

import h5py
import numpy
import xarray

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = os.environ.get("HEADROOM_TESTS", os.path.join(TOP, "build", "release-gcc", "tests"))
MAKER = os.path.join(PROGRAMS, "unit", "test_store")
GROUPS = ("summary", "latency", "trace", "pool", "decisions")
DIMENSIONS = {
    "summary": {"run": 24, "deployment": 3},
    "latency": {"run": 24, "deployment": 3, "bin": 5632},
    "trace": {"run": 8, "deployment": 3, "time": 256},
    "pool": {"run": 8, "pool": 2, "time": 256},
}
SHUFFLE, DEFLATE, FLETCHER32 = 2, 1, 3


def datasets(file):
    found = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) else None)
    return found


def filters(dataset):
    plist = dataset.id.get_create_plist()
    return [plist.get_filter(k)[0] for k in range(plist.get_nfilters())]


class ResultFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.path = os.path.join(cls.folder, "result.h5")
        subprocess.run([MAKER, "--write", cls.path], check=True)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def each_engine(self):
        for engine in ("netcdf4", "h5netcdf"):
            for group in GROUPS:
                with self.subTest(engine=engine, group=group), xarray.open_dataset(self.path, group=group, engine=engine) as data:
                    yield group, data.load()

    def test_dimensions_and_coordinates(self):
        for group, data in self.each_engine():
            along = "decision" if group == "decisions" else "run"
            if group in DIMENSIONS:
                self.assertEqual(dict(data.sizes), DIMENSIONS[group])
                self.assertTrue(set(DIMENSIONS[group]) <= set(data.coords))
            for name in ("strategy", "point", "replication", "swept_threshold", "size_limit"):
                self.assertIn(name, data.coords)
                self.assertEqual(data[name].dims, (along,))
            self.assertEqual(set(data.strategy.values), {"none", "rule"})
            self.assertEqual(set(data.size_limit.values), {"10Gi", "größer"})

    def test_values(self):
        for group, data in self.each_engine():
            if group == "summary":
                numpy.testing.assert_array_equal(data.run, numpy.arange(24))
                numpy.testing.assert_array_equal(data.status, [int(run == 3) for run in range(24)])
                self.assertEqual(data.message.values[3], "run 3: the queue exceeded max_queue")
                self.assertTrue(all(not text for text in numpy.delete(data.message.values, 3)))
                self.assertTrue(numpy.isnan(data.cost_usd.sel(run=3)).all())
                self.assertEqual(data.cost_usd.dims, ("run", "deployment"))
                self.assertEqual(data.cluster_cost_usd.dims, ("run",))
                self.assertEqual(int(numpy.isnan(data.cluster_cost_usd).sum()), 1)
            if group == "trace":
                numpy.testing.assert_array_equal(data.run, numpy.arange(0, 24, 3))
                self.assertEqual(float(data.time[1]), 3600 / 256)
                # Run 3 is a first replication and failed: a row of NaN.
                self.assertTrue(numpy.isnan(data.offered_rps.sel(run=3)).all())
                self.assertTrue((data.offered_rps.sel(run=0, deployment="deployment-2") == 4).all())
            if group == "latency":
                self.assertEqual(data.counts.dtype, numpy.uint64)
                self.assertEqual(int(data.counts.sel(run=3).sum()), 0)
                self.assertGreater(int(data.counts.sel(run=4).sum()), 0)
                numpy.testing.assert_array_equal(data.bin_low_s[1:], data.bin_high_s[:-1])
            if group == "decisions":
                self.assertEqual(set(data.run.values), {0, 6, 9, 12, 15, 18, 21})
                self.assertEqual(data.step.values[0], "Check data size")
                self.assertTrue((numpy.diff(data.run.values.astype(int)) >= 0).all())

    def test_filters(self):
        with h5py.File(self.path, "r") as file:
            for dataset in datasets(file):
                with self.subTest(dataset=dataset.name):
                    if h5py.check_string_dtype(dataset.dtype):
                        self.assertEqual(filters(dataset), [])
                        continue
                    wanted = [DEFLATE, FLETCHER32] if dataset.dtype.itemsize == 1 else [SHUFFLE, DEFLATE, FLETCHER32]
                    self.assertEqual(filters(dataset), wanted)
                    self.assertIsNotNone(dataset.chunks)

    def test_types(self):
        with h5py.File(self.path, "r") as file:
            for dataset in datasets(file):
                with self.subTest(dataset=dataset.name):
                    kind = dataset.id.get_type()
                    self.assertIn(kind.get_class(), (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING))
                    if kind.get_class() == h5py.h5t.STRING:
                        self.assertTrue(kind.is_variable_str())
                        self.assertEqual(kind.get_cset(), h5py.h5t.CSET_UTF8)
                    elif kind.get_class() == h5py.h5t.FLOAT:
                        self.assertTrue(numpy.isnan(dataset.fillvalue))
                        self.assertTrue(numpy.isnan(dataset.attrs["_FillValue"]).all())

    def test_every_column_has_unit_and_help(self):
        with h5py.File(self.path, "r") as file:
            for group in ("summary", "latency", "trace", "pool"):
                for name, dataset in file[group].items():
                    with self.subTest(dataset=dataset.name):
                        self.assertTrue(dataset.attrs.get("long_name") or dataset.is_scale)
                        if dataset.dtype.kind == "f" and not name.startswith("swept_"):
                            self.assertTrue(dataset.attrs.get("units"))
            self.assertEqual(file["trace/time"].attrs["units"], "s")
            for name in ("summary/status", "trace/model_state", "trace/resource_limit", "decisions/result", "decisions/model_state"):
                attributes = file[name].attrs
                self.assertEqual(len(attributes["flag_values"]), len(attributes["flag_meanings"].split()))
                self.assertEqual(attributes["flag_values"].dtype, file[name].dtype)

    def test_creation_order_and_no_times(self):
        with h5py.File(self.path, "r") as file:
            both = h5py.h5p.CRT_ORDER_TRACKED | h5py.h5p.CRT_ORDER_INDEXED
            root = h5py.h5g.open(file.id, b"/")
            self.assertEqual(root.get_create_plist().get_link_creation_order(), both)
            for name in GROUPS:
                self.assertEqual(file[name].id.get_create_plist().get_link_creation_order(), both)
                self.assertTrue(h5py.h5g.get_objinfo(file[name].id).mtime == 0)
            for dataset in datasets(file):
                self.assertFalse(dataset.id.get_create_plist().get_obj_track_times())
                self.assertEqual(dataset.id.get_create_plist().get_attr_creation_order(), both)

    def test_what_the_file_says_about_itself(self):
        with xarray.open_dataset(self.path, engine="h5netcdf") as data:
            says = data.attrs
            self.assertEqual(says["title"], "fake")
            self.assertEqual(says["scenario"], "name: fake\nhorizon: 1h\nseed: 7\n")
            self.assertEqual((says["seed"], says["horizon_s"], says["warmup_s"], says["runs"]), (7, 3600, 60, 24))
            self.assertEqual(len(says["scenario_sha256"]), 64)
            self.assertEqual(says["input_paths"], "trace.csv")
            self.assertTrue(says["headroom_version"])

    def test_equal_sweeps_equal_bytes(self):
        again = os.path.join(self.folder, "again.h5")
        subprocess.run([MAKER, "--write", again], check=True)
        with open(self.path, "rb") as one, open(again, "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_checksums_catch_damage(self):
        damaged = os.path.join(self.folder, "damaged.h5")
        shutil.copy(self.path, damaged)
        with h5py.File(damaged, "r") as file:
            chunk = file["trace/latency_mean_s"].id.get_chunk_info(0)
        with open(damaged, "r+b") as file:
            file.seek(chunk.byte_offset + chunk.size // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 1]))
        with h5py.File(damaged, "r") as file, self.assertRaises(OSError):
            file["trace/latency_mean_s"][:]

    def test_tools_read_all_of_it(self):
        if not shutil.which("h5dump") or not shutil.which("h5repack"):
            self.skipTest("hdf5-tools are not installed")
        subprocess.run(["h5dump", "-o", os.devnull, self.path], check=True, stdout=subprocess.DEVNULL)
        packed = os.path.join(self.folder, "packed.h5")
        subprocess.run(["h5repack", self.path, packed], check=True)
        differences = subprocess.run(["h5diff", "--exclude-attribute", "/texts", self.path, packed], capture_output=True, text=True, check=False)
        self.assertNotIn("differences found", differences.stdout.replace("0 differences found", ""))
        with xarray.open_dataset(self.path, group="decisions") as one, xarray.open_dataset(packed, group="decisions") as other:
            self.assertTrue(one.identical(other))


if __name__ == "__main__":
    unittest.main()

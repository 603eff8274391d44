"""The quick tour runs from its first cell to its last on a small result of the quick start, and every figure shows something."""

import base64
import io
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("HEADROOM", os.path.join(TOP, "build", "headroom"))
NOTEBOOK = os.path.join(TOP, "analysis", "notebooks", "quick-tour.ipynb")
NEEDED = ["nbformat", "nbclient", "ipykernel", "xarray", "h5netcdf", "pandas", "scipy", "matplotlib", "PIL"]
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
FIGURES = 5
PICTURE_BYTES_MOST = 120_000


def look(test, data, name, least=(500, 250)):
    """Fails unless the PNG is large enough and shows ink of several colours on a light ground."""
    from PIL import Image

    image = Image.open(io.BytesIO(data)).convert("RGB")
    test.assertGreaterEqual(image.width, least[0], name)
    test.assertGreaterEqual(image.height, least[1], name)
    counted = image.getcolors(image.width * image.height)
    paper = max(counted)[0] / (image.width * image.height)
    test.assertLess(paper, 0.99, f"{name} is blank")
    coloured = [rgb for count, rgb in counted if count >= 20 and max(rgb) - min(rgb) > 60]
    test.assertGreaterEqual(len(coloured), 1, f"{name} has no colour")
    test.assertGreaterEqual(len(counted), 20, f"{name} has hardly any shade")


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class QuickTour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keep = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.keep.cleanup)
        cls.folder = cls.keep.name
        cls.result = os.path.join(cls.folder, "demo.h5")
        scenario = os.path.join(TOP, "configs", "quickstart.yaml")
        made = subprocess.run([PROGRAM, "run", scenario, "--set", "replications=2", "--set", "horizon=2h", "-o", cls.result, "--quiet"],
                              capture_output=True, text=True, timeout=120, check=False)
        if made.returncode:
            raise AssertionError(f"the program failed with {made.returncode}: {made.stderr}")

    def execute(self):
        """The notebook after a run in a copy of the folder, with the result found upward as for a reader."""
        import nbclient
        import nbformat

        copy = os.path.join(self.folder, "analysis")
        shutil.copytree(os.path.join(TOP, "analysis"), copy, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        # A home of its own: what IPython and matplotlib keep there, and what the user's settings would change.
        changes = {"HEADROOM": os.path.abspath(PROGRAM), "HOME": self.folder, "IPYTHONDIR": os.path.join(self.folder, "ipython"),
                   "JUPYTER_RUNTIME_DIR": os.path.join(self.folder, "runtime"), "MPLCONFIGDIR": os.path.join(self.folder, "matplotlib"),
                   "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        # The kernel chooses its own way to draw, and its files; pictures come back inline.
        environment = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "HEADROOM_RESULT")} | changes
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3",
                                resources={"metadata": {"path": os.path.join(copy, "notebooks")}}).execute(env=environment)
        return notebook

    def test_runs_and_shows(self):
        notebook = self.execute()
        figures = []
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                self.assertNotEqual(output.output_type, "error", output)
                if output.output_type == "stream":
                    self.assertEqual(output.name, "stdout", f"a warning: {output.text}")
                    self.assertNotIn("headroom is not built", output.text)
                if "image/png" in output.get("data", {}):
                    figures.append(base64.b64decode(output.data["image/png"]))
        self.assertEqual(len(figures), FIGURES)
        for number, data in enumerate(figures, 1):
            with self.subTest(figure=number):
                look(self, data, f"figure {number}")

    def test_make_picture(self):
        out = os.path.join(self.folder, "picture.png")
        subprocess.run([sys.executable, os.path.join(TOP, "analysis", "make_picture.py"), self.result, out], check=True, timeout=120)
        with open(out, "rb") as file:
            look(self, file.read(), "the picture", least=(1000, 500))


class Committed(unittest.TestCase):
    def test_without_outputs(self):
        with open(NOTEBOOK, encoding="utf-8") as file:
            notebook = json.load(file)
        self.assertEqual((notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]), (4, "python3"))
        for cell in notebook["cells"]:
            self.assertFalse(cell.get("outputs"), "an output is committed")
            self.assertIsNone(cell.get("execution_count"))

    def test_picture_is_small(self):
        path = os.path.join(TOP, "analysis", "pictures", "quick-start.png")
        if not os.path.exists(path):
            self.skipTest("analysis/pictures/quick-start.png is not drawn yet")
        self.assertLess(os.path.getsize(path), PICTURE_BYTES_MOST)


if __name__ == "__main__":
    unittest.main()

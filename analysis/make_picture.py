"""Draws the README's picture: load, replicas, cost and latency of every strategy over the day of the quick start.

    python3 analysis/make_picture.py demo.h5 analysis/pictures/quick-start.png
"""

import argparse
import os
import sys

import matplotlib

matplotlib.use("Agg")
import xarray

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import headroom_plots as plots


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", help="an HDF5 result, as the quick start writes it")
    parser.add_argument("out", help="the picture, PNG")
    options = parser.parse_args()

    plots.use_style()
    trace = xarray.open_dataset(options.result, group="trace")
    pool = xarray.open_dataset(options.result, group="pool")
    summary = xarray.open_dataset(options.result, group="summary")
    horizon_s = xarray.open_dataset(options.result).attrs["horizon_s"]
    # One line a strategy: the first replication of the first point.
    keep = ((trace.point == 0) & (trace.replication == 0)).values
    figure = plots.over_time(trace.isel(run=keep, deployment=0), pool.isel(run=keep), horizon_s,
                             float(summary.objective_latency_s[0]), rows=("load", "replicas", "cost", "latency"))
    figure.savefig(options.out, dpi=110, metadata={"Software": None}, pil_kwargs={"optimize": True})


if __name__ == "__main__":
    main()

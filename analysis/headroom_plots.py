"""What the notebook and the README's picture share: one colour a strategy, 95 % intervals, and results over time as small multiples."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator
from scipy.stats import t as student

# After Okabe and Ito: told apart with any colour vision. Dark enough for lines on white, so without their yellow.
PALETTE = ["#7A7A7A", "#56B4E9", "#CC79A7", "#E69F00", "#009E73", "#0072B2", "#D55E00", "#000000"]
INK, FAINT, LOSS = "#333333", "#D2D2D2", "#D55E00"

STYLE = {
    "figure.dpi": 100, "savefig.dpi": 100, "figure.facecolor": "white", "figure.constrained_layout.use": True,
    "font.size": 9, "axes.titlesize": 9.5, "axes.titlelocation": "left", "axes.titleweight": "bold", "axes.titlepad": 8,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#999999", "axes.linewidth": 0.7,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": "#777777", "ytick.color": "#777777",
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "lines.linewidth": 1.3, "legend.frameon": False,
}


def use_style():
    plt.rcParams.update(STYLE)


def names_of(dataset):
    """The strategies of a data set in the order of the file."""
    return list(dict.fromkeys(dataset.strategy.values))


def colours(names):
    return {name: PALETTE[k % len(PALETTE)] for k, name in enumerate(names)}


def interval(values, confidence=0.95):
    """(mean, half-width) of Student's t interval over independent values; NaN half-width where there are fewer than two."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    n = len(values)
    if n < 2:
        return (values.mean() if n else np.nan), np.nan
    return values.mean(), student.ppf(0.5 + confidence / 2, n - 1) * values.std(ddof=1) / np.sqrt(n)


def by_strategy(variable):
    """{strategy: interval} of a variable(run)."""
    return {name: interval(variable.values[variable.strategy.values == name]) for name in names_of(variable)}


def plus_minus(mean, half, factor=1, digits=2, sign=""):
    """`53.73 ± 2.51`; the mean alone where nothing is known about its interval."""
    text = f"{mean * factor:{sign},.{digits}f}"
    return text if np.isnan(half) else f"{text} ± {half * factor:,.{digits}f}"


def seconds(value, _=None):
    """A latency in the unit a person would choose."""
    if not np.isfinite(value):
        return "–"
    return f"{value * 1e3:.3g} ms" if value < 0.9995 else f"{float(f'{value:.3g}'):g} s"


def log_seconds(axis):
    """Ticks 1, 10, 100 ms, 1 s, ... on a logarithmic axis."""
    axis.set_major_formatter(FuncFormatter(seconds))
    axis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def states_of(variable):
    """{value: words} of a variable with flags, such as model_state."""
    words = variable.attrs["flag_meanings"].split()
    return {int(value): word.replace("_", " ") for value, word in zip(np.atleast_1d(variable.attrs["flag_values"]), words)}


def hour_axis(axes, horizon_h):
    axes.set_xlim(0, horizon_h)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 1.5, 2, 3, 6, 10]))


def label_gap(axes, x, low, high, text):
    """Names the area between two lines in its thickest place, if there is room for words."""
    gap = np.nan_to_num(high - low)
    at = int(gap.argmax())
    if gap[at] > 0.3 * np.nanmax(high) and np.mean(gap > 0.2 * np.nanmax(high)) > 0.4:
        axes.text(x[at], low[at] + 0.35 * gap[at], text, ha="center", va="center", fontsize=7.5)


# Rows of over_time: title, and what to draw.
ROWS = {
    "load": "Jobs/s: offered, served",
    "replicas": "Replicas ready",
    "cores": "Cores reserved",
    "cost": "Cost, USD/h",
    "latency": "Latency p99",
}


def over_time(trace, pool, horizon_s, objective_s=None, rows=tuple(ROWS)):
    """Small multiples: a row a quantity, a column a strategy, the other strategies in grey behind. Expects one deployment and one
    point: trace(run, time), pool(run, pool, time). The cost is that of all nodes, used or not."""
    names, edges = names_of(trace), np.append(trace.time.values, horizon_s) / 3600
    lines = {"load": trace.throughput_rps, "replicas": trace.replicas_ready, "cores": trace.requested_cores,
             "cost": pool.cost_usd_per_h.sum("pool"), "latency": trace.latency_p99_s}
    colour = colours(names)
    figure, grid = plt.subplots(len(rows), len(names), sharex=True, sharey="row", squeeze=False,
                                figsize=(max(4.5, 0.7 + 1.75 * len(names)), 0.7 + 1.3 * len(rows)))
    for row, key in enumerate(rows):
        for column, name in enumerate(names):
            axes = grid[row, column]
            for k, other in enumerate(names):
                if other != name and key != "load":
                    axes.stairs(lines[key].values[k], edges, baseline=None, color=FAINT, lw=0.8)
            mine = lines[key].values[column]
            if key == "load":
                offered = trace.offered_rps.values[column]
                axes.stairs(offered, edges, baseline=mine, fill=True, color=LOSS, alpha=0.25, lw=0)
                axes.stairs(offered, edges, baseline=None, color="#A0A0A0", lw=0.8)
                label_gap(axes, (edges[:-1] + edges[1:]) / 2, mine, offered, "not served")
            if key == "latency" and objective_s:
                axes.axhline(objective_s, color=INK, lw=0.7, ls=(0, (4, 3)))
                if column == 0:
                    axes.annotate("objective", (0.98, objective_s), (0, 2), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                                  ha="right", va="bottom", fontsize=7.5, bbox={"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.3})
            axes.stairs(mine, edges, baseline=None, color=colour[name], lw=1.4)
            hour_axis(axes, horizon_s / 3600)
            if row == 0:
                axes.set_title(name, color=colour[name])
            axes.tick_params(length=2.5)
            axes.label_outer()
        first = grid[row, 0]
        first.set_ylabel(ROWS[key], fontsize=8.5)
        if key == "latency":
            first.set_yscale("log")
            log_seconds(first.yaxis)
            first.margins(y=0.08)
        else:
            first.set_ylim(bottom=0)
            first.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10], min_n_ticks=3, integer=key == "replicas"))
    figure.align_ylabels(grid[:, 0])
    figure.supxlabel("Time, hours", fontsize=9)
    return figure

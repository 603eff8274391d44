"""`headroom describe trace` as a dictionary, and the same figures by numpy and scipy from the rows themselves."""

import math

import numpy
import scipy.stats

WINDOWS_S = (1, 10, 60, 600, 3600)
LEVELS = (1, 10, 25, 50, 75, 90, 99, 99.9)
NS = 10**9


def parsed(text):
    """{name: value} of the page; warnings as a list under "warnings"."""
    page = {"warnings": []}
    for line in text.splitlines():
        if line.startswith("warning: "):
            page["warnings"].append(line[len("warning: "):])
        else:
            page[line[:32].rstrip()] = line[32:].strip()
    return page


def number(page, name):
    """The first number of a line; NaN where it says n/a."""
    return math.nan if page[name].startswith("n/a") else float(page[name].split()[0].rstrip("/s"))


def summary(page, name):
    """{"mean": ..., "p50": ...} of a line of quantiles."""
    words = page[name].split()
    return dict(zip(words[::2], map(float, words[1::2])))


def dispersion_and_peak(at_ns, counts, end_ns, window_s):
    """Whole windows from the first row on: (dispersion, peak/mean); NaN where there are too few."""
    width = window_s * NS
    whole = int((end_ns - at_ns[0]) // width)
    index = (at_ns - at_ns[0]) // width
    inside = index < whole
    values = numpy.bincount(index[inside], weights=counts[inside], minlength=whole)
    if whole == 0:
        return math.nan, math.nan
    return (values.var() / values.mean() if whole > 1 else math.nan), values.max() / values.mean()


def series_of(at_ns, counts, end_ns, bin_ns):
    whole = int((end_ns - at_ns[0]) // bin_ns)
    index = (at_ns - at_ns[0]) // bin_ns
    return numpy.bincount(index[index < whole], weights=counts[index < whole], minlength=whole)


def lagged(series, lag):
    return numpy.corrcoef(series[:-lag], series[lag:])[0, 1] if len(series) >= 2 * lag else math.nan


def profile(at_ns, series, bin_ns, period_s, parts, shift_s=0):
    start = at_ns[0] + numpy.arange(len(series), dtype=numpy.int64) * bin_ns + shift_s * NS
    part = start % (period_s * NS) // (period_s * NS // parts)
    return [series[part == p].mean() / series.mean() if (part == p).any() else math.nan for p in range(parts)]


def hill(values):
    values = numpy.sort(values[~numpy.isnan(values)])
    tail = max(len(values) // 100, 25)
    if len(values) < 50 or values[-tail - 1] <= 0:
        return math.nan
    total = numpy.log(values[-tail:] / values[-tail - 1]).sum()
    return tail / total if total > 0 else math.nan


class Expected:
    """Of rows in order of time: instants (ns), counts, and two columns."""

    def __init__(self, at_ns, first=None, second=None, counts=None, interval_s=0, dated=False):
        self.at_ns, self.first, self.second, self.dated = numpy.asarray(at_ns), first, second, dated
        self.is_counts = counts is not None
        self.counts = numpy.asarray(counts, float) if self.is_counts else numpy.ones(len(at_ns))
        self.interval_s = interval_s
        self.end_ns = int(self.at_ns[-1]) + int(interval_s * NS)

    def figures(self):
        """{line: value} for lines that hold one number."""
        span_s = (self.end_ns - int(self.at_ns[0])) / NS
        values = {"n": self.counts.sum(), "span": span_s, "rate": self.counts.sum() / span_s}
        for window_s in WINDOWS_S:
            if self.interval_s and window_s % self.interval_s:
                values[f"index of dispersion {window_s} s"] = values[f"peak/mean {window_s} s"] = math.nan
            else:
                values[f"index of dispersion {window_s} s"], values[f"peak/mean {window_s} s"] = dispersion_and_peak(self.at_ns, self.counts, self.end_ns, window_s)
        self.bin_ns = int(max(60, self.interval_s)) * NS
        self.series = series_of(self.at_ns, self.counts, self.end_ns, self.bin_ns)
        values["autocorrelation 1 day"] = lagged(self.series, 86400 * NS // self.bin_ns)
        values["autocorrelation 7 days"] = lagged(self.series, 7 * 86400 * NS // self.bin_ns)
        if not self.is_counts:
            gaps = numpy.diff(self.at_ns)
            values.update({"inter-arrival mean": gaps.mean() / NS, "inter-arrival CV": gaps.std() / gaps.mean(), "inter-arrival p50": numpy.median(gaps) / NS,
                           "longest gap": gaps.max() / NS, "share of zero gaps": (gaps == 0).mean(), "Hill tail index gaps": hill(gaps / NS),
                           "step of timestamps": numpy.gcd.reduce(gaps) / NS})
        return values


def same(test, page, name, expected, relative=2e-5):
    """The page has the value to the digits it prints."""
    said = number(page, name)
    if math.isnan(expected):
        test.assertTrue(math.isnan(said), f"{name}: {said}, not n/a")
    else:
        test.assertTrue(math.isclose(said, expected, rel_tol=relative, abs_tol=2e-6), f"{name}: {said}, not {expected}")


def same_column(test, page, name, values):
    values = numpy.asarray(values, float)
    said = summary(page, name)
    values = values[~numpy.isnan(values)]
    expected = {"mean": values.mean(), "sd": values.std(), "min": values.min(), "max": values.max()}
    expected.update({f"p{level:g}": value for level, value in zip(LEVELS, numpy.percentile(values, LEVELS))})
    test.assertEqual(set(said), set(expected))
    for key, value in expected.items():
        test.assertTrue(math.isclose(said[key], value, rel_tol=2e-5, abs_tol=1e-6), f"{name} {key}: {said[key]}, not {value}")
    same(test, page, f"Hill tail index {name}", hill(values))


def same_profile(test, page, name, expected):
    if page[name].startswith("n/a"):
        test.fail(f"{name}: {page[name]}")
    said = [math.nan if word == "-" else float(word) for word in page[name].split("(")[0].split()]
    numpy.testing.assert_allclose(said, expected, rtol=2e-3, err_msg=name)


def spearman(first, second):
    both = ~(numpy.isnan(first) | numpy.isnan(second))
    return scipy.stats.spearmanr(first[both], second[both]).statistic


def check_all(test, page, expected, first_name=None, second_name=None, rank_name=None):
    for name, value in expected.figures().items():
        same(test, page, name, value)
    if expected.first is not None and first_name:
        same_column(test, page, first_name, expected.first)
    if expected.second is not None and second_name:
        same_column(test, page, second_name, expected.second)
    if rank_name:
        same(test, page, rank_name, spearman(numpy.asarray(expected.first, float), numpy.asarray(expected.second, float)))
    if len(expected.series) * expected.bin_ns >= 86400 * NS:
        same_profile(test, page, "profile of the day", profile(expected.at_ns, expected.series, expected.bin_ns, 86400, 24))
    if len(expected.series) * expected.bin_ns >= 7 * 86400 * NS:
        shift_s = 3 * 86400 if expected.dated else 0
        same_profile(test, page, "profile of the week", profile(expected.at_ns, expected.series, expected.bin_ns, 7 * 86400, 7, shift_s))

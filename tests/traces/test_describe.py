"""`headroom describe trace`: every figure against numpy and scipy, on generated files of every format and on the real traces where
HEADROOM_DATA has them; warnings; what is left out, sorted or not read is said."""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import unittest

import numpy
import pandas

from described import NS, Expected, check_all, number, parsed, same, same_column, summary
from support.program import PROGRAM, SHORT, InFolder

DATA = os.environ.get("HEADROOM_DATA")
START = numpy.datetime64("2024-05-10T11:00:00")


def dates(at_ns, unit="us", zone=""):
    """Texts of instants since START."""
    stamps = (START.astype("datetime64[ns]") + numpy.asarray(at_ns).astype("timedelta64[ns]")).astype(f"datetime64[{unit}]")
    return [text.replace("T", " ") + zone for text in stamps.astype(str)]


def start_ns():
    return START.astype("datetime64[ns]").astype(numpy.int64)


def requests(seed, n, mean_s=2.0, step_ns=1000):
    """(instants in ns, input, output): bursty, with ties, heavy tails and correlated sizes."""
    random = numpy.random.default_rng(seed)
    gaps = numpy.where(random.random(n) < 0.05, 0, random.gamma(0.3, mean_s / 0.3, n))
    at_ns = (numpy.cumsum(gaps * NS) // step_ns).astype(numpy.int64) * step_ns
    size = numpy.exp(random.normal(6, 1, n))
    return at_ns, size.astype(int) + 1, (size * random.pareto(1.5, n)).astype(int) % 100000


class Describe(InFolder):
    def page(self, name, *options):
        return parsed(self.headroom("describe", "trace", self.path(name), *options).stdout)

    def put(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    def put_table(self, name, header, *columns):
        self.put(name, header + "\n" + "\n".join(",".join(map(str, row)) for row in zip(*columns)) + "\n")


class Formats(Describe):
    def test_azure(self):
        for n, mean_s, zone in ((3, 1.0, ""), (400, 2.0, ""), (20000, 9.0, "+00:00"), (40000, 40.0, "")):
            with self.subTest(n=n):
                at_ns, size, out = requests(n, n, mean_s)
                self.put_table("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", dates(at_ns, zone=zone), size, out)
                page = self.page("t.csv")
                self.assertEqual(page["format"], "azure-llm")
                check_all(self, page, Expected(start_ns() + at_ns, size, out, dated=True), "input tokens", "output tokens", "Spearman input, output")

    def test_burstgpt(self):
        at_ns, size, out = requests(1, 5000, 30, NS)
        models = numpy.where(size % 2, "ChatGPT", "GPT-4")
        for extra in ("", "Session ID,Elapsed time,"):
            cells = [["s-1"] * len(size), [3] * len(size)] if extra else []
            self.put_table("b.csv", f"Timestamp,{extra}Model,Request tokens,Response tokens,Total tokens,Log Type",
                           [f"{t // NS}.0" for t in at_ns], *cells, models, size, out, size + out, ["API log"] * len(size))
            page = self.page("b.csv")
            self.assertEqual(page["format"], "burstgpt")
            check_all(self, page, Expected(at_ns, size, out), "input tokens", "output tokens", "Spearman input, output")
            self.assertTrue(any("quantised" in line for line in page["warnings"]))

    def test_json_lines(self):
        at_ns, size, out = requests(2, 3000, 1, 3 * 10**6)
        rows = [{"timestamp": int(t // 10**6), "input_length": int(i), "output_length": int(o), "hash_ids": list(range(k % 9))}
                for k, (t, i, o) in enumerate(zip(at_ns, size, out))]
        rows[7] = dict(reversed(rows[7].items()))  # the order of keys is free
        self.put("m.jsonl", "\n".join(map(json.dumps, rows)))
        page = self.page("m.jsonl")
        self.assertEqual(page["format"], "mooncake (JSON Lines)")
        check_all(self, page, Expected(at_ns, size, out), "input tokens", "output tokens", "Spearman input, output")
        rows = [{"chat_id": k, "parent_chat_id": -1, **row, "timestamp": row["timestamp"] / 1000, "type": "te\\\"xt, {"} for k, row in enumerate(rows)]
        self.put("q.jsonl", "\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "\n\n")
        page = self.page("q.jsonl")
        self.assertEqual(page["format"], "qwen-bailian (JSON Lines)")
        check_all(self, page, Expected(at_ns, size, out), "input tokens", "output tokens", "Spearman input, output")

    def test_own(self):
        at_ns, size, out = requests(3, 2000)
        self.put_table("o.csv", "arrival_ns,input,output", at_ns, size, out)
        page = self.page("o.csv")
        self.assertEqual(page["format"], "headroom")
        check_all(self, page, Expected(at_ns, size, out), "input tokens", "output tokens", "Spearman input, output")

    def test_counts(self):
        random = numpy.random.default_rng(4)
        count = random.poisson(200 + 100 * numpy.sin(numpy.arange(20000) / 229))
        at_ns = numpy.arange(20000) * 60 * NS
        self.put_table("c.csv", "period,count", dates(at_ns, "s"), count)
        page = self.page("c.csv")
        self.assertEqual((page["format"], page["warnings"]), ("worldcup98", []))
        check_all(self, page, Expected(start_ns() + at_ns, count, counts=count, interval_s=60, dated=True), "per interval")
        self.put_table("tw.csv", "minute,tweets", at_ns // NS, count)
        page = self.page("tw.csv")
        self.assertEqual(page["format"], "counts")
        check_all(self, page, Expected(at_ns, count, counts=count, interval_s=60), "per interval")
        self.put("h.txt", "".join(f"{k}.5,{value}.0;\n" for k, value in enumerate(count[:500])))
        page = self.page("h.txt")
        self.assertEqual(page["format"], "limbo")
        shifted = numpy.arange(500) * 3600 * NS + 1800 * NS
        check_all(self, page, Expected(shifted, count[:500], counts=count[:500], interval_s=3600), "per interval")

    def test_functions(self):
        """Two days, a file each, in one archive beside a file of another kind; read out of order."""
        random = numpy.random.default_rng(5)
        minutes = random.poisson(0.3, (2, 40, 1440))
        header = "HashOwner,HashApp,HashFunction,Trigger," + ",".join(map(str, range(1, 1441)))
        with tarfile.open(self.path("f.tar.gz"), "w:gz") as archive:
            for day in (1, 0):
                text = header + "\n" + "".join(f"o,a,f{k},http," + ",".join(map(str, row)) + "\n" for k, row in enumerate(minutes[day]))
                member = tarfile.TarInfo(f"invocations_per_function_md.anon.d{day + 1:02d}.csv")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
            member = tarfile.TarInfo("app_memory_percentiles.anon.d01.csv")
            member.size = 28
            archive.addfile(member, io.BytesIO(b"HashOwner,HashApp\nxxxx,yyyyy"))
        page = self.page("f.tar.gz")
        self.assertEqual((page["format"], page["rows"], page["members read"]), ("azure-functions-2019", "80", "2"))
        self.assertIn("app_memory_percentiles.anon.d01.csv", page["members not read"])
        count = minutes.sum(axis=1).ravel()
        check_all(self, page, Expected(numpy.arange(2880) * 60 * NS, count, counts=count, interval_s=60), "per interval")

    def test_functions_2021(self):
        """Arrivals are end less duration, sorted."""
        at_ns, _, out = requests(6, 3000, 5, 10**6)
        end_ms, duration_ms = at_ns // 10**6 + 10**5, out % 90000
        self.put_table("f.txt", "app,func,end_timestamp,duration", ["a"] * 3000, ["f"] * 3000, [f"{t // 1000}.{t % 1000:03d}" for t in end_ms],
                       [f"{t / 1000:g}" for t in duration_ms])
        page = self.page("f.txt")
        self.assertEqual(page["format"], "azure-functions-2021")
        check_all(self, page, Expected(numpy.sort(end_ms - duration_ms) * 10**6))
        self.assertIn("as published", page["warnings"][0])

    def test_clients(self):
        random = numpy.random.default_rng(7)
        rate, variation = random.random((3, 300)), random.gamma(2, 1, (3, 300))
        rate[1, :100] = 0
        with tarfile.open(self.path("s.tar"), "w") as archive:
            for client in range(3):
                text = "".join(f"{600 * k},{r!r},{c if r else 0!r},{'Gamma,1,2' if r else ',0,0'}\n" for k, (r, c) in enumerate(zip(rate[client].tolist(), variation[client].tolist())))
                member = tarfile.TarInfo(f"language/{'x' * 120}/chunk-{client}-trace.csv")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
                if client == 2:  # two windows of 6 hours, weighted by their requests
                    text = json.dumps({"0": {"input_tokens": "{9: 0.5, 4: 0.5}", "output_tokens": "{7: 1.0}", "image_tokens": "{1: 1.0}"},
                                       "21600": {"input_tokens": "{9: 1.0}", "output_tokens": "{}"}}, indent=2)
                    member = tarfile.TarInfo(f"language/{'x' * 120}/chunk-2-dataset.json")
                    member.size = len(text)
                    archive.addfile(member, io.BytesIO(text.encode()))
        page = self.page("s.tar")
        first, second = rate[2][:36].sum(), rate[2][36:72].sum()
        self.assertAlmostEqual(summary(page, "input tokens")["mean"], (first * 6.5 + second * 9) / (first + second), places=3)
        self.assertEqual((summary(page, "input tokens")["p1"], summary(page, "input tokens")["p50"], summary(page, "output tokens")["sd"]), (4, 9, 0))
        self.assertEqual(page["tokens are known of"].split()[0], "1")
        self.assertNotIn("members not read", page)
        count = rate.sum(axis=0) * 600
        self.assertEqual((page["format"], page["clients"], page["rows"]), ("servegen", "3", "900"))
        same(self, page, "share of the largest client", rate.sum(axis=1).max() / rate.sum())
        active = numpy.sort(variation[rate > 0])
        self.assertAlmostEqual(summary(page, "inter-arrival CV of a client")["p50"] if "(" not in page["inter-arrival CV of a client"] else
                               float(page["inter-arrival CV of a client"].split()[1]), active[len(active) // 2], places=4)
        check_all(self, page, Expected(numpy.arange(300) * 600 * NS, count, counts=count, interval_s=600), "per interval")

    def test_training_jobs(self):
        at_ns, gpus, duration = requests(8, 2000, 60, NS)
        gpus = gpus % 8 + 1
        order = numpy.random.default_rng(8).permutation(2000)
        self.put_table("p.csv", "timestamp,duration,num_gpus,gpu_time,cluster", numpy.array(dates(at_ns, "s"))[order], [f"{d}.5" for d in duration[order]], gpus[order],
                       ["1"] * 2000, ["vc"] * 2000)
        page = self.page("p.csv")
        self.assertEqual((page["format"], page["n"]), ("philly", "2000 jobs"))
        check_all(self, page, Expected(start_ns() + at_ns, gpus, duration + 0.5, dated=True), "GPUs", "duration (s)", "Spearman GPUs, duration")
        share = numpy.where(gpus == 1, 250, 1000)
        scheduled = [str(t // NS + 5) if k % 3 else "" for k, t in enumerate(at_ns)]
        self.put_table("o.csv", "name,num_gpu,gpu_milli,creation_time,deletion_time,scheduled_time", range(2000), gpus, share, at_ns // NS, at_ns // NS + 5 + duration, scheduled)
        page = self.page("o.csv")
        wanted = numpy.where(gpus == 1, 0.25, gpus)
        known = numpy.where(numpy.arange(2000) % 3, duration, numpy.nan)
        self.assertEqual((page["format"], page["jobs without a duration"]), ("openb", "667"))
        check_all(self, page, Expected(at_ns, wanted, known), "GPUs", "duration (s)", "Spearman GPUs, duration")
        self.put_table("l.csv", "name,time,application,num_replicas,batch_size", range(2000), at_ns // NS, ["ncf"] * 2000, gpus, [32] * 2000)
        page = self.page("l.csv")
        self.assertEqual(page["format"], "pollux")
        check_all(self, page, Expected(at_ns, gpus), "GPUs")

    def test_sizes_alone(self):
        _, size, out = requests(9, 5000)
        self.put_table("v.csv", "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio", size, out, size + out, size / (out + 1))
        page = self.page("v.csv")
        self.assertEqual(page["format"], "vidur")
        same_column(self, page, "input tokens", size)
        same_column(self, page, "output tokens", out)

    def test_columns_by_name_and_unit(self):
        at_ns, size, out = requests(10, 2000, 3, 10**6)
        for unit, unit_ns in (("s", NS), ("ms", 10**6), ("us", 1000), ("ns", 1), ("min", 60 * NS), ("h", 3600 * NS)):
            with self.subTest(unit=unit):
                coarse = at_ns // (unit_ns if unit_ns > 10**6 else 10**6) * (unit_ns if unit_ns > 10**6 else 10**6)
                self.put_table("g.csv", "who,arrived,in size,made", range(2000), coarse // unit_ns if unit_ns <= 10**6 else coarse // unit_ns, size, out)
                page = self.page("g.csv", "--set", "time=arrived", "--set", f"unit={unit}", "--set", "input=in size", "--set", "output=made")
                self.assertEqual(page["format"], "generic")
                check_all(self, page, Expected(coarse, size, out), "input tokens", "output tokens", "Spearman input, output")
        self.put("g.jsonl", "".join(json.dumps({"id": k, "at": int(t), "made": int(o), "prompt": {"tokens": 3}}) + "\n" for k, (t, o) in enumerate(zip(at_ns, out))))
        page = self.page("g.jsonl", "--set", "time=at", "--set", "unit=ns", "--set", "output=made")
        check_all(self, page, Expected(at_ns, None, out), second_name="output tokens")
        self.put_table("j.csv", "start,took,n", at_ns // 10**6, out, size % 9)
        page = self.page("j.csv", "--set", "time=start", "--set", "unit=ms", "--set", "duration=took", "--set", "gpus=n")
        check_all(self, page, Expected(at_ns, size % 9, out / 1000), "GPUs", "duration (s)", "Spearman GPUs, duration")


class Files(Describe):
    def test_compressed_files_say_the_same(self):
        at_ns, size, out = requests(11, 30000)
        self.put_table("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", dates(at_ns), size, out)
        with open(self.path("t.csv"), "rb") as file:
            plain = file.read()
        self.put("t.csv.gz", gzip.compress(plain, 1))
        self.put("two.csv.gz", gzip.compress(plain[:400001], 9) + gzip.compress(plain[400001:], 1))
        for name, mode in (("t.tar", "w"), ("t.tar.gz", "w:gz")):
            for kind in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
                with tarfile.open(self.path(f"{kind}{name}"), mode, format=kind) as archive:
                    archive.add(self.path("t.csv"), "a folder/" + "n" * 90 + "/t.csv")
        expected = self.headroom("describe", "trace", self.path("t.csv")).stdout.split("\n", 1)[1]
        for name in sorted(os.listdir(self.folder)):
            with self.subTest(name=name):
                self.assertEqual(self.headroom("describe", "trace", self.path(name)).stdout.split("\n", 1)[1], expected)

    def test_line_ends_and_quotes(self):
        at_ns, size, out = requests(12, 500)
        self.put_table("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", dates(at_ns), size, out)
        expected = self.headroom("describe", "trace", self.path("t.csv")).stdout.split("\n", 1)[1]
        with open(self.path("t.csv"), "rb") as file:
            plain = file.read()
        quoted = b"\n".join(b",".join(b'"' + field + b'"' for field in line.split(b",")) for line in plain.splitlines())
        for content in (plain.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + plain, plain[:-1], plain + b"\n \n\r\n", quoted, quoted.replace(b"\n", b"\r\n")):
            self.put("u.csv", content)
            self.assertEqual(self.headroom("describe", "trace", self.path("u.csv")).stdout.split("\n", 1)[1], expected)

    def test_long_records(self):
        """A record may be longer than what is read at a time."""
        rows = [{"timestamp": k * 1000, "input_length": 5, "output_length": 7, "hash_ids": list(range(40000 * (k % 2)))} for k in range(6)]
        self.put("m.jsonl", "\n".join(map(json.dumps, rows)))
        self.assertEqual(self.page("m.jsonl")["n"], "6 requests")

    @unittest.skipIf(SHORT, "long")
    def test_large_files_need_little_memory(self):
        """Above a million rows quantiles are those of a sample, which the page says; everything else stays exact."""
        random = numpy.random.default_rng(13)
        n = 1500000
        at_ns = numpy.cumsum((random.exponential(0.05, n) * 10**7).astype(numpy.int64) * 100)
        size = random.integers(0, 10**6, n)
        pandas.DataFrame({"arrival_ns": at_ns, "input": size, "output": 10**6 - size}).to_csv(self.path("l.csv"), index=False)
        result = self.headroom("describe", "trace", self.path("l.csv"))
        page = parsed(result.stdout)
        self.assertIn("a sample of 1000000 of the 1500000 rows", result.stdout)
        expected = Expected(at_ns, size, size).figures()
        for name, value in expected.items():
            if name not in ("inter-arrival p50", "Hill tail index gaps"):
                same(self, page, name, value)
        same(self, page, "Spearman input, output", -1)
        self.assertLess(abs(summary(page, "input tokens")["p50"] - numpy.median(size)), 4 * 10**6 * 0.5 / 1000)
        self.assertEqual(result.stdout, self.headroom("describe", "trace", self.path("l.csv")).stdout)
        with open(self.path("l.csv"), "rb") as file, gzip.open(self.path("four.csv.gz"), "wb", 1) as more:
            header, rows = file.read().split(b"\n", 1)
            more.write(header + b"\n")
            for k in range(4):  # the same rows again, later: sorted as before
                more.write(b"".join(b"%d%s" % (int(row.split(b",", 1)[0]) + k * int(at_ns[-1]), row[row.index(b","):]) for row in rows.splitlines(True)))
        once, four = self.peak_mib("l.csv"), self.peak_mib("four.csv.gz")
        self.assertLess(four, 1.1 * once)
        self.assertLess(four, 256)

    def peak_mib(self, name):
        """Measured from a small process: a child begins with the peak of the one that starts it."""
        script = ("import os, subprocess, sys\n"
                  "process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
                  "print(os.wait4(process.pid, 0)[2].ru_maxrss)")
        return int(subprocess.check_output([sys.executable, "-S", "-c", script, PROGRAM, "describe", "trace", self.path(name)])) / 1024


class Warnings(Describe):
    def warned(self, name, *options):
        return " | ".join(self.page(name, *options)["warnings"])

    def azure(self, stamps, size=None, out=None):
        n = len(stamps)
        self.put_table("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", stamps, [5] * n if size is None else size, [7] * n if out is None else out)

    def test_nothing_to_say(self):
        at_ns, size, out = requests(20, 3000)
        self.azure(dates(at_ns), size, out)
        self.assertEqual(self.warned("t.csv"), "")

    def test_unsorted_rows_are_sorted_and_counted(self):
        at_ns, size, out = requests(21, 3000)
        order = numpy.arange(3000)
        order[[100, 101]] = order[[101, 100]]
        order[[2000, 2500]] = order[[2500, 2000]]
        at_ns[101] += 1
        self.azure(numpy.array(dates(at_ns))[order], size[order], out[order])
        self.assertIn("unsorted: 3 rows are earlier", self.warned("t.csv"))
        check_all(self, self.page("t.csv"), Expected(start_ns() + at_ns // 1000 * 1000, size, out, dated=True), "input tokens", "output tokens", "Spearman input, output")

    def test_half_day_clocks(self):
        hours = pandas.date_range("2024-05-10 09:00", periods=4000, freq="37s")
        self.azure(hours.strftime("%Y-%m-%d %I:%M:%S"))
        self.assertIn("12-hour clock", self.warned("t.csv"))
        self.azure(sorted(pandas.date_range("2024-05-10", periods=9000, freq="37s").strftime("%Y-%m-%d %I:%M:%S")))
        self.assertIn("12-hour clock: no instant has an hour of 0", self.warned("t.csv"))
        self.azure(hours.strftime("%Y-%m-%d %H:%M:%S"))
        self.assertNotIn("12-hour", self.warned("t.csv"))

    def test_grids(self):
        at_ns, size, out = requests(22, 3000)
        self.azure(dates(at_ns, "s"), size, out)
        self.assertIn("quantised timestamps: all are whole multiples of 1s", self.warned("t.csv"))
        self.azure(dates(at_ns // (3 * 10**8) * 3 * 10**8, "ms"), size, out)
        self.assertIn("quantised timestamps: all are whole multiples of 300ms", self.warned("t.csv"))
        at_ns = at_ns // NS * NS
        at_ns[::500] += 1000
        self.azure(dates(at_ns), size, out)
        self.assertIn("quantised timestamps: 99.8 % are whole seconds", self.warned("t.csv"))

    def test_missing_minutes(self):
        at_ns = numpy.arange(6000) * NS // 2
        self.azure(dates(at_ns[(at_ns < 600 * NS) | (at_ns > 790 * NS)] + 17001))
        self.assertIn("missing minutes: 3 of 49", self.warned("t.csv"))
        minutes = numpy.delete(numpy.arange(100), [40, 41, 77])
        self.put_table("c.csv", "period,count", dates(minutes * 60 * NS, "s"), minutes + 1)
        self.assertIn("missing minutes: 3 of 100 intervals have no row; read as no requests here, the first 2400s after", self.warned("c.csv"))

    def test_caps(self):
        at_ns, size, out = requests(23, 3000)
        self.azure(dates(at_ns), numpy.minimum(size, 1500), out)
        self.assertIn("hard cap: input tokens end at 1500", self.warned("t.csv"))
        size = numpy.minimum(size, 4000 - numpy.arange(3000) % 1000)
        self.azure(dates(at_ns), size, numpy.where(numpy.arange(3000) % 20 == 0, 4096 - size, numpy.minimum(out, 4096 - size)))
        self.assertIn("hard cap: input and output together end at 4096", self.warned("t.csv"))
        self.azure(dates(at_ns), size, numpy.where(numpy.arange(3000) % 250 == 0, 1000, out % 950))
        self.assertIn("hard cap: output tokens end at 1000, where 0.4 %", self.warned("t.csv"))


@unittest.skipUnless(DATA, "HEADROOM_DATA is not set")
class RealTraces(Describe):
    """Read by pandas and by us: the same figures."""

    def real(self, name):
        path = os.path.join(DATA, "traces", name)
        if not os.path.exists(path):
            self.skipTest(f"no {name}")
        return path, parsed(self.headroom("describe", "trace", path).stdout)

    def test_azure(self):
        for name in ("code", "conv"):
            path, page = self.real(f"azure-llm-2023/AzureLLMInferenceTrace_{name}.csv")
            table = pandas.read_csv(path, parse_dates=["TIMESTAMP"])
            at_ns = table.TIMESTAMP.astype("datetime64[ns]").astype("int64").to_numpy()
            check_all(self, page, Expected(at_ns, table.ContextTokens.to_numpy(), table.GeneratedTokens.to_numpy(), dated=True), "input tokens", "output tokens",
                      "Spearman input, output")

    def test_worldcup(self):
        path, page = self.real("worldcup98/invocation_count_1998-04-30_06-23.csv.gz")
        table = pandas.read_csv(path, parse_dates=["period"])
        at_ns = table.period.astype("datetime64[ns]").astype("int64").to_numpy()
        check_all(self, page, Expected(at_ns, table["count"].to_numpy(), counts=table["count"], interval_s=60, dated=True), "per interval")
        self.assertIn("missing minutes: 10 of 77910", page["warnings"][0])

    def test_wikipedia(self):
        path, page = self.real("limbo/wikipedia_trace.txt")
        table = pandas.read_csv(path, header=None, names=["hour", "count"])
        count = table["count"].str.rstrip(";").astype(float).to_numpy()
        check_all(self, page, Expected((table.hour * 3600 * NS).astype("int64").to_numpy(), count, counts=count, interval_s=3600), "per interval")

    def test_philly(self):
        path, page = self.real("philly/philly_2017-09-04_10-31.csv.gz")
        table = pandas.read_csv(path, parse_dates=["timestamp"]).dropna(how="all").sort_values("timestamp", kind="stable")
        at_ns = table.timestamp.astype("datetime64[ns]").astype("int64").to_numpy()
        check_all(self, page, Expected(at_ns, table.num_gpus.to_numpy(), table.duration.to_numpy(), dated=True), "GPUs", "duration (s)", "Spearman GPUs, duration")

    def test_openb(self):
        path, page = self.real("openb/openb_pod_list_default.csv.gz")
        table = pandas.read_csv(path)
        wanted = numpy.where(table.num_gpu == 1, table.gpu_milli / 1000, table.num_gpu)
        check_all(self, page, Expected((table.creation_time * NS).to_numpy(), wanted, (table.deletion_time - table.scheduled_time).to_numpy()), "GPUs", "duration (s)",
                  "Spearman GPUs, duration")

    def test_pollux(self):
        for number_of in range(1, 6):
            path, page = self.real(f"pollux/workloads/workload-{number_of}.csv")
            table = pandas.read_csv(path)
            check_all(self, page, Expected((table.time * NS).to_numpy(), table.num_replicas.to_numpy()), "GPUs")

    def test_servegen(self):
        for name in ("m-small.tar.gz", "m-mid-traces.tar.gz", "mm-image.tar.gz"):
            path, page = self.real(f"servegen/{name}")
            total, tops = 0, []
            with tarfile.open(path) as archive:
                for member in archive:
                    if member.name.endswith("-trace.csv"):
                        table = pandas.read_csv(archive.extractfile(member), header=None)
                        index = (table[0] // 600).astype(int).to_numpy()
                        of_client = numpy.bincount(index, weights=table[1] * 600, minlength=2016)
                        total = total + of_client
                        tops.append(of_client.sum())
            total = total[:numpy.nonzero(total)[0].max() + 1] if name == "mm-image.tar.gz" else total
            self.assertEqual(page["clients"], str(len(tops)))
            same(self, page, "share of the largest client", max(tops) / sum(tops))
            same(self, page, "share of the largest 10", sum(sorted(tops)[-10:]) / sum(tops))
            same(self, page, "n", sum(tops), relative=1e-9)
            if name == "m-small.tar.gz":  # as in the README of the traces
                sizes, made = summary(page, "input tokens"), summary(page, "output tokens")
                self.assertEqual([round(sizes["mean"]), sizes["p50"], sizes["p99"]], [120, 40, 1478])
                self.assertEqual([round(made["mean"]), made["p50"], made["p99"]], [15, 3, 142])

    def test_vidur(self):
        path, page = self.real("vidur/arxiv_summarization_stats_llama2_tokenizer_filtered_v2.csv.gz")
        table = pandas.read_csv(path)
        same_column(self, page, "input tokens", table.num_prefill_tokens)
        same_column(self, page, "output tokens", table.num_decode_tokens)
        self.assertIn("hard cap: input and output together end at 4096", page["warnings"][-1])
        self.assertLess(number(page, "Spearman input, output"), 0)


if __name__ == "__main__":
    unittest.main()

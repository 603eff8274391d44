"""What a replay makes of each format: the jobs that `headroom generate` writes are the rows of the file. And repairs: only when asked for,
counted, and said."""

import gzip
import json
import unittest

import numpy

from described import NS
from support.program import InFolder, small
from test_describe import START, dates, requests


class Replay(InFolder):
    def put_table(self, name, header, *columns):
        content = header + "\n" + "\n".join(",".join(map(str, row)) for row in zip(*columns)) + "\n"
        opener = gzip.open if name.endswith(".gz") else open
        with opener(self.path(name), "wb") as file:
            file.write(content.encode())

    def generated(self, name, horizon="30d", **options):
        """(arrival_ns, input, output, what was said) of the replay of a file."""
        replay = {key: options.pop(key) for key in ("spread", "time_scale") if key in options}
        scenario = self.write("s.yaml", small({"horizon": horizon, "deployments.app.workload": {"arrivals": {"replay": {"trace": {"file": name, **options}, **replay}}}}))
        result = self.headroom("generate", scenario)
        table = numpy.array([list(map(int, line.split(","))) for line in result.stdout.splitlines()[1:]]).reshape(-1, 3)
        said = self.headroom("check", scenario).stderr
        return table[:, 0], table[:, 1], table[:, 2], said

    def test_requests(self):
        at_ns, size, out = requests(1, 3000, 5, 10**6)
        self.put_table("azure.csv.gz", "TIMESTAMP,ContextTokens,GeneratedTokens", dates(at_ns, "ms", "+00:00"), size, out)
        self.put_table("burst.csv", "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type", [f"{t / NS:.3f}" for t in at_ns], ["GPT-4"] * 3000, size, out, out,
                       ["API log"] * 3000)
        self.write("moon.jsonl", "\n".join(json.dumps({"timestamp": int(t) // 10**6, "input_length": int(i), "output_length": int(o), "hash_ids": []})
                                           for t, i, o in zip(at_ns, size, out)))
        self.put_table("named.csv", "a,b,c", out, at_ns // 10**6, size)
        for name, options in (("azure.csv.gz", {}), ("burst.csv", {}), ("moon.jsonl", {}), ("named.csv", {"time": "b", "unit": "ms", "input": "c", "output": "a"})):
            with self.subTest(name=name):
                arrival, given, made, said = self.generated(name, **options)
                numpy.testing.assert_array_equal(arrival, at_ns - at_ns[0])
                numpy.testing.assert_array_equal(given, size)
                numpy.testing.assert_array_equal(made, out)
                self.assertNotIn("warning", said)

    def test_jobs_sorted_as_published(self):
        at_ns, gpus, duration = requests(2, 500, 60, NS)
        order = numpy.random.default_rng(2).permutation(500)
        self.put_table("p.csv", "timestamp,duration,num_gpus,gpu_time,cluster", numpy.array(dates(at_ns, "s"))[order], duration[order], gpus[order] % 9, gpus, ["v"] * 500)
        arrival, _, _, said = self.generated("p.csv")
        numpy.testing.assert_array_equal(arrival, at_ns - at_ns[0])
        backward = int((numpy.diff(at_ns[order]) < 0).sum())
        self.assertIn(f"{backward} rows are earlier than the one before, as published; sorted by time, equal instants in the file's order", said)

    def test_counts(self):
        """Jobs in an interval; rates leave their fractions to the next."""
        random = numpy.random.default_rng(3)
        count = random.poisson(3, 500)
        self.put_table("c.csv", "period,count", dates(numpy.arange(500) * 60 * NS, "s"), count)
        arrival = self.generated("c.csv")[0]
        numpy.testing.assert_array_equal(numpy.bincount(arrival // (60 * NS), minlength=500), count)
        rate = random.random(300) / 300
        self.write("chunk-0-trace.csv", "".join(f"{600 * k},{float(r)!r},1.5,Gamma,1,2\n" for k, r in enumerate(rate)))
        arrival = self.generated("chunk-0-trace.csv")[0]
        jobs = numpy.bincount(arrival // (600 * NS), minlength=300)
        self.assertLessEqual(numpy.abs(numpy.cumsum(jobs) - numpy.cumsum(rate * 600)).max(), 0.51)
        self.write("h.txt", "0.5,3.0;\n1.5,0.0;\n2.5,2.0;\n")
        self.assertEqual((self.generated("h.txt")[0] // (3600 * NS)).tolist(), [0, 0, 0, 2, 2])
        header = "HashOwner,HashApp,HashFunction,Trigger," + ",".join(map(str, range(1, 1441)))
        minutes = random.poisson(0.1, (3, 1440))
        self.write("invocations_per_function_md.anon.d01.csv", header + "\n" + "".join("o,a,f,http," + ",".join(map(str, row)) + "\n" for row in minutes))
        arrival = self.generated("invocations_per_function_md.anon.d01.csv")[0]
        numpy.testing.assert_array_equal(numpy.bincount(arrival // (60 * NS), minlength=1440), minutes.sum(axis=0))

    def test_repairs(self):
        """Sorted stably, unreadable rows left out: both counted."""
        at_s = [5, 5, 3, 3, 9, 9, 1]
        stamps = [str(START + numpy.timedelta64(s, "s")).replace("T", " ") for s in at_s]
        self.put_table("r.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", stamps, [1, 2, 3, 4, "x", 6, 7], [1] * 7)
        self.write("s.yaml", small({"deployments.app.workload": {"arrivals": {"replay": {"trace": {"file": "r.csv"}}}}}))
        self.assertIn("row 3, column 1 (TIMESTAMP): earlier", self.headroom("check", self.path("s.yaml"), code=3).stderr)
        arrival, given, _, said = self.generated("r.csv", repair=True)
        self.assertEqual((arrival // NS).tolist(), [0, 2, 2, 4, 4, 8])
        self.assertEqual(given.tolist(), [7, 3, 4, 1, 2, 6])
        self.assertIn("repaired: 2 rows are earlier than the one before; sorted by time", said)
        self.assertIn("repaired: 1 row is left out, the first because of: r.csv:6:21: error: row 5, column 2 (ContextTokens): `x`: not a whole number",
                      said.replace(self.folder + "/", ""))

    def test_describe_repairs_only_when_told(self):
        self.put_table("r.csv", "TIMESTAMP,ContextTokens,GeneratedTokens", dates(numpy.arange(9) * NS), [1, 2, "x", 4, 5, "", 7, -8, 9], [1] * 9)
        refused = self.headroom("describe", "trace", "r.csv", code=3)
        self.assertEqual((refused.stdout, refused.stderr.count("error: row")), ("", 3))
        said = self.headroom("describe", "trace", "r.csv", "--repair").stdout
        self.assertIn("3, the first because of: r.csv:4:28: error: row 3, column 2 (ContextTokens): `x`: not a whole number", said)
        self.assertIn("n                                6 requests", said)

    def test_usage(self):
        self.assertIn("azure-llm", self.headroom("describe", "trace").stdout)
        for arguments, code, words in ((["describe", "trace", "nowhere.csv"], 4, "cannot open nowhere.csv"), (["describe", "trace", "."], 4, "cannot open ."),
                                       (["describe", "policy", "hpa", "--repair"], 2, "are for `describe trace FILE`"),
                                       (["describe", "trace", "x.csv", "--set", "tyme=a"], 3, "did you mean `time`"),
                                       (["describe", "trace", "x.csv", "--set", "unit=days"], 3, "unit"), (["describe", "trace", "x.csv", "--set", "time"], 2, "key=value")):
            with self.subTest(arguments=arguments):
                self.assertIn(words, self.headroom(*arguments, code=code).stderr)


if __name__ == "__main__":
    unittest.main()

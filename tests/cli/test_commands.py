"""Every command on small scenarios: help, exit codes, what is mistyped, what machines read, and that nothing is lost.

Exit codes: 0 ok, 1 a run failed, 2 usage, 3 what a file says, 4 what cannot be opened, read or written, 130 interrupted."""

import csv
import io
import json
import os
import signal
import sqlite3
import subprocess
import time
import unittest

import h5py
import numpy

from support.program import PROGRAM, InFolder, Result, limit_file_size, sha256, small

COMMANDS = ("run", "merge", "status", "check", "compare", "explain", "describe", "generate", "fit", "tune", "sensitivity", "version")
TWO = {"strategies.out": {"scale": {"horizontal": {"target": "60%"}}}, "replications": 3, "horizon": "5m"}


class Help(InFolder):
    def test_generate_counts(self):
        path = self.write("count.yaml", small({"horizon": "5m"}))
        rows = self.headroom("generate", path).stdout.splitlines()
        self.assertEqual(int(self.headroom("generate", path, "--count").stdout), len(rows) - 1)

    def test_overview(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            text = self.headroom(*arguments).stdout
            for command in COMMANDS:
                self.assertRegex(text, rf"(?m)^  {command} ")

    def test_no_command(self):
        result = self.headroom(code=2)
        self.assertEqual(result.stdout, "")
        self.assertIn("headroom COMMAND", result.stderr)

    def test_each_command(self):
        for command in COMMANDS:
            for option in ("--help", "-h"):
                result = self.headroom(command, option)
                self.assertTrue(result.stdout.startswith(f"headroom {command}"), result.stdout)
                self.assertEqual(result.stderr, "")

    def test_help_names_every_option_that_is_taken(self):
        text = self.headroom("run", "--help").stdout
        for option in ("-o, --output FILE", "--set PATH=VALUE", "-j, --threads N", "--strategies A,B", "--traces WHICH", "--resume", "--shard k/N", "--force",
                       "--plain", "--quiet", "--json"):
            self.assertIn(option, text)

    def test_help_wins_over_missing_arguments(self):
        self.headroom("run", "no-such-file.yaml", "--threads", "2", "--help")

    def test_version(self):
        for arguments in (["version"], ["--version"]):
            text = self.headroom(*arguments).stdout
            self.assertRegex(text, r"^headroom \d+\.\d+")
            self.assertIn("HDF5", text)


class Mistyped(InFolder):
    def setUp(self):
        super().setUp()
        self.scenario = self.write("s.yaml", small(TWO))

    def refused(self, code, arguments, *words):
        result = self.headroom(*arguments, code=code)
        self.assertEqual(result.stdout, "")
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertNotIn("internal error", result.stderr)
        self.assertFalse([name for name in os.listdir(self.folder) if ".h5" in name])

    def test_commands(self):
        for wrong, near in (("rnu", "run"), ("Run", "run"), ("chekc", "check"), ("compair", "compare"), ("expalin", "explain"), ("versio", "version")):
            self.refused(2, [wrong], f"no command {wrong}", f"did you mean {near}?")
        self.refused(2, ["zzzzzzzz"], "no command zzzzzzzz")
        self.refused(2, [""], "no command")

    def test_options(self):
        for command, wrong, near in (("run", "--thread", "--threads"), ("run", "--ouput", "--output"), ("run", "--reume", "--resume"),
                                     ("compare", "--jsn", "--json"), ("explain", "--stategy", "--strategy"), ("generate", "--replicaton", "--replication"),
                                     ("check", "--sett", "--set")):
            self.refused(2, [command, "s.yaml", wrong, "1"], f"no option {wrong}", f"did you mean {near}?")
        self.refused(2, ["run", "s.yaml", "-x"], "no option -x")
        self.refused(2, ["version", "--json"], "no option --json")

    def test_option_values(self):
        for value in ("0", "-1", "2x", "", "x", "1.5", "1025", "99999999999999999999"):
            self.refused(2, ["run", "s.yaml", "--threads", value], "--threads", "from 1 to 1024")
        for command in ("run", "check"):
            self.refused(2, [command, "s.yaml", "--traces", "frist"], "--traces frist", "first, all or none")
        self.refused(2, ["run", "s.yaml", "--threads"], "--threads needs a value")
        self.refused(2, ["run", "s.yaml", "--quiet=yes"], "--quiet takes no value")
        self.refused(2, ["generate", "s.yaml", "--replication", "-1"], "--replication")

    def test_value_after_equals(self):
        self.headroom("run", "s.yaml", "--threads=1", "--output=e.h5", "--quiet")
        self.assertTrue(os.path.exists(self.path("e.h5")))

    def test_arguments(self):
        self.refused(2, ["run"], "missing SCENARIO")
        self.refused(2, ["run", "s.yaml", "t.yaml"], "one argument too many", "t.yaml")
        self.refused(2, ["compare"], "missing RESULT")
        self.refused(2, ["version", "now"], "one argument too many")

    def test_strategies(self):
        self.refused(2, ["run", "s.yaml", "--strategies", "stil"], "no strategy `stil`", "did you mean", "still")
        self.refused(2, ["run", "s.yaml", "--strategies", ""], "--strategies")

    def test_set(self):
        for edit, word in (("deployments.app.concurency=2", "concurrency"), ("horizn=1h", "horizon"), ("deployments.ap.concurrency=2", "app")):
            result = self.headroom("check", "s.yaml", "--set", edit, code=3)
            self.assertIn(word, result.stderr, edit)
        for edit in ("horizon", "=1h", ""):
            self.assertIn("path=value", self.headroom("check", "s.yaml", "--set", edit, code=2).stderr)
        self.assertIn("1 hour", self.headroom("check", "s.yaml", "--set", "horizon=1 hour", code=3).stderr)

    def test_last_set_wins_and_all_apply(self):
        text = self.headroom("check", "s.yaml", "--set", "horizon=1h", "--set", "seed=7", "--set", "horizon=2h").stdout
        self.assertIn("horizon 2h, seed 7", text)

    def test_explain(self):
        output = self.run_scenario(small(TWO), name="r")
        for arguments, words in ((["--strategy", "ouut"], "no strategy ouut"), (["--deployment", "apx"], "no deployment apx"), (["--point", "1"], "no point 1"),
                                 (["--point", "x"], "whole number"), (["--limit", "-2"], "whole number")):
            result = self.headroom("explain", output, *arguments, code=2)
            self.assertIn(words, result.stderr)
            self.assertEqual(result.stdout, "")

    def test_files_that_are_not_there_or_not_what_they_should_be(self):
        self.write("text.h5", "not HDF5\n")
        self.write("empty.h5", "")
        os.mkdir(self.path("folder"))
        for command in ("compare", "explain"):
            for name in ("none.h5", "text.h5", "empty.h5", "folder"):
                self.assertIn(name, self.headroom(command, name, code=4).stderr)
        for command in ("run", "check", "generate"):
            for name in ("none.yaml", "folder"):
                self.assertIn(name, self.headroom(command, name, code=4).stderr)
            self.write("wrong.yaml", "horizon: 1h\nhorizon: 2h\n")
            self.assertIn("wrong.yaml:2:1: error: ", self.headroom(command, "wrong.yaml", code=3).stderr)

    def test_a_hdf5_file_of_somebody_else(self):
        with h5py.File(self.path("other.h5"), "w") as file:
            file["x"] = [1, 2, 3]
        for command in ("compare", "explain"):
            self.assertIn("other.h5", self.headroom(command, "other.h5", code=4).stderr)

    def test_a_truncated_result(self):
        output = self.run_scenario(small(TWO), name="r")
        with open(output, "r+b") as file:
            file.truncate(os.path.getsize(output) // 2)
        for command in ("compare", "explain"):
            self.assertIn("r.h5", self.headroom(command, output, code=4).stderr)


class Commands(InFolder):
    def test_run_says_what_is_next(self):
        self.write("s.yaml", small(TWO))
        result = self.headroom("run", "s.yaml")
        self.assertTrue(os.path.exists(self.path("s.h5")))
        self.assertEqual(sorted(os.listdir(self.folder)), ["s.h5", "s.yaml"])
        for word in ("still", "out", "cost $", "p99 ms", "attained %", "Next:", "headroom explain s.h5"):
            self.assertIn(word, result.stdout)
        self.assertEqual(result.stderr, "", "no progress where no terminal is")

    def test_compare_is_what_run_prints(self):
        self.write("s.yaml", small(TWO))
        printed = self.headroom("run", "s.yaml").stdout
        again = self.headroom("compare", "s.h5").stdout
        self.assertTrue(printed.startswith(again))

    def test_quiet(self):
        self.write("s.yaml", small(TWO))
        for options in (["--quiet"], ["-q", "--force"]):
            result = self.headroom("run", "s.yaml", *options)
            self.assertEqual((result.stdout, result.stderr), ("", ""))

    def test_json(self):
        self.write("s.yaml", small({**TWO, "sweep": [{"set": "deployments.app.concurrency", "values": [1, 2]}]}))
        from_run = json.loads(self.headroom("run", "s.yaml", "--json").stdout)
        from_compare = json.loads(self.headroom("compare", "s.h5", "--json").stdout)
        self.assertEqual(from_run, from_compare)
        self.assertEqual(len(from_run["points"]), 2)
        result = Result(self.path("s.h5"))
        for p, point in enumerate(from_run["points"]):
            self.assertEqual(point["parameters"], {"concurrency": "12"[p]})
            self.assertEqual(sum(row["winner"] for row in point["strategies"]), 1)
            for s, row in enumerate(point["strategies"]):
                runs = slice(p * 6 + s * 3, p * 6 + s * 3 + 3)
                self.assertEqual(row["runs"], 3)
                mean = row["deployments"]["app"]["latency_mean_s"]["mean"]
                self.assertAlmostEqual(mean, float(result.summary["latency_mean_s"][runs, 0].mean()), places=12)

    def test_csv(self):
        self.write("s.yaml", small({**TWO, "sweep": [{"set": "deployments.app.concurrency", "values": [1, 2]}]}))
        self.headroom("run", "s.yaml", "--quiet")
        rows = list(csv.DictReader(io.StringIO(self.headroom("compare", "s.h5", "--csv").stdout)))
        self.assertEqual([(row["concurrency"], row["strategy"]) for row in rows], [("1", "still"), ("1", "out"), ("2", "still"), ("2", "out")])
        from_json = json.loads(self.headroom("compare", "s.h5", "--json").stdout)
        for row, other in zip(rows, [row for point in from_json["points"] for row in point["strategies"]]):
            self.assertNotIn(None, row)
            self.assertAlmostEqual(float(row["cluster_cost_usd"]), other["cluster_cost_usd"]["mean"], places=9)
            self.assertAlmostEqual(float(row["attainment_ratio"]), other["deployments"]["app"]["attainment_ratio"]["mean"], places=9)

    def test_names_that_need_quoting(self):
        """Names are the user's: backslashes and letters of other languages come through JSON, JSON lines and CSV; commas and quotes are refused
        in keys and allowed in the name."""
        title, awkward = 'größer, "so" \\ 1', "größer \\ {1}"
        scenario = small({**TWO, "replications": 1})
        scenario["name"] = title
        scenario["strategies"][awkward] = {"scale": {"horizontal": {"target": "30%"}}}
        scenario["deployments"][awkward] = scenario["deployments"].pop("app")
        scenario["sweep"] = [{"set": "strategies.out.scale.horizontal.metric", "values": ["utilisation", "latency"], "name": "what, then"}]
        if self.headroom("check", self.write("probe.yaml", scenario), code=None).returncode == 3:
            del scenario["sweep"][0]["name"]
        output = self.run_scenario(scenario)
        from_json = json.loads(self.headroom("compare", output, "--json").stdout)
        self.assertEqual(from_json["name"], title)
        self.assertEqual([row["strategy"] for row in from_json["points"][0]["strategies"]], ["still", "out", awkward])
        self.assertEqual(list(from_json["points"][0]["strategies"][0]["deployments"]), [awkward])
        self.assertTrue(all(row["deployment"] == awkward for row in self.decisions(output, "--strategy", awkward)))
        table = list(csv.reader(io.StringIO(self.headroom("compare", output, "--csv").stdout)))
        self.assertEqual({len(row) for row in table}, {len(table[0])}, "rows of equal length")
        self.assertIn(awkward, [cell for row in table for cell in row])

    def test_sweep_values_with_commas(self):
        axis = {"set": "deployments.app.variants.only.service", "values": [{"distribution": {"time": "50ms"}}, {"distribution": {"time": {"lognormal": {"mean": "50ms", "cv": 1}}}}]}
        output = self.run_scenario(small({**TWO, "sweep": [axis]}))
        table = list(csv.reader(io.StringIO(self.headroom("compare", output, "--csv").stdout)))
        self.assertEqual({len(row) for row in table}, {len(table[0])}, "rows of equal length")
        json.loads(self.headroom("compare", output, "--json").stdout)

    def test_explain(self):
        output = self.run_scenario(small({**TWO, "deployments.app.workload.arrivals": {"poisson": {"rate": "25/s"}}}))
        text = self.headroom("explain", output).stdout
        self.assertIn("strategy out", text)
        self.assertIn("scale_horizontally()", text)
        rows = self.decisions(output, "--strategy", "out", "--deployment", "app", "--point", "0")
        self.assertTrue(rows and all(row["deployment"] == "app" for row in rows))
        self.assertIn("no decision changed anything", self.headroom("explain", output, "--strategy", "still").stdout)
        limited = self.headroom("explain", output, "--limit", "1").stdout
        self.assertLess(len(limited), len(text) + 60)

    def test_check(self):
        scenario = self.write("s.yaml", small({**TWO, "sweep": [{"set": "deployments.app.concurrency", "values": [1, 2, 4]}]}))
        text = self.headroom("check", scenario).stdout
        for words in ("ok", "still, out", "18 (3 points x 2 strategies x 3 replications)", "concurrency: 1 2 4", "horizon 5m"):
            self.assertIn(words, text)
        self.assertEqual(os.listdir(self.folder), ["s.yaml"])

    def test_check_knows_the_size(self):
        """Within a factor of 3 of what is written."""
        unit = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
        for name, scenario, options in (("few", small(TWO), []), ("all", small({**TWO, "replications": 20}), ["--traces", "all"]),
                                        ("none", small({**TWO, "replications": 60, "horizon": "1m"}), ["--traces", "none"])):
            path = self.write(name + ".yaml", scenario)
            words = self.headroom("check", path, *options).stdout.split("about ")[-1].split()
            output = self.run_scenario(scenario, *options, name=name)
            self.assertLess(abs(numpy.log(float(words[0]) * unit[words[1]] / os.path.getsize(output))), numpy.log(3),
                            f"{name}: about {words[0]} {words[1]} said, {os.path.getsize(output)} bytes written")

    def test_strategies_option(self):
        self.write("s.yaml", small(TWO))
        self.headroom("run", "s.yaml", "--strategies", "out", "--quiet")
        self.assertEqual(set(Result(self.path("s.h5")).strategies), {"out"})

    def test_traces_option(self):
        for which, traced in (("first", 2), ("all", 6), ("none", 0)):
            output = self.run_scenario(small(TWO), "--traces", which)
            with h5py.File(output, "r") as file:
                self.assertEqual(len(file["trace/run"]) if "trace" in file else 0, traced, which)
            self.headroom("compare", output)
            self.headroom("explain", output)

    def test_describe(self):
        for what in ("policy", "workload", "service", "speed", "rate", "nodes", "catalog", "columns", "scenario", "schema"):
            self.assertGreater(len(self.headroom("describe", what).stdout), 40, what)
        text = self.headroom("describe", "policy").stdout
        for name in ("none", "small_model", "vertical", "horizontal", "hybrid", "threshold"):
            self.assertIn(name, text)
        json.loads(self.headroom("describe", "schema").stdout)

    def test_describe_a_model(self):
        text = self.headroom("describe", "policy", "threshold").stdout
        for words in ("data_size", "resource_limit", "scale_up_above", "use_small_model()", "scale_vertically()", "scale_horizontally()", "exhausted"):
            self.assertIn(words, text)
        self.assertEqual(self.headroom("describe", "policy", "fixed").stdout, self.headroom("describe", "policy", "none").stdout)

    def test_describe_mistyped(self):
        for arguments, near in ((["polcy"], "policy"), (["policy", "thresold"], "threshold"), (["workload", "poison"], "poisson")):
            result = self.headroom("describe", *arguments, code=2)
            self.assertIn(near, result.stderr)
            self.assertEqual(result.stdout, "")


class Nothing_is_lost(InFolder):
    def test_existing_result(self):
        scenario = self.write("s.yaml", small(TWO))
        output = self.write("s.h5", "precious\n")
        result = self.headroom("run", scenario, "-o", output, "--quiet", code=None)
        self.assertIn(result.returncode, (2, 4))
        self.assertIn("--force", result.stderr)
        with open(output, encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious\n")
        self.assertEqual(sorted(os.listdir(self.folder)), ["s.h5", "s.yaml"])
        self.headroom("run", scenario, "-o", output, "--quiet", "--force")
        Result(output)

    def test_resume_does_not_replace_another_result(self):
        """--resume asks to go on, not to replace: the finished result of another scenario stays as it is."""
        output = self.run_scenario(small(TWO), name="r")
        before = sha256(output)
        other = self.write("other.yaml", small({**TWO, "seed": 2}))
        result = self.headroom("run", other, "-o", output, "--resume", "--quiet", code=None)
        self.assertEqual(sha256(output), before, f"exit {result.returncode}: replaced without --force")

    def test_resume_of_a_finished_sweep_keeps_its_bytes(self):
        output = self.run_scenario(small(TWO), name="r")
        before = sha256(output)
        self.headroom("run", self.path("r.yaml"), "-o", output, "--resume", "--quiet", code=None)
        self.assertEqual(sha256(output), before)

    def test_generate_does_not_replace(self):
        scenario = self.write("s.yaml", small(TWO))
        trace = self.write("t.csv", "precious\n")
        self.assertIn("t.csv", self.headroom("generate", scenario, "-o", trace, code=4).stderr)
        with open(trace, encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious\n")

    def test_unwritable_output(self):
        scenario = self.write("s.yaml", small(TWO))
        self.write("file", "")
        for output in ("no-such-folder/s.h5", "file/s.h5", "x" * 300 + ".h5"):
            result = self.headroom("run", scenario, "-o", output, "--quiet", code=4)
            self.assertIn(output[:40], result.stderr)
        result = self.headroom("generate", scenario, "-o", "no-such-folder/t.csv", code=4)
        self.assertIn("no-such-folder/t.csv", result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["file", "s.yaml"])

    def test_output_is_a_folder(self):
        scenario = self.write("s.yaml", small(TWO))
        os.mkdir(self.path("out"))
        self.assertIn(self.headroom("run", scenario, "-o", "out", "--quiet", code=None).returncode, (2, 4))
        self.assertIn("out", self.headroom("run", scenario, "-o", "out", "--quiet", "--force", code=4).stderr)
        self.assertTrue(os.path.isdir(self.path("out")))

    def test_output_is_the_scenario(self):
        """A slip of the finger must not cost the scenario."""
        scenario = self.write("s.yaml", small(TWO))
        self.headroom("run", scenario, "-o", scenario, "--quiet", code=None)
        self.headroom("check", scenario)

    def test_standard_output_is_full(self):
        """What could not be printed is an error, not a success."""
        output = self.run_scenario(small(TWO))
        with open("/dev/full", "w", encoding="utf-8") as full:
            for arguments in (["generate", self.path("s.yaml")], ["compare", output, "--csv"], ["explain", output, "--strategy", "out"]):
                result = subprocess.run([PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
                self.assertEqual(result.returncode, 4, f"{arguments[0]}: {result.stderr}")
                self.assertIn("No space left", result.stderr)

    def test_file_size_limit(self):
        """A write that fails after so many bytes: exit 4, no half result; with room the sweep goes on from its journal."""
        if "tsan" in PROGRAM:
            self.skipTest("ThreadSanitizer maps a file of its own at the start, which the limit cuts short")
        scenario = self.write("s.yaml", small({**TWO, "replications": 20}))
        whole = self.run_scenario(scenario, name="whole")
        size = os.path.getsize(whole)
        for most in (4096, size // 4, size // 2, size - 1000):
            output = self.path(f"{most}.h5")
            result = self.headroom("run", scenario, "-o", output, "--quiet", code=4, preexec_fn=limit_file_size(most))
            self.assertIn("cannot write", result.stderr)
            self.assertIn("File too large", result.stderr)
            self.assertFalse(os.path.exists(output))
            self.assertFalse([name for name in os.listdir(self.folder) if name.startswith(str(most)) and ".journal" not in name])
            self.headroom("run", scenario, "-o", output, "--quiet", "--resume")
            self.assertEqual(sha256(output), sha256(whole))

    def test_full_disk(self):
        scenario = self.write("s.yaml", small({**TWO, "replications": 20}))
        whole = self.run_scenario(scenario, name="whole")
        disk = self.path("disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True, check=False).returncode != 0:
            self.skipTest("a file system cannot be mounted here")
        try:
            output = os.path.join(disk, "s.h5")
            result = self.headroom("run", scenario, "-o", output, "--quiet", code=4)
            self.assertIn("No space left on device", result.stderr)
            self.assertFalse(os.path.exists(output))
            self.assertLessEqual(set(os.listdir(disk)), {"s.h5.journal", "s.h5.journal-journal"})
            subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
            self.headroom("run", scenario, "-o", output, "--quiet", "--resume")
            self.assertEqual(sha256(output), sha256(whole))
        finally:
            subprocess.run(["umount", disk], check=True)


class Interrupted(InFolder):
    LONG = {**TWO, "replications": 600, "horizon": "20m"}

    def journal_count(self, path):
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as journal:
                return journal.execute("SELECT count(*) FROM run").fetchone()[0]
        except sqlite3.Error:
            return 0

    def interrupt(self, scenario, output, signal_number, *options):
        """Starts a sweep, interrupts it once something is committed; (exit code, stderr)."""
        process = subprocess.Popen([PROGRAM, "run", scenario, "-o", output, "--quiet", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and not self.journal_count(output + ".journal"):
            time.sleep(0.02)
        process.send_signal(signal_number)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors

    def test_interrupt_and_resume(self):
        scenario = self.write("s.yaml", small(self.LONG))
        output = self.path("s.h5")
        code, errors = self.interrupt(scenario, output, signal.SIGINT)
        self.assertEqual(code, 130, errors)
        self.assertIn("interrupted", errors)
        self.assertIn("--resume", errors)
        self.assertEqual(sorted(os.listdir(self.folder)), ["s.h5.journal", "s.yaml"])
        kept = self.journal_count(output + ".journal")
        self.assertGreater(kept, 0)
        self.assertLess(kept, 1200)
        self.assertIn("--resume", self.headroom("run", scenario, "-o", output, "--quiet", code=None).stderr)
        self.assertEqual(self.journal_count(output + ".journal"), kept)
        self.headroom("run", scenario, "-o", output, "--quiet", "--resume")
        self.assertEqual(sorted(os.listdir(self.folder)), ["s.h5", "s.yaml"])
        self.assertEqual(sha256(output), sha256(self.run_scenario(scenario, name="whole")))

    def test_terminate_leaves_an_existing_result(self):
        scenario = self.write("s.yaml", small(self.LONG))
        output = self.write("s.h5", "precious\n")
        code, errors = self.interrupt(scenario, output, signal.SIGTERM, "--force")
        self.assertEqual(code, 130, errors)
        with open(output, encoding="utf-8") as file:
            self.assertEqual(file.read(), "precious\n")

    def test_changed_scenario_is_not_resumed(self):
        scenario = self.write("s.yaml", small(self.LONG))
        output = self.path("s.h5")
        self.interrupt(scenario, output, signal.SIGINT)
        before = self.journal_count(output + ".journal")
        self.write("s.yaml", small({**self.LONG, "horizon": "21m"}))
        result = self.headroom("run", scenario, "-o", output, "--quiet", "--resume", code=4)
        self.assertIn("changed", result.stderr)
        self.assertIn("21m", result.stderr)
        self.assertEqual(self.journal_count(output + ".journal"), before)


class Failing_run(InFolder):
    """One point is overloaded beyond max_queue; by hand: 100 jobs/s for two replicas that serve 20/s overflow 100 within 2 s."""

    SCENARIO = {"horizon": "5m", "replications": 2, "deployments.app.queue": {"max_queue": 100},
                "sweep": [{"set": "deployments.app.workload.arrivals.poisson.rate", "values": ["5/s", "100/s", "8/s"]}]}

    def test_others_go_on(self):
        scenario = self.write("s.yaml", small(self.SCENARIO))
        result = self.headroom("run", scenario, code=1)
        self.assertIn("2 of 6 runs failed", result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["s.h5", "s.yaml"])
        stored = Result(self.path("s.h5"))
        self.assertEqual(list(stored.summary["status"]), [0, 0, 1, 1, 0, 0])
        for run, message in enumerate(stored.summary["message"]):
            if run in (2, 3):
                self.assertIn("app", message)
                self.assertIn("max_queue (100)", message)
            else:
                self.assertEqual(message, "")
        failed = numpy.isnan(stored.summary["cluster_cost_usd"])
        self.assertEqual(list(failed), [False, False, True, True, False, False])
        self.assertTrue((stored.summary["finished"][[0, 1, 4, 5], 0] > 0).all())

    def test_comparisons_of_it(self):
        output = self.run_scenario(small(self.SCENARIO), code=1)
        self.assertIn("failed", self.headroom("compare", output).stdout)
        points = json.loads(self.headroom("compare", output, "--json").stdout)["points"]
        self.assertEqual([point["strategies"][0]["failed"] for point in points], [0, 2, 0])
        self.assertEqual([point["strategies"][0]["winner"] for point in points], [True, False, True])
        table = list(csv.reader(io.StringIO(self.headroom("compare", output, "--csv").stdout)))
        self.assertEqual({len(row) for row in table}, {len(table[0])})
        self.headroom("explain", output, "--point", "1")

    def test_quiet_says_only_the_error(self):
        self.write("s.yaml", small(self.SCENARIO))
        result = self.headroom("run", "s.yaml", "--quiet", code=1)
        self.assertEqual(result.stdout, "")
        self.assertEqual(len(result.stderr.splitlines()), 1)

    def test_json_is_json_all_the_same(self):
        self.write("s.yaml", small(self.SCENARIO))
        json.loads(self.headroom("run", "s.yaml", "--json", code=1).stdout)

    def test_all_runs_fail(self):
        output = self.run_scenario(small({**self.SCENARIO, "sweep": None, "deployments.app.workload.arrivals.poisson.rate": "200/s"}), code=1)
        self.assertIn("No strategy has a finished run", self.headroom("compare", output).stdout)
        json.loads(self.headroom("compare", output, "--json").stdout)
        self.headroom("explain", output)


class Replayed(InFolder):
    """Running a generator, and replaying the file it writes: the same bits in every summary and trace column."""

    WORKLOADS = {
        "poisson": {"arrivals": {"poisson": {"rate": "20/s"}}},
        "gamma": {"arrivals": {"gamma": {"rate": "20/s", "cv": 1.7}}, "rate": {"diurnal": {"period": "5m", "peak": 1.6, "peak_at": "2m"}}},
        "weibull": {"arrivals": {"weibull": {"rate": "20/s", "cv": 0.5}}},
        "constant": {"arrivals": {"constant": {"rate": "20/s"}}},
        "mmpp": {"arrivals": {"mmpp": {"rate_low": "5/s", "rate_high": "60/s", "mean_low": "30s", "mean_high": "10s"}}},
        "sizes": {"arrivals": {"poisson": {"rate": "20/s"}}, "input": {"lognormal": {"mean": 300, "cv": 1.2}},
                  "output": {"exponential": {"mean": 80}}, "unit_bytes": 4},
        "input_only": {"arrivals": {"poisson": {"rate": "20/s"}}, "input": {"exponential": {"mean": 200}}},
    }
    SIZED = {"sized": {"base": "10ms", "per_input": "100us", "per_output": "500us", "noise": {"lognormal": {"mean": 1, "cv": 0.4}}}}

    def scenario(self, workload, changes=None):
        return small({"horizon": "10m", "deployments.app.workload": workload, "deployments.app.queue": {"limit": 40, "timeout": {"after": "2s"}},
                      "deployments.app.retry": {"attempts": 3, "jitter": 0.3},
                      "strategies.rule": {"scale": {"threshold": {"data_size": {"below": "10k"}}}}, **TWO, "replications": 1, **(changes or {})})

    def assert_equal(self, one, other):
        for group in ("summary", "trace", "latency"):
            for name, values in one.groups[group].items():
                if name in ("offered_expected", "latency_erlang_s"):  # what theory says of a law, not of a trace
                    continue
                if isinstance(values, list):
                    self.assertEqual(values, other.groups[group][name])
                elif values.dtype.kind == "f":
                    self.assertTrue(numpy.array_equal(values.view(numpy.uint64), other.groups[group][name].view(numpy.uint64)), f"{group}/{name}")
                else:
                    numpy.testing.assert_array_equal(values, other.groups[group][name], f"{group}/{name}")

    def test_generate_and_replay(self):
        for name, workload in self.WORKLOADS.items():
            with self.subTest(workload=name):
                changes = {"deployments.app.variants.only.service": self.SIZED} if "input" in workload else {}
                scenario = self.scenario(workload, changes)
                run = self.result(scenario, name=name)
                self.headroom("generate", self.path(name + ".yaml"), "-o", self.path(name + ".csv"))
                replay = {"arrivals": {"replay": {"trace": {"file": name + ".csv", "input": "input", "output": "output"}}},
                          **{key: workload[key] for key in ("unit_bytes",) if key in workload}}
                replayed = self.result(self.scenario(replay, changes), name=name + "-replayed")
                for result in (run, replayed):  # what is known in advance of a law is not known of a trace
                    for column in ("offered_expected", "latency_erlang_s"):
                        del result.summary[column]
                self.assert_equal(run, replayed)
                self.assertGreater(run.value("finished"), 1000)

    def test_standard_output_and_file_are_the_same(self):
        path = self.write("s.yaml", self.scenario(self.WORKLOADS["sizes"]))
        self.headroom("generate", path, "-o", self.path("t.csv"))
        with open(self.path("t.csv"), encoding="utf-8") as file:
            self.assertEqual(self.headroom("generate", path).stdout, file.read())

    def test_replications_and_seeds_differ(self):
        path = self.write("s.yaml", self.scenario(self.WORKLOADS["poisson"]))
        texts = {self.headroom("generate", path, *options).stdout
                 for options in ([], ["--replication", "1"], ["--set", "seed=2"], ["--replication", "0"])}
        self.assertEqual(len(texts), 3)

    def test_wrong_deployment(self):
        path = self.write("s.yaml", self.scenario(self.WORKLOADS["poisson"]))
        self.headroom("generate", path, "--deployment", "nobody", code=2)


if __name__ == "__main__":
    unittest.main()

"""`headroom tune --shard k/N`: processes that share nothing but a folder go through the same rounds. Any number of them finds, says and writes
what one finds; a share that is killed is begun again alone while the others wait; one that never comes is given up, with nothing lost."""

import json
import os
import signal
import subprocess
import time
import unittest

from support.program import PROGRAM, InFolder, small
from test_tune import TARGET, TEXT, TRADE_OFF, USUAL

METHODS = {
    "halving": USUAL,
    "model": ["--minimize", "cost_usd", "--subject-to", "attainment_ratio >= 90%", "--over", TARGET + "=30%..90%", "--budget", "150", "--confirm", "8"],
    "guarantee": ["--minimize", "cost_usd", "--over", TARGET + "={40%,60%,80%}", "--guarantee", "0.95", "--indifference", "5%", "--confirm", "8"],
}


class TuneShares(InFolder):
    def setUp(self):
        super().setUp()
        self.write("s.yaml", small(TRADE_OFF))
        self.write("mine.yaml", TEXT)

    def begin(self, shard, *options, scenario="s.yaml"):
        return subprocess.Popen([PROGRAM, "tune", scenario, *options, "--shard", shard, "-j", "1"], cwd=self.folder,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def end(self, process, code=0):
        output, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, code, errors)
        return output, errors

    def test_any_number_of_shares_finds_the_same(self):
        for method, options in METHODS.items():
            alone = json.loads(self.headroom("tune", "s.yaml", *options, "--json").stdout)
            for shares in (1, 2, 3):
                with self.subTest(method=method, shares=shares):
                    processes = [self.begin(f"{k}/{shares}", *options, "--json", "--journal", f"{method}-{shares}") for k in range(1, shares + 1)]
                    outputs = [self.end(process)[0] for process in processes]
                    self.assertEqual(json.loads(outputs[0]), alone)
                    self.assertEqual(set(outputs[1:]), {""} if shares > 1 else set())

    def test_every_share_makes_its_part(self):
        for process in [self.begin(f"{k}/2", *USUAL, "--quiet") for k in (1, 2)]:
            self.end(process)
        sizes = [os.path.getsize(self.path(f"s.tune.shard-{k}-of-2.journal")) for k in (1, 2)]
        self.assertLess(max(sizes), 1.5 * min(sizes))

    def test_the_first_writes(self):
        options = [*USUAL, "-o", "tuned.yaml"]
        self.headroom("tune", "mine.yaml", *USUAL, "-o", "alone.yaml")
        processes = [self.begin(f"{k}/2", *options, scenario="mine.yaml") for k in (1, 2)]
        first, second = self.end(processes[0]), self.end(processes[1])
        self.assertIn("tuned.yaml", first[0])
        self.assertIn("share 2 of 2 is done; the first one prints and writes the outcome", second[1])
        with open(self.path("tuned.yaml"), encoding="utf-8") as tuned, open(self.path("alone.yaml"), encoding="utf-8") as alone:
            self.assertEqual(tuned.read(), alone.read())

    def test_a_killed_share_is_begun_again_alone(self):
        options = [*USUAL, "--json", "--set", "horizon=2h"]
        alone = json.loads(self.headroom("tune", "s.yaml", *options).stdout)
        one, two = self.begin("1/2", *options), self.begin("2/2", *options)
        journal = self.path("s.tune.shard-2-of-2.journal")
        deadline = time.monotonic() + 30
        while not (os.path.exists(journal) and os.path.getsize(journal) > 20000) and time.monotonic() < deadline and two.poll() is None:
            time.sleep(0.005)
        self.assertIsNone(two.poll(), "the share ended before it could be killed")
        two.send_signal(signal.SIGKILL)
        two.communicate()
        time.sleep(0.3)
        self.assertIsNone(one.poll(), "the other one waits")
        self.end(self.begin("2/2", *options, "--resume"))
        self.assertEqual(json.loads(self.end(one)[0]), alone)

    def test_a_share_that_never_comes(self):
        _, errors = self.end(self.begin("1/2", *USUAL, "--wait", "1"), code=4)
        self.assertIn("share 2 of 2 has not run for 1 s ('s.tune.shard-2-of-2.journal'); what was run is kept", errors)
        processes = [self.begin(f"{k}/2", *USUAL, "--json", *(["--resume"] if k == 1 else [])) for k in (1, 2)]
        outputs = [self.end(process)[0] for process in processes]
        alone = json.loads(self.headroom("tune", "s.yaml", *USUAL, "--json").stdout)
        self.assertEqual(json.loads(outputs[0]), alone)

    def test_shares_of_another_scenario(self):
        first = self.begin("1/2", *USUAL, "--wait", "5")
        self.end(self.begin("2/2", *USUAL, "--wait", "0", "--set", "horizon=21m"), code=4)
        _, errors = self.end(first, code=4)
        self.assertIn("the scenario has changed since the journal 's.tune.shard-2-of-2.journal' was begun", errors)

    def test_a_second_writer(self):
        first = self.begin("1/2", *USUAL, "--wait", "3")
        deadline = time.monotonic() + 20
        while not os.path.exists(self.path("s.tune.shard-1-of-2.journal")) and time.monotonic() < deadline:
            time.sleep(0.01)
        _, errors = self.end(self.begin("1/2", *USUAL, "--resume"), code=4)
        self.assertIn("is being written by another headroom", errors)
        self.end(first, code=4)


if __name__ == "__main__":
    unittest.main()

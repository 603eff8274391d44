"""Training on machines that fail, are taken back and run out: workers are lost with their node, jobs go back to their last checkpoint, and all
adds up; and the energy of training."""

import random
import unittest

import h5py

from queues import Queues, scenario
from support.program import SHORT, repetitions, sha256
import test_sharing


class Troubles(Queues):
    def test_a_node_that_fails_by_hand(self):
        """It fails 100 s after it is ready and is away for 50 s, each time. Of each 100 s a job keeps the 90 s of its last checkpoint."""
        queue = self.queue([(0, 4, 500)], checkpoint={"interval": "30s"})
        failing = {"cluster.pools.gpu.failures": {"mtbf": {"uniform": {"low": "99.9999999s", "high": "100s"}}, "repair": "50s"}}
        columns = self.training(scenario({"q": queue}, horizon="400s", changes=failing))
        self.assertEqual(columns["restarts"][0, 0], 3)  # at 100, 250 and 400 s
        self.assertAlmostEqual(columns["useful_gpu_h"][0, 0] * 3600, 3 * 90 * 4, places=4)
        self.assertAlmostEqual(columns["lost_gpu_h"][0, 0] * 3600, 3 * 10 * 4, places=3)

    def test_a_gang_leaves_as_a_whole(self):
        """Two nodes of 2 GPUs, a gang of 4. One is to be taken back: another is ordered at the notice, 100 s, and ready 30 s later. Until then the
        job stands still on both, though one of them stays."""
        self.write("reclaims.csv", "time\n0\n100\n")
        queue = self.queue([(0, 4, 500)], checkpoint={"interval": "20s"})
        spot = {"cluster.pools.gpu.spot": {"trace": {"file": "reclaims.csv"}, "notice": "20s"}, "cluster.pools.gpu.startup": "30s"}
        for horizon_s, completed in ((529, 0), (531, 1)):
            output = self.run_scenario(scenario({"q": queue}, nodes=2, gpus=2, horizon=f"{horizon_s}s", changes=spot))
            with h5py.File(output) as file:
                group = file["training"]
                self.assertEqual((group["completed"][0, 0], group["restarts"][0, 0]), (completed, 1))
                self.assertAlmostEqual(group["gpus"][0, 0] * horizon_s, 4 * (min(horizon_s, 530) - 30), places=6)

    def test_slow_nodes(self):
        """A gang is as slow as its slowest node."""
        slow = {"cluster.pools.gpu.slow": {"share": 1, "speed": 0.5}}
        columns = self.training(scenario({"q": self.queue([(0, 4, 300)])}, horizon="1000s", changes=slow))
        self.assertAlmostEqual(columns["completion_mean_s"][0, 0], 600, places=6)

    def test_energy(self):
        """A machine of 100 W, 300 W with all in use: half of its GPUs for half of the time."""
        watts = {"cluster.pools.gpu.machine.idle_watts": 100, "cluster.pools.gpu.machine.busy_watts": 300}
        output = self.run_scenario(scenario({"q": self.queue([(0, 2, 1000)])}, horizon="2000s", changes=watts))
        with h5py.File(output) as file:
            self.assertAlmostEqual(file["summary/energy_kwh"][0] * 3.6e6, 2000 * 100 + 1000 * 200 / 2, places=3)

    def troubled(self, draw):
        text = test_sharing.Sharing.random_scenario(self, draw)
        for pool in text["cluster"]["pools"].values():
            if draw.random() < 0.5:
                pool["failures"] = {"mtbf": draw.choice(["1h", "20h"]), "detect": draw.choice(["0s", "2m"]), "start": draw.choice([0, 0.1]),
                                    **({"repair": draw.choice(["5m", "1h"])} if draw.random() < 0.7 else {})}
            if draw.random() < 0.4:
                pool["spot"] = {"reclaims": draw.choice(["0.3/h", "2/h"]), "notice": draw.choice(["0s", "2m"]), "price": "$0.7/h"}
            if draw.random() < 0.4:
                pool["stockouts"] = {"every": "2h", "last": "20m"}
            if draw.random() < 0.3:
                pool["slow"] = {"share": 0.3, "speed": 0.6}
            if draw.random() < 0.3:
                pool["warm"] = {"nodes": 1, "startup": "10s", "price": 0.2}
        return text

    def test_conservation_in_trouble(self):
        draw = random.Random(test_sharing.SEED + 2)
        restarts = 0
        for number in range(repetitions(10, 600, 4)):
            text = self.troubled(draw)
            with self.subTest(seed=test_sharing.SEED + 2, number=number):
                output = self.run_scenario(text, name="random")
                restarts += test_sharing.Sharing.assert_conserved(self, output)["restarts"].sum()
        self.assertGreater(restarts, 20)

    def test_same_bits_in_trouble(self):
        draw = random.Random(test_sharing.SEED + 3)
        for number in range(2 if SHORT else 3):
            text = self.write("same.yaml", self.troubled(draw))
            files = [self.run_scenario(text, *options, name=f"same{k}") for k, options in enumerate((["--threads", "1"], ["--threads", "4"], ["--plain"]))]
            self.assertEqual(len({sha256(file) for file in files}), 1, f"seed {test_sharing.SEED + 3}, number {number}")


if __name__ == "__main__":
    unittest.main()

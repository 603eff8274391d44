"""The files of configs/cluster under the launchers they are for, where these are installed: a real Slurm (an array, and a step of several
tasks), mpirun, GNU parallel; the Kubernetes Job as its controller would start it. One share is killed and made again alone; the merged
result has the bytes of the undivided sweep. `make cluster` runs this alone."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import yaml

from support.program import PROGRAM, TOP, InFolder, sha256, small, temporary_folder
from support.slurm import Slurm

CLUSTER = os.path.join(TOP, "configs", "cluster")
LAUNCHERS = ("SLURM_", "OMPI_", "PMI", "MV2_", "JOB_COMPLETION_INDEX", "PARALLEL", "HEADROOM_SHARDS")
SHARES = 4
# A second or two of work, so that a share can be caught at it; and the same in a moment.
LONG = small({
    "horizon": "40m", "replications": 60, "deployments.app.workload.arrivals": {"poisson": {"rate": "100/s"}}, "deployments.app.concurrency": 16,
    "sweep": [{"set": "deployments.app.replicas.initial", "values": [1, 2, 3, 4]}],
})
RUNS_A_SHARE = 60
BRIEF = dict(LONG, horizon="1m", replications=3)


class Launched(InFolder):
    @classmethod
    def setUpClass(cls):
        for name in [name for name in os.environ if name.startswith(LAUNCHERS)]:
            del os.environ[name]

    def setUp(self):
        super().setUp()
        self.use(BRIEF)
        self.output = self.path("r.h5")
        self.environment = dict(os.environ, HEADROOM=PROGRAM)

    def use(self, scenario):
        self.scenario = self.write("s.yaml", scenario)
        self.headroom("run", self.scenario, "-o", "whole.h5", "--quiet", "--force", "--traces", "none")
        self.whole = sha256(self.path("whole.h5"))

    def shares(self):
        """{share: its status}; empty before the first."""
        result = self.headroom("status", self.output, "--json", code=None)
        sweeps = json.loads(result.stdout)["sweeps"] if result.returncode == 0 else []
        return {share["shard"]: share for sweep in sweeps for share in sweep["shares"]}

    def wait_until(self, condition, limit_s=60):
        """False when the time is over."""
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.03)
        return True

    def is_at_work(self, share):
        state = self.shares().get(share)
        return state is not None and 0 < state["done"]

    def check_one_is_missing(self, share):
        state = self.shares()[share]
        self.assertEqual(state["state"], "stopped", state)
        self.assertGreater(state["missing"], 0)
        errors = self.headroom("merge", self.output, code=4).stderr
        self.assertIn(f"share {share} of {SHARES}: {state['missing']} missing", errors)
        self.assertIn(f"--shard {share}/{SHARES} --resume", errors)
        return state

    def check_complete(self):
        self.assertEqual({share: state["state"] for share, state in self.shares().items()}, {k: "complete" for k in range(1, SHARES + 1)})
        self.headroom("merge", self.output, "--force", "--quiet", "--remove")
        self.assertEqual(sha256(self.output), self.whole)
        self.assertEqual([name for name in os.listdir(self.folder) if "journal" in name], [])


class UnderSlurm(Launched):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = temporary_folder()
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.slurm = Slurm(folder)
        cls.addClassCleanup(cls.slurm.stop)
        cls.slurm.start()

    def submit(self, *options, environment=None):
        self.slurm.environment.update(HEADROOM=PROGRAM, **(environment or {}))
        result = self.slurm.command("sbatch", "--parsable", "-o", self.path("said-%a.txt"), *options, os.path.join(CLUSTER, "headroom.sbatch"),
                                    self.scenario, self.output, "--traces", "none", cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip().split(";")[0]

    def said(self, share):
        with open(self.path(f"said-{share}.txt"), encoding="utf-8") as file:
            return file.read()

    def test_array(self):
        self.use(LONG)
        job = self.submit(f"--array=1-{SHARES}")
        self.assertTrue(self.wait_until(lambda: self.is_at_work(3)), self.slurm.last_words())
        killed = self.slurm.command("scancel", "--full", "--signal=KILL", f"{job}_3")
        self.assertEqual(killed.returncode, 0, killed.stderr)
        self.slurm.wait_for_jobs()
        self.assertIn(f"share 1 of {SHARES} (Slurm array task): {RUNS_A_SHARE} of {SHARES * RUNS_A_SHARE} runs", self.said(1))
        kept = self.check_one_is_missing(3)["done"]
        self.submit("--array=3", environment={"HEADROOM_SHARDS": str(SHARES)})
        self.slurm.wait_for_jobs()
        del self.slurm.environment["HEADROOM_SHARDS"]
        self.assertIn("share 3 of 4 is complete", self.said(3))
        self.assertGreater(kept, 0)
        self.check_complete()

    def test_step(self):
        result = self.slurm.command("srun", "-n", str(SHARES), PROGRAM, "run", self.scenario, "-o", self.output, "--traces", "none", "--threads", "1", "--resume", cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(f"share 2 of {SHARES} (Slurm task)", result.stderr)
        self.check_complete()


@unittest.skipUnless(shutil.which("mpirun"), "no mpirun (Debian package openmpi-bin)")
class UnderMpi(Launched):
    def setUp(self):
        super().setUp()
        self.environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                                OMPI_MCA_plm="isolated", OMPI_MCA_hwloc_base_binding_policy="none")
        self.command = ["mpirun", "-n", str(SHARES), PROGRAM, "run", self.scenario, "-o", self.output, "--traces", "none", "--resume", "--threads", "1"]

    def rank(self, number):
        """The process id of a rank of ours."""
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{process}/environ", "rb") as file:
                    environment = file.read().split(b"\0")
                with open(f"/proc/{process}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if words[0] == PROGRAM.encode() and self.output.encode() in words and f"OMPI_COMM_WORLD_RANK={number}".encode() in environment:
                return int(process)
        return None

    def test_ranks(self):
        self.use(LONG)
        launcher = subprocess.Popen(self.command, cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        at_work = self.wait_until(lambda: self.is_at_work(3) or launcher.poll() is not None)
        process = self.rank(2)
        if process:
            os.kill(process, signal.SIGKILL)
        errors = launcher.communicate(timeout=120)[1]
        if not process or not at_work:
            self.fail(f"rank 2 could not be caught: {errors}")
        self.assertIn(f"share 1 of {SHARES} (Open MPI rank)", errors)
        self.assertNotEqual(launcher.returncode, 0)
        # mpirun ends the others, too; those keep what is finished, and all go on where they were: one alone, the rest by the same line.
        self.check_one_is_missing(3)
        self.headroom("run", self.scenario, "-o", self.output, "--traces", "none", "--shard", f"3/{SHARES}", "--resume", "--quiet")
        self.assertEqual(self.shares()[3]["state"], "complete")
        again = subprocess.run(self.command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.check_complete()

    def test_script(self):
        result = subprocess.run([os.path.join(CLUSTER, "mpirun.sh"), self.scenario, self.output, "-n", "2"], cwd=self.folder, env=self.environment,
                                capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.headroom("run", self.scenario, "-o", "whole.h5", "--quiet", "--force")
        self.assertEqual(sha256(self.output), sha256(self.path("whole.h5")))


def gnu_parallel():
    return shutil.which("parallel") and "GNU" in subprocess.run(["parallel", "--version"], capture_output=True, text=True, check=False).stdout


@unittest.skipUnless(gnu_parallel(), "no GNU parallel (Debian package parallel)")
class UnderParallel(Launched):
    def test_script(self):
        self.environment["HOME"] = self.folder
        result = subprocess.run([os.path.join(CLUSTER, "parallel.sh"), self.scenario, self.output, "3"], cwd=self.folder, env=self.environment,
                                capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.headroom("run", self.scenario, "-o", "whole.h5", "--quiet", "--force")
        self.assertEqual(sha256(self.output), sha256(self.path("whole.h5")))


class InKubernetes(Launched):
    def test_job(self):
        with open(os.path.join(CLUSTER, "kubernetes-job.yaml"), encoding="utf-8") as file:
            job = yaml.safe_load(file)
        spec = job["spec"]
        container, = spec["template"]["spec"]["containers"]
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        self.assertEqual((job["apiVersion"], job["kind"], spec["completionMode"]), ("batch/v1", "Job", "Indexed"))
        self.assertIn(spec["template"]["spec"]["restartPolicy"], ("OnFailure", "Never"))
        self.assertEqual(environment["HEADROOM_SHARDS"], str(spec["completions"]))
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        self.assertEqual(mounts, {volume["name"] for volume in spec["template"]["spec"]["volumes"]})
        command = [{"headroom": PROGRAM, "/sweep/scenario.yaml": self.scenario, "/sweep/result.h5": self.output}.get(word, word) for word in container["command"]]
        self.assertEqual(command[:2], [PROGRAM, "run"])
        for index in range(spec["completions"]):
            pod = subprocess.run([*command, "--traces", "none"], cwd=self.folder, env=dict(self.environment, **environment, JOB_COMPLETION_INDEX=str(index)),
                                 capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(pod.returncode, 0, pod.stderr)
        self.headroom("merge", self.output, "--quiet")
        self.assertEqual(sha256(self.output), self.whole)


class Files(unittest.TestCase):
    def test_shells_read_them(self):
        for name in sorted(os.listdir(CLUSTER)):
            if name.endswith((".sh", ".sbatch")):
                path = os.path.join(CLUSTER, name)
                shell = "bash" if name.endswith(".sbatch") else "sh"
                checked = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
                self.assertEqual((checked.returncode, checked.stderr), (0, ""), name)
                self.assertTrue(os.access(path, os.X_OK), name)


if __name__ == "__main__":
    unittest.main()

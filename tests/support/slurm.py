"""A whole Slurm on the loopback: munged, slurmctld and slurmd as ordinary processes of this user, in a temporary folder."""

import getpass
import os
import shutil
import socket
import subprocess
import time
import unittest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scancel")
CONFIGURATION = """ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
PropagateResourceLimits=NONE
KillWait=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=4 Boards=1 Sockets=1 CoresPerSocket=4 ThreadsPerCore=1 RealMemory=100 State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


def find(name):
    """Daemons are in /usr/sbin, which is not in everyone's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Slurm:
    def __init__(self, folder):
        missing = [name for name in PROGRAMS if not find(name)]
        if missing:
            raise unittest.SkipTest(f"no {missing[0]} (Debian packages slurm-wlm and munge)")
        self.folder = folder
        self.daemons = []
        controller, node = free_ports(2)
        os.chmod(folder, 0o755)
        for name in ("state", "spool"):
            os.mkdir(os.path.join(folder, name))
        with open(os.path.join(folder, "munge.key"), "wb", opener=lambda path, flags: os.open(path, flags, 0o400)) as file:
            file.write(os.urandom(128))
        self.configuration = os.path.join(folder, "slurm.conf")
        with open(self.configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(folder=folder, user=getpass.getuser(), controller=controller, node=node))
        version = subprocess.run([find("slurmctld"), "-V"], capture_output=True, text=True, check=False).stdout.split()[-1]
        if int(version.split(".")[0]) >= 23:  # older ones know no such word, and do not ask
            with open(os.path.join(folder, "cgroup.conf"), "w", encoding="utf-8") as file:
                file.write("CgroupPlugin=disabled\n")
        self.environment = dict(os.environ, SLURM_CONF=self.configuration)

    def daemon(self, name, *arguments):
        with open(os.path.join(self.folder, name + ".out"), "wb") as output:
            self.daemons.append(subprocess.Popen([find(name), *arguments], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                                 env=self.environment, start_new_session=True))

    def start(self):
        munge = os.path.join(self.folder, "munge.")
        self.daemon("munged", "--force", "--foreground", "--socket=" + munge + "socket", "--pid-file=" + munge + "pid", "--log-file=" + munge + "log",
                    "--seed-file=" + munge + "seed", "--key-file=" + munge + "key")
        self.wait(lambda: os.path.exists(munge + "socket"))
        self.daemon("slurmctld", "-D", "-f", self.configuration)
        self.daemon("slurmd", "-D", "-N", "localhost", "-f", self.configuration)
        self.wait(lambda: "idle" in self.command("sinfo", "-h", "-o", "%T").stdout)

    def wait(self, condition, limit_s=40):
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end or any(daemon.poll() is not None for daemon in self.daemons):
                raise unittest.SkipTest("Slurm does not start here: " + self.last_words())
            time.sleep(0.1)

    def last_words(self):
        lines = []
        for name in sorted(os.listdir(self.folder)):
            if name.endswith((".out", ".log")):
                with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
                    lines += [f"{name}: {line.strip()}" for line in file if "error" in line.lower() or "fatal" in line.lower()]
        return "; ".join(lines[-4:]) or "no reason given"

    def command(self, name, *arguments, **options):
        return subprocess.run([find(name), *arguments], capture_output=True, text=True, timeout=120, check=False, env=self.environment, **options)

    def wait_for_jobs(self, limit_s=120):
        end = time.monotonic() + limit_s
        while self.command("squeue", "-h").stdout.strip():
            if time.monotonic() > end:
                raise AssertionError("jobs are still there: " + self.command("squeue").stdout + self.last_words())
            time.sleep(0.1)

    def stop(self):
        for daemon in reversed(self.daemons):
            if daemon.poll() is None:
                daemon.terminate()
        for daemon in self.daemons:
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

"""What the script tests share: running the program, on ranks, killing it, and keeping the count.

Needs nothing but Python's standard library. Environment: WEYLMC, the program; WEYLMC_EFFORT.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ.get("WEYLMC", "weylmc")
EFFORT = int(os.environ.get("WEYLMC_EFFORT", "1"))
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OPENBLAS_NUM_THREADS="1",
                   OMPI_MCA_btl_vader_single_copy_mechanism="none",
                   OMPI_MCA_mpi_yield_when_idle="1", WEYLMC_PROGRESS="log")


class Report:
    """Counts checks, says what failed, prints the closing line."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, good, detail=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok    ' if good else 'FAILED'} {name}" + (f": {detail}" if detail and not good else ""),
              flush=True)
        return good

    def skip(self, name, why):
        self.skipped += 1
        print(f"SKIPPED {name}: {why}", flush=True)

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed or not self.passed + self.skipped else 0)


class Folder:
    """A temporary folder, removed at the end; a blank in its name on purpose."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="weylmc test "))
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def command(ranks, arguments):
    """One rank runs without mpirun, as a user on a laptop would."""
    start = [] if ranks == 1 else ["mpirun", "--oversubscribe", "-np", str(ranks)]
    return start + [PROGRAM] + [str(a) for a in arguments]


def run(folder, *arguments, ranks=1, timeout=600, environment=None):
    """Run to the end; returns the completed process with text output."""
    return subprocess.run(command(ranks, arguments), cwd=folder, text=True, capture_output=True,
                          timeout=timeout, stdin=subprocess.DEVNULL,
                          env=dict(ENVIRONMENT, **(environment or {})))


def start(folder, *arguments, ranks=1):
    """Start in the background, output to a log in the folder."""
    log = open(pathlib.Path(folder) / "log.txt", "ab")
    process = subprocess.Popen(command(ranks, arguments), cwd=folder, stdout=log, stderr=log,
                               stdin=subprocess.DEVNULL, env=ENVIRONMENT)
    log.close()
    return process


def descendants(pid):
    """All processes below pid, deepest last."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        for child in children.get(queue.pop(), []):
            found.append(child)
            queue.append(child)
    return found


def alive(pid):
    """Running, and not a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill(process):
    """SIGKILL to mpirun and every rank at once, as a node that fails would."""
    pids = [process.pid] + descendants(process.pid)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
    for _ in range(500):
        if not any(alive(p) for p in pids):
            return
        time.sleep(0.01)
    raise RuntimeError("killed processes do not end")


def equal(folder, a, b):
    """Equal up to /provenance, by the program's own comparison; returns (verdict, report)."""
    result = run(folder, "compare", a, b)
    return result.returncode == 0, result.stdout + result.stderr

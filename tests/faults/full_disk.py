#!/usr/bin/env python3
"""A disk that fills up ends a run with 74 and one message; what was written before stays whole, and
the same command goes on when there is space again.

Two ways to run out of space: a limit on the size of files, which anyone may set, and a small file
system of its own, which only root can mount.
"""
import pathlib
import resource
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

# A checkpoint of about 12 MB: MPI itself needs files of some 4 MB.
LARGE = decks.balanced(width=32, formulation="observable", thermalise=10, draws=10)
LARGE = LARGE.replace("chains: 5", "chains: 25")
LIMIT = 8 << 20
SPACE = "6m"  # three checkpoints of the next deck, and its results
SMALL = decks.balanced(width=8, formulation="observable", thermalise=20000, draws=40000)
LEFT = ["disk.checkpoint.h5", "disk.checkpoint.old.h5", "disk.h5", "filler"]


def said_once(text):
    return text.count("cannot write") == 1


def limited_files(report, folder):
    deck = folder / "large.yaml"
    deck.write_text(LARGE)
    done = subprocess.run([harness.PROGRAM, "run", deck, "-o", "large.h5"], cwd=folder, text=True,
                          capture_output=True, env=harness.ENVIRONMENT, stdin=subprocess.DEVNULL,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)))
    report.check("limit on files: exit 74", done.returncode == 74, f"{done.returncode} {done.stderr}")
    report.check("limit on files: one message, which says so",
                 said_once(done.stderr) and "ulimit" in done.stderr, done.stderr)
    left = sorted(p.name for p in folder.iterdir() if p != deck)
    report.check("limit on files: nothing is left behind", not left, str(left))
    done = harness.run(folder, "run", deck, "-o", "large.h5")
    report.check("limit lifted: runs", done.returncode == 0, done.stderr)


class Mounted:
    """A small file system in memory; `mounted` says whether that was possible."""

    def __init__(self, folder, size):
        self.folder, self.size = folder, size

    def __enter__(self):
        self.folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", self.folder],
                              capture_output=True, text=True)
        self.why = done.stderr.strip()
        self.mounted = done.returncode == 0
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=True)


def fill(folder):
    """Take all the space that is left; more may become free."""
    with open(folder / "filler", "ab", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            pass


def run_until_full(folder, disk):
    """Start, wait for two generations of the checkpoint, then leave no space; returns the code."""
    process = harness.start(folder, "run", "small.yaml", "-o", disk / "disk.h5", ranks=2)
    while process.poll() is None and not (disk / "disk.checkpoint.old.h5").exists():
        time.sleep(0.05)
    while process.poll() is None:
        fill(disk)
        time.sleep(0.05)
    return process.returncode


def full_file_system(report, folder):
    (folder / "small.yaml").write_text(SMALL)
    with Mounted(folder / "small disk", SPACE) as mounted:
        disk = mounted.folder
        if not mounted.mounted:
            report.skip("full file system", f"none can be mounted here: {mounted.why}")
            return
        code = run_until_full(folder, disk)
        log = (folder / "log.txt").read_text()
        report.check("full disk: exit 74", code == 74, f"{code} {log}")
        report.check("full disk: one message", said_once(log), log)
        left = sorted(p.name for p in disk.iterdir())
        report.check("full disk: both generations and the results are there", left == LEFT, str(left))
        (disk / "filler").unlink()
        done = harness.run(folder, "run", "small.yaml", "-o", disk / "disk.h5")
        report.check("space again: goes on without falling back",
                     done.returncode == 0 and "going on" in done.stderr
                     and "old" not in done.stderr, f"{done.returncode} {done.stderr}")
        harness.run(folder, "run", "small.yaml", "-o", "whole.h5", ranks=2)
        same, text = harness.equal(folder, "whole.h5", disk / "disk.h5")
        report.check("space again: the same bits in the end", same, text)


report = harness.Report()
with harness.Folder() as folder:
    limited_files(report, folder)
    full_file_system(report, folder)
report.close()

#!/usr/bin/env python3
"""Output files that others touch: two writers, a folder that is moved, links, locks of the dead."""
import os
import pathlib
import shutil
import signal
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

LONG = decks.balanced(formulation="observable", thermalise=100, draws=3000000)
SHORT = decks.balanced(thermalise=10, draws=50)
FLOWER = struct.pack("<4d", 4.9, 3.0, 1.4, 0.2)  # the second of iris.h5
INPUTS = pathlib.Path(__file__).parents[2] / "inputs"


def wait_for(path):
    for _ in range(400):
        if path.exists():
            return
        time.sleep(0.05)
    raise RuntimeError(f"{path} does not appear")


def two_writers(report, folder):
    (folder / "long.yaml").write_text(LONG)
    process = harness.start(folder, "run", "long.yaml", "-o", "one.h5")
    wait_for(folder / "one.checkpoint.old.h5")
    for name, arguments in (("a second run", ["run", "long.yaml", "-o", "one.h5"]),
                            ("a fit", ["fit", "one.h5"])):
        done = harness.run(folder, *arguments)
        report.check(f"{name} of a file that is being written: 73",
                     done.returncode == 73 and "another run" in done.stderr, done.stderr)
    shown = harness.run(folder, "show", "one.h5")
    report.check("it can be read meanwhile", shown.returncode == 0, shown.stderr)
    report.check("and says that it is not finished", "WARNING: not finished: " in shown.stdout, shown.stdout)
    harness.kill(process)
    report.check("a killed run leaves its lock file", (folder / "one.h5.lock").exists())
    fewer = ["run", "long.yaml", "-o", "one.h5", "--walltime", "1 s"]
    done = harness.run(folder, *fewer)
    report.check("which hinders nobody", done.returncode == 75, f"{done.returncode} {done.stderr}")
    done = harness.run(folder, "fit", "one.h5")
    report.check("a stopped run can be fitted", done.returncode == 0, done.stderr)
    report.check("no lock file is left", not (folder / "one.h5.lock").exists())


def moved_folder(report, folder):
    (folder / "gone").mkdir()
    log = folder / "log.txt"
    log.unlink(missing_ok=True)
    process = harness.start(folder, "run", "long.yaml", "-o", "gone/out.h5", ranks=2)
    wait_for(folder / "gone" / "out.checkpoint.h5")
    (folder / "gone").rename(folder / "moved")
    code, text = process.wait(timeout=120), log.read_text()
    report.check("the folder is moved: 73", code == 73, f"{code} {text}")
    report.check("the folder is moved: one message", text.count("cannot create") == 1, text)


def pause(report, folder):
    """Ranks that stand still for a while, as when a laptop sleeps, change nothing."""
    (folder / "middle.yaml").write_text(LONG.replace("3000000", "20000"))
    process = harness.start(folder, "run", "middle.yaml", "-o", "paused.h5", ranks=2)
    wait_for(folder / "paused.checkpoint.h5")
    for send in (signal.SIGSTOP, signal.SIGCONT):
        for pid in harness.descendants(process.pid):
            os.kill(pid, send)
        time.sleep(1.5)
    report.check("stopped and continued: complete", process.wait(timeout=120) == 0)
    harness.run(folder, "run", "middle.yaml", "-o", "whole.h5")
    same, text = harness.equal(folder, "whole.h5", "paused.h5")
    report.check("stopped and continued: the same bits", same, text)


def names(report, folder):
    (folder / "short.yaml").write_text(SHORT)
    (folder / "elsewhere").mkdir()
    (folder / "link.h5").symlink_to("elsewhere/real.h5")
    for name in ("plain.h5", "no ending", "two.parts.dat", "link.h5"):
        done = harness.run(folder, "run", "short.yaml", "-o", name)
        again = harness.run(folder, "run", "short.yaml", "-o", name)
        report.check(f"output '{name}': written, and found again",
                     done.returncode == 0 and "complete" in again.stderr, done.stderr + again.stderr)
        same, text = harness.equal(folder, "plain.h5", name)
        report.check(f"output '{name}': the same bits", same, text)
        shown = harness.run(folder, "show", name).stdout
        report.check(f"output '{name}': finished", "not finished" not in shown, shown)
    report.check("a link to a file that is not there yet is followed",
                 (folder / "link.h5").is_symlink() and (folder / "elsewhere" / "real.h5").exists())


def other_data(report, folder):
    """The contents of data files belong to what a run is."""
    for name in ("iris.yaml", "iris.h5"):
        shutil.copy(INPUTS / name, folder)
    arguments = ["run", "iris.yaml", "-o", "data.h5", "--set", "run.thermalise=10"]
    done = harness.run(folder, *arguments, "--set", "run.draws=10")
    report.check("regression: runs", done.returncode == 0, done.stderr)
    data = (folder / "iris.h5").read_bytes()
    report.check("the second flower is found", data.count(FLOWER) == 1)
    (folder / "iris.h5").write_bytes(data.replace(FLOWER, struct.pack("<4d", 4.9, 3.0, 1.4, 0.3)))
    done = harness.run(folder, *arguments, "--set", "run.draws=20")
    report.check("data changed: refused, named", done.returncode in (65, 73)
                 and "contents of energy.inputs" in done.stderr, done.stderr)


report = harness.Report()
with harness.Folder() as folder:
    two_writers(report, folder)
    moved_folder(report, folder)
    pause(report, folder)
    names(report, folder)
    other_data(report, folder)
report.close()

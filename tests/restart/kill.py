#!/usr/bin/env python3
"""Killed runs, resumed by the same command on other numbers of ranks, end bit-identical.

SIGKILL at random times (fixed seed) to every process at once, at least 20 times over two models and a ladder of temperatures; the
number of ranks changes at each start. A run that is stopped by a signal or by its time limit returns
75 and goes on likewise.
"""
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

RANKS = (1, 2, 3, 7)


def killed_run(folder, deck, output, chance, kills):
    """Start and kill until it ends by itself; returns its exit code and how often it was killed."""
    struck = 0
    while True:
        process = harness.start(folder, "run", deck, "-o", output, ranks=chance.choice(RANKS))
        try:
            return process.wait(timeout=chance.uniform(0.3, 3.0) if struck < kills else 600), struck
        except subprocess.TimeoutExpired:
            harness.kill(process)
            struck += 1


def kill_test(report, name, deck_text, seed, kills):
    """At least so many kills, over as many runs as that takes."""
    struck, chance = 0, random.Random(seed)
    with harness.Folder() as folder:
        deck = folder / "deck.yaml"
        deck.write_text(deck_text)
        begin = time.monotonic()
        done = harness.run(folder, "run", deck, "-o", "whole.h5", ranks=2)
        report.check(f"{name}: undisturbed run", done.returncode == 0, done.stderr)
        print(f"       undisturbed: {time.monotonic() - begin:.1f} s")
        while struck < kills:
            output = f"killed after {struck}.h5"
            code, times = killed_run(folder, deck, output, chance, kills - struck)
            log = (folder / "log.txt").read_text(errors="replace")
            if not report.check(f"{name}: killed {times} times, then complete", code == 0, log[-2000:]):
                break
            same, text = harness.equal(folder, "whole.h5", output)
            report.check(f"{name}: bit-identical after {times} kills", same, text)
            struck += times
    return struck


def stop_test(report, name, deck_text):
    """SIGUSR1 and --walltime stop with 75; the same command goes on."""
    with harness.Folder() as folder:
        deck = folder / "deck.yaml"
        deck.write_text(deck_text)
        harness.run(folder, "run", deck, "-o", "whole.h5", ranks=2)
        process = harness.start(folder, "run", deck, "-o", "stopped.h5", ranks=2)
        time.sleep(2.0)
        process.send_signal(signal.SIGUSR1)  # mpirun passes it on to the ranks
        code = process.wait(timeout=60)
        log = (folder / "log.txt").read_text(errors="replace")
        report.check(f"{name}: SIGUSR1 gives 75", code == 75, f"{code}: {log}")
        report.check(f"{name}: and says so", "SIGUSR1 with a checkpoint" in log, log)
        limited = harness.run(folder, "run", deck, "-o", "stopped.h5", "--walltime", "6 s", ranks=3)
        report.check(f"{name}: --walltime gives 75", limited.returncode == 75, limited.stderr)
        while True:
            done = harness.run(folder, "run", deck, "-o", "stopped.h5")
            if done.returncode != 75:
                break
        report.check(f"{name}: goes on to the end", done.returncode == 0, done.stderr)
        same, text = harness.equal(folder, "whole.h5", "stopped.h5")
        report.check(f"{name}: bit-identical after two stops", same, text)


report = harness.Report()
balanced = decks.balanced(width=8, formulation="observable", thermalise=20000, draws=80000)
jacobian = decks.jacobian(width=16, block="two_layer", activation="relu", draws=12000)
ladder = decks.balanced(energy="{kind: target, diag: [2, 1, 0.5]}", formulation="observable",
                        thermalise=5000, draws=15000,
                        more="  ladder: [0.5, 0.9, 1.5, 2.5]\n  exchange: 3\n")
struck = kill_test(report, "balanced", balanced, 1, 8 * harness.EFFORT)
struck += kill_test(report, "balanced with a ladder", ladder, 3, 4 * harness.EFFORT)
struck += kill_test(report, "residual_jacobian", jacobian, 2, 8 * harness.EFFORT)
report.check("at least 20 kills in all", struck >= 20, str(struck))
stop_test(report, "balanced", balanced)
report.close()

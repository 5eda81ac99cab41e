#!/usr/bin/env python3
"""The same deck gives the same results file outside /provenance on 1, 2, 3 and 7 ranks, chains that
fail included; and many ranks speak with one voice."""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import decks  # noqa: E402
import harness  # noqa: E402

# Some chains of this one run away after some thousand draws: how many must not depend on the ranks.
FAILING = decks.balanced(energy="{kind: target, diag: [3, 2, 1]}", formulation="observable",
                         scheme="euler", thermalise=0, draws=20000).replace("step: 0.01", "step: 0.05")


def failing_chains(report, folder):
    (folder / "failing.yaml").write_text(FAILING)
    for ranks in (1, 2, 3):
        done = harness.run(folder, "run", "failing.yaml", "-o", f"failing_{ranks}.h5", ranks=ranks)
        report.check(f"failing chains, {ranks} ranks: exit 1, the first is named",
                     done.returncode == 1 and done.stderr.count("no longer finite") == 1, done.stderr)
        if ranks > 1:
            same, text = harness.equal(folder, "failing_1.h5", f"failing_{ranks}.h5")
            report.check(f"failing chains, {ranks} ranks: same bits as on 1", same, text)
    done = harness.run(folder, "fit", "failing_1.h5")
    report.check("failing chains: what can be fitted is", done.returncode == 0, done.stderr)


def wrong_command_line(report, folder):
    done = harness.run(folder, "run", "deck.yaml", "--wlltime", "1 h", ranks=3)
    report.check("a wrong option on 3 ranks: said once",
                 done.returncode == 2 and done.stderr.count("did you mean") == 1, done.stderr)


def rank_without_memory(report, folder):
    """The second rank has too little address space: the run ends, instead of waiting for it."""
    if "ASAN_OPTIONS" in os.environ:
        report.skip("a rank without memory", "the address sanitizer needs terabytes of addresses")
        return
    limited = ["bash", "-c", 'ulimit -v 350000; exec "$0" run deck.yaml', harness.PROGRAM]
    command = ["mpirun", "--oversubscribe", "-np", "1", harness.PROGRAM, "run", "deck.yaml", ":",
               "-np", "1"] + limited
    try:
        done = subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=harness.ENVIRONMENT)
    except subprocess.TimeoutExpired:
        report.check("a rank without memory: the run ends", False, "still there after a minute")
        return
    report.check("a rank without memory: the run ends, with 1", done.returncode == 1, done.stderr)


def derived_quantities(report, folder):
    """What is computed from averages of all chains stands beside exact values: within 5 errors."""
    done = harness.run(folder, "show", "balanced_ladder_without_exchange_1.h5")
    found = dict(re.findall(r"check (\w+): largest \|z\| of \d+ exact values is ([\d.]+)", done.stdout))
    for name in ("heat_capacity", "ladder_heat_capacity", "log_partition", "log_partition_overlap"):
        report.check(f"{name} agrees with theory", 0 < float(found.get(name, "nan")) < 5, done.stdout)


report = harness.Report()
with harness.Folder() as folder:
    for name, deck in decks.small_decks().items():
        path = folder / "deck.yaml"
        path.write_text(deck)
        for ranks in (1, 2, 3, 7):
            output = f"{name} {ranks}.h5".replace(" ", "_")
            done = harness.run(folder, "run", path, "-o", output, ranks=ranks)
            good = report.check(f"{name}, {ranks} ranks: runs", done.returncode == 0, done.stderr)
            if good and ranks > 1:
                same, text = harness.equal(folder, f"{name} 1.h5".replace(" ", "_"), output)
                report.check(f"{name}, {ranks} ranks: same bits as on 1", same, text)
    derived_quantities(report, folder)
    failing_chains(report, folder)
    wrong_command_line(report, folder)
    rank_without_memory(report, folder)
    leftovers = [p.name for p in folder.iterdir()
                 if p.suffix not in (".h5", ".yaml")]
    report.check("no temporary files are left", not leftovers, str(leftovers))
report.close()

#!/usr/bin/env python3
"""Multilevel sums that leave more bias than was asked for say so wherever results are read, and their
errors cover it; those that keep to it say nothing. Width 2 at infinite depth, where E of the gap is known.
Fits of errors that rest on few chains are marked as well."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import harness  # noqa: E402

DECK = """
title: bias
model: residual_jacobian
seed: 21
chains: 8
parameters:
  width: 2
  depth: inf
  block: linear
  time: {time}
  multilevel: {{kind: limit, coarsest: 4, finest: {finest}, bias: {bias}}}
run:
  draws: {draws}
output: {output}
"""

DEPTHS = """
model: residual_jacobian
seed: 22
chains: {chains}
parameters:
  width: 2
  depth: {{sweep: [4, 6, 8, 12, 16]}}
run:
  draws: {draws}
output: {output}
"""

report = harness.Report()


def run(folder, output, finest, bias, draws, time=1):
    (folder / "deck.yaml").write_text(DECK.format(**locals()))
    done = harness.run(folder, "run", "deck.yaml")
    report.check(f"{output}: runs", done.returncode == 0, done.stderr)
    return done


def gap_row(folder, output):
    """Numbers of the gap by column; its error is that of z."""
    table = harness.run(folder, "show", output, "gap").stdout.splitlines()
    row = dict(zip(table[1].split(), table[2].split()))
    row = {name: float(re.sub(r"\(.*", "", text)) for name, text in row.items()}
    row["error"] = (row["gap"] - row["expected"]) / row["z"]
    return row


def missed(folder):
    done = run(folder, "missed.h5", finest=32, bias="1e-3", draws=2000, time=6)
    report.check("missed: said on stderr",
                 re.search(r"WARNING: NOT CONVERGED in depth: E lambda_1 is off by about \S+ where "
                           r"multilevel.bias allows 0.001", done.stderr), done.stderr)
    report.check("missed: another way is named", "multilevel: none" in done.stderr, done.stderr)
    for command in (("show", "missed.h5"), ("show", "missed.h5", "gap")):
        text = harness.run(folder, *command).stdout
        report.check(f"missed: said by {' '.join(command)}", "NOT CONVERGED" in text, text)
    row = gap_row(folder, "missed.h5")
    statistical = row["deviation"] / row["ESS"] ** 0.5
    both = (statistical ** 2 + row["bias"] ** 2) ** 0.5
    report.check("missed: the bias is in the error", abs(row["error"] / both - 1) < 0.1 and
                 abs(row["bias"]) > 3 * statistical, str(row))
    report.check("missed: the error covers the exact value", abs(row["z"]) < 3, str(row))
    report.check("missed: a statistical error alone would not",
                 abs(row["gap"] - row["expected"]) > 5 * statistical, str(row))
    overview = harness.run(folder, "show", "missed.h5").stdout
    report.check("missed: entries are marked", "more bias left than statistical error" in overview, overview)
    return done.stderr


def needed_depth(folder, warning):
    """What the warning recommends is enough."""
    found = re.search(r"set multilevel.finest: (\d+)", warning)
    if not report.check("needed: a depth is named", found, warning):
        return
    again = run(folder, "deep.h5", finest=found[1], bias="1e-3", draws=500, time=6)
    report.check("needed: it is enough", "NOT CONVERGED" not in again.stderr, again.stderr)
    row = gap_row(folder, "deep.h5")
    report.check("needed: agrees with the exact value", abs(row["z"]) < 5, str(row))


def quiet(folder):
    done = run(folder, "quiet.h5", finest=1024, bias="1e-2", draws=400)
    report.check("kept: no warning", "WARNING" not in done.stderr + done.stdout, done.stderr)


def few_draws(folder):
    run(folder, "few.h5", finest=1024, bias="1e-2", draws=2)
    done = harness.run(folder, "run", "deck.yaml", "--set", "chains=1", "-o", "two.h5")
    report.check("few draws: said", "2 draws are too few to know the variances of the levels" in done.stderr,
                 done.stderr)


def few_chains(folder):
    """Limits from errors of a few chains are marked, those from many are not."""
    for chains, draws, marked in ((1, 3, True), (4, 2, True), (10, 40, True), (11, 40, False), (16, 2, False)):
        output = f"depths_{chains}.h5"
        (folder / "depths.yaml").write_text(DEPTHS.format(chains=chains, draws=draws, output=output))
        done = harness.run(folder, "run", "depths.yaml")
        report.check(f"{output}: runs", done.returncode == 0, done.stderr)
        for command in (("fit", output), ("show", output, "gap")):
            table = harness.run(folder, *command).stdout
            fits = table[table.index("extrapolation"):] if "extrapolation" in table else ""
            row = [line for line in fits.splitlines() if line.startswith("gap ")]
            report.check(f"{chains} chains: {' '.join(command)} marks limit and coefficient: {marked}",
                         len(row) == 1 and row[0].count(")?") == 2 * marked and
                         ("?: an error from fewer than 10" in fits) == marked, fits)


with harness.Folder() as folder:
    needed_depth(folder, missed(folder))
    quiet(folder)
    few_draws(folder)
    few_chains(folder)
report.close()

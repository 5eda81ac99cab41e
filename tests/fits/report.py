#!/usr/bin/env python3
"""`weylmc report`: coefficients of the drift come back, the linear and the two-layer relu chain pass as
autonomous, one layer of relu does not; the same bits on one and two ranks; what cannot be reported is
said."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import harness  # noqa: E402

DECK = """
title: verdicts
model: residual_jacobian
seed: 11
chains: 8
parameters:
  width: 3
  depth: {sweep: [64, 128, 192]}
  block: {sweep: [one_layer, two_layer, one_layer], zip: architecture}
  activation: {sweep: [linear, relu, relu], zip: architecture}
  lags: [0.0625, 0.125]
  substeps: 2
  diffusivity: yes
run:
  draws: 300
output: drift.h5
"""

BALANCED = """
model: balanced
seed: 1
chains: 2
parameters: {width: 2, excess: 1, depth: 3}
run: {thermalise: 10, draws: 20}
output: balanced.h5
"""


def number(text):
    """Value and error of 0.123(45)."""
    value, error = re.fullmatch(r"(-?[\d.]+)\(([\d.]+)\)\??", text).groups()
    digits = len(value.split(".")[1]) if "." in value else 0
    return float(value), float(error) * (1 if "." in error else 10.0 ** -digits)


def check_rows(report, text, exact):
    lines = text.splitlines()
    names = re.split(r"\s{2,}", lines[0])
    report.check("the architecture is named", names[:3] == ["block", "activation", "drift_amplitude"],
                 lines[0])
    for line, expected in zip(lines[1:4], exact):
        cells = re.split(r"\s{2,}", line)
        for name, value in expected.items():
            found, error = number(cells[names.index(name)])
            report.check(f"{cells[0]} {cells[1]}: {name} {found} +- {error}, exact {value}",
                         abs(found - value) < 5 * error + 0.005)
        own = cells[names.index("autonomous?")]
        moves_alone = bool(expected)
        report.check(f"{cells[0]} {cells[1]}: {own}",
                     own.startswith("autonomous: not rejected" if moves_alone else "not autonomous (p"))


report = harness.Report()
with harness.Folder() as folder:
    (folder / "drift.yaml").write_text(DECK)
    (folder / "balanced.yaml").write_text(BALANCED)
    for ranks, name in ((1, "one.h5"), (2, "two.h5")):
        done = harness.run(folder, "run", "drift.yaml", "-o", name, ranks=ranks, timeout=900)
        report.check(f"runs on {ranks}", done.returncode == 0, done.stderr)
    same = harness.run(folder, "compare", "one.h5", "two.h5")
    report.check("the same bits", same.returncode == 0, same.stdout)
    table = harness.run(folder, "report", "one.h5")
    print(table.stdout)
    report.check("report", table.returncode == 0, table.stderr)
    check_rows(report, table.stdout,
               [{"drift_amplitude": 0.5, "drift_constant": -0.5, "diffusion_rate": 1, "repulsion": 1},
                {"drift_amplitude": 0.25, "drift_constant": -0.25, "diffusion_rate": 0.5, "repulsion": 1},
                {}])
    report.check("no number is marked", "?: an error" not in table.stdout and ")?" not in table.stdout, table.stdout)
    harness.run(folder, "run", "drift.yaml", "--set", "chains=2", "--set", "run.draws=4", "-o", "few.h5")
    few = harness.run(folder, "report", "few.h5").stdout
    report.check("numbers from few draws are marked", ")?" in few and "?: an error from fewer than 10" in few, few)
    report.check("evidence is given", "variance_slope_in_diffusivity (+" in table.stdout)
    report.check("the number of tests is stated", "Holm" in table.stdout)
    fitted = harness.run(folder, "fit", "one.h5", "--observable", "drift_amplitude")
    report.check("derived quantities are fitted", "drift_amplitude" in fitted.stdout, fitted.stderr)
    wrong = harness.run(folder, "report", "one.h5", "--form", "cubical")
    report.check("unknown form", wrong.returncode == 2 and "cubic" in wrong.stderr, wrong.stderr)
    shown = harness.run(folder, "show", "one.h5", "diffusivity")
    report.check("diffusivity of relu depends on the index", shown.returncode == 0 and
                 "rate_index" in shown.stdout, shown.stderr)
    one = harness.run(folder, "run", "drift.yaml", "-o", "flat.h5", "--set", "parameters.depth=64")
    flat = harness.run(folder, "report", "flat.h5")
    report.check("one depth", one.returncode == 0 and flat.returncode == 0 and
                 "sweep depths" in flat.stdout, flat.stdout + flat.stderr)
    (folder / "bare.yaml").write_text("".join(line + "\n" for line in DECK.splitlines()
                                              if not line.startswith(("  lags", "  substeps"))))
    harness.run(folder, "run", "bare.yaml", "-o", "bare.h5", "--set", "run.draws=20")
    bare = harness.run(folder, "report", "bare.h5")
    report.check("a run without drifts", bare.returncode == 65 and "give lags" in bare.stderr, bare.stderr)
    harness.run(folder, "run", "balanced.yaml")
    none = harness.run(folder, "report", "balanced.h5")
    report.check("a model without report", none.returncode == 65 and "no report" in none.stderr, none.stderr)
report.close()

#!/usr/bin/env python3
"""Tied sweeps and swept choices, end to end: results, tables, fits, xarray, figure.

A tied sweep becomes an axis of point numbers with an array for each parameter; a swept choice
becomes an axis of names. Every entry must belong to the parameters that its coordinates name: the
virial <X, E'(X)> of the balanced model has the exact mean
  [d^2/N + d(d-1)/2 (1 - 1/N)] / beta,
without the second term for horizontal noise, so that no two points here have the same. (Scaling X by
c multiplies the volume of the metric by c^(d^2/N), and e^S, S the entropy, by c^(d(d-1)/2 (1-1/N)).)
"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import harness  # noqa: E402

FIGURE = pathlib.Path(__file__).parents[2] / "analysis" / "figure.py"
DECK = """\
title: tied and named
model: balanced
seed: 7
chains: 8
parameters:
  width: {sweep: [2, 3], zip: shape}
  depth: {sweep: [2, 4, 9]}
  noise: {sweep: [isotropic, horizontal]}
  beta: {sweep: [1.0, 5.0], zip: shape}
run: {thermalise: 500, draws: 200, stride: 2}
output: out.h5
"""
SHAPES = {"1": (2, 1.0), "2": (3, 5.0)}
TIED_DEPTH = DECK.replace("[2, 4, 9]}", "[2, 4], zip: shape}")
READ = """\
import sys, numpy, xarray
file, engine = sys.argv[1:]
estimates = xarray.open_dataset(file, group="estimates", engine=engine)
assert estimates.virial.dims == ("shape", "depth", "noise_kind"), estimates.virial.dims
assert list(estimates["width"].values) == [2, 3] and estimates["width"].dims == ("shape",)
assert list(estimates.beta.values) == [1, 5]
assert list(estimates.noise_kind.values) == ["isotropic", "horizontal"]
assert estimates.virial_expected.sel(shape=2, depth=9, noise_kind="horizontal") == 9 / (9 * 5)
singular = estimates.singular_values.sel(noise_kind="horizontal", depth=4)
assert numpy.isnan(singular.sel(shape=1).values[2]), "padding"
assert numpy.isfinite(singular.sel(shape=2)).all()
fits = xarray.open_dataset(file, group="fits", engine=engine)
assert fits.virial_limit.dims == ("shape", "noise_kind"), fits.virial_limit.dims
assert fits.virial_form.sel(shape=2, noise_kind="isotropic").item() != ""
"""
MODES = """\
title: three axes of several lengths
model: residual_jacobian
seed: 8
chains: 2
parameters:
  width: {sweep: [1, 3, 2]}
  group: {sweep: [3, 1, 6]}
  depth: 10
  record: [0.5, 1.0]
run: {draws: 20}
output: modes.h5
"""
READ_MODES = """\
import sys, numpy, xarray
estimates = xarray.open_dataset(sys.argv[1], group="estimates", engine=sys.argv[2])
modes = estimates.mode_log_singular_values
assert modes.dims == ("width", "group", "record", "mode", "channel_index"), modes.dims
for c in (1, 3, 2):
    for n in (3, 1, 6):
        of_task = modes.sel(width=c, group=n).values
        inside = numpy.zeros(of_task.shape, bool)
        count = n // 2 + 1 if n > 1 else 0
        inside[:, :count, :c] = True
        assert (numpy.isfinite(of_task) == inside).all(), (c, n)
        if n == 1: continue
        repeats = numpy.array([1 if k == 0 or 2 * k == n else 2 for k in range(count)])
        sums = (of_task[:, :count, :c] * repeats[:, None]).sum((1, 2))
        whole = estimates.log_singular_values_sum.sel(width=c, group=n).values
        assert abs(sums - whole).max() < 1e-12, (c, n)
"""
TAKEN = ("chain", "samples", "virial", "virial_error", "noise_kind", "depth")


def python_with(*modules):
    """The first interpreter that imports the modules, or None."""
    for python in (os.environ.get("WEYLMC_PYTHON"), sys.executable, "/usr/bin/python3"):
        command = [python, "-c", "import " + ", ".join(modules)]
        if python and subprocess.run(command, capture_output=True).returncode == 0:
            return python
    return None


def virial(width, beta, depth, noise):
    turns = width * (width - 1) / 2 * (1 - 1 / depth) if noise == "isotropic" else 0
    return (width ** 2 / depth + turns) / beta


def entries_stand_in_place(report, folder):
    table = harness.run(folder, "show", "out.h5", "virial").stdout
    rows = re.findall(r"^(\d+) +(\d+) +(\w+) +\S+ +\S+ +(\S+) +(\S+)", table, re.M)
    report.check("a row for each of 12 points", len(rows) == 12, table)
    for shape, depth, noise, expected, z in rows:
        exact = virial(*SHAPES[shape], int(depth), noise)
        report.check(f"virial of shape {shape}, depth {depth}, {noise}: z = {z}",
                     abs(float(expected) - exact) < 1e-9 and abs(float(z)) < 5, f"{expected} {exact}")


def other_programs(report, folder):
    for engine, module in (("netcdf4", "netCDF4"), ("h5netcdf", "h5netcdf")):
        python = python_with("xarray", module)
        if python is None:
            report.skip(f"xarray with {engine}", "no python3 imports it (WEYLMC_PYTHON may name one)")
            continue
        done = subprocess.run([python, "-c", READ, "out.h5", engine], cwd=folder, text=True,
                              capture_output=True)
        report.check(f"xarray with {engine}", done.returncode == 0, done.stderr)


def three_axes(report, folder):
    """Entries of an observable with two axes that differ from task to task."""
    (folder / "modes.yaml").write_text(MODES)
    done = harness.run(folder, "run", "modes.yaml", ranks=2)
    report.check("modes.h5: runs", done.returncode == 0, done.stderr)
    done = harness.run(folder, "show", "modes.h5", "mode_log_singular_values")
    rows = re.findall(r"^\d+ +\d+ +(?:0.5|1) +\d+ +\d+ +\S+", done.stdout, re.M)
    entries = 2 * (1 + 3 + 2) * (2 + 4)
    report.check(f"modes.h5: a row for each of {entries} entries", len(rows) == entries, done.stdout)
    python = python_with("xarray", "h5netcdf")
    if python is None:
        report.skip("modes.h5 by xarray", "no python3 imports it (WEYLMC_PYTHON may name one)")
        return
    done = subprocess.run([python, "-c", READ_MODES, "modes.h5", "h5netcdf"], cwd=folder, text=True,
                          capture_output=True)
    report.check("modes.h5: entries stand in place", done.returncode == 0, done.stderr)


def draw(report, folder, file):
    python = python_with("numpy", "h5py", "matplotlib")
    if python is None:
        report.skip(f"figure of {file}", "no python3 imports numpy, h5py and matplotlib")
        return
    done = subprocess.run([python, str(FIGURE), file, "-o", "out.png"], cwd=folder, text=True,
                          capture_output=True)
    report.check(f"figure of {file}", done.returncode == 0, done.stderr)


def run_and_fit(report, folder, deck, output, words):
    (folder / "deck.yaml").write_text(deck)
    done = harness.run(folder, "run", "deck.yaml", "-o", output, ranks=2)
    report.check(f"{output}: runs", done.returncode == 0, done.stderr)
    done = harness.run(folder, "fit", output)
    report.check(f"{output}: fits", all(w in done.stdout for w in words), done.stdout + done.stderr)


def names_in_use(report, folder):
    for name in TAKEN:
        (folder / "taken.yaml").write_text(DECK.replace("zip: shape", f"zip: {name}"))
        done = harness.run(folder, "run", "taken.yaml", "-o", "taken.h5")
        report.check(f"zip: {name} is refused", done.returncode == 65 and "zip" in done.stderr
                     and not (folder / "taken.h5").exists(), done.stderr)


report = harness.Report()
with harness.Folder() as folder:
    run_and_fit(report, folder, DECK, "out.h5", ("shape=2 noise_kind=horizontal", "virial"))
    entries_stand_in_place(report, folder)
    other_programs(report, folder)
    draw(report, folder, "out.h5")
    run_and_fit(report, folder, TIED_DEPTH, "tied.h5", ("noise_kind=isotropic",))
    draw(report, folder, "tied.h5")
    names_in_use(report, folder)
    three_axes(report, folder)
report.close()

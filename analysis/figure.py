#!/usr/bin/env python3
"""Draw any weylmc results file: estimates with errors against depth, and their extrapolation.

One panel for each observable: the sweep axis `depth` (or the first sweep axis) on the abscissa as
1/depth, a line for each entry (singular value index, record) and each point of the other sweeps, the
exact value where it is known, and at 1/depth = 0 the limit of the fit, if `weylmc fit` was run.

usage: figure.py FILE [-o FIGURE] [--observables NAME,...]
"""
import argparse
import math
import os
import sys

import h5py
import numpy as np

os.environ.setdefault("MPLCONFIGDIR", os.path.join(os.environ.get("TMPDIR", "/tmp"), "matplotlib"))
import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

PREFERRED = {
    "balanced": ["entropy", "free_energy", "energy", "frobenius2", "reduced_entropy",
                 "log_abs_det", "singular_values", "layer_singular_values", "virial"],
    "residual_jacobian": ["log_singular_values", "gap", "gap_ratio", "log_singular_values_sum",
                          "log_vector_growth", "log_det_metric", "effective_rank", "condition"],
}
LINES = 8  # at most so many lines a panel


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def names_of(dataset):
    """Names of a dataset's dimensions, from its dimension scales."""
    return [os.path.basename(dim[0].name) if len(dim) else f"axis {k}"
            for k, dim in enumerate(dataset.dims)]


def coordinates(group, name, length):
    values = group[name][()] if name in group else np.arange(length)
    return [text(v) for v in values] if values.dtype.kind in "OSU" else values


def observables(file):
    """Observables to draw: the model's usual ones, or all that have errors."""
    group = file["estimates"]
    present = [n for n in group if f"{n}_error" in group]
    model = text(file.attrs.get("model", ""))
    chosen = [n for n in PREFERRED.get(model, []) if n in present]
    return chosen or sorted(present)


def swept_axis(group):
    """The axis that goes along the abscissa."""
    names = names_of(group["samples"])
    return "depth" if "depth" in names else names[0] if names else None


def label(names, index, group, shape):
    parts = []
    for name, k, n in zip(names, index, shape):
        if n > 1:
            value = coordinates(group, name, n)[k]
            parts.append(f"{name} {value:g}" if isinstance(value, (float, np.floating)) else f"{name} {value}")
    return ", ".join(parts)


def abscissa(group, along, n):
    """Positions, whether they are 1/depth, tick labels."""
    values = coordinates(group, along, n) if along else [0.0]
    if along == "depth":
        return 1 / np.asarray(values, float), True, None
    if isinstance(values, list):
        return np.arange(n), False, values
    return np.asarray(values, float), False, None


def draw_limit(axis, file, name, index, colour):
    """The fitted limit; whether there is one."""
    fits = file.get("fits")
    if fits is None or f"{name}_limit" not in fits:
        return False
    limit = fits[f"{name}_limit"][index]
    if not math.isfinite(limit):
        return False
    axis.errorbar([0], [limit], [fits[f"{name}_limit_error"][index]], marker="D", color=colour,
                  markersize=5, capsize=3, clip_on=False)
    return True


def chosen_lines(names, shape):
    """All entries; of many records the last alone, where the whole network has been passed."""
    everything = list(np.ndindex(*shape))
    if len(everything) <= LINES or "record" not in names:
        return everything
    k = names.index("record")
    return [index for index in everything if index[k] == shape[k] - 1]


def panel(axis, file, name, along):
    """One observable."""
    group = file["estimates"]
    data, error = group[name], group[f"{name}_error"]
    names = names_of(data)
    values, errors = np.asarray(data), np.asarray(error)
    exact = np.asarray(group[f"{name}_expected"]) if f"{name}_expected" in group else None
    if along in names:
        k = names.index(along)
        names.pop(k)
        values, errors = np.moveaxis(values, k, 0), np.moveaxis(errors, k, 0)
        exact = np.moveaxis(exact, k, 0) if exact is not None else None
    else:
        values, errors = values[None], errors[None]
        exact = exact[None] if exact is not None else None
    x, inverse, ticks = abscissa(group, along if along in names_of(data) else None, len(values))
    rest = values.shape[1:]
    drawn, fitted = 0, False
    for index in chosen_lines(names, rest):
        column = (slice(None),) + index
        if drawn == LINES or not np.isfinite(values[column]).any():
            continue
        line = axis.errorbar(x, values[column], errors[column], marker="o", markersize=3.5, capsize=2,
                             linewidth=1, label=label(names, index, group, rest))
        if exact is not None and np.isfinite(exact[column]).any():
            axis.plot(x, exact[column], linestyle="none", marker="x", color="black", markersize=6,
                      label="exact" if drawn == 0 else None)
        if inverse:
            fitted |= draw_limit(axis, file, name, index, line[0].get_color())
        drawn += 1
    unit = text(data.attrs.get("units", ""))
    axis.set_title(name.replace("_", " ") + (f" [{unit}]" if unit not in ("", "1") else ""), fontsize=10)
    axis.set_xlabel("1 / depth" + ", diamond: fitted limit" * fitted if inverse else (along or ""), fontsize=8)
    axis.tick_params(labelsize=8)
    if inverse:
        axis.set_xlim(left=0)
    if ticks:
        axis.set_xticks(x, ticks)
    if drawn > 1 or exact is not None:
        axis.legend(fontsize=6, ncols=2 if drawn > 4 else 1)
    axis.margins(y=0.1)


def figure(path, out, wanted):
    with h5py.File(path, "r") as file:
        if "estimates" not in file:
            sys.exit(f"{path}: no group 'estimates': is this a results file of weylmc?")
        chosen = wanted or observables(file)
        unknown = [n for n in chosen if n not in file["estimates"]]
        if unknown:
            sys.exit(f"{path}: no observable {', '.join(unknown)}; there are: "
                     + ", ".join(sorted(n for n in file['estimates'] if f'{n}_error' in file['estimates'])))
        along = swept_axis(file["estimates"])
        columns = min(3, len(chosen))
        rows = -(-len(chosen) // columns)
        sheet, axes = plt.subplots(rows, columns, figsize=(3.9 * columns, 2.9 * rows + 0.4),
                                   squeeze=False, layout="constrained")
        for axis in axes.flat[len(chosen):]:
            axis.set_visible(False)
        for axis, name in zip(axes.flat, chosen):
            panel(axis, file, name, along)
        title = text(file.attrs.get("title", ""))
        sheet.suptitle(title or os.path.basename(path), fontsize=11)
        sheet.savefig(out, dpi=150)
        plt.close(sheet)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", help="figure; default: FILE with the ending .png")
    parser.add_argument("--observables", help="names, separated by commas")
    options = parser.parse_args()
    out = options.output or os.path.splitext(options.file)[0] + ".png"
    figure(options.file, out, options.observables.split(",") if options.observables else None)


if __name__ == "__main__":
    main()

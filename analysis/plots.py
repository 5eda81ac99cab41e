"""What the figures of the experiments share: reading results files, and the look of axes."""
import os
import sys

import h5py
import numpy as np

os.environ.setdefault("MPLCONFIGDIR", os.path.join(os.environ.get("TMPDIR", "/tmp"), "matplotlib"))
import matplotlib  # noqa: E402

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
plt.rcParams.update({
    "font.size": 9, "axes.titlesize": 9.5, "axes.labelsize": 9, "legend.fontsize": 7.5,
    "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False,
    "lines.linewidth": 1.2, "lines.markersize": 4, "errorbar.capsize": 2,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS)})


class Results:
    """A group of a results file; arrays are taken by the coordinates of their axes."""

    def __init__(self, path, group="estimates"):
        with h5py.File(path, "r") as file:
            if group not in file:
                sys.exit(f"{path}: no group '{group}'" + (
                    ": run `weylmc fit` on it first" if group == "fits" else ""))
            self.arrays = {name: d[()] for name, d in file[group].items()}
            self.axes = {name: [os.path.basename(dim[0].name) for dim in d.dims if len(dim)]
                         for name, d in file[group].items()}

    def coordinates(self, axis):
        values = self.arrays[axis]
        return [v.decode() for v in values] if values.dtype.kind in "OS" else values

    def take(self, name, **at):
        """The array at coordinates `at` (exact matches), the other axes in order."""
        index = []
        for axis in self.axes[name]:
            if axis not in at:
                index.append(slice(None))
                continue
            found = [k for k, v in enumerate(self.coordinates(axis)) if v == at[axis]]
            if not found:
                sys.exit(f"no {axis} = {at[axis]} in this file: there are {self.coordinates(axis)}")
            index.append(found[0])
        return self.arrays[name][tuple(index)]

    def pair(self, name, **at):
        """Values and standard errors."""
        return self.take(name, **at), self.take(name + "_error", **at)


def panels(rows, columns, width=3.5, height=2.9):
    return plt.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False,
                        layout="constrained")


def letter(axes):
    """(a), (b), ... on the panels."""
    for k, axis in enumerate(np.ravel(axes)):
        words = axis.get_title()
        axis.set_title("")
        axis.set_title(f"({chr(97 + k)})  {words}", loc="left")


def save(sheet, path):
    sheet.savefig(path, dpi=160)
    plt.close(sheet)
    print(f"wrote {path}")


def pull(name, value, error, exact):
    """Print a comparison and return the distance in errors."""
    z = (value - exact) / error
    print(f"{name}: {value:.6g} +- {error:.2g}, exact {exact:.6g}, {z:+.2f} sigma")
    return z

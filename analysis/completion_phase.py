#!/usr/bin/env python3
"""The minimiser of the free energy of a 2 x 2 completion against temperature and depth.

Of the ends of all starts at one temperature and depth those of least free energy count. With a ridge:
(a) their antisymmetric part |X_12 - X_21|/2 beside docs/theory/completion.md, eq. (C5); (b) scaled by
beta_c; (c) phase diagram and beta_c of (C6). With weight decay: (d) sigma_2/sigma_1; (e) the
antisymmetric part beside (C7); (f) phase diagram and beta_1 of (C8).

usage: completion_phase.py RIDGE DECAY [-o FIGURE]
       weylmc run inputs/completion_phase.yaml, inputs/completion_decay.yaml
"""
import argparse
import re

import h5py
import numpy as np

import plots

BROKEN = 1e-2  # a smaller antisymmetric part, or quotient of singular values, counts as none
SAME = 1e-7    # free energies closer than this are those of one minimum


class Ends:
    """Ends of the flow in one file."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.deck = file["deck/resolved"].asstr()[()]
        self.chains = plots.Results(path, "chains")
        self.depths, self.betas = (self.chains.coordinates(k) for k in ("depth", "beta"))

    def number(self, key):
        """A number of the deck, or the first of a list."""
        return float(re.search(rf"^\s*{key}:\s*\[?\s*([-0-9.eE+]+)", self.deck, re.MULTILINE).group(1))

    def best(self, depth, beta):
        """Which ends have the least free energy."""
        energy = self.chains.take("free_energy", depth=depth, beta=beta)
        energy = np.where(np.isfinite(energy), energy, np.inf)
        return energy <= energy.min() + SAME

    def quotients(self, depth, beta):
        """sigma_2/sigma_1 at these ends."""
        sigma = self.chains.take("singular_values", depth=depth, beta=beta)[self.best(depth, beta)]
        return sigma[:, 1] / sigma[:, 0]

    def least(self, depth):
        """For each beta: antisymmetric part at these ends, its scatter, the largest quotient of
        singular values, and how many ends these are."""
        rows = []
        for beta in self.betas:
            x = self.chains.take("matrix", depth=depth, beta=beta)[self.best(depth, beta)]
            part = np.abs(x[:, 0, 1] - x[:, 1, 0]) / 2
            rows.append((part.mean(), np.ptp(part) / 2, self.quotients(depth, beta).max(), len(x)))
        return np.array(rows).T


def draw_part(axis, scaled, ends, exact, critical, name):
    """The antisymmetric part, as it is and against beta over its critical value."""
    fine = np.linspace(ends.betas[0], ends.betas[-1], 800)
    for depth, colour in zip(ends.depths, plots.COLOURS):
        part, scatter, _, count = ends.least(depth)
        near = critical(depth)
        away = np.abs(ends.betas / near - 1) > 0.02
        off = np.abs(part - exact(depth, ends.betas)) / np.maximum(1, part)
        print(f"{name}, N = {depth:g}: critical beta {near:.4f}; largest difference of the antisymmetric "
              f"part to theory, 2% away from it, {np.max(off[away]):.1e}, scatter up to "
              f"{np.max(scatter[away]):.1e}; ends at the least minimum {count.min():.0f} to {count.max():.0f}")
        style = {"color": colour, "marker": "o", "linestyle": "none"}
        axis.plot(fine, exact(depth, fine), color=colour)
        axis.errorbar(ends.betas, part, scatter, **style, label=f"N = {depth:g}")
        if scaled is not None:
            scaled.errorbar(ends.betas / near, part, scatter, **style)
    axis.set_xlabel(r"inverse temperature $\beta$ (1/energy)")
    axis.set_ylabel(r"$|X_{12} - X_{21}|/2$ (dimensionless)")
    axis.legend()


def draw_phases(axis, ends, critical, words):
    for word, colour, inside in zip(words, plots.COLOURS[1::-1], (plots.COLOURS[1], "white")):
        axis.plot([], [], "o", markersize=4.5, color=colour, markerfacecolor=inside, label=word)
    for depth in ends.depths:
        part, _, quotient, _ = ends.least(depth)
        for beta, s, q in zip(ends.betas, part, quotient):
            axis.plot(beta, depth, "s" if q < BROKEN else "o", markersize=4.5,
                      color=plots.COLOURS[1] if s > BROKEN else plots.COLOURS[0],
                      markerfacecolor=None if s > BROKEN else "white")
    fine = np.geomspace(1.5, 1.6 * ends.depths[-1], 200)
    axis.plot([critical(n) for n in fine], fine, color="black")
    axis.set_yscale("log")
    axis.set_ylim(1.5, 4.5 * ends.depths[-1])
    axis.set_yticks(ends.depths, [f"{d:g}" for d in ends.depths])
    axis.minorticks_off()
    axis.set_xlim(0.9 * ends.betas[0], 1.03 * ends.betas[-1])
    axis.legend(loc="upper left")
    axis.set_xlabel(r"inverse temperature $\beta$ (1/energy)")
    axis.set_ylabel("depth N")


def ridge_row(axes, ends):
    ridge, target = ends.number("frobenius"), ends.number("diag")

    def critical(depth):
        return (1 - 1 / depth) / (2 * ridge * target ** 2)

    def exact(depth, beta):
        return np.sqrt(np.maximum((1 - 1 / depth) / (2 * ridge * beta) - target ** 2, 0))

    draw_part(axes[0], axes[1], ends, exact, critical, "ridge")
    fine = np.linspace(0.15, 3, 600)
    axes[1].plot(fine, target * np.sqrt(np.maximum(1 / fine - 1, 0)), color="black", zorder=0)
    axes[1].set_xlabel(r"$\beta/\beta_c(N)$")
    axes[1].set_ylabel(r"$|X_{12} - X_{21}|/2$ (dimensionless)")
    draw_phases(axes[2], ends, critical, ("two minimisers, X and $X^T$", "one, diagonal"))
    for axis, title in zip(axes, ("ridge: antisymmetric part", "all depths on one curve",
                                  r"full rank throughout; line: $\beta_c$")):
        axis.set_title(title)


def decay_row(axes, ends):
    decay, target = ends.number("decay"), ends.number("diag")

    def critical(depth):
        return (1 - 1 / depth) / (decay * (2 * target) ** (2 / depth))

    def exact(depth, beta):
        sigma = ((1 - 1 / depth) / (beta * decay)) ** (depth / 2)
        return np.sqrt(np.maximum(sigma ** 2 - 4 * target ** 2, 0)) / 2 if depth > 2 else beta * np.nan

    for depth, colour in zip(ends.depths, plots.COLOURS):
        quotients = [ends.quotients(depth, beta) for beta in ends.betas]
        every = np.concatenate(quotients)
        axes[0].plot(np.repeat(ends.betas, [len(q) for q in quotients]), every, ".", color=colour,
                     alpha=0.6, label=f"N = {depth:g}")
        print(f"decay, N = {depth:g}: sigma_2/sigma_1 at ends of least free energy {every.min():.1e} "
              f"to {every.max():.1e}")
    axes[0].set_xlabel(r"inverse temperature $\beta$ (1/energy)")
    axes[0].set_ylabel(r"$\sigma_2/\sigma_1$")
    axes[0].set_ylim(-0.05, 1.25)
    axes[0].legend(ncols=len(ends.depths), markerscale=2, loc="upper right")
    draw_part(axes[1], None, ends, exact, critical, "decay")
    axes[1].set_yscale("symlog", linthresh=1)
    draw_phases(axes[2], ends, critical, ("two minimisers, X and $X^T$", "one, symmetric"))
    for axis, title in zip(axes, ("weight decay: second singular value", "antisymmetric part",
                                  r"squares: rank 1; line: $\beta_1$")):
        axis.set_title(title)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("ridge")
    parser.add_argument("decay")
    parser.add_argument("-o", "--output", default="completion_phase.png")
    options = parser.parse_args()
    sheet, axes = plots.panels(2, 3, width=3.4)
    ridge_row(axes[0], Ends(options.ridge))
    decay_row(axes[1], Ends(options.decay))
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How a square network without hidden excess loses rank with depth.

(a)-(c) law of the smallest singular value lambda_d of the layers for d = 2, 3, 4, beside its limit
~ (1 - lambda^2)^((d-1)/2), and for d = 2 the exact law at finite depth; (d) mean of sigma_d =
lambda_d^N against depth, beside N^(-(d+1)/2) and, for d = 2, the exact mean; (e) mean effective
rank; (f) law of the effective rank for d = 3.

usage: rank_loss.py FILE [-o FIGURE]        FILE: weylmc run inputs/rank_loss.yaml
"""
import argparse
from math import gamma

import numpy as np

import plots
import width2

DEPTHS = (2, 10, 100, 1000)


def limit_law(width, x):
    norm = 2 * gamma((width + 2) / 2) / (np.sqrt(np.pi) * gamma((width + 1) / 2))
    return norm * np.clip(1 - x * x, 0, None) ** ((width - 1) / 2)


def bin_average(width, centre, step):
    """The limit averaged over bins, since the histogram is."""
    offsets, weights = np.polynomial.legendre.leggauss(40)
    return np.array([np.sum(weights / 2 * limit_law(width, c + step / 2 * offsets)) for c in centre])


def draw_law(axis, results, width):
    centre = results.coordinates("lambda_bin")
    step = centre[1] - centre[0]
    shown = centre < 1.3
    for depth, colour in zip(DEPTHS, plots.COLOURS):
        value, error = results.pair("lambda_density", width=width, depth=depth, index=width)
        axis.errorbar(centre[shown], value[shown], error[shown], color=colour, marker=".", markersize=3,
                      linestyle="none", capsize=0, label=f"N = {depth}")
        if width == 2:
            axis.plot(centre[shown], width2.lambda_2_density(depth, centre[shown]), color=colour)
    fine = np.linspace(0, 1, 300)
    axis.plot(fine, limit_law(width, fine), color="black", linestyle="--", label=r"limit")
    value, error = results.pair("lambda_density", width=width, depth=DEPTHS[-1], index=width)
    inside = (error > 0) & (centre < 0.98)
    z = (value - bin_average(width, centre, step))[inside] / error[inside]
    print(f"d = {width}, N = {DEPTHS[-1]}: histogram against its limit, chi^2 = {np.sum(z * z):.0f} "
          f"for {inside.sum()} bins below 0.98")
    axis.set_title(rf"d = {width}: law of $\lambda_{width}$")
    axis.set_xlabel(rf"$\lambda_{width}$ (dimensionless)")
    axis.set_ylabel("probability density")
    axis.set_ylim(bottom=0)
    axis.set_xlim(0, 1.3)
    axis.legend()


def draw_sigma(axis, results):
    depth = results.coordinates("depth")
    for width, colour in zip((2, 3, 4), plots.COLOURS):
        value, error = results.pair("singular_values", width=width, index=width)
        axis.errorbar(depth, value, error, color=colour, marker="o", linestyle="none", label=f"d = {width}")
        power = (width + 1) / 2
        deep = depth >= 30
        weight = (value[deep] / error[deep]) ** 2
        factor = np.sum(weight * value[deep] * depth[deep] ** power) / np.sum(weight)
        axis.plot(depth, factor * depth ** -power, color=colour, linestyle=":")
        slope, spread = power_of(depth[depth >= 100], value[depth >= 100], error[depth >= 100])
        print(f"d = {width}: E sigma_d ~ N^({slope:.3f} +- {spread:.3f}) from N >= 100, theory {-power}")
        if width == 2:
            fine = np.geomspace(2, 1000, 60)
            axis.plot(fine, [width2.averages(n, 0)["sigma_2"] for n in fine], color=colour)
            exact = np.array([width2.averages(n, 0)["sigma_2"] for n in depth])
            z = (value - exact) / error
            print(f"d = 2: E sigma_2 against quadrature, chi^2 = {np.sum(z * z):.1f} for {len(z)} depths")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title(r"smallest singular value, dotted $N^{-(d+1)/2}$")
    axis.set_xlabel("depth N")
    axis.set_ylabel(r"$\langle\sigma_d\rangle$ (dimensionless)")
    axis.legend()


def power_of(depth, value, error):
    """Slope of log value against log depth, weighted, with its error."""
    x, y, w = np.log(depth), np.log(value), (value / error) ** 2
    mean = np.sum(w * x) / np.sum(w)
    spread = np.sum(w * (x - mean) ** 2)
    return np.sum(w * (x - mean) * y) / spread, spread ** -0.5


def draw_rank(axis, results):
    depth = results.coordinates("depth")
    for width, colour in zip((2, 3, 4), plots.COLOURS):
        value, error = results.pair("effective_rank", width=width)
        axis.errorbar(depth, value, error, color=colour, marker="o", label=f"d = {width}")
        axis.axhline(width - 1, color=colour, linestyle=":", linewidth=0.8)
    axis.set_xscale("log")
    axis.set_ylim(0.9, 3.1)
    axis.set_title("effective rank, dotted: bound d - 1")
    axis.set_xlabel("depth N")
    axis.set_ylabel("effective rank (dimensionless)")
    axis.set_xlim(1.5, 1400)


def draw_rank_law(axis, results):
    centre = results.coordinates("rank_bin")
    for depth, colour in zip(DEPTHS, plots.COLOURS):
        value, error = results.pair("effective_rank_density", width=3, depth=depth)
        axis.errorbar(centre, value, error, color=colour, marker=".", markersize=3, linewidth=0.7,
                      capsize=0, label=f"N = {depth}")
    axis.axvline(2, color="0.5", linestyle=":", linewidth=0.8)
    axis.set_xlim(1, 3)
    axis.set_ylim(bottom=0)
    axis.set_title("d = 3: law of the effective rank")
    axis.set_xlabel("effective rank (dimensionless)")
    axis.set_ylabel("probability density")
    axis.legend()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", default="rank_loss.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    sheet, axes = plots.panels(2, 3, width=3.3)
    for axis, width in zip(axes[0], (2, 3, 4)):
        draw_law(axis, results, width)
    draw_sigma(axes[1][0], results)
    draw_rank(axes[1][1], results)
    draw_rank_law(axes[1][2], results)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

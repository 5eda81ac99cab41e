#!/usr/bin/env python3
"""Where gradient flow ends in the completion of a matrix with observed diagonal.

(a), (b) completions of a 2 x 2 matrix with diagonal (1, 1) in the plane of their free entries: log
volume of the networks behind them (shades and contours, darker is larger), matrices of rank 1 (hyperbola), ends of
the flow; (c) histogram of det X; (d), (e) histograms of the effective rank for 2 x 2 and 3 x 3, with
errors; (f) singular values of the 3 x 3 ends.

usage: completion_flow.py FILE2 FILE3 [-o FIGURE]
       FILE2, FILE3: weylmc run inputs/completion_flow.yaml, inputs/completion_flow3.yaml
"""
import argparse

import numpy as np

import plots

SHOWN = 3.2


def pair_entropy(depth, x12, x21):
    """1/2 log a_12 of X = ((1, x12), (x21, 1)); docs/theory/balanced.md, eq. (9)."""
    sum_of_squares = 2 + x12 ** 2 + x21 ** 2
    det = np.abs(1 - x12 * x21)
    gap = np.arccosh(np.maximum(sum_of_squares / (2 * np.maximum(det, 1e-300)), 1 + 1e-15))
    # log a = (1 - 1/N) log det + log N + log[sinh(D)/D] - log[sinh(D/N)/(D/N)]
    return 0.5 * ((1 - 1 / depth) * np.log(np.maximum(det, 1e-300)) + np.log(depth)
                  + log_sinhc(gap) - log_sinhc(gap / depth))


def log_sinhc(x):
    small = x < 1e-4
    y = np.where(small, 1.0, x)
    return np.where(small, x * x / 6, y + np.log(-np.expm1(-2 * y) / (2 * y)))


def ends(path, depth):
    """Matrices at the end, one a chain, and their singular values."""
    chains = plots.Results(path, "chains")
    matrix = chains.take("matrix", depth=depth)
    return matrix, chains.take("singular_values", depth=depth)


def draw_map(axis, path, depth):
    side = np.linspace(-SHOWN, SHOWN, 400)
    x, y = np.meshgrid(side, side)
    volume = pair_entropy(depth, x, y)
    axis.contourf(x, y, volume, levels=24, cmap="Greys", alpha=0.6)
    lines = axis.contour(x, y, volume, levels=7, colors="0.35", linewidths=0.5)
    axis.clabel(lines, fontsize=6, fmt="%.2g")
    for x_branch in (np.linspace(1 / SHOWN, SHOWN, 200), -np.linspace(1 / SHOWN, SHOWN, 200)):
        axis.plot(x_branch, 1 / x_branch, color=plots.COLOURS[0], linewidth=1)
    matrix, _ = ends(path, depth)
    axis.plot(matrix[:, 0, 1], matrix[:, 1, 0], ".", color=plots.COLOURS[1], markersize=3, alpha=0.7)
    outside = np.mean(np.max(np.abs(matrix), axis=(1, 2)) > SHOWN)
    print(f"2 x 2, N = {depth:g}: {100 * outside:.1f}% of the ends outside the map")
    axis.set_xlim(-SHOWN, SHOWN)
    axis.set_ylim(-SHOWN, SHOWN)
    axis.set_aspect("equal")
    axis.set_xlabel("$X_{12}$ (dimensionless)")
    axis.set_ylabel("$X_{21}$ (dimensionless)")
    axis.set_title(rf"N = {depth:g}: ends, and $\frac{{1}}{{2}}\log a_{{12}}$")


def histogram(axis, edges, density, error, colour, label):
    axis.stairs(density, edges, color=colour, label=label)
    axis.errorbar((edges[1:] + edges[:-1]) / 2, density, error, color=colour, linestyle="none",
                  elinewidth=0.7, capsize=0)


def draw_determinants(axis, path, depths):
    bins = np.linspace(-0.2, 1.2, 22)
    for depth, colour in zip(depths, plots.COLOURS):
        matrix, sigma = ends(path, depth)
        det = np.linalg.det(matrix)
        count, _ = np.histogram(det, bins)
        width, total = bins[1] - bins[0], len(det)
        density, error = count / total / width, np.sqrt(count * (1 - count / total)) / total / width
        histogram(axis, bins, density, error, colour, f"N = {depth:g}")
        for sign, word in ((1, "> 0"), (-1, "< 0")):
            part = sigma[sign * det > 0]
            low = np.mean(part[:, 1] < 0.1 * part[:, 0])
            print(f"2 x 2, N = {depth:g}, det {word}: {len(part)} ends, sigma_2 < sigma_1/10 in "
                  f"{100 * low:.1f} +- {100 * np.sqrt(low * (1 - low) / len(part)):.1f}%")
    axis.set_ylim(bottom=0)
    axis.set_xlabel("det X (dimensionless)")
    axis.set_ylabel("probability density")
    axis.set_title("2 x 2: determinants of the ends")
    axis.legend()


def draw_ranks(axis, path, depths, width):
    results = plots.Results(path)
    centre = results.coordinates("rank_bin")
    for depth, colour in zip(depths, plots.COLOURS):
        value, error = results.pair("effective_rank_density", depth=depth)
        edges = np.linspace(1, width, len(centre) + 1)
        histogram(axis, edges, value, error, colour, f"N = {depth:g}")
        mean, spread = results.pair("effective_rank", depth=depth)
        print(f"{width} x {width}, N = {depth:g}: mean effective rank {mean:.4f} +- {spread:.4f}, "
              f"energy {results.take('energy', depth=depth):.1e}")
    axis.set_xlim(1, width)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("effective rank (dimensionless)")
    axis.set_ylabel("probability density")
    axis.set_title(f"{width} x {width}: effective rank of the ends")
    axis.legend()


def draw_ratios(axis, path, depths):
    for depth, colour in zip(depths, plots.COLOURS):
        _, sigma = ends(path, depth)
        axis.plot(sigma[:, 1] / sigma[:, 0], np.maximum(sigma[:, 2] / sigma[:, 0], 1e-12), ".",
                  color=colour, markersize=3, alpha=0.6, label=f"N = {depth:g}")
        low = np.mean(sigma[:, 1] < 0.1 * sigma[:, 0])
        third = np.mean(sigma[:, 2] < 0.1 * sigma[:, 0])
        print(f"3 x 3, N = {depth:g}: rank 1 (sigma_2 < sigma_1/10) {100 * low:.1f}%, "
              f"rank <= 2 (sigma_3 < sigma_1/10) {100 * third:.1f}%")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel(r"$\sigma_2/\sigma_1$")
    axis.set_ylabel(r"$\sigma_3/\sigma_1$")
    axis.set_title("3 x 3: singular values of the ends")
    axis.legend(markerscale=2.5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file2")
    parser.add_argument("file3")
    parser.add_argument("-o", "--output", default="completion_flow.png")
    options = parser.parse_args()
    depths = plots.Results(options.file2).coordinates("depth")
    sheet, axes = plots.panels(2, 3, width=3.4, height=3.2)
    draw_map(axes[0][0], options.file2, depths[0])
    draw_map(axes[0][1], options.file2, depths[-1])
    draw_determinants(axes[0][2], options.file2, depths)
    draw_ranks(axes[1][0], options.file2, depths, 2)
    draw_ranks(axes[1][1], options.file3, depths, 3)
    draw_ratios(axes[1][2], options.file3, depths)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

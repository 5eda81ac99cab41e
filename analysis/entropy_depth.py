#!/usr/bin/env python3
"""The mean reduced entropy against depth, with and without hidden excess, beside exact averages.

(a) the means, the exact averages, and their straight lines a + b/N; (b) N (mean - a), which tends to
b: in powers of 1/N with excess, with a root singularity without; (c) difference to the exact
averages in standard errors.

usage: entropy_depth.py FILE [-o FIGURE]        FILE: weylmc run inputs/entropy_depth.yaml, weylmc fit
"""
import argparse

import numpy as np

import plots
import width2


def fit_of(path, excess):
    fits = plots.Results(path, "fits")
    return [(fits.take(f"reduced_entropy_{part}", excess=excess),
             fits.take(f"reduced_entropy_{part}_error", excess=excess))
            for part in ("limit", "coefficient")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", default="entropy_depth.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    depth = results.coordinates("depth")
    sheet, axes = plots.panels(1, 3, width=3.3)
    means, scaled, differences = axes[0]
    fine = np.geomspace(depth[0], 3e4, 90)
    for excess, colour in ((1, plots.COLOURS[0]), (0, plots.COLOURS[1])):
        value, error = results.pair("reduced_entropy", excess=excess)
        exact = np.array([width2.averages(n, excess)["reduced_entropy"] for n in depth])
        curve = np.array([width2.averages(n, excess)["reduced_entropy"] for n in fine])
        a, b = width2.limit("reduced_entropy", excess)
        (fa, ea), (fb, eb) = fit_of(options.file, excess)
        plots.pull(f"excess {excess}: limit", fa, ea, a)
        plots.pull(f"excess {excess}: coefficient", fb, eb, b)
        style = {"linestyle": "none", "marker": "o", "color": colour}
        means.plot(1 / fine, curve - a, color=colour)
        means.plot([0, 0.11], [0, 0.11 * b], color=colour, linestyle=":")
        means.errorbar(1 / depth, value - a, error, **style, label=f"m = {excess}")
        scaled.plot(fine ** -0.5, fine * (curve - a), color=colour)
        scaled.errorbar(depth ** -0.5, depth * (value - a), depth * error, **style)
        scaled.plot([0], [b], marker="D", color=colour, markerfacecolor="white", clip_on=False)
        z = (value - exact) / error
        differences.errorbar(depth * (1.03 if excess else 0.97), z, 1, **style)
        print(f"excess {excess}: chi^2 = {np.sum(z * z):.1f} for {len(z)} depths")
    means.set_xlabel("1 / depth N")
    means.set_ylabel(r"$\langle S_{\rm red}\rangle_N - \langle S_{\rm red}\rangle_\infty$")
    means.set_title("reduced entropy, dotted a + b/N")
    means.set_xlim(0, 0.26)
    means.legend(title="hidden excess", loc="lower right")
    scaled.set_xlabel(r"$N^{-1/2}$")
    scaled.set_ylabel(r"$N\,[\langle S_{\rm red}\rangle_N - \langle S_{\rm red}\rangle_\infty]$")
    scaled.set_title("its approach to b (diamonds)")
    scaled.set_xlim(0, 0.52)
    scaled.set_ylim(0, 5)
    differences.axhspan(-1, 1, color="0.92")
    differences.axhline(0, color="0.5", linewidth=0.8)
    differences.set_xscale("log")
    differences.set_ylim(-4, 4)
    differences.set_xlabel("depth N")
    differences.set_ylabel("(mean - exact) / error")
    differences.set_title("against quadrature")
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Drift and diffusion of log-singular values, architecture by architecture.

(a) drift between two values against their gap, in free form, over what a coth of amplitude D/2 gives
in the same projection: 1 for a coth diffusion; (b) variance rate of each value over their mean; (c)
variance rate against 1/depth. (a) and (b) at the greatest depth. Prints chi^2 of (a) and (b) against
constants.

usage: drift.py FILE [-o FIGURE]        FILE: weylmc run inputs/drift/architectures.yaml
"""
import argparse

import numpy as np

import plots


def names(results):
    columns = [[text.decode() for text in results.arrays[name]] for name in ("block", "activation")]
    return [" ".join(row) for row in zip(*columns)]


def ratio(results, **at):
    value, error = results.pair("pair_amplitude", **at)
    half = results.take("diffusion_rate", **at)[0] / 2
    return value / half, error / half


def profile(results, **at):
    matrix, error = results.pair("diffusion_matrix", **at)
    rate = np.diagonal(matrix)
    return rate / rate.mean(), np.diagonal(error) / rate.mean()


def chi2(value, error):
    mean = np.sum(value / error ** 2) / np.sum(1 / error ** 2)
    return np.sum(((value - mean) / error) ** 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", default="drift.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    depths = results.coordinates("depth")
    sheet, axes = plots.panels(1, 3)
    gap, index = results.coordinates("pair_gap"), results.coordinates("path_index")
    for k, name in enumerate(names(results)):
        style = dict(color=plots.COLOURS[k % len(plots.COLOURS)], marker="os^vDPX"[k // 2 % 7],
                     linestyle="-" if k < len(plots.COLOURS) else "--", label=name)
        at = dict(depth=depths[-1], architecture=results.coordinates("architecture")[k])
        for axis, x, (value, error) in ((axes[0][0], gap, ratio(results, **at)),
                                        (axes[0][1], index, profile(results, **at))):
            axis.errorbar(x, value, error, **style)
        value, error = results.pair("diffusion_rate", architecture=at["architecture"])
        axes[0][2].errorbar(1 / depths, value[:, 0], error[:, 0], **style)
        print(f"{name}: chi^2 of a constant: pair function {chi2(*ratio(results, **at)):.1f} "
              f"({len(gap) - 1} degrees of freedom), variance rates {chi2(*profile(results, **at)):.1f} "
              f"({len(index) - 1}), depth {depths[-1]:.0f}")
    labels = (("pair function over that of a coth", "gap", "ratio"),
              ("variance rate of each value over the mean", "index", "ratio"),
              ("variance rate", "1 / depth", "D"))
    for axis, (title, x, y) in zip(axes[0], labels):
        axis.set(title=title, xlabel=x, ylabel=y)
    axes[0][0].axhline(1, color="black", linewidth=0.6)
    axes[0][2].set_xlim(left=0)
    axes[0][2].locator_params(axis="x", nbins=4)
    axes[0][1].set_xticks(index)
    axes[0][1].legend()
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

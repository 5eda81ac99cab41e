#!/usr/bin/env python3
"""Log-normal growth of a vector in plain and in residual relu networks.

Plain, variance 2/width: (a) mean and (b) variance of log|M u| among the networks where it is finite,
against depth/width: exact sums over layers (lines), and -5/4 and 5/4 times depth/width (dashed).
Residual two-layer blocks: (c) mean and (d) variance against 1/depth: exact sums over layers (lines),
expansions to 1/depth (dotted), depth inf (diamonds).

usage: growth.py PLAIN RESIDUAL [-o FIGURE]    PLAIN: weylmc run inputs/jacobian/growth.yaml
                                              RESIDUAL: weylmc run inputs/jacobian/growth_residual.yaml
"""
import argparse
from math import comb

import numpy as np

import plots


def digamma(x):
    """psi(x), x > 0, for arrays: recurrence, then Stirling's series."""
    x = np.array(x, dtype=float)
    shift = np.zeros_like(x)
    for _ in range(12):
        shift -= 1 / x
        x += 1
    y = 1 / (x * x)
    return shift + np.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240)))


def trigamma(x):
    x = np.array(x, dtype=float)
    shift = np.zeros_like(x)
    for _ in range(12):
        shift += 1 / (x * x)
        x += 1
    y = 1 / (x * x)
    return shift + 1 / x + y / 2 + y / x * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y / 30)))


def total(share, mean, variance):
    """Mean and variance of a mixture."""
    first = np.sum(share * mean) / np.sum(share)
    return first, np.sum(share * (variance + mean ** 2)) / np.sum(share) - first ** 2


def active(units):
    """Law of the number of active units, from 0 on."""
    return np.array([float(comb(units, b)) * 0.5 ** units for b in range(units + 1)])


def relu_layer(width):
    """Mean and variance of the growth in a layer that has active units: |Ju|^2 = (2/d) chi^2_B."""
    half = np.arange(1, width + 1) / 2
    return total(active(width)[1:], (np.log(4 / width) + digamma(half)) / 2, trigamma(half) / 4)


def linear_layer(width, s2):
    """The same of I + s G: a chi-squared variable with d + 2 P degrees of freedom, P Poisson."""
    mu = 1 / (2 * s2)
    p = np.arange(max(0, int(mu - 9 * np.sqrt(mu) - 9)), int(mu + 9 * np.sqrt(mu) + 9))
    log_share = p * np.log(mu) - mu - np.cumsum(np.log(np.maximum(p, 1)))
    share = np.exp(log_share - log_share.max())
    half = width / 2 + p
    return total(share, (np.log(2 * s2) + digamma(half)) / 2, trigamma(half) / 4)


def residual_layer(width, hidden, s2):
    """The same of a two-layer relu block: I + s G with s^2 K/n for s^2, K chi-squared of B degrees."""
    shares, means, variances = [0.5 ** hidden], [0.0], [0.0]
    grid = np.linspace(-9, np.log(hidden + 30), 80)
    for b, share in enumerate(active(hidden)[1:], start=1):
        weight = np.exp(b / 2 * grid - np.exp(grid) / 2)
        for x, w in zip(np.exp(grid), weight / weight.sum()):
            a = s2 * x / hidden
            layer = linear_layer(width, a) if a > 2e-4 else (a * (width - 2) / 2, a)
            for bag, value in ((shares, share * w), (means, layer[0]), (variances, layer[1])):
                bag.append(value)
    return total(np.array(shares), np.array(means), np.array(variances))


def moments_if_finite(results, size):
    """Mean, its error, variance, its error, from sums over all networks and the share of finite ones."""
    at = {"size": size, "record": 1.0, "loss": 1.0}
    share = results.take("finite_share", size=size, record=1.0, loss_index=1.0)
    total, deviation = (results.take("finite_log_vector_growth" + end, **at) for end in ("", "_deviation"))
    mean, error = (results.take("log_vector_growth_if_finite" + end, **at) for end in ("", "_error"))
    samples = results.take("samples", size=size)
    variance = (deviation ** 2 * (1 - 1 / samples) + total ** 2) / share - mean ** 2
    return mean, error, variance, variance * np.sqrt(2 / (samples * share))


def compare(name, value, error, exact):
    z = (value - exact) / error
    print(f"{name}: chi^2 = {np.sum(z * z):.1f} for {z.size} numbers, largest |z| {np.abs(z).max():.2f}")


def draw_plain(means, variances, results):
    depth, widths = results.coordinates("depth"), results.take("width")
    for size, d, colour in zip(results.coordinates("size"), widths.astype(int), plots.COLOURS):
        mean, error, variance, spread = moments_if_finite(results, size)
        one, step = relu_layer(d)
        for axis, value, doubt, exact, name in ((means, mean, error, one, "mean"),
                                                (variances, variance, spread, step, "variance")):
            axis.errorbar(depth / d, value, doubt, color=colour, marker="o", linestyle="none",
                          label=f"d = {d}")
            axis.plot(depth / d, exact * depth, color=colour)
            compare(f"plain relu d = {d}, {name} of log|Mu|", value, doubt, exact * depth)
        print(f"plain relu d = {d}: mean {one * d:.4f}/d, variance {step * d:.4f}/d a layer "
              f"(-5/4 and 5/4 at large width)")
    x = np.array([0, 1.05 * depth[-1] / widths[0]])
    for axis, sign, name in ((means, -1, "mean"), (variances, 1, "variance")):
        axis.plot(x, sign * 1.25 * x, color="black", linestyle="--", linewidth=0.9, zorder=0,
                  label=rf"${'-' if sign < 0 else ''}\frac{{5}}{{4}} L/d$")
        axis.set_xlim(0, 4.2)
        axis.set_ylim(*sorted((0, sign * 7)))
        axis.set_title(f"plain relu networks: {name} of log|Mu|")
        axis.set_xlabel("depth / width")
        axis.set_ylabel(f"{name} of $\\log|Mu|$")
        axis.legend()


def draw_residual(means, variances, results):
    depth = results.coordinates("depth")
    finite = np.isfinite(depth)
    fine = np.linspace(0, 1 / depth[finite].min(), 100)
    for d, colour in zip(results.coordinates("width").astype(int), plots.COLOURS):
        at = {"width": d, "record": 1.0}
        mean, error = results.pair("log_vector_growth", **at)
        samples = results.take("samples", width=d)
        shown = np.unique(np.concatenate([depth[finite], 1 / np.linspace(*(1 / depth[finite][[-1, 0]]), 12)]))
        layers = np.array([residual_layer(d, d, 2 / n) for n in shown])  # hidden width d
        shown = np.append(shown, np.inf)
        sums = np.append(layers[:, 0] * shown[:-1], (d - 2) / 2), np.append(layers[:, 1] * shown[:-1], 1)
        at_depth = np.searchsorted(shown, depth)
        variance = results.take("log_vector_growth_deviation", **at) ** 2
        spread = variance * np.sqrt(2 / samples)
        rho = 1 + 5 / d
        slope = (rho * (d * d - 10 * d + 20) - (d - 2) ** 2) / 4
        limit = (d - 2) / 2
        for axis, value, doubt, curve, start, tangent, name in (
                (means, mean - limit, error, sums[0] - limit, 0, -rho * (d - 2) * (d - 4) / 4, "mean"),
                (variances, variance, spread, sums[1], 1, slope, "variance")):
            axis.errorbar(1 / depth[finite], value[finite], doubt[finite], color=colour, marker="o",
                          linestyle="none", label=f"d = {d}")
            axis.errorbar([0], value[~finite], doubt[~finite], color=colour, marker="D", clip_on=False)
            axis.plot(1 / shown, curve, color=colour)
            axis.plot(fine, start + tangent * fine, color=colour, linestyle=":")
            compare(f"residual relu d = {d}, {name} of log|Mu|", value, doubt, curve[at_depth])
    for axis in (means, variances):
        axis.set_xlim(left=0)
        axis.set_xlabel("1 / depth")
        axis.legend()
    means.set_title("residual relu blocks: mean less its limit")
    means.set_ylabel(r"$E\,\log|Mu| - (d-2)/2$")
    variances.set_title("residual relu blocks: variance")
    variances.set_ylabel(r"variance of $\log|Mu|$")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("plain")
    parser.add_argument("residual")
    parser.add_argument("-o", "--output", default="growth.png")
    options = parser.parse_args()
    sheet, axes = plots.panels(2, 2, width=3.8, height=3.1)
    draw_plain(axes[0][0], axes[0][1], plots.Results(options.plain))
    draw_residual(axes[1][0], axes[1][1], plots.Results(options.residual))
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

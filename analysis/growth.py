#!/usr/bin/env python3
"""Log-normal growth of a vector in plain and in residual relu networks.

Plain, variance 2/width: (a) mean and (b) variance of log|M u| among the networks where it is finite,
against depth/width: exact sums over layers (lines), and -5/4 and 5/4 times depth/width (dashed);
(c) its histogram, beside the normal law of the exact mean and variance.
Residual two-layer blocks: (d) mean and (e) variance against 1/depth: exact sums over layers (lines),
expansions to 1/depth (dotted), depth inf (diamonds); (f) histograms.

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
        axis.set_title(f"plain relu: {name} of log|Mu|")
        axis.set_xlabel("depth / width")
        axis.set_ylabel(f"{name} of $\\log|Mu|$")
        axis.legend()


def draw_law(axis, results, at, share, mean, variance, colour, label):
    """Histogram among the networks where log|Mu| is finite, beside a normal law."""
    x = results.coordinates("lambda_bin")
    value, error = results.pair("log_vector_growth_density", record=1.0, **at)
    value, error = value / share, error / share
    seen = value > 2e-3 * value.max()
    axis.errorbar(x[seen], value[seen], error[seen], color=colour, marker="o", markersize=2.5, capsize=0,
                  linestyle="none", label=label)
    fine = np.linspace(x[0], x[-1], 400)
    axis.plot(fine, np.exp(-(fine - mean) ** 2 / (2 * variance)) / np.sqrt(2 * np.pi * variance), color=colour)
    step = x[1] - x[0]
    skew = np.sum(step * value * ((x - mean) / np.sqrt(variance)) ** 3)
    spread = np.sqrt(np.sum((step * error * ((x - mean) / np.sqrt(variance)) ** 3) ** 2))
    print(f"{label}: skewness of log|Mu| {skew:+.3f} +- {spread:.3f}")


def draw_plain_laws(axis, results):
    cases = ((1, 16), (4, 16), (4, 64), (4, 128))
    for (k, depth), colour in zip(cases, plots.COLOURS):
        size = float(k)
        d = int(results.take("width", size=size))
        share = results.take("finite_share", size=size, depth=depth, record=1.0, loss_index=1.0)
        one, step = relu_layer(d)
        draw_law(axis, results, {"size": size, "depth": depth}, share, one * depth, step * depth, colour,
                 f"d = {d}, L = {depth}")
    axis.set_title("plain: law of log|Mu|, and normal")
    axis.set_xlabel(r"$\log|Mu|$")
    axis.set_ylabel("density")
    axis.set_xlim(-10, 2)
    axis.set_ylim(bottom=0)
    axis.legend(loc="upper left")


def draw_residual_laws(axis, results):
    cases = ((2, 16), (2, np.inf), (10, 16), (10, np.inf))
    for (d, depth), colour in zip(cases, plots.COLOURS):
        mean, variance = (d - 2) / 2, 1
        if np.isfinite(depth):
            mean, variance = (depth * v for v in residual_layer(d, d, 2 / depth))
        name = "inf" if np.isinf(depth) else f"{depth:g}"
        draw_law(axis, results, {"width": d, "depth": depth}, 1, mean, variance, colour,
                 f"d = {d}, L = {name}")
    axis.set_title("residual: law of log|Mu|, and normal")
    axis.set_xlabel(r"$\log|Mu|$")
    axis.set_ylabel("density")
    axis.set_xlim(-4, 8)
    axis.set_ylim(0, 0.62)
    axis.legend(ncols=2, loc="upper center")


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
    means.set_title("residual relu: mean less its limit")
    means.set_ylabel(r"$E\,\log|Mu| - (d-2)/2$")
    variances.set_title("residual relu: variance")
    variances.set_ylabel(r"variance of $\log|Mu|$")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("plain")
    parser.add_argument("residual")
    parser.add_argument("-o", "--output", default="growth.png")
    options = parser.parse_args()
    sheet, axes = plots.panels(2, 3, width=3.4, height=3.0)
    plain, residual = plots.Results(options.plain), plots.Results(options.residual)
    draw_plain(axes[0][0], axes[0][1], plain)
    draw_plain_laws(axes[0][2], plain)
    draw_residual(axes[1][0], axes[1][1], residual)
    draw_residual_laws(axes[1][2], residual)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

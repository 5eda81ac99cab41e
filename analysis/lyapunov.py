#!/usr/bin/env python3
"""Lyapunov spectra of products of gaussian matrices and of residual chains.

(a) E lambda_k / L of a product of L Ginibre matrices of width 4, beside gamma_k (solid) and
gamma_k + c_k/L (dotted); (b) exp(E lambda_k / L) at width 64: from the quarter circle of one matrix to
the triangle law; (c) E lambda_k / T of the diffusion at infinite depth, beside mu_k; (d) what is left,
E lambda_k - mu_k T, beside the offsets c_k.

usage: lyapunov.py PLAIN RESIDUAL [-o FIGURE]    PLAIN: weylmc run inputs/jacobian/ginibre_exponents.yaml
                                                RESIDUAL: weylmc run inputs/jacobian/exponents.yaml
"""
import argparse

import numpy as np

import plots
from width2 import digamma

TIME = 32
BETA = {"real": 1, "complex": 2}


def ginibre(width, variance):
    k = np.arange(1, width + 1)
    return np.array([np.log(2 * variance) + digamma((width - j + 1) / 2) for j in k]) / 2


def offsets(width, beta):
    """c_k: log-singular values against growth rates of volumes."""
    return np.array([digamma(beta * (width - k + 1) / 2) - digamma(beta * k / 2)
                     for k in range(1, width + 1)]) / 2


def exponents(width, beta):
    return np.array([(width + (beta - 1) - 2 * k) / 2 for k in range(1, width + 1)])


def chi_squared(name, value, error, exact):
    z = (value - exact) / error
    print(f"{name}: chi^2 = {np.sum(z * z):.1f} for {z.size} numbers, largest |z| {np.abs(z).max():.2f}")


def draw_ginibre(axis, results):
    size, depth = results.coordinates("size")[0], results.coordinates("depth")
    width, variance = int(results.take("width")[0]), results.take("variance")[0]
    value, error = (v[:, :width] for v in results.pair("log_singular_values", size=size, record=1.0))
    gamma, c = ginibre(width, variance), offsets(width, 1)
    fine = np.geomspace(1, depth[-1], 100)
    for k in range(width):
        colour = plots.COLOURS[k]
        axis.errorbar(depth, value[:, k] / depth, error[:, k] / depth, color=colour, marker="o",
                      linestyle="none", label=f"k = {k + 1}")
        axis.axhline(gamma[k], color=colour)
        axis.plot(fine, gamma[k] + c[k] / fine, color=colour, linestyle=":")
    last, before = len(depth) - 1, len(depth) - 2
    span = depth[last] - depth[before]
    rate = (value[last] - value[before]) / span
    spread = np.hypot(error[last], error[before]) / span
    for k in range(width):
        plots.pull(f"Ginibre d = {width}, gamma_{k + 1} from L = {depth[before]:.0f} to {depth[last]:.0f}",
                   rate[k], spread[k], gamma[k])
    chi_squared("E lambda_k - L gamma_k against c_k at the last depth", value[last] - depth[last] * gamma,
                error[last], c)
    axis.set_xscale("log")
    axis.set_xticks(depth, [f"{n:.0f}" for n in depth])
    axis.minorticks_off()
    axis.set_ylim(-2.1, 1.4)
    axis.set_title(f"products of Ginibre matrices, d = {width}")
    axis.set_xlabel("depth L")
    axis.set_ylabel(r"$E\,\lambda_k / L$")
    axis.legend(ncols=2)


def draw_triangle(axis, results):
    size, depth = results.coordinates("size")[1], results.coordinates("depth")
    width, variance = int(results.take("width")[1]), results.take("variance")[1]
    share = 1 - (np.arange(1, width + 1) - 0.5) / width
    for j, (n, colour) in enumerate(zip(depth, plots.COLOURS)):
        value = results.take("log_singular_values", size=size, depth=n, record=1.0)[:width]
        axis.plot(np.exp(value / n), share, color=colour, marker=".", linestyle="none", markersize=3,
                  label=f"L = {n:.0f}")
    value, error = results.pair("log_singular_values", size=size, depth=depth[-1], record=1.0)
    axis.plot(np.exp(ginibre(width, variance)), share, color="0.6", linewidth=0.8,
              label=rf"$\gamma_k$ at d = {width}")
    x = np.linspace(0, 1, 200)
    axis.plot(x, x * x, color="black", linestyle="--", label="triangle law")
    x = np.linspace(0, 2, 200)
    axis.plot(x, (x * np.sqrt(4 - x * x) / 2 + 2 * np.arcsin(x / 2)) / np.pi, color="black",
              linestyle=":", label="quarter circle")
    chi_squared(f"d = {width}, L = {depth[-1]:.0f}: E lambda_k - c_k against L gamma_k", value[:width],
                error[:width], depth[-1] * ginibre(width, variance) + offsets(width, 1))
    far = np.abs(np.exp(value[:width] / depth[-1]) - np.sqrt(share)).max()
    print(f"d = {width}, L = {depth[-1]:.0f}: largest distance from the triangle law {far:.4f}")
    axis.set_xlim(0, 2)
    axis.set_ylim(0, 1)
    axis.set_title(f"Ginibre at d = {width}, variance 1/d")
    axis.set_xlabel(r"$\exp(E\,\lambda_k / L)$")
    axis.set_ylabel("share of exponents below")
    axis.legend()


def draw_residual(rates, rests, results):
    record = results.coordinates("record")
    width = len(results.coordinates("index"))
    time = TIME * record
    for field, marker, shift in (("real", "o", 0.97), ("complex", "s", 1.03)):
        value, error = results.pair("log_singular_values", field=field)
        mu, c = exponents(width, BETA[field]), offsets(width, BETA[field])
        for k in range(width):
            colour = plots.COLOURS[k]
            look = {"color": colour, "marker": marker, "linestyle": "none",
                    "markerfacecolor": colour if field == "real" else "none"}
            rates.errorbar(time * shift, value[:, k] / time, error[:, k] / time, **look)
            rates.axhline(mu[k], color=colour, linestyle="-" if field == "real" else "--", zorder=0)
            rests.errorbar(time * shift, value[:, k] - mu[k] * time, error[:, k], **look)
            rests.axhline(c[k], color=colour, linestyle="-" if field == "real" else "--", zorder=0)
        late = time >= 16
        chi_squared(f"{field}: E lambda_k - mu_k T against c_k at T >= 16", value[late] - mu * time[late, None],
                    error[late], np.broadcast_to(c, value[late].shape))
        for k in range(width):
            plots.pull(f"{field} d = {width}, mu_{k + 1} from T = {time[-2]:g} to {time[-1]:g}",
                       (value[-1, k] - value[-2, k]) / (time[-1] - time[-2]),
                       np.hypot(error[-1, k], error[-2, k]) / (time[-1] - time[-2]), mu[k])
    for axis in (rates, rests):
        axis.set_xscale("log")
        axis.set_xticks(time, [f"{t:g}" for t in time])
        axis.minorticks_off()
        axis.set_xlabel(r"$\sigma^2 T$")
    rates.plot([], [], "o", color="0.3", label=r"real, $\mu_k = (d-2k)/2$")
    rates.plot([], [], "s", color="0.3", markerfacecolor="none", label=r"complex, $(d+1-2k)/2$")
    rates.legend()
    rates.set_title(f"residual chains at infinite depth, d = {width}")
    rates.set_ylabel(r"$E\,\lambda_k / \sigma^2 T$")
    rests.set_title(r"what is left; lines: $c_k$")
    rests.set_ylabel(r"$E\,\lambda_k - \mu_k \sigma^2 T$")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("plain")
    parser.add_argument("residual")
    parser.add_argument("-o", "--output", default="lyapunov.png")
    options = parser.parse_args()
    plain = plots.Results(options.plain)
    sheet, axes = plots.panels(2, 2, width=3.8, height=3.1)
    draw_ginibre(axes[0][0], plain)
    draw_triangle(axes[0][1], plain)
    draw_residual(axes[1][0], axes[1][1], plots.Results(options.residual))
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

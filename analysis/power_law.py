#!/usr/bin/env python3
"""Residual chains with RMS normalisation: powers of the depth time instead of exponentials.

(a) mean of sum lambda against the depth time t, exact integral (line) and -log(1 + t)/2 (dashed) for
rms, -t/2 for plain chains; (b) largest and smallest log-singular value and (c) effective rank against the
effective time, log(1 + t) for rms and t for plain chains, beside the edges at infinite width.

usage: power_law.py FILE [-o FIGURE]        FILE: weylmc run inputs/jacobian/power_law.yaml
"""
import argparse

import numpy as np

import free_law
import plots

NORMS = {"none": ("plain", plots.COLOURS[0], "o"), "rms": ("rms", plots.COLOURS[1], "s")}


def inverse_norm(width, t):
    """E 1/|x|^2 of x_0 + sqrt(t) N(0, I), |x_0|^2 = d: (1/t) E 1/(d - 2 + 2P), P Poisson of d/(2t)."""
    mu = width / (2 * t)
    p = np.arange(max(0, int(mu - 12 * np.sqrt(mu) - 9)), int(mu + 12 * np.sqrt(mu) + 60))
    log_share = p * np.log(mu) - np.cumsum(np.log(np.maximum(p, 1)))
    share = np.exp(log_share - log_share.max())
    return np.sum(share / (width - 2 + 2 * p)) / share.sum() / t


def exact_sum(width, time):
    nodes, weights = np.polynomial.legendre.leggauss(200)
    return -(width - 1) / 4 * time * sum(w * inverse_norm(width, time * (1 + v) / 2)
                                         for v, w in zip(nodes, weights))


def draw_sum(axis, results, width, time):
    for norm, (name, colour, marker) in NORMS.items():
        value, error = results.pair("log_singular_values_sum", norm=norm, record=1.0)
        axis.errorbar(1 + time, -value, error, color=colour, marker=marker, linestyle="none", label=name)
        exact = np.array([exact_sum(width, t) for t in time]) if norm == "rms" else -time / 2
        axis.plot(1 + time, -exact, color=colour)
        z = ((value - exact) / error)[time <= 8]
        print(f"{name}: E sum lambda against the limit of infinite depth up to t = 8, "
              f"chi^2 = {np.sum(z * z):.1f} for {len(z)} times")
    axis.plot(1 + time, np.log(1 + time) / 2, color="black", linestyle="--", linewidth=0.9,
              label=r"$\frac{1}{2}\log(1+t)$")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    axis.minorticks_off()
    axis.set_title("mean of log|det M|")
    axis.set_xlabel("1 + t")
    axis.set_ylabel(r"$-E\,\log|\det M|$")
    axis.legend()


def draw_edges(axis, results, width, time):
    for norm, (name, colour, marker) in NORMS.items():
        effective = np.log1p(time) if norm == "rms" else time
        value, error = results.pair("log_singular_values", norm=norm, record=1.0)
        for k in (0, width - 1):
            axis.errorbar(effective, value[:, k], error[:, k], color=colour, marker=marker,
                          linestyle="none", label=name if k == 0 else None)
        if norm == "rms":
            slope = np.diff(value[:, 0])[-1] / np.diff(np.log1p(time))[-1]
            print(f"rms: |M| grows like (1 + t)^{slope:.3f} from t = {time[-2]:g} to {time[-1]:g}")
    fine = np.linspace(0.01, 9, 200)
    axis.plot(fine, free_law.edge(fine), color="black", linewidth=0.9, label="infinite width")
    axis.plot(fine, -free_law.edge(fine), color="black", linewidth=0.9)
    axis.set_xlim(0, 9)
    axis.set_ylim(-7.5, 7.5)
    axis.set_title(r"$\lambda_1$ and $\lambda_d$")
    axis.set_xlabel(r"$\log(1+t)$ (rms), $t$ (plain)")
    axis.set_ylabel(r"$E\,\lambda_1$, $E\,\lambda_d$")
    axis.legend(loc="upper left")


def draw_rank(axis, results, width, time):
    for norm, (name, colour, marker) in NORMS.items():
        effective = np.log1p(time) if norm == "rms" else time
        value, error = results.pair("effective_rank", norm=norm, record=1.0)
        axis.errorbar(effective, value, error, color=colour, marker=marker, linestyle="none", label=name)
    fine = np.linspace(0.05, 9, 80)
    axis.plot(fine, [width * rank_share(t) for t in fine], color="black", linewidth=0.9,
              label="infinite width")
    axis.set_xlim(0, 9)
    axis.set_ylim(0, width)
    axis.set_title("effective rank")
    axis.set_xlabel(r"$\log(1+t)$ (rms), $t$ (plain)")
    axis.set_ylabel(f"effective rank of {width}")
    axis.legend()


def rank_share(t):
    """exp of the entropy of s/sum s, over d, for the density at infinite width."""
    x, density = free_law.density(t)
    s, weight = np.exp(np.concatenate([x, -x[::-1]])), np.concatenate([density, density[::-1]])
    x = np.log(s)
    order = np.argsort(x)
    x, s, weight = x[order], s[order], weight[order]
    mean = np.trapz(weight * s, x)
    return mean * np.exp(-np.trapz(weight * s * x, x) / mean)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", default="power_law.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    width, time = len(results.coordinates("index")), results.coordinates("time")
    sheet, axes = plots.panels(1, 3, width=3.3, height=3.0)
    for axis, draw in zip(axes[0], (draw_sum, draw_edges, draw_rank)):
        draw(axis, results, width, time)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Log-singular values of chains of infinite depth as the width grows.

(a), (b) density of log-singular values from their mean gaps, 1/(d E gap_i) at the middle of the gap,
beside the law of infinite width; (c) distance of the second moment from its limit against the width;
(d) mean of the largest one against width^(-2/3), beside the law of Tracy and Widom.

usage: large_width.py FILE [-o FIGURE]        FILE: weylmc run inputs/jacobian/large_width.yaml
"""
import argparse

import numpy as np

import free_law
import plots

FIELDS = {"real": plots.COLOURS[0], "complex": plots.COLOURS[1]}


def draw_density(axis, results, time):
    sizes = results.coordinates("size")
    widths = results.take("width")
    law_x, law = free_law.density(time)
    shown = [("real", 0, "^", plots.COLOURS[4]), ("real", len(sizes) - 1, "o", FIELDS["real"]),
             ("complex", len(sizes) - 1, ".", FIELDS["complex"])]
    for field, k, marker, colour in shown:
        d = int(widths[k])
        at = {"size": sizes[k], "field": field, "time": time, "record": 1.0}
        value = results.take("log_singular_values", **at)[:d]
        gap, error = (v[:d - 1] for v in results.pair("gap", **at))
        middle = (value[1:] + value[:-1]) / 2
        axis.errorbar(middle, 1 / (d * gap), error / (d * gap * gap), color=colour, marker=marker,
                      linestyle="none", markersize=4 if d < 100 else 2.5, capsize=0,
                      label=f"{field}, d = {d}")
        inside = np.abs(middle) < 0.9 * free_law.edge(time)
        exact = np.interp(np.abs(middle), law_x[::-1], law[::-1])
        off = np.abs(1 / (d * gap) - exact)[inside].max()
        print(f"t = {time:g}, {field}, d = {d}: largest distance of densities within 0.9 edges {off:.4f}")
    axis.plot(np.concatenate([law_x, -law_x[::-1]]), np.concatenate([law, law[::-1]]), color="black",
              label="infinite width", zorder=0)
    axis.set_title(f"density of log-singular values, t = {time:g}")
    axis.set_xlabel(r"$\lambda$")
    axis.set_ylabel("density")
    axis.set_ylim(bottom=0)
    axis.legend(loc="lower center")


def power_of(width, value, error):
    """Slope of log|value| against log width, weighted, with its error."""
    x, y, w = np.log(width), np.log(np.abs(value)), (value / error) ** 2
    mean = np.sum(w * x) / np.sum(w)
    spread = np.sum(w * (x - mean) ** 2)
    return np.sum(w * (x - mean) * y) / spread, spread ** -0.5


def draw_moment(axis, results):
    width = results.take("width")
    for time, marker, filled in ((1, "o", "none"), (4, "s", None)):
        limit = free_law.second_moment(time)
        for field, colour in FIELDS.items():
            value, error = (v[:, 0] / width for v in results.pair("squared_sum", field=field, time=time))
            off = value - limit
            axis.errorbar(width, np.abs(off), error, color=colour, marker=marker, linestyle="none",
                          markerfacecolor=filled or colour, label=f"{field}, t = {time}")
            clear = np.abs(off) > 3 * error
            if field == "complex":
                exact = time * time / 12 / width ** 2
                axis.plot(width, exact, color=colour, linestyle="-" if time == 4 else "--")
                z = (value - (limit - exact)) / error
                print(f"t = {time}, complex: m_2 against the exact value, chi^2 = {np.sum(z * z):.1f} "
                      f"for {len(z)} widths")
            else:
                slope = np.sum(off * width / (error * width) ** 2) / np.sum((error * width) ** -2)
                axis.plot(width, np.abs(slope) / width, color=colour,
                          linestyle="-" if time == 4 else "--")
            if clear.sum() >= 2:
                p, spread = power_of(width[clear], off[clear], error[clear])
                print(f"t = {time}, {field}: m_2 approaches {limit:.6f} as width^({p:.3f} +- {spread:.3f}), "
                      f"from {clear.sum()} widths; width (m_2 - limit) at the last: "
                      f"{off[-1] * width[-1]:.3f} +- {error[-1] * width[-1]:.3f}")
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_ylim(1e-5, 1)
    axis.set_title(r"$|m_2 - $limit$|$; lines $1/d$, and $t^2/(12 d^2)$")
    axis.set_xlabel("width d")
    axis.set_ylabel(r"$|m_2 - t/2 - t^2/12|$")
    axis.legend(loc="lower left")


def draw_edge(axis, results):
    width = results.take("width")
    sizes = results.coordinates("size")
    x = width ** (-2 / 3)
    for time, marker, filled in ((1, "o", "none"), (4, "s", None)):
        edge, scale = free_law.edge(time), free_law.edge_scale(time) ** (-2 / 3)
        for field, colour in FIELDS.items():
            pairs = [results.pair("log_singular_values", size=s, field=field, time=time, record=1.0)
                     for s in sizes]
            value, error = (np.array([p[k][0] for p in pairs]) for k in (0, 1))
            axis.errorbar(x, (value - edge) / scale, error / scale, color=colour, marker=marker,
                          linestyle="none", markerfacecolor=filled or colour, label=f"{field}, t = {time}")
            c, spread = slope_at_zero(width, (value - edge) / scale, error / scale)
            print(f"t = {time}, {field}: edge + c (kappa d)^(-2/3), c = {c:.3f} +- {spread:.3f}, "
                  f"Tracy and Widom {free_law.TRACY_WIDOM[field]:.4f}")
    for field, colour in FIELDS.items():
        axis.plot([0, x[0]], [0, free_law.TRACY_WIDOM[field] * x[0]], color=colour, zorder=0)
    axis.set_title(r"largest one, lines: Tracy and Widom")
    axis.set_xlabel(r"$d^{-2/3}$")
    axis.set_ylabel(r"$\kappa^{2/3}\,(E\,\lambda_1 - $edge$)$")
    axis.set_xlim(left=0)
    axis.legend()


def slope_at_zero(width, value, error):
    """c of c d^(-2/3) + b d^(-1) + a d^(-4/3), weighted, with its error."""
    basis = np.stack([width ** (-2 / 3), 1 / width, width ** (-4 / 3)], axis=1) / error[:, None]
    covariance = np.linalg.inv(basis.T @ basis)
    return (covariance @ basis.T @ (value / error))[0], np.sqrt(covariance[0, 0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", default="large_width.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    sheet, axes = plots.panels(2, 2, width=3.8, height=3.1)
    draw_density(axes[0][0], results, 1.0)
    draw_density(axes[0][1], results, 4.0)
    draw_moment(axes[1][0], results)
    draw_edge(axes[1][1], results)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Log-singular values of chains of infinite depth as the width grows.

(a), (b) histogram of the log-singular values beside the law of infinite width; (c) distance of the second moment from its limit against the width;
(d) mean of the largest one against width^(-2/3), beside the law of Tracy and Widom.

usage: large_width.py FILE COMPLEX [-o FIGURE]    FILE: weylmc run inputs/jacobian/large_width.yaml
                                                 COMPLEX: ... inputs/jacobian/large_width_complex.yaml
"""
import argparse

import numpy as np

import free_law
import plots

FIELDS = {"real": plots.COLOURS[0], "complex": plots.COLOURS[1]}


def bin_means(time, centre):
    """The law of infinite width averaged over the bins, as the histogram is."""
    x, density = free_law.density(time)
    share = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * -np.diff(x))])  # above x
    step = centre[1] - centre[0]
    above = np.interp(np.abs(np.append(centre - step / 2, centre[-1] + step / 2)), x[::-1], share[::-1])
    edges = np.append(centre - step / 2, centre[-1] + step / 2)
    above = np.where(edges > 0, above, 1 - above)
    return -np.diff(above) / step


def draw_density(axis, results, time):
    sizes, widths = results.coordinates("size"), results.take("width")
    law_x, law = free_law.density(time)
    centre = results.coordinates("lambda_bin")
    exact = bin_means(time, centre)
    shown = [("real", 0, "^", plots.COLOURS[4]), ("real", len(sizes) - 1, "o", FIELDS["real"]),
             ("complex", len(sizes) - 1, ".", FIELDS["complex"])]
    for field, k, marker, colour in shown:
        at = {"size": sizes[k], "field": field, "time": time, "record": 1.0}
        by = 1 if k > 0 else 2 if time < 2 else 4  # few draws of few levels: wider bins
        value, error = (v.reshape(-1, by) for v in results.pair("log_singular_values_density", **at))
        value, error = value.mean(axis=1), np.sqrt((error ** 2).sum(axis=1)) / by
        bins = centre.reshape(-1, by).mean(axis=1)
        axis.errorbar(bins, value, error, color=colour, marker=marker, capsize=0, markersize=3,
                      linestyle="-" if k == 0 else "none", linewidth=0.5, label=f"{field}, d = {widths[k]:.0f}")
        off = np.abs(value - exact.reshape(-1, by).mean(axis=1))[np.abs(bins) < 0.9 * free_law.edge(time)].max()
        print(f"t = {time:g}, {field}, d = {widths[k]:.0f}: largest distance of densities within 0.9 edges "
              f"{off:.4f}, of {law.max():.3f}; errors about {np.median(error[value > 0.1]):.4f}")
    axis.plot(np.concatenate([law_x, -law_x[::-1]]), np.concatenate([law, law[::-1]]), color="black",
              label="infinite width", zorder=0)
    axis.set_xlim(-1.35 * free_law.edge(time), 1.35 * free_law.edge(time))
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


def draw_moment(axis, results, narrow):
    width = results.take("width")
    for time, marker, filled in ((1, "o", "none"), (4, "s", None)):
        limit, colour = free_law.second_moment(time), FIELDS["real"]
        value, error = (v[:, 0] / width for v in results.pair("squared_sum", field="real", time=time))
        off, weight = value - limit, (error * width) ** -2
        slope = np.sum(off * width * weight) / np.sum(weight)
        axis.errorbar(width, off, error, color=colour, marker=marker, linestyle="none",
                      markerfacecolor=filled or colour, label=f"real, t = {time}")
        axis.plot(width, slope / width, color=colour)
        p, spread = power_of(width, off, error)
        print(f"t = {time}, real: m_2 - {limit:.6f} as width^({p:.3f} +- {spread:.3f}), "
              f"{slope:.3f} +- {np.sum(weight) ** -0.5:.3f} over the width")
        value, error = (v[:, 0] / width for v in results.pair("squared_sum", field="complex", time=time))
        z = (value - limit + time * time / 12 / width ** 2) / error
        print(f"t = {time}, complex, widths from {width[0]:.0f}: m_2 against the exact value, "
              f"chi^2 = {np.sum(z * z):.1f} for {len(z)} widths")
    width, colour, exact = narrow.take("width"), FIELDS["complex"], 4 / 3
    limit = free_law.second_moment(4)
    value, error = (v[:, 0] / width for v in narrow.pair("squared_sum"))
    off = limit - value
    axis.errorbar(width, off, error, color=colour, marker="s", linestyle="none", label="complex, t = 4")
    axis.plot(width, exact / width ** 2, color=colour)
    p, spread = power_of(width, off, error)
    z = (off - exact / width ** 2) / error
    print(f"t = 4, complex, widths from 2: {limit:.6f} - m_2 as width^({p:.3f} +- {spread:.3f}); against "
          f"t^2/12 over the squared width, chi^2 = {np.sum(z * z):.1f} for {len(z)} widths")
    axis.set_xscale("log")
    axis.set_xticks([2, 4, 8, 16, 32, 64, 128], ["2", "4", "8", "16", "32", "64", "128"])
    axis.minorticks_off()
    axis.set_yscale("log")
    axis.set_title("second moment; lines: 1/d, and $t^2/12d^2$")
    axis.set_xlabel("width d")
    axis.set_ylabel(r"$|m_2 - t/2 - t^2/12|$")
    axis.legend()


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
            c, spread, chi, freedom = slope_at_zero(width, (value - edge) / scale, error / scale, field)
            print(f"t = {time}, {field}: E lambda_1 = edge + c (kappa d)^(-2/3) + ..., c = {c:.3f} +- {spread:.3f}, "
                  f"Tracy and Widom {free_law.TRACY_WIDOM[field]:.4f}; chi^2 = {chi:.1f} for {freedom}")
    for field, colour in FIELDS.items():
        axis.plot([0, x[0]], [0, free_law.TRACY_WIDOM[field] * x[0]], color=colour, zorder=0)
    axis.set_title(r"largest one, lines: Tracy and Widom")
    axis.set_xlabel(r"$d^{-2/3}$")
    axis.set_ylabel(r"$\kappa^{2/3}\,(E\,\lambda_1 - $edge$)$")
    axis.set_xlim(left=0)
    axis.legend()


def slope_at_zero(width, value, error, field):
    """c of c d^(-2/3) + b d^(-1) + a d^(-4/3), weighted, with its error and chi^2; b = 0 for complex
    numbers, whose density has no correction of order 1/d, and then the narrowest is left out."""
    powers = (-2 / 3, -1, -4 / 3) if field == "real" else (-2 / 3, -4 / 3)
    if field == "complex":
        width, value, error = width[1:], value[1:], error[1:]
    basis = np.stack([width ** p for p in powers], axis=1) / error[:, None]
    covariance = np.linalg.inv(basis.T @ basis)
    fit = covariance @ basis.T @ (value / error)
    return fit[0], np.sqrt(covariance[0, 0]), np.sum((value / error - basis @ fit) ** 2), len(width) - len(powers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("complex")
    parser.add_argument("-o", "--output", default="large_width.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    sheet, axes = plots.panels(2, 2, width=3.8, height=3.1)
    draw_density(axes[0][0], results, 1.0)
    draw_density(axes[0][1], results, 4.0)
    draw_moment(axes[1][0], results, plots.Results(options.complex))
    draw_edge(axes[1][1], results)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

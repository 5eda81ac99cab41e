#!/usr/bin/env python3
"""Spacings of log-singular values at infinite depth against time.

(a) mean ratio of neighbouring gaps, from that of random matrices to a picket fence; (b) variance of
the gap over its squared mean, d = 2, beside the exact laws of the gap; (c) histogram of the gap over
its mean, d = 2, beside Wigner's surmises and the exact law; (d) of the ratio, d = 3, beside the
surmises of Atas and others.

usage: spacings.py FILE LAWS [-o FIGURE]   FILE: weylmc run inputs/jacobian/spacings.yaml
                                          LAWS: weylmc run inputs/jacobian/spacing_laws.yaml
"""
import argparse

import numpy as np

import plots

TIME, LAW_TIME = 256, 4
FIELDS = {"real": (1, plots.COLOURS[0], 4 - 2 * np.sqrt(3)),
          "complex": (2, plots.COLOURS[1], 2 * np.sqrt(3) / np.pi - 0.5)}
POISSON = 2 * np.log(2) - 1


def log_sinh(x):
    return x + np.log(-np.expm1(-2 * x)) - np.log(2)


def real_density(x, tau):
    """Heat kernel of the hyperbolic plane, sinh^2(u/2) = sinh^2(x/2) + sinh^2(y/2)."""
    h = 0.2 * min(1, np.sqrt(tau))
    y = np.arange(h / 2, x[-1] + 40, h) if tau > 1 else np.arange(h / 2, 18 * np.sqrt(tau), h)
    log_half = np.logaddexp(2 * log_sinh(x[:, None] / 2), 2 * log_sinh(y / 2)) / 2
    u = 2 * (log_half + np.log1p(np.sqrt(1 + np.exp(-2 * log_half))))
    log_cosh = y / 2 + np.log1p(np.exp(-y)) - np.log(2)
    power = np.log(u) - log_sinh(u) - u * u / (4 * tau) + log_cosh + log_sinh(x)[:, None] - tau / 4
    return 4 * np.pi * (4 * np.pi * tau) ** -1.5 * h * np.exp(power).sum(axis=1)


def complex_density(x, tau):
    p = x * np.exp(log_sinh(x) - x * x / (2 * tau) - tau / 2)
    return p / np.trapz(p, x)


DENSITY = {"real": real_density, "complex": complex_density}


def relative_variance(field, tau):
    x = np.linspace(0, 2 * tau + 14 * np.sqrt(tau), 601)[1:]
    p = DENSITY[field](x, tau)
    mean, square = np.trapz(p * x, x), np.trapz(p * x * x, x)
    return square / mean ** 2 - 1


def gaussian_ratio(beta, tau):
    """Mean ratio of two gaps that are normal, as at late times for d = 3: means sigma^2 T + c_1 - c_2,
    variances 2 T/beta, covariance -T/beta."""
    mean = tau + (1 if beta == 1 else 0.75)
    z, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    sum_part, difference = np.sqrt(tau / (2 * beta)) * z[:, None], np.sqrt(1.5 * tau / beta) * z[None, :]
    a, b = (np.maximum(mean + sum_part + sign * difference, 1e-12) for sign in (1, -1))
    return np.sum(w[:, None] * w[None, :] * np.minimum(a, b) / np.maximum(a, b))


def draw_ratio(axis, results):
    time = TIME * results.coordinates("record")
    fine = np.geomspace(12, 2 * TIME, 50)
    for field, (beta, colour, surmise) in FIELDS.items():
        for width, marker in ((3, "o"), (6, "s")):
            value, error = results.pair("gap_ratio", width=width, field=field)
            axis.errorbar(time, value, error, color=colour, marker=marker, linewidth=0.7,
                          markerfacecolor=colour if width == 3 else "none", label=f"{field}, d = {width}")
            if width == 3:
                plots.pull(f"{field}, d = 3, ratio at sigma^2 T = {time[0]:g}, beside T -> 0", value[0],
                           error[0], surmise)
        axis.plot([time[0] / 2, 0.3], [surmise, surmise], color=colour, linestyle="--", zorder=0)
        axis.plot(fine, [gaussian_ratio(beta, t) for t in fine], color=colour, linestyle=":", zorder=0)
    axis.axhline(POISSON, color="0.6", linewidth=0.8, linestyle="-.")
    axis.text(time[0], POISSON + 0.01, "independent levels", fontsize=7, color="0.4")
    axis.axhline(1, color="0.6", linewidth=0.8)
    axis.text(time[0], 0.965, "picket fence", fontsize=7, color="0.4")
    axis.set_xscale("log")
    axis.set_ylim(0.35, 1.02)
    axis.set_title("mean ratio of neighbouring gaps")
    axis.set_xlabel(r"$\sigma^2 T$")
    axis.set_ylabel(r"$E\,\min(a, b)/\max(a, b)$")
    axis.legend(loc="center left", bbox_to_anchor=(0, 0.7))


def draw_width(axis, results):
    time = TIME * results.coordinates("record")
    fine = np.geomspace(time[0] / 2, 2 * time[-1], 40)
    for field, (beta, colour, _) in FIELDS.items():
        at = {"width": 2, "field": field, "gap_index": 1}
        mean, error = results.pair("gap", **at)
        deviation = results.take("gap_deviation", **at)
        samples = results.take("samples", width=2, field=field)
        value = (deviation / mean) ** 2
        spread = value * np.sqrt(2 / samples + 4 * (error / mean) ** 2)
        axis.errorbar(time, value, spread, color=colour, marker="o", linestyle="none",
                      label=f"{field}, d = 2")
        axis.plot(fine, [relative_variance(field, t) for t in fine], color=colour)
        z = (value - [relative_variance(field, t) for t in time]) / spread
        print(f"{field}, d = 2: relative variance of the gap against its law, chi^2 = {np.sum(z * z):.1f} "
              f"for {len(z)} times")
        wigner = 4 / np.pi - 1 if beta == 1 else 3 * np.pi / 8 - 1
        axis.axhline(wigner, color=colour, linestyle="--", linewidth=0.8, zorder=0)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_title("spread of the gap, dashed: Wigner")
    axis.set_xlabel(r"$\sigma^2 T$")
    axis.set_ylabel("variance / mean$^2$")
    axis.legend()


def wigner(field, s):
    if field == "real":
        return np.pi / 2 * s * np.exp(-np.pi * s * s / 4)
    return 32 / np.pi ** 2 * s * s * np.exp(-4 * s * s / np.pi)


def ratio_surmise(field, r):
    beta, norm = (1, 27 / 4) if field == "real" else (2, 81 * np.sqrt(3) / (2 * np.pi))
    return norm * (r + r * r) ** beta / (1 + r + r * r) ** (1 + 1.5 * beta)


def merged(density, error, by):
    """Means over `by` neighbouring bins, of a histogram of independent draws."""
    n = len(density) // by * by
    pairs = density[:n].reshape(-1, by), error[:n].reshape(-1, by)
    return pairs[0].mean(axis=1), np.sqrt((pairs[1] ** 2).sum(axis=1)) / by


def against(name, value, error, law):
    used = error > 0
    z = (value - law)[used] / error[used]
    print(f"{name}: chi^2 = {np.sum(z * z):.0f} for {used.sum()} bins")


def draw_gap_law(axis, results, first, last):
    centre = results.coordinates("gap_bin")
    step = centre[1] - centre[0]
    for field, (_, colour, _) in FIELDS.items():
        for record, by, filled in ((first, 1, True), (last, 8, False)):
            at = {"width": 2, "field": field, "record": record, "gap_index": 1}
            mean, tau = results.take("gap", **at), record * LAW_TIME
            value, error = merged(*results.pair("gap_density", **at), by)
            x = step * by * (np.arange(len(value)) + 0.5)
            fine = step * (np.arange(len(centre)) + 0.5)
            exact = DENSITY[field](fine, tau)[:len(value) * by].reshape(-1, by).mean(axis=1)
            seen = (x < 3 * mean) & (value * step * by > 1e-3)
            axis.errorbar(x[seen] / mean, value[seen] * mean, error[seen] * mean, color=colour, capsize=0,
                          marker="o" if filled else "s", linestyle="none", markersize=3,
                          markerfacecolor=colour if filled else "none",
                          label=rf"{field}, $\sigma^2T$ = {tau:g}")
            against(f"{field}, d = 2, sigma^2 T = {tau:g}: histogram of the gap against its law",
                    value[seen], error[seen], exact[seen])
            axis.plot(fine / mean, DENSITY[field](fine, tau) * mean, color=colour,
                      linestyle="-" if not filled else ":")
            if filled:
                s = np.linspace(0, 3, 200)
                axis.plot(s, wigner(field, s), color=colour)
    axis.set_xlim(0, 3)
    axis.set_ylim(bottom=0)
    axis.set_title("gap over its mean, d = 2")
    axis.set_xlabel("s = gap / mean")
    axis.set_ylabel("density")
    axis.legend()


def draw_ratio_law(axis, results, first, last):
    centre = results.coordinates("ratio_bin")
    by = len(centre) // 24
    step = by * (centre[1] - centre[0])
    for field, (_, colour, _) in FIELDS.items():
        for record, filled in ((first, True), (last, False)):
            at = {"width": 3, "field": field, "record": record}
            value, error = merged(*results.pair("gap_ratio_density", **at), by)
            r = step * (np.arange(len(value)) + 0.5)
            axis.errorbar(r, value, error, color=colour, capsize=0, marker="o" if filled else "s",
                          linestyle="none", markersize=3, markerfacecolor=colour if filled else "none",
                          label=rf"{field}, $\sigma^2T$ = {record * LAW_TIME:g}")
            if filled:
                fine = np.linspace(0, 1, 24 * 40 + 1)
                law = ratio_surmise(field, fine)
                axis.plot(fine, law, color=colour)
                middle = ratio_surmise(field, (np.arange(24 * 40) + 0.5) / (24 * 40))
                against(f"{field}, d = 3, sigma^2 T = {record * LAW_TIME:g}: histogram of the ratio "
                        "against the surmise", value, error, middle.reshape(24, 40).mean(axis=1))
    axis.set_xlim(0, 1)
    axis.set_ylim(bottom=0)
    axis.set_title("ratio of the gaps, d = 3")
    axis.set_xlabel("r = smaller / larger gap")
    axis.set_ylabel("density")
    axis.legend(loc="lower center")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file")
    parser.add_argument("laws")
    parser.add_argument("-o", "--output", default="spacings.png")
    options = parser.parse_args()
    results = plots.Results(options.file)
    laws = plots.Results(options.laws)
    first, last = laws.coordinates("record")[[0, -1]]
    sheet, axes = plots.panels(2, 2, width=3.8, height=3.1)
    draw_ratio(axes[0][0], results)
    draw_width(axes[0][1], results)
    draw_gap_law(axes[1][0], laws, first, last)
    draw_ratio_law(axes[1][1], laws, first, last)
    plots.letter(axes)
    plots.save(sheet, options.output)


if __name__ == "__main__":
    main()

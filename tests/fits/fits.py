#!/usr/bin/env python3
"""Depth -> infinity fits come back to known limits and coefficients within 3 standard errors.

The limits are computed here: the gap of the 2 x 2 chain by quadrature of the radial density of
hyperbolic Brownian motion, its coefficient from time tau + 2 tau^2/L; log|det X| of the balanced
network (d = 2, m = 1) by quadrature of the Gibbs density at N = infinity and, for the coefficient, of
the exact densities at two large depths. Without excess (m = 0) the reduced entropy has the limit
(log 2 - gamma - 1)/2 and the coefficient 3 pi^2/8 + (gamma + log 2)/2 (docs/theory/balanced.md, section
8); the fit is not told that its expansion goes on with N^-3/2 log N, and says that it cannot tell.
"""
import math
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import harness  # noqa: E402

INPUTS = pathlib.Path(__file__).parents[2] / "inputs"


def simpson(f, a, b, n):
    h = (b - a) / n
    return h / 3 * sum((1 if k in (0, n) else 4 if k % 2 else 2) * f(a + k * h) for k in range(n + 1))


def gap_mean(tau):
    """E x, x the radius of the diffusion with generator d^2 + coth(x) d, variance rate 2, at tau."""
    def density(x):
        if x == 0:
            return 0.0
        def inner(t):  # u = x + t^2 takes the square-root singularity away
            u = x + t * t
            small = t * t / 2
            difference = 2 * math.sinh(x + small) * math.sinh(small) / (t * t) if t else math.sinh(x)
            return 2 * u * math.exp(-u * u / (4 * tau)) / math.sqrt(difference)
        return math.sinh(x) * simpson(inner, 0, 5, 300)
    norm = simpson(density, 0, 16, 800)
    return simpson(lambda x: x * density(x), 0, 16, 800) / norm


def log_det_mean(inverse_depth):
    """E log|det X|, d = 2, hidden excess 1, beta = 1, E = |X|^2/2, isotropic noise, at 1/N.

    In s = y_1 + y_2 and g = y_1 - y_2 > 0 (y = log sigma, q = 1/N) the Gibbs density is, up to a
    constant, exp(-e^s cosh g + (3 + q) s / 2) sqrt[sinh(g) sinh(g q)/q]. The integral over s at fixed g
    is a Gamma function of half = (3 + q)/2: E s = psi(half) - log cosh g, weight cosh(g)^-half."""
    q = inverse_depth
    half = (3 + q) / 2
    def over_g(g):
        small = math.sinh(g * q) / q if q else g
        return math.sqrt(math.sinh(g) * small) * math.cosh(g) ** -half
    norm = simpson(over_g, 0, 60, 20000)
    mean_log_cosh = simpson(lambda g: over_g(g) * math.log(math.cosh(g)), 0, 60, 20000) / norm
    h = 1e-5
    psi = (math.lgamma(half + h) - math.lgamma(half - h)) / (2 * h)
    return psi - mean_log_cosh


def fit(report, folder, deck, observable, component, limit, coefficient, *options):
    output = folder / f"{observable}.h5"
    done = harness.run(folder, "run", INPUTS / deck, "-o", output, *options, ranks=2, timeout=900)
    if not report.check(f"{deck}: runs", done.returncode == 0, done.stderr):
        return
    fitted = harness.run(folder, "fit", output, "--observable", observable)
    print(fitted.stdout)
    report.check(f"{observable}: fit", fitted.returncode == 0, fitted.stderr)
    report.check(f"{observable}: an undecided form is explained",
                 ("undecided" in fitted.stdout) == ("errors cover both" in fitted.stdout))
    again = harness.run(folder, "show", output, observable)
    report.check(f"{observable}: the fit is stored and shown", "extrapolation" in again.stdout)
    row = [line for line in fitted.stdout.splitlines() if line.startswith(observable)][component]
    numbers = re.findall(r"(-?\d+\.?\d*)\((\d+\.?\d*)\)", row)
    for name, exact, (value, error) in zip(("limit", "coefficient"), (limit, coefficient), numbers):
        digits = len(value.split(".")[1]) if "." in value else 0
        scale = 1.0 if "." in error else 10.0 ** -digits
        value, error = float(value), float(error) * scale
        report.check(f"{observable}: {name} {value} +- {error}, exact {exact:.7f}",
                     abs(value - exact) <= 3 * error)
        if name == "limit":
            report.check(f"{observable}: error of the limit below 0.5%", error < 0.005 * max(abs(exact), 1.0))


report = harness.Report()
gap = gap_mean(1.0)
slope = 2 * (gap_mean(1.001) - gap_mean(0.999)) / 0.002
limit = log_det_mean(0.0)
log_slope = (log_det_mean(1e-4) - log_det_mean(-1e-4)) / 2e-4
print(f"exact: gap {gap:.7f} + {slope:.5f}/L; log|det X| {limit:.7f} + {log_slope:.5f}/N")
with harness.Folder() as folder:
    fit(report, folder, "gap.yaml", "gap", 0, gap, slope)
    fit(report, folder, "balanced.yaml", "log_abs_det", 0, limit, log_slope)
    euler = 0.5772156649015329
    fit(report, folder, "balanced.yaml", "reduced_entropy", 0, (math.log(2) - euler - 1) / 2,
        3 * math.pi ** 2 / 8 + (euler + math.log(2)) / 2, "--set", "parameters.excess=0")
report.close()

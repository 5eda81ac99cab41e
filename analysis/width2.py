"""Exact averages of a balanced network of width 2: one-dimensional quadrature.

The Gibbs law (14) of docs/theory/balanced.md with E = |X|^2/2, isotropic noise, excess m, in
r = lambda_2/lambda_1, rho = r^N, and sigma_1, which is Gamma distributed at given r.
"""
import numpy as np
from math import lgamma

NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
EULER = 0.57721566490153286


def digamma(x):
    """psi(x), x > 0: recurrence, then Stirling's series."""
    shift = 0.0
    while x < 12:
        shift -= 1 / x
        x += 1
    y = 1 / (x * x)
    return shift + np.log(x) - 0.5 / x - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y / 132))))


def averages(depth, excess, beta=1.0):
    """Means of the observables that the figures need."""
    edges = np.concatenate([np.geomspace(1e-12, 0.5, 50), 1 - np.geomspace(0.5, 1e-12, 50)[1:]])
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    r = (middle[:, None] + half[:, None] * NODES).ravel()
    weight = (half[:, None] * WEIGHTS).ravel()
    log_r = np.log(r)
    hidden = (depth - 1) * excess
    half_power = (1 + (3 + 2 * hidden) / depth) / 2
    rho = np.exp(depth * log_r)
    weight = weight * np.sqrt((1 - r * r) * -np.expm1(2 * depth * log_r)) * \
        np.exp(hidden * log_r) * (1 + rho ** 2) ** -half_power
    weight /= weight.sum()
    log_sigma = (digamma(half_power) + np.log(2 / beta) - np.log1p(rho ** 2)) / 2
    log_det = 2 * log_sigma + depth * log_r
    pair = (1 - 1 / depth) * log_sigma + np.log(np.expm1(2 * depth * log_r) / np.expm1(2 * log_r)) / 2
    reduced = pair + (excess * (1 - 1 / depth) * log_det - np.log(depth) / 2 if excess else 0)

    def moment(power):
        scale = np.exp(lgamma(half_power + power / 2) - lgamma(half_power))
        return scale * (2 / beta / (1 + rho ** 2)) ** (power / 2)

    values = {"reduced_entropy": reduced, "log_abs_det": log_det, "sigma_1": moment(1),
              "sigma_2": moment(1) * rho, "lambda_2": moment(1 / depth) * r}
    return {name: float(np.sum(weight * v)) for name, v in values.items()}


def limit(name, excess, beta=1.0):
    """Limit and coefficient of 1/N: closed forms without excess, else Richardson's extrapolation."""
    if excess == 0 and name == "reduced_entropy":
        mean = (np.log(2 / beta) - EULER - 1) / 2
        return mean, 3 * np.pi ** 2 / 8 - (np.log(2 / beta) - EULER - 2 * np.log(2)) / 2
    f = [averages(1e4 * 2 ** k, excess, beta)[name] for k in range(3)]
    slopes = 2e4 * (f[0] - f[1]), 4e4 * (f[1] - f[2])
    return (8 * f[2] - 6 * f[1] + f[0]) / 3, 2 * slopes[1] - slopes[0]


def lambda_2_density(depth, x, beta=1.0):
    """Density of lambda_2 at the points x, without excess: (14) integrated over lambda_1."""
    t, w = np.polynomial.legendre.leggauss(400)
    out = np.empty_like(x)
    top = (40 / beta) ** (0.5 / depth)

    def unnormalised(y):
        lam = y + (top - y) * ((t + 1) / 2) ** 2          # square root at lam = y
        jacobian = (top - y) * (t + 1) / 2
        s, u = lam ** depth, y ** depth
        f = np.sqrt((lam ** 2 - y ** 2) * (s * s - u * u)) * np.exp(-beta * (s * s + u * u) / 2)
        return np.sum(w * jacobian * f)

    grid, g = np.polynomial.legendre.leggauss(300)
    norm = np.sum(g * top / 2 * np.array([unnormalised(top / 2 * (v + 1)) for v in grid]))
    for k, y in enumerate(x):
        out[k] = unnormalised(y) / norm if y < top else 0.0
    return out

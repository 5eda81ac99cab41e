"""Log-singular values of a linear chain of infinite depth and width, weights of variance 1/width.

Uniform[-h, h], h = t/2, freely convolved with a semicircle of variance h: with w = x - h G(x),
G = log[(w + h)/(w - h)]/(2h), so that x = w + log[(w + h)/(w - h)]/2, which is real where the interval
is seen from w under the angle 2 Im w. The curve is parametrised by b = Im w; the density is b/(pi h).
"""
import numpy as np

# means of the Tracy-Widom laws, beta = 1 and 2 (Bornemann, Markov Process. Relat. Fields 16, 803, 2010)
TRACY_WIDOM = {"real": -1.2065335745820, "complex": -1.7710868074111}


def real_part(h, b):
    return np.sqrt(np.clip(h * h - b * b + 2 * h * b / np.tan(2 * b), 0, None))


def top(h):
    """Largest b, where Re w = 0."""
    low, high = 1e-9, np.pi / 2
    for _ in range(100):
        middle = (low + high) / 2
        inside = h * h - middle * middle + 2 * h * middle / np.tan(2 * middle) > 0
        low, high = (middle, high) if inside else (low, middle)
    return low


def density(t, points=2000):
    """x >= 0 from the edge inwards, and the density there."""
    h = t / 2
    b = top(h) * np.linspace(0, 1, points) ** 2
    b[0] = 1e-9
    a = real_part(h, b)
    x = a + np.log(((a + h) ** 2 + b * b) / ((a - h) ** 2 + b * b)) / 4
    return x, b / (np.pi * h)


def edge(t):
    return np.sqrt(t * (t + 2)) / 2 + np.arctanh(np.sqrt(t / (t + 2)))


def second_moment(t):
    return t / 2 + t * t / 12


def edge_scale(t):
    """kappa: the density is (kappa/pi) sqrt(edge - x) near the edge."""
    h = t / 2
    return 1 / np.sqrt(h * np.sqrt(h * h + h))

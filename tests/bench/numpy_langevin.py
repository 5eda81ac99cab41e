#!/usr/bin/env python3
"""What a NumPy user would write: the Riemannian Langevin equation of a deep linear network.

Euler-Maruyama for X (docs/theory/balanced.md, eq. (11)), isotropic noise, square network with
hidden excess m, energy |X|^2/2, a batch of independent chains, one batched SVD a step.
Prints microseconds per chain and step, E|X|^2 against its exact value, and of log|det X| mean, error,
variance and integrated autocorrelation time (in units of t, 1/2 sum over all lags).
One BLAS thread: run with OPENBLAS_NUM_THREADS=1.
Usage: numpy_langevin.py [width] [depth] [excess] [chains] [steps] [dt] [beta]
"""
import sys
import time

import numpy as np


def step(x, rng, depth, excess, dt, beta):
    d = x.shape[-1]
    u, s, vt = np.linalg.svd(x)
    lam2 = s ** (2.0 / depth)
    eye = np.eye(d, dtype=bool)
    num = s[:, :, None] ** 2 - s[:, None, :] ** 2
    den = lam2[:, :, None] - lam2[:, None, :]
    a = np.where(eye, depth * (s ** (2 - 2 / depth))[:, :, None], num / np.where(eye, 1, den))
    pair = np.where(eye, 0, s[:, :, None] / np.where(eye, 1, num)
                    - (s ** (2 / depth - 1))[:, :, None] / (depth * np.where(eye, 1, den)))
    entropy = pair.sum(-1) + (depth - 1) * excess / (depth * s)
    drift = -a * (s[:, :, None] * np.eye(d))
    diag = np.einsum("bii->bi", drift)
    diag += (np.einsum("bii->bi", a) * entropy + (depth - 1) * s ** (1 - 2 / depth)) / beta
    noise = np.sqrt(2 * dt / beta) * np.sqrt(a) * rng.standard_normal(x.shape)
    return x + u @ (dt * drift + noise) @ vt


def autocorrelation_time(series):
    """Of draws x chains around their common mean: 1/2 + sum of lags up to 6 times itself."""
    y = series - series.mean()
    size = 2 ** int(np.ceil(np.log2(2 * len(y))))
    power = np.square(np.abs(np.fft.rfft(y, size, axis=0))).sum(1)
    rho = np.fft.irfft(power)[:len(y)] / np.arange(len(y), 0, -1)
    tau = np.cumsum(rho / rho[0]) - 0.5
    window = np.flatnonzero(np.arange(len(y)) >= 6 * tau)
    return tau[window[0]] if len(window) else np.nan


def main(width=8, depth=4, excess=1, batch=512, steps=2000, dt=2e-3, beta=1.0):
    rng = np.random.Generator(np.random.SFC64(1))
    x = np.broadcast_to(np.diag(np.linspace(2, 1, width)), (batch, width, width)).copy()
    burn = steps // 2
    total, n, best = 0.0, 0, np.inf
    every = max(1, (steps - burn) // 2000)
    logs = []
    for k in range(steps):
        t0 = time.perf_counter()
        x = step(x, rng, depth, excess, dt, beta)
        best = min(best, time.perf_counter() - t0)
        if k >= burn:
            total += np.square(x).sum((1, 2)).mean()
            n += 1
            if n % every == 0:
                logs.append(np.linalg.slogdet(x)[1])
    logs = np.array(logs)
    tau = autocorrelation_time(logs) * every * dt
    means = logs.mean(0)
    d, m = width, excess
    exact = (d * (d - 1) / 2 + d * m + (d * (d + 1) / 2 - d * m) / depth) / beta
    print(f"width {d} depth {depth} chains {batch} us_per_step {best / batch * 1e6:.4f} "
          f"E|X|^2 {total / n:.4f} exact {exact:.4f} "
          f"log_det {means.mean():.6f} error {means.std() / np.sqrt(batch - 1):.6f} "
          f"variance {logs.var():.6f} tau {tau:.6f}")


if __name__ == "__main__":
    args = sys.argv[1:]
    main(*(int(a) for a in args[:5]), *(float(a) for a in args[5:]))

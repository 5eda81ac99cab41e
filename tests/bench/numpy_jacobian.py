#!/usr/bin/env python3
"""What a NumPy user would write: log-singular values of linear residual chains.

M = J_L ... J_1 with J = I + sqrt(tau/L) G, a batch of independent chains at a time.
Prints microseconds of processor time a chain and layer (products and normals only), microseconds a spectrum, and
E lambda_1 with its error.  tests/bench/jacobian.c runs it with one BLAS thread.
Usage: numpy_jacobian.py [width] [depth] [chains] [tau]
"""
import sys
import time

import numpy as np


def chains(rng, width, depth, batch, tau):
    product = np.broadcast_to(np.eye(width), (batch, width, width)).copy()
    s = (tau / depth) ** 0.5
    for _ in range(depth):
        product += s * (rng.standard_normal((batch, width, width)) @ product)
    return product


def main(width=32, depth=64, count=2048, tau=None):
    tau = 1.0 / width if tau is None else tau
    batch = max(1, min(count, 131072 // width**2))
    rng = np.random.Generator(np.random.SFC64(1))
    chains(rng, width, 2, batch, tau)
    layer, spectrum, top = [], [], []
    for _ in range(max(1, count // batch)):
        start = time.process_time()
        product = chains(rng, width, depth, batch, tau)
        middle = time.process_time()
        top.append(np.log(np.linalg.svd(product, compute_uv=False)[:, 0]))
        layer.append((middle - start) / batch / depth * 1e6)
        spectrum.append((time.process_time() - middle) / batch * 1e6)
    top = np.concatenate(top)
    print(f"{min(layer):.5f} {min(spectrum):.4f} {top.mean():.6f} {top.std() / top.size**0.5:.6f}")


if __name__ == "__main__":
    args = sys.argv[1:]
    main(*(int(a) for a in args[:3]), *(float(a) for a in args[3:4]))

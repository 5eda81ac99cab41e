#!/usr/bin/env python3
"""bench_normals beside NumPy's normals, on one core, in turn: normals.py BUILD/tests/bench/bench_normals

Prints nanoseconds a normal of both (medians) and their ratio.
"""
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np

SIZE, ROUNDS = 8192, 200


def numpy_normals(generator, out):
    """Nanoseconds a normal, median of ROUNDS."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time_ns()
        generator.standard_normal(out=out)
        times.append(time.process_time_ns() - start)
    return statistics.median(times) / out.size


def main(program):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    generator, out = np.random.default_rng(1), np.empty(SIZE)
    ours, theirs, text = [], [], ""
    for _ in range(3):
        theirs.append(numpy_normals(generator, out))
        text = subprocess.run([program], check=True, capture_output=True, text=True).stdout
        ours.append(float(re.search(rf"normals +{SIZE} a request +([\d.]+) ns", text)[1]))
        theirs.append(numpy_normals(generator, out))
    print(text, end="")
    our, their = statistics.median(ours), statistics.median(theirs)
    print(f"normals in bulk {our:.2f} ns, NumPy {np.__version__} {their:.2f} ns, "
          f"ratio {their / our:.2f}")


if __name__ == "__main__":
    main(sys.argv[1])

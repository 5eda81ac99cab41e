#!/usr/bin/env python3
"""The program PROGRAM needs no shared library of MPI, HDF5 or YAML. Usage: links.py PROGRAM"""
import subprocess
import sys

needed = subprocess.run(["ldd", sys.argv[1]], capture_output=True, text=True, check=True).stdout
bad = [line for line in needed.splitlines()
       if any(name in line.lower() for name in ("libmpi", "open-rte", "hdf5", "yaml"))]
print("\n".join(bad) or "links neither MPI nor HDF5 nor YAML")
sys.exit(bool(bad))

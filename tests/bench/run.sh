#!/usr/bin/env bash
# All benchmarks in one run: tests/bench/run.sh [name]...
# Names: accumulator normals dense jacobian spectra depths langevin limit parameters chamber pair
# (default: all but the last two, which measure a bias by long averages). They print times and, beside
# them, what NumPy or LAPACK take in the same run; machines are noisy, so read the ratios. Nothing else
# should run meanwhile. WEYLMC_SIMD=base|v3 lowers the instruction set.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../jobscripts/setup.sh"
export OPENBLAS_NUM_THREADS=1
here=$root/tests/bench
python=$(find_python numpy)
program() { echo "$build/tests/bench/bench_$1"; }

accumulator() { "$(program accumulator)"; }
normals() { "$python" "$here/normals.py" "$(program normals)"; }
dense() { "$(program dense)"; }
jacobian() { "$(program jacobian)" "$python" "$here/numpy_jacobian.py"; }
spectra() { "$(program spectra)"; }
depths() { "$(program depths)"; }
parameters() { "$(program parameters)"; }
chamber() { "$(program chamber)"; }
pair() { "$(program pair)"; }
limit() { "$(program limit)" "$python" "$here/numpy_jacobian.py"; }
langevin() { "$(program langevin)" "$python" "$here/numpy_langevin.py"; }

[ $# -gt 0 ] || set -- accumulator normals dense jacobian spectra depths langevin limit parameters
grep -m 1 'model name' /proc/cpuinfo || true
"$build/src/cli/weylmc" --version
for name in "$@"; do
  printf '\n== %s ==\n' "$name"
  "$name"
done

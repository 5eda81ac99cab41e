#!/usr/bin/env bash
# Set up, build and run all tests: tests/run.sh [meson test arguments]
# WEYLMC_EFFORT=N multiplies the work of randomised tests (default 1).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../jobscripts/setup.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
status=0
meson test -C "$build" --no-rebuild --print-errorlogs "$@" || status=$?
"$(find_python json)" "$root/tests/summary.py" "$build/meson-logs/testlog.json" || status=1
exit "$status"

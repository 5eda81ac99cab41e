#!/usr/bin/env bash
# Run a deck on all cores of this machine: jobscripts/local.sh inputs/balanced.yaml [options of `weylmc run`]
# Installs and builds what is missing, runs (or resumes), prints the table, draws the figure.
set -euo pipefail
[ $# -ge 1 ] && [ "$1" != --help ] || {
  echo "usage: jobscripts/local.sh DECK [option of 'weylmc run']..." >&2
  exit 2
}
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
run_ranks "${WEYLMC_RANKS:-$(nproc)}" "$build/src/cli/weylmc" run "$@"

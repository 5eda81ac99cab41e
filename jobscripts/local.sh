#!/usr/bin/env bash
# Run a deck on all cores of this machine: jobscripts/local.sh inputs/balanced.yaml [option of `weylmc run`]...
# Installs and builds what is missing, runs (or resumes), prints the table, fits, draws the figure.
# Ctrl-C stops it with a checkpoint (exit code 75); the same command goes on.
# WEYLMC_RANKS=N sets the number of ranks; results do not depend on it.
set -euo pipefail
[ $# -ge 1 ] && [ "$1" != --help ] || {
  echo "usage: jobscripts/local.sh DECK [option of 'weylmc run']..." >&2
  exit 2
}
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
weylmc=$build/src/cli/weylmc

# mpirun stands between the program and the terminal, so say here whether there is one
[ -n "${WEYLMC_PROGRESS:-}" ] || { [ -t 2 ] && export WEYLMC_PROGRESS=live || export WEYLMC_PROGRESS=log; }

output=$(results_file "$@") # a bad deck ends here
run_until_asked "${WEYLMC_RANKS:-$(nproc)}" "$weylmc" run "$@"
if "$weylmc" fit "$output" >"${output%.h5}.fits.txt" 2>/dev/null; then
  echo
  cat "${output%.h5}.fits.txt"
else
  rm -f "${output%.h5}.fits.txt" # no sweep over depth: nothing to extrapolate
fi
"$(find_python numpy h5py matplotlib)" "$root/analysis/figure.py" "$output" -o "${output%.h5}.png"
say "results: $output   figure: ${output%.h5}.png"

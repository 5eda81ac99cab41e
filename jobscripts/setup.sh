#!/usr/bin/env bash
# Set-up shared by jobscripts/local.sh, tests/run.sh and continuous integration: installs what is
# missing of jobscripts/packages.txt (sudo only if not root), configures and builds in build/.
# Sourced, for the definitions of functions.sh, or run. A second call finds everything in place.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
mapfile -t packages < <(sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/jobscripts/packages.txt")
install_packages "${packages[@]}"
build_program

#!/usr/bin/env bash
# One test a reader: run.sh MAKE_EXAMPLE makes a results file and opens it in each.
# A reader that is not installed is skipped, and said so.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/weylmc readers XXXXXX")
trap 'rm -rf "$folder"' EXIT
file="$folder/example.h5"
export LC_ALL=C.UTF-8
passed=0 failed=0 skipped=0

python_with() { # prints the first python3 that imports the modules given
  local python modules
  modules=$(IFS=,; echo "$*")
  for python in ${WEYLMC_PYTHON:-} python3 /usr/bin/python3; do
    "$python" -c "import $modules" >/dev/null 2>&1 && echo "$python" && return
  done
  return 1
}

check() { # check NAME COMMAND...
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "PASS $name"
    passed=$((passed + 1))
  else
    printf 'FAIL %s\n%s\n' "$name" "$output"
    failed=$((failed + 1))
  fi
}

skip() {
  echo "SKIP $1: $2"
  skipped=$((skipped + 1))
}

check_python() { # check_python NAME "MODULES" SCRIPT ARGUMENTS...
  local name=$1 modules=$2 python
  shift 2
  if python=$(python_with $modules); then
    check "$name" "$python" "$@"
  else
    skip "$name" "no python3 imports ${modules// /, } (WEYLMC_PYTHON may name one)"
  fi
}

check example "$1" "$file"
check_python h5py "h5py numpy" "$here/read_h5py.py" "$file"
check_python xarray-netcdf4 "xarray netCDF4" "$here/read_xarray.py" "$file" netcdf4
check_python xarray-h5netcdf "xarray h5netcdf" "$here/read_xarray.py" "$file" h5netcdf
if command -v ncdump >/dev/null; then
  check ncdump "$here/read_ncdump.sh" "$file"
else
  skip ncdump "not installed (Debian package netcdf-bin)"
fi
if Rscript -e 'library(ncdf4)' >/dev/null 2>&1; then
  check R Rscript "$here/read.R" "$file"
else
  skip R "Rscript with ncdf4 is not installed (Debian package r-cran-ncdf4)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]

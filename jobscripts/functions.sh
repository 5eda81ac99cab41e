# Shell functions shared by jobscripts/ and tests/. Sourced; installs and builds nothing by itself.
# Defines root and build.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${WEYLMC_BUILD:-$root/build}

say() { printf 'weylmc: %s\n' "$*" >&2; }

missing_packages() { # prints those of its arguments that are not installed
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

install_packages() { # installs its arguments if they are missing
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || {
    say "this needs apt-get; on another system install the equivalents of: ${missing[*]}"
    return 1
  }
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      say "not root and no sudo; ask an administrator for: apt-get install ${missing[*]}"
      return 1
    }
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} packages: ${missing[*]}"
  local log
  log=$(mktemp)
  "${as_root[@]}" apt-get update >"$log" 2>&1 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      "${missing[@]}" >>"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    say "installation failed; the whole log is $log"
    return 1
  }
  rm -f "$log"
}

find_python() { # prints the first python3 that imports the modules given
  local python modules
  modules=$(IFS=,; echo "$*")
  for python in ${WEYLMC_PYTHON:-} python3 /usr/bin/python3; do
    if "$python" -c "import $modules" >/dev/null 2>&1; then
      echo "$python"
      return
    fi
  done
  say "no python3 that imports $modules; install it, or name one in WEYLMC_PYTHON"
  return 1
}

build_program() {
  mkdir -p "$build"
  exec 9>"$build/lock" && flock 9 # two calls at once must not build over each other
  [ -f "$build/build.ninja" ] || meson setup ${CI:+-Dwerror=true} "$build" "$root" >"$build/setup.log" 2>&1 || {
    tail -n 20 "$build/setup.log" >&2
    say "configuring failed; see $build/setup.log"
    return 1
  }
  ninja -C "$build" >"$build/build.log" 2>&1 || {
    grep -A 5 -E 'error|FAILED' "$build/build.log" | head -n 40 >&2
    say "building failed; see $build/build.log"
    return 1
  }
  exec 9>&-
}

mpi_environment() { # settings of Open MPI that every run needs
  # As root, because in a container one is. After a signal to end, ranks get 2 seconds before they are
  # killed; mpirun also lets twice that time pass whenever a run ends with another code than 0.
  # In containers one process may not read the memory of another. Ranks that wait let others work.
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
    OMPI_MCA_odls_base_sigkill_timeout="${OMPI_MCA_odls_base_sigkill_timeout:-2}" \
    OMPI_MCA_btl_vader_single_copy_mechanism=none \
    OMPI_MCA_mpi_yield_when_idle=1 OPENBLAS_NUM_THREADS=1
}

# --quiet: mpirun would explain at length that a program may not return another code than 0
on_ranks=(mpirun --quiet --oversubscribe -np)

run_ranks() ( # run_ranks N COMMAND...: N ranks on this machine, as root or not
  mpi_environment
  exec "${on_ranks[@]}" "$@"
)

run_until_asked() { # run_until_asked N COMMAND...: the same, but a signal means: checkpoint, then end
  # In a session of its own, or Ctrl-C would reach mpirun too, which then kills the ranks.
  local status=0 asked pid
  (mpi_environment && exec setsid "${on_ranks[@]}" "$@") &
  pid=$!
  trap 'asked=yes; say "asking for a checkpoint"; kill -USR1 "$pid"' INT TERM HUP
  while
    asked=
    wait "$pid" && status=0 || status=$?
    [ -n "$asked" ]
  do :; done
  trap - INT TERM HUP
  return "$status"
}

results_file() { # results_file DECK [option]...: the file that `weylmc run` with these writes
  "$build/src/cli/weylmc" check "$@" | sed -n 's/^output: //p' | tail -n 1
}

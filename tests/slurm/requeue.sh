#!/usr/bin/env bash
# jobscripts/slurm.sh on a real Slurm: a cluster of one node, started here and removed at the end.
# A run that is interrupted and requeued twice, the first time by Slurm's own signal before the time
# limit, ends bit-identical to an undisturbed one; then the cap on requeues, a stop without requeue,
# srun as launcher, and an ordinary user.
# Needs root (or sudo without a password) and installs Debian's slurm-wlm and munge.
# WEYLMC_SLURM=required: not being able to is a failure; WEYLMC_SLURM=skip: do not even try.
set -u
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$tests/report.sh"
source "$tests/cluster.sh"
source "$tests/../../jobscripts/functions.sh"
program=$(readlink -f "$build/src/cli/weylmc")

give_up() { # give_up REASON
  if [ "${WEYLMC_SLURM:-}" = required ]; then
    echo "FAILED slurm: $*, and WEYLMC_SLURM=required"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
  fi
  echo "SKIPPED slurm: requeueing on a real Slurm is NOT tested: $*"
  echo "0 passed, 0 failed, 1 skipped"
  exit 77
}

# ---- set-up ----------------------------------------------------------------------------------

[ "${WEYLMC_SLURM:-}" != skip ] || give_up "WEYLMC_SLURM=skip"
if [ "$(id -u)" -ne 0 ]; then
  sudo -n true 2>/dev/null || give_up "starting a cluster needs root, or sudo without a password"
  exec sudo -n env "WEYLMC_BUILD=$build" "WEYLMC_SLURM=${WEYLMC_SLURM:-}" bash "$tests/requeue.sh"
fi
install_packages slurm-wlm munge || give_up "the packages slurm-wlm and munge cannot be installed"
python=$(find_python socket) || give_up "no python3"
unset "${!SLURM@}" "${!SBATCH@}" # of a job that this may be running in
export OMPI_MCA_odls_base_sigkill_timeout=1 # shorter waits of mpirun
export WEYLMC_PROGRESS=log
mpi_environment

folder=$(mktemp -d "${TMPDIR:-/tmp}/weylmc-slurm.XXXXXX")
clean_up() {
  cluster_stop
  cd / && rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 143' INT TERM HUP
chmod 755 "$folder"
# by ways with blanks in their names
mkdir "$folder/a run" && ln -s "$root" "$folder/a repository" && ln -s "$build" "$folder/a build" &&
  cd "$folder/a run" || exit 1
script=$folder/a\ repository/jobscripts/slurm.sh
export WEYLMC_BUILD=$folder/a\ build

write_deck() { # write_deck DRAWS
  cat <<DECK
title: a run that is requeued
model: residual_jacobian
seed: 5
chains: 6
parameters:
  width: 4
  depth: {sweep: [32, 64]}
  block: linear
  variance: 1.0
  time: 1.0
run: {draws: $1, checkpoint: 1 s}
output: undisturbed.h5
DECK
}

# ---- jobs ------------------------------------------------------------------------------------

job_field() { # job_field JOB NAME
  scontrol show job -o "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1
}

await() { # await SECONDS COMMAND...: until the command succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.5
  done
}

job_over() { [[ $(job_field "$1" JobState) =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$ ]]; }
restarted() { [ "$(job_field "$job" Restarts)" -ge 1 ]; }
times() { grep -cF -e "$2" "$1"; } # times FILE WORDS

submit() { # submit ARGUMENT...: sets job and log
  job=$("$script" --parsable "$@") || exit 1
  log=weylmc-$job.log
}

starts() { times "$log" ' ranks, restart '; }
started() { [ -f "$log" ] && [ "$(starts)" -ge "$1" ]; }
signalled() { [ "$(times "$log" 'asking the ranks for a checkpoint')" -ge "$1" ]; }

ranks() { # prints the processes of the program in the job
  local pid
  for pid in $(cluster_processes); do
    [ "$(readlink "/proc/$pid/exe")" = "$program" ] || continue
    tr '\0' '\n' <"/proc/$pid/environ" | grep -qxF "SLURM_JOB_ID=$job" && echo "$pid"
  done
}
running() { [ -n "$(ranks)" ]; }

# The ranks run for a moment and are then held, so that no machine is so fast that the run completes
# before the signal arrives; the signal waits for them.
interrupt() { # interrupt START COMMAND...: the given start of the job, by a command that signals
  local start=$1 held
  shift
  await 100 started "$start" && await 60 running || echo "start $start of job $job does not come"
  sleep 0.5
  mapfile -t held < <(ranks)
  kill -STOP "${held[@]}"
  "$@"
  await 100 signalled "$start" || echo "no signal in start $start of job $job"
  sleep 0.5
  kill -CONT "${held[@]}"
}

ended() { # ended STATE EXITCODE RESTARTS
  await 150 job_over "$job" || echo "job $job does not end"
  equal "$(job_field "$job" JobState) $(job_field "$job" ExitCode) $(job_field "$job" Restarts)" "$*" || {
    cat "$log"
    return 1
  }
}

# ---- the tests -------------------------------------------------------------------------------

cluster_start "$folder/cluster" || {
  cluster_logs
  echo "FAILED the cluster does not start"
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
}
write_deck 400000 >'a deck.yaml'
mpirun --oversubscribe -np 2 "$program" run 'a deck.yaml' >command.log 2>&1 || cat command.log

submit -n 2 --time=1 --signal=B:USR1@45 'a deck.yaml' --output requeued.h5
interrupt 1 true # Slurm itself sends the signal
await 60 restarted
scontrol update "JobId=$job" TimeLimit=10 # one such signal is enough
interrupt 2 scancel --signal=USR1 --batch "$job"
check "a run that is requeued twice completes" ended COMPLETED 0:0 2
check "the log is appended, three starts" equal "$(starts)" 3
check "two stops by signal" equal "$(times "$log" 'stopped by SIGUSR1 with a checkpoint')" 2
check "two resumptions from a checkpoint" equal "$(times "$log" 'going on from checkpoint')" 2
check "bit-identical to the undisturbed run" "$program" compare undisturbed.h5 requeued.h5

three_jobs=(-n 2 --time=10 'a deck.yaml' --output three.h5)
WEYLMC_REQUEUES=0 submit "${three_jobs[@]}"
interrupt 1 scancel --signal=USR1 --batch "$job"
check "WEYLMC_REQUEUES=0: exit code 75, not requeued" ended FAILED 75:0 0
check "the log says so" contains "$(cat "$log")" 'WEYLMC_REQUEUES is 0: not requeued'
different() { ! "$program" compare undisturbed.h5 three.h5 >command.log; }
check "the comparison notices an incomplete run" different

submit "${three_jobs[@]}"
interrupt 1 scancel --signal=TERM --batch "$job"
check "told to end before its time: exit code 75, not requeued" ended FAILED 75:0 0
check "the log says how to go on" contains "$(cat "$log")" 'go on with the same command'

WEYLMC_LAUNCHER="srun --mpi=pmix" submit "${three_jobs[@]}"
check "the same command goes on, with srun as launcher" ended COMPLETED 0:0 0
check "it went on" equal "$(times "$log" 'going on from checkpoint')" 1
check "three jobs, the same bits" "$program" compare undisturbed.h5 three.h5

if runuser -u nobody -- test -x "$program" -a -r "$script"; then
  mkdir "$folder/of nobody" && write_deck 100 >"$folder/of nobody/deck.yaml"
  chown -R nobody "$folder/of nobody" && cd "$folder/of nobody" || exit 1
  job=$(runuser -u nobody -- "$script" --parsable -n 2 deck.yaml) && log=weylmc-$job.log
  check "an ordinary user" ended COMPLETED 0:0 0
else
  skip "an ordinary user" "$build is not readable for the user nobody"
fi

cd "$folder" && cluster_stop
check "no process is left" equal "$(cluster_processes)" ""
report

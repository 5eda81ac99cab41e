#!/usr/bin/env bash
#SBATCH --job-name=weylmc
#SBATCH --output=weylmc-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@180
# Submit a run to Slurm; the job stops itself before its time limit and requeues itself until the
# run is complete. Outside a job this script calls sbatch on itself; Slurm runs a copy of it, so the
# repository is handed on as the first argument, --root=FOLDER. Explained in docs/operating.md.
set -euo pipefail

usage() {
  cat >&2 <<'TEXT'
usage: jobscripts/slurm.sh [option of sbatch]... DECK [option of 'weylmc run']...

  jobscripts/slurm.sh --ntasks=64 --time=12:00:00 inputs/balanced.yaml
  jobscripts/slurm.sh -p long -n 128 -t 2-0 --signal=B:USR1@600 deck.yaml --output deep.h5

The job writes weylmc-JOBID.log in the folder where it was submitted. 3 minutes before the time
limit it writes a checkpoint, exits with 75 and is requeued, until the run is complete.
Stop it with a checkpoint: scancel --signal=TERM --batch JOBID; go on by the same command.

environment:
  WEYLMC_REQUEUES  how often the job may be restarted (20)
  WEYLMC_LAUNCHER  what starts the ranks (mpirun), for instance "srun --mpi=pmix"
  WEYLMC_BUILD     build folder (build/ in the repository)
TEXT
}

say() { printf 'weylmc: %s\n' "$*" >&2; }

fail() { # fail STATUS MESSAGE...
  local status=$1
  shift
  say "$@"
  exit "$status"
}

# ---- outside the job: sbatch ------------------------------------------------------------------

# Options of sbatch that take no value, or only one attached with '='; any other option, if it has
# no value attached, takes the next word.
short_flags=HhkOQsVvW
long_flags=(contiguous exclusive get-user-env help hold ignore-pbs nice no-kill no-requeue
  overcommit oversubscribe parsable propagate quiet reboot requeue spread-job test-only usage
  use-min-nodes verbose version wait)

takes_next_word() { # takes_next_word OPTION
  local word=$1 letters
  case $word in
  --*=*) return 1 ;;
  --*) [[ " ${long_flags[*]} " != *" ${word#--} "* ]] ;;
  *) # a letter with a value ends a cluster of flags; the rest of the word, if any, is the value
    letters=${word#-}
    while [ -n "$letters" ] && [[ $short_flags == *"${letters:0:1}"* ]]; do letters=${letters:1}; done
    [ ${#letters} -eq 1 ]
    ;;
  esac
}

check_requeues() {
  [[ $requeues =~ ^[0-9]{1,6}$ ]] ||
    fail 2 "WEYLMC_REQUEUES is '$requeues'; it must be a whole number, 0 or more"
}

submit() {
  local options=()
  while [ $# -gt 0 ] && [[ $1 == -?* ]]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    esac
    options+=("$1")
    if takes_next_word "$1" && [ $# -gt 1 ]; then
      options+=("$2")
      shift
    fi
    shift
  done
  [ $# -gt 0 ] || {
    usage
    fail 2 "no deck given"
  }
  [ -f "$1" ] && [ -r "$1" ] ||
    fail 65 "the deck '$1' is not a readable file; options of sbatch stand before the deck," \
      "options of 'weylmc run' behind it"
  command -v sbatch >/dev/null ||
    fail 1 "no sbatch here: submit on a machine of a Slurm cluster, or run on this machine with" \
      "jobscripts/local.sh"
  [ -x "$program" ] ||
    fail 1 "$program is not built; build it with jobscripts/setup.sh (Debian), or with" \
      "'meson setup build && ninja -C build' where the libraries are installed"
  check_requeues
  exec sbatch "${options[@]}" "$root/jobscripts/slurm.sh" "--root=$root" "$@"
}

# ---- inside the job ---------------------------------------------------------------------------

seconds_left() { # until the time limit of the job; nothing if there is no limit
  local left
  left=$(squeue -h -j "$SLURM_JOB_ID" -o %L 2>/dev/null) || return 0
  [[ $left =~ ^(([0-9]+)-)?(([0-9]+):)?([0-9]+):([0-9]+)$ ]] || return 0
  echo $((((10#${BASH_REMATCH[2]:-0} * 24 + 10#${BASH_REMATCH[4]:-0}) * 60 + \
    10#${BASH_REMATCH[5]}) * 60 + 10#${BASH_REMATCH[6]}))
}

# A signal must not meet a program that has not yet installed its handlers.
settle=5

forward() { # trap: tell the ranks, through their launcher, to write a checkpoint and end
  signal=$1 interrupted=yes
  local early=$((started + settle - SECONDS))
  [ "$early" -le 0 ] || sleep "$early"
  say "signal $signal: asking the ranks for a checkpoint"
  kill -USR1 "$launcher_pid" 2>/dev/null || true
}

run_program() { # run_program COMMAND...: sets status; the launcher runs behind, so that traps work
  signal='' interrupted='' status=0
  "$@" &
  launcher_pid=$! started=$SECONDS
  trap 'forward USR1' USR1
  trap 'forward TERM' TERM
  while
    interrupted=''
    wait "$launcher_pid" && status=0 || status=$?
    [ -n "$interrupted" ] # a trap cuts `wait` short, and what it returned is not the status
  do :; done
}

cancelled() { # was the job asked to end though its time is not up?
  [ "$signal" = TERM ] && { [ -z "$left" ] || [ "$SECONDS" -lt $((left - 5)) ]; }
}

unfinished() { # requeue, if that is what should happen next
  local again="go on with the same command: jobscripts/slurm.sh [option of sbatch]... $*"
  if cancelled; then
    say "job $SLURM_JOB_ID was told to end and is not requeued; $again"
  elif [ "$restarts" -ge "$requeues" ]; then
    say "job $SLURM_JOB_ID was restarted $restarts times and WEYLMC_REQUEUES is $requeues: not" \
      "requeued; $again"
  else
    say "job $SLURM_JOB_ID is requeued"
    scontrol requeue "$SLURM_JOB_ID" || say "requeueing failed; $again"
  fi
  exit 75
}

run_job() {
  local left margin walltime=() launcher
  restarts=${SLURM_RESTART_COUNT:-0}
  check_requeues
  [ -x "$program" ] || fail 1 "$program is not there on $(hostname); is the folder on a file" \
    "system that the nodes of this job see?"
  left=$(seconds_left)
  if [ -n "$left" ]; then # second line of defence, should the signal not come
    margin=$((left / 10 < 60 ? left / 10 : 60))
    walltime=("--walltime=$((left - margin))s")
  fi
  read -ra launcher <<<"${WEYLMC_LAUNCHER:-mpirun}"
  say "job $SLURM_JOB_ID on ${SLURM_JOB_NODELIST:-$(hostname)}, ${SLURM_NTASKS:-1} ranks, restart" \
    "$restarts of at most $requeues, ${left:-no limit of} seconds left, $(date '+%F %T')"
  # Slurm's own SIGTERM reaches mpirun as well, which then ends the ranks: 5 seconds for a checkpoint
  export OMPI_MCA_odls_base_sigkill_timeout=${OMPI_MCA_odls_base_sigkill_timeout:-5}
  mpi_environment
  run_program "${launcher[@]}" "$program" run ${walltime[@]+"${walltime[@]}"} "$@"
  if [ "$status" -eq 75 ] || { [ "$status" -ne 0 ] && [ "$signal" = TERM ]; }; then unfinished "$@"; fi
  say "job $SLURM_JOB_ID ended with exit code $status, $(date '+%F %T')"
  exit "$status"
}

# ---- which of the two -------------------------------------------------------------------------

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
in_job=''
if [ -f "$here/functions.sh" ]; then
  root=${here%/*}
else # a copy, made by sbatch
  in_job=yes root=${SLURM_SUBMIT_DIR:-}
  case ${1:-} in
  --root=*) root=${1#--root=} && shift ;;
  esac
  [ -f "$root/jobscripts/functions.sh" ] ||
    fail 1 "the repository is not in '$root'; submit by jobscripts/slurm.sh DECK, or use sbatch in" \
      "the folder of the repository"
fi
source "$root/jobscripts/functions.sh"
program=$build/src/cli/weylmc
requeues=${WEYLMC_REQUEUES:-20}
if [ -n "$in_job" ]; then run_job "$@"; else submit "$@"; fi

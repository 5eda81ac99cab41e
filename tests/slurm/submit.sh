#!/usr/bin/env bash
# jobscripts/slurm.sh without Slurm. Outside a job: how it takes its arguments apart, and its errors;
# inside: what it tells the program and Slurm. Stand-ins for Slurm's commands print their arguments.
# The real thing is tested by requeue.sh.
set -u
source "$(dirname "${BASH_SOURCE[0]}")/report.sh"
source "$(dirname "${BASH_SOURCE[0]}")/../../jobscripts/functions.sh"
folder=$(mktemp -d "${TMPDIR:-/tmp}/weylmc submit.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
mkdir bin 'a build'
printf '%s\n' '#!/bin/sh' 'printf "%s\n" "$@"' >bin/sbatch
chmod +x bin/sbatch
echo 'model: balanced' >'my deck.yaml'
script=$root/jobscripts/slurm.sh

submit() { # sets text and status
  text=$(PATH="$folder/bin:$PATH" "$script" "$@" 2>&1) && status=0 || status=$?
}

takes_apart() { # takes_apart OPTION...: all of them are for sbatch, what follows is not
  submit "$@" 'my deck.yaml' --set run.draws=10 -o 'out file.h5'
  equal "$status" 0 && equal "$text" \
    "$(printf '%s\n' "$@" "$script" "--root=$root" 'my deck.yaml' --set run.draws=10 -o 'out file.h5')"
}

check "no options of sbatch" takes_apart
check "long options with '='" takes_apart --ntasks=4 --time=1:00:00
check "long options with a word" takes_apart --ntasks 4 --time 1:00:00 --mail-user me
check "long options without a value" takes_apart --exclusive --hold --requeue --test-only --nice
check "short options with a word" takes_apart -n 4 -t 60 -J 'a name'
check "short options with a value attached" takes_apart -n4 -t60 -plong
check "clusters of short options" takes_apart -HvQ -Hn 4 -vn4 -W

fails() { # fails STATUS WORDS ARGUMENT...
  local expected=$1 words=$2
  shift 2
  submit "$@"
  equal "$status" "$expected" && contains "$text" "$words"
}

check "help" fails 0 'usage: jobscripts/slurm.sh' --help
check "no argument" fails 2 'usage: jobscripts/slurm.sh'
check "no deck" fails 2 'no deck given' -n 4
check "a deck that is not there" fails 65 "'none.yaml'" -n 4 none.yaml
check "a folder for a deck" fails 65 "'bin'" bin
for wrong in x -1 1.5; do
  WEYLMC_REQUEUES=$wrong check "WEYLMC_REQUEUES='$wrong'" fails 2 'WEYLMC_REQUEUES' 'my deck.yaml'
done
WEYLMC_BUILD="$folder/a build" check "not built" fails 1 'jobscripts/setup.sh' 'my deck.yaml'

no_sbatch() {
  local tool
  mkdir tools
  for tool in bash dirname cat; do ln -s "$(command -v "$tool")" "tools/$tool"; done
  text=$(PATH="$folder/tools" bash "$script" 'my deck.yaml' 2>&1) && status=0 || status=$?
  equal "$status" 1 && contains "$text" 'no sbatch here'
}
check "no sbatch" no_sbatch

# ---- inside a job ----------------------------------------------------------------------------

mkdir -p spool "b d/src/cli"
cp "$script" spool/slurm_script
touch "b d/src/cli/weylmc" && chmod +x "b d/src/cli/weylmc"
printf '%s\n' '#!/bin/sh' 'echo "$LEFT"' >bin/squeue
printf '%s\n' '#!/bin/sh' 'echo scontrol "$@"' >bin/scontrol
# a launcher that prints its arguments; SELF signals its parent, the script, and goes on
printf '%s\n' '#!/bin/bash' 'echo launched "${@:2}"' 'trap "echo forwarded" USR1' \
  '[ -z "$SELF" ] || { sleep 0.2; kill -"$SELF" "$PPID"; sleep 6 & wait; wait; }' 'exit "$CODE"' >bin/launch
chmod +x bin/*

job() { # job LEFT CODE SELF ARGUMENT...: sets text and status
  text=$(LEFT=$1 CODE=$2 SELF=$3 SLURM_JOB_ID=7 SLURM_SUBMIT_DIR="$folder" PATH="$folder/bin:$PATH" \
    WEYLMC_BUILD="$folder/b d" WEYLMC_LAUNCHER=launch bash spool/slurm_script "${@:4}" 2>&1) &&
    status=0 || status=$?
}

in_job() { # in_job STATUS WORDS LEFT CODE SELF
  job "${@:3}" "--root=$root" 'my deck.yaml' --set a=b
  equal "$status" "$1" && contains "$text" "$2"
}

lacks() { ! contains "$1" "$2" >/dev/null; }

check "complete: exit code 0" in_job 0 'ended with exit code 0' 1:00:00 0 ''
check "an error: its exit code" in_job 65 'ended with exit code 65' 1:00:00 65 ''
check "an error is not requeued" lacks "$text" scontrol
check "stopped with a checkpoint: requeued" in_job 75 'scontrol requeue 7' 1:00:00 75 ''
SLURM_RESTART_COUNT=20 check "at the cap: not requeued" in_job 75 'WEYLMC_REQUEUES is 20: not requeued' 1:00:00 75 ''
check "at the cap: Slurm is not asked" lacks "$text" 'scontrol requeue'
SLURM_RESTART_COUNT=20 WEYLMC_REQUEUES=21 check "below the cap: requeued" in_job 75 'scontrol requeue 7' 1:00:00 75 ''
check "USR1 is forwarded" in_job 75 'forwarded' 1:00:00 75 USR1
check "USR1: requeued" contains "$text" 'scontrol requeue 7'
check "TERM before the limit is forwarded as USR1" in_job 75 'forwarded' 1:00:00 75 TERM
check "TERM before the limit: not requeued" lacks "$text" 'scontrol'
check "TERM at the limit: requeued" in_job 75 'scontrol requeue 7' 0:05 1 TERM
for pair in 0:50=45 9:59=540 10:00=540 1:00:00=3540 1-02:03:04=93724 30-00:00:00=2591940; do
  check "time left ${pair%=*}" in_job 0 \
    "launched run --walltime=${pair#*=}s my deck.yaml --set a=b" "${pair%=*}" 0 ''
done
for left in UNLIMITED INVALID NOT_SET ''; do
  check "time left '$left'" in_job 0 'launched run my deck.yaml --set a=b' "$left" 0 ''
done

lost() { # the copy is not told where the repository is
  job 1:00:00 0 '' 'my deck.yaml'
  equal "$status" 1 && contains "$text" "the repository is not in '$folder'"
}
check "a job that does not find the repository" lost
report

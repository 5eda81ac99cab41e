# A Slurm cluster of one node on loopback, for tests: everything in one folder and on free ports,
# so that it meets neither another cluster of this machine nor the files of the installed packages.
# Sourced. Needs root, the packages slurm-wlm and munge, and `python` (an interpreter).
#   cluster_start FOLDER   starts munged, slurmctld and slurmd; exports SLURM_CONF
#   cluster_stop           ends them (and the jobs) again; may be called at any time, any number of times
#   cluster_logs           prints the ends of their logs

cluster_free_ports() { # prints N ports of 127.0.0.1 that are free
  "$python" - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(s.getsockname()[1] for s in sockets))
PYTHON
}

cluster_configure() {
  local ports host
  read -ra ports < <(cluster_free_ports 2)
  host=$(hostname -s)
  cat >"$cluster/slurm.conf" <<CONF
ClusterName=weylmc-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a requeued job may start only when the credential of its last start has expired, 2 minutes by default
AuthInfo=socket=$cluster/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=2,batch_sched_delay=0,bf_interval=2
SlurmdParameters=config_overrides
ReturnToService=2
MailProg=/bin/true
MpiDefault=none
KillWait=20
MinJobAge=600
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  # nothing here uses cgroups, but slurmd does not start where it cannot tell which kind there is
  printf '%s\n' CgroupAutomount=no CgroupPlugin=cgroup/v1 >"$cluster/cgroup.conf"
}

cluster_munge() {
  head -c 1024 /dev/urandom >"$cluster/munge.key"
  chmod 400 "$cluster/munge.key"
  munged --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" \
    --pid-file="$cluster/munged.pid" --log-file="$cluster/munged.log" \
    --seed-file="$cluster/munged.seed" --num-threads=2
}

cluster_start() {
  cluster=$1
  mkdir -p -m 755 "$cluster" "$cluster/state" "$cluster/spool"
  cluster_configure
  export SLURM_CONF=$cluster/slurm.conf
  cluster_munge && slurmctld && slurmd || return 1
  local try
  for try in $(seq 60); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && return 0
    sleep 0.5
  done
  return 1
}

cluster_logs() {
  tail -n 25 "$cluster"/*.log >&2
}

cluster_end() { # ends the process of a pid file: 10 seconds to go by itself
  local pid try
  pid=$(cat "$1" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for try in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -KILL "$pid" 2>/dev/null || true
}

cluster_processes() { # prints the processes that were started with this cluster's configuration
  local environ pid
  for environ in /proc/[0-9]*/environ; do
    pid=${environ#/proc/} pid=${pid%/environ}
    tr '\0' '\n' <"$environ" 2>/dev/null | grep -qxF "SLURM_CONF=$SLURM_CONF" && echo "$pid"
  done 2>/dev/null
  return 0
}

cluster_stop() {
  [ -n "${cluster:-}" ] || return 0
  scancel --full --user="$(id -un)" 2>/dev/null
  local daemon try pid
  for try in $(seq 20); do
    [ -n "$(squeue -h 2>/dev/null)" ] || break
    sleep 0.5
  done
  for daemon in slurmd slurmctld munged; do cluster_end "$cluster/$daemon.pid"; done
  for pid in $(cluster_processes); do kill -KILL "$pid" 2>/dev/null; done
  cluster=
}

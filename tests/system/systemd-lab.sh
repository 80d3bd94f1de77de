#!/bin/bash
# A real systemd as PID 1 of its own PID, mount, cgroup, UTS and IPC namespaces: same files and loopback as the machine.
# Needs root, util-linux and systemd; no D-Bus, no other root file system. Ends without a process, mount or cgroup left.
#   systemd-lab.sh start DIR     boots; units are in DIR/units, the console's output in DIR/console.log
#   systemd-lab.sh exec DIR CMD  runs CMD inside: systemctl, journalctl
#   systemd-lab.sh stop DIR      kills its PID 1, and so everything in it
set -eu
SELF=$(readlink -f "$0")
STEP=$1 LAB=$2
shift 2

# A machine has cgroup v2 there, or beside v1 (hybrid).
CGROUPS=/sys/fs/cgroup/unified
[ -e /sys/fs/cgroup/cgroup.procs ] && CGROUPS=/sys/fs/cgroup
CGROUP=$CGROUPS/bye-lab-$(printf %s "$LAB" | cksum | cut -d' ' -f1)

inner() { cat "$LAB/pid"; }
is_up() { [ -s "$LAB/pid" ] && [ "$(cat "/proc/$(inner)/comm" 2>/dev/null)" = systemd ]; }
wait_for() { for _ in $(seq 200); do "$@" && return; sleep 0.05; done; return 1; }

start() {
  is_up && return
  mkdir -p "$LAB/units" "$CGROUP"
  # What is in the cgroup when the namespace is made sees it as the root of all cgroups.
  ( echo "$BASHPID" > "$CGROUP/cgroup.procs"
    exec setsid unshare --mount --pid --fork --cgroup --uts --ipc --propagation private "$SELF" init "$LAB"
  ) </dev/null >"$LAB/console.log" 2>&1 &
  unshare=$!
  find_init() {
    tr -d ' ' < "/proc/$unshare/task/$unshare/children" > "$LAB/pid" 2>/dev/null || { cat "$LAB/console.log"; exit 1; }
    is_up
  }
  wait_for find_init
  # systemctl fails over a process that it cannot see: unshare(1) has to leave.
  echo "$unshare" > "$CGROUPS$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs"
  is_booted() { "$SELF" exec "$LAB" systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded'; }
  wait_for is_booted || { cat "$LAB/console.log"; exit 1; }
}

# Becomes systemd. Everything it writes to is a throw-away, and the machine's sysctls and devices are out of reach.
init() {
  mount -t proc -o nosuid,nodev,noexec proc /proc
  mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys
  mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys 2>/dev/null || mount -o remount,bind,ro /sys
  mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
  mount -t tmpfs -o mode=755 tmpfs /run
  mount -t tmpfs -o mode=755 tmpfs /var/lib/systemd
  mount --bind "$LAB/units" /etc/systemd/system
  mkdir -p /run/lock /run/empty /run/dev /run/sysinit /run/systemd/system.conf.d /run/systemd/journald.conf.d

  mount -t tmpfs -o mode=755 tmpfs /run/dev
  for device in null zero full random urandom tty; do
    : > /run/dev/$device
    mount --bind /dev/$device /run/dev/$device
  done
  mkdir /run/dev/shm
  ln -s /proc/self/fd /run/dev/fd
  mount --move /run/dev /dev

  # Boots with nothing but the journal.
  ln -s /lib/systemd/system/systemd-journald.service /run/sysinit/
  mount --bind /run/sysinit /lib/systemd/system/sysinit.target.wants
  for directory in system-generators system/local-fs.target.wants system/timers.target.wants; do
    mount --bind /run/empty /lib/systemd/$directory 2>/dev/null || true
  done
  printf '[Journal]\nStorage=volatile\n' > /run/systemd/journald.conf.d/lab.conf
  printf '[Manager]\nDefaultTimeoutStartSec=20s\nDefaultTimeoutStopSec=20s\n' > /run/systemd/system.conf.d/lab.conf

  exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set -sys_time,-sys_module,-sys_rawio,-syslog,-mac_admin,-mac_override,-audit_control,-audit_read \
    /lib/systemd/systemd --system --unit=basic.target --show-status=no
}

stop() {
  is_up && kill -KILL "$(inner)"
  is_down() { ! is_up; }
  wait_for is_down
  rm -f "$LAB/pid"
  is_swept() {
    find "$CGROUP" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
    rmdir "$CGROUP" 2>/dev/null || [ ! -e "$CGROUP" ]
  }
  wait_for is_swept
}

case $STEP in
  start | init | stop) "$STEP" ;;
  exec) exec nsenter -t "$(inner)" -m -p -C -u -i -- "$@" ;;
  *) sed -n '2,6p' "$SELF"; exit 2 ;;
esac

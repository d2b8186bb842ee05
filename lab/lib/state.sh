# shellcheck shell=bash
# state.sh - where a lab keeps what it knows, and how it complains.
#
# $STATE is a tmpfs of its own, so that the machine's disk is never written and `down` is one umount:
#   number, prefix        N and 10.77.N           nodes                 one "name role address" a line
#   switch.net            the switch's namespace  id_ed25519, known_hosts   to log in with
#   node/NAME/disk        the node's disk, a tmpfs: up/ (overlay upper), home/, hestia/, log/ ...
#   node/NAME/root        where it becomes the node's root     node/NAME/{log,ready}
#   node/NAME/{pid,launcher}  its process 1 and that one's parent: number and start time

LAB=${BERTH_LAB:-demo}
BASE=${BERTH_LAB_BASE:-/run/berth-lab}
STATE=$BASE/$LAB

die() {
    printf 'berth-lab: %s\n' "$*" >&2
    exit 1
}

say() {
    printf '%s\n' "$*"
}

[[ $LAB =~ ^[a-z][a-z0-9-]{0,19}$ ]] || die "BERTH_LAB=$LAB: a lab's name is a letter, then up to 19 letters, digits or -"

state_need_root() {
    [ "$(id -u)" -eq 0 ] || die "namespaces and mounts need root: run it with sudo"
}

state_need_lab() {
    [ -e "$STATE/nodes" ] || die "lab $LAB is not up (berth-lab up)"
}

# Sets NODE, ROLE, ADDRESS and NODE_DIR.
state_need_node() {
    local name
    state_need_lab
    [ $# -ge 1 ] && [ -n "$1" ] || die "which node? ($(cut -d' ' -f1 "$STATE/nodes" | xargs))"
    while read -r name ROLE ADDRESS; do
        if [ "$name" = "$1" ]; then
            NODE=$name NODE_DIR=$STATE/node/$name
            return
        fi
    done <"$STATE/nodes"
    die "lab $LAB has no node $1"
}

# A recorded pid counts only while it is still the same process: number and start time.
# /proc/PID/stat: pid (comm) state ppid ... with the start time as 22nd field.
pid_start() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    stat=${stat##*) }
    read -ra stat <<<"$stat"
    [ "${stat[0]}" != Z ] && [ "${stat[0]}" != X ] && echo "${stat[19]}"
}

pid_is() {
    [ "$(pid_start "$1")" = "$2" ]
}

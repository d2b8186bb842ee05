# shellcheck shell=bash
# net.sh - the lab's network: a switch in its own namespace, one cable to this machine, one to each node.
#
# The bridge does not stand in this machine's namespace, because a machine with Docker drops what it forwards there.

net_in_switch() {
    nsenter --net="$STATE/switch.net" "$@"
}

# The mark on our link. The pid namespace stands for the machine: one in a container or chroot that shares this network
# may have a lab of the same name.
net_mark() {
    echo "berth-lab:$LAB:$(readlink /proc/self/ns/pid)"
}

# Make the switch and claim the first free number: the kernel refuses a second link of one name, so two labs that come
# up at once cannot get the same. Sets NUMBER and PREFIX.
net_up() {
    : >"$STATE/switch.net"
    unshare --net="$STATE/switch.net" true
    for ((NUMBER = 0; ; NUMBER++)); do
        [ "$NUMBER" -le 99 ] || die "no free network between 10.77.0.0/24 and 10.77.99.0/24"
        PREFIX=10.77.$NUMBER
        [ -e "/sys/class/net/bl$NUMBER" ] && continue
        [ -z "$(ip -4 -o addr show to "$PREFIX.0/24")" ] || continue
        ip link add "bl$NUMBER" type veth peer name uplink netns "$STATE/switch.net" 2>"$STATE/net.err" && break
        [ -e "/sys/class/net/bl$NUMBER" ] || die "cannot make a network: $(<"$STATE/net.err")"
    done
    echo "$NUMBER" >"$STATE/number"
    echo "$PREFIX" >"$STATE/prefix"
    net_in_switch ip -batch - <<EOF
link add br0 type bridge forward_delay 0
link set br0 up
link set uplink master br0
link set uplink up
EOF
    ip -batch - <<EOF
link set bl$NUMBER alias $(net_mark)
addr add $PREFIX.1/24 dev bl$NUMBER
link set bl$NUMBER up
EOF
}

# Also finds the link of a lab whose state is gone: it carries the lab's mark.
net_down() {
    local link mark
    mark=$(net_mark)
    for link in /sys/class/net/bl*; do
        [ -e "$link/ifalias" ] || continue
        [ "$(<"$link/ifalias")" = "$mark" ] && ip link del "${link##*/}"
    done
    return 0
}

# shellcheck shell=bash
# lab.sh - all nodes together: up, down, status.

# Command and the package it comes from: what a node cannot start without.
LAB_PROGRAMS='sshd:openssh-server ssh-keygen:openssh-client nginx:nginx php-fpm8.2:php8.2-fpm dovecot:dovecot-imapd
exim4:exim4-daemon-heavy named:bind9 rndc:bind9-utils ip:iproute2 ss:iproute2 sudo:sudo openssl:openssl'

lab_need_programs() {
    local pair missing=''
    for pair in $LAB_PROGRAMS; do
        command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
    done
    [ -z "$missing" ] || die "not installed:$missing (dev/install --for demo)"
}

# "web1:web ..." to lines "web1 web 10.77.N.11". The digit at the end of the name makes the address.
lab_plan_nodes() {
    local pair name role base digit seen=' '
    for pair in ${BERTH_LAB_NODES:-web1:web mail1:mail ns1:dns ns2:dns}; do
        name=${pair%%:*} role=${pair#*:}
        case $role in
        web) base=10 ;;
        mail) base=20 ;;
        dns) base=30 ;;
        *) die "BERTH_LAB_NODES: $pair: a role is web, mail or dns" ;;
        esac
        [[ $name =~ ^[a-z][a-z-]{0,12}([1-9])$ ]] || die "BERTH_LAB_NODES: $pair: a name is letters and one digit, 1 to 9"
        digit=${BASH_REMATCH[1]}
        [ "$name" != br0 ] && [[ $seen != *" $name "* && $seen != *" $((base + digit)) "* ]] || die "BERTH_LAB_NODES: $pair: taken"
        seen="$seen$name $((base + digit)) "
        echo "$name $role $PREFIX.$((base + digit))"
    done
}

lab_each_node() {
    local line name rest
    while read -r -u 5 name rest; do
        state_need_node "$name"
        "$@"
    done 5<"$STATE/nodes"
}

lab_known_hosts() {
    lab_each_node lab_known_host >"$STATE/known_hosts.new"
    mv "$STATE/known_hosts.new" "$STATE/known_hosts"
}

lab_known_host() {
    [ ! -e "$NODE_DIR/disk/up/etc/ssh/ssh_host_ed25519_key.pub" ] || echo "$ADDRESS $(lab_host_key)"
}

# Nothing when the node was wiped and has not started since.
lab_host_key() {
    [ ! -e "$NODE_DIR/disk/up/etc/ssh/ssh_host_ed25519_key.pub" ] ||
        cut -d' ' -f1,2 "$NODE_DIR/disk/up/etc/ssh/ssh_host_ed25519_key.pub"
}

lab_up() {
    lab_need_programs
    lab_down
    trap 'lab_down || true' EXIT
    mkdir -p "$STATE"
    mount -t tmpfs -o size=64m,mode=755 "berth-lab-$LAB" "$STATE" ||
        die "cannot mount: in a container, the lab needs one that may (--privileged)"
    net_up
    lab_plan_nodes >"$STATE/nodes.new"
    mv "$STATE/nodes.new" "$STATE/nodes"
    ssh-keygen -q -t ed25519 -N '' -C "berth-lab-$LAB" -f "$STATE/id_ed25519"
    lab_each_node node_make
    lab_each_node node_launch
    lab_each_node node_wait
    lab_known_hosts
    trap - EXIT
    say "lab $LAB is up: $(lab_each_node lab_name | xargs)"
}

lab_name() {
    echo "$NODE $ADDRESS"
}

# Safe at any time: after a crash, half up, twice.
lab_down() {
    local dir
    for dir in "$STATE"/node/*/; do
        [ -d "$dir" ] || continue
        NODE_DIR=${dir%/} NODE=$(basename "$dir")
        node_off
    done
    net_down
    while mountpoint -q "$STATE"; do
        umount -R "$STATE" 2>/dev/null || umount -R -l "$STATE"
    done
    [ ! -d "$STATE" ] || rmdir "$STATE"
    rmdir --ignore-fail-on-non-empty "$BASE" 2>/dev/null || true
}

lab_status() {
    state_need_lab
    [ $# -eq 0 ] || [ "$1" = --json ] || die "status: unknown option $1"
    if [ $# -eq 0 ]; then
        say "lab $LAB on $(<"$STATE/prefix").0/24, state in $STATE"
        lab_each_node lab_status_line
        return
    fi
    printf '{"lab":"%s","state_dir":"%s","key":"%s","number":%s,"host":"%s.1","nodes":[' \
        "$LAB" "$STATE" "$STATE/id_ed25519" "$(<"$STATE/number")" "$(<"$STATE/prefix")"
    SEPARATOR=''
    lab_each_node lab_status_json
    printf ']}\n'
}

lab_fingerprint() {
    [ ! -e "$NODE_DIR/disk/up/etc/ssh/ssh_host_ed25519_key.pub" ] ||
        ssh-keygen -l -E sha256 -f "$NODE_DIR/disk/up/etc/ssh/ssh_host_ed25519_key.pub" | cut -d' ' -f2
}

lab_status_line() {
    local up=off
    node_is_up && up=up
    printf '%-8s %-5s %-13s %-4s %s\n' "$NODE" "$ROLE" "$ADDRESS" "$up" "$(lab_fingerprint)"
}

lab_status_json() {
    local pid=null rest up=false
    if node_is_up; then
        up=true
        read -r pid rest <"$NODE_DIR/pid"
    fi
    printf '%s{"name":"%s","role":"%s","address":"%s","port":22,"hostname":"%s.lab.test","host_key":"%s","fingerprint":"%s","pid":%s,"up":%s}' \
        "$SEPARATOR" "$NODE" "$ROLE" "$ADDRESS" "$NODE" "$(lab_host_key)" "$(lab_fingerprint)" "$pid" "$up"
    SEPARATOR=,
}

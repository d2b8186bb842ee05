# shellcheck shell=bash
# node.sh - one node: made, started, killed, entered.

SSH_OPTIONS=(-F /dev/null -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o LogLevel=ERROR -o ConnectTimeout=5)

# The node's disk, with what node-init and the scripts inside it need. BERTH_PANEL may be missing: a lab without the
# panel is still good for everything below it.
node_make() {
    local disk=$NODE_DIR/disk panel=${BERTH_PANEL:-$LAB_ROOT/../build/lab/panel/berth-panel}
    mkdir -p "$disk" "$NODE_DIR/root"
    mount -t tmpfs -o size=1g,mode=755 "berth-lab-$LAB-$NODE" "$disk"
    mkdir -p "$disk/up" "$disk/work" "$disk/home" "$disk/hestia/lab" "$disk/hestia/bin"
    cp -r "$LAB_ROOT/node/." "$disk/hestia/lab/"
    cp "$STATE/id_ed25519.pub" "$disk/hestia/lab/authorized_key"
    cp "$STATE/nodes" "$disk/hestia/lab/nodes"
    if [ -x "$panel" ]; then
        cp "$panel" "$disk/hestia/bin/berth-panel"
    else
        say "$NODE: no panel stand-in at $panel (make build): the node has no v-* commands" >&2
    fi
    cat >"$disk/hestia/lab/node.env" <<EOF
NODE=$NODE
ROLE=$ROLE
ADDRESS=$ADDRESS
MAC=$(printf '02:77:%02x:%02x:%02x:%02x' ${ADDRESS//./ })
PREFIX=$(<"$STATE/prefix")
REVERSE=$(<"$STATE/number").77.10
NODE_HOSTNAME=$NODE.lab.test
NAMESERVERS='$(awk '$2 == "dns" { printf "%s ", $3 }' "$STATE/nodes")'
SESSIONS=${BERTH_LAB_SESSIONS:-10}
EOF
}

# Start it in the background; node_wait tells how that went. The two are apart so that all nodes start at once.
# setsid: a Ctrl-C for the caller is not for the nodes.
node_launch() {
    [ -e "$NODE_DIR/ready" ] || mkfifo "$NODE_DIR/ready"
    exec 8<>"$NODE_DIR/ready" 9<"$STATE/switch.net"
    setsid unshare --mount --pid --uts --ipc --net --fork --kill-child \
        /bin/dash "$LAB_ROOT/node/node-init" "$NODE_DIR" </dev/null >>"$NODE_DIR/log" 2>&1 &
    echo "$! $(pid_start $!)" >"$NODE_DIR/launcher"
    exec 8>&- 9<&-
}

node_wait() {
    local answer=''
    read -r -t "${BERTH_LAB_TIMEOUT:-60}" answer <>"$NODE_DIR/ready" || answer="no answer in ${BERTH_LAB_TIMEOUT:-60} s"
    [ "$answer" = up ] && return
    printf 'berth-lab: %s did not start: %s; the end of its log:\n' "$NODE" "${answer:-no word}" >&2
    tail -n 20 "$NODE_DIR/log" >&2 || true
    return 1
}

node_is_up() {
    local pid start
    [ -s "$NODE_DIR/pid" ] && read -r pid start <"$NODE_DIR/pid" && pid_is "$pid" "$start"
}

# Power off. Two processes hold a node: its process 1, and unshare, which is there first, takes process 1 with it, and ends
# last. Wait for both, or a restart meets the old namespaces.
node_off() {
    local file pid start
    for file in "$NODE_DIR/pid" "$NODE_DIR/launcher"; do
        [ -s "$file" ] && read -r pid start <"$file" || continue
        if pid_is "$pid" "$start"; then
            kill -9 "$pid" 2>/dev/null || true # the launcher may have ended with process 1 since that look
        fi
        for ((i = 0; i < 500; i++)); do
            pid_is "$pid" "$start" || break
            sleep 0.01
        done
        rm -f "$file"
    done
    net_in_switch ip link del "$NODE" 2>/dev/null || true       # gone by itself, but not at once
}

node_kill() {
    state_need_node "$@"
    node_off
}

node_start() {
    state_need_node "$@"
    node_is_up && die "$NODE is already up"
    node_off
    node_launch
    node_wait
    lab_known_hosts
}

node_restart() {
    node_kill "$@"
    node_start "$@"
}

node_wipe() {
    local was_up=no
    state_need_node "$@"
    node_is_up && was_up=yes
    node_off
    umount -l "$NODE_DIR/disk"
    node_make
    [ "$was_up" = no ] || node_start "$NODE"
}

# A command in the node as root, with the node's root, working directory and a clean environment.
node_enter() {
    local pid rest
    node_is_up || die "$NODE is off"
    read -r pid rest <"$NODE_DIR/pid"
    nsenter -t "$pid" -m -p -u -i -n -r -w -- /usr/bin/env -i PATH="$PATH" HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" "$@"
}

node_exec() {
    state_need_node "$@"
    shift
    [ $# -ge 1 ] || die "exec $NODE: which command?"
    node_enter "$@"
}

node_ssh() {
    local target=${1:-} user=root
    [ $# -gt 0 ] && shift
    [ "$target" = "${target#*@}" ] || user=${target%%@*}
    state_need_node "${target#*@}"
    exec ssh "${SSH_OPTIONS[@]}" -i "$STATE/id_ed25519" -o UserKnownHostsFile="$STATE/known_hosts" "$user@$ADDRESS" "$@"
}

# How the panel stand-in behaves: key=value lines in a file that it reads at each command. KEY= removes all of KEY's lines,
# KEY=VALUE puts one in their place, KEY+=VALUE adds one.
node_panel() {
    local file pair key add value
    state_need_node "$@"
    shift
    mkdir -p "$NODE_DIR/disk/hestia/conf"
    file=$NODE_DIR/disk/hestia/conf/standin.conf
    [ -e "$file" ] || : >"$file"
    if [ $# -eq 0 ]; then
        cat "$file"
        return
    fi
    cp "$file" "$file.new"
    for pair in "$@"; do
        [[ $pair =~ ^([a-z]+)(\+?)=(.*)$ ]] || die "panel $NODE: $pair is not KEY=VALUE"
        key=${BASH_REMATCH[1]} add=${BASH_REMATCH[2]} value=${BASH_REMATCH[3]}
        [ -n "$add" ] || sed -i "/^$key=/d" "$file.new"
        [ -z "$value" ] || printf '%s=%s\n' "$key" "$value" >>"$file.new"
    done
    mv "$file.new" "$file"          # at once: a command that starts now sees the old or the new one, whole
}

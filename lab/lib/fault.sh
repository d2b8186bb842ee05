# shellcheck shell=bash
# fault.sh - what can go wrong with a node, on demand.

# stop and start: connections are refused, open ones live on. tarpit and resume: accepted by the kernel, never greeted.
fault_sshd() {
    state_need_node "$@"
    case ${2:-} in
    stop) node_enter dash -c 'kill "$(cat /run/sshd.pid)" && while [ -e /run/sshd.pid ]; do sleep 0.01; done' ;;
    start) node_enter /usr/sbin/sshd ;;
    tarpit) node_enter dash -c 'kill -STOP "$(cat /run/sshd.pid)"' ;;
    resume) node_enter dash -c 'kill -CONT "$(cat /run/sshd.pid)"' ;;
    *) die "sshd $NODE: stop, start, tarpit or resume" ;;
    esac
}

# The node's kernel drops the connections and tells the peer: a reset in the middle of a command.
fault_cut() {
    state_need_node "$@"
    node_enter ss -K state established 'sport = :22' >/dev/null
}

# The cable at the switch: the node itself sees no carrier, its peers nothing at all.
fault_link() {
    state_need_node "$@"
    case ${2:-} in
    up | down) net_in_switch ip link set "$NODE" "$2" ;;
    *) die "link $NODE: up or down" ;;
    esac
}

fault_fault() {
    state_need_node "$@"
    case ${2:-}:${3:-} in
    diskfull:on) fault_disk_shrink size ;;
    inodes:on) fault_disk_shrink nr_inodes ;;
    diskfull:off | inodes:off) mount -o remount,size=1g,nr_inodes=1m "$NODE_DIR/disk" ;;
    dpkg-lock:on) fault_dpkg_lock ;;
    dpkg-lock:off) node_enter dash -c 'kill "$(cat /run/dpkg-lock.pid)" && rm /run/dpkg-lock.pid' ;;
    slow:on) fault_slow "${4:-256kbit}" ;;
    slow:off) fault_fast ;;
    *) die "fault $NODE: diskfull, inodes, dpkg-lock or slow, then on or off" ;;
    esac
}

# A full disk is one whose size is what is in use: everything there stays readable, as on a real one. Writers may be at
# work, so that the first size can already be too small.
fault_disk_shrink() {
    local what=$1 used blocks free size files files_free
    for ((i = 0; i < 20; i++)); do
        read -r blocks free size files files_free < <(stat -f -c '%b %f %S %c %d' "$NODE_DIR/disk")
        case $what in
        size) used=$(((blocks - free) * size)) ;;
        nr_inodes) used=$((files - files_free)) ;;
        esac
        mount -o "remount,$what=$used" "$NODE_DIR/disk" 2>/dev/null && return
    done
    die "$NODE: its disk does not keep still"
}

# apt and dpkg lock with fcntl, and so must one who is in their way. Such a lock belongs to one process, not to its
# children, so the child that stays takes it and says so.
fault_dpkg_lock() {
    # shellcheck disable=SC2016 # perl's variables
    node_enter perl -MFcntl -e '
        pipe(my $answer, my $said) or die "pipe: $!\n";
        my $child = fork() // die "fork: $!\n";
        if ($child) {
            close $said;
            exit(defined(readline $answer) ? 0 : 1);
        }
        open(my $lock, ">>", "/var/lib/dpkg/lock-frontend") or die "lock-frontend: $!\n";
        my $whole = pack("s s x![l!] l! l! i x4", F_WRLCK, 0, 0, 0, 0);
        fcntl($lock, F_SETLK, $whole) or die "already locked: $!\n";
        open(my $pid, ">", "/run/dpkg-lock.pid") or die "dpkg-lock.pid: $!\n";
        print $pid "$$\n";
        close $pid;
        syswrite $said, "locked\n";
        close $said;
        open(STDIN, "<", "/dev/null"); open(STDOUT, ">", "/dev/null"); open(STDERR, ">", "/dev/null");
        sleep;
    ' || die "$NODE: cannot take the lock"
}

# burst and latency as large as a segment of this network, or the connection stalls.
fault_slow() {
    local shape="tbf rate $1 burst 128k latency 4s"
    # shellcheck disable=SC2086 # words
    net_in_switch tc qdisc replace dev "$NODE" root $shape
    # shellcheck disable=SC2086
    node_enter tc qdisc replace dev eth0 root $shape
}

fault_fast() {
    net_in_switch tc qdisc del dev "$NODE" root
    node_enter tc qdisc del dev eth0 root
}

# node.sh - what a lane's shell on a node is taught first. Sent to the stdin of a resident `sh`; the build strips comments and
# indentation. POSIX, and fine for dash, bash and busybox. In front of it stand b_inst (installation id) and b_hello (a nonce).
#
# A lane then gets requests, one at a time: the functions b_files and b_cmd, and last, on a line of its own and in braces, so
# that half of it is a syntax error, one call of b_make, b_look, b_read, b_find or b_ping. See ssh_script.c for the texts and
# docs/decisions/durable-commands.md for the records. Nothing here may start a program that can be avoided: a fork and exec costs
# as much as all the rest.
#
# Records, in $b_dir, NAME.*; the caller gives the name:
#   run   FENCE NUMBER KEY BOOT PID TICK BORN LIMIT   nonce of the markers; boot id; process group (the lane's shell leads it) and its
#                                                     start in ticks; uptime at the start and limit (0: none) in hundredths of a second
#         ended RC RC ... | killed                    added at the end
#   out   err                                         output, with markers KEY1b0/2q, KEY1e0 RC around each segment, KEY1x last (err:
#                                                     KEY2...)
# fence.a fence.b: FENCE NUMBER NAME ok of the newest command, twice: a crash while one is written leaves the other. FENCE.gate: see
# b_find. To create a file costs 0.4 ms on ext4, all else with files 0.02 ms: so b_tidy makes the next record's files beforehand.
umask 022
b_dir=$HOME/.berth/$b_inst
b_cap=32768
b_little=1024
b_files_least=100
b_until=0
b_for=
b_nl='
'
b_mkdir() {
    umask 077
    mkdir -p "$b_dir" && chmod 700 "$b_dir"
    umask 022
}
b_uptime() {
    read -r b_now b_x </proc/uptime
    b_now=${b_now%.*}${b_now#*.}
    b_now=${b_now#0}
    b_now=${b_now#0}
}
b_say() {
    printf '%s d %s\n' "$b_q" "$*"
}
# Markers around a segment; $1 is its index, a slash, how many there are, and q when its output is not for the log.
b_begin() {
    printf '%s1b%s\n' "$b_key" "$1"
    printf '%s2b%s\n' "$b_key" "$1" >&2
}
b_end() {
    b_rc=$?
    printf '%s1e%s %s\n' "$b_key" "$1" "$b_rc"
    printf '%s2e%s %s\n' "$b_key" "$1" "$b_rc" >&2
    b_rcs="$b_rcs $b_rc"
}
b_eof() {
    printf '%s1x\n' "$b_key"
    printf '%s2x\n' "$b_key" >&2
}
# Splits a line of /proc/PID/stat: state, group, start time. The name in it may hold blanks and brackets.
b_split() {
    set -- ${1##*) }
    b_st=$1 b_group=$3 b_start=${20}
}
# Is any process of group $b_pid left? Zombies do not count: where nobody reaps them they stay.
b_any() {
    for b_f in /proc/[0-9]*/stat; do
        { read -r b_x <"$b_f"; } 2>/dev/null || continue
        b_split "$b_x"
        [ "$b_group" = "$b_pid" ] || continue
        case $b_st in Z | X) ;; *) return 0 ;; esac
    done
    return 1
}
# Does the command of the record that was read last still run? The shell that leads its group is told from a later process of the
# same number by its start time. A shell that was killed may leave its command behind.
b_alive() {
    if { read -r b_x <"/proc/$b_pid/stat"; } 2>/dev/null; then
        b_split "$b_x"
        [ "$b_start" = "$b_tick0" ] || return 1
        case $b_st in Z | X) b_any; return ;; esac
        return 0
    fi
    b_any
}
b_wait() {
    b_i=0
    while b_any; do
        [ "$b_i" -lt 10 ] || return 1
        b_i=$((b_i + 1))
        sleep 0.1
    done
}
# The record's time is up: end its whole group, and only then say so. Where root's processes cannot be killed it stays running.
b_kill() {
    kill -s TERM -- "-$b_pid" 2>/dev/null || sudo -n kill -s TERM -- "-$b_pid" 2>/dev/null
    b_wait || {
        kill -s KILL -- "-$b_pid" 2>/dev/null
        b_wait || {
            sudo -n kill -s KILL -- "-$b_pid" 2>/dev/null
            b_wait || return
        }
    }
    rm -f -- "/tmp/berth-$b_inst-$b_rfence-$b_rnumber-"*
    b_end_of "$1" || {
        printf 'killed\n' >>"$b_dir/$1.run"
        b_is=killed
    }
}
# Has record $1 come to its end? Sets b_is and b_codes then.
b_end_of() {
    {
        read -r b_x
        read -r b_x b_y
    } <"$b_dir/$1.run" || return 1
    b_is=$b_x b_codes=$b_y
}
# What became of record $1: b_is = none, running, ended, killed or gone (its end will never be known); b_codes, b_rfence, b_rnumber, b_rkey.
b_state() {
    b_is=none b_codes= b_rfence=0 b_rnumber=0 b_rkey=-
    [ -s "$b_dir/$1.run" ] || return 0
    read -r b_rfence b_rnumber b_rkey b_rboot b_pid b_tick0 b_born b_limit0 <"$b_dir/$1.run"
    if b_end_of "$1"; then return 0; fi
    b_is=gone
    if [ "$b_rboot" != "$b_boot" ] || [ "$b_pid" = $$ ]; then return 0; fi
    if b_alive; then b_is=running; fi
    # It may have ended between the two looks.
    if [ $b_is = gone ]; then b_end_of "$1"; return 0; fi
    [ "$b_limit0" -gt 0 ] || return 0
    b_uptime
    if [ $((b_now - b_born)) -gt "$b_limit0" ]; then b_kill "$1"; fi
    return 0
}
b_fences() {
    b_seen=0 b_seen_number=0 b_last=
    for b_f in "$b_dir/fence.a" "$b_dir/fence.b"; do
        [ -s "$b_f" ] || continue
        read -r b_w b_x b_y b_ok <"$b_f"
        if [ "$b_ok" = ok ] && [ "$b_w" -ge "$b_seen" ]; then
            if [ "$b_w" -gt "$b_seen" ] || [ "$b_x" -ge "$b_seen_number" ]; then
                b_seen=$b_w b_seen_number=$b_x b_last=$b_y
            fi
        fi
    done
}
b_flock() {
    flock -E 75 -w "$1" 9
    case $? in
    0) return 0 ;;
    75) b_said=busy ;;
    *) b_said=no-flock ;;
    esac
    return 1
}
# How much room is there? b_short: the first disk with too little: path, KiB and files that are free. A path that is missing, or a node
# without stat, is no reason to stop. To start a program costs 2 ms, so what was measured counts for as long as nothing could
# use that room up: at 1 GB and 100,000 files a second, and at most 10 s.
b_measure() {
    # shellcheck disable=SC2046,SC2086 # words
    set -- $(stat -f -c '%n %a %S %d %c' $b_disks 2>/dev/null 9>&-)
    b_short= b_lasts=1000
    while [ $# -ge 5 ] && [ -z "$b_short" ]; do
        b_kib "$2" "$3"
        b_x=$((b_free - b_need)) b_y=$(($4 - b_files_least))
        [ "$2" -ge 0 ] || b_x=$((b_lasts * 10486)) # below 0, or no number that fits: it does not know
        { [ "$5" -gt 0 ] && [ "$4" -ge 0 ]; } || b_y=$((b_lasts * 1000))
        if [ "$b_x" -lt 0 ] || [ "$b_y" -lt 0 ]; then b_short="$1 $b_free $4" b_lasts=0; fi
        [ $((b_x / 10486)) -ge "$b_lasts" ] || b_lasts=$((b_x / 10486))
        [ $((b_y / 1000)) -ge "$b_lasts" ] || b_lasts=$((b_y / 1000))
        shift 5
    done 2>/dev/null
    b_uptime
    b_until=$((b_now + b_lasts)) b_for="$b_need $b_disks"
}
# b_kib BLOCKS SIZE: that many KiB are free. In bytes a network's disk without end is more than a shell can count.
b_kib() {
    if [ "$2" -ge 1024 ]; then b_free=$(($1 * ($2 / 1024))); else b_free=$(($1 / (1024 / ($2 > 0 ? $2 : 1)))); fi
}
# Is what was measured good for as many hundredths of a second?
b_measured() {
    b_uptime
    [ "$b_need $b_disks" = "$b_for" ] && [ $((b_now + $1)) -lt "$b_until" ]
}
b_roomy() {
    [ "$b_need" -gt 0 ] || return 0
    [ -n "$b_short" ] || b_measured 0 || b_measure # the lock may have been waited for
    [ -z "$b_short" ] || { b_said="room $b_short"; return 1; }
}
# Under the lock: may it run, and has the newest command not been left behind by a killed shell?
b_may() {
    b_fences
    if [ "$b_seen" -gt "$b_fence" ]; then b_said="fenced $b_seen"; return 1; fi
    if [ "$b_seen" = "$b_fence" ]; then
        # Seen, but without a record: a shell was killed between the two, and nothing of it has run.
        if [ "$b_number" -lt "$b_seen_number" ] || { [ "$b_number" = "$b_seen_number" ] && [ -s "$b_dir/$b_last.run" ]; }; then
            b_said=exists
            return 1
        fi
    fi
    # This lane's own last command has ended, or it would not be here.
    case $b_last in '' | "${b_name%-*}"-*) ;; *) b_state "$b_last" ;; esac
    if [ "$b_is" = running ]; then b_said=busy; return 1; fi
    b_roomy || return
    # Last, because what stands above may take its time: b_find may have said meanwhile that nothing has come.
    if [ -s "$b_dir/$b_fence.gate" ]; then
        read -r b_x b_y <"$b_dir/$b_fence.gate"
        if [ "$b_x" = "$b_boot" ] && [ "$b_stamp" -lt "$b_y" ]; then b_said=stale; return 1; fi
    fi
    # Written over, not truncated: ext4 writes a truncated file to the disk at once.
    b_x="$b_fence $b_number $b_name ok"
    printf '%s\n' "$b_x" 1<>"$b_dir/fence.a" && printf '%s\n' "$b_x" 1<>"$b_dir/fence.b"
}
b_run() {
    b_uptime
    b_key=$b_newkey
    printf '%s\n' "$b_fence $b_number $b_key $b_boot $$ $b_tick $b_now $b_limit" >"$b_r.run" || return
    umask 022
    b_cmd
    b_eof
    umask 077
    b_said="ended$b_rcs"
    # How much has been written shows without another program.
    read -r b_x b_size </proc/$$/fdinfo/1
    read -r b_x b_y </proc/$$/fdinfo/2
    b_size=$((b_size + b_y))
    # Without this line the record would look as if it ran for as long as this shell lives.
    printf '%s\n' "$b_said" >>"$b_r.run" || b_sick=yes
}
b_locked() {
    b_flock 1 || return
    b_is=none
    b_may || return
    b_files || { b_unfile; b_said=tmp; return; }
    b_run >"$b_r.out" 2>"$b_r.err" </dev/null 9>&-
    [ -n "$b_said" ] || b_unfile
}
# Reads all of fd 7 into b_text. False when bytes got lost, as NULs do: then the position is not what the text makes.
b_slurp() {
    b_text= b_len=0
    while IFS= read -r b_line; do
        b_text=$b_text$b_line$b_nl
        b_len=$((b_len + ${#b_line} + 1))
    done <&7
    b_text=$b_text$b_line
    read -r b_x b_y </proc/$$/fdinfo/7
    [ "$((b_len + ${#b_line}))" = "$b_y" ]
}
# The answer to a command that ran. Little output is read here, byte by byte: still quicker than to start a program.
b_show() {
    if [ "$b_size" -le "$b_little" ] && b_slurp 7<"$b_r.out"; then
        b_x1=$b_text
        if b_slurp 7<"$b_r.err"; then
            printf '%s m\n%s%s%s d %s\n' "$b_q" "$b_x1" "$b_text" "$b_q" "$b_said"
            b_said=
            return
        fi
    fi
    printf '%s m\n' "$b_q"
    head -q -c "$b_cap" "$b_r.out" "$b_r.err"
}
# b_make NONCE FENCE NUMBER LIMIT KEY NAME ROOM DISK...
b_make() {
    b_q=$1 b_fence=$2 b_number=$3 b_limit=$4 b_newkey=$5 b_name=$6 b_r=$b_dir/$6 b_need=$7
    shift 7
    b_disks=$* b_said= b_rcs= b_sick= b_size=99999
    [ -d "$b_dir" ] || b_mkdir
    # Not under the lock: a disk that does not answer would keep everybody else from it.
    [ "$b_need" -eq 0 ] || b_measured 0 || b_measure
    umask 077
    b_locked 9>>"$b_dir/lock"
    umask 022
    unset -f b_cmd b_files b_unfile
    case $b_said in
    ended*) b_show ;;
    '') b_said="state-dir $( (printf 'x\n' >"$b_dir/probe") 2>&1)" ;;
    esac
    [ -z "$b_said" ] || b_say "$b_said"
    [ -z "$b_sick" ] || exit 1
    # While berthd commits what came of it.
    [ "$b_need" -eq 0 ] || b_measured 50 || b_measure
}
# b_look KEY: no record; the output goes straight into the lane.
b_look() {
    b_key=$1 b_rcs=
    umask 077
    if b_files; then
        umask 022
        b_cmd </dev/null
        b_eof
    else
        umask 022
        b_unfile
        printf '%s1!\n' "$b_key"
    fi
    unset -f b_cmd b_files b_unfile
}
b_part() {
    [ -s "$1" ] && [ "$3" -gt 0 ] || return 0
    dd bs=65536 iflag=skip_bytes,count_bytes,fullblock skip="$2" count="$3" status=none <"$1"
}
# b_read NONCE NAME OUT_OFFSET ERR_OFFSET CAP: the state is taken first, so that what follows an end is all there is.
b_read() {
    b_q=$1
    b_state "$2"
    printf '%s o %s\n' "$b_q" "$3"
    [ "$b_is" = none ] || b_part "$b_dir/$2.out" "$3" "$5"
    printf '%s e %s\n' "$b_q" "$4"
    [ "$b_is" = none ] || b_part "$b_dir/$2.err" "$4" "$5"
    b_say "$b_is" "$b_codes"
}
b_list() {
    b_n=0 b_lines= b_runs=
    for b_g in "$b_dir"/*.run; do
        b_g=${b_g##*/}
        b_g=${b_g%.run}
        b_state "$b_g"
        [ "$b_rfence" = "$1" ] || continue
        [ "$b_is" != running ] || b_runs=yes
        b_lines="$b_lines$b_q r $b_rnumber $b_g $b_rkey$b_nl"
        b_n=$((b_n + 1))
    done
}
b_settle() {
    b_flock 2
    b_list "$b_fence"
}
# b_find NONCE FENCE STAMP: which records there are. The request that is asked about may still lie in a pipe of a dead connection and run
# when this has answered 'none'. So a gate is left: this fence's commands are taken only from lanes as old as STAMP or younger.
# One that has just passed the gate holds the lock.
b_find() {
    b_q=$1 b_fence=$2 b_said=
    [ -d "$b_dir" ] || b_mkdir
    b_list "$2"
    if [ -z "$b_runs" ]; then
        umask 077
        printf '%s %s\n' "$b_boot" "$3" >"$b_dir/$2.gate" && b_settle 9>>"$b_dir/lock" || b_said=state-dir
        umask 022
    fi
    if [ -z "$b_runs" ]; then
        for b_f in "/tmp/berth-$b_inst-$2-"*; do
            [ ! -f "$b_f" ] || rm -f -- "$b_f"
        done
    fi
    b_fences
    printf '%s' "$b_lines"
    if [ "$b_said" = state-dir ] && [ "$b_n" = 0 ]; then
        b_say "state-dir $( (printf 'x\n' >"$b_dir/probe") 2>&1)"
    else
        b_say found "$b_n" "$b_seen"
    fi
}
# Records and input files of lower fences, when nothing waits for it. Under the lock, so that no lane is about to use what looks like an
# empty record left by a dead one.
b_sweep() {
    b_flock 0 || return
    b_fences
    set --
    for b_g in "$b_dir"/*.run; do
        b_n=${b_g##*/}
        b_state "${b_n%.run}"
        case $b_is in
        running) continue ;;
        none) case $b_n in "$b_mine"-*) continue ;; esac ;;
        *) [ "$b_rfence" -lt "$b_seen" ] || continue ;;
        esac
        set -- "$@" "$b_g" "${b_g%run}out" "${b_g%run}err"
    done
    for b_g in "$b_dir"/*.gate "/tmp/berth-$b_inst-"[0-9]*; do
        [ -f "$b_g" ] || continue
        b_n=${b_g##*/}
        b_n=${b_n#"berth-$b_inst-"}
        [ "${b_n%%[.-]*}" -ge "$b_seen" ] 2>/dev/null || set -- "$@" "$b_g"
    done
    [ $# -eq 0 ] || rm -f -- "$@"
}
# b_tidy NONCE NAME SWEEP: files for the next record of the make lane that is called NAME-*; and sweep? The make lane may be at that
# record already: nothing here may cut a file short, so they are opened for appending.
b_tidy() {
    b_q=$1 b_mine=${2%-*}
    if [ -d "$b_dir" ]; then
        umask 077
        for b_f in run out err; do
            [ -f "$b_dir/$2.$b_f" ] || printf '' >>"$b_dir/$2.$b_f"
        done
        [ "$3" = 0 ] || b_sweep 9>>"$b_dir/lock"
        umask 022
    fi
    b_say tidy
}
b_ping() {
    b_q=$1
    b_say pong
}
[ -d "$b_dir" ] || b_mkdir
b_tick=0 b_boot=none
read -r b_boot </proc/sys/kernel/random/boot_id
read -r b_x <"/proc/$$/stat" && b_split "$b_x" && b_tick=$b_start
b_uptime
b_stamp=$b_now
# A printf that is a program would show its words, and with them an input, in the process list.
case $(command -v printf) in
printf) printf '\n%s hello %s\n' "$b_hello" "$b_stamp" ;;
*) echo; echo "$b_hello no-printf" ;;
esac

# node.sh - what a lane's shell on a node is taught first. Sent to the stdin of a resident `sh`; the build strips comments and
# indentation. POSIX, and fine for dash, bash and busybox. In front of it stand b_inst (installation id) and b_hello (a nonce).
#
# A lane then gets requests, one at a time: the functions b_files and b_cmd, and last, on a line of its own and in braces, so
# that half of it is a syntax error, one call of b_make, b_look, b_read, b_find or b_ping. See ssh_script.c for the texts and
# docs/decisions/durable-commands.md for the records. Nothing here may start a program that can be avoided: a fork and exec costs
# as much as all the rest.
#
# Records, in $b_dir, FENCE.NUMBER.*:
#   run   KEY BOOT PID TICK BORN LIMIT   nonce of the markers; boot id; process group (the lane's shell leads it) and its start time in
#                                        ticks; uptime at the start and limit (0: none) in hundredths of a second
#   out   err                            output, with markers KEY1b0/2q, KEY1e0 RC around each segment, KEY1x last (err: KEY2...)
#   exit  ended RC RC ... | killed       written last
# fence.a fence.b: the highest fence seen, twice, so that a crash while one is written leaves the other. FENCE.gate: see b_find.
umask 022
b_dir=$HOME/.berth/$b_inst
b_cap=32768
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
        [ "$b_i" -lt 20 ] || return 1
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
    [ -s "$b_dir/$1.exit" ] || printf 'killed\n' >"$b_dir/$1.exit"
    rm -f -- "/tmp/berth-$b_inst-${1%.*}-${1#*.}-"*
    b_is=killed
}
# What became of record $1: b_is = none, running, ended, killed or gone (its end will never be known); b_codes.
b_state() {
    b_is=none b_codes= b_rkey=-
    [ -s "$b_dir/$1.run" ] || return 0
    read -r b_rkey b_rboot b_pid b_tick0 b_born b_limit0 <"$b_dir/$1.run"
    if [ -s "$b_dir/$1.exit" ]; then
        read -r b_is b_codes <"$b_dir/$1.exit"
        return 0
    fi
    b_is=gone
    [ "$b_rboot" = "$b_boot" ] && [ "$b_pid" != $$ ] && b_alive || {
        # It may have ended between the two looks.
        if [ -s "$b_dir/$1.exit" ]; then read -r b_is b_codes <"$b_dir/$1.exit"; fi
        return 0
    }
    b_is=running
    [ "$b_limit0" -gt 0 ] || return 0
    b_uptime
    if [ $((b_now - b_born)) -gt "$b_limit0" ]; then b_kill "$1"; fi
}
b_fences() {
    b_seen=0
    for b_f in "$b_dir/fence.a" "$b_dir/fence.b"; do
        [ -s "$b_f" ] || continue
        read -r b_x b_ok <"$b_f"
        if [ "$b_ok" = ok ] && [ "$b_x" -gt "$b_seen" ]; then b_seen=$b_x; fi
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
# Under the lock: may it run, and has none of the older commands been left behind by a killed shell?
b_may() {
    if [ -s "$b_r.run" ]; then b_said=exists; return 1; fi
    b_fences
    if [ "$b_seen" -gt "$b_fence" ]; then b_said="fenced $b_seen"; return 1; fi
    if [ -s "$b_dir/$b_fence.gate" ]; then
        read -r b_x b_y <"$b_dir/$b_fence.gate"
        if [ "$b_x" = "$b_boot" ] && [ "$b_stamp" -lt "$b_y" ]; then b_said=stale; return 1; fi
    fi
    if [ "$b_seen" = "$b_fence" ]; then
        [ "$b_number" = 0 ] || b_state "$b_fence.$((b_number - 1))"
        if [ "$b_is" = running ]; then b_said=busy; return 1; fi
        return 0
    fi
    for b_g in "$b_dir"/[0-9]*.run; do
        b_g=${b_g%.run}
        b_state "${b_g##*/}"
        if [ "$b_is" = running ]; then b_said=busy; return 1; fi
    done
    b_old=yes
    printf '%s ok\n' "$b_fence" >"$b_dir/fence.a" && printf '%s ok\n' "$b_fence" >"$b_dir/fence.b"
}
b_run() {
    b_uptime
    b_key=$b_newkey
    printf '%s %s %s %s %s %s\n' "$b_key" "$b_boot" $$ "$b_tick" "$b_now" "$b_limit" >"$b_r.run" || return
    umask 022
    b_cmd
    b_eof
    umask 077
    b_said="ended$b_rcs"
    # Without this file the record would look as if it ran for as long as this shell lives.
    printf '%s\n' "$b_said" >"$b_r.exit" || b_sick=yes
}
b_locked() {
    b_flock 1 || return
    b_is=none
    b_may || return
    b_files || { b_unfile; b_said=tmp; return; }
    b_run >"$b_r.out" 2>"$b_r.err" </dev/null 9>&-
    [ -n "$b_said" ] || b_unfile
}
# Lower fences' records and input files, when the answer is out already.
b_clean() {
    set --
    for b_f in "$b_dir"/[0-9]*.*; do
        b_x=${b_f##*/}
        [ "${b_x%%.*}" -ge "$b_fence" ] 2>/dev/null || set -- "$@" "$b_f"
    done
    for b_f in "/tmp/berth-$b_inst-"[0-9]*; do
        [ -f "$b_f" ] || continue
        b_x=${b_f#"/tmp/berth-$b_inst-"}
        [ "${b_x%%-*}" -ge "$b_fence" ] 2>/dev/null || set -- "$@" "$b_f"
    done
    [ $# -eq 0 ] || rm -f -- "$@" 2>/dev/null
}
# b_make NONCE FENCE NUMBER LIMIT KEY
b_make() {
    b_q=$1 b_fence=$2 b_number=$3 b_limit=$4 b_newkey=$5 b_r=$b_dir/$2.$3 b_said= b_old= b_rcs= b_sick=
    if [ -s "$b_r.run" ]; then b_say exists; return; fi
    [ -d "$b_dir" ] || b_mkdir
    umask 077
    b_locked 9>>"$b_dir/lock"
    umask 022
    unset -f b_cmd b_files b_unfile
    case $b_said in
    ended*)
        printf '%s m\n' "$b_q"
        head -q -c "$b_cap" "$b_r.out" "$b_r.err"
        ;;
    '') b_said="state-dir $( (printf 'x\n' >"$b_dir/probe") 2>&1)" ;;
    esac
    b_say "$b_said"
    [ -z "$b_old" ] || b_clean
    [ -z "$b_sick" ] || exit 1
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
# b_read NONCE FENCE NUMBER OUT_OFFSET ERR_OFFSET CAP: the state is taken first, so that what follows an end is all there is.
b_read() {
    b_q=$1
    b_state "$2.$3"
    printf '%s o %s\n' "$b_q" "$4"
    [ "$b_is" = none ] || b_part "$b_dir/$2.$3.out" "$4" "$6"
    printf '%s e %s\n' "$b_q" "$5"
    [ "$b_is" = none ] || b_part "$b_dir/$2.$3.err" "$5" "$6"
    b_say "$b_is" "$b_codes"
}
b_list() {
    b_n=0 b_lines= b_is=none
    while [ -s "$b_dir/$1.$b_n.run" ]; do
        b_state "$1.$b_n"
        b_lines="$b_lines$b_q r $b_n $b_is $b_rkey$b_nl"
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
    if [ "$b_is" != running ]; then
        umask 077
        printf '%s %s\n' "$b_boot" "$3" >"$b_dir/$2.gate" && b_settle 9>>"$b_dir/lock" || b_said=state-dir
        umask 022
    fi
    if [ "$b_is" != running ]; then
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

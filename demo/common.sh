# shellcheck shell=bash
# demo/common.sh - what demo/run and demo/stop share.

BUILD=$PWD/build
export XDG_CONFIG_HOME=$BUILD/demo # berthctl finds its settings in $XDG_CONFIG_HOME/berth
DIR=$XDG_CONFIG_HOME/berth
LISTEN=127.0.0.1:${BERTH_DEMO_PORT:-8080}
export BERTH_LAB=${BERTH_LAB:-demo}
export PATH=$PATH:/usr/sbin:/sbin

say() { printf '\n== %s\n' "$*"; }

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" = 0 ] || die "needs root, for the lab's namespaces: sudo make demo"
}

ctl() { "$BUILD/src/cli/berthctl" "$@"; }

# The value of a text field at the top of an indented JSON object on standard input.
field() { sed -n -E 's/^ {1,4}"'"$1"'": "([^"]*)",?$/\1/p' | head -n 1; }

lab_address() { lab/berth-lab status | awk -v node="$1" '$1 == node { print $3 }'; }

start_lab() {
    if lab/berth-lab status >/dev/null 2>&1; then
        return
    fi
    say "Four nodes: web, mail and two name servers, with real sshd, nginx, PHP, exim, dovecot and BIND"
    rm -rf "$DIR" # a database that speaks of nodes that are gone helps nobody
    lab/berth-lab up
    for node in web1 mail1 ns1 ns2; do # commands last as long as they do on real panels
        lab/berth-lab panel "$node" pace=recorded
    done
}

berthd_pid() {
    local pid
    pid=$(cat "$DIR/berthd.pid" 2>/dev/null) || return 1
    [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$BUILD/src/daemon/berthd" ] && echo "$pid"
}

stop_berthd() {
    local pid
    pid=$(berthd_pid) || return 0
    kill "$pid"
    while [ -d "/proc/$pid" ]; do sleep 0.05; done
}

start_berthd() {
    if [ ! -f "$DIR/berth.yaml" ]; then
        ctl init --dir "$DIR" --listen "$LISTEN" --pipelines "$PWD/pipelines" --web "$BUILD/web" >/dev/null
        for node in web1 mail1 ns1 ns2; do # as one would with ssh-copy-id
            lab/berth-lab exec "$node" sh -c 'mkdir -p -m 700 /root/.ssh && cat >>/root/.ssh/authorized_keys' <"$DIR/ssh_key.pub"
        done
    fi
    stop_berthd # a build may have replaced it
    say "berthd on SQLite, at http://$LISTEN"
    "$BUILD/src/daemon/berthd" --config "$DIR/berth.yaml" </dev/null >>"$DIR/berthd.log" 2>&1 &
    echo $! >"$DIR/berthd.pid"
    disown
    for _ in $(seq 100); do
        if curl -fsS "http://$LISTEN/api/v1/health" >/dev/null 2>&1; then return; fi
        [ -d "/proc/$(cat "$DIR/berthd.pid")" ] || break
        sleep 0.05
    done
    tail -n 5 "$DIR/berthd.log" >&2
    die "berthd does not answer at http://$LISTEN (its log is above; another port: BERTH_DEMO_PORT=8090 make demo)"
}

# Somebody who may log in: an owner with a password of his own, kept where only root can read it.
make_staff() {
    [ -f "$DIR/staff.json" ] && return
    (
        umask 077
        ctl --json staff add admin --role owner --generate >"$DIR/staff.json.new"
    )
    mv "$DIR/staff.json.new" "$DIR/staff.json"
}

fill_catalogue() {
    ctl --json group list | grep -q '"eu"' && return
    say "A group of nodes and a product"
    ctl group add eu --title Europe
    add_node web1 web
    add_node mail1 mail
    add_node ns1 dns
    add_node ns2 dns
    ctl product add start --group eu --title "Start" --web disk_mb=2000 --mail mailbox=info --mail accounts=10 --dns template=default
    for node in web1 mail1 ns1 ns2; do ctl node test "$node" | head -n 1; done
}

add_node() {
    ctl --json node add "$1" --address "$(lab_address "$1")" --roles "$2" --group eu --hostname "$1.lab.test" |
        grep -o 'SHA256:[^"]*' | sed "s/^/$1 ($2), host key /"
}

check_site() {
    local address
    address=$(lab_address web1)
    printf 'website    http://%s from %s: ' "$1" "$address"
    curl -fsS --max-time 5 --resolve "$1:80:$address" "http://$1/" | grep -io '<title>[^<]*' | head -n 1 | sed 's/<title>//I'
}

check_zone() {
    local node address serial want="" record
    for node in ns1 ns2; do
        address=$(lab_address "$node")
        serial=$(dig +short +norec +time=2 @"$address" "$1" SOA | awk '{ print $3 }')
        [ -n "$serial" ] || die "$node does not answer for $1"
        [ -z "$want" ] || [ "$serial" = "$want" ] || die "the name servers have different serials: $want and $serial"
        want=$serial
    done
    printf 'zone       serial %s on both name servers\n' "$serial"
    for record in "$1 NS" "$1 A" "www.$1 CNAME" "ftp.$1 CNAME" "$1 CAA" "mail.$1 A" "webmail.$1 CNAME" "$1 MX" "$1 TXT" "_dmarc.$1 TXT"; do
        # shellcheck disable=SC2086
        same_answer $record
    done
    check_dkim "$1"
}

same_answer() {
    local one two
    one=$(dig +short +norec +time=2 @"$(lab_address ns1)" "$1" "$2" | sort)
    two=$(dig +short +norec +time=2 @"$(lab_address ns2)" "$1" "$2" | sort)
    if [ -z "$one" ] || [ "$one" != "$two" ]; then die "$1 $2: ns1 says '$one', ns2 says '$two'"; fi
    printf '           %-28s %-6s %s\n' "$1" "$2" "$(paste -sd' ' <<<"$one")"
}

check_dkim() {
    local published signing
    published=$(dig +short +norec @"$(lab_address ns1)" "mail._domainkey.$1" TXT | tr -d '" \n' | sed 's/.*p=//')
    signing=$(lab/berth-lab exec mail1 openssl rsa -in "/etc/exim4/domains/$1/dkim.pem" -pubout 2>/dev/null | grep -v -- ----- | tr -d '\n')
    if [ -z "$signing" ] || [ "$published" != "$signing" ]; then
        die "the DKIM record does not hold the key that the mail node signs with"
    fi
    printf '           %-28s %-6s the public key that mail1 signs with\n' "mail._domainkey.$1" TXT
}

check_mailbox() {
    local password address
    address=$(lab_address mail1)
    password=$(ctl reveal "$2" --dir "$DIR" | awk '$1 == "mailbox" { print $3 }')
    printf 'mailbox    info@%s opens over IMAP with STARTTLS: ' "$1"
    # the password goes through a configuration on standard input: never in an argument
    printf 'user = "info@%s:%s"\n' "$1" "$password" |
        curl -fsS --max-time 10 --ssl-reqd --insecure -K - "imap://$address/" -X 'EXAMINE INBOX' | tr -d '\r' | grep -o '[0-9]* EXISTS' | sed 's/EXISTS/messages/'
}

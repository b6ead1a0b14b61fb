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

far_port_open() { # PORT
    (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null
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

# Started and not ended: every pid file's process lives.
far_running() {
    local f some=1
    [ -f "$FAR_DIR/status" ] || return 1
    for f in "$FAR_DIR"/*.pid; do
        [ -e "$f" ] || continue
        some=0
        f=${f##*/}
        far_alive "${f%.pid}" || return 1
    done
    return $some
}

# far_status KEY=VALUE...: what `status` prints; called when all is ready.
far_status() {
    printf '%s\n' "$@" > "$FAR_DIR/.status.tmp"
    mv "$FAR_DIR/.status.tmp" "$FAR_DIR/status"
}

# As root, servers that refuse root run as this user instead.
far_plain_user() { [ "$(id -u)" = 0 ] && echo nobody || id -un; }

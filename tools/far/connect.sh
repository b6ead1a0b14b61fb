# connect.sh - Kafka Connect, standalone, from the artifacts of kafka.sh.
#
#   start --bootstrap HOST:PORT,...   the Kafka to connect to
#         CONNECTOR.properties...     connectors that run from the start; more
#                                     by PUT URL/connectors/NAME/config
#
# status: connect= the URL of its REST interface, connect_pid=, worker= its
# properties file.  Log: DIR/connect.log.
. "$root/tools/far/kafka.sh"
. "$root/tools/far/kafka/worker.sh"
unset -f far_verb_halt far_verb_restart far_verb_relist

far_start() {
    local boot= files=() port
    set -- ${FAR_ARGS[@]+"${FAR_ARGS[@]}"}
    while [ $# -gt 0 ]; do
        case $1 in
        --bootstrap) boot=$2 && shift ;;
        -*)
            far_say "connect start: unknown option \"$1\""
            return 1
            ;;
        *) files+=("$(realpath "$1")") ;;
        esac
        shift
    done
    [ -n "$boot" ] || {
        far_say "connect start: --bootstrap HOST:PORT says which Kafka"
        return 1
    }
    port=$(far_ports 1)
    connect_start "$boot" "$port" ${files[@]+"${files[@]}"} || return 1
    far_status "connect=http://127.0.0.1:$port" "connect_pid=$(cat "$FAR_DIR/connect.pid")" \
        "worker=$FAR_DIR/connect/worker.properties"
}

far_running() { [ -f "$FAR_DIR/status" ] && far_alive connect; }

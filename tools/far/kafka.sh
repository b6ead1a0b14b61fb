# kafka.sh - Apache Kafka without ZooKeeper (KRaft), from Maven artifacts.
#
#   start --brokers N       nodes, each broker and controller (default 1); with
#                           3, topics are replicated three times, two in sync
#         --auto-create     topics come into being when first used
#         --set KEY=VALUE   a line of server.properties; may be repeated
#         --port PORT       node 1 listens here instead of on a free port
#         --connect         a Kafka Connect worker too, without connectors
#         --secure          two more listeners a node, TLS (tls=) and SASL (PLAIN
#                           and SCRAM) over TLS (sasl=), and access rules: the
#                           users of the plain and TLS listeners and "alice" may
#                           do everything, "mallory" nothing; their passwords are
#                           NAME-secret, by SCRAM alice's is alice-scram; the
#                           certificate's authority is ca=
#   halt    [--node N]      end all nodes or one in good order; the data stays
#   restart [--node N]      start again, on the same ports and data, what does
#                           not run of all nodes or of one (killed or halted)
#   relist                  write jars.sha256 anew after a change of pom.xml
#
# status: bootstrap=, brokers=, nodeN=HOST:PORT, nodeN_pid=; connect= its URL.
# Kafka's own tools: tools/far/kafka/kt.  A node's log: DIR/nodeN.log.
kafka_files=$root/tools/far/kafka
kafka_jars=$FAR_CACHE/kafka/jars
kafka_java=(-XX:+UseSerialGC -Xshare:auto "-Dlog4j2.configurationFile=$kafka_files/log4j2.xml")

kafka_fetch() { # into DIR
    command -v mvn > /dev/null || {
        far_say "Kafka is fetched with Maven, and there is no mvn here; run tools/setup test"
        return 1
    }
    mvn -B -ntp -q -f "$kafka_files/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime "-DoutputDirectory=$1" > "$1.log" 2>&1 || {
        tail -n 5 "$1.log" >&2
        far_say "could not fetch Kafka's jars with mvn (the end of its output is above);" \
            "with no network, copy the folder \"$kafka_jars\" from a machine that has it"
        return 1
    }
}

far_install() {
    local want new
    want=$(sha256sum < "$kafka_files/jars.sha256")
    if ! command -v java > /dev/null || ! command -v kcat > /dev/null; then
        "$root/tools/setup" test
    fi
    [ "$(cat "$kafka_jars/.stamp" 2> /dev/null)" != "$want" ] || return 0
    new=$FAR_CACHE/kafka/new
    if ! kafka_listed "$kafka_jars"; then
        far_say "fetching Apache Kafka with Maven (56 MB)"
        rm -rf "$new"
        mkdir -p "$new"
        kafka_fetch "$new"
        kafka_listed "$new" || {
            far_say "the jars that Maven brought are not those of tools/far/kafka/jars.sha256"
            return 1
        }
        rm -rf "$kafka_jars"
        mv "$new" "$kafka_jars"
    fi
    echo "$want" > "$kafka_jars/.stamp"
}

kafka_listed() { # DIR holds exactly the listed jars
    (cd "$1" 2> /dev/null && sha256sum -c --quiet --strict "$kafka_files/jars.sha256" > /dev/null 2>&1 \
        && [ "$(ls *.jar | wc -l)" = "$(wc -l < "$kafka_files/jars.sha256")" ])
}

far_verb_relist() {
    mkdir -p "$FAR_CACHE/kafka"
    rm -rf "$FAR_CACHE/kafka/new"
    mkdir "$FAR_CACHE/kafka/new"
    kafka_fetch "$FAR_CACHE/kafka/new"
    (cd "$FAR_CACHE/kafka/new" && sha256sum *.jar) > "$kafka_files/jars.sha256"
}

# ---- one instance: its options are kept in DIR/options -----------------------

kafka_options() { # the arguments of start
    brokers=1 auto=false connect=no secure=no first= lines=()
    while [ $# -gt 0 ]; do
        case $1 in
        --brokers) brokers=$2 && shift ;;
        --auto-create) auto=true ;;
        --connect) connect=yes ;;
        --secure) secure=yes ;;
        --port) first=$2 && shift ;;
        --set) lines+=("$2") && shift ;;
        *)
            far_say "kafka start: unknown option \"$1\""
            return 1
            ;;
        esac
        shift
    done
    case $brokers in [1-9]) ;; *)
        far_say "kafka start: --brokers is 1 to 9, not \"$brokers\""
        return 1
        ;;
    esac
}

kafka_plan() { # after kafka_options: ports, and one properties file per node
    local i voters='' boot='' tls='' sasl='' copies=$brokers insync=1 ports
    read -r -a ports <<< "$(far_ports $((4 * brokers + 1)))"
    [ -z "$first" ] || ports[0]=$first
    [ "$copies" -le 3 ] || copies=3
    [ "$copies" -lt 3 ] || insync=2
    for ((i = 1; i <= brokers; i++)); do
        boot+=",127.0.0.1:${ports[2 * i - 2]}"
        voters+=",$i@127.0.0.1:${ports[2 * i - 1]}"
        tls+=",127.0.0.1:${ports[2 * (brokers + i) - 1]}"
        sasl+=",127.0.0.1:${ports[2 * (brokers + i)]}"
    done
    [ "$secure" = no ] || kafka_certificate
    for ((i = 1; i <= brokers; i++)); do
        mkdir -p "$FAR_DIR/node$i"
        kafka_properties "$i" "${ports[2 * i - 2]}" "${ports[2 * i - 1]}" "${voters#,}" \
            > "$FAR_DIR/node$i/server.properties"
        [ "$secure" = no ] || kafka_secure "${ports[2 * (brokers + i) - 1]}" "${ports[2 * (brokers + i)]}" \
            "$FAR_DIR/node$i/server.properties"
        [ ${#lines[@]} = 0 ] || printf '%s\n' "${lines[@]}" >> "$FAR_DIR/node$i/server.properties"
    done
    printf '%s\n' "brokers=$brokers" "bootstrap=${boot#,}" "connect=$connect" \
        "connect_port=${ports[2 * brokers]}" "secure=$secure" "tls=${tls#,}" "sasl=${sasl#,}" \
        > "$FAR_DIR/options"
}

kafka_certificate() { # an authority, and one certificate for all nodes
    local dir=$FAR_DIR/tls
    mkdir -p "$dir"
    (
        cd "$dir"
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=pinline test authority" \
            -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout node.key -out node.csr
        openssl x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out node.crt \
            -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
        cat node.key node.crt > node.pem
    ) > "$dir/log" 2>&1
}

kafka_secure() { # TLS_PORT SASL_PORT FILE: the lines of --secure
    local kinds=org.apache.kafka.common.security kind
    sed -i -e "/^\(advertised.\)\?listeners=/s|\$|,TLS://127.0.0.1:$1,SASL://127.0.0.1:$2|" \
        -e '/^listener.security/s/$/,TLS:SSL,SASL:SASL_SSL/' "$3"
    cat >> "$3" << END
ssl.keystore.type=PEM
ssl.keystore.location=$FAR_DIR/tls/node.pem
ssl.truststore.type=PEM
ssl.truststore.location=$FAR_DIR/tls/ca.pem
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=$kinds.plain.PlainLoginModule required user_alice="alice-secret" user_mallory="mallory-secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:alice
END
    for kind in 256 512; do
        echo "listener.name.sasl.scram-sha-$kind.sasl.jaas.config=$kinds.scram.ScramLoginModule required;" >> "$3"
    done
}

kafka_properties() { # NODE PORT CONTROLLER_PORT VOTERS
    cat << END
process.roles=broker,controller
node.id=$1
controller.quorum.voters=$4
listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3
advertised.listeners=PLAINTEXT://127.0.0.1:$2
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$FAR_DIR/node$1/data
num.partitions=1
default.replication.factor=$copies
min.insync.replicas=$insync
auto.create.topics.enable=$auto
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$insync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$insync
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
num.network.threads=2
num.io.threads=4
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=4194304
END
}

kafka_spawn() { # NODE: formats its storage the first time, then is the broker
    local dir=$FAR_DIR/node$1 scram=
    [ "$secure" = no ] || scram='--add-scram SCRAM-SHA-256=[name=alice,password=alice-scram]
        --add-scram SCRAM-SHA-512=[name=alice,password=alice-scram]'
    far_spawn "node$1" bash -c '
        dir=$1 jars=$2 scram=$3
        shift 3
        [ -e "$dir/data/meta.properties" ] || java -Xmx128m -XX:TieredStopAtLevel=1 "$@" -cp "$jars/*" \
            kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$dir/server.properties" $scram || exit 1
        exec java -Xms128m -Xmx512m "$@" -cp "$jars/*" kafka.Kafka "$dir/server.properties"' \
        kafka "$dir" "$kafka_jars" "$scram" "${kafka_java[@]}"
}

kafka_ready() { far_wait "node$1" 120 grep -q 'Kafka Server started' "$FAR_DIR/node$1.log"; }

# every broker is known to the cluster
kafka_answers() {
    [ "$(kcat -b "$bootstrap" -L -m 5 2> /dev/null | sed -n 's/^ \([0-9]*\) brokers:$/\1/p')" = "$brokers" ]
}

kafka_status() {
    local i port out=("bootstrap=$bootstrap" "brokers=$brokers")
    for ((i = 1; i <= brokers; i++)); do
        port=$(cut -d, -f$i <<< "$bootstrap")
        out+=("node$i=$port")
        ! far_alive "node$i" || out+=("node${i}_pid=$(cat "$FAR_DIR/node$i.pid")")
    done
    [ "$connect" = no ] || out+=("connect=http://127.0.0.1:$connect_port" "connect_pid=$(cat "$FAR_DIR/connect.pid")")
    [ "$secure" = no ] || out+=("tls=$tls" "sasl=$sasl" "ca=$FAR_DIR/tls/ca.pem")
    out+=("kt=$kafka_files/kt")
    far_status "${out[@]}"
}

far_start() {
    local i
    rm -rf "$FAR_DIR"/node* "$FAR_DIR/connect" "$FAR_DIR/tls" "$FAR_DIR/options"
    kafka_options ${FAR_ARGS[@]+"${FAR_ARGS[@]}"} || return 1
    kafka_plan
    . "$FAR_DIR/options"
    for ((i = 1; i <= brokers; i++)); do kafka_spawn $i; done
    for ((i = 1; i <= brokers; i++)); do kafka_ready $i || return 1; done
    far_wait node1 30 kafka_answers || return 1
    if [ "$connect" = yes ]; then
        . "$kafka_files/worker.sh"
        connect_start "$bootstrap" "$connect_port" || return 1
    fi
    kafka_status
}

far_stop() {
    local f
    for f in "$FAR_DIR"/*.pid; do # at once: none waits for the others' answer
        [ -e "$f" ] && kill "$(cat "$f")" 2> /dev/null || true
    done
    for f in "$FAR_DIR"/*.pid; do
        [ -e "$f" ] || continue
        f=${f##*/}
        far_kill "${f%.pid}"
    done
}

# One living node is a running instance: tests kill the others.
far_running() {
    local f
    [ -f "$FAR_DIR/status" ] || return 1
    for f in "$FAR_DIR"/node*.pid; do
        [ -e "$f" ] || continue
        f=${f##*/}
        ! far_alive "${f%.pid}" || return 0
    done
    return 1
}

kafka_chosen() { # the nodes of --node, one a line, all without it
    [ -f "$FAR_DIR/options" ] || {
        far_say "no Kafka was started in \"$FAR_DIR\""
        return 1
    }
    . "$FAR_DIR/options"
    chosen=$(seq 1 "$brokers")
    if [ $# -gt 0 ]; then
        if [ "$1" != --node ] || ! grep -qx -- "${2:-}" <<< "$chosen"; then
            far_say "kafka: --node is 1 to $brokers"
            return 1
        fi
        chosen=$2
    fi
}

far_verb_halt() {
    local i
    kafka_chosen "$@" || return 1
    for i in $chosen; do kill "$(cat "$FAR_DIR/node$i.pid" 2> /dev/null)" 2> /dev/null || true; done
    for i in $chosen; do far_kill "node$i" 30; done
    kafka_status
}

far_verb_restart() {
    local i started=
    kafka_chosen "$@" || return 1
    for i in $chosen; do
        far_alive "node$i" || {
            kafka_spawn "$i"
            started+=" $i"
        }
    done
    for i in $started; do kafka_ready "$i" || return 1; done
    kafka_status
    cat "$FAR_DIR/status"
}

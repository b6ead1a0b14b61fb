# worker.sh - a Kafka Connect worker, for tools/far/kafka.sh --connect and
# tools/far/connect.sh.

# connect_worker BOOTSTRAP PORT: its properties; converters as the seeds' worker
# file has them are set per connector
connect_worker() {
    cat << END
bootstrap.servers=$1
listeners=http://127.0.0.1:$2
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.storage.file.filename=$FAR_DIR/connect/offsets
offset.flush.interval.ms=1000
plugin.discovery=service_load
END
}

# connect_start BOOTSTRAP PORT [CONNECTOR.properties...]
connect_start() {
    local boot=$1 port=$2
    shift 2
    mkdir -p "$FAR_DIR/connect"
    connect_worker "$boot" "$port" > "$FAR_DIR/connect/worker.properties"
    far_spawn connect java -Xms64m -Xmx256m -XX:TieredStopAtLevel=1 "${kafka_java[@]}" -cp "$kafka_jars/*" \
        org.apache.kafka.connect.cli.ConnectStandalone "$FAR_DIR/connect/worker.properties" "$@"
    far_wait connect 120 connect_answers "$port" $# || return 1
}

# all connectors that were given have a running task
connect_answers() { # PORT NUMBER
    python3 - "$1" "$2" << 'PY'
import json
import sys
import urllib.request
url = f"http://127.0.0.1:{sys.argv[1]}/connectors?expand=status"
with urllib.request.urlopen(url, timeout=5) as answer:
    found = json.load(answer)
running = [c for c in found.values() if c["status"]["tasks"]
           and all(t["state"] == "RUNNING" for t in c["status"]["tasks"])]
sys.exit(len(running) < int(sys.argv[2]))
PY
}

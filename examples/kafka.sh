# kafka.sh - what the `run` scripts share; they set here (their folder) and,
# where they differ, config (default: pinline.yaml beside them) and topics
# before they read this file.
#
#   run [FOLDER]   where all of it goes (default: a temporary one, removed)
#   KAFKA          host:port of a Kafka that runs already; else one is started
#                  on a free port, and stopped at the end
#   ROWS           rows of each table that are posted (default 500)
#   SOURCE         where rows come from, for the examples that have a database;
#                  else the exercise's is started, filled, and read with its
#                  credentials file
root=$(cd "$here/../.." && pwd)
pinline=${PINLINE:-$root/build/pinline}
config=${config:-$here/pinline.yaml}
rows=${ROWS:-500}
temporary=
[ -n "${1:-}" ] || temporary=$(mktemp -d "${TMPDIR:-/tmp}/$(basename "$here").XXXXXX")
folder=${1:-$temporary}
mkdir -p "$folder/sink"
folder=$(cd "$folder" && pwd)
cd "$folder" # file= in the properties is relative to where Connect starts
rm -f sink/*
far=$root/tools/far-sides
words=() # what every command of pinline is told besides its configuration
server=
database= database_kind=

say() { printf '\n== %s\n' "$*"; }
kt() { "$root/tools/far/kafka/kt" "$@"; }
value() { sed -n "s/^$1=//p" <<< "$status"; } # NAME, of what a far side said

stop_api() {
    [ -n "$server" ] || return 0
    kill "$server" 2> /dev/null || true
    wait "$server" || true
    server=
}

finish() {
    stop_api
    [ -z "$database" ] || "$far" "$database_kind" stop --dir "$database"
    "$far" connect stop --dir "$folder/connect"
    [ -n "${KAFKA:-}" ] || "$far" kafka stop --dir "$folder/kafka"
    [ -z "$temporary" ] || rm -rf "$temporary"
}
trap finish EXIT

start_database() { # postgres|mariadb FILE: its credentials go into FILE; sets status
    database=$(mktemp -d)
    database_kind=$1
    status=$("$far" "$1" start --dir "$database")
    (umask 077 && sed -nE 's/^(host|port|user|password|database)=(.*)/\U\1\E: \2/p' \
        <<< "$status" > "$2")
    sed 's/^PASSWORD.*/PASSWORD: .../' "$2"
}

# The exercise's database: 11,154 rows in each of three tables.
start_source() { # postgres|mariadb FILE
    if [ -n "${SOURCE:-}" ]; then
        echo "rows come from $SOURCE"
    else
        start_database "$@"
        SOURCE=$2
        "$pinline" generate --to "$2"
    fi
    words+=(--set "source=$SOURCE")
}

start_kafka() {
    kafka=${KAFKA:-$("$far" kafka start --dir "$folder/kafka" | sed -n 's/^bootstrap=//p')}
    echo "bootstrap.servers: $kafka"
    words+=(--set "broker=kafka://$kafka")
}

make_topics() { # NAME...: those that are not there yet
    local topic
    for topic; do
        mine topics describe "$topic" > /dev/null 2>&1 || mine topics create "$topic"
    done
}

mine() { # COMMAND...: pinline with this example's configuration
    ${instead:-} "$pinline" -q -C "$config" --data "$folder/data" "${words[@]}" "$@"
}

start_connect() { # PROPERTIES...
    "$far" connect start --dir "$folder/connect" --bootstrap "$kafka" "$@"
}

start_api() { # [OPTION...]; sets url
    # in place of the subshell: its number is the one to stop
    instead=exec mine serve --listen 127.0.0.1:0 "$@" > served 2>&1 &
    server=$!
    until grep -q 'http://' served; do
        kill -0 $server 2> /dev/null || {
            cat served >&2
            exit 1
        }
        sleep 0.1
    done
    url=$(grep -o 'http://[0-9.:]*' served | head -n 1)
    echo "$url"
}

# Every reader sees the same bytes in the same order, each record once.
compare_readers() {
    local topic want i
    kt kafka-get-offsets --bootstrap-server "$kafka" > offsets
    for topic in "${topics[@]}"; do
        want=$(sed -n "s/^$topic:0://p" offsets)
        [ "$want" -gt 0 ]
        kt kafka-console-consumer --bootstrap-server "$kafka" --topic "$topic" --from-beginning \
            --max-messages "$want" > "sink/$topic.console" 2> /dev/null
        kcat -C -q -e -b "$kafka" -t "$topic" > "sink/$topic.kcat"
        for ((i = 0; i < 300; i++)); do # Connect flushes every second
            [ "$(wc -l < "sink/$topic.json")" -lt "$want" ] || break
            sleep 0.1
        done
        [ "$(wc -l < "sink/$topic.json")" = "$want" ]
        cmp "sink/$topic.console" "sink/$topic.kcat"
        cmp "sink/$topic.console" "sink/$topic.json"
        mine topics read "$topic" | cmp - "sink/$topic.json"
        echo "$topic: $want records; console consumer, kcat, pinline and Connect's file agree"
    done
}

first_rows() { # of the cleaned pins
    mine query --sql 'SELECT ind, category, follower_count, save_location FROM clean_pin ORDER BY ind LIMIT 3'
}

answer() { # FILE...: cleaning and answers of files
    "$pinline" run --data "$folder/answers" --input "$@"
}

# s3.sh - what the `run` scripts of the S3 examples share; they set here
# (their folder) before they read this file.
#
#   run [FOLDER]        where all of it goes (default: a temporary one, removed)
#   AWS_ENDPOINT_URL    an S3 server that runs already, with AWS_ACCESS_KEY_ID,
#                       AWS_SECRET_ACCESS_KEY and BUCKET; else one is started
#                       on a free port, and stopped at the end
#   ROWS                rows of each table that are posted (default 500)
root=$(cd "$here/../.." && pwd)
pinline=${PINLINE:-$root/build/pinline}
config=${config:-$here/pinline.yaml}
folder=${1:-}
[ -n "$folder" ] || temporary=$(mktemp -d)
folder=${folder:-$temporary}
mkdir -p "$folder"
rows=${ROWS:-500}
far=$root/tools/far-sides
server=
started=

say() { printf '\n== %s\n' "$*"; }

stop_api() {
    [ -n "$server" ] || return 0
    kill "$server" 2> /dev/null || true
    wait "$server" || true
    server=
}

finish() {
    stop_api
    [ -z "$started" ] || "$far" s3 stop --dir "$started"
    [ -z "${temporary:-}" ] || rm -rf "$temporary"
}
trap finish EXIT

start_s3() { # sets AWS_*, bucket, and objects (where they lie, if that can be seen)
    local status
    if [ -n "${AWS_ENDPOINT_URL:-}" ]; then
        bucket=${BUCKET:-pinline}
        return
    fi
    started=$folder/s3
    status=$("$far" s3 start --dir "$started")
    value() { sed -n "s/^$1=//p" <<< "$status"; }
    export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
    AWS_ENDPOINT_URL=$(value url)
    AWS_ACCESS_KEY_ID=$(value access_key)
    AWS_SECRET_ACCESS_KEY=$(value secret_key)
    AWS_REGION=$(value region)
    bucket=$(value bucket)
    objects=$(value folder)
    echo "$AWS_ENDPOINT_URL, bucket $bucket"
}

mine() { # COMMAND...: pinline with this example's configuration, on that bucket
    "$pinline" -q -C "$config" --data "$folder/data" \
        --set "objects.dir=s3://$bucket/$prefix" "$@"
}

start_api() { # sets url
    # not through mine(): $! is to be the program's own number
    "$pinline" -q -C "$config" --data "$folder/data" \
        --set "objects.dir=s3://$bucket/$prefix" serve --listen 127.0.0.1:0 \
        > "$folder/served" 2>&1 &
    server=$!
    for _ in $(seq 200); do
        grep -q 'http://' "$folder/served" && break
        kill -0 "$server" || {
            cat "$folder/served" >&2
            exit 1
        }
        sleep 0.1
    done
    url=$(grep -o 'http://[0-9.:]*' "$folder/served" | head -n 1)
    echo "$url"
}

list_objects() { # the first names of each topic, and how many there are
    [ -n "${objects:-}" ] || return 0
    (cd "$objects/$prefix" && find . -name '*.json*' | sed 's|^\./||' | sort) > "$folder/names"
    awk '{d = $0; sub("/[^/]*$", "", d); n[d]++; if (n[d] <= 2) print}
        END {for (d in n) print n[d], "objects in", d}' "$folder/names" | sort
}

# postgres.sh - PostgreSQL 15 on a private port of 127.0.0.1, passwords by
# SCRAM, one user with a generated password and one database.
#
#   --listen ADDRESS  also there, for whoever is in ADDRESS/24
#   --tls    also takes TLS, with a certificate of its own (status: ca=)
#   --fsync  writes to disk as a real one does (measurements; tests do not)
#
# status: url= (with the password), host=, port=, user=, password=, database=,
# bin= (where psql and its kin lie).  A server that was killed is started again
# on its data and its port by another `start`.

far_pg_bin() {
    local bin
    bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -n 1)
    [ -n "$bin" ] || bin=$(dirname "$(readlink -f "$(command -v postgres)")") \
        || return 1
    echo "$bin"
}

far_install() {
    far_pg_bin > /dev/null 2>&1 || "$root/tools/setup" test
}

# As the owner of the data: postgres refuses to run as root.  Fills far_pg_as.
far_pg_user() {
    local user
    far_pg_as=()
    if [ "$(id -u)" = 0 ]; then
        user=$(far_plain_user)
        far_pg_as=(setpriv --reuid="$user" --regid="$(id -g "$user")"
            --clear-groups env -C / HOME=/)
    fi
}

far_pg_own() {
    [ "$(id -u)" != 0 ] || chown -R "$(far_plain_user)" "$@"
}

far_pg_make() { # FSYNC TLS LISTEN: data, and what a later start must know again
    local password
    password=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
    mkdir -p "$FAR_DIR/data" "$FAR_DIR/sock"
    (umask 077 && echo "$password" > "$FAR_DIR/sock/password")
    far_pg_own "$FAR_DIR/data" "$FAR_DIR/sock"
    LC_ALL=C "${far_pg_as[@]}" "$bin/initdb" -D "$FAR_DIR/data" -U pinline \
        -E UTF8 --locale=C --no-sync --auth=scram-sha-256 \
        --pwfile="$FAR_DIR/sock/password" > "$FAR_DIR/initdb.log" 2>&1 || {
        tail -n 5 "$FAR_DIR/initdb.log" >&2
        return 1
    }
    if [ "$2" = on ]; then
        far_certificate "$FAR_DIR/data"
        far_pg_own "$FAR_DIR/data"
    fi
    [ -z "$3" ] || echo "host all all $3/24 scram-sha-256" >> "$FAR_DIR/data/pg_hba.conf"
    (umask 077 && echo "port=$(far_ports 1) password=$password fsync=$1 tls=$2 listen=$3" \
        > "$FAR_DIR/made")
}

# A server that was killed leaves its lock file; postgres takes it over unless
# the process is still in the table, which it is until somebody waits for it.
far_pg_unlock() {
    local lock=$FAR_DIR/data/postmaster.pid pid
    pid=$(head -n 1 "$lock" 2> /dev/null) || return 0
    if [ "$(sed 's/.*) \(.\).*/\1/' "/proc/$pid/stat" 2> /dev/null)" = Z ]; then
        sleep 0.5 # its children notice
        rm -f "$lock"
    fi
}

far_start() {
    local bin port password fsync=off tls=off listen= option more=()
    bin=$(far_pg_bin)
    for option in "${FAR_ARGS[@]}"; do
        if [ "$listen" = next ]; then
            listen=$option
            continue
        fi
        case $option in
        --listen) listen=next ;;
        --fsync) fsync=on ;;
        --tls) tls=on ;;
        *)
            far_say "postgres knows --listen, --tls and --fsync, not $option"
            return 1
            ;;
        esac
    done
    far_pg_user
    chmod 711 "$FAR_DIR" # the data are another user's
    [ -f "$FAR_DIR/made" ] || far_pg_make $fsync $tls "$listen" || return 1
    . "$FAR_DIR/made"
    far_pg_unlock
    [ "$tls" = off ] || more+=("ca=$FAR_DIR/ca.crt")
    far_spawn postgres "${far_pg_as[@]}" "$bin/postgres" -D "$FAR_DIR/data" \
        -p "$port" -k "$FAR_DIR/sock" \
        -c "listen_addresses=127.0.0.1${listen:+,$listen}" \
        -c "fsync=$fsync" -c "ssl=$tls" -c shared_buffers=128MB \
        -c max_wal_size=2GB
    far_wait postgres 60 "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" || return 1
    far_pg_database || return 1
    far_status "url=postgres://pinline:$password@127.0.0.1:$port/pinterest_data" \
        host=127.0.0.1 "port=$port" user=pinline "password=$password" \
        database=pinterest_data "bin=$bin" "${more[@]}"
}

far_pg_database() {
    local ask=("$bin/psql" -qAtX -h 127.0.0.1 -p "$port" -U pinline -d postgres -c)
    export PGPASSWORD=$password
    [ -n "$("${ask[@]}" "SELECT 1 FROM pg_database WHERE datname = 'pinterest_data'")" ] \
        || "${ask[@]}" 'CREATE DATABASE pinterest_data' >&2
}

# Fast, not smart: sessions of tests that are gone are not waited for.
far_stop() {
    local pid
    pid=$(cat "$FAR_DIR/postgres.pid" 2> /dev/null) && kill -INT "$pid" 2> /dev/null || true
    far_kill postgres 10
}

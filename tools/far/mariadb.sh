# mariadb.sh - MariaDB on a private port of 127.0.0.1 (server core: no service,
# no system tables touched), one user with a generated password and one
# database in utf8mb4.
#
#   --tls    also takes TLS, with a certificate of its own (status: ca=)
#
# status: url= (with the password), host=, port=, user=, password=, database=,
# socket= (its root needs no password)

far_install() {
    command -v mariadb > /dev/null && [ -x /usr/sbin/mariadbd ] \
        && command -v mariadb-install-db > /dev/null || "$root/tools/setup" test
}

far_start() {
    local port password user tls=() more=()
    case ${FAR_ARGS[*]} in
    '') ;;
    --tls)
        tls=("--ssl-cert=$FAR_DIR/data/server.crt" "--ssl-key=$FAR_DIR/data/server.key")
        more=("ca=$FAR_DIR/ca.crt")
        ;;
    *)
        far_say "mariadb knows --tls, not ${FAR_ARGS[*]}"
        return 1
        ;;
    esac
    user=$(far_plain_user)
    port=$(far_ports 1)
    password=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
    mkdir -p "$FAR_DIR/data" "$FAR_DIR/sock"
    chmod 711 "$FAR_DIR"
    [ "$(id -u)" != 0 ] || chown "$user" "$FAR_DIR/data" "$FAR_DIR/sock"
    mariadb-install-db --no-defaults --datadir="$FAR_DIR/data" --user="$user" \
        --auth-root-authentication-method=normal --skip-test-db \
        > "$FAR_DIR/install.log" 2>&1 || {
        tail -n 5 "$FAR_DIR/install.log" >&2
        return 1
    }
    if [ ${#tls[@]} != 0 ]; then
        far_certificate "$FAR_DIR/data"
        [ "$(id -u)" != 0 ] || chown "$user" "$FAR_DIR/data"/server.*
    fi
    far_spawn mariadb /usr/sbin/mariadbd --no-defaults \
        --datadir="$FAR_DIR/data" --user="$user" --socket="$FAR_DIR/sock/sock" \
        --bind-address=127.0.0.1 --port="$port" --pid-file="$FAR_DIR/sock/pid" \
        --character-set-server=utf8mb4 --innodb-buffer-pool-size=128M \
        --innodb-flush-log-at-trx-commit=2 --skip-log-bin --local-infile=1 \
        "${tls[@]}"
    far_wait mariadb 60 mariadb --no-defaults -S "$FAR_DIR/sock/sock" -u root \
        -e 'SELECT 1' || return 1
    mariadb --no-defaults -S "$FAR_DIR/sock/sock" -u root -e "
        CREATE DATABASE pinterest_data CHARACTER SET utf8mb4;
        CREATE USER pinline@'%' IDENTIFIED BY '$password';
        GRANT ALL ON *.* TO pinline@'%' WITH GRANT OPTION" || return 1
    far_status "url=mysql://pinline:$password@127.0.0.1:$port/pinterest_data" \
        host=127.0.0.1 "port=$port" user=pinline "password=$password" \
        database=pinterest_data "socket=$FAR_DIR/sock/sock" "${more[@]}"
}

far_stop() { far_kill mariadb 15; }

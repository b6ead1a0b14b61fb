# airflow.sh - Apache Airflow 3 with the Databricks and HTTP providers.
#
# `start` installs (once, 60 s) and makes a home folder with a database of its
# own, no server; tests run `airflow dags test` in it.
#   serve   behind `start`: API server, scheduler with its workers, and DAG
#           processor, in the environment of this call (connections, say)
# status: airflow= (the program), python=, home= (AIRFLOW_HOME; DAGs go to
# home/dags); with serve also url= and scheduler= (its process).
airflow_venv=$FAR_CACHE/venv/airflow

far_install() {
    "$root/tools/venv" "$FAR_CACHE" airflow "$root/tools/far/airflow/requirements.txt"
}

far_start() {
    local home=$FAR_DIR/home
    mkdir -p "$home/dags"
    AIRFLOW_HOME=$home AIRFLOW__CORE__LOAD_EXAMPLES=False \
        "$airflow_venv/bin/airflow" db migrate > "$FAR_DIR/migrate.log" 2>&1 || {
        tail -n 20 "$FAR_DIR/migrate.log" >&2
        return 1
    }
    far_status "airflow=$airflow_venv/bin/airflow" \
        "python=$airflow_venv/bin/python" "home=$home"
}

airflow_server() { # NAME WORD...: one of its programs, with settings that all share
    local id=$1
    shift
    far_spawn "$id" env AIRFLOW_HOME="$FAR_DIR/home" AIRFLOW__CORE__LOAD_EXAMPLES=False \
        AIRFLOW__CORE__DAGS_FOLDER="$FAR_DIR/home/dags" AIRFLOW__CORE__PARALLELISM=4 \
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS=True \
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL="$url/execution/" \
        AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION=False \
        AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__PORT="${url##*:}" AIRFLOW__API__WORKERS=1 \
        AIRFLOW__API__BASE_URL="$url" AIRFLOW__API_AUTH__JWT_SECRET="$secret" \
        AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT="$2" AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT="$1" \
        AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC=2 \
        AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT=12 \
        AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL=3 \
        "$airflow_venv/bin/airflow" "${@:3}"
}

far_verb_serve() {
    local port logs triggers url secret
    read -r port logs triggers <<< "$(far_ports 3)"
    url=http://127.0.0.1:$port
    secret=$(head -c 32 /dev/urandom | base64)
    airflow_server api "$logs" "$triggers" api-server
    airflow_server scheduler "$logs" "$triggers" scheduler
    airflow_server dags "$logs" "$triggers" dag-processor
    far_wait api 180 far_port_open "$port" || return 1
    far_status "airflow=$airflow_venv/bin/airflow" \
        "python=$airflow_venv/bin/python" "home=$FAR_DIR/home" "url=$url" \
        "scheduler=$(cat "$FAR_DIR/scheduler.pid")"
    cat "$FAR_DIR/status"
}

far_stop() {
    local id
    for id in scheduler dags api; do
        far_kill "$id"
    done
}

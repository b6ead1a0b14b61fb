# airflow.sh - Apache Airflow 3 with the Databricks and HTTP providers.
#
# No server: `start` installs (once, 60 s) and makes a home folder with a
# database of its own; tests run `airflow dags test` in it.  status: airflow=
# (the program), python=, home= (AIRFLOW_HOME; DAGs go to home/dags).
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

far_stop() { :; }

# airflow.sh - Apache Airflow 3 for the examples that are driven by it once a
# day, read behind kafka.sh.  No server: Airflow runs a DAG and ends.
#
#   AIRFLOW   folder of a `tools/far-sides airflow start --dir FOLDER`; else one
#             is made below the example's own folder

start_airflow() { # sets airflow (the program), AIRFLOW_HOME
    status=$("$far" airflow start --dir "${AIRFLOW:-$folder/airflow}")
    airflow=$(value airflow)
    export AIRFLOW_HOME AIRFLOW__CORE__LOAD_EXAMPLES=False
    AIRFLOW_HOME=$(value home)
    export AIRFLOW__CORE__DAGS_FOLDER=$AIRFLOW_HOME/dags
}

# Write the project's schedule as a DAG and run it as Airflow would tonight: for
# the interval that holds today.
daily_dag() { # NAME OPTION...: options for `pinline schedule airflow`
    local name=$1 tomorrow
    shift
    tomorrow=$(date -u -d tomorrow +%F)
    mine schedule airflow --set "schedule.name=$name" --set schedule.start=2026-01-01 \
        -o "$AIRFLOW__CORE__DAGS_FOLDER/$name.py" "$@"
    grep -nE 'task_id=|schedule=| >> ' "$AIRFLOW__CORE__DAGS_FOLDER/$name.py"
    "$airflow" dags test "$name" "$tomorrow" > "$folder/$name.log" 2>&1 || {
        tail -n 40 "$folder/$name.log" >&2
        return 1
    }
    echo "DAG $name has run: its log is $folder/$name.log"
}

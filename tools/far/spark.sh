# spark.sh - Apache Spark with Delta Lake: Spark from PyPI, Delta's jars by Maven.
#
#   start             only installs (the first time: minutes, 530 MB)
#         --cluster   a standalone master and two workers on this machine, with
#                     the REST submission port
#   relist            write jars.sha256 anew after a change of pom.xml
#
# status: home= (SPARK_HOME), jars= (for --jars), conf= (words for spark-sql and
# spark-submit that switch Delta on); with --cluster also master= (spark://...),
# rest= (http://... for /v1/submissions) and ui= (http://.../json/).
# One folder per process that makes tables: Spark leaves metastore_db in it.
spark_files=$root/tools/far/spark
spark_jars=$FAR_CACHE/spark/jars
spark_venv=${FAR_CACHE%/far}/venv/spark

spark_fetch() { # into DIR
    command -v mvn > /dev/null || {
        far_say "Delta's jars are fetched with Maven, and there is no mvn here; run tools/setup test"
        return 1
    }
    mvn -B -ntp -q -f "$spark_files/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
        -DincludeGroupIds=io.delta,io.unitycatalog "-DoutputDirectory=$1" > "$1.log" 2>&1 || {
        tail -n 5 "$1.log" >&2
        far_say "could not fetch Delta's jars with mvn (the end of its output is above)"
        return 1
    }
}

spark_listed() { # DIR holds exactly the listed jars
    (cd "$1" 2> /dev/null && sha256sum -c --quiet --strict "$spark_files/jars.sha256" > /dev/null 2>&1)
}

far_install() {
    local new=$FAR_CACHE/spark/new
    command -v java > /dev/null || "$root/tools/setup" test
    "$root/tools/venv" "${FAR_CACHE%/far}" spark "$spark_files/requirements.txt"
    spark_listed "$spark_jars" && return 0
    far_say "fetching Delta Lake with Maven (14 MB)"
    rm -rf "$new"
    mkdir -p "$new"
    spark_fetch "$new"
    spark_listed "$new" || {
        far_say "the jars that Maven brought are not those of tools/far/spark/jars.sha256"
        return 1
    }
    rm -rf "$spark_jars"
    mv "$new" "$spark_jars"
}

far_verb_relist() {
    rm -rf "$FAR_CACHE/spark/new"
    mkdir -p "$FAR_CACHE/spark/new"
    spark_fetch "$FAR_CACHE/spark/new"
    (cd "$FAR_CACHE/spark/new" && sha256sum *.jar) > "$spark_files/jars.sha256"
}

spark_home() { echo "$spark_venv"/lib/python3.*/site-packages/pyspark; }

spark_daemon() { # NAME CLASS ARGUMENT...
    local id=$1
    shift
    far_spawn "$id" env SPARK_HOME="$(spark_home)" SPARK_LOCAL_IP=127.0.0.1 \
        SPARK_NO_DAEMONIZE=1 SPARK_DAEMON_MEMORY=512m \
        "SPARK_MASTER_OPTS=-Dspark.master.rest.enabled=true -Dspark.master.rest.port=$rest -Dspark.master.rest.host=127.0.0.1" \
        "$(spark_home)/bin/spark-class" "$@"
}

spark_cluster() {
    local port rest ui wui id
    read -r port rest ui <<< "$(far_ports 3)"
    spark_daemon master org.apache.spark.deploy.master.Master --host 127.0.0.1 \
        --port "$port" --webui-port "$ui"
    far_wait master 120 grep -q 'I have been elected leader' "$FAR_DIR/master.log" || return 1
    for id in worker1 worker2; do
        wui=$(far_ports 1)
        spark_daemon "$id" org.apache.spark.deploy.worker.Worker --host 127.0.0.1 \
            --webui-port "$wui" --cores 2 --memory 2g --work-dir "$FAR_DIR/work/$id" "spark://127.0.0.1:$port"
    done
    for id in worker1 worker2; do
        far_wait "$id" 120 grep -q 'Successfully registered with master' "$FAR_DIR/$id.log" || return 1
    done
    cluster=("master=spark://127.0.0.1:$port" "rest=http://127.0.0.1:$rest" "ui=http://127.0.0.1:$ui")
}

far_start() {
    local cluster=() jars
    jars=$(printf '%s,' "$spark_jars"/*.jar)
    if [[ " ${FAR_ARGS[*]-} " == *" --cluster "* ]]; then
        spark_cluster || return 1
    fi
    far_status "home=$(spark_home)" "jars=${jars%,}" \
        "conf=--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog" \
        "${cluster[@]}"
}

far_stop() {
    far_kill worker1
    far_kill worker2
    far_kill master
}

# spark.sh - Apache Spark with Delta Lake: Spark from PyPI, Delta's jars by Maven.
#
#   start             only installs (the first time: minutes, 530 MB)
#         --cluster   a standalone master and two workers on this machine, with
#                     the REST submission port
#         --more      the jars for Kafka, Postgres and S3 too (21 MB)
#         --notebook  a Python that executes notebooks (nbconvert)
#         --version 3.5   that one with its Delta instead of 4.2; no --more
#   relist            write jars.sha256 and more.sha256 anew after a change of
#                     pom.xml or more.xml; with --version 3.5 that one's
#
# status: home= (SPARK_HOME), jars= and more= (for --jars), notebook= (that
# Python), conf= (words for spark-sql and
# spark-submit that switch Delta on); with --cluster also master= (spark://...),
# rest= (http://... for /v1/submissions) and ui= (http://.../json/).
# One folder per process that makes tables: Spark leaves metastore_db in it.
spark_asked() { [[ " ${FAR_ARGS[*]-} " == *" $1 "* ]]; }

spark_files=$root/tools/far/spark
spark_jars=$FAR_CACHE/spark/jars
spark_more=$FAR_CACHE/spark/more
spark_name=spark
if spark_asked "--version 3.5"; then
    spark_files=$spark_files/3.5
    spark_jars=$spark_jars-3.5
    spark_name=spark-3.5
elif spark_asked --version; then
    far_say "of Spark there are 4.2 and --version 3.5 here"
    exit 2
fi
spark_venv=${FAR_CACHE%/far}/venv/$spark_name

spark_fetch() { # POM DIR [ARGUMENT...]: what it depends on, into DIR
    local pom=$1 dir=$2
    shift 2
    command -v mvn > /dev/null || {
        far_say "jars are fetched with Maven, and there is no mvn here; run tools/setup test"
        return 1
    }
    mvn -B -ntp -q -f "$spark_files/$pom" dependency:copy-dependencies -DincludeScope=runtime \
        "-DoutputDirectory=$dir" "$@" > "$dir.log" 2>&1 || {
        tail -n 5 "$dir.log" >&2
        far_say "could not fetch jars with mvn (the end of its output is above)"
        return 1
    }
    # what Spark brings in versions of its own
    rm -f "$dir"/netty-[bchrt]* "$dir"/slf4j-* "$dir"/httpc* "$dir"/commons-[cl]*
}

spark_delta_only=(-DincludeGroupIds=io.delta,io.unitycatalog)

spark_listed() { # DIR LIST: it holds exactly the listed jars
    (cd "$1" 2> /dev/null && sha256sum -c --quiet --strict "$spark_files/$2" > /dev/null 2>&1)
}

spark_set() { # DIR LIST POM [ARGUMENT...]
    local dir=$1 list=$2 pom=$3 new=$FAR_CACHE/spark/new
    shift 3
    spark_listed "$dir" "$list" && return 0
    far_say "fetching jars with Maven ($pom)"
    rm -rf "$new"
    mkdir -p "$new"
    spark_fetch "$pom" "$new" "$@"
    spark_listed "$new" "$list" || {
        far_say "the jars that Maven brought are not those of tools/far/spark/$list"
        return 1
    }
    rm -rf "$dir"
    mv "$new" "$dir"
}

far_install() {
    command -v java > /dev/null || "$root/tools/setup" test
    "$root/tools/venv" "${FAR_CACHE%/far}" "$spark_name" "$spark_files/requirements.txt"
    spark_set "$spark_jars" jars.sha256 pom.xml "${spark_delta_only[@]}" || return 1
    if spark_asked --more; then
        [ -f "$spark_files/more.xml" ] || {
            far_say "--more is for Spark 4.2"
            return 1
        }
        spark_set "$spark_more" more.sha256 more.xml || return 1
    fi
    if spark_asked --notebook; then
        "$root/tools/venv" "${FAR_CACHE%/far}" notebook "$root/tools/far/spark/notebook.txt"
    fi
}

spark_relist() { # LIST POM [ARGUMENT...]
    local list=$1 new=$FAR_CACHE/spark/new
    shift
    rm -rf "$new"
    mkdir -p "$new"
    spark_fetch "$1" "$new" "${@:2}"
    (cd "$new" && sha256sum *.jar) > "$spark_files/$list"
}

far_verb_relist() {
    spark_relist jars.sha256 pom.xml "${spark_delta_only[@]}"
    [ ! -f "$spark_files/more.xml" ] || spark_relist more.sha256 more.xml
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
    local cluster=() jars more=
    jars=$(printf '%s,' "$spark_jars"/*.jar)
    if spark_asked --more; then
        more=$(printf '%s,' "$spark_more"/*.jar)
    fi
    if spark_asked --cluster; then
        spark_cluster || return 1
    fi
    far_status "home=$(spark_home)" "jars=${jars%,}" "more=${more%,}" \
        "notebook=${FAR_CACHE%/far}/venv/notebook/bin/python" \
        "conf=--conf spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension --conf spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog" \
        "${cluster[@]}"
}

far_stop() {
    far_kill worker1
    far_kill worker2
    far_kill master
}

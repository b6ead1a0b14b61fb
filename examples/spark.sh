# spark.sh - Apache Spark for the examples that have it, read behind kafka.sh.
# No server: Spark runs a script on this machine and ends.

start_spark() { # [--more]: jars for Kafka and Postgres too; sets SPARK_HOME
    export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1 PYSPARK_PYTHON
    status=$("$far" spark start --dir "$folder/spark" "$@")
    SPARK_HOME=$(value home)
    spark_jars=$(printf '%s,%s' "$(value jars)" "$(value more)" | sed 's/,$//')
    PYSPARK_PYTHON=$(cd "$SPARK_HOME/../../../.." && pwd)/bin/python
}

# Spark reads and writes the bucket of s3.sh as s3a://, with the credentials of the
# environment; behind start_s3 and start_spark --more.  The classic stream, since the
# other one takes a library more.
spark_sees_s3() {
    export SPARK_CONF_DIR=$folder/spark-conf
    mkdir -p "$SPARK_CONF_DIR"
    cat > "$SPARK_CONF_DIR/spark-defaults.conf" << END
spark.jars $spark_jars
spark.driver.memory 1g
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1
spark.sql.shuffle.partitions 2
spark.hadoop.fs.s3a.endpoint $AWS_ENDPOINT_URL
spark.hadoop.fs.s3a.endpoint.region ${AWS_REGION:-us-east-1}
spark.hadoop.fs.s3a.path.style.access true
spark.hadoop.fs.s3a.input.stream.type classic
END
}

on_spark() { # sql|submit FILE OPTION...: a script of Spark SQL, or a program
    local how=$1 file=$2
    shift 2
    mkdir -p "$folder/spark-work" # tables without a path go where it is started
    (cd "$folder/spark-work" &&
        "$SPARK_HOME/bin/spark-$how" --master 'local[2]' --driver-memory 1g \
            --driver-java-options -XX:TieredStopAtLevel=1 --jars "$spark_jars" \
            --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 \
            --conf spark.sql.catalogImplementation=in-memory \
            $([ "$how" = submit ] || echo -f) "$file" "$@") \
        > "$folder/spark.out" 2> "$folder/spark.log" || {
        tail -n 30 "$folder/spark.log" >&2
        return 1
    }
}

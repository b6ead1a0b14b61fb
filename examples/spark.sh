# spark.sh - Apache Spark for the examples that have it, read behind kafka.sh.
# No server: Spark runs a script on this machine and ends.

start_spark() { # sets SPARK_HOME
    export SPARK_HOME SPARK_LOCAL_IP=127.0.0.1
    status=$("$far" spark start --dir "$folder/spark")
    SPARK_HOME=$(value home)
}

on_spark() { # FILE: a script of Spark SQL
    mkdir -p "$folder/spark-work" # tables without a path go where it is started
    (cd "$folder/spark-work" &&
        "$SPARK_HOME/bin/spark-sql" --master 'local[2]' --driver-memory 1g \
            --driver-java-options -XX:TieredStopAtLevel=1 \
            --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 \
            --conf spark.sql.catalogImplementation=in-memory -f "$1") \
        > "$folder/spark.out" 2> "$folder/spark.log" || {
        tail -n 30 "$folder/spark.log" >&2
        return 1
    }
}

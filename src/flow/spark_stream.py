#!/usr/bin/env python3
"""Records into cleaned tables, as they come: Spark Structured Streaming, made
by `pinline sql --dialect spark --stream`.

    spark-submit job.py --checkpoints DIR [--from SOURCE] [--to SINK] [--once]

SOURCE: kafka://HOST:PORT,HOST:PORT (a topic of each table's name, PREFIXNAME
with --prefix, another with --topic NAME=TOPIC), or a folder of JSON Lines with
{table} in its path.
SINK: a folder or URL for Delta tables, or postgres://USER@HOST:PORT/DB, with the
password in PGPASSWORD.

Packages: Kafka needs org.apache.spark:spark-sql-kafka-0-10, Delta io.delta:
delta-spark with its extension, Postgres org.postgresql:postgresql.

Exactly once: a batch of the checkpoint is written with its number, and a number
that is in the table already is not written again (Delta: txn; Postgres: a row
of pinline_spark_batches in the same transaction).
"""
import argparse
import os
import urllib.parse

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

TABLES = {}


def stream_of(spark, args, table):
    """The records, as JSON."""
    if args.source.startswith("kafka://"):
        rows = (spark.readStream.format("kafka")
                .option("kafka.bootstrap.servers", args.source[len("kafka://"):])
                .option("subscribe", args.topics.get(table, args.prefix + table))
                .option("startingOffsets", "earliest")
                .option("failOnDataLoss", "true"))
        if args.batch:
            rows = rows.option("maxOffsetsPerTrigger", args.batch)
        return rows.load().select(F.col("value").cast("string").alias("record"))
    rows = spark.readStream.format("text").option("recursiveFileLookup", "true")
    if args.files:
        rows = rows.option("maxFilesPerTrigger", args.files)
    # the folder, since a stream cannot begin with a file
    return rows.load(args.source.replace("{table}", table)).withColumnRenamed(
        "value", "record")


class Delta:
    """Tables in a folder, with the batch's number in the log."""

    def __init__(self, spark, folder):
        self.spark = spark
        self.folder = folder.rstrip("/")

    def there(self, table):
        path = f"{self.folder}/{table}"
        # asked of Delta itself: its Python package may not be there
        tables = self.spark._jvm.io.delta.tables.DeltaTable
        if not tables.isDeltaTable(self.spark._jsparkSession, path):
            return None
        return self.spark.read.format("delta").load(path)

    def has(self, table, batch):
        return False  # txnVersion says so

    def write(self, table, rows, batch):
        (rows.write.format("delta").mode("append")
         .option("txnAppId", f"pinline-spark:{table}")
         .option("txnVersion", batch).save(f"{self.folder}/{table}"))


class Postgres:
    """Tables clean_NAME, with the batch's number in the same transaction."""

    def __init__(self, spark, url):
        u = urllib.parse.urlparse(url)
        self.spark = spark
        self.url = (f"jdbc:postgresql://{u.hostname or '127.0.0.1'}:"
                    f"{u.port or 5432}{u.path}")
        self.user = {"user": urllib.parse.unquote(u.username or ""),
                     "password": urllib.parse.unquote(
                         u.password or os.environ.get("PGPASSWORD", ""))}
        self.run(["CREATE TABLE IF NOT EXISTS pinline_spark_batches "
                  "(name text PRIMARY KEY, batch bigint NOT NULL)"])

    def run(self, statements):
        """All or nothing; the rows that the last one changed."""
        jvm = self.spark._jvm
        # with the loader that knows --jars, which Class.forName() does not
        jvm.org.apache.spark.sql.execution.datasources.jdbc.DriverRegistry.register(
            "org.postgresql.Driver")
        c = jvm.java.sql.DriverManager.getConnection(
            self.url, self.user["user"], self.user["password"])
        try:
            c.setAutoCommit(False)
            changed = [c.createStatement().executeUpdate(s) for s in statements]
            c.commit()
            return changed[-1]
        finally:
            c.close()

    def query(self, sql):
        return (self.spark.read.format("jdbc").option("url", self.url)
                .options(**self.user).option("driver", "org.postgresql.Driver")
                .option("query", sql).load())

    def there(self, table):
        known = self.query("SELECT 1 AS n FROM pg_class WHERE oid = "
                           f"to_regclass('clean_{table}')").count()
        return self.query(f"SELECT * FROM clean_{table}") if known else None

    def has(self, table, batch):
        return self.query("SELECT batch FROM pinline_spark_batches WHERE name = "
                          f"'{table}' AND batch >= {batch}").count() > 0

    def write(self, table, rows, batch):
        new = f"pinline_spark_new_{table}"
        (rows.write.format("jdbc").mode("overwrite").option("url", self.url)
         .options(**self.user).option("driver", "org.postgresql.Driver")
         .option("dbtable", new).save())
        self.run([
            f"CREATE TABLE IF NOT EXISTS clean_{table} (LIKE {new})",
            f"INSERT INTO clean_{table} SELECT * FROM {new}",
            f"INSERT INTO pinline_spark_batches VALUES ('{table}', {batch}) "
            "ON CONFLICT (name) DO UPDATE SET batch = excluded.batch",
            f"DROP TABLE {new}"])


def only_new(rows, there):
    """Without the rows that the table holds; NULL equals NULL."""
    same = F.lit(True)
    for name in rows.columns:
        same = same & rows[name].eqNullSafe(there[name])
    return rows.join(there, same, "left_anti")


def writer(sink, table, dedup, query):
    def take(batch, number):
        if sink.has(table, number):
            return
        spark = batch.sparkSession
        # equal rows or none are taken out, so any order will do
        batch.withColumn("pos", F.monotonically_increasing_id()) \
            .createOrReplaceTempView("decoded")
        rows = spark.sql(query)
        there = sink.there(table) if dedup == "row" else None
        sink.write(table, rows if there is None else only_new(rows, there), number)
    return take


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", dest="source", default=SOURCE)
    parser.add_argument("--to", dest="sink", default=SINK)
    parser.add_argument("--checkpoints", required=True)
    parser.add_argument("--prefix", default="", help="of topics' names")
    parser.add_argument("--topic", dest="topics", action="append", default=[],
                        metavar="TABLE=TOPIC", help="where a table's records are")
    parser.add_argument("--once", action="store_true",
                        help="take what is there, then end")
    parser.add_argument("--trigger", default="10 seconds")
    parser.add_argument("--batch", type=int, help="records of a Kafka batch")
    parser.add_argument("--files", type=int, help="files of a batch")
    args = parser.parse_args()
    args.topics = dict(t.split("=", 1) for t in args.topics)
    spark = SparkSession.builder.appName("pinline-stream").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    for name, value in SETTINGS.items():
        spark.conf.set(name, value)
    sink = (Postgres if args.sink.startswith("postgres") else Delta)(spark, args.sink)
    when = {"availableNow": True} if args.once else {"processingTime": args.trigger}
    queries = [
        stream_of(spark, args, table).writeStream.queryName(table)
        .foreachBatch(writer(sink, table, dedup, query))
        .option("checkpointLocation", f"{args.checkpoints.rstrip('/')}/{table}")
        .trigger(**when).start()
        for table, (dedup, query) in TABLES.items()]
    if args.once:
        for query in queries:
            query.awaitTermination()
    else:
        spark.streams.awaitAnyTermination()


if __name__ == "__main__":
    main()

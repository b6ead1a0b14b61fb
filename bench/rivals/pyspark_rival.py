#!/usr/bin/env python3
"""The batch in PySpark, local[2]: declared schema, cached cleaned tables."""
import os
import sys

from answers import AGE_GROUP, ANSWERS, QUALITY, quality_rows
from rival import Rival

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
from pyspark import StorageLevel
from pyspark.sql import SparkSession

r = Rival()
spark = (SparkSession.builder.master(f"local[{r.args.threads}]")
         .config("spark.sql.shuffle.partitions", r.args.threads * 2)
         .config("spark.driver.memory", "6g").config("spark.ui.enabled", "false")
         .config("spark.sql.session.timeZone", "UTC")
         .config("spark.sql.ansi.enabled", "false")
         .config("spark.sql.legacy.timeParserPolicy", "CORRECTED")
         .config("spark.sql.warehouse.dir", os.path.join(r.args.out, "warehouse"))
         .getOrCreate())
spark.sparkContext.setLogLevel("OFF")
spark.sql("SELECT 1").collect()


def text(column, *sentinels):
    words = ", ".join(f"'{s}'" for s in ("",) + sentinels)
    return f"CASE WHEN trim({column}) IN ({words}) THEN NULL ELSE {column} END"


def time_of(column):
    t = f"trim({column})"
    return (f"CASE WHEN {t} LIKE '____-__-__%' THEN CAST({t} AS TIMESTAMP) "
            f"WHEN {t} LIKE '__/__/____, %' THEN "
            f"to_timestamp({t}, 'MM/dd/yyyy, HH:mm:ss') "
            f"WHEN {t} LIKE '____:__:__ %' THEN "
            f"to_timestamp({t}, 'yyyy:MM:dd HH:mm:ss') END")


NUMBER = r"^([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\\.[0-9]+)? *([kKmMbB]?)$"
f = "trim(follower_count)"
FOLLOWERS = f"""CASE WHEN {f} RLIKE '{NUMBER}' THEN CAST(floor(
 CAST(concat(replace(regexp_extract({f}, '{NUMBER}', 1), ',', ''),
   regexp_extract({f}, '{NUMBER}', 2)) AS DECIMAL(28, 9))
 * CASE lower(regexp_extract({f}, '{NUMBER}', 3)) WHEN 'k' THEN 1000
   WHEN 'm' THEN 1000000 WHEN 'b' THEN 1000000000 ELSE 1 END) AS INT) END"""

SCHEMAS = {
    "pin": "`index` INT, unique_id STRING, title STRING, description STRING, "
           "poster_name STRING, follower_count STRING, tag_list STRING, "
           "is_image_or_video STRING, image_src STRING, downloaded INT, "
           "save_location STRING, category STRING",
    "geo": "ind INT, `timestamp` STRING, latitude DOUBLE, longitude DOUBLE, "
           "country STRING",
    "user": "ind INT, first_name STRING, last_name STRING, age INT, "
            "date_joined STRING",
}
CLEAN = {
    "pin": f"""SELECT DISTINCT `index` AS ind, {text('unique_id')} AS unique_id,
 {text('title', 'No Title Data Available')} AS title,
 {text('description', 'No description available Story format',
       'No description available')} AS description,
 {FOLLOWERS} AS follower_count,
 {text('poster_name', 'User Info Error')} AS poster_name,
 {text('tag_list', 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e', 'No Tags Available')}
   AS tag_list,
 {text('is_image_or_video')} AS is_image_or_video,
 {text('image_src', 'Image src error.', 'Image src error')} AS image_src,
 regexp_replace({text('save_location')}, '^Local save in ?', '') AS save_location,
 {text('category')} AS category FROM raw_pin WHERE `index` IS NOT NULL""",
    "geo": f"""SELECT DISTINCT ind, {text('country')} AS country,
 CASE WHEN latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180
   THEN array(latitude, longitude) END AS coordinates,
 {time_of('`timestamp`')} AS `timestamp` FROM raw_geo WHERE ind IS NOT NULL""",
    "user": f"""SELECT DISTINCT ind, concat({text('first_name')}, ' ',
 {text('last_name')}) AS user_name,
 CASE WHEN age BETWEEN 0 AND 150 THEN age END AS age,
 {time_of('date_joined')} AS date_joined FROM raw_user WHERE ind IS NOT NULL""",
}

r.start()
for name, schema in SCHEMAS.items():
    spark.read.schema(schema).json(r.file(name + ".jsonl")) \
        .createOrReplaceTempView(f"raw_{name}")
    frame = spark.sql(CLEAN[name])
    if r.args.job == "parquet":
        frame.write.option("compression", "zstd").parquet(r.parquet(name))
        frame = spark.read.parquet(r.parquet(name))
    else:
        frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        r.rows[name] = frame.count()
    frame.createOrReplaceTempView("usr" if name == "user" else name)
r.mark("clean")

if r.args.job != "clean":
    views = {
        "u": f"SELECT ind, {AGE_GROUP} AS age_group, "
             "year(date_joined) AS join_year FROM usr",
        "p": "SELECT ind, category, follower_count, poster_name FROM pin",
        "pg": "SELECT p.*, country, year(`timestamp`) AS post_year, "
              "date_format(`timestamp`, 'yyyy-MM') AS month FROM p JOIN geo "
              "USING (ind)",
        "pu": "SELECT category, follower_count, age_group, join_year FROM p "
              "JOIN u USING (ind)",
        "pgu": "SELECT * FROM pg JOIN u USING (ind)",
    }
    for name, sql in views.items():
        frame = spark.sql(sql)
        if name in ("pg", "pu"):
            frame = frame.persist(StorageLevel.MEMORY_AND_DISK)
        frame.createOrReplaceTempView(name)
    for key, (names, sql) in ANSWERS.items():
        rows = spark.sql(f"SELECT {', '.join(names)} FROM ({sql}) q").collect()
        r.answers[key] = [row.asDict() for row in rows]
    r.answers["15"] = []
    for name, columns in QUALITY.items():
        view = "usr" if name == "user" else name
        counts = ", ".join(f"count(`{c}`)" for c in columns)
        r.answers["15"] += quality_rows(name, spark.sql(
            f"SELECT count(*), {counts} FROM {view}").collect()[0])
    r.mark("answers")
r.finish()
for name in SCHEMAS:
    view = "usr" if name == "user" else name
    r.rows[name] = spark.table(view).count()
r.report()
spark.stop()

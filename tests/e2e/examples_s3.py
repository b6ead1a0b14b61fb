#!/usr/bin/env python3
"""The S3 examples' scripts, on one S3 server; boto3 looks at what they leave."""
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile

import far
import lake
from told import check, finish



def objects(s3, prefix):
    import boto3
    c = boto3.client("s3", endpoint_url=s3["url"], region_name=s3["region"],
                     aws_access_key_id=s3["access_key"],
                     aws_secret_access_key=s3["secret_key"])
    found = {}
    for page in c.get_paginator("list_objects_v2").paginate(Bucket=s3["bucket"],
                                                            Prefix=prefix):
        for o in page.get("Contents", []):
            data = c.get_object(Bucket=s3["bucket"], Key=o["Key"])["Body"].read()
            found[o["Key"]] = gzip.decompress(data) if o["Key"].endswith(".gz") else data
    return found


def rows_of(found, folder):
    """Sorted rows of the Parquet files among objects."""
    import duckdb
    os.makedirs(folder)
    for i, name in enumerate(n for n in found if n.endswith(".parquet")):
        with open(os.path.join(folder, f"{i}.parquet"), "wb") as f:
            f.write(found[name])
    return sorted(map(repr, duckdb.sql(
        f"SELECT * FROM read_parquet('{folder}/*.parquet')").fetchall()))


def in_kafka(kafka, *topics):
    """200 messages in each topic."""
    out = subprocess.run([kafka["kt"], "kafka-get-offsets", "--bootstrap-server",
                          kafka["bootstrap"]], capture_output=True, text=True, check=True).stdout
    check({f"{t}:0:200" for t in topics} <= set(out.split()), f"Kafka has the rows of {topics[0]}")


def example(s3, kafka, folder, script, **more):
    env = dict(os.environ, **more, KAFKA=kafka["bootstrap"], AWS_ENDPOINT_URL=s3["url"], AWS_REGION=s3["region"],
               AWS_ACCESS_KEY_ID=s3["access_key"],
               AWS_SECRET_ACCESS_KEY=s3["secret_key"], BUCKET=s3["bucket"], ROWS="200")
    done = subprocess.run([os.path.join(far.ROOT, "examples", script),
                           os.path.join(folder, script.replace("/", "-"))], env=env,
                          capture_output=True, text=True, timeout=400, check=False)
    check(done.returncode == 0, f"examples/{script} ends well")
    if done.returncode:
        print(done.stdout[-2000:] + done.stderr[-2000:])
    return done.stdout


def main():
    lake.need_venv()
    with far.side("s3") as s3, far.side("kafka") as kafka, far.side("airflow") as airflow, \
            tempfile.TemporaryDirectory() as folder:
        text = example(s3, kafka, folder, "rest-proxy-s3/run")
        in_kafka(kafka, *(f"262542bdae36.{t}" for t in ("pin", "geo", "user")))
        got = objects(s3, "user-262542bdae36-bucket/topics/")
        want = {f"user-262542bdae36-bucket/topics/262542bdae36.{t}/partition=0/"
                f"262542bdae36.{t}+0+{n:010}.json" for t in ("pin", "geo", "user")
                for n in range(200)}
        check(set(got) == want, "one object a record, with Confluent's names")
        check(all(b.endswith(b"\n") and isinstance(json.loads(b), dict)
                  for b in got.values()), "each is one JSON document and a line's end")
        check(len(re.findall("closes", text)) == 3, "the sums close")
        check(re.search(r"^ *200 +200 +200 +\d+k$", text, re.M),
              "df_pin, df_geo, df_user are the records of the bucket")
        check(all(f"\n{q}  " in text for q in ("01", "03", "04", "06", "07", "08", "09", "10")),
              "the eight questions are answered")
        env = dict(os.environ, AWS_ENDPOINT_URL=s3["url"], AWS_REGION=s3["region"],
                   AWS_ACCESS_KEY_ID=s3["access_key"],
                   AWS_SECRET_ACCESS_KEY=s3["secret_key"])
        done = subprocess.run(
            [os.environ["PINLINE"], "-q", "--data", os.path.join(folder, "again"), "run",
             "--format", "json", "--input",
             f"s3://{s3['bucket']}/user-262542bdae36-bucket/topics"],
            env=env, capture_output=True, text=True, timeout=200, check=False)
        check(done.returncode == 0 and done.stdout.count('"closes":true')
              + done.stdout.count('"closes": true') >= 3,
              "run --input s3://... takes the rows of the objects")
        if done.returncode:
            print(done.stderr)
        text = example(s3, kafka, folder, "daily-batch-and-kinesis/run-batch",
                       AIRFLOW=airflow["dir"])
        check("DAG daily_batch has run" in text and "\n09  " in text,
              "Airflow runs the day, and the tables answer")
        in_kafka(kafka, *(f"0affe94cc7d3.{t}" for t in ("pin", "geo", "user")))
        got = objects(s3, "daily/topics/0affe94cc7d3.geo/partition=0/")
        check(sum(b.count(b"\n") for b in got.values()) == 200
              and all(k.endswith(".json.gz") for k in got), "gzip objects of 100 lines")
        text = example(s3, kafka, folder, "fastapi-s3-postgres/run-batch",
                       AIRFLOW=airflow["dir"])
        got = objects(s3, "pinterest-data/clean/pin/")
        check("DAG fastapi_s3 has run" in text and
              any(k.endswith(".parquet") for k in got) and
              any(k.endswith("_delta_log/00000000000000000001.json") for k in got),
              "Airflow runs the day; the cleaned table is in S3")
        ours, spark = (rows_of(o, os.path.join(folder, "rows", n)) for n, o in (
            ("pinline", got), ("spark", objects(s3, "pinterest-data/spark/pin/"))))
        check(ours == spark and len(ours) > 100,
              "the table that Spark cleaned and wrote back to S3 has the same rows",
              f"{len(ours)}, {len(spark)}: {ours[:1]} {spark[:1]}")
        in_kafka(kafka, "KafkaPinterestTopic")
        got = objects(s3, "pinterest-data/events/")
        lists = [json.loads(b) for _, b in sorted(got.items())]
        check(sum(map(len, lists)) == 200 and all(isinstance(x, list) for x in lists),
              "JSON lists of messages")
    sys.exit(finish())


main()

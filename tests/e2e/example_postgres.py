#!/usr/bin/env python3
"""examples/fastapi-s3-postgres/run-stream, as it is; psycopg2 looks at what it
leaves in the database."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import far  # noqa: E402
import lake  # noqa: E402
from told import check, finish  # noqa: E402

lake.need_venv()
import psycopg2  # noqa: E402

with far.side("postgres") as side, far.side("kafka") as kafka, tempfile.TemporaryDirectory() as folder:
    env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    env.update({f"PINLINE_DB_{k.upper()}": side[k]
                for k in ("host", "port", "user", "password", "database")})
    env.update(ROWS="200", PINLINE=lake.pinline(), KAFKA=kafka["bootstrap"])
    done = subprocess.run([os.path.join(lake.ROOT, "examples", "fastapi-s3-postgres/run-stream"),
                           folder], env=env, capture_output=True, text=True, timeout=600, check=False)
    check(done.returncode == 0, "the example runs to its end", done.stdout[-900:] + done.stderr[-900:])
    check(done.stdout.count("closes") == 3, "its sums close", done.stdout[-900:])
    offsets = subprocess.run([kafka["kt"], "kafka-get-offsets", "--bootstrap-server",
                              kafka["bootstrap"]], capture_output=True, text=True, check=True).stdout
    check({f"{t}:0:200" for t in ("KafkaPinterestTopic", "geo", "user")} <= set(offsets.split()),
          "the posts went through Kafka", offsets)
    check(side["password"] not in done.stdout + done.stderr, "I11 no password is shown")
    with psycopg2.connect(host=side["host"], port=side["port"], user=side["user"],
                          password=side["password"], dbname=side["database"]) as db:
        cursor = db.cursor()
        for table in ("pin", "geo", "user"):
            cursor.execute(f"SELECT count(*), count(DISTINCT ind) FROM clean_{table}")
            rows, keys = cursor.fetchone()
            check(rows == keys and 100 < rows <= 200, f"clean_{table} has each row once", (rows, keys))
        cursor.execute("SELECT count(*) FROM clean_pin WHERE concat(title, description, tag_list) "
                       "~ '[^\\x01-\\x7f]' OR tag_list LIKE '#%'")
        check(cursor.fetchone()[0] == 0, "the project's cleaning options are on")
        cursor.execute("SELECT * FROM clean_pin ORDER BY ind, unique_id")
        ours = cursor.fetchall()
    with open(os.path.join(folder, "stream.py"), encoding="utf-8") as f:
        check(side["password"] not in f.read(), "I11 the program for Spark has no password")
    with psycopg2.connect(host=side["host"], port=side["port"], user=side["user"],
                          password=side["password"], dbname="pinterest_spark") as db:
        cursor = db.cursor()
        cursor.execute("SELECT * FROM clean_pin ORDER BY ind, unique_id")
        check(ours and cursor.fetchall() == ours, "Spark's stream wrote the same posts")
sys.exit(finish())

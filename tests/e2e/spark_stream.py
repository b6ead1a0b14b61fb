#!/usr/bin/env python3
"""`sql --dialect spark --stream` on the real Spark: from the objects' folder
into Delta, and from Kafka into Postgres, taken up again where it was killed.

The tables hold the rows of pinline's own stream, each once.

SPARK_STREAM names the parts: folder (unless said), kafka.
"""
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402

lake.need_venv()
import duckdb  # noqa: E402
import far  # noqa: E402
from deltalake import DeltaTable  # noqa: E402
from told import check, finish  # noqa: E402

PINLINE = lake.pinline()
PARTS = os.environ.get("SPARK_STREAM", "folder").split(",")
TABLES = ("pin", "geo", "user")


def pinline(folder, *args):
    r = subprocess.run([PINLINE, "-q", "--data", os.path.join(folder, "data"), *args],
                       text=True, capture_output=True, check=False, timeout=300)
    if r.returncode != 0:
        raise SystemExit(f"pinline {' '.join(args)}: {r.stderr}")
    return r.stdout


def submit(s, folder, job, *args):
    """The program in Spark; a process that leads its own group."""
    with open(os.path.join(folder, "log"), "ab") as log:
        return subprocess.Popen(
            [os.path.join(s["home"], "bin", "spark-submit"), "--master", "local[2]",
             "--jars", s["jars"] + "," + s["more"], *s["conf"].split(),
             "--driver-memory", "1g", "--driver-java-options", "-XX:TieredStopAtLevel=1",
             "--conf", "spark.ui.enabled=false", "--conf",
             "spark.sql.shuffle.partitions=2", job, *args],
            env=dict(os.environ, SPARK_HOME=s["home"], SPARK_LOCAL_IP="127.0.0.1",
                     PYSPARK_PYTHON=os.path.join(s["home"], "..", "..", "..", "..", "bin",
                                                 "python")),
            cwd=folder, stdout=log, stderr=log, start_new_session=True)


def log_of(folder):
    with open(os.path.join(folder, "log"), encoding="utf-8", errors="replace") as f:
        return f.read()[-3000:]


def rows_of(path):
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    files = DeltaTable(path).file_uris()
    zoned = [r[0] for r in db.execute("DESCRIBE SELECT * FROM read_parquet($1)",
                                      [files]).fetchall() if r[1].endswith("ZONE")]
    what = "*" if not zoned else "* REPLACE (%s)" % ", ".join(
        f"\"{n}\" AT TIME ZONE 'UTC' AS \"{n}\"" for n in zoned)
    got = db.execute(f"SELECT {what} FROM read_parquet($1)", [files])
    names = [d[0] for d in got.description]
    return as_text(dict(zip(names, r)) for r in got.fetchall())


def as_text(rows):
    """A time stamp without its zone, which not every reader gives."""
    return sorted(json.dumps({k: v.strftime("%Y-%m-%dT%H:%M:%S")
                              if hasattr(v, "strftime") else v for k, v in r.items()},
                             sort_keys=True) for r in rows)


def commits(path):
    log = os.path.join(path, "_delta_log")
    return len([n for n in os.listdir(log) if n.endswith(".json")]) \
        if os.path.isdir(log) else 0


def post(folder, first):
    """Objects of rows that are posted to it; later ones repeat some."""
    pinline(folder, "run", "--rows", "150", "--seed", "7" if first else "8",
            *([] if first else ["--append"]), "--set", "objects.flush_records=50")


def from_folder(s, folder):
    job = os.path.join(folder, "job.py")
    with open(job, "w", encoding="utf-8") as f:
        f.write(pinline(folder, "sql", "--dialect", "spark", "--stream", "--raw",
                        os.path.join(folder, "data", "lake", "topics", "{table}"),
                        "--tables", os.path.join(folder, "tables")))
    args = ("--checkpoints", os.path.join(folder, "checkpoints"), "--once", "--files", "2")
    post(folder, True)
    p = submit(s, folder, job, *args)
    pin = os.path.join(folder, "tables", "pin")
    until = time.monotonic() + 600
    while commits(pin) < 1 and p.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    check(commits(pin) >= 1 and p.poll() is None, "it is killed when it has written",
          log_of(folder))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(p.pid, signal.SIGKILL)
    p.wait()
    post(folder, False)
    p = submit(s, folder, job, *args)
    check(p.wait(900) == 0, "it goes on to the end", log_of(folder))
    for t in TABLES:
        own = rows_of(os.path.join(folder, "data", "lake", "clean", t))
        got = rows_of(os.path.join(folder, "tables", t))
        check(own == got and len(own) > 100,
              f"{t}: Spark's stream has pinline's {len(own)} rows, each once",
              (len(own), len(got), sorted(set(own) ^ set(got))[:2]))


def from_kafka(s, folder):
    import psycopg2
    inner = os.path.join(folder, "kafka")
    os.mkdir(inner)
    with far.side("kafka") as k, far.side("postgres") as pg:
        pinline(inner, "run", "--broker", "kafka://" + k["bootstrap"], "--rows", "150")
        job = os.path.join(inner, "job.py")
        with open(job, "w", encoding="utf-8") as f:
            f.write(pinline(inner, "sql", "--dialect", "spark", "--stream", "--raw",
                            "kafka://" + k["bootstrap"], "--tables",
                            "postgres://{user}@{host}:{port}/{database}".format(**pg)))
        os.environ["PGPASSWORD"] = pg["password"]
        for _ in range(2):
            p = submit(s, inner, job, "--checkpoints", os.path.join(inner, "checkpoints"),
                       "--once", "--batch", "60")
            check(p.wait(900) == 0, "from Kafka to the end", log_of(inner))
        db = psycopg2.connect(pg["url"])
        for t in TABLES:
            own = rows_of(os.path.join(inner, "data", "lake", "clean", t))
            cursor = db.cursor()
            cursor.execute(f"SELECT * FROM clean_{t}")
            names = [d[0] for d in cursor.description]
            got = as_text(dict(zip(names, r)) for r in cursor.fetchall())
            check(own == got and len(own) > 100,
                  f"{t}: Kafka to Postgres by Spark: pinline's {len(own)} rows",
                  (len(own), len(got), sorted(set(own) ^ set(got))[:2]))
        db.close()


def main():
    with tempfile.TemporaryDirectory(prefix="pinline-spark-stream.") as folder:
        with far.side("spark", "--more") as s:
            for part in PARTS:
                {"folder": from_folder, "kafka": from_kafka}[part](s, folder)


main()
sys.exit(finish())

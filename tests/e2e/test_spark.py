#!/usr/bin/env python3
"""test_spark.py WRITER - Spark with Delta Lake reads every table as delta-rs
does: plain, from checkpoints, after compaction, vacuum, expired log entries
and a kill, made by batch and by stream; and what Spark appends or makes is
read and appended to by us (I6)."""
import os
import shutil
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import far  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check  # noqa: E402

lake.need_venv()
from deltalake import DeltaTable, QueryBuilder  # noqa: E402

WRITER = os.path.abspath(sys.argv[1])


def writer(folder, commits, rows, env=None):
    done = subprocess.run([WRITER, folder, "clean", "pin", str(commits), str(rows)],
                          capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, **(env or {})})
    return done.returncode


def pinline(*args, env=None):
    return subprocess.run([lake.pinline(), *args], capture_output=True, text=True,
                          timeout=300, check=False, env={**os.environ, **(env or {})})


def make(root):
    """name -> folder of tables in every state they can be in."""
    tables = {}

    def place(name):
        tables[name] = os.path.join(root, name, "pin")
        return tables[name]
    writer(place("plain"), 3, 20)
    writer(place("checkpoint"), 23, 5)
    log = os.path.join(tables["checkpoint"], "_delta_log")
    for name in os.listdir(log):
        if name.endswith(".json") and int(name[:20]) < 20:
            os.remove(os.path.join(log, name))
    for name in ("compacted", "vacuumed"):
        writer(place(name), 12, 5)
        pinline("batch", "--compact", "--set", f"tables.dir={root}/{name}")
        writer(tables[name], 9, 5)
    pinline("batch", "--vacuum", "--retain", "0s", "--force",
            "--set", f"tables.dir={root}/vacuumed")
    for point in ("delta_before_data", "delta_before_log", "delta_after_log",
                  "delta_before_checkpoint"):
        writer(place(f"killed_{point}"), 12, 5, {"PINLINE_KILL_AT": f"{point}:8"})
    writer(place("killed_compact"), 5, 5)
    pinline("batch", "--compact", "--set", f"tables.dir={root}/killed_compact",
            env={"PINLINE_KILL_AT": "delta_after_log"})
    writer(place("parted"), 12, 5, {"PARTITION_BY": "title"})
    writer(place("parted_ind"), 2, 10, {"PARTITION_BY": "ind"})
    writer(place("parted_compacted"), 12, 5, {"PARTITION_BY": "title"})
    pinline("batch", "--compact", "--set", f"tables.dir={root}/parted_compacted")
    writer(place("shared"), 2, 10)
    data = os.path.join(root, "data")
    pinline("run", "--data", data, "--rows", "300", "-q")
    pinline("stream", "--once", "--data", data, "--set", f"tables.dir={root}/stream",
            "--set", "stream.trigger_rows=20")
    pinline("batch", "--compact", "--set", f"tables.dir={root}/stream")
    for t in ("pin", "geo", "user"):
        tables[f"batch_{t}"] = f"{data}/lake/clean/{t}"
        tables[f"stream_{t}"] = f"{root}/stream/{t}"
    return tables


def columns(folder):
    return [(f.name, str(f.type)) for f in DeltaTable(folder).schema().fields]


def expression(name, kind):
    """A number that the column's values make, in Spark's words; or None."""
    if '"string"' == kind or kind == 'PrimitiveType("string")':
        return f"sum(crc32(encode(`{name}`, 'UTF-8')))"
    if "timestamp" in kind:
        return f"sum(unix_micros(`{name}`))"
    if kind in ('PrimitiveType("integer")', 'PrimitiveType("long")'):
        return f"sum(`{name}`)"
    return f"count(`{name}`)"


def numbers(folder):
    """The same from delta-rs, as Spark prints them."""
    got = QueryBuilder().register("t", DeltaTable(folder)).execute(
        "SELECT * FROM t").read_all()
    out = [str(got.num_rows)]
    for name, kind in columns(folder):
        values = [v for v in got.column(name).to_pylist() if v is not None]
        words = expression(name, kind)
        if words.startswith("count"):
            out.append(str(len(values)))
        elif not values:
            out.append("NULL")
        elif "crc32" in words:
            out.append(str(sum(zlib.crc32(v.encode()) for v in values)))
        elif "micros" in words:
            out.append(str(sum(int(v.timestamp()) * 1000000 + v.microsecond
                               for v in values)))
        else:
            out.append(str(sum(values)))
    return out


def script(tables, own):
    lines = []
    for name, folder in tables.items():
        sums = ", ".join(expression(n, k) for n, k in columns(folder))
        lines.append(f"SELECT 'read', '{name}', count(*), {sums} FROM delta.`{folder}`;")
    shared = tables["shared"]
    lines.append(
        f"INSERT INTO delta.`{shared}` SELECT 20, 'by Spark', array(1.5D, null), "
        "timestamp_micros(1600000000123456), array('a'), "
        "named_struct('latitude', 1D, 'longitude', 2D);")
    lines.append(f"SELECT 'read', 'appended', count(*) FROM delta.`{shared}`;")
    lines.append(f"CREATE TABLE own (index INT, title STRING) USING delta LOCATION '{own}';")
    lines.append("INSERT INTO own VALUES (1, 'one'), (2, null);")
    return "\n".join(lines)


def spark_sql(home, jars, conf, text, folder):
    os.makedirs(folder)
    path = os.path.join(folder, "job.sql")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return subprocess.run(
        [f"{home}/bin/spark-sql", "--master", "local[2]", "--jars", jars, *conf.split(),
         "--conf", "spark.ui.enabled=false", "--conf", "spark.sql.session.timeZone=UTC",
         "--conf", "spark.sql.shuffle.partitions=1", "--conf",
         "spark.databricks.delta.snapshotPartitions=1", "--driver-memory", "1g", "-f", path],
        capture_output=True, text=True, timeout=600, check=False, cwd=folder,
        env={**os.environ, "SPARK_HOME": home, "SPARK_LOCAL_IP": "127.0.0.1"})


def main():
    root = tempfile.mkdtemp(prefix="pinline-spark.")
    own = os.path.join(root, "own", "pin")
    try:
        with far.side("spark") as spark:
            tables = make(root)
            print("# tables made", flush=True)
            want = {name: numbers(folder) for name, folder in tables.items()}
            print("# spark-sql begins", flush=True)
            done = spark_sql(spark["home"], spark["jars"], spark["conf"],
                             script(tables, own), os.path.join(root, "work"))
        check("spark-sql ran every statement", done.returncode == 0,
              done.stderr[-2000:])
        got = {}
        for line in done.stdout.splitlines():
            words = line.split("\t")
            if words[0] == "read":
                got[words[1]] = words[2:]
        for name in tables:
            check(f"I6 delta: delta-spark reads the table \"{name}\" as delta-rs does",
                  got.get(name) == want[name], f"{got.get(name)} {want[name]}")
        check("Spark appends to a table of ours", got.get("appended") == ["21"], got)
        check("and our writer goes on after it", writer(tables["shared"], 1, 5) == 0
              and DeltaTable(tables["shared"]).count() == 26)
        seen = pinline("query", "--sql", "select count(*), count(title) from clean_pin",
                       "--tables", os.path.dirname(tables["shared"]), "--format", "csv")
        check("our reader sees both writers' rows", "26," in seen.stdout,
              seen.stdout + seen.stderr)
        seen = pinline("query", "--sql", 'select "index", title from clean_pin order by 1',
                       "--tables", os.path.dirname(own), "--format", "csv")
        check("a table that Spark made is read by us", "1,one" in seen.stdout,
              seen.stdout + seen.stderr)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    sys.exit(finish())


main()

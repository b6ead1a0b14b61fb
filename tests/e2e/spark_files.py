#!/usr/bin/env python3
"""What `sql --dialect spark` prints, in the programs it is for: a Databricks
notebook's cells one by one, Delta tables with names in the metastore, a Jupyter
notebook executed by nbconvert, and records read from S3.

Each part starts Spark.  SPARK_FILES names the parts (delta,ipynb,s3).
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402

lake.need_venv()
import duckdb  # noqa: E402
import far  # noqa: E402
from deltalake import DeltaTable  # noqa: E402
from told import check, finish  # noqa: E402

PINLINE = lake.pinline()
TABLES = ("pin", "geo", "user")


def pinline(folder, *args):
    r = subprocess.run([PINLINE, "-q", *args], text=True, capture_output=True,
                       check=False, timeout=300, cwd=folder)
    if r.returncode != 0:
        raise SystemExit(f"pinline {' '.join(args)}: {r.stderr}")
    return r.stdout


def spark_sql(s, folder, path, *options):
    """Rows on stdout; the log on stderr."""
    return subprocess.run(
        [os.path.join(s["home"], "bin", "spark-sql"), "--master", "local[2]",
         *s["conf"].split(), "--driver-memory", "1g", "--driver-java-options",
         "-XX:TieredStopAtLevel=1", "--conf", "spark.ui.enabled=false", "--conf",
         "spark.sql.shuffle.partitions=2", *options, "-f", path],
        env=dict(os.environ, SPARK_HOME=s["home"], SPARK_LOCAL_IP="127.0.0.1"),
        cwd=folder, text=True, capture_output=True, check=False, timeout=2400)


def why(r):
    """The end of what Spark said, without the lines of stacks."""
    return r.stdout[-300:] + "\n".join(
        s[:300] for s in r.stderr.splitlines() if not s.startswith("\t"))[-2500:]


def counts(folder):
    db = duckdb.connect()
    return {t: db.execute("SELECT count(*) FROM read_parquet($1)", [
        DeltaTable(os.path.join(folder, t)).file_uris()]).fetchone()[0] for t in TABLES}


def ours(folder):
    return counts(os.path.join(folder, "data", "lake", "clean"))


def cells(text):
    """A Databricks notebook as its reader cuts it."""
    lines = text.splitlines()
    assert lines[0] == "-- Databricks notebook source", lines[0]
    return "\n".join(lines[1:]).split("\n-- COMMAND ----------\n")


def delta(s, folder):
    """The notebook's cells as a script: Delta, and tables that have names."""
    text = pinline(folder, "sql", "--dialect", "spark", "--script", "--format",
                   "databricks", "--storage", "delta", "--register", "--raw",
                   os.path.join(folder, "raw", "{table}.jsonl"), "--tables",
                   os.path.join(folder, "tables"))
    notebook = cells(text)
    check(len(notebook) > 25 and all(c.strip().endswith(";") and
                                     c.count(";\n") <= 1 for c in notebook),
          "every cell of the Databricks notebook is one statement", len(notebook))
    path = os.path.join(folder, "notebook.sql")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(notebook))
        # a session that begins anew finds them by name
        f.write("\nSHOW TABLES;\nSELECT 'rows', count(*) FROM spark_catalog.default.clean_pin;\n")
    r = spark_sql(s, folder, path, "--jars", s["jars"])
    check(r.returncode == 0, "the cells run one after another", why(r))
    want = ours(folder)
    check(f"rows\t{want['pin']}" in r.stdout, "a registered table is found by its name",
          r.stdout[-500:])
    got = counts(os.path.join(folder, "tables"))
    check(got == want, "Delta tables that Spark made have our rows", (got, want))


def ipynb(s, folder):
    path = os.path.join(folder, "batch.ipynb")
    with open(path, "w", encoding="utf-8") as f:
        f.write(pinline(folder, "sql", "--dialect", "spark", "--script", "--format",
                        "ipynb", "--raw", os.path.join(folder, "raw", "{table}.jsonl"),
                        "--tables", os.path.join(folder, "ipynb")))
    zips = glob.glob(os.path.join(s["home"], "python", "lib", "py4j-*.zip"))
    r = subprocess.run(
        [s["notebook"], "-m", "nbconvert", "--to", "notebook", "--execute",
         "--ExecutePreprocessor.timeout=1200", "--output", "done.ipynb", path],
        env=dict(os.environ, SPARK_HOME=s["home"], SPARK_LOCAL_IP="127.0.0.1",
                 PYTHONPATH=os.pathsep.join([os.path.join(s["home"], "..")] + zips),
                 PYSPARK_SUBMIT_ARGS="--master local[2] --driver-memory 1g "
                 "--driver-java-options -XX:TieredStopAtLevel=1 --conf "
                 "spark.ui.enabled=false --conf spark.sql.shuffle.partitions=2 --conf "
                 "spark.sql.catalogImplementation=in-memory pyspark-shell"),
        cwd=folder, text=True, capture_output=True, check=False, timeout=2400)
    check(r.returncode == 0, "nbconvert executes the Jupyter notebook", r.stderr[-2000:])
    if r.returncode != 0:
        return
    with open(os.path.join(folder, "done.ipynb"), encoding="utf-8") as f:
        done = json.load(f)
    # Spark's log is among the outputs, by the other stream
    shown = ["".join("".join(o.get("text", "")) for o in c["outputs"]
                     if o.get("name") == "stdout")
             for c in done["cells"] if c["cell_type"] == "code"]
    tables = [t for t in shown if t.startswith("+-")]
    answers = json.loads(pinline(folder, "query", "08", "--format", "json"))
    check(len(tables) == 15, "its fifteen answers are shown", len(tables))
    check(any(all(f"|{r['post_year']}" in t and str(r["number_users_joined"]) in t
                  for r in answers) for t in tables),
          "an answer in it is ours", (answers, tables[7:8]))


def s3(s, folder):
    """Spark reads the records from S3 itself, by hadoop-aws."""
    import boto3
    with far.side("s3") as at:
        client = boto3.client("s3", endpoint_url=at["url"], region_name=at["region"],
                              aws_access_key_id=at["access_key"],
                              aws_secret_access_key=at["secret_key"])
        for t in TABLES:
            client.upload_file(os.path.join(folder, "raw", t + ".jsonl"), at["bucket"],
                               f"raw/{t}/part-0.json")
        path = os.path.join(folder, "s3.sql")
        with open(path, "w", encoding="utf-8") as f:
            script = pinline(folder, "sql", "--dialect", "spark", "--script", "--raw",
                             f"s3a://{at['bucket']}/raw/{{table}}/*.json", "--tables",
                             os.path.join(folder, "from-s3"))
            f.write(script[:script.index("-- 01  ")])
            f.write("".join(f"SELECT '{t}', count(*) FROM clean_{t};\n" for t in TABLES))
        r = spark_sql(s, folder, path, "--jars", s["jars"] + "," + s["more"], "--conf",
                      "spark.sql.catalogImplementation=in-memory",
                      *(x for k, v in {
                          "endpoint": at["url"], "endpoint.region": at["region"],
                          "access.key": at["access_key"], "secret.key": at["secret_key"],
                          "path.style.access": "true",
                          # the other one takes a library more
                          "input.stream.type": "classic"}.items()
                        for x in ("--conf", f"spark.hadoop.fs.s3a.{k}={v}")))
        want = "".join(f"{t}\t{n}\n" for t, n in ours(folder).items())
        check(r.returncode == 0 and r.stdout.endswith(want),
              "records in S3 are read by s3a://, and cleaned as ours",
              why(r))


def main():
    parts = os.environ.get("SPARK_FILES", "delta,ipynb,s3").split(",")
    with tempfile.TemporaryDirectory(prefix="pinline-spark-files.") as folder:
        with open(os.path.join(folder, "pinline.yaml"), "w", encoding="utf-8") as f:
            f.write("data: data\n")
        pinline(folder, "generate", "--rows", "300", "--bad", "0.03", "--duplicates",
                "0.05", "--out", os.path.join(folder, "made"))
        os.mkdir(os.path.join(folder, "raw"))
        for t in TABLES:
            pinline(folder, "clean", "--table", t, "--decoded", "-o",
                    os.path.join(folder, "raw", t + ".jsonl"),
                    os.path.join(folder, "made", t + ".jsonl"))
        pinline(folder, "run", "--input", os.path.join(folder, "raw"))
        options = ["--more"] * ("s3" in parts) + ["--notebook"] * ("ipynb" in parts)
        with far.side("spark", *options) as s:
            for part in parts:
                {"delta": delta, "ipynb": ipynb, "s3": s3}[part](s, folder)


main()
sys.exit(finish())

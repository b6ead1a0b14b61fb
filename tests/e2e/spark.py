#!/usr/bin/env python3
"""The batch as one file of Spark SQL, run by the real Spark: its cleaned rows
are those of `pinline clean`, its answers those of `pinline run`, and a rule
changed in the YAML changes C, DuckDB and Spark alike.

One spark-sql for everything: starting it costs more than the rows do.
SPARK_ROWS: how many generated rows of each table (1000).  From 100,000 on rows
are compared as multisets by DuckDB, and C's with those of the third engine too.
"""
import datetime
import glob
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402

lake.need_venv()
import duckdb  # noqa: E402
import far  # noqa: E402
import test_clean  # noqa: E402
from lake import ROOT  # noqa: E402
from served import PINLINE  # noqa: E402
from test_clean import FIELDS, OPTIONS, key_of  # noqa: E402
from told import finish, named as check, skip  # noqa: E402

ROWS = os.environ.get("SPARK_ROWS", "1000")
LARGE = int(ROWS) >= 100_000
EPOCH = datetime.datetime(1970, 1, 1)
TIMES_OF = {"pin": None, "geo": "timestamp", "user": "date_joined"}
WORK = tempfile.TemporaryDirectory(prefix="pinline-spark.")
CHANGE = ('["No Title Data Available"]', '["Untitled", "a"]')


def at(*names):
    return os.path.join(WORK.name, *names)


def pinline(*args, **more):
    r = subprocess.run([PINLINE, "-q", *args], capture_output=True, text=True,
                       cwd=WORK.name, check=False,
                       timeout=3000 if LARGE else 300, **more)
    if r.returncode != 0:
        raise SystemExit("pinline %s: %s" % (" ".join(args), r.stderr))
    return r.stdout


def sources(table):
    """Files of generated rows, odd values, cases, real rows and variants."""
    yield at("generated", table + ".jsonl")
    odd = at("odd-" + table + ".jsonl")
    with open(odd, "w", encoding="utf-8") as f:
        for i, r in enumerate(test_clean.records(table, random.Random(11), 300)):
            # one key for all of them would make the joins of the answers huge
            r.update({k: i for k in ("index", "ind") if r.get(k) == 1})
            f.write(json.dumps(r) + "\n")
    yield odd
    yield from sorted(glob.glob(os.path.join(ROOT, "tests", "cases", "clean", "*",
                                             "input.jsonl")))
    data = lake.shared()
    if not os.path.isdir(data):
        skip(f"no real {table} rows in {data}")
    for name in (table, table + "_edge_cases"):
        if os.path.exists(os.path.join(data, name + ".jsonl")):
            yield os.path.join(data, name + ".jsonl")
    for folder, _, names in sorted(os.walk(os.path.join(data, "variants"))):
        yield from (os.path.join(folder, n) for n in sorted(names))


def decode():
    pinline("generate", "--rows", ROWS, "--bad", "0.03", "--duplicates", "0.05",
            "--seed", "5", "--out", at("generated"))
    os.mkdir(at("raw"))
    for table in FIELDS:
        with open(at("raw", table + ".jsonl"), "wb") as f:
            for path in sources(table):
                pinline("clean", "--table", table, "--decoded", path, "--rejects",
                        at("rejects.jsonl"), "-o", at("decoded.jsonl"))
                with open(at("decoded.jsonl"), "rb") as one:
                    shutil.copyfileobj(one, f)


def same_row(table, row):
    """A time stamp is a number of microseconds, a coordinate a double."""
    t = row.get(TIMES_OF[table])
    if isinstance(t, str):
        t = datetime.datetime.fromisoformat(t.rstrip("Z").replace("+00:00", ""))
        row[TIMES_OF[table]] = (t - EPOCH) // datetime.timedelta(microseconds=1)
    return key_of(test_clean.doubles(table, row))


def by_c(table, *args):
    out = at("c.jsonl")
    pinline("clean", "--table", table, at("raw", table + ".jsonl"), "-o", out, *args)
    with open(out, encoding="utf-8") as f:
        return sorted(same_row(table, json.loads(line)) for line in f)


def by_spark(table, folder):
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    t = TIMES_OF[table]
    what = "*" if t is None else "* REPLACE (epoch_us(%s) AS %s)" % (t, t)
    got = db.execute("SELECT %s FROM read_parquet('%s/*.parquet')" % (what, folder))
    names = [d[0] for d in got.description]
    return sorted(same_row(table, dict(zip(names, r))) for r in got.fetchall())


def compare_large(table):
    """Rows that one engine has more often than C, and the other way round."""
    db = duckdb.connect(config={"memory_limit": "6GB", "temp_directory": at("spill")})
    db.execute("SET TimeZone = 'UTC'")
    t = TIMES_OF[table]
    what = "*" if t is None else "* REPLACE (epoch_us(%s) AS %s)" % (t, t)
    pinline("clean", "--table", table, at("raw", table + ".jsonl"), "-o", at("c.parquet"))
    pinline("clean", "--engine", "duckdb", "--table", table, at("raw", table + ".jsonl"),
            "-o", at("duck.parquet"))
    c, duck = ("SELECT %s FROM '%s'" % (what, at(n)) for n in ("c.parquet", "duck.parquet"))
    spark = "SELECT %s FROM read_parquet('%s/*.parquet')" % (what, at("tables", table))
    rows = db.execute("SELECT count(*) FROM (%s)" % c).fetchone()[0]
    for name, other in (("Spark", spark), ("DuckDB", duck)):
        more, less = (db.execute("SELECT count(*) FROM (%s EXCEPT ALL %s)" % pair)
                      .fetchone()[0] for pair in ((other, c), (c, other)))
        check("%s: %s = C, %d rows" % (table, name, rows), rows > 0 and more == less == 0,
              "%d rows more, %d less" % (more, less))


def single(folder, table, *args):
    """One cleaning more: statements that go behind the script."""
    return ("CREATE OR REPLACE TEMPORARY VIEW decoded AS SELECT * FROM raw_%s;\n"
            "INSERT OVERWRITE DIRECTORY '%s' USING parquet\n" % (table, at(folder)) +
            pinline("sql", "--dialect", "spark", "--table", table, *args))


def sql_of_all(changed, options):
    text = pinline("sql", "--dialect", "spark", "--script", "--raw",
                   at("raw", "{table}.jsonl"), "--tables", at("tables"),
                   "--answers", at("answers"))
    if not LARGE:
        text += single("changed", "pin", *changed)
        text += single("options", "pin", *options)
    path = at("batch.sql")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def run_spark(s, path):
    os.mkdir(at("cwd"))
    env = dict(os.environ, SPARK_HOME=s["home"], SPARK_LOCAL_IP="127.0.0.1")
    with open(at("log"), "wb") as log:
        r = subprocess.run(
            [os.path.join(s["home"], "bin", "spark-sql"), "--master", "local[2]",
             "--driver-memory", "4g" if LARGE else "1g",
             # planning is most of the work; the second compiler costs more than it saves
             "--driver-java-options", "-Xshare:auto" if LARGE else "-XX:TieredStopAtLevel=1",
             "--conf", "spark.ui.enabled=false",
             "--conf", "spark.sql.catalogImplementation=in-memory",
             "--conf", "spark.sql.shuffle.partitions=%d" % (8 if LARGE else 2), "-f", path],
            cwd=at("cwd"), env=env, stdout=log, stderr=log, check=False,
            timeout=6000 if LARGE else 1200)
    with open(at("log"), encoding="utf-8", errors="replace") as f:
        text = f.read()
    check("spark-sql runs the script unchanged", r.returncode == 0, text[-3000:])


def near(a, b):
    """Means may differ in the last bit, since sums have another order."""
    if isinstance(a, float) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-12 * max(abs(a), abs(b))
    return a == b


def compare_answers():
    ours = json.loads(pinline("--data", at("data"), "run", "--input", at("raw"),
                              "--format", "json"))["answers"]
    for name, want in sorted(ours.items()):
        got = []
        for part in sorted(glob.glob(at("answers", name, "part-*"))):
            with open(part, encoding="utf-8") as f:
                got += [json.loads(line) for line in f]
        good = len(got) == len(want) and all(
            list(g) == list(w) and all(near(g[k], w[k]) for k in w)
            for g, w in zip(got, want))
        odd = next(((g, w) for g, w in zip(got, want) if g != w), None)
        check("answer %s: Spark = pinline" % name, good and want,
              "%d, %d rows; %s" % (len(got), len(want), odd))


def main():
    decode()
    with open(os.path.join(ROOT, "pipelines", "pinterest.yaml"), encoding="utf-8") as f:
        spec = f.read()
    check("the rule to change is there", CHANGE[0] in spec)
    with open(at("changed.yaml"), "w", encoding="utf-8") as f:
        f.write(spec.replace(*CHANGE))
    changed = ["--set", "spec=" + at("changed.yaml")]
    options = [x for o in OPTIONS["pin"] for x in ("--set", "pin.%s=on" % o)]
    options += ["--set", "pin.deduplicate={keep: last, by: [ind]}"]
    path = sql_of_all(changed, options)
    with far.side("spark") as s:
        began = time.monotonic()
        run_spark(s, path)
        print("# spark-sql took %.0f s" % (time.monotonic() - began))
    rows = {}
    for table in FIELDS:
        if LARGE:
            compare_large(table)
            continue
        rows[table] = by_c(table)
        got = by_spark(table, at("tables", table))
        check("%s: Spark = C, %d rows" % (table, len(got)), rows[table] == got,
              test_clean.difference(rows[table], got))
    for name, args in () if LARGE else (("changed", changed), ("options", options)):
        c = by_c("pin", *args)
        got = by_spark("pin", at(name))
        duck = by_c("pin", "--engine", "duckdb", *args)
        check("pin %s: Spark = C" % name, c == got, test_clean.difference(c, got))
        check("pin %s: DuckDB = C" % name, c == duck, test_clean.difference(c, duck))
        check("pin %s: rows change" % name, c != rows["pin"])
    compare_answers()


main()
sys.exit(finish())

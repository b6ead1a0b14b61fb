#!/usr/bin/env python3
"""Delta tables with partition columns: batch, stream, compaction, checkpoints
and vacuum keep every row in its folder, in a folder and on S3, and delta-rs
reads the rows of the same tables without partitions (I4, I6)."""
import json
import os
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import far  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check  # noqa: E402

lake.need_venv()
import duckdb  # noqa: E402
from deltalake import DeltaTable, QueryBuilder, write_deltalake  # noqa: E402

TABLES = ("pin", "geo", "user")
BY = {"pin": ["category"], "geo": ["country"], "user": ["age"]}
SETS = ["--set", "tables.partition_by=" + ",".join(
    f"{t}={'+'.join(c)}" for t, c in BY.items())]


def pinline(data, *args, expect=0):
    done = subprocess.run([lake.pinline(), *args, "--data", data],
                          capture_output=True, text=True, timeout=300, check=False)
    if expect is not None and done.returncode != expect:
        raise RuntimeError(f"pinline {args}: {done.returncode}\n{done.stderr}")
    return done


def rows(folder):
    """All rows as delta-rs reads them, columns in the order of their names."""
    got = QueryBuilder().register("t", DeltaTable(folder)).execute(
        "SELECT * FROM t").read_all()
    names = sorted(got.schema.names)
    columns = [got.column(n).to_pylist() for n in names]
    return sorted(map(repr, zip(*columns)))


def all_rows(top):
    return {t: rows(f"{top}/{t}") for t in TABLES}


def answers(data, *args):
    return pinline(data, "query", "all", "--format", "json", *args).stdout


def count(data, top, *args):
    got = pinline(data, "query", "--tables", top, "--format", "json", "--sql",
                  "select count(*) n, count(category) c, count(distinct category) d, "
                  "sum(follower_count) f from clean_pin", *args)
    return json.loads(got.stdout)[0]


def batches(root, plain):
    data, top = os.path.join(root, "batch"), os.path.join(root, "batch", "lake", "clean")
    pinline(data, "run", "--rows", "700", "-q", *SETS)
    truth = all_rows(f"{plain}/lake/clean")
    check("I6 delta: a partitioned batch has the rows of a plain one",
          all_rows(top) == truth)
    for t in TABLES:
        check(f"{t} says what it is partitioned by",
              DeltaTable(f"{top}/{t}").metadata().partition_columns == BY[t])
    uris = DeltaTable(f"{top}/geo").file_uris()
    check("files lie in folders of values",
          all("/country=" in u for u in uris) and len(uris) > 5, uris[:3])
    check("the fifteen answers are the same bytes",
          answers(data, *SETS) == answers(plain))
    check("our reader sees the types", count(data, top) == count(plain, f"{plain}/lake/clean"))
    done = pinline(data, "batch", "--answers", "none", *SETS)
    check("a second batch has nothing to add",
          all_rows(top) == truth and done.returncode == 0, done.stdout)
    refused = pinline(data, "batch", "--answers", "none", expect=None)
    check("other partition columns than the table's are refused, with the way out",
          refused.returncode != 0 and '"category"' in refused.stderr
          and "nothing" in refused.stderr and "--full" in refused.stderr, refused.stderr)
    pinline(data, "batch", "--answers", "none", "--full", "--set",
            "tables.partition_by=pin=category")
    check("batch --full partitions anew", all_rows(top) == truth and [
        DeltaTable(f"{top}/{t}").metadata().partition_columns for t in TABLES]
        == [["category"], [], []])
    for text, words in (("pin=kategory", "no such column"), ("pen=category", "pen=category"),
                        ("geo=timestamp", "whole numbers"), ("user=age+age", "twice")):
        got = pinline(data, "batch", "--full", "--answers", "none", "--set",
                      f"tables.partition_by={text}", expect=None)
        check(f"{text} is refused", got.returncode != 0 and words in got.stderr, got.stderr)
    check("and nothing changed", all_rows(top) == truth)


def streams(root, plain, top, *more):
    """Many small commits, then few files."""
    data = os.path.join(root, "stream")
    sets = [*SETS, "--set", f"tables.dir={top}", *more]
    if not os.path.exists(data):
        subprocess.run(["cp", "-r", plain, data], check=True)
    truth = all_rows(f"{plain}/lake/clean")
    what = "delta on S3" if top.startswith("s3:") else "delta"
    pinline(data, "stream", "--once", "--set", "stream.trigger_rows=50", "--set",
            "stream.compact_every=0s", *sets)
    check(f"I6 {what}: a partitioned stream has the rows of a plain batch",
          all_rows(top) == truth)
    t = DeltaTable(f"{top}/pin")
    before = len(t.file_uris())
    check("its commits made checkpoints", t.version() > 10, t.version())
    got = pinline(data, "batch", "--compact", *sets)
    t = DeltaTable(f"{top}/pin")
    values = {tuple(sorted(a.items())) for a in (
        {k: v for k, v in zip(t.get_add_actions(flatten=True).schema.names, r)
         if k.startswith("partition.")}
        for r in zip(*[c.to_pylist() for c in t.get_add_actions(flatten=True).columns]))}
    check(f"compaction leaves one file a partition ({before} before)",
          len(t.file_uris()) == len(values) < before, f"{len(values)} {got.stdout}")
    check(f"I4 {what}: and the same rows", all_rows(top) == truth)
    if top.startswith("s3:"):
        return
    pinline(data, "batch", "--vacuum", "--retain", "0s", "--force", *sets)
    left = sum(f.endswith(".parquet") for d, _, names in os.walk(f"{top}/pin")
               for f in names if "_delta_log" not in d)
    check("vacuum takes what is in the folders, and nothing that lives",
          left == len(values) and all_rows(top) == truth, left)
    pinline(data, "stream", "--once", "--full", *sets)
    check("stream --full makes the same rows", all_rows(top) == truth)
    return


def shared(root):
    """delta-rs makes and extends partitioned tables; odd values."""
    top = os.path.join(root, "shared")
    odd = ["a b", "a/b", "50%", "é❤", "x=y", "c:d", "q'\"", None, "%41"]
    db = duckdb.connect()
    db.execute("CREATE TABLE odd (ind INTEGER, word VARCHAR, n BIGINT)")
    db.executemany("INSERT INTO odd VALUES (?, ?, ?)",
                   [(i, w, [1, None, 3][i % 3]) for i, w in enumerate(odd)])
    table = db.sql("SELECT * FROM odd")
    write_deltalake(f"{top}/odd", table, partition_by=["word", "n"])
    got = pinline(root, "query", "--tables", top, "--format", "json", "--sql",
                  "select ind, word, n, typeof(n) as t from clean_odd order by ind")
    want = [{"ind": i, "word": w, "n": [1, None, 3][i % 3], "t": "BIGINT"}
            for i, w in enumerate(odd)]
    check("what delta-rs partitions we read, value for value",
          json.loads(got.stdout) == want, got.stdout)


def many(root):
    """One partition a row, one commit: planned and read in seconds."""
    data = os.path.join(root, "many")
    pinline(data, "run", "--rows", "400", "-q", "--set", "tables.partition_by=user=ind")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    got = pinline(data, "query", "--format", "json", "--timeout", "240s", "--sql",
                  "select count(*) n, count(distinct ind) d from clean_user")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    n = len(DeltaTable(f"{data}/lake/clean/user").file_uris())
    check(f"a table of {n} partitions is read in {spent:.1f} s of CPU",
          json.loads(got.stdout)[0]["d"] == n > 200 and spent < 5, got.stdout)
    got = pinline(data, "query", "--format", "json", "--timeout", "240s", "--tables",
                  os.path.relpath(f"{data}/lake/clean"), "--sql",
                  "select count(*) n from clean_user where ind in (select min(ind) from clean_user)")
    check("one of them is found, also by a relative folder", json.loads(got.stdout)[0]["n"] == 1,
          got.stdout)


def main():
    with tempfile.TemporaryDirectory() as root:
        plain = os.path.join(root, "plain")
        pinline(plain, "run", "--rows", "700", "-q")
        batches(root, plain)
        streams(root, plain, os.path.join(root, "tables"))
        shared(root)
        many(root)
        with far.side("s3") as s3:
            os.environ.update(AWS_ENDPOINT_URL=s3["url"], AWS_REGION=s3["region"],
                              AWS_ACCESS_KEY_ID=s3["access_key"], AWS_ALLOW_HTTP="true",
                              AWS_SECRET_ACCESS_KEY=s3["secret_key"])
            streams(root, plain, f"s3://{s3['bucket']}/parted", "--set",
                    "stream.trigger_rows=60")
    sys.exit(finish())


main()

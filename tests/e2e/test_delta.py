#!/usr/bin/env python3
"""test_delta.py WRITER - the program's Delta tables read by delta-rs: equal
rows and types, after a kill at every point, after checkpoints, with two
writers at once, and appended to by delta-rs itself (I4, I6)."""
import datetime
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402
from told import finish, named as check  # noqa: E402

lake.need_venv()
import duckdb  # noqa: E402
from deltalake import DeltaTable, QueryBuilder, write_deltalake  # noqa: E402

WRITER = os.path.abspath(sys.argv[1])
START = datetime.datetime(2020, 9, 13, 12, 26, 40, 123456,
                          datetime.timezone.utc)


def write(folder, commits, rows, pipeline="clean", topic="pin", env=None,
          wait=True):
    p = subprocess.Popen([WRITER, folder, pipeline, topic, str(commits),
                          str(rows)], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True,
                         env={**os.environ, **(env or {})})
    if not wait:
        return p
    out, err = p.communicate(timeout=120)
    return p.returncode, [int(x.split()[1]) for x in out.split("\n") if x], err


def rows_of(folder):
    """All rows as delta-rs reads them, by offset."""
    rows = QueryBuilder().register("t", DeltaTable(folder)).execute(
        "SELECT * FROM t ORDER BY ind").read_all()
    columns = [rows.column(i).to_pylist() for i in range(rows.num_columns)]
    return list(zip(*columns))


def want(i):
    title = f'row "{i}" \u2764 \U0001f60d'
    place = {"latitude": i / 8, "longitude": -0.5}
    return (i, None if i % 3 == 0 else title,
            None if i % 5 == 0 else [i / 8, -0.5],
            START + datetime.timedelta(microseconds=i * 1000001), [title, ""][:i % 3],
            None if i % 7 == 0 else place)


def same(folder, n, copies=1):
    got = rows_of(folder)
    expected = [want(i) for i in range(n) for _ in range(copies)]
    if got == expected:
        return None
    for a, b in zip(got, expected):
        if a != b:
            return f"got {a}, want {b}"
    return f"{len(got)} rows, {len(expected)} wanted"


def position(folder, topic="pin", pipeline="clean"):
    v = DeltaTable(folder).transaction_version(f"pinline:{pipeline}:{topic}:1:0")
    return v or 0


def reads_back(d):
    rc, done, err = write(d, 3, 50)
    check("three commits of 50 rows", rc == 0 and done == [50, 100, 150], err)
    check("delta-rs gives back equal rows", same(d, 150) is None, same(d, 150))
    table = DeltaTable(d)
    fields = {f.name: str(f.type) for f in table.schema().fields}
    check("types are the declared ones",
          "integer" in fields["ind"] and "string" in fields["title"]
          and "timestamp" in fields["timestamp"]
          and "double" in fields["coordinates"], fields)
    check("comments are kept",
          table.schema().fields[0].metadata.get("comment") == "row number")
    check("the position is the end offset", position(d) == 150, position(d))
    check("properties name owner and spec",
          table.metadata().configuration.get("pinline.pipeline") == "clean"
          and table.metadata().configuration.get("pinline.specHash") == "0123")
    names = table.get_add_actions(flatten=True).schema.names
    check("statistics are read", "num_records" in names
          and "min.ind" in names and "null_count.title" in names, names)


def checkpointed(d):
    rc, _, err = write(d, 20, 5)
    check("twenty more commits", rc == 0, err)
    log = os.path.join(d, "_delta_log")
    points = sorted(glob.glob(os.path.join(log, "*.checkpoint.parquet")))
    check("checkpoints at 10 and 20", len(points) == 2, points)
    for name in os.listdir(log):
        if name.endswith(".json") and int(name[:20]) < 20:
            os.remove(os.path.join(log, name))
    check("delta-rs reads from the checkpoint alone", same(d, 250) is None,
          same(d, 250))
    check("the position survives it", position(d) == 250, position(d))
    rc, done, err = write(d, 1, 5)
    check("and the writer goes on from it", rc == 0 and done == [255], err)


def shared_with_delta_rs(d):
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'")
    more = db.sql(
        "SELECT 255::INTEGER ind, NULL::VARCHAR title, NULL::DOUBLE[] "
        "coordinates, make_timestamptz(1600000000123456 + 255 * 1000001) "
        "AS timestamp, []::VARCHAR[] tags, "
        "NULL::STRUCT(latitude DOUBLE, longitude DOUBLE) AS place")
    write_deltalake(d, more, mode="append")
    DeltaTable(d).create_checkpoint()
    rc, done, err = write(d, 1, 5)
    check("the writer goes on after delta-rs appended and made a checkpoint",
          rc == 0 and done == [260], err)
    check("no row of either is lost", len(rows_of(d)) == 261, len(rows_of(d)))


def killed(folder):
    kills = 0
    for point in ("delta_before_data", "delta_before_log", "delta_after_log",
                  "delta_before_checkpoint"):
        for visit in (1, 2, 3):
            d = os.path.join(folder, f"{point}{visit}")
            rc, done, err = write(d, 12, 10, env={
                "PINLINE_KILL_AT": f"{point}:{visit}"})
            kills += rc == -9
            if os.path.isdir(os.path.join(d, "_delta_log")) and \
                    os.path.exists(os.path.join(d, "_delta_log", "0" * 20 + ".json")):
                at = position(d)
                check(f"killed at {point}:{visit}: what was said stands",
                      at >= (done[-1] if done else 0) and same(d, at) is None,
                      f"{done} {at} {same(d, at)}")
            rc, done, err = write(d, 3, 10)
            at = position(d)
            check(f"killed at {point}:{visit}: the next one goes on",
                  rc == 0 and at == done[-1] and same(d, at) is None,
                  f"{rc} {done} {at} {err} {same(d, at)}")
    check("kills happened", kills == 10, kills)


def two_writers(folder):
    d = os.path.join(folder, "two")
    write(d, 1, 10, topic="a")
    both = [write(d, 15, 10, topic=t, wait=False) for t in ("a", "b")]
    codes = [(p.communicate(timeout=120), p.returncode) for p in both]
    check("two writers of two topics both end", [c for _, c in codes] == [0, 0],
          codes)
    check("and each row stands once", len(rows_of(d)) == 10 + 300
          and position(d, "a") == 160 and position(d, "b") == 150,
          f"{len(rows_of(d))} {position(d, 'a')} {position(d, 'b')}")
    d = os.path.join(folder, "same")
    write(d, 1, 10)
    both = [write(d, 15, 10, wait=False) for _ in range(2)]
    codes = [(p.communicate(timeout=120), p.returncode) for p in both]
    check("of two writers of one topic the loser is fenced",
          all(c in (0, 3) for _, c in codes) and
          any(c == 0 for _, c in codes), codes)
    at = position(d)
    check("and no row is doubled or lost", same(d, at) is None, same(d, at))
    rc, _, err = write(d, 1, 10, pipeline="other")
    check("another pipeline is refused by name",
          rc == 1 and 'belongs to pipeline clean' in err, err)


with tempfile.TemporaryDirectory() as top:
    table = os.path.join(top, "pin")
    reads_back(table)
    checkpointed(table)
    shared_with_delta_rs(table)
    killed(top)
    two_writers(top)
sys.exit(finish())

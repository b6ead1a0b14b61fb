#!/usr/bin/env python3
"""A batch of a data interval: the same messages at every try, each row once."""
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time

from served import PINLINE, Server
from told import check, finish



def pinline(data, *args, expect=0):
    done = subprocess.run([PINLINE, "--data", data, *args], capture_output=True,
                          text=True, timeout=120, check=False)
    if expect is not None and done.returncode != expect:
        raise RuntimeError(f"pinline {args}: {done.returncode}\n{done.stderr}")
    return done


def now():
    time.sleep(0.02)
    text = datetime.datetime.now(datetime.timezone.utc).isoformat()
    time.sleep(0.02)
    return text.replace("+00:00", "Z")


def post(data, numbers, land=True):
    """One life of a server, which takes these pins; then they are landed."""
    with Server(data) as server:
        status, _ = server.produce("pin", [
            {"value": {"index": i, "title": f"t{i}", "category": "art"}} for i in numbers])
        assert status == 200, status
    if land:
        pinline(data, "sink", "objects")


def counts(done):
    """(messages, cleaned, duplicate) of pin, from what batch says."""
    line = next(l for l in done.stderr.splitlines() if l.startswith("pin:"))
    n = [int(w) for w in line.replace(":", " ").replace(",", " ").split()
         if w.isdigit()]
    return n[0], n[1], n[3]


def indexes(data):
    out = pinline(data, "query", "--format", "json", "--sql",
                  "SELECT ind FROM clean_pin ORDER BY ind").stdout
    return [row["ind"] for row in json.loads(out)]


def posts(done):
    """How many posts the answers of a batch are about."""
    return sum(row["posts"] for row in json.loads(done.stdout)["13"])


def intervals(root):
    data = os.path.join(root, "data")
    times = [now()]
    for numbers in ([1, 2, 3], [3, 4], [4, 5, 6, 7]):
        post(data, numbers)
        times.append(now())
    spans = [f"{a}/{b}" for a, b in zip(times, times[1:])]
    run = lambda i, *more: pinline(data, "batch", "--interval", spans[i],
                                   "--answers", "batch", "--format", "json", *more)
    second = run(1)
    check(counts(second) == (2, 1, 1), "an interval counts only its own messages")
    check(posts(second) == 1, "answers over a batch are over its interval's rows")
    check(indexes(data) == [1, 2, 3, 4],
          "the tables are brought to the interval's end, with what was missing before")
    again = run(1)
    check(counts(again) == counts(second) and again.stdout == second.stdout
          and indexes(data) == [1, 2, 3, 4],
          "a retry gives the same counts and answers and adds no row")
    first = run(0)
    check(counts(first) == (3, 3, 0) and posts(first) == 3
          and indexes(data) == [1, 2, 3, 4],
          "a backfill of an earlier interval is about its rows, which are there once")
    third = run(2, "--from", "topics")
    check(counts(third) == (4, 3, 1) and indexes(data) == list(range(1, 8)),
          "an interval can be read from the topics")
    status = json.loads(pinline(data, "status", "--format", "json").stdout)
    check(status["accounting"]["pin"]["closes"]
          and status["accounting"]["pin"]["pending"] == 0,
          "I7 batch: the sum closes after intervals, retries and backfills")
    full = pinline(data, "batch", "--full", "--format", "json")
    rest = pinline(data, "batch", "--format", "json")
    check(full.stdout == rest.stdout and indexes(data) == list(range(1, 8)),
          "after intervals a full batch finds the same rows")
    since = pinline(data, "batch", "--since", times[1], "--answers", "batch",
                    "--format", "json")
    check(counts(since) == (6, 4, 2) and posts(since) == 4,
          "--since counts what arrived since then")
    return data, spans


def journaled(data, spans):
    """What an interval holds does not move with the clock."""
    import sqlite3
    db = sqlite3.connect(os.path.join(data, "intervals.db"))
    rows = db.execute("SELECT first, next FROM range WHERE topic = 'pin' "
                      "ORDER BY from_us").fetchall()
    db.execute("UPDATE range SET next = 4 WHERE first = 3")
    db.commit()
    db.close()
    check(rows == [(0, 3), (3, 5), (5, 9)],
          "offsets of an interval are written down", rows)
    done = pinline(data, "batch", "--interval", spans[1], "--answers", "none")
    check(counts(done)[0] == 1, "a retry takes the offsets that were written down")


def refused(data, spans):
    for args, words in (
            (["--interval", "yesterday"], "is no interval"),
            (["--interval", "2026-02-01/2026-01-01"], "ends before it begins"),
            (["--interval", spans[0], "--full"], "only one of"),
            (["--since", "later"], "is no time")):
        done = pinline(data, "batch", *args, expect=None)
        check(done.returncode == 2 and words in done.stderr,
              f"batch {' '.join(args[:1])}: {words}", done.stderr)


def unlanded(root):
    data = os.path.join(root, "behind")
    begin = now()
    post(data, [1])
    post(data, [2], land=False)
    end = now()
    over = pinline(data, "batch", "--interval", f"{begin}/{end}", expect=None)
    check(over.returncode == 2 and "land them first" in over.stderr,
          "an interval that is over waits for what was not landed", over.stderr)
    today = pinline(data, "batch", "--interval", f"{begin}/2100-01-01",
                    "--answers", "none")
    check(counts(today)[0] == 1, "an interval that is not over takes what is there")
    pinline(data, "sink", "objects")
    late = pinline(data, "batch", "--interval", f"{begin}/2100-01-01",
                   "--answers", "none")
    check(counts(late)[0] == 2, "and the next time what came meanwhile")


def files(root, data):
    for kind, magic in (("csv", b"category,posts"), ("parquet", b"PAR1")):
        out = os.path.join(root, kind)
        done = pinline(data, "batch", "--format", kind, "--out", out)
        names = done.stdout.split()
        with open(os.path.join(out, f"13.{kind}"), "rb") as f:
            begins = f.read(len(magic))
        check(len(names) == 15 and begins == magic,
              f"batch --format {kind} writes a file for each answer")
    done = pinline(os.path.join(root, "ran"), "run", "--rows", "50", "--format", "csv")
    names = os.listdir(os.path.join(root, "ran", "answers"))
    check("answers" in done.stdout.lower() and len(names) == 15,
          "run --format csv writes a file for each answer beside its report")


def main():
    with tempfile.TemporaryDirectory() as root:
        data, spans = intervals(root)
        refused(data, spans)
        files(root, data)
        journaled(data, spans)
        unlanded(root)
    sys.exit(finish())


main()

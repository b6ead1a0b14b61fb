#!/usr/bin/env python3
"""`stream` from topics of a real Apache Kafka into topics of it: what a reader
of committed records gets are the rows that `clean` prints and that the stream
into Delta tables has, beside sums, positions, dead letters and metrics.

One broker for all cases; words on the command line choose.
"""
import collections
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kafka_side import PINLINE, Server, committed, name_of, run_cases  # noqa: E402
from told import check, same, soon  # noqa: E402

from confluent_kafka import Producer  # noqa: E402
from deltalake import DeltaTable, QueryBuilder  # noqa: E402

TABLES = ("pin", "geo", "user")
TO_KAFKA = ("--set", "stream.sink=kafka")


def named(prefix):
    return ("--set", f"prefix={prefix}")


def produce(k, topic, values):
    p = Producer({"bootstrap.servers": k.bootstrap, "acks": "all"})
    for v in values:
        p.produce(topic, v if v is None or isinstance(v, bytes) else json.dumps(v).encode())
        p.poll(0)
    p.flush(60)


def person(ind, age=30):
    return {"ind": ind, "first_name": "A", "last_name": f"B{ind}", "age": age,
            "date_joined": "2016-01-01 00:00:00"}


def accounting(k, name, *words):
    return json.loads(k.pinline(name, "status", "--format", "json", *words))["accounting"]


def cleaned(k, prefix, table):
    """What `clean` makes of a topic's messages, line by line."""
    raw = k.data(f"{prefix}.{table}.jsonl")
    with open(raw, "wb") as f:
        f.write(k.kcat("-C", "-e", "-t", f"{prefix}.{table}", "-o", "0"))
    done = subprocess.run([PINLINE, "--data", k.data("none"), "clean", "--table", table, raw],
                          capture_output=True, timeout=120, check=True)
    return done.stdout.splitlines()


def job(k):
    """Rows of the generator, bad ones and duplicates among them."""
    prefix, rows = name_of("job"), k.data("rows")
    subprocess.run([PINLINE, "generate", "--rows", "2000", "--seed", "5", "--bad", "0.03",
                    "--duplicates", "0.05", "--out", rows], capture_output=True, check=True)
    k.pinline("job", *named(prefix), "topics", "create", *(f"{prefix}.{t}" for t in TABLES))
    for t in TABLES:
        with open(os.path.join(rows, t + ".jsonl"), "rb") as f:
            produce(k, f"{prefix}.{t}", f.read().splitlines() + [b'{"broken'])
    said = k.pinline("job", "stream", "--once", "--sink", "kafka", *named(prefix),
                     "--set", "stream.trigger_rows=300").decode()
    k.pinline("delta", "stream", "--once", *named(prefix))
    for t in TABLES:
        got = committed(k.bootstrap, f"{prefix}.clean.{t}")
        values = [v for _, v, _ in got]
        same(f"stream: the records of clean.{t} are the lines of `clean`", values,
             cleaned(k, prefix, t))
        check(all(key == str(json.loads(v)["ind"]).encode() for key, v, _ in got),
              f"the key of a record of clean.{t} is its ind")
        folder = os.path.join(k.data("delta"), "lake", "clean", t)
        table = QueryBuilder().register("t", DeltaTable(folder)).execute(
            "SELECT ind FROM t").read_all()
        same(f"and those that the stream into Delta has of {t}",
             sorted(json.loads(v)["ind"] for v in values), sorted(table.column(0).to_pylist()))
    words = (*named(prefix), *TO_KAFKA)
    ours, theirs = accounting(k, "job", *words), accounting(k, "delta", *named(prefix))
    check(all(a["closes"] and a["pending"] == 0 and a["rejected"] > 0 for a in ours.values())
          and len(ours) == 3, "I7 kafka: every sum of a stream into topics closes", ours)
    same("and is that of the stream into Delta", ours, theirs)
    commits = [int(n) for n in re.findall(r"in (\d+) commits", said)]
    check(len(commits) == 3 and min(commits) >= 6, "stream.trigger_rows commits by rows", said)
    with contextlib.closing(sqlite3.connect(os.path.join(k.data("job"), "ledger.db"))) as db:
        letters = db.execute("SELECT count(*), count(DISTINCT topic || '/' || at || '/' || sub) "
                             "FROM letter").fetchone()
    same("what is rejected is a dead letter, once", letters,
         (sum(a["rejected"] for a in ours.values()),) * 2)
    again = k.pinline("job", "stream", "--once", *words).decode()
    check(again.count(": 0 messages") == 3, "a second stream has nothing to add", again)
    lag = k.pinline("job", "topics", "lag", *named(prefix)).decode()
    mine = [line.split() for line in lag.splitlines() if f" {prefix}." in line]
    check(len([w for w in mine if w[0].startswith("pinline-") and w[0].endswith(".stream")
               and w[-1] == "0" and int(w[3]) > 0]) == 6,
          "topics lag shows the groups of both streams at the ends", lag)


def places(k):
    """Where the rows go: names, partitions, keys; deduplication goes on."""
    prefix, out = name_of("places"), name_of("out")
    topic = f"{prefix}.user"
    words = (*named(prefix), "--set", f"kafka.topics=user={out}", *TO_KAFKA)
    k.pinline("places", "topics", "create", topic, out, "--partitions", "3")
    produce(k, topic, [person(i) for i in range(60)] * 2)
    k.pinline("places", "stream", "--once", *words, "--set", "kafka.key=user=user_name")
    produce(k, topic, [person(i) for i in range(30, 90)] + [{"ind": None}])
    k.pinline("places", "stream", "--once", *words, "--set", "kafka.key=user=user_name")
    got = committed(k.bootstrap, out)
    same("rows that came in an earlier stream are duplicates in the next",
         sorted(json.loads(v)["ind"] for _, v, _ in got), list(range(90)))
    check(len({p for _, _, p in got}) == 3 and all(
        key.decode() == json.loads(v)["user_name"] for key, v, _ in got),
        "rows go to the topic that kafka.topics names, placed by the key in kafka.key")
    want = collections.Counter(p for _, _, p in committed(k.bootstrap, out))
    os.remove(os.path.join(k.data("places"), "seen", "stream", "user", "_pinline.seen.at"))
    produce(k, topic, [person(i) for i in range(90)])
    k.pinline("places", "stream", "--once", *words)
    same("a set of seen rows that is gone is made anew from the topics",
         collections.Counter(p for _, _, p in committed(k.bootstrap, out)), want)
    check(accounting(k, "places", *words)[topic]["closes"], "I7 kafka: and the sum closes")


def served(k):
    """Inside serve: rows posted are rows in the topics, soon; SIGTERM."""
    prefix = name_of("served")
    k.pinline("served", *named(prefix), "topics", "create", *(f"{prefix}.{t}" for t in TABLES))
    words = (*named(prefix), *TO_KAFKA)
    with Server(k, "served", *words, "--set", "stream.enabled=true", "--set",
                "stream.trigger=500ms", "--set", "objects.enabled=false") as s:
        s.produce(f"{prefix}.user", [{"value": person(i)} for i in range(50)])
        check(soon(lambda: "pinline_stream_rows_total{table=\"user\"} 50" in s.call(
            "GET", "/metrics")[1]), "/metrics counts the rows of a stream into topics")
        s.produce(f"{prefix}.user", [{"value": person(i)} for i in range(50, 80)])
    got = committed(k.bootstrap, f"{prefix}.clean.user")
    check(soon(lambda: sorted(json.loads(v)["ind"] for _, v, _ in committed(
        k.bootstrap, f"{prefix}.clean.user")) == list(range(80)), 20),
        "I15 kafka: rows posted to serve are in the cleaned topic after SIGTERM", len(got))


def refused(k):
    """What cannot be."""
    def no(name, *words, embedded=False):
        broker = [] if embedded else ["--broker", k.url]
        done = subprocess.run([PINLINE, "--data", k.data(name), "stream", "--once", *TO_KAFKA,
                               *words, *broker], capture_output=True, text=True, timeout=120,
                              check=False)
        return done.returncode, done.stderr

    prefix, out = name_of("refused"), name_of("out")
    words = (*named(prefix), "--set", f"kafka.topics=user={out}")
    topic = f"{prefix}.user"
    subprocess.run([PINLINE, "--data", k.data("here"), "topics", "create", "user"], check=True)
    code, said = no("here", embedded=True)
    check(code == 2 and "topics of the same cluster" in said,
          "topics of the data directory are refused as a source, with the reason", said)
    code, said = no("first", "--full", *words)
    check(code == 2 and "cannot be replaced" in said, "--full is refused", said)
    code, said = no("first", *words, "--set", f"kafka.topics=pin={topic}")
    check(code == 2 and "feeds the table" in said, "a topic that is a source is refused", said)
    code, said = no("first", *words, "--set", "kafka.key=user=nobody")
    check(code == 2 and "nobody" in said, "a key that is no column is refused", said)
    k.pinline("first", "topics", "create", topic)
    produce(k, topic, [person(1)])
    check(no("first", *words)[0] == 0, "a first data directory writes its rows")
    code, said = no("second", *words)
    check(code == 1 and "would write them once more" in said,
          "a second one with a group of its own is refused", (code, said))
    k.kt("kafka-configs", "--alter", "--topic", out, "--add-config", "max.message.bytes=2000")
    produce(k, topic, [{**person(2), "first_name": "x" * 5000}])
    code, said = no("first", *words)
    check(code == 1 and "max.message.bytes" in said,
          "a row that the topic does not take ends the stream, and says what to do",
          (code, said))


if __name__ == "__main__":
    sys.exit(run_cases({"job": job, "places": places, "served": served, "refused": refused}))

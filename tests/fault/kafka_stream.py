#!/usr/bin/env python3
"""kafka_stream.py [points|load|zombie|away]... - streams into topics of a real Apache
Kafka under kill -9: at every fault point, at random under load, and one that is
stopped while another takes over; and with a broker that is killed (I4, I7, I13, I15).

An undisturbed stream of the same topics into others is the truth; a reader of
committed records reads both.  ROUNDS (default 1) repeats the points with other
data; SECONDS (default 4) is how long records come.
"""
import collections
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from kafka_side import PINLINE, committed, name_of, run_cases  # noqa: E402
import far  # noqa: E402
import sinks  # noqa: E402
from told import check, soon  # noqa: E402

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "1"))
SECONDS = float(os.environ.get("SECONDS", "4"))
TABLES = ("pin", "geo", "user")
POINTS = ["batch_before_commit", "kafka_before_put", "kafka_after_put",
          "kafka_before_commit", "kafka_after_commit", "stream_after_commit"]


def words_of(k, prefix, out, *more):
    names = ",".join(f"{t}={out}.{t}" for t in TABLES)
    sets = (f"prefix={prefix}", "stream.sink=kafka", f"kafka.topics={names}", *more)
    return ["--broker", k.url, *(w for s in sets for w in ("--set", s))]


def made(k, data, prefix, partitions=1):
    sinks.pinline(data, "topics", "create", *(f"{prefix}.{t}" for t in TABLES),
                  "--partitions", str(partitions), "--broker", k.url)


def values(k, topic):
    """How often each record is there."""
    return collections.Counter(v for _, v, _ in committed(k.bootstrap, topic))


def held(k, topic):
    """How far a reader of committed records can get: what is undecided ends it."""
    c = Consumer({"bootstrap.servers": k.bootstrap, "group.id": "held",
                  "isolation.level": "read_committed"})
    try:
        found = c.list_topics(timeout=30).topics.get(topic)
        return sum(c.get_watermark_offsets(TopicPartition(topic, p), timeout=30)[1]
                   for p in (found.partitions if found else ()))
    except KafkaException:
        return 0  # it is just coming back
    finally:
        c.close()


def letters(data):
    """(topic, partition, offset, number in it, reason) of each."""
    with contextlib.closing(sqlite3.connect(f"{data}/ledger.db")) as db:
        return sorted(db.execute("SELECT topic, part, at, sub, reason FROM letter"))


def accounting(data, words):
    return json.loads(sinks.pinline(data, "status", "--format", "json",
                                    *words).stdout)["accounting"]


def fill(k, prefix, rng, n):
    """Records of all sorts, duplicates and broken ones among them."""
    import base64
    p = Producer({"bootstrap.servers": k.bootstrap, "acks": "all"})
    for topic, kind, record in sinks.make_rows(rng, n):
        v = record["value"]
        if kind == "binary":
            v = base64.b64decode(v)
        elif v is not None:
            v = json.dumps(v).encode()
        p.produce(f"{prefix}.{topic}", v)
    p.flush(60)


def points(k):
    for number in range(ROUNDS):
        prefix, data = name_of("points"), k.data(f"killed{number}")
        made(k, data, prefix)
        fill(k, prefix, random.Random(number), 60)
        truth_words = words_of(k, prefix, prefix + ".truth")
        sinks.pinline(data + ".truth", "stream", "--once", *truth_words)
        truth = {t: values(k, f"{prefix}.truth.{t}") for t in TABLES}
        check(all(truth.values()) and all(max(c.values()) == 1 for c in truth.values()),
              "an undisturbed stream made rows of every table, each once")
        words = words_of(k, prefix, prefix + ".out", "stream.trigger_rows=20")
        kills = 0
        for visit in (1, 2, 4):
            for point in POINTS:
                kills += sinks.kill_at(data, point, visit, "stream", "--once", *words)
        sinks.pinline(data, "stream", "--once", *words)
        got = {t: values(k, f"{prefix}.out.{t}") for t in TABLES}
        check(kills >= 10, f"kafka: {kills} kills happened")
        check(got == truth, "I4 kafka: after kill -9 at every point of a commit a reader "
              "of committed records gets each clean row once")
        check(letters(data) == letters(data + ".truth") and letters(data),
              "and each dead letter is there once")
        sums = accounting(data, words)
        check(all(a["closes"] and a["pending"] == 0 for a in sums.values()) and len(sums) == 3,
              "I7 kafka: every sum closes after kills", sums)
        again = sinks.pinline(data, "stream", "--once", *words).stdout
        check(again.count(": 0 messages") == 3, "and a stream after that has nothing to add", again)


class Load:
    """Rows of user, each twice, a broken record now and then; until end()."""

    def __init__(self, k, topic):
        self.topic, self.n, self.bad = topic, 0, 0
        self.over = threading.Event()
        self.producer = Producer({"bootstrap.servers": k.bootstrap, "acks": "all",
                                  "enable.idempotence": True})
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            for _ in range(20):
                v = json.dumps({"ind": self.n, "first_name": "A", "last_name": f"B{self.n}",
                                "age": 30, "date_joined": "2016-01-01 00:00:00"}).encode()
                self.producer.produce(self.topic, v, key=b"%d" % self.n)
                if self.n % 7 == 0:
                    self.producer.produce(self.topic, v, key=b"%d" % (self.n + 1))
                self.n += 1
            self.producer.produce(self.topic, b"{broken %d" % self.n)
            self.bad += 1
            self.producer.poll(0)
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def end(self):
        self.__exit__()
        if self.producer.flush(60):
            raise RuntimeError("records could not be produced")


class Stream:
    def __init__(self, data, words, **env):
        self.log = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen([PINLINE, "--data", data, "stream", *words],
                                        stdout=self.log, stderr=self.log,
                                        env={**os.environ, **env})

    def sleeps(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "T"

    def end(self, sig):
        self.process.send_signal(sig)
        return self.process.wait(60)

    def said(self):
        self.log.seek(0)
        return self.log.read()[-800:]


def landed(k, topic, n):
    """What is wrong with the rows of user, when all of 0..n-1 should be there."""
    got = collections.Counter(json.loads(v)["ind"] for v in values(k, topic).elements())
    twice = sorted(i for i, c in got.items() if c > 1)
    missing = sorted(set(range(n)) - set(got))
    return "" if not twice and not missing and len(got) == n else (
        f"{n} wanted, {len(got)} there; twice {twice[:20]}, missing {missing[:20]}")


def load(k):
    prefix, data = name_of("load"), k.data("load")
    made(k, data, prefix, 3)
    words = words_of(k, prefix, prefix + ".out", "stream.trigger=500ms", "stream.trigger_rows=300")
    draw = random.Random(ROUNDS)
    kills = 0
    with Load(k, f"{prefix}.user") as posts:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until or kills < 3:
            s = Stream(data, words)
            time.sleep(draw.uniform(0.5, 2))
            check(s.end(signal.SIGKILL) == -signal.SIGKILL, "it runs until it is killed", s.said())
            kills += 1
        s = Stream(data, words)
        time.sleep(1.5)
        check(s.end(signal.SIGTERM) == 0, "I15 kafka: SIGTERM under load ends it with 0", s.said())
        posts.end()
    sinks.pinline(data, "stream", "--once", *words)
    wrong = landed(k, f"{prefix}.out.user", posts.n)
    check(not wrong, f"I4 kafka: {posts.n} rows under {kills} kills at random, each once", wrong)
    sums = accounting(data, words)[f"{prefix}.user"]
    check(sums["closes"] and sums["rejected"] == posts.bad and sums["cleaned"] == posts.n
          and len(letters(data)) == posts.bad, "I7 kafka: the sum closes, dead letters are there once",
          sums, posts.bad)


def taken_over(k, prefix, where, posts):
    """One sleeps in the middle of a commit, or anywhere; another takes over."""
    first, second = (k.data(f"{prefix}.{x}") for x in "ab")
    words = words_of(k, prefix, prefix + ".out", f"group={prefix}", "stream.trigger=500ms",
                     "stream.trigger_rows=300")
    a = Stream(first, words, **({"PINLINE_STOP_AT": where + ":3"} if where else {}))
    if where:
        check(soon(a.sleeps), f"it sleeps at {where}", a.said())
    else:
        soon(lambda: held(k, f"{prefix}.out.user") > 100, pause=0.2)
        a.process.send_signal(signal.SIGSTOP)
    before = held(k, f"{prefix}.out.user")
    b = Stream(second, words)
    check(soon(lambda: held(k, f"{prefix}.out.user") > before + 200, pause=0.2),
          f"kafka: while one sleeps {where or 'anywhere'}, another of its group goes on", b.said())
    a.process.send_signal(signal.SIGCONT)
    soon(lambda: a.process.poll() is not None)
    check(a.process.poll() == 1 and "another process has taken over" in a.said(),
          "the one that wakes up is fenced, ends and says why", a.process.poll(), a.said())
    check(b.process.poll() is None, "the other goes on", b.said())
    posts.end()
    check(b.end(signal.SIGTERM) == 0, "and ends as it is asked to", b.said())
    sinks.pinline(second, "stream", "--once", *words)
    a.process.kill()
    wrong = landed(k, f"{prefix}.out.user", posts.n)
    check(not wrong, f"I4 kafka: of both together each of {posts.n} rows is there once", wrong)


def zombie(k):
    for where in ("", "kafka_before_commit", "kafka_after_put"):
        prefix = name_of("zombie")
        made(k, k.data(prefix), prefix, 2)
        with Load(k, f"{prefix}.user") as posts:
            taken_over(k, prefix, where, posts)


def away(k):
    """The broker is killed under load and comes back; then it is gone
    when the stream is asked to end."""
    prefix, data = name_of("away"), k.data("away")
    made(k, data, prefix, 2)
    words = words_of(k, prefix, prefix + ".out", "stream.trigger=500ms", "stream.trigger_rows=300")

    def node(sig):
        os.kill(int(far.call("kafka", "status", "--dir", k.values["dir"])["node1_pid"]), sig)

    def back():
        far.call("kafka", "restart", "--dir", k.values["dir"])

    with Load(k, f"{prefix}.user") as posts:
        s = Stream(data, words)
        before = 0
        for _ in range(ROUNDS):
            soon(lambda: held(k, f"{prefix}.out.user") > before + 200, pause=0.2)
            before = held(k, f"{prefix}.out.user")
            node(signal.SIGKILL)
            time.sleep(2)
            back()
        check(soon(lambda: held(k, f"{prefix}.out.user") > before + 400, pause=0.2),
              "I13 kafka: a stream into topics goes on when the killed broker is back", s.said())
        check(s.process.poll() is None, "it is still the same process", s.said())
        posts.end()
    node(signal.SIGSTOP)
    time.sleep(0.5)
    began = time.monotonic()
    s.process.send_signal(signal.SIGTERM)
    soon(lambda: s.process.poll() is not None, 3 * sinks.STOP_SECONDS)
    took = time.monotonic() - began
    check(s.process.poll() is not None and took < sinks.STOP_SECONDS,
          "I15 kafka: it ends in its time while the broker hangs", took, s.said())
    s.process.kill()
    node(signal.SIGCONT)
    sinks.pinline(data, "stream", "--once", *words)
    wrong = landed(k, f"{prefix}.out.user", posts.n)
    check(not wrong, f"I13 kafka: of {posts.n} rows each is there once", wrong)
    check(accounting(data, words)[f"{prefix}.user"]["closes"], "I7 kafka: and the sum closes")


if __name__ == "__main__":
    sys.exit(run_cases({"points": points, "load": load, "zombie": zombie, "away": away}))

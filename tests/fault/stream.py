#!/usr/bin/env python3
"""stream under kill -9 at every fault point, SIGTERM under load, and against
the batch: the same rows in tables of the same shape (I4, I6, I7, I15).

The tables of an undisturbed batch are the truth; delta-rs reads both, and
reads what a kill leaves behind.  ROUNDS (default 2) repeats it with other
data.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import lake  # noqa: E402

lake.need_venv()
from deltalake import DeltaTable, QueryBuilder  # noqa: E402

import sinks  # noqa: E402
from sinks import check, pinline  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "2"))
TABLES = ("pin", "geo", "user")
POINTS = ["batch_before_commit", "delta_before_data", "delta_before_log",
          "delta_after_log", "delta_before_checkpoint", "stream_after_commit"]


def rows(folder):
    """All rows of a table as delta-rs reads them, sorted."""
    log = os.path.join(folder, "_delta_log")
    if not os.path.exists(os.path.join(log, f"{0:020d}.json")):
        return []
    got = QueryBuilder().register("t", DeltaTable(folder)).execute(
        "SELECT * FROM t").read_all()
    columns = [got.column(i).to_pylist() for i in range(got.num_columns)]
    return sorted(zip(*columns), key=repr)


def all_rows(folder):
    return {t: rows(os.path.join(folder, t)) for t in TABLES}


def accounting(data, *args):
    return json.loads(pinline(data, "status", "--format", "json",
                              *args).stdout)["accounting"]


def letters(data):
    return sorted(line.split(None, 2)[-1] for line in pinline(
        data, "replay", "list").stdout.splitlines())


def stream_args(*more):
    return ["stream", "--once", "--set", "stream.trigger_rows=3", *more]


def killed_round(root, number):
    data = os.path.join(root, "data")
    sinks.fill(data, random.Random(number), 60)
    apart = f"tables.dir={root}/batch"
    pinline(data, "batch", "--from", "topics", "--answers", "none", "--set", apart)
    truth = all_rows(f"{root}/batch")
    check(all(truth.values()), "the batch made rows of every table")
    kills = 0
    readable = True
    tables = f"{data}/lake/clean"
    for visit in (1, 2):
        for point in POINTS:
            kills += sinks.kill_at(data, point, visit, *stream_args())
            for t in TABLES:
                got = rows(os.path.join(tables, t))
                rest = list(truth[t])
                for r in got:
                    if r in rest:
                        rest.remove(r)
                    else:
                        readable = False
    check(kills >= 6, f"stream: {kills} kills happened")
    check(readable, "I6 delta: delta-rs reads what every kill of a stream leaves, "
          "each row at most once")
    pinline(data, *stream_args())
    got = all_rows(tables)
    check(got == truth, "I4 delta: a killed stream ends with the rows of an "
          "undisturbed batch, each once")
    check(all(a["closes"] and a["pending"] == 0 for a in accounting(data).values()),
          "I7 stream: every sum closes")
    shapes = {t: [DeltaTable(os.path.join(d, t)).schema().to_json()
                  for d in (tables, f"{root}/batch")] for t in TABLES}
    check(all(a == b for a, b in shapes.values()),
          "stream and batch write tables of the same shape")
    pinline(data, *stream_args())
    check(all_rows(tables) == truth, "a second stream has nothing to add")
    refused = pinline(data, "batch", "--answers", "none", "--from", "topics",
                      expect=None)
    check(refused.returncode != 0 and "belongs to pipeline stream" in refused.stderr
          and "tables.dir" in refused.stderr,
          "batch is refused where stream owns the tables, with the way out")
    refused = pinline(data, "stream", "--once", "--set", apart, expect=None)
    check(refused.returncode != 0 and "belongs to pipeline batch" in refused.stderr,
          "and stream where batch does")
    pinline(data, "stream", "--once", "--full")
    check(all_rows(tables) == truth, "stream --full makes the same rows anew")
    check(all(a["closes"] for a in accounting(data).values()),
          "I7 stream: every sum closes after --full")


def post_all(base, stop, acknowledged, number):
    """Rows that differ, until stopped."""
    i = 0
    while not stop.is_set():
        values = [{"ind": number * 1000000 + i + k, "first_name": "A",
                   "last_name": f"B{i + k}", "age": 30,
                   "date_joined": "2016-01-01 00:00:00"} for k in range(20)]
        i += 20
        body = json.dumps({"records": [{"value": v} for v in values]}).encode()
        request = urllib.request.Request(
            f"{base}/topics/user", body,
            {"Content-Type": "application/vnd.kafka.json.v2+json"})
        try:
            with urllib.request.urlopen(request, timeout=5):
                acknowledged.update(v["ind"] for v in values)
        except (OSError, ValueError):
            return


def user_inds(folder):
    return sorted(r[0] for r in rows(os.path.join(folder, "user")))


def served_round(root):
    """Inside serve, stopped by SIGTERM and by SIGKILL under load."""
    data = os.path.join(root, "served")
    acknowledged = set()
    for life in range(4):
        server = sinks.Server(data, "stream.enabled=true", "stream.trigger=300ms",
                              "objects.enabled=false")
        base = server.base.rstrip("/")
        stop = threading.Event()
        threads = [threading.Thread(target=post_all, args=(
            base, stop, acknowledged, life * 10 + k)) for k in range(3)]
        for t in threads:
            t.start()
        time.sleep(1.2)
        if life == 1:
            with urllib.request.urlopen(base + "/metrics", timeout=5) as answer:
                text = answer.read().decode()
            check('pinline_stream_lag_messages{table="user"}' in text
                  and 'pinline_stream_latency_seconds_count{table="user"}' in text,
                  "/metrics shows lag and latency of the stream")
        if life % 2 == 0:
            server.process.kill()
            server.process.wait()
        else:
            began = time.monotonic()
            check(server.stop() == 0 and time.monotonic() - began < 10,
                  "I15 stream: SIGTERM under load ends it within 10 s, exit code 0")
        stop.set()
        for t in threads:
            t.join()
    pinline(data, "stream", "--once")
    got = user_inds(f"{data}/lake/clean")
    check(len(got) == len(set(got)), "I4 delta: nothing twice after kills of serve")
    check(acknowledged <= set(got),
          "I1 delta: every acknowledged record is in the table after kills of serve")
    check(accounting(data)["user"]["closes"], "I7 stream: the sum closes after kills")


def followed_round(root):
    """stream beside a server, its triggers, --until-offset, SIGTERM."""
    data = os.path.join(root, "beside")
    server = sinks.Server(data, "objects.enabled=false")
    folder = f"{data}/lake/clean"

    def post(first, n):
        server.post("geo", [{"value": {
            "ind": first + i, "timestamp": "2019-05-05 01:02:03", "latitude": 1.5,
            "longitude": -2.25, "country": "Aruba"}} for i in range(n)], "json")

    def follow(*args):
        return subprocess.Popen(
            [sinks.PINLINE, "--data", data, "stream", *args], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    post(0, 5)
    p = follow("--trigger", "500ms")
    waited = time.monotonic()
    while len(rows(f"{folder}/geo")) < 5 and time.monotonic() - waited < 20:
        time.sleep(0.05)
    post(5, 7)
    waited = time.monotonic()
    while len(rows(f"{folder}/geo")) < 12 and time.monotonic() - waited < 20:
        time.sleep(0.05)
    check(time.monotonic() - waited < 5,
          "a record is in the table soon after its trigger")
    other = pinline(data, "stream", "--once", expect=None)
    check(other.returncode != 0 and "stream" in other.stderr,
          "a second stream is refused while one runs")
    post(12, 3)
    began = time.monotonic()
    p.send_signal(signal.SIGTERM)
    out, _ = p.communicate(timeout=20)
    check(p.returncode == 0 and time.monotonic() - began < 10,
          "I15 stream: SIGTERM ends it with exit code 0")
    check(len(rows(f"{folder}/geo")) == 15 and "geo: 15 messages" in out,
          "and lands what was there")
    p = follow("--until-offset", "20", "--set", "stream.trigger_rows=2")
    time.sleep(0.3)
    post(15, 5)
    for topic in ("pin", "user"):
        server.post(topic, [{"value": {"index" if topic == "pin" else "ind": i}}
                            for i in range(20)], "json")
    out, err = p.communicate(timeout=30)
    check(p.returncode == 0 and len(rows(f"{folder}/geo")) == 20,
          f"--until-offset ends when it is reached {err}")
    server.stop()


def main():
    for number in range(ROUNDS):
        with tempfile.TemporaryDirectory() as root:
            began = time.time()
            killed_round(root, number)
            if number == 0:
                followed_round(root)
                served_round(root)
            print(f"# round {number}: {time.time() - began:.1f} s")
    print(f"{sinks.passed} passed, {sinks.failed} failed")
    sys.exit(1 if sinks.failed else 0)


main()

#!/usr/bin/env python3
"""stream.py [s3] - stream under kill -9 at every fault point, SIGTERM under
load, and against the batch: the same rows in tables of the same shape (I4, I6,
I7, I15).  With `s3` the tables lie in a bucket, whose server is stopped under
load too (I13).

The tables of an undisturbed batch are the truth; delta-rs reads both, and
reads what a kill leaves behind.  ROUNDS (default 1) repeats it with other
data; STREAM_COMMITS is how often one stream commits.
"""
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import far  # noqa: E402
import lake  # noqa: E402

lake.need_venv()
from deltalake import DeltaTable, QueryBuilder  # noqa: E402

import sinks  # noqa: E402
from sinks import Posters, pinline, post_users  # noqa: E402
from told import check, finish, soon, tries  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "1"))
COMMITS = int(os.environ.get("STREAM_COMMITS", "400"))
TABLES = ("pin", "geo", "user")
POINTS = ["batch_before_commit", "delta_before_data", "delta_before_log",
          "delta_after_log", "delta_before_checkpoint", "delta_before_compact",
          "stream_after_commit"]


S3 = {}  # the bucket's server, when there is one


def use(s3):
    """The environment that pinline and delta-rs read."""
    S3.update(s3)
    os.environ.update(AWS_ENDPOINT_URL=s3["url"], AWS_ACCESS_KEY_ID=s3["access_key"],
                      AWS_SECRET_ACCESS_KEY=s3["secret_key"],
                      AWS_REGION=s3["region"], AWS_ALLOW_HTTP="true")


def tables_of(data, name):
    """Where the stream's tables lie, and the words that say so."""
    if not S3:
        return f"{data}/lake/clean", []
    url = f"s3://{S3['bucket']}/{name}-{os.path.basename(os.path.dirname(data))}"
    return url, ["--set", f"tables.dir={url}"]


def rows(folder):
    """All rows of a table as delta-rs reads them, sorted."""
    first = f"{folder}/_delta_log/{0:020d}.json"
    if folder.startswith("s3://"):
        first = first.replace(f"s3://{S3['bucket']}", S3["folder"])
    if not os.path.exists(first):
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
    return ["stream", "--once", "--set", "stream.trigger_rows=3", "--set",
            "stream.compact_every=30ms", "--set", "stream.compact_files=2", *more]


def killed_round(root, number):
    data = os.path.join(root, "data")
    sinks.fill(data, random.Random(number), 60)
    apart = f"tables.dir={root}/batch"
    pinline(data, "batch", "--from", "topics", "--answers", "none", "--set", apart)
    truth = all_rows(f"{root}/batch")
    check(all(truth.values()), "the batch made rows of every table")
    kills = 0
    readable = True
    what = "delta on S3" if S3 else "delta"
    tables, words = tables_of(data, "killed")
    for visit in (1, 2):
        for point in POINTS:
            kills += sinks.kill_at(data, point, visit, *stream_args(*words))
            for t in TABLES:
                got = rows(os.path.join(tables, t))
                rest = list(truth[t])
                for r in got:
                    if r in rest:
                        rest.remove(r)
                    else:
                        readable = False
    check(kills >= 6, f"stream: {kills} kills happened")
    check(readable, f"I6 {what}: delta-rs reads what every kill of a stream leaves, "
          "each row at most once")
    pinline(data, *stream_args(*words))
    got = all_rows(tables)
    check(got == truth, f"I4 {what}: a killed stream ends with the rows of an "
          "undisturbed batch, each once")
    check(all(a["closes"] and a["pending"] == 0 for a in accounting(data, *words).values()),
          "I7 stream: every sum closes")
    shapes = {t: [DeltaTable(os.path.join(d, t)).schema().to_json()
                  for d in (tables, f"{root}/batch")] for t in TABLES}
    check(all(a == b for a, b in shapes.values()),
          "stream and batch write tables of the same shape")
    pinline(data, *stream_args(*words))
    check(all_rows(tables) == truth, "a second stream has nothing to add")
    refused = pinline(data, "batch", "--answers", "none", "--from", "topics", *words,
                      expect=None)
    check(refused.returncode != 0 and "belongs to pipeline stream" in refused.stderr
          and "tables.dir" in refused.stderr,
          "batch is refused where stream owns the tables, with the way out")
    refused = pinline(data, "stream", "--once", "--set", apart, expect=None)
    check(refused.returncode != 0 and "belongs to pipeline batch" in refused.stderr,
          "and stream where batch does")
    pinline(data, "stream", "--once", "--full", *words)
    check(all_rows(tables) == truth, "stream --full makes the same rows anew")
    check(all(a["closes"] for a in accounting(data, *words).values()),
          "I7 stream: every sum closes after --full")


def user_inds(folder):
    return sorted(r[0] for r in rows(os.path.join(folder, "user")))


def served_round(root):
    """Inside serve, stopped by SIGTERM and by SIGKILL under load."""
    data = os.path.join(root, "served")
    tables, words = tables_of(data, "served")
    acknowledged = set()
    for life in range(4):
        server = sinks.Server(data, "stream.enabled=true", "stream.trigger=300ms",
                              "objects.enabled=false", "stream.compact_every=100ms",
                              "stream.compact_files=3", *words[1:])
        posters = Posters(server, post_users, acknowledged,
                          range(life * 10, life * 10 + 3))
        time.sleep(1.2)
        if life == 1:
            names = ("lag_messages", "latency_seconds_count")
            check(soon(lambda: all(f'pinline_stream_{n}{{table="user"}}' in server.get(
                "/metrics")[1] for n in names)), "/metrics shows lag and latency of the stream")
        if life % 2 == 0:
            server.stop(signal.SIGKILL)
        else:
            server.ends("I15 stream: SIGTERM under load ends it in its time, exit code 0")
        posters.end()
    pinline(data, "stream", "--once", *words)
    got = user_inds(tables)
    check(len(got) == len(set(got)), "I4 delta: nothing twice after kills of serve")
    check(acknowledged <= set(got),
          "I1 delta: every acknowledged record is in the table after kills of serve")
    check(accounting(data, *words)["user"]["closes"], "I7 stream: the sum closes after kills")


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

    def until(n):
        """Seconds until so many rows are there."""
        began = time.monotonic()
        soon(lambda: len(rows(f"{folder}/geo")) >= n)
        return time.monotonic() - began

    bound = max(5, 3 * until(5))
    there = 5

    def more():
        nonlocal there
        post(there, 7)
        there += 7
        until(there)

    took = tries(more, bound)
    check(took[-1] < bound, "a record is in the table soon after its trigger", took)
    other = pinline(data, "stream", "--once", expect=None)
    check(other.returncode != 0 and "stream" in other.stderr,
          "a second stream is refused while one runs")
    post(there, 3)
    began = time.monotonic()
    p.send_signal(signal.SIGTERM)
    out, _ = p.communicate(timeout=60)
    check(p.returncode == 0 and time.monotonic() - began < sinks.STOP_SECONDS,
          "I15 stream: SIGTERM ends it with exit code 0")
    there += 3
    check(len(rows(f"{folder}/geo")) == there and f"geo: {there} messages" in out,
          "and lands what was there")
    p = follow("--until-offset", str(there + 5), "--set", "stream.trigger_rows=2")
    time.sleep(0.3)
    post(there, 5)
    for topic in ("pin", "user"):
        server.post(topic, [{"value": {"index" if topic == "pin" else "ind": i}}
                            for i in range(there + 5)], "json")
    out, err = p.communicate(timeout=120)
    check(p.returncode == 0 and len(rows(f"{folder}/geo")) == there + 5,
          f"--until-offset ends when it is reached {err}")
    server.stop()


def away_round(root, folder):
    """The bucket's server is stopped and started under load, three times."""
    data = os.path.join(root, "away")
    tables, words = tables_of(data, "away")
    acknowledged = set()
    server = sinks.Server(data, "stream.enabled=true", "stream.trigger=200ms",
                          "objects.enabled=false", *words[1:])
    posters = Posters(server, post_users, acknowledged, range(2))
    posters.go_on(1, 40)
    for _ in range(3):
        with open(os.path.join(folder, "s3.pid"), encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGKILL)
        time.sleep(1.5)
        far.call("s3", "start", "--dir", folder)
        time.sleep(1.5)
    posters.end()
    server.ends("serve lived through its store's absence")
    pinline(data, "stream", "--once", *words)
    got = user_inds(tables)
    check(sorted(acknowledged) == got,
          "I13 delta on S3: a store that goes away and comes back costs delay only",
          f"acknowledged {len(acknowledged)}, in the table {len(got)}, once {len(set(got))}, "
          f"missing {sorted(acknowledged - set(got))[:20]}, "
          f"never told {sorted(set(got) - acknowledged)[:20]}")


def small_commits_round(root):
    """A commit a row, then by bytes: the ledger does not grow with commits."""
    data = os.path.join(root, "small")

    def post(first, n):
        server = sinks.Server(data, "objects.enabled=false")
        server.post("user", [{"value": {"ind": first + i, "first_name": "A",
                                        "last_name": f"B{first + i}"}} for i in range(n)],
                    "json")
        server.stop()

    def ledger():
        with contextlib.closing(sqlite3.connect(f"{data}/ledger.db")) as db:
            return db.execute("SELECT count(*), sum(cleaned), min(first), max(next) FROM span "
                              "WHERE pipeline = 'stream' AND topic = 'user'").fetchone()

    def commits():
        return len(DeltaTable(f"{data}/lake/clean/user").history())

    post(0, COMMITS)
    pinline(data, "stream", "--once", "--set", "stream.trigger_rows=1")
    n, *rest = ledger()
    check(commits() > COMMITS - 5 and n <= 257 and rest == [COMMITS, 0, COMMITS],
          f"{COMMITS} commits of a stream leave {n} rows in the ledger")
    before = commits()
    post(COMMITS, 50)
    pinline(data, "stream", "--once", "--set", "stream.trigger_bytes=1000")
    check(2 <= commits() - before < 25,
          f"stream.trigger_bytes commits by bytes: {commits() - before} commits")
    check(ledger()[1:] == (COMMITS + 50, 0, COMMITS + 50) and all(
        a["closes"] for a in accounting(data).values()),
        "I7 stream: the sum closes over the ledger's merged rows")


def two_writers_round(root):
    """Two streams, each with topics of its own, in one table of a bucket, and
    a compaction beside them; one of the two is killed on the way."""
    tables, words = tables_of(os.path.join(root, "two", "x"), "two")
    wanted = [set(), set()]
    servers, posters = [], []
    options = ("stream.enabled=true", "stream.trigger=150ms", "objects.enabled=false",
               "stream.compact_every=500ms", "stream.compact_files=4", *words[1:])

    def begin(k, life):
        servers[k:k + 1] = [sinks.Server(os.path.join(root, f"two{k}"),
                                         f"topics=user=user{k}", *options)]
        posters.append(Posters(servers[k], post_users, wanted[k], [10 * (k + 1) + life],
                               f"user{k}"))

    def kinds():
        if not rows(f"{tables}/user"):
            return []
        return [h["operation"] for h in DeltaTable(f"{tables}/user").history()]

    for k in (0, 1):
        begin(k, 0)
    for p in posters:
        p.go_on(1.5, 60)
    servers[0].stop(signal.SIGKILL)
    begin(0, 1)
    posters[2].go_on(3, 60)
    soon(lambda: "OPTIMIZE" in kinds() and kinds().count("WRITE") > 20)
    for p in posters:
        p.end()
    for s in servers:
        s.ends("two streams in one table end on SIGTERM")
    for k in (0, 1):
        pinline(os.path.join(root, f"two{k}"), "stream", "--once", "--set",
                f"topics=user=user{k}", *words)
    got = user_inds(tables)
    check(len(wanted[0]) > 50 and len(wanted[1]) > 50 and len(got) == len(set(got))
          and wanted[0] | wanted[1] <= set(got),
          f"I4 delta on S3: {len(got)} rows of two writers, each once")
    done = kinds()
    check("OPTIMIZE" in done and done.count("WRITE") > 20,
          f"both wrote, and compaction beside them: {len(done)} versions")


def refused_round(root):
    """A store that does not honour conditional puts."""
    data = os.path.join(root, "refused")
    with far.side("s3", "--server", "rclone") as s3:
        use(s3)
        server = sinks.Server(data, "objects.enabled=false")
        server.post("user", [{"value": {"ind": 1}}], "json")
        server.stop()
        url = f"s3://{s3['bucket']}/tables"
        got = pinline(data, "stream", "--once", "--set", f"tables.dir={url}",
                      expect=None)
        check(got.returncode != 0 and "If-None-Match" in got.stderr
              and "two writers" in got.stderr,
              "I6 delta on S3: a store without conditional puts is refused, "
              f"with the reason {got.stderr[-300:]}")


def on_s3(root):
    with far.side("s3") as s3:
        use(s3)
        for number in range(ROUNDS):
            killed_round(os.path.join(root, f"r{number}"), number)
        served_round(os.path.join(root, "s"))
        away_round(os.path.join(root, "a"), s3["dir"])
        two_writers_round(root)
    refused_round(root)


def in_folders(root):
    for number in range(ROUNDS):
        killed_round(os.path.join(root, f"r{number}"), number)
    followed_round(root)
    small_commits_round(root)
    served_round(root)


def main():
    began = time.time()
    with tempfile.TemporaryDirectory() as root:
        (on_s3 if sys.argv[1:] == ["s3"] else in_folders)(root)
    print(f"# {time.time() - began:.1f} s")
    sys.exit(finish())


if __name__ == "__main__":
    main()

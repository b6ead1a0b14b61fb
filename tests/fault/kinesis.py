#!/usr/bin/env python3
"""kinesis.py [CASE...] - Kinesis as the broker, under faults (I1, I2, I4, I13).

killed      sinks that read streams, killed at every fault point
served      serve killed under load, at random and right behind a put
away        kinesalite killed and started again under load
resharded   shards split and merged under load, the sink killed meanwhile

What boto3 reads from the far side is the truth: every record of every shard,
in its order, stands once in what a sink made of it.  A put whose answer was
lost may be stored twice there (docs/decisions/0118); it is never lost, and
nothing is made twice of it on the way out.  KINESIS_ROUNDS (default 1) repeats all.
"""
import collections
import json
import os
import random
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import far  # noqa: E402
import lake  # noqa: E402

lake.need_venv()
import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402

import sinks  # noqa: E402
import stream as tables  # noqa: E402
from sinks import pinline  # noqa: E402
from told import check, finish, soon  # noqa: E402

ROUNDS = int(os.environ.get("KINESIS_ROUNDS", "1"))
TABLES = ("pin", "geo", "user")
DELTA = ["delta_before_data", "delta_before_log", "delta_after_log", "batch_before_commit",
         "stream_after_commit"]
READING = ["kinesis_before_marks", "kinesis_before_position"]


class Far:
    """kinesalite, by boto3 and by the words that pinline is told."""

    def __init__(self, values):
        self.values = values
        self.run = f"{time.time_ns() % 10**9}-"  # streams of others have other names
        self.client = boto3.client(
            "kinesis", endpoint_url=values["url"], region_name=values["region"],
            aws_access_key_id="any", aws_secret_access_key="any-secret",
            config=Config(retries={"max_attempts": 8}, read_timeout=20))
        os.environ.update(AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any-secret",
                          AWS_REGION=values["region"])

    def words(self, prefix, *more):
        return [f"broker=kinesis+{self.values['url']}", f"prefix={prefix}", *more]

    def sets(self, prefix, *more):
        return [w for s in self.words(prefix, *more) for w in ("--set", s)]

    def make(self, prefix, shards):
        for t in TABLES:
            self.client.create_stream(StreamName=f"{prefix}.{t}", ShardCount=shards)
        for t in TABLES:
            self.settle(f"{prefix}.{t}")

    def clear(self):
        """Streams of a case that is over: an account has a hundred shards."""
        for name in self.client.list_streams(Limit=100)["StreamNames"]:
            if name.startswith(self.run):
                self.client.delete_stream(StreamName=name)

    def settle(self, name):
        for _ in range(200):
            d = self.client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
            if d["StreamStatus"] == "ACTIVE":
                return
            time.sleep(0.05)
        raise RuntimeError(f"{name} does not become ACTIVE")

    def shards(self, name):
        out, more = [], {"StreamName": name}
        while more:
            page = self.client.list_shards(**more)
            out += page["Shards"]
            more = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        return out

    def open_shards(self, name):
        return [s["ShardId"] for s in self.shards(name)
                if "EndingSequenceNumber" not in s["SequenceNumberRange"]]

    def held(self, name):
        """Shard's number -> the data of its records, in their order."""
        found = {}
        for s in self.shards(name):
            at = self.client.get_shard_iterator(
                StreamName=name, ShardId=s["ShardId"],
                ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            got = found[int(s["ShardId"].split("-")[1])] = []
            while at:
                answer = self.client.get_records(ShardIterator=at, Limit=10000)
                got += [r["Data"] for r in answer["Records"]]
                at = answer.get("NextShardIterator")
                if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                    break
        return found

    def put(self, prefix, rng, n):
        """Rows of all sorts, as sinks.py makes them."""
        import base64
        many = collections.defaultdict(list)
        for topic, kind, record in sinks.make_rows(rng, n):
            value = record["value"]
            if kind == "binary":
                data = base64.b64decode(value)
            elif value is None:
                continue  # a stream has no tombstones
            else:
                data = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
            many[topic].append({"Data": data, "PartitionKey": str(rng.randrange(1000))})
        for topic, records in many.items():
            answer = self.client.put_records(StreamName=f"{prefix}.{topic}", Records=records)
            assert answer["FailedRecordCount"] == 0, answer


def objects(data, topic):
    """Shard's number -> the lines of its objects, in the order of their names."""
    import glob
    found = collections.defaultdict(list)
    for path in sorted(glob.glob(f"{data}/lake/topics/{topic}/partition=*/*.json")):
        with open(path, "rb") as f:
            found[int(path.split("partition=")[1].split("/")[0])] += f.read().splitlines()
    return found


def same_objects(there, data, prefix):
    """Each topic's objects against its stream, shard for shard."""
    wrong = []
    for t in TABLES:
        name = f"{prefix}.{t}"
        made = objects(data, name)
        for shard, records in there.held(name).items():
            want = [json.loads(r) for r in records if sinks.is_json(r)]
            got = [json.loads(line) for line in made.get(shard, [])]
            if got != want:
                wrong.append((name, shard, len(got), len(want)))
    return wrong


def killed(there, root, number):
    prefix, data = f"{there.run}killed{number}", os.path.join(root, "killed")
    there.make(prefix, 2)
    there.put(prefix, random.Random(number), 60)
    args = ["sink", "objects", *there.sets(prefix, "objects.flush_records=7")]
    kills, steady = sinks.attack(data, [
        "objects_before_plan", "objects_before_publish", "objects_before_commit",
        "pipeline_before_ledger", *READING], *args)
    pinline(data, *args)
    check(kills >= 8, f"kinesis, objects: {kills} kills happened")
    check(steady, "I5 kinesis: a published object never changes or disappears")
    wrong = same_objects(there, data, prefix)
    check(not wrong, f"I4 kinesis: each record of each shard stands in the objects once, "
          f"in order, after kills {wrong}")
    path = os.path.join(data, "lines")
    args = ["sink", "file_stream", *there.sets(prefix, f"file_stream.file={path}")]
    kills, _ = sinks.attack(data, ["file_stream_before_sync", "file_stream_before_commit",
                                   "pipeline_before_ledger", *READING], *args)
    pinline(data, *args)
    with open(path, "rb") as f:
        got = collections.Counter(sinks.norm(v) for v in f.read().split(b"\n")[:-1])
    want = collections.Counter(sinks.norm(r) for t in TABLES
                               for records in there.held(f"{prefix}.{t}").values()
                               for r in records)
    check(kills >= 4 and got == want,
          f"I4 kinesis: each value stands once in the file after {kills} kills")
    killed_tables(there, root, prefix)


def killed_tables(there, root, prefix):
    """A stream into Delta tables, against one that nobody disturbed."""
    calm, data = os.path.join(root, "calm"), os.path.join(root, "tables")
    more = there.sets(prefix, "stream.trigger_rows=5")
    pinline(calm, "stream", "--once", *more)
    truth = tables.all_rows(f"{calm}/lake/clean")
    kills = sum(sinks.kill_at(data, point, visit, "stream", "--once", *more)
                for point in DELTA + READING[:1] for visit in (1, 2))
    pinline(data, "stream", "--once", *more)
    check(kills >= 6 and all(truth.values()) and tables.all_rows(f"{data}/lake/clean") == truth,
          f"I4 kinesis: a stream killed {kills} times makes the rows of an undisturbed one")
    sums = tables.accounting(data, *more)
    check(len(sums) == 3 and all(a["closes"] and a["pending"] == 0 for a in sums.values()),
          "I7 kinesis: every sum closes after kills")


class Load:
    """Posters with rows of their own, until stopped or the server is gone."""

    def __init__(self, base, topic, life, threads=3):
        self.stop = threading.Event()
        self.told, self.sent = set(), set()
        self.threads = [threading.Thread(target=self.post, args=(
            base.rstrip("/"), topic, life * 10 + k)) for k in range(threads)]
        for t in self.threads:
            t.start()

    def post(self, base, topic, number):
        import http.client
        import urllib.request
        i = 0
        while not self.stop.is_set():
            rows = [{"ind": number * 1000000 + i + k, "first_name": f"k{number}",
                     "last_name": f"B{i + k}", "age": 30,
                     "date_joined": "2016-01-01 00:00:00"} for k in range(5)]
            i += len(rows)
            self.sent.update(r["ind"] for r in rows)
            request = urllib.request.Request(
                f"{base}/topics/{topic}", json.dumps({"records": [
                    {"key": f"k{number}", "value": r} for r in rows]}).encode(),
                {"Content-Type": "application/vnd.kafka.json.v2+json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    offsets = json.load(answer)["offsets"]
            except (OSError, ValueError, http.client.HTTPException):
                if self.stop.wait(0.2):
                    return
                continue
            self.told.update(r["ind"] for r, o in zip(rows, offsets) if o["error_code"] is None)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()


def stored(there, name):
    """How often each row is held by the far side."""
    return collections.Counter(json.loads(r)["ind"] for records in there.held(name).values()
                               for r in records)


def check_stored(there, name, loads, what):
    got = stored(there, name)
    told = set().union(*(x.told for x in loads))
    sent = set().union(*(x.sent for x in loads))
    twice = sum(n - 1 for n in got.values())
    check(len(told) > 50 and told <= set(got) <= sent,
          f"I1 kinesis: {len(told)} records that were told are held, {what}; "
          f"{twice} of {len(got)} are held twice", )
    return twice


def served(there, root, number):
    prefix, data = f"{there.run}served{number}", os.path.join(root, "served")
    there.make(prefix, 2)
    words = there.words(prefix, "objects.flush_records=20", "objects.flush_time=200ms")
    rng = random.Random(number)
    loads = []
    for life in range(5):
        point = "kinesis_after_put:9" if life % 2 else ""
        os.environ["PINLINE_KILL_AT"] = point
        try:
            server = sinks.Server(data, *words)
        finally:
            del os.environ["PINLINE_KILL_AT"]
        loads.append(Load(server.url, f"{prefix}.user", life))
        if life == 4:
            time.sleep(1)
            server.ends("I15 kinesis: SIGTERM under load ends serve, exit code 0")
        elif point:
            server.process.wait(timeout=60)
        else:
            time.sleep(rng.uniform(0.5, 1.5))
            server.process.kill()
            server.process.wait()
        loads[-1].end()
    twice = check_stored(there, f"{prefix}.user", loads, "after kills of serve")
    check(twice == 0, f"I4 kinesis: a server that is killed puts nothing twice {twice}")
    pinline(data, "sink", "objects", *[w for s in words for w in ("--set", s)])
    wrong = same_objects(there, data, prefix)
    check(not wrong, f"I4 kinesis: the objects are the streams after kills of serve {wrong}")


def away(there, root, number):
    prefix, data = f"{there.run}away{number}", os.path.join(root, "away")
    there.make(prefix, 2)
    words = there.words(prefix, "objects.flush_records=20", "objects.flush_time=200ms")
    server = sinks.Server(data, *words)
    load = Load(server.url, f"{prefix}.user", 1)
    time.sleep(1)
    for _ in range(2):
        with open(os.path.join(there.values["dir"], "kinesalite.pid"), encoding="ascii") as f:
            os.kill(int(f.read()), 9)
        time.sleep(1.5)
        far.call("kinesis", "restart", "--dir", there.values["dir"])
        before = len(load.told)
        check(soon(lambda: len(load.told) > before), "I13 kinesis: records are taken again when it is back")
        time.sleep(1)
    check(server.process.poll() is None, "I13 kinesis: serve lives while its broker is away")
    load.end()
    server.ends("I15 kinesis: and ends on SIGTERM, exit code 0")
    check_stored(there, f"{prefix}.user", [load], "after kills of the broker")
    pinline(data, "sink", "objects", *[w for s in words for w in ("--set", s)])
    wrong = same_objects(there, data, prefix)
    check(not wrong, f"I13 kinesis: the objects are the streams after kills of the broker {wrong}")


def split(there, name):
    shard = next(s for s in there.shards(name) if s["ShardId"] == there.open_shards(name)[0])
    low, high = (int(shard["HashKeyRange"][k]) for k in ("StartingHashKey", "EndingHashKey"))
    there.client.split_shard(StreamName=name, ShardToSplit=shard["ShardId"],
                             NewStartingHashKey=str((low + high) // 2 + 1))
    there.settle(name)


def merge(there, name):
    """Two neighbours."""
    opened = [s for s in there.shards(name) if s["ShardId"] in there.open_shards(name)]
    opened.sort(key=lambda s: int(s["HashKeyRange"]["StartingHashKey"]))
    there.client.merge_shards(StreamName=name, ShardToMerge=opened[0]["ShardId"],
                              AdjacentShardToMerge=opened[1]["ShardId"])
    there.settle(name)


def resharded(there, root, number):
    """serve writes, its sink reads, shards split and merge; then a stream and
    a batch read all of it at once."""
    prefix, data = f"{there.run}resharded{number}", os.path.join(root, "resharded")
    name = f"{prefix}.user"
    there.make(prefix, 1)
    path = os.path.join(root, "resharded.lines")
    words = there.words(prefix, "objects.flush_records=20", "objects.flush_time=200ms")
    sets = [w for s in words for w in ("--set", s)]
    loads = []
    for life, change in enumerate((split, split, merge)):
        server = sinks.Server(data, *words, f"file_stream.file={path}")
        loads.append(Load(server.url, name, life))
        time.sleep(1)
        change(there, name)
        time.sleep(1.5)
        if life < 2:
            server.process.kill()
            server.process.wait()
        loads[-1].end()
    followed = soon(lambda: set(objects(data, name)) >= {0, 1, 2})
    before = sum(map(len, objects(data, name).values()))
    server.ends("I15 kinesis: serve ends on SIGTERM while shards change")
    check(followed,
          f"I13 kinesis: a running sink follows to the children of a split ({before} records)")
    pinline(data, "sink", "objects", *sets)
    pinline(data, "sink", "file_stream", *sets, "--set", f"file_stream.file={path}")
    shards = there.shards(name)
    check(len(shards) == 6, f"a stream of one shard has been split twice and merged {len(shards)}")
    check_stored(there, name, loads, "while shards split and merge")
    wrong = same_objects(there, data, prefix)
    check(not wrong, f"I4 kinesis: every shard's records stand once after resharding {wrong}")
    in_order(there, name, path)
    for what in (["stream", "--once"], ["batch", "--from", "topics", "--answers", "none"]):
        fresh = os.path.join(root, "fresh-" + what[0])
        pinline(fresh, *what, *sets)
        got = tables.rows(f"{fresh}/lake/clean/user")
        want = set(stored(there, name))
        check(len(got) == len(want) and {r[0] for r in got} == want,
              f"I4 kinesis: {what[0]} takes parents and children of all shards at once "
              f"{len(got)} {len(want)}")


def in_order(there, name, path):
    """Each poster has a key of its own: its rows come in the order in which
    they were sent, across splits and merges, each as often as it is held."""
    with open(path, encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    last = {}
    wrong = 0
    for r in rows:
        wrong += r["ind"] <= last.get(r["first_name"], -1)
        last[r["first_name"]] = r["ind"]
    got = collections.Counter(r["ind"] for r in rows)
    check(got == stored(there, name) and wrong == 0,
          f"I2 kinesis: a key's {len(rows)} records come in order across splits and merges {wrong}")


CASES = {"killed": killed, "served": served, "away": away, "resharded": resharded}


def main():
    with far.side("kinesis") as values, tempfile.TemporaryDirectory() as root:
        there = Far(values)
        tempfile.tempdir = root
        for number in range(ROUNDS):
            for name in sys.argv[1:] or CASES:
                began = time.monotonic()
                folder = os.path.join(root, f"{name}{number}")
                os.mkdir(folder)
                CASES[name](there, folder, number)
                there.clear()
                print(f"# {name}: {time.monotonic() - began:.1f} s", flush=True)
    sys.exit(finish())


if __name__ == "__main__":
    main()

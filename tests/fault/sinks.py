#!/usr/bin/env python3
"""Sinks and batch under kill -9 at every named fault point (I4, I5, I7, I15).

A server stores records of all sorts; then each sink and the batch are killed
at each point, at its first and second visit, and run again until they end.
What must hold in the end: every offset's value stands once in the objects and
once in the file, objects that were published never changed, the sum closes,
and tables and answers are the same as without any kill.  ROUNDS (default 20)
repeats all of it with other data.
"""
import glob
import gzip
import hashlib
import http.client
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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import served  # noqa: E402
from served import PINLINE  # noqa: E402
from told import check, finish, soon  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "20"))
# a sanitizer, or a machine with much else to do, makes all of it slower
STOP_SECONDS = 10 * int(os.environ.get("SLOWER", "2"))


def pinline(data, *args, env=None, expect=0):
    result = subprocess.run(
        [PINLINE, "--data", data, *args], capture_output=True, text=True,
        timeout=12 * STOP_SECONDS, env={**os.environ, **(env or {})}, check=False)
    if expect is not None and result.returncode != expect:
        raise RuntimeError(f"pinline {args}: {result.returncode}\n{result.stderr}")
    return result


class Server(served.Server):
    """serve with its pipelines and these settings."""

    def __init__(self, data, *sets):
        # a file: a pipe that nobody reads would stop what writes much into it
        super().__init__(data, *(w for s in sets for w in ("--set", s)), pipelines=True,
                         log=os.path.join(tempfile.gettempdir(), f"serve.{os.getpid()}.log"))

    def post(self, topic, records, kind):
        status, answer = self.produce(topic, records, kind)
        if status != 200:
            raise RuntimeError(f"{topic}: {status} {answer}")
        return answer["offsets"]

    def stop(self, sig=signal.SIGTERM, timeout=STOP_SECONDS):
        return super().stop(sig, timeout)

    def ends(self, name):
        """SIGTERM ends it with 0, in its time."""
        code = self.stop()
        check(code == 0, name, f"exit code {code}", self.said())


class Posters:
    """Threads of what(url, stop, acknowledged, number, *more), until end()."""

    def __init__(self, server, what, acknowledged, numbers, *more):
        self.over = threading.Event()
        self.acknowledged = acknowledged
        self.threads = [threading.Thread(target=what, args=(
            server.url, self.over, acknowledged, n, *more)) for n in numbers]
        for t in self.threads:
            t.start()

    def go_on(self, seconds, records):
        """For so long, and until so many more records are acknowledged."""
        before = len(self.acknowledged)
        soon(lambda: len(self.acknowledged) >= before + records, at_least=seconds)

    def end(self):
        self.over.set()
        for t in self.threads:
            t.join()


def make_rows(rng, n):
    """(topic, kind, record) of all sorts; index values repeat."""
    import base64
    out = []
    for _ in range(n):
        i = rng.randrange(200)
        pin = {"index": i, "unique_id": f"u{i}", "title": rng.choice(
            ["A “quoted” title \U0001F60D", "No Title Data Available", f"t{i}"]),
            "description": "d", "poster_name": "p", "follower_count": "5k",
            "tag_list": "a,b", "is_image_or_video": "image", "image_src": "x",
            "downloaded": 1, "save_location": "Local save in /data/art",
            "category": "art"}
        user = {"ind": i, "first_name": "A", "last_name": "B", "age": 20 + i % 40,
                "date_joined": "2016-01-01 00:00:00"}
        geo = {"ind": i, "timestamp": "2019-05-05 01:02:03", "latitude": 1.5,
               "longitude": -2.25, "country": "Aruba"}
        out.append(("pin", "json", {"value": pin}))
        out.append(("user", "json", {"value": user}))
        out.append(("geo", "json", {"value": geo}))
        odd = rng.randrange(12)
        if odd == 0:
            out.append(("pin", "binary", {"value": base64.b64encode(
                b"{broken json " + str(i).encode()).decode()}))
        elif odd == 1:
            out.append(("pin", "json", {"value": None}))
        elif odd == 2:
            out.append(("pin", "binary", {"value": base64.b64encode(
                repr(pin).encode()).decode()}))
        elif odd == 3:
            out.append(("user", "json", {"value": [user, user]}))
    return out


def fill(data, rng, n):
    """Post rows; returns per topic the stored values in offset order."""
    import base64
    server = Server(data, "objects.enabled=false")
    stored = {"pin": {}, "geo": {}, "user": {}}
    try:
        for topic, kind, record in make_rows(rng, n):
            report = server.post(topic, [record], kind)[0]
            value = record["value"]
            if kind == "binary":
                value = base64.b64decode(value)
            elif value is not None:
                value = json.dumps(value, separators=(",", ":"),
                                   ensure_ascii=False).encode()
            stored[topic][report["offset"]] = value
    finally:
        server.ends("I15 http: SIGTERM ends serve with exit code 0")
    return stored


def is_json(value):
    try:
        json.loads(value)
        return True
    except ValueError:
        return False


def lines_of_objects(data, topic):
    """Every line of every object, in offset order."""
    out = []
    for path in sorted(glob.glob(f"{data}/lake/topics/{topic}/partition=0/*.json*")):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rb") as f:
            out += f.read().splitlines()
    return out


def digests(data):
    result = {}
    for path in glob.glob(f"{data}/lake/topics/**/*.json*", recursive=True):
        if ".tmp." in path:
            continue
        with open(path, "rb") as f:
            result[path] = hashlib.sha256(f.read()).hexdigest()
    return result


def kill_at(data, point, visit, *args):
    """Run with a kill; True when the kill happened."""
    result = pinline(data, *args, env={"PINLINE_KILL_AT": f"{point}:{visit}"},
                     expect=None)
    if result.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"{args} at {point}: {result.returncode}\n{result.stderr}")
    return result.returncode != 0


def attack(data, points, *args):
    """Kill at every point's first and second visit; published objects stay."""
    kills = 0
    steady = True
    for point in points:
        for visit in (1, 2):
            before = digests(data)
            kills += kill_at(data, point, visit, *args)
            after = digests(data)
            steady = steady and all(after.get(k) == v for k, v in before.items())
    return kills, steady


def objects_round(data, stored, gz):
    args = ["sink", "objects", "--set", "objects.flush_records=7"]
    if gz:
        args += ["--set", "objects.gzip=true"]
    kills, steady = attack(data, ["objects_before_plan", "objects_before_publish",
                                  "objects_before_commit", "pipeline_before_ledger"],
                           *args)
    pinline(data, *args)
    check(kills >= 4, f"objects: {kills} kills happened")
    check(steady, "I5 objects: a published object never changes or disappears")
    for topic, values in stored.items():
        want = [json.loads(v) for _, v in sorted(values.items())
                if v is not None and is_json(v)]
        got = [json.loads(line) for line in lines_of_objects(data, topic)]
        check(got == want, f"I4 objects: each offset of {topic} stands once, in order")


def stream_round(data, stored):
    path = os.path.join(data, "stream.jsonl")
    args = ["sink", "file_stream", "--set", f"file_stream.file={path}"]
    kills, _ = attack(data, ["file_stream_before_sync", "file_stream_before_commit",
                             "pipeline_before_ledger"], *args)
    pinline(data, *args)
    check(kills >= 2, f"file_stream: {kills} kills happened")
    with open(path, "rb") as f:
        got = sorted(f.read().split(b"\n")[:-1])
    want = sorted(v for values in stored.values() for v in values.values()
                  if v is not None)
    check([norm(v) for v in got] == [norm(v) for v in want],
          "I4 file_stream: each value stands once")


def norm(value):
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        return value.decode("latin-1")


def batch_round(data, reference):
    kills, _ = attack(data, ["delta_before_data", "delta_before_log", "delta_after_log",
                             "delta_before_checkpoint", "batch_before_commit"],
                      "batch", "--answers", "none")
    got = pinline(data, "batch", "--format", "json").stdout
    check(kills >= 4, f"batch: {kills} kills happened")
    check(got == reference, "I4 delta: answers after kills are the bytes of an undisturbed run")
    status = json.loads(pinline(data, "status", "--format", "json").stdout)
    check(all(a["closes"] and a["pending"] == 0
              for a in status["accounting"].values()), "I7 batch: every sum closes")
    full = pinline(data, "batch", "--full", "--format", "json").stdout
    check(full == reference, "batch --full gives the same answer bytes")
    topics = pinline(data, "batch", "--full", "--from", "topics", "--format",
                     "json").stdout
    check(topics == reference, "a batch from the topics gives the same answers")


def told(base, topic, values, key, patience=60):
    """The offsets of the values once they are acknowledged, or None where the
    server is gone.  A request whose answer does not come is asked again under
    its key: what a live server stored is told in the end, however slow it is."""
    body = json.dumps({"records": [{"value": v} for v in values]}).encode()
    request = urllib.request.Request(
        f"{base}/topics/{topic}", body,
        {"Content-Type": served.V2, "Idempotency-Key": key})
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return [o["offset"] for o in json.load(answer)["offsets"]]
        except urllib.error.URLError as e:
            if isinstance(e.reason, ConnectionRefusedError):
                return None
        except (OSError, ValueError, http.client.HTTPException):
            pass
        time.sleep(0.05)
    return None


def post_until_dead(base, stop, acknowledged, number):
    """Post records of one's own until told to stop or the server is gone."""
    i = 0
    while not stop.is_set():
        index = number * 1000000 + i
        offsets = told(base, "pin", [{"index": index, "title": f"t{i}"}], f"pin{index}")
        if offsets is None:
            return
        acknowledged[offsets[0]] = index
        i += 1


def post_users(base, stop, acknowledged, number, topic="user"):
    """Rows of user that differ, until stopped; acknowledged: their keys."""
    i = 0
    while not stop.is_set():
        first = number * 1000000 + i
        values = [{"ind": first + k, "first_name": "A",
                   "last_name": f"B{i + k}", "age": 30,
                   "date_joined": "2016-01-01 00:00:00"} for k in range(20)]
        if told(base, topic, values, f"user{first}") is None:
            return
        acknowledged.update(v["ind"] for v in values)
        i += 20


def served_round(root, rng):
    """serve with two pipelines, killed three times under load."""
    data = os.path.join(root, "served")
    lines = f"file_stream.file={root}/served.jsonl"
    acknowledged = {}
    for life in range(4):
        server = Server(data, "objects.flush_records=20", "objects.flush_time=200ms", lines)
        posters = Posters(server, post_until_dead, acknowledged,
                          range(life * 10, life * 10 + 4))
        time.sleep(rng.uniform(0.1, 0.6))
        if life < 3:
            server.stop(signal.SIGKILL)
        posters.end()
        if life == 3:
            server.ends("I15 sinks: SIGTERM under load ends server and pipelines in 10 s")
    pinline(data, "sink", "objects")
    got = [json.loads(line)["index"] for line in lines_of_objects(data, "pin")]
    check(len(got) == len(set(got)), "I4 objects: nothing twice after kills of serve")
    pinline(data, "sink", "file_stream", "--set", lines)
    with open(f"{root}/served.jsonl", encoding="utf-8") as f:
        check([json.loads(line)["index"] for line in f] == got,
              "I4 file_stream: the same lines in the same order after kills of serve")
    check(all(offset < len(got) and got[offset] == index
              for offset, index in acknowledged.items()),
          "I1 http: every acknowledged record stands at its offset after kills of serve")
    pinline(data, "batch", "--answers", "none")
    accounts = json.loads(pinline(data, "status", "--format", "json").stdout)["accounting"]
    check(accounts["pin"]["closes"] and accounts["pin"]["stored"] == len(got),
          "I7 batch: the sum closes after kills of serve")


def undisturbed(root, rng_seed, n):
    data = os.path.join(root, "calm")
    fill(data, random.Random(rng_seed), n)
    pinline(data, "sink", "objects")
    return pinline(data, "batch", "--format", "json").stdout


def one_round(number, root):
    reference = undisturbed(root, number, 60)
    data = os.path.join(root, "killed")
    stored = fill(data, random.Random(number), 60)
    objects_round(data, stored, gz=number % 2 == 1)
    stream_round(data, stored)
    batch_round(data, reference)
    served_round(root, random.Random(number))


def main():
    with tempfile.TemporaryDirectory() as scratch:
        tempfile.tempdir = scratch
        for number in range(ROUNDS):
            with tempfile.TemporaryDirectory() as root:
                began = time.time()
                try:
                    one_round(number, root)
                except (OSError, RuntimeError, ValueError, StopIteration,
                        subprocess.SubprocessError) as why:
                    check(False, f"round {number} ended early: {why!r}")
                print(f"# round {number}: {time.time() - began:.1f} s", flush=True)
    sys.exit(finish())


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""s3.py [cut] - the objects sink on S3: killed, cut off, lied to (I4, I5, I11, I13).

Against versitygw: kill -9 at each fault point; the server killed and started
again under load; a network that delays, cuts and drops (a proxy in this
program); wrong credentials, buckets and objects.  What must hold: every
offset's value stands once in the objects, in order, as boto3 reads them;
objects never change; messages say what to do and never show the secret.
ROUNDS (default 1) repeats the kills and the cuts.  With `cut` objects and tables
are written through a network of our own, which is cut.
"""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import gzip

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import far  # noqa: E402
import sinks  # noqa: E402
from cable import THERE_IP, Cable, own_namespace  # noqa: E402
from told import check, finish, soon  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "1"))


def python_of_tests():
    """This program again, with the Python that has boto3."""
    cache = os.environ.get("PINLINE_CACHE") or os.path.join(far.ROOT, ".cache")
    python = os.path.join(cache, "venv", "test", "bin", "python")
    if os.path.exists(python) and os.path.realpath(sys.prefix) != os.path.realpath(
            os.path.join(cache, "venv", "test")):
        os.execv(python, [python, *sys.argv])


def environment(s3, **more):
    os.environ.update({"AWS_ENDPOINT_URL": s3["url"], "AWS_REGION": s3["region"],
                       "AWS_ACCESS_KEY_ID": s3["access_key"],
                       "AWS_SECRET_ACCESS_KEY": s3["secret_key"], **more})


def client(s3):
    import boto3
    return boto3.client("s3", endpoint_url=s3["url"], region_name=s3["region"],
                        aws_access_key_id=s3["access_key"],
                        aws_secret_access_key=s3["secret_key"])


def body_of(c, bucket, key):
    """The object's bytes.  A server may say 5xx while it has a put under way;
    botocore stumbles over such an answer's body before it would ask again."""
    for _ in range(50):
        try:
            return c.get_object(Bucket=bucket, Key=key)["Body"].read()
        except AttributeError:
            time.sleep(0.1)
    return c.get_object(Bucket=bucket, Key=key)["Body"].read()


def objects_of(s3, prefix):
    """key -> bytes, as boto3 lists and reads them."""
    c = client(s3)
    found = {}
    for page in c.get_paginator("list_objects_v2").paginate(
            Bucket=s3["bucket"], Prefix=prefix + "/"):
        for o in page.get("Contents", []):
            found[o["Key"]] = body_of(c, s3["bucket"], o["Key"])
    return found


def lines_of(found, prefix, topic):
    out = []
    for key in sorted(found):
        if key.startswith(f"{prefix}/topics/{topic}/partition=0/{topic}+0+"):
            data = found[key]
            out += (gzip.decompress(data) if key.endswith(".gz") else data).splitlines()
    return out


def wanted(values):
    return [json.loads(v) for _, v in sorted(values.items())
            if v is not None and sinks.is_json(v)]


def settings(s3, prefix, *more):
    sets = [f"objects.dir=s3://{s3['bucket']}/{prefix}", "objects.flush_records=7", *more]
    return [w for s in sets for w in ("--set", s)]


def killed(s3, root, number):
    data = os.path.join(root, f"killed{number}")
    prefix = f"killed{number}"
    stored = sinks.fill(data, random.Random(number), 40)
    more = ["objects.gzip=true"] if number % 2 else []
    args = ["sink", "objects", *settings(s3, prefix, *more)]
    kills = 0
    steady = True
    for point in ("objects_before_plan", "objects_before_publish",
                  "objects_before_commit", "pipeline_before_ledger"):
        for visit in (1, 3):
            before = objects_of(s3, prefix)
            kills += sinks.kill_at(data, point, visit, *args)
            after = objects_of(s3, prefix)
            steady = steady and all(after.get(k) == v for k, v in before.items())
    sinks.pinline(data, *args)
    check(kills >= 4, f"objects on S3: {kills} kills happened")
    check(steady, "I5 s3: a published object never changes or disappears")
    found = objects_of(s3, prefix)
    for topic, values in stored.items():
        got = [json.loads(line) for line in lines_of(found, prefix, topic)]
        check(got == wanted(values),
              f"I4 s3: each offset of {topic} stands once, in order, after kills")
    sinks.pinline(data, "batch", "--answers", "none", *settings(s3, prefix, *more))
    status = json.loads(sinks.pinline(data, "status", "--format", "json").stdout)
    check(all(a["closes"] for a in status["accounting"].values()),
          "I7 s3: a batch reads the objects back and the sum closes")


class Proxy:
    """127.0.0.1:port to the server; `mood` says what it does to connections."""

    def __init__(self, port):
        self.to = port
        self.mood = "pass"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.cuts = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.mood == "refuse":
                near.close()
                self.cuts += 1
                continue
            try:
                away = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            for a, b in ((near, away), (away, near)):
                threading.Thread(target=self.pump, args=(a, b, a is away),
                                 daemon=True).start()

    def pump(self, a, b, answers):
        try:
            while data := a.recv(1 << 16):
                if self.mood == "delay":
                    time.sleep(0.05)
                # lost: the server has done it, and nobody is told
                if self.mood == "lose" and answers or self.mood == "cut":
                    self.cuts += 1
                    break
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def cable_cut(root, cable, s3):
    """Objects and a stream's tables while frames are lost: cut, one way, cut for
    longer than time-outs and retries together."""
    data = os.path.join(root, "cable")
    acknowledged = {}
    tables = ["--set", f"tables.dir=s3://{s3['bucket']}/cable-t"]
    server = sinks.Server(data, f"objects.dir=s3://{s3['bucket']}/cable",
                          "objects.flush_records=20", "objects.flush_time=200ms",
                          "stream.enabled=true", "stream.trigger=300ms", tables[1],
                          "s3.timeout=2s", "s3.retries=2")
    posters = sinks.Posters(server, sinks.post_until_dead, acknowledged, range(2))
    posters.go_on(1, 20)
    for begin, end, seconds in ((cable.cut, cable.mend, 2),
                                (lambda: cable.lose_answers(True),
                                 lambda: cable.lose_answers(False), 3),
                                (cable.cut, cable.mend, 12)):
        begin()
        time.sleep(seconds)
        end()
        posters.go_on(1.5, 10)
    posters.end()
    server.ends("I15 s3: serve ends on SIGTERM after its network was cut")
    sinks.pinline(data, "sink", *settings(s3, "cable"))
    sinks.pinline(data, "stream", "--once", *tables)
    got = [json.loads(line)["index"] for line in lines_of(objects_of(s3, "cable"), "cable",
                                                          "pin")]
    check(len(acknowledged) > 20 and len(got) == len(set(got)) and all(
        offset < len(got) and got[offset] == index
        for offset, index in acknowledged.items()),
        f"I13 s3: {len(acknowledged)} acknowledged records stand once, in order, in the "
        "objects after cuts of the network")
    rows = json.loads(sinks.pinline(
        data, "query", *tables, "--format", "json", "--sql", "select count(*) n, "
        "count(distinct ind) d, min(ind) least from clean_pin").stdout)[0]
    check(rows["n"] == rows["d"] == len(set(got)),
          f"I13 delta on S3: {rows['n']} rows, each once, after cuts of the network")


def cut():
    """The server in one namespace, we in another."""
    own_namespace()
    cable = Cable()
    folder = tempfile.mkdtemp(prefix="pinline-s3.")
    try:
        out = subprocess.run(["nsenter", "-t", str(cable.pid), "-n", far.TOOL, "s3", "start",
                              "--dir", folder, "--listen", THERE_IP],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        s3 = dict(line.split("=", 1) for line in out.splitlines())
        environment(s3)
        with tempfile.TemporaryDirectory() as root:
            cable_cut(root, cable, s3)
    finally:
        far.call("s3", "stop", "--dir", folder)
        cable.end()
        shutil.rmtree(folder, ignore_errors=True)


def under_load(s3, root, name, url, trouble):
    """serve with its objects on S3 while something happens to the far side."""
    data = os.path.join(root, name)
    acknowledged = {}
    os.environ["AWS_ENDPOINT_URL"] = url
    server = sinks.Server(data, f"objects.dir=s3://{s3['bucket']}/{name}",
                          "objects.flush_records=20", "objects.flush_time=200ms",
                          "s3.timeout=2s", "s3.retries=2")
    posters = sinks.Posters(server, sinks.post_until_dead, acknowledged, range(3))
    posters.go_on(0.7, 10)
    trouble()
    posters.go_on(0.7, 20)
    posters.end()
    server.ends(f"I15 s3: serve ends on SIGTERM after {name}")
    os.environ["AWS_ENDPOINT_URL"] = s3["url"]
    sinks.pinline(data, "sink", *settings(s3, name))
    got = [json.loads(line)["index"] for line in lines_of(objects_of(s3, name), name, "pin")]
    check(len(acknowledged) > 20 and len(got) == len(set(got)) and all(
        offset < len(got) and got[offset] == index
        for offset, index in acknowledged.items()),
        f"I13 s3: {len(acknowledged)} acknowledged records stand once, in order, after {name}")


def server_gone(s3, root):
    def trouble():
        with open(os.path.join(s3["dir"], "s3.pid"), encoding="ascii") as f:
            pid = int(f.read())
        os.kill(pid, signal.SIGKILL)
        time.sleep(1.5)
        far.call("s3", "start", "--dir", s3["dir"])
    under_load(s3, root, "server-killed", s3["url"], trouble)


def network_cut(s3, root):
    proxy = Proxy(int(s3["url"].rsplit(":", 1)[1]))

    def trouble():
        for mood in ("lose", "delay", "cut", "pass", "refuse", "lose"):
            cuts, proxy.mood = proxy.cuts, mood
            # a connection that is kept is not refused
            soon(lambda: mood not in ("lose", "cut") or proxy.cuts > cuts, at_least=0.6)
        soon(lambda: proxy.cuts > 3)
        proxy.mood = "pass"
    under_load(s3, root, "network-cut", proxy.url, trouble)
    check(proxy.cuts > 3, f"the network was cut {proxy.cuts} times")
    proxy.listener.close()


def refused(s3, data, words, prefix, sets=(), **env):
    result = sinks.pinline(data, "sink", "objects", *settings(s3, prefix, "s3.retries=1", *sets),
                           env=env, expect=None)
    text = result.stdout + result.stderr
    check(result.returncode != 0 and all(w in text for w in words),
          f"s3: told what is wrong and what to do: {words[0]}" if words[0] in text
          else f"s3: {words} in {text!r}")
    check(s3["secret_key"] not in text, "I11 s3: no secret is shown")


def bad_input(s3, root):
    data = os.path.join(root, "bad")
    stored = sinks.fill(data, random.Random(7), 20)
    refused(s3, data, ["SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"], "bad",
            AWS_SECRET_ACCESS_KEY="wrong-secret")
    refused(s3, data, ["InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"], "bad",
            AWS_ACCESS_KEY_ID="AKIAUNKNOWN")
    refused(s3, data, ["no-such-bucket", "does not exist", "create it"], "bad",
            ["objects.dir=s3://no-such-bucket/x"])
    refused(s3, data, ["could not"], "bad", AWS_ENDPOINT_URL="http://127.0.0.1:1")
    refused(s3, data, ["no credentials", "AWS_ACCESS_KEY_ID"], "bad", HOME="/nowhere",
            AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    refused(s3, data, ["region"], "bad", AWS_REGION="eu-west-9")
    check(objects_of(s3, "bad") == {}, "s3: nothing was written meanwhile")
    sinks.pinline(data, "sink", "objects", *settings(s3, "bad"))
    got = [json.loads(line) for line in lines_of(objects_of(s3, "bad"), "bad", "pin")]
    check(got == wanted(stored["pin"]), "s3: nothing is lost by refusals")

    key = next(k for k in objects_of(s3, "bad") if "/pin+0+" in k)
    path = os.path.join(s3["folder"], key)
    with open(path, "rb") as f:
        whole = f.read()
    with open(path, "r+b") as f:
        f.truncate(len(whole) // 2)
    result = sinks.pinline(data, "batch", "--answers", "none", *settings(s3, "bad"),
                           expect=None)
    check(result.returncode != 0 and os.path.basename(key) in result.stderr
          and "restore" in result.stderr,
          f"s3: a truncated object is named, with the next step: {result.stderr.strip()}")
    with open(path, "r+b") as f:
        f.write(whole)
    sinks.pinline(data, "batch", "--answers", "none", *settings(s3, "bad"))
    sums = json.loads(sinks.pinline(data, "status", "--format", "json").stdout)["accounting"]
    check(sums["pin"]["stored"] > 0 and all(t["closes"] for t in sums.values()),
          "s3: the batch goes on when it is restored, and the sums close", sums)


def unconditional(root):
    """A server that ignores If-None-Match: looked at before a put."""
    with far.side("s3", "--server", "rclone") as s3:
        environment(s3)
        killed(s3, root, 1000)


def main():
    python_of_tests()
    if sys.argv[1:] == ["cut"]:
        cut()
        sys.exit(finish())
    with tempfile.TemporaryDirectory() as root:
        with far.side("s3") as s3:
            environment(s3)
            for number in range(ROUNDS):
                with tempfile.TemporaryDirectory() as inner:
                    killed(s3, inner, number)
            server_gone(s3, root)
            network_cut(s3, root)
            bad_input(s3, root)
        unconditional(root)
    sys.exit(finish())


if __name__ == "__main__":
    main()

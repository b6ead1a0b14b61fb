#!/usr/bin/env python3
"""`pinline topics` beside a running server, and on a disk that is full.

I9, I10: a full disk refuses whole requests with a word, loses nothing, and
deleting a topic still works there.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PINLINE = os.path.abspath(os.environ.get("PINLINE", "build/src/pinline"))
V2 = "application/vnd.kafka.json.v2+json"
passed = failed = 0


def check(ok, name, why=""):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    print("ok" if ok else "not ok", name, "" if ok else why)


def topics(data, *words, code=0):
    done = subprocess.run([PINLINE, "--data", data, "topics", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    if done.returncode != code:
        raise SystemExit(f"topics {words}: {done.returncode} {done.stderr}")
    return done.stdout


class Server:
    def __init__(self, data):
        self.process = subprocess.Popen(
            [PINLINE, "--data", data, "serve", "--no-pipelines", "--listen",
             "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.port = int(re.search(r"//[^ ]*:(\d+)", line).group(1))

    def post(self, topic, values, key=None):
        body = json.dumps({"records": [{"value": v} for v in values]}).encode()
        headers = {"Content-Type": V2}
        if key:
            headers["Idempotency-Key"] = key
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/topics/{topic}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as e:
            return e.code, json.loads(e.read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


def beside_a_server(data):
    topics(data, "create", "pin")
    server = Server(data)
    server.post("pin", [{"n": 0}, "tüte", None])
    lines = topics(data, "read", "pin").splitlines()
    check(lines == ['{"n":0}', '"tüte"', ""], "values are printed as stored",
          lines)
    rows = [json.loads(x) for x in
            topics(data, "read", "pin", "--format", "json").splitlines()]
    check([r["offset"] for r in rows] == [0, 1, 2], "offsets are printed")
    check(rows[2]["value"] is None and rows[2]["key"] is None,
          "a tombstone is null")
    topics(data, "create", "later", "--partitions", "3")
    status, _ = server.post("later", list(range(100)))
    check(status == 200, "the server knows a topic made beside it", status)
    got = sorted(map(int, topics(data, "read", "later").split()))
    check(got == list(range(100)), "all partitions are read", got)
    check(len(topics(data, "read", "later", "-n", "7").split()) == 7,
          "--max stops")
    follow = subprocess.Popen([PINLINE, "--data", data, "topics", "read", "pin",
                               "--follow", "-n", "2"], stdout=subprocess.PIPE,
                              text=True)
    time.sleep(0.5)
    server.post("pin", ["a", "b", "c"])
    check(follow.communicate(timeout=10)[0] == '"a"\n"b"\n',
          "--follow begins at the end and sees what comes")
    follow = subprocess.Popen([PINLINE, "--data", data, "topics", "read", "pin",
                               "--follow"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    follow.send_signal(signal.SIGINT)
    check(follow.wait(timeout=10) in (0, 130), "--follow ends when asked to")
    topics(data, "delete", "later")
    time.sleep(0.1)
    status, answer = server.post("later", [1])
    check(status == 404 or "offsets" in answer,
          "the server notices a topic deleted beside it", answer)
    check(server.stop() == 0, "the server ends")


def groups(data):
    done = subprocess.run([PINLINE, "--data", data, "sink", "--once"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    if done.returncode != 0:
        print("# skipped: the sink ended with", done.stderr)
        return
    lag = json.loads(topics(data, "lag", "--format", "json"))
    check(lag and all(r["lag"] == 0 for r in lag), "the sink has no lag", lag)
    group = lag[0]["group"]
    topics(data, "reset", group, "pin", "--to", "2", "--dry-run")
    check(json.loads(topics(data, "lag", "--format", "json")) == lag,
          "--dry-run moves nothing")
    topics(data, "reset", group, "pin", "--to", "2")
    rows = json.loads(topics(data, "lag", group, "--format", "json"))
    check([r["offset"] for r in rows if r["topic"] == "pin"] == [2],
          "reset moves a position", rows)
    topics(data, "reset", group, "pin", "--to", "99", code=2)


def full_disk(mount):
    """Runs inside a mount namespace of its own, with a small tmpfs."""
    data = os.path.join(mount, "data")
    topics(data, "create", "big", "keep")
    server = Server(data)
    server.post("keep", ["kept"])
    stored = 0
    status, answer = 200, {}
    for i in range(400):
        status, answer = server.post("big", ["x" * 100000], key=f"k{i}")
        if status != 200:
            break
        stored += 1
    check(status >= 500, "a full disk is an error", (status, answer))
    check("disk is full" in json.dumps(answer), "that names the disk", answer)
    n = len(topics(data, "read", "big").splitlines())
    check(n == stored, "what was answered is there, and no more", (n, stored))
    topics(data, "delete", "big")
    check("big" not in topics(data, "list"), "deleting works on a full disk")
    check(topics(data, "read", "keep") == '"kept"\n', "others are untouched")
    server.stop()


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--full":
        full_disk(sys.argv[2])
        print(f"{passed} passed, {failed} failed")
        return 1 if failed else 0
    with tempfile.TemporaryDirectory() as folder:
        beside_a_server(os.path.join(folder, "data"))
        groups(os.path.join(folder, "data"))
        mount = os.path.join(folder, "small")
        os.mkdir(mount)
        inside = (f"mount -t tmpfs -o size=12m none {mount} && "
                  f"{sys.executable} {os.path.abspath(__file__)} --full {mount}")
        done = subprocess.run(["unshare", "-rm", "sh", "-c", inside],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120)
        print(done.stdout, end="")
        if "passed" in done.stdout:
            check(done.returncode == 0, "a full disk")
        else:
            print("# skipped: no mount namespace here:", done.stderr.strip())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())

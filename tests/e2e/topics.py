#!/usr/bin/env python3
"""`pinline topics` beside a running server, and on a disk that is full.

I9, I10: a full disk refuses whole requests with a word, loses nothing, and
deleting a topic still works there.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading

from served import PINLINE, Server
from told import check, finish, program, skip, soon



def topics(data, *words, code=0):
    done = subprocess.run([PINLINE, "--data", data, "topics", *words],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    if done.returncode != code:
        raise SystemExit(f"topics {words}: {done.returncode} {done.stderr}")
    return done.stdout


def post(server, topic, values, key=None):
    return server.produce(topic, [{"value": v} for v in values],
                          **({"Idempotency-Key": key} if key else {}))


def followed(server, data, *words):
    """What a reader that follows pin prints of what is posted meanwhile, a
    number every 50 ms; without words it is interrupted at its first line."""
    reader = subprocess.Popen([PINLINE, "--data", data, "topics", "read", "pin", "--follow",
                               *words], stdout=subprocess.PIPE, text=True)
    over = threading.Event()

    def go_on():
        n = 0
        while not over.wait(0.05) and n < 400:
            post(server, "pin", [n])
            n += 1
        reader.terminate()

    poster = threading.Thread(target=go_on)
    poster.start()
    lines = [reader.stdout.readline()]
    if not words:
        reader.send_signal(signal.SIGINT)
    lines += reader.stdout.readlines()
    over.set()
    poster.join()
    return lines, reader.wait(timeout=60)


def beside_a_server(data):
    topics(data, "create", "pin")
    server = Server(data)
    post(server, "pin", [{"n": 0}, "tüte", None])
    lines = topics(data, "read", "pin").splitlines()
    check(lines == ['{"n":0}', '"tüte"', ""], "values are printed as stored",
          lines)
    rows = [json.loads(x) for x in
            topics(data, "read", "pin", "--format", "json").splitlines()]
    check([r["offset"] for r in rows] == [0, 1, 2], "offsets are printed")
    check(rows[2]["value"] is None and rows[2]["key"] is None,
          "a tombstone is null")
    topics(data, "create", "later", "--partitions", "3")
    status, _ = post(server, "later", list(range(100)))
    check(status == 200, "the server knows a topic made beside it", status)
    got = sorted(map(int, topics(data, "read", "later").split()))
    check(got == list(range(100)), "all partitions are read", got)
    check(len(topics(data, "read", "later", "-n", "7").split()) == 7,
          "--max stops")
    first, second = (int(line) for line in followed(server, data, "-n", "2")[0])
    check(second == first + 1, "--follow begins at the end and sees what comes")
    lines, code = followed(server, data)
    check(len(lines) >= 1 and code in (0, 130), "--follow ends when asked to", code)
    topics(data, "delete", "later")
    check(soon(lambda: post(server, "later", [1])[0] == 404),
          "the server notices a topic deleted beside it")
    check(server.stop() == 0, "the server ends")


def groups(data):
    done = subprocess.run([PINLINE, "--data", data, "sink", "--once"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    check(done.returncode == 0, "the sink lands all and ends", done.stderr)
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
    topics(data, "reset", group, "pin", "--to", "99999", code=2)


def full_disk(mount):
    """Runs inside a mount namespace of its own, with a small tmpfs."""
    data = os.path.join(mount, "data")
    topics(data, "create", "big", "keep")
    server = Server(data)
    post(server, "keep", ["kept"])
    stored = 0
    status, answer = 200, {}
    for i in range(400):
        status, answer = post(server, "big", ["x" * 100000], key=f"k{i}")
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
        return finish()
    with tempfile.TemporaryDirectory() as folder:
        beside_a_server(os.path.join(folder, "data"))
        groups(os.path.join(folder, "data"))
        mount = os.path.join(folder, "small")
        os.mkdir(mount)
        inside = (f"mount -t tmpfs -o size=12m none {mount} && "
                  f"{sys.executable} {os.path.abspath(__file__)} --full {mount}")
        may = subprocess.run(["unshare", "-rm", "true"], capture_output=True, text=True,
                             check=False)
        if may.returncode == 0:
            program(["unshare", "-rm", "sh", "-c", inside], timeout=120)
        else:
            skip(f"no mount namespace here for a full disk: {may.stderr.strip()}")
    return finish()


sys.exit(main())

#!/usr/bin/env python3
"""memory - what cleaning and reading hold does not grow with what they read.

ROWS (300000) rows are cleaned without duplicates, and four times as many; a topic
of TOPIC_MB (64) is read to its end, and one of four times as many.  ROWS=5000000
TOPIC_MB=2500 is what is promised: 20 million rows in 1.5 GB, a topic of 10 GB.
Memory is the process's peak, as the kernel tells it.
"""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from served import PINLINE, Server
from told import check, finish

ROWS = int(os.environ.get("ROWS", "300000"))
TOPIC_MB = int(os.environ.get("TOPIC_MB", "64"))
MB = 1 << 20
CHUNK = 20000
MOST = 1500e6         # bytes, of 20 million rows
A_ROW = MOST / 20e6   # and so of one
READER = 8 * MB       # what reading may hold more of a topic four times as large
SANITIZED = "san" in os.environ.get("PINLINE_BUILD", "")
GEO = ('{"ind":%d,"timestamp":"2019-05-05 01:02:03","latitude":1.5,"longitude":-2.25,'
       '"country":"Aruba"}\n')


def peak_of(process):
    """Bytes at the most; the process is waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024


def feed(out, rows):
    """So many different rows, and behind each chunk its first tenth once more."""
    for first in range(0, rows, CHUNK):
        lines = [GEO % i for i in range(first, min(first + CHUNK, rows))]
        out.write("".join(lines + lines[:len(lines) // 10]).encode())
    out.close()


def cleaned(folder, rows):
    stats = os.path.join(folder, "stats.json")
    began = time.monotonic()
    process = subprocess.Popen(
        [PINLINE, "-q", "clean", "--table", "geo", "-", "-o", "-", "--stats", stats],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    feeder = threading.Thread(target=feed, args=(process.stdin, rows))
    feeder.start()
    peak = peak_of(process)
    feeder.join()
    with open(stats, encoding="utf-8") as f:
        told = json.load(f)
    check(process.returncode == 0 and told["cleaned"] == rows and
          told["duplicate"] == told["rows"] - rows > rows // 11,
          f"{rows} rows are cleaned, each once", told)
    print(f"# {rows} rows: {peak / 1e6:.0f} MB, {time.monotonic() - began:.0f} s", flush=True)
    return peak


def cleaning(folder):
    small, large = cleaned(folder, ROWS), cleaned(folder, 4 * ROWS)
    grown = (large - small) / (3 * ROWS)
    check(grown < A_ROW and large < max(MOST, 4 * ROWS * A_ROW) or SANITIZED,
          f"a row costs less than {A_ROW:.0f} bytes", grown)
    print(f"# {grown:.1f} bytes a row")


def fill(server, topic, size):
    """Bytes that do not shrink, in records of 744."""
    records = [{"value": os.urandom(360).hex()} for _ in range(4000)]
    bodies = [json.dumps({"records": records[i:i + 1000]}).encode() for i in range(0, 4000, 1000)]
    sent = 0
    while sent < size:
        status, text = server.call("POST", "/topics/" + topic, bodies[sent // MB % 4], {
            "Content-Type": "application/vnd.kafka.json.v2+json"}, timeout=120)
        if status == 429:
            continue
        assert status == 200, text
        sent += len(bodies[0])
    return sent


def read(data, topic):
    began = time.monotonic()
    reader = subprocess.Popen([PINLINE, "--data", data, "topics", "read", topic],
                              stdout=subprocess.PIPE)
    got = 0
    while more := reader.stdout.read(MB):
        got += len(more)
    reader.stdout.close()
    peak = peak_of(reader)
    print(f"# {got / 1e6:.0f} MB read: {peak / 1e6:.0f} MB, {time.monotonic() - began:.0f} s",
          flush=True)
    return peak, got


def reading(folder):
    data = os.path.join(folder, "data")
    with Server(data, before=["-q"]) as server:
        sent = [fill(server, t, n * MB * TOPIC_MB) for t, n in (("pin", 1), ("geo", 4))]
        held = server.kb("VmHWM") * 1024
        print(f"# serve stored {sum(sent) / 1e6:.0f} MB: {held / 1e6:.0f} MB")
    (small, _), (large, got) = read(data, "pin"), read(data, "geo")
    check(got > 0.95 * sent[1], "the whole topic is read", (got, sent))
    check(large < small + READER or SANITIZED,
          "reading a topic four times as large holds no more", (small, large))


def main():
    with tempfile.TemporaryDirectory(prefix="pinline-memory.") as folder:
        cleaning(folder)
        reading(folder)
    return finish()


sys.exit(main())

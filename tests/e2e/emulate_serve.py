#!/usr/bin/env python3
"""emulate_serve - the emulator against the real server.

Every contract: what the topics hold is what was counted.  A server that is
killed and started again while rows are posted: every record exactly once.
"""
import collections
import json
import signal
import subprocess
import sys
import tempfile
import time

from served import PINLINE, Server
from told import finish, named as check



def emulate(url, *args):
    p = subprocess.run([PINLINE, "emulate", "-q", "--to", url, "--format", "json", *args],
                       capture_output=True, text=True, timeout=120)
    return p.returncode, json.loads(p.stdout or "[]"), p.stderr


def topic(data, name):
    out = subprocess.run([PINLINE, "topics", "read", name, "--from-beginning", "--data", data],
                         capture_output=True, check=True).stdout
    return out.splitlines()


def contracts():
    for contract in ("kafka-v2", "send_data", "pin"):
        with tempfile.TemporaryDirectory() as data:
            server = Server(data)
            code, counts, err = emulate(server.url, "--contract", contract, "--rows", "120",
                                        "--order", "cpython")
            check(f"{contract}: it ends with 0", code == 0, code, err)
            check(f"{contract}: the server ends with 0", server.stop() == 0)
            for c in counts:
                check(f"{contract}: {c['topic']} holds what was counted",
                      c["posted"] == 120 and len(topic(data, c["topic"])) == 120, c)
                check(f"{contract}: {c['topic']} nothing is uncertain",
                      c["uncertain"] == c["refused"] == c["unsent"] == 0, c)


def bad_rows_are_stored():
    with tempfile.TemporaryDirectory() as d:
        server = Server(f"{d}/data")
        code, counts, err = emulate(server.url, "--rows", "0", "--batch", "50", "--source",
                                    "generator:rows=600,seed=9,bad=0.3,duplicates=0.2")
        server.stop()
        check("bad rows: it ends with 0", code == 0, err)
        subprocess.run([PINLINE, "generate", "-q", "--rows", "600", "--seed", "9", "--bad", "0.3",
                        "--duplicates", "0.2", "--out", d], check=True)
        for c in counts:
            with open(f"{d}/{c['topic']}.jsonl", "rb") as f:
                lines = f.read().split(b"\n")[:-1]
            # a JSON null is stored as a message without a value
            want = collections.Counter(x for x in lines if x != b"null")
            got = collections.Counter(x for x in topic(f"{d}/data", c["topic"]) if x != b"null"
                                      and x != b"")
            check(f"bad rows: {c['topic']} holds every line",
                  c["posted"] == 600 and set(got) == set(want) and got == want,
                  list((want - got).items())[:2], list((got - want).items())[:2])


def exactly_once_through_kills():
    with tempfile.TemporaryDirectory() as data:
        server = Server(data)
        again = ("--listen", f"127.0.0.1:{server.port}")
        p = subprocess.Popen(
            [PINLINE, "emulate", "-q", "--to", server.url, "--format", "json", "--order",
             "sequential", "--rows", "3000", "--pace", "1500/s", "--connections", "32"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3):
            time.sleep(0.4)
            server.stop(signal.SIGKILL)
            server = Server(data, *again)
        out, err = p.communicate(timeout=120)
        server.stop()
        check("kills: it ends with 0", p.returncode == 0, p.returncode, err)
        for c in json.loads(out):
            rows = [json.loads(line) for line in topic(data, c["topic"])]
            times = collections.Counter(r.get("index", r.get("ind")) for r in rows)
            check(f"kills: {c['topic']} holds every record once",
                  c["posted"] == 3000 and len(times) == 3000 and max(times.values()) == 1,
                  c, len(times), times.most_common(2))


contracts()
bad_rows_are_stored()
exactly_once_through_kills()
sys.exit(finish())

#!/usr/bin/env python3
"""Sinks that share a topic of four partitions join, leave and are killed while
records come: every record is in the objects once.

SECONDS (20) how long; SECONDS=120 is the long form.  SEED chooses the order.
"""
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import lake  # noqa: E402

lake.need_venv()
from confluent_kafka import Producer  # noqa: E402

import far  # noqa: E402
from told import check, finish  # noqa: E402

PINLINE = lake.pinline()
SECONDS = float(os.environ.get("SECONDS", "20"))
SEED = int(os.environ.get("SEED", "7528"))
PARTS = 4
MOST = 5  # one more than there are partitions


class Sinks:
    def __init__(self, folder, url):
        self.base = [PINLINE, "--data", os.path.join(folder, "data"),
                     "--set", "objects.topics=shared-*",
                     "--set", "objects.flush_records=40", "--set", "objects.flush_time=500ms"]
        self.broker = ["--broker", url]
        self.errors = open(os.path.join(folder, "sinks.log"), "w+", encoding="utf-8")
        self.all, self.ended = [], []

    def run(self, *words):
        return subprocess.run(self.base + [*words, *self.broker], capture_output=True,
                              text=True, timeout=180, check=False)

    def alive(self):
        """Not those that are leaving: a second SIGTERM would end them at once."""
        asked = {s.pid for s, _ in self.ended}
        return [s for s in self.all if s.poll() is None and s.pid not in asked]

    def join(self):
        self.all.append(subprocess.Popen(
            self.base + ["sink", "objects", "--follow", *self.broker],
            stdout=subprocess.DEVNULL, stderr=self.errors))

    def lose(self, sink, how):
        self.ended.append((sink, how))
        sink.send_signal(how)

    def end(self):
        for s in self.alive():
            self.lose(s, signal.SIGTERM)
        for s in self.all:
            s.wait(60)

    def bad(self):
        """Those that ended otherwise than they were asked to."""
        asked = dict((s.pid, how) for s, how in self.ended)
        return [s.returncode for s in self.all if s.returncode not in
                (0, -signal.SIGKILL if asked.get(s.pid) == signal.SIGKILL else 0)]


def load(sinks, producer, topic):
    """Records and events for SECONDS; how many records, what happened."""
    draw = random.Random(SEED)
    until = time.monotonic() + SECONDS
    event = time.monotonic() + 2
    n, events = 0, []
    while time.monotonic() < until:
        for _ in range(20):
            producer.produce(topic, json.dumps({"n": n}).encode(), partition=n % PARTS)
            n += 1
        producer.poll(0)
        time.sleep(0.02)
        if time.monotonic() < event:
            continue
        event = time.monotonic() + draw.uniform(0.5, 4)
        alive = sinks.alive()
        what = draw.choice(["join", "leave", "kill"])
        if what == "join" and len(alive) < MOST or len(alive) < 2:
            what = "join"
            sinks.join()
        else:
            sinks.lose(draw.choice(alive), signal.SIGKILL if what == "kill" else signal.SIGTERM)
        events.append(what)
    producer.flush(60)
    return n, events


def objects(folder, topic):
    """The numbers in the objects, with repeats, and how many objects."""
    names = glob.glob(os.path.join(folder, "data", "lake", "topics", topic, "*", "*.json"))
    found = []
    for name in names:
        with open(name, encoding="utf-8") as f:
            found += [json.loads(line)["n"] for line in f]
    return found, len(names)


def main():
    with far.side("kafka") as kafka, tempfile.TemporaryDirectory() as folder:
        sinks = Sinks(folder, "kafka://" + kafka["bootstrap"])
        topic = f"shared-{time.time_ns() % 10**9}"
        made = sinks.run("topics", "create", topic, "--partitions", str(PARTS))
        check(made.returncode == 0, "a topic of four partitions is made", made.stderr)
        producer = Producer({"bootstrap.servers": kafka["bootstrap"], "acks": "all",
                             "enable.idempotence": True})
        sinks.join()
        sinks.join()
        n, events = load(sinks, producer, topic)
        sinks.end()
        rest = sinks.run("sink", "objects", "--once")
        check(rest.returncode == 0, "a last sink lands what is left", rest.stderr)
        sinks.errors.seek(0)
        check(not sinks.bad(), "sinks end as they are asked to",
              f"{sinks.bad()} {sinks.errors.read()}")
        found, count = objects(folder, topic)
        check(sorted(found) == list(range(n)),
              "I4 objects: sinks join, leave and are killed, and each record is there once",
              f"{n} posted, {len(found)} found, {len(set(found))} different")
        print(f"# {n} records, {count} objects, events: {' '.join(events)}")
    return finish()


if __name__ == "__main__":
    sys.exit(main())

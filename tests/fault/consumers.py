#!/usr/bin/env python3
"""Consumers of Kafka REST v2 while the server is killed (SIGKILL).

Half of the kills come between a read and its commit, the others at any time,
also within a commit.  After each the next consumer of the group begins at a
position that was committed, or whose commit was under way: what was not
committed is read again, what was is not.  Answers get lost on the way too,
and are asked for again under their Idempotency-Key.

argv: embedded (default) or kafka, which starts the far side.  ROUNDS (10; 3
on Kafka, where the group waits for the member that was killed) kills.
"""
import os
import random
import shutil
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from rest_side import JSON, V2, Server, check, main, requests  # noqa: E402

PARTS = 2
KAFKA = sys.argv[1:2] == ["kafka"]
EACH = 500 if KAFKA else 4000  # records of a partition
PAD = "x" * 200
# a group waits so long for the member that was killed; the least that Kafka allows
OPTIONS = ["--set", "broker_options=session.timeout.ms=6000"] if KAFKA else []
SEED = int(os.environ.get("SEED", "7528"))
GONE = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


class Group:
    """What one group has read, and what its next consumer may begin at."""

    def __init__(self, name, auto):
        self.name, self.topic, self.auto = name, "kills-" + name, auto
        self.begin = [{0} for _ in range(PARTS)]  # where the next one may begin
        self.at = [0] * PARTS     # committed for sure
        self.next = [None] * PARTS
        self.received = [0] * PARTS
        self.seen = [set() for _ in range(PARTS)]
        self.committing = False
        self.faults = []
        self.reads = self.repeats = self.commits = 0

    def take(self, got):
        """Records of an answer: in order, from where they may begin."""
        for r in got:
            p, offset = r["partition"], r["offset"]
            if self.next[p] is None:
                low = min(self.begin[p])
                if offset not in self.begin[p] and not (self.auto and low <= offset <= self.received[p]):
                    self.faults.append(("begins", p, offset, self.begin[p], self.received[p]))
                self.at[p] = offset
            elif offset != self.next[p]:
                self.faults.append(("goes on", p, offset, self.next[p]))
            if r["value"] != [offset * PARTS + p, PAD]:
                self.faults.append(("value", r))
            self.next[p] = offset + 1
            self.seen[p].add(offset)

    def ended(self):
        """The server was killed."""
        for p in range(PARTS):
            if self.next[p] is not None:
                self.begin[p] = {self.at[p]} | (self.begin[p] if self.committing else set())
        self.next = [None] * PARTS
        self.committing = False


class Client:
    """One consumer instance of a group, until its server is gone."""

    def __init__(self, server, group, name, dice):
        self.group, self.dice = group, dice
        self.uri = f"{server.url}/consumers/{group.name}/instances/{name}"
        self.call("POST", f"{server.url}/consumers/{group.name}", 200, {
            "name": name, "format": "json", "auto.offset.reset": "earliest",
            "auto.commit.enable": group.auto})
        self.call("POST", self.uri + "/subscription", 204, {"topics": [group.topic]})
        self.keys = 0

    def call(self, method, url, status, body=None, **headers):
        r = requests.request(method, url, json=body, timeout=90, headers={
            "Content-Type": V2, **headers})
        if r.status_code != status:
            raise RuntimeError(f"{method} {url}: {r.status_code} {r.text[:300]}")
        return r.json() if r.text else None

    def read(self):
        """Now and then the answer is lost, and asked for again."""
        g = self.group
        self.keys += 1
        headers = {"Accept": JSON, "Idempotency-Key": f"k{self.keys}"}
        url = f"{self.uri}/records?timeout=2000&max_bytes={self.dice.choice([300, 1000, 4000])}"
        g.received = [p if n is None else n for p, n in zip(g.received, g.next)]
        got = self.call("GET", url, 200, None, **headers)
        g.take(got)
        if self.dice.random() < 0.3:
            again = self.call("GET", url, 200, None, **headers)
            g.repeats += 1
            if got and again != got:
                g.faults.append(("repeated", len(got), len(again)))
            elif not got:  # nothing was there to be repeated
                g.take(again)
                got = again
        g.reads += 1
        return got

    def commit(self):
        g = self.group
        goal = [(p, n) for p, n in enumerate(g.next) if n is not None]
        body = None
        if self.dice.random() < 0.5:
            body = {"offsets": [{"topic": g.topic, "partition": p, "offset": n - 1} for p, n in goal]}
        for p, n in goal:  # until it is answered it may have been stored or not
            g.begin[p] = {g.at[p], n}
        g.committing = True
        self.call("POST", self.uri + "/offsets", 200, body)
        g.committing = False
        for p, n in goal:
            g.at[p] = n
        g.commits += 1


def use(server, group, n, dice):
    """Reads and commits until the server is killed."""
    client = Client(server, group, f"c{n}", dice)
    until = time.monotonic() + 60
    while not client.read() and time.monotonic() < until and min(group.at) < EACH:
        pass  # Kafka's group waits for the member that was killed
    between = n % 2 == 0
    timer = threading.Timer(dice.uniform(0.05, 1), server.process.kill)
    if not between:
        timer.start()
    for k in range(10**6):
        if between and k == 8:
            server.process.kill()
        if not group.auto and dice.random() < 0.7:
            client.commit()
        client.read()
        time.sleep(dice.uniform(0, 0.03))


def to_the_end(server, group, dice):
    client = Client(server, group, "last", dice)
    until = time.monotonic() + 120
    while time.monotonic() < until and any(n != EACH for n in group.next):
        client.read()
    client.commit()
    lacks = [EACH - len(s) for s in group.seen]
    check(not any(lacks), f"{group.name}: every record was read", lacks)


def kills(group, rounds):
    dice = random.Random(SEED)
    data = tempfile.mkdtemp(prefix="pinline-consumers.")
    server = Server(*OPTIONS, topics=[(group.topic, PARTS)], data=data)
    for p in range(PARTS):
        for first in range(0, EACH, 500):
            server.produce(group.topic, [[i * PARTS + p, PAD] for i in range(first, first + 500)], partition=p)
    for n in range(rounds):
        try:
            use(server, group, n, dice)
        except GONE:
            pass
        server.kill()
        group.ended()
        server = Server(*OPTIONS, data=data)
    check(group.reads > 4 * rounds and (group.auto or group.commits > rounds), f"{group.name}: it was at work",
          (group.reads, group.commits))
    with server:
        to_the_end(server, group, dice)
    check(not group.faults, f"{group.name}: after {rounds} kills what was committed is not read again, the rest is",
          group.faults[:5])
    print(f"# {group.name}: {group.reads} reads, {group.repeats} repeated, {group.commits} commits")
    shutil.rmtree(data, ignore_errors=True)


def run(_kind):
    rounds = int(os.environ.get("ROUNDS", "3" if KAFKA else "10"))
    kills(Group("explicit", False), rounds)
    kills(Group("auto", True), max(1, rounds // 3))


if __name__ == "__main__":
    sys.exit(main(run))

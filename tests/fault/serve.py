#!/usr/bin/env python3
"""serve under load and kill -9, SIGTERM and retry storms (I1, I2, I3, I15).

Clients post records of their own, each request with an Idempotency-Key, and
remember every offset they were told.  After each kill the same keys are sent
again until they are answered.  At the end of it the topics hold each record
once, at the offset that was told, with the bytes that were sent, and nothing
else.  ROUNDS (20) is how often the server is killed.
"""
import glob
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

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from served import PINLINE, V2, Server  # noqa: E402
from told import check, finish  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "20"))
CLIENTS = 4
TOPICS = ["pin", "geo", "user"]


class Client(threading.Thread):
    """Posts until the server is gone; keeps what was told and what was not."""

    def __init__(self, name, seed):
        super().__init__()
        self.name = name
        self.random = random.Random(seed)
        self.n = 0
        self.told = {}      # (topic, partition, offset) -> value
        self.open = None    # the request whose answer is not known
        self.sent = set()   # ids of every record that was ever sent
        self.faults = []
        self.port = 0

    def fresh(self):
        records = []
        for _ in range(self.random.choice([1, 1, 1, 2, 5])):
            self.n += 1
            records.append({"value": {"id": f"{self.name}-{self.n}",
                                      "pad": "é" * self.random.randrange(400)}})
        return {"topic": self.random.choice(TOPICS), "records": records,
                "key": f"{self.name}-{self.n}"}

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        try:
            while True:
                self.open = self.open or self.fresh()
                self.post(connection)
                self.open = None
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def post(self, connection):
        request = self.open
        self.sent.update(r["value"]["id"] for r in request["records"])
        body = json.dumps({"records": request["records"]}, ensure_ascii=False)
        connection.request("POST", f"/topics/{request['topic']}", body.encode(),
                           {"Content-Type": V2, "Idempotency-Key": request["key"]})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status == 503:
            raise ConnectionError("refused while stopping")
        if answer.status != 200:
            self.faults.append((answer.status, text))
            return
        for record, report in zip(request["records"], json.loads(text)["offsets"]):
            at = (request["topic"], report["partition"], report["offset"])
            value = json.dumps(record["value"], ensure_ascii=False,
                               separators=(",", ":"))
            if report["error_code"] is not None or at in self.told:
                self.faults.append((request["topic"], report))
            self.told[at] = value


def again(clients, port):
    """One more run of every client, in new threads."""
    fresh = []
    for old in clients:
        new = Client(old.name, old.random.random())
        for field in ("n", "told", "open", "sent", "faults"):
            setattr(new, field, getattr(old, field))
        new.port = port
        fresh.append(new)
    for client in fresh:
        client.start()
    return fresh


def stored(data):
    """(topic, partition, offset) -> value, from the objects of a full sink."""
    done = subprocess.run([PINLINE, "--data", data, "sink", "objects"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    out = {}
    for path in glob.glob(data + "/lake/topics/*/partition=*/*.json"):
        topic, partition, first = os.path.basename(path)[:-5].rsplit("+", 2)
        with open(path, "rb") as f:
            for n, line in enumerate(f.read().decode().split("\n")[:-1]):
                out[(topic, int(partition), int(first) + n)] = line
    return out


def compare(clients, held, name):
    told = {at: v for c in clients for at, v in c.told.items()}
    sent = set().union(*(c.sent for c in clients))
    open_ids = {r["value"]["id"] for c in clients if c.open
                for r in c.open["records"]}
    ids = [json.loads(v)["id"] for v in held.values()]
    lost = [at for at, v in told.items() if held.get(at) != v]
    check(not lost, f"{name}: every told offset holds its bytes", lost[:3])
    check(len(ids) == len(set(ids)), f"{name}: every record is stored once",
          [i for i in ids if ids.count(i) > 1][:3] if len(ids) < 9999 else "")
    missing = sent - set(ids) - open_ids
    check(not missing, f"{name}: nothing answered is missing", sorted(missing)[:3])
    check(set(ids) <= sent, f"{name}: nothing is stored that was not sent")
    ends = {}
    for topic, partition, offset in held:
        ends.setdefault((topic, partition), []).append(offset)
    check(all(sorted(o) == list(range(len(o))) for o in ends.values()),
          f"{name}: offsets are dense")
    check(not any(c.faults for c in clients), f"{name}: no other answers",
          [c.faults[:2] for c in clients if c.faults][:1])
    return len(told)


def kill_rounds(folder):
    data = os.path.join(folder, "killed")
    clients = [Client(f"c{n}", n) for n in range(CLIENTS)]
    dice = random.Random(int(time.time()))
    before = {}
    stable = True
    for number in range(ROUNDS):
        server = Server(data)
        clients = again(clients, server.port)
        time.sleep(dice.uniform(0.03, 0.3))
        server.stop(signal.SIGKILL)
        for client in clients:
            client.join()
        if number % 10 == 9:
            held = stored(data)
            stable = stable and all(held.get(at) == v for at, v in before.items())
            before = held
    # what is open is sent once more, to a server that stays
    server = Server(data)
    clients = again(clients, server.port)
    time.sleep(0.5)
    code = server.stop(signal.SIGTERM)
    for client in clients:
        client.join()
    held = stored(data)
    check(code == 0, "a server after all kills ends with 0")
    check(stable and all(held.get(at) == v for at, v in before.items()),
          "what was read once is read so for ever")
    told = compare(clients, held, f"{ROUNDS} kills")
    check(told > ROUNDS, "the clients were told offsets", told)
    print(f"# {ROUNDS} kills, {told} records told, {len(held)} held")


def stop_rounds(folder):
    data = os.path.join(folder, "stopped")
    clients = [Client(f"s{n}", n) for n in range(CLIENTS)]
    dice = random.Random(7)
    slowest = 0.0
    codes = []
    for _ in range(max(ROUNDS // 4, 3)):
        server = Server(data)
        clients = again(clients, server.port)
        time.sleep(dice.uniform(0.05, 0.3))
        began = time.time()
        codes.append(server.stop(signal.SIGTERM))
        slowest = max(slowest, time.time() - began)
        for client in clients:
            client.join()
    check(set(codes) == {0}, "SIGTERM under load ends with 0", codes)
    check(slowest < 10, "SIGTERM ends within 10 s", slowest)
    compare(clients, stored(data), "SIGTERM")


def storm(folder):
    """Twenty clients with one key at once, and a kill amid them."""
    data = os.path.join(folder, "storm")
    answers = []
    lock = threading.Lock()

    def post(port, key):
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
            c.request("POST", "/topics/pin", '{"records":[{"value":"%s"}]}' % key,
                      {"Content-Type": V2, "Idempotency-Key": key})
            answer = c.getresponse()
            with lock:
                answers.append((key, answer.status, answer.read()))
        except (OSError, http.client.HTTPException):
            pass

    def wave(port, keys):
        threads = [threading.Thread(target=post, args=(port, k))
                   for k in keys for _ in range(20)]
        for t in threads:
            t.start()
        return threads

    server = Server(data)
    threads = wave(server.port, ["k1", "k2", "k3"])
    time.sleep(0.02)
    server.stop(signal.SIGKILL)
    for t in threads:
        t.join()
    server = Server(data)
    for t in wave(server.port, ["k1", "k2", "k3"]):
        t.join()
    post_other = http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)
    post_other.request("POST", "/topics/pin", '{"records":[{"value":"other"}]}',
                       {"Content-Type": V2, "Idempotency-Key": "k1"})
    status = post_other.getresponse().status
    server.stop(signal.SIGTERM)
    held = stored(data)
    check(sorted(held.values()) == ['"k1"', '"k2"', '"k3"'],
          "a storm of retries stores each key once", held)
    kinds = {(k, s, a) for k, s, a in answers}
    check(len(kinds) == 3 and all(s == 200 for _, s, _ in kinds),
          "and answers each of them the same", kinds)
    check(status == 422, "the key with another body is 422", status)


def main():
    with tempfile.TemporaryDirectory() as folder:
        storm(folder)
        stop_rounds(folder)
        kill_rounds(folder)
    return finish()


if __name__ == "__main__":
    sys.exit(main())

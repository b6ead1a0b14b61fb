"""Load on a server of pinline, and what Kafka holds in the end."""
import http.client
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import served  # noqa: E402
from served import V2  # noqa: E402


class Server(served.Server):
    """pinline serve on Kafka; always on the same port once it has one."""

    def __init__(self, data, url, port=0, *words):
        super().__init__(data, "--broker", url, "--listen", f"127.0.0.1:{port}", *words,
                         log=data + ".log")


class Client(threading.Thread):
    """Posts records of its own, each request with a key, and sends one again
    until it is answered; remembers what it was told."""

    def __init__(self, name, port, topics, stop):
        super().__init__(daemon=True)
        self.name, self.port, self.topics, self.over = name, port, topics, stop
        self.n = 0
        self.told = {}     # (topic, partition, offset) -> id
        self.sent = {}     # id -> topic
        self.retries = 0
        self.slowest = 0.0
        self.faults = []
        self.give_up = None  # monotonic time after which open requests stay open
        self.open = None

    def fresh(self):
        self.n += 1
        topic = self.topics[self.n % len(self.topics)]
        ids = [f"{self.name}-{self.n}-{i}" for i in range(1 + self.n % 3)]
        self.sent.update((i, topic) for i in ids)
        body = {"records": [{"value": {"id": i, "pad": "ü" * (self.n % 50)}} for i in ids]}
        return topic, ids, json.dumps(body, ensure_ascii=False).encode(), ids[0]

    def run(self):
        connection = None
        while not self.over.is_set() or self.open:
            self.open = self.open or self.fresh()
            began = time.monotonic()
            while self.open:
                try:
                    connection = connection or http.client.HTTPConnection(
                        "127.0.0.1", self.port, timeout=60)
                    if self.post(connection):
                        self.open = None
                        break
                except (OSError, http.client.HTTPException):
                    if connection:
                        connection.close()
                    connection = None
                self.retries += 1
                if self.give_up and time.monotonic() > self.give_up:
                    return
                time.sleep(0.1)
            self.slowest = max(self.slowest, time.monotonic() - began)

    def post(self, connection):
        topic, ids, body, key = self.open
        connection.request("POST", f"/topics/{topic}", body,
                           {"Content-Type": V2, "Idempotency-Key": key})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 500 or answer.status == 429:
            return False
        if answer.status != 200:
            self.faults.append((answer.status, text[:200]))
            return True
        reports = json.loads(text)["offsets"]
        if any(r["error_code"] for r in reports):
            return False  # some are stored, some not: the same again
        for i, r in zip(ids, reports):
            at = (topic, r["partition"], r["offset"])
            if self.told.setdefault(at, i) != i:
                self.faults.append((at, i, self.told[at]))
        return True


class Load:
    """Clients until end(); then what they were told against what is held."""

    def __init__(self, name, port, topics, clients=4):
        self.stop = threading.Event()
        self.name = name
        self.clients = [Client(f"{name}{i}", port, topics, self.stop)
                        for i in range(clients)]
        for c in self.clients:
            c.start()

    def told(self):
        return sum(len(c.told) for c in self.clients)

    def go_on(self, seconds, more=50):
        """For a while, and until so many more are answered."""
        target = self.told() + more
        time.sleep(seconds)
        until = time.monotonic() + 60
        while self.told() < target and time.monotonic() < until:
            time.sleep(0.1)
        return self.told() >= target

    def end(self, patience=60):
        for c in self.clients:
            c.give_up = time.monotonic() + patience
        self.stop.set()
        for c in self.clients:
            c.join(patience + 90)

    def compare(self, held, check, name):
        told = {at: i for c in self.clients for at, i in c.told.items()}
        sent = {i: t for c in self.clients for i, t in c.sent.items()}
        mine = {at: i for at, i in held.items() if i.startswith(self.name)}
        lost = [(at, i) for at, i in told.items() if held.get(at) != i]
        check(not lost, f"I1 kafka: every told offset holds its record, {name}", lost[:3])
        ids = list(mine.values())
        twice = {i for i in ids if ids.count(i) > 1} if len(ids) != len(set(ids)) else set()
        check(not twice, f"I3 kafka: every record is stored once, {name}", sorted(twice)[:5])
        still = [i for c in self.clients if c.open for i in c.open[1]]
        check(not still, f"I13 kafka: every request is answered in the end, {name}", still[:3])
        missing = set(sent) - set(ids) - set(still)
        check(not missing, f"I1 kafka: nothing answered is missing, {name}",
              sorted(missing)[:3])
        faults = [f for c in self.clients for f in c.faults]
        check(not faults, f"no client is answered anything else, {name}", faults[:3])
        print(f"# {name}: {len(told)} told, {sum(c.retries for c in self.clients)} "
              f"retries, slowest answer {max(c.slowest for c in self.clients):.1f} s",
              flush=True)


def held(bootstrap, topics):
    """(topic, partition, offset) -> id of all that the topics hold now."""
    import confluent_kafka as ck
    consumer = ck.Consumer({"bootstrap.servers": bootstrap, "group.id": "none",
                            "enable.auto.commit": False, "enable.partition.eof": True,
                            "log_level": 0})
    left = {}
    for t in topics:
        for p in consumer.list_topics(t, timeout=30).topics[t].partitions:
            end = consumer.get_watermark_offsets(ck.TopicPartition(t, p), timeout=30)[1]
            left[(t, p)] = end
    left = {at: end for at, end in left.items() if end > 0}
    consumer.assign([ck.TopicPartition(t, p, 0) for t, p in left])
    out, until = {}, time.monotonic() + 120
    while left and time.monotonic() < until:
        for m in consumer.consume(1000, timeout=0.5):
            if not m.error() and m.value():
                out[(m.topic(), m.partition(), m.offset())] = json.loads(m.value())["id"]
        for tp in consumer.position([ck.TopicPartition(t, p) for t, p in left]):
            if tp.offset >= left[(tp.topic, tp.partition)]:
                del left[(tp.topic, tp.partition)]
    consumer.close()
    if left:
        raise RuntimeError(f"could not be read to their end: {left}")
    return out

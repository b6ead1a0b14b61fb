#!/usr/bin/env python3
"""pinline on a real Apache Kafka, beside the clients that its users have:
requests, confluent-kafka, kafka-python, kcat, Kafka's console tools and Kafka
Connect.  What one of them stores, all others read, and the main job gives the
answers that it gives on its own topics.

One broker for all cases; PINLINE_FAR_KAFKA names one that runs already.
Words on the command line choose cases.
"""
import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lake  # noqa: E402

lake.need_venv()
import confluent_kafka  # noqa: E402
import kafka as kafka_python  # noqa: E402
import requests  # noqa: E402
from confluent_kafka import admin as confluent_admin  # noqa: E402

import far  # noqa: E402

PINLINE = lake.pinline()
V2 = "application/vnd.kafka.json.v2+json"
BINARY = "application/vnd.kafka.binary.v2+json"
passed = failed = 0


def check(ok, name, why=""):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    print("ok" if ok else "not ok", name, "" if ok else str(why)[:2000], flush=True)


def same(name, got, want):
    check(got == want, name, f"\n  got    {got!r:.900}\n  wanted {want!r:.900}")


class Kafka:
    """The far side, and a folder for what belongs to it."""

    def __init__(self, values, folder):
        self.bootstrap = values["bootstrap"]
        self.kt_path = values["kt"]
        self.url = "kafka://" + self.bootstrap
        self.folder = folder

    def data(self, name):
        return os.path.join(self.folder, name)

    def kt(self, tool, *words, stdin=None):
        done = subprocess.run(
            [self.kt_path, tool, "--bootstrap-server", self.bootstrap, *words],
            input=stdin, capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{tool} {words}: {done.stderr.decode()[-800:]}")
        return done.stdout.decode()

    def pinline(self, name, *words, code=0, stdin=None):
        done = subprocess.run(
            [PINLINE, "--data", self.data(name), *words, "--broker", self.url],
            input=stdin, capture_output=True, timeout=300, check=False)
        if done.returncode != code:
            raise RuntimeError(f"pinline {words}: {done.returncode}, not {code}: "
                               f"{done.stderr.decode()[-800:]}")
        return done.stdout

    def kcat(self, *words, stdin=None):
        return subprocess.run(["kcat", "-q", "-b", self.bootstrap, *words],
                              input=stdin, capture_output=True, timeout=60,
                              check=True).stdout


class Server:
    """pinline serve on this Kafka."""

    def __init__(self, k, name, *words):
        self.process = subprocess.Popen(
            [PINLINE, "--data", k.data(name), "serve", "--listen", "127.0.0.1:0",
             "--broker", k.url, *words], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://[^ ,]*:\d+", line)
        if not found:
            raise RuntimeError(f"serve did not start: {line!r}")
        self.url = found.group(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        self.process.stdout.close()


def name_of(word):
    """A topic of this case alone, whoever else uses the broker."""
    return f"{word}-{uuid.uuid4().hex[:8]}"


ROWS = [{"index": 7528, "unique_id": "fbe53c66", "title": "No Title Data Available",
         "follower_count": "124k", "tag_list": "N,o, ,T,a,g,s", "downloaded": 0},
        {"index": 2863, "title": "“quoted” ü \U0001F60D", "f": 1.5, "n": None},
        {"index": 5730, "deep": {"a": [1, [2, {"b": True}]]}}]
TEXTS = [json.dumps(r, ensure_ascii=False, separators=(",", ":")).encode() for r in ROWS]


# ---- readers: what each client sees in a topic, as (key, value) in order ------

def read_confluent(k, topic, n):
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": k.bootstrap, "group.id": name_of("g"),
        "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic])
    out, until = [], time.monotonic() + 60
    while len(out) < n and time.monotonic() < until:
        m = consumer.poll(1)
        if m is not None and not m.error():
            out.append((m.key(), m.value()))
    consumer.close()
    return out


def read_kafka_python(k, topic, n):
    consumer = kafka_python.KafkaConsumer(
        topic, bootstrap_servers=k.bootstrap, auto_offset_reset="earliest",
        group_id=name_of("g"), consumer_timeout_ms=30000)
    out = []
    for m in consumer:
        out.append((m.key, m.value))
        if len(out) == n:
            break
    consumer.close()
    return out


def read_kcat(k, topic, n):
    """kcat -J escapes as JSON: values that are text."""
    lines = k.kcat("-C", "-t", topic, "-e", "-o", "beginning", "-J").splitlines()
    rows = [json.loads(line) for line in lines]
    return [(r["key"] and r["key"].encode(), None if r["payload"] is None else
             r["payload"].encode()) for r in rows]


def read_console(k, topic, n):
    text = k.kt("kafka-console-consumer", "--topic", topic, "--from-beginning",
                "--max-messages", str(n), "--timeout-ms", "30000",
                "--formatter-property", "print.key=true")
    rows = [line.split("\t", 1) for line in text.splitlines()]
    return [tuple(None if w == "null" else w.encode() for w in row) for row in rows]


def read_pinline(k, topic, n):
    text = k.pinline("reader", "topics", "read", topic, "--format", "json")
    messages = json.loads(text) if text[:1] == b"[" else [
        json.loads(line) for line in text.splitlines()]
    return [(of_pinline(m.get("key")), of_pinline(m.get("value"))) for m in messages]


def of_pinline(value):
    """Bytes of a key or value as `topics read --format json` shows it."""
    if value is None:
        return None
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    return value.encode() if isinstance(value, str) else json.dumps(
        value, ensure_ascii=False, separators=(",", ":")).encode()


def read_http(k, topic, n):
    """The REST consumer of pinline itself."""
    with Server(k, name_of("http"), "--no-pipelines") as s:
        v2 = {"Content-Type": "application/vnd.kafka.v2+json"}
        made = requests.post(f"{s.url}/consumers/{name_of('g')}", headers=v2, json={
            "name": "i", "format": "binary", "auto.offset.reset": "earliest"}, timeout=30)
        base = made.json()["base_uri"]
        requests.post(base + "/subscription", headers=v2, json={"topics": [topic]}, timeout=30)
        out, until = [], time.monotonic() + 60
        while len(out) < n and time.monotonic() < until:
            got = requests.get(base + "/records", headers={"Accept": BINARY}, timeout=60)
            out += got.json()
        requests.delete(base, headers=v2, timeout=30)
    decode = lambda v: None if v is None else base64.b64decode(v)
    return [(decode(m["key"]), decode(m["value"])) for m in out]


READERS = {"confluent-kafka": read_confluent, "kafka-python": read_kafka_python,
           "kcat": read_kcat, "kafka-console-consumer": read_console,
           "pinline topics read": read_pinline, "a REST consumer": read_http}


# ---- writers: each stores TEXTS with the keys k0, k1, none --------------------

KEYS = [b"k0", b"k1", None]


def write_confluent(k, topic):
    p = confluent_kafka.Producer({"bootstrap.servers": k.bootstrap})
    for key, text in zip(KEYS, TEXTS):
        p.produce(topic, text, key)
    check(p.flush(30) == 0, "confluent-kafka's producer is done")


def write_kafka_python(k, topic):
    p = kafka_python.KafkaProducer(bootstrap_servers=k.bootstrap)
    for key, text in zip(KEYS, TEXTS):
        p.send(topic, text, key).get(30)
    p.close()


def write_kcat(k, topic):
    for key, text in zip(KEYS, TEXTS):
        words = ["-k", key.decode()] if key else []
        k.kcat("-P", "-t", topic, *words, stdin=text)


def write_console(k, topic):
    text = b"".join((key or b"null") + b"\t" + value + b"\n"
                    for key, value in zip(KEYS, TEXTS))
    k.kt("kafka-console-producer", "--topic", topic, "--reader-property",
         "parse.key=true", "--reader-property", "null.marker=null", stdin=text)


def write_requests(k, topic):
    """The script of the exercise, one post a row."""
    with Server(k, name_of("http"), "--no-pipelines") as s:
        for i, (key, row) in enumerate(zip(KEYS, ROWS)):
            record = {"value": row}
            if key:
                record["key"] = base64.b64encode(key).decode()
                record["value"] = base64.b64encode(TEXTS[i]).decode()
            payload = json.dumps({"records": [record]})
            answer = requests.request(
                "POST", f"{s.url}/topics/{topic}", data=payload,
                headers={"Content-Type": BINARY if key else V2}, timeout=30)
            same(f"requests: record {i} is answered with its offset",
                 (answer.status_code, answer.json()["offsets"][0]["offset"]), (200, i))


WRITERS = {"confluent-kafka": write_confluent, "kafka-python": write_kafka_python,
           "kcat": write_kcat, "kafka-console-producer": write_console,
           "requests": write_requests}


def writers(k):
    """Whoever stores, pinline reads it, by command and by HTTP."""
    for writer, write in WRITERS.items():
        topic = name_of("w")
        k.pinline("admin", "topics", "create", topic)
        write(k, topic)
        want = list(zip(KEYS, TEXTS))
        for reader in ("pinline topics read", "a REST consumer"):
            same(f"{writer} stores, {reader} reads", READERS[reader](k, topic, 3), want)


def readers(k):
    """What pinline stored, everybody reads."""
    topic = name_of("r")
    k.pinline("admin", "topics", "create", topic)
    write_requests(k, topic)
    for reader, read in READERS.items():
        same(f"pinline stores, {reader} reads", read(k, topic, 3), list(zip(KEYS, TEXTS)))


CASES = {"writers": writers, "readers": readers}


def main():
    chosen = sys.argv[1:] or list(CASES)
    with far.side("kafka") as values, tempfile.TemporaryDirectory() as folder:
        k = Kafka(values, folder)
        for name in chosen:
            began = time.monotonic()
            try:
                CASES[name](k)
            except (RuntimeError, OSError, subprocess.SubprocessError,
                    requests.RequestException, ValueError, KeyError) as e:
                check(False, f"{name} runs to its end", repr(e))
            print(f"# {name}: {time.monotonic() - began:.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

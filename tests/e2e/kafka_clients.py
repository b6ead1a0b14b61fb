#!/usr/bin/env python3
"""pinline on a real Apache Kafka, beside the clients that its users have:
requests, confluent-kafka, kafka-python, kcat, and Kafka's console tools.  What
one of them stores, all others read.

One broker for all cases; PINLINE_FAR_KAFKA names one that runs already.
Words on the command line choose cases.
"""
import base64
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from kafka_side import PINLINE, Server, name_of, run_cases  # noqa: E402
from told import check, same  # noqa: E402

import confluent_kafka  # noqa: E402
import kafka as kafka_python  # noqa: E402
import requests  # noqa: E402

V2 = "application/vnd.kafka.json.v2+json"
BINARY = "application/vnd.kafka.binary.v2+json"
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


# ---- the odd ones ------------------------------------------------------------

def create(k, *names, partitions=1):
    k.pinline("admin", "topics", "create", *names, "--partitions", str(partitions))


def messages(k, topic, *words):
    text = k.pinline("reader", "topics", "read", topic, "--format", "json", *words)
    return [json.loads(line) for line in text.splitlines()]


def compressed(k):
    """Every codec that Kafka knows, by two producers."""
    topic = name_of("z")
    create(k, topic)
    want = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        p = confluent_kafka.Producer({"bootstrap.servers": k.bootstrap, "linger.ms": 50,
                                      "compression.type": codec})
        for i in range(50):
            want.append(f"{codec} {i} " + "x" * 200)
            p.produce(topic, want[-1])
        p.flush(30)
    for codec in (None, "gzip"):
        p = kafka_python.KafkaProducer(bootstrap_servers=k.bootstrap,
                                       compression_type=codec, linger_ms=50)
        for i in range(50):
            want.append(f"python {codec} {i} " + "y" * 200)
            p.send(topic, want[-1].encode())
        p.flush()
        p.close()
    same("batches of every codec are read in order",
         [m["value"] for m in messages(k, topic)], want)


def odd_bytes(k):
    """Tombstones, keys and values that are no text, headers, times."""
    topic = name_of("odd")
    create(k, topic)
    p = confluent_kafka.Producer({"bootstrap.servers": k.bootstrap})
    p.produce(topic, None, b"gone")
    p.produce(topic, b"\xff\x00\xfe", b"\x00\x01")
    p.produce(topic, b"", b"", headers=[("h", b"v"), ("h", None), ("e", b"")],
              timestamp=1577934245678)
    p.flush(30)
    got = messages(k, topic)
    same("a tombstone, bytes and the empty value are read as they are",
         [(of_pinline(m["key"]), of_pinline(m["value"])) for m in got],
         [(b"gone", None), (b"\x00\x01", b"\xff\x00\xfe"), (b"", b"")])
    same("the time of a record is the producer's", got[2]["time_us"], 1577934245678000)
    check(len(got[2].get("headers", [])) == 3, "headers are read", got[2])


def aborted(k):
    """Records of a transaction that was aborted are nobody's."""
    topic = name_of("txn")
    create(k, topic)
    p = confluent_kafka.Producer({"bootstrap.servers": k.bootstrap,
                                  "transactional.id": name_of("t")})
    p.init_transactions(60)
    for text, end in (("one", p.commit_transaction), ("two", p.abort_transaction),
                      ("three", p.commit_transaction)):
        p.begin_transaction()
        p.produce(topic, text)
        p.flush(30)
        end(60)
    same("only committed records are read",
         [m["value"] for m in messages(k, topic)], ["one", "three"])
    same("a REST consumer reads them too", [v for _, v in read_http(k, topic, 2)],
         [b"one", b"three"])


def partitions(k):
    """A key's partition is the one that Kafka's own producer takes."""
    topics = [name_of("p") for _ in range(3)]
    create(k, *topics, partitions=4)
    keys = [f"key-{i}" for i in range(40)]
    with Server(k, name_of("http"), "--no-pipelines") as s:
        answer = requests.post(f"{s.url}/topics/{topics[0]}", headers={
            "Content-Type": BINARY}, timeout=30, json={"records": [
                {"key": base64.b64encode(x.encode()).decode(), "value": "AA=="} for x in keys]})
        ours = [r["partition"] for r in answer.json()["offsets"]]
        answer = requests.post(f"{s.url}/topics/{topics[0]}/partitions/3", headers={
            "Content-Type": V2}, timeout=30, json={"records": [{"value": 1}]})
        same("a partition that is asked for is taken",
             answer.json()["offsets"][0]["partition"], 3)
        answer = requests.post(f"{s.url}/topics/{topics[0]}/partitions/4", headers={
            "Content-Type": V2}, timeout=30, json={"records": [{"value": 1}]})
        same("a partition that is not there is refused",
             (answer.status_code, answer.json()["error_code"]), (404, 40402))
    p = kafka_python.KafkaProducer(bootstrap_servers=k.bootstrap)
    theirs = [p.send(topics[1], b"x", x.encode()).get(30).partition for x in keys]
    p.close()
    k.kt("kafka-console-producer", "--topic", topics[2], "--reader-property",
         "parse.key=true", stdin="".join(f"{x}\tx\n" for x in keys).encode())
    java = {m["key"]: m["partition"] for m in messages(k, topics[2])}
    same("a key's partition is kafka-python's", ours, theirs)
    same("a key's partition is the console producer's", ours, [java[x] for x in keys])


def large(k):
    """As large as the topic takes, and larger."""
    topic = name_of("large")
    create(k, topic)
    with Server(k, name_of("http"), "--no-pipelines") as s:
        def post(n):
            return requests.post(f"{s.url}/topics/{topic}", headers={"Content-Type": V2},
                                 json={"records": [{"value": "x" * n}]}, timeout=60)
        same("a record of 900,000 bytes is stored", post(900000).status_code, 200)
        answer = post(1200000)
        report = answer.json().get("offsets", [{}])[0]
        check(answer.status_code == 413 or report.get("error_code"),
              "a record larger than the topic takes is refused", answer.text[:300])
        same("and what follows is stored", post(10).json()["offsets"][0]["offset"], 1)
    same("what is read is what was stored",
         [len(v) for _, v in read_confluent(k, topic, 2)], [900002, 12])


def old_clients(k):
    """The FastAPI application's clients, and what kafka-python gets from them."""
    topic = name_of("old")
    create(k, topic)
    with Server(k, name_of("http"), "--no-pipelines") as s:
        answer = requests.post(f"{s.url}/send_data?topic={topic}", json=ROWS[0], timeout=30)
        same("POST /send_data answers as the exercise's",
             answer.json(), {"status": "Message sent", "topic": topic})
        answer = requests.get(f"{s.url}/get_data?topic={topic}", timeout=30)
        check("No Title Data Available" in answer.text, "GET /get_data gives the message",
              answer.text)
        missing = requests.post(f"{s.url}/topics/{name_of('no')}", headers={
            "Content-Type": V2}, json={"records": [{"value": 1}]}, timeout=60)
        same("a topic that is not there is refused",
             (missing.status_code, missing.json()["error_code"]), (404, 40401))
    same("kafka-python reads what /send_data stored",
         [json.loads(v) for _, v in read_kafka_python(k, topic, 1)], [ROWS[0]])


def no_broker(k):
    """Nobody at home: the command says so, and soon."""
    began = time.monotonic()
    done = subprocess.run([PINLINE, "--data", k.data("none"), "topics", "list",
                           "--broker", "kafka://127.0.0.1:1"], capture_output=True,
                          text=True, timeout=60, check=False)
    check(done.returncode == 4 and "127.0.0.1:1" in done.stderr,
          "a broker that is not there is exit code 4", (done.returncode, done.stderr))
    check(time.monotonic() - began < 20, "and said within 20 s")
    done = subprocess.run([PINLINE, "--data", k.data("none"), "topics", "list",
                           "--broker", k.url, "--set", "broker_options=linger.msec=1"],
                          capture_output=True, text=True, timeout=60, check=False)
    check(done.returncode == 2 and "linger.ms" in done.stderr,
          "an option that librdkafka has not is refused, the nearest is named",
          (done.returncode, done.stderr))


CASES = {"writers": writers, "readers": readers, "compressed": compressed,
         "odd_bytes": odd_bytes, "aborted": aborted, "partitions": partitions,
         "large": large, "old_clients": old_clients, "no_broker": no_broker}

if __name__ == "__main__":
    sys.exit(run_cases(CASES))

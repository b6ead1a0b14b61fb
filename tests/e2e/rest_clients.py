#!/usr/bin/env python3
"""rest_clients - consumers of Kafka REST v2 by real clients, and their limits.

argv: embedded (default) or kafka, which starts the far side.  Clients are
requests scripts as people write them, raw sockets where a client misbehaves.
"""
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import far

ROOT = os.environ.get("PINLINE_ROOT", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CACHE = os.environ.get("PINLINE_CACHE", os.path.join(ROOT, ".cache"))
sys.path[:0] = glob.glob(CACHE + "/venv/test/lib/python3*/site-packages")
try:
    import requests
except ImportError:
    print("skip: requests is not installed")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PINLINE = os.environ.get("PINLINE", "build/src/pinline")
V2 = "application/vnd.kafka.v2+json"
JSON = "application/vnd.kafka.json.v2+json"
passed = failed = 0
BROKER = []


def check(ok, name, why=""):
    global passed, failed
    if ok:
        passed += 1
        print(f"ok {name}", flush=True)
    else:
        failed += 1
        print(f"not ok {name} {why}", flush=True)


class Server:
    def __init__(self, *options, topics=()):
        self.data = tempfile.mkdtemp(prefix="pinline-clients.")
        for name, n in topics:
            subprocess.run([PINLINE, "--data", self.data, "topics", "create", name,
                            "--partitions", str(n), *BROKER], check=True,
                           stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            [PINLINE, "--data", self.data, "serve", "--no-pipelines", "--listen", "127.0.0.1:0",
             *BROKER, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = int(re.search(r"//[^ ]*:(\d+)", self.process.stdout.readline()).group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        began = time.time()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.took = time.time() - began
        shutil.rmtree(self.data, ignore_errors=True)
        check(code == 0 and self.took < 12, "it stops", f"{code} after {self.took:.1f} s")

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024

    def produce(self, topic, values, **record):
        r = requests.post(f"{self.url}/topics/{topic}", headers={"Content-Type": JSON},
                          data=json.dumps({"records": [{"value": v, **record} for v in values]}))
        assert r.status_code == 200, r.text
        return r.json()["offsets"]

    def consumer(self, group, name, **conf):
        r = requests.post(f"{self.url}/consumers/{group}", headers={"Content-Type": V2},
                          json={"name": name, "format": "json", "auto.offset.reset": "earliest", **conf})
        assert r.status_code == 200, r.text
        return r.json()["base_uri"]


def post(url, body):
    return requests.post(url, data=json.dumps(body), headers={"Content-Type": V2})


def records(uri, key=None, **query):
    headers = {"Accept": JSON}
    if key:
        headers["Idempotency-Key"] = key
    r = requests.get(uri + "/records", params=query, headers=headers, timeout=60)
    assert r.status_code == 200, r.text
    return r.json()


def read_all(uri, n, seconds=30):
    got = []
    until = time.time() + seconds
    while len(got) < n and time.time() < until:
        got += records(uri, timeout=500)
    return got


def flow(s):
    """Create, subscribe, read, commit, delete, as the proxy's own guide does it."""
    s.produce("flow", [{"n": i} for i in range(300)])
    uri = s.consumer("flow-group", "one", **{"auto.commit.enable": "false"})
    check(post(uri + "/subscription", {"topics": ["flow"]}).status_code == 204, "a topic is subscribed to")
    first = records(uri)
    check(len(first) > 0, "the first read of a new consumer is not falsely empty")
    got = first + (read_all(uri, 300 - len(first)) if len(first) < 300 else [])
    check(sorted(r["value"]["n"] for r in got) == list(range(300)), "every record is read once")
    began = time.time()
    threading.Timer(0.5, lambda: s.produce("flow", [{"n": "late"}])).start()
    late = records(uri, timeout=10000)
    took = time.time() - began
    check([r["value"]["n"] for r in late] == ["late"] and took < 5,
          "a read ends when a record comes, not with its time", f"{late} after {took:.1f} s")
    r = post(uri + "/offsets", {})
    check(r.status_code == 200 and r.json() == [], "positions are stored", r.text)
    requests.delete(uri)
    uri = s.consumer("flow-group", "two")
    post(uri + "/subscription", {"topics": ["flow"]})
    s.produce("flow", [{"n": "after"}])
    check([r["value"]["n"] for r in read_all(uri, 1)] == ["after"],
          "the next consumer of the group goes on behind them")
    requests.delete(uri)


def lost(s):
    """An answer that does not arrive is given again."""
    s.produce("lost", [{"n": i} for i in range(10)], partition=0)
    uri = s.consumer("lost-group", "one")
    post(uri + "/subscription", {"topics": ["lost"]})
    a = records(uri, key="k1", max_bytes=30)
    b = records(uri, key="k1", max_bytes=30)
    check(a and a == b, "a read is repeated under its Idempotency-Key", f"{len(a)} {len(b)}")
    rest = read_all(uri, 10 - len(a))
    check([r["offset"] for r in a + rest] == list(range(10)), "and the next read goes on behind it")
    path = uri[len(s.url):]
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        c.sendall(f"GET {path}/records?timeout=3000 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                  f"Accept: {JSON}\r\n\r\n".encode())
        time.sleep(0.3)
    s.produce("lost", [{"n": 10}], partition=0)
    got = records(uri, timeout=6000)
    check([r["offset"] for r in got] == [10], "who hung up before the answer is given it again", str(got)[:200])
    requests.delete(uri)


def share(s):
    """Two consumers of a group share, nothing is read twice or left out."""
    for i in range(4):
        s.produce("share", [{"n": f"{i}-{k}"} for k in range(50)], partition=i)
    uris = [s.consumer("share-group", f"c{i}") for i in range(2)]
    for uri in uris:
        post(uri + "/subscription", {"topics": ["share"]})
    got = [[], []]
    until = time.time() + 40
    while sum(len(g) for g in got) < 200 and time.time() < until:
        for i, uri in enumerate(uris):
            got[i] += records(uri, timeout=300)
    seen = sorted(r["value"]["n"] for g in got for r in g)
    check(len(set(seen)) == 200, "two consumers of a group read everything", f"{len(seen)}")
    until = time.time() + 20
    parts = []
    while sorted(len(p) for p in parts) != [2, 2] and time.time() < until:
        parts = [requests.get(u + "/assignments").json()["partitions"] for u in uris]
    check(sorted(len(p) for p in parts) == [2, 2] and
          len({(p["topic"], p["partition"]) for a in parts for p in a}) == 4,
          "each has half of the partitions", str(parts))
    for uri in uris:
        requests.delete(uri)


def many(limit):
    """1,000 instances asked for: consumers.max are there, the rest refused."""
    with Server("--set", f"consumers.max={limit}", "--set", "consumers.idle=3s",
                topics=[("many", 1)]) as s:
        s.produce("many", [0])
        session = requests.Session()
        before = s.rss()
        codes = {}
        for i in range(1000):
            r = session.post(f"{s.url}/consumers/g{i}", headers={"Content-Type": V2},
                             data='{"format":"json"}')
            key = (r.status_code, r.json().get("error_code"))
            codes[key] = codes.get(key, 0) + 1
        check(codes == {(200, None): limit, (503, 50301): 1000 - limit},
              "1,000 instances: consumers.max exist, the rest are refused", str(codes))
        check(s.rss() - before < 64 << 20, "memory is bounded", f"{(s.rss() - before) >> 20} MB")
        metrics = session.get(f"{s.url}/metrics").text
        check(f"pinline_consumers {limit}\n" in metrics, "/metrics counts them")
        until = time.time() + 20
        while time.time() < until and "pinline_consumers 0\n" not in session.get(f"{s.url}/metrics").text:
            time.sleep(0.3)
        check("pinline_consumers 0\n" in session.get(f"{s.url}/metrics").text, "idle ones expire")
        r = session.post(f"{s.url}/consumers/g", headers={"Content-Type": V2}, data="{}")
        check(r.status_code == 200, "then there is room again", r.text)


def bodies(s):
    """Limits are answered with the contract's codes."""
    big = b'{"records":[{"value":"' + b"x" * (64 << 20) + b'"}]}'
    r = requests.post(f"{s.url}/topics/flow", data=big, headers={"Content-Type": JSON})
    check(r.status_code == 413 and r.json()["error_code"] == 413, "a body of 64 MB is 413", r.text[:100])
    million = b'{"records":[' + b",".join([b"{}"] * 1000000) + b"]}"
    r = requests.post(f"{s.url}/topics/flow", data=million, headers={"Content-Type": JSON})
    check(r.status_code == 413, "an array of 1,000,000 records is 413", r.text[:100])
    cluster = requests.get(f"{s.url}/v3/clusters").json()["data"][0]["cluster_id"]
    v3 = f"{s.url}/v3/clusters/{cluster}/topics/flow/records"

    def chunks():
        for i in range(50):
            yield json.dumps({"value": {"type": "JSON", "data": i}}).encode()
    r = requests.post(v3, data=chunks(), headers={"Content-Type": "application/json"})
    reports = [json.loads(line) for line in r.text.splitlines()]
    check(r.status_code == 200 and len(reports) == 50 and all(x["error_code"] == 200 for x in reports),
          "50 records in chunks are 50 reports", r.text[:200])
    r = requests.post(v3, data=b"{}" * 200000, headers={"Content-Type": "application/json"})
    check(r.status_code == 413, "a stream of 200,000 records is 413", r.text[:100])
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        body = b'{"records":[{"value":"half"}]}'
        c.sendall(f"POST /topics/flow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {JSON}\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        c.shutdown(socket.SHUT_WR)
        c.settimeout(20)
        answer = c.recv(4096)
    # libmicrohttpd ends a connection when it reads its end while it waits
    check(answer == b"" or b" 200 " in answer[:20],
          "a half-closed connection gets its answer, or ends", repr(answer[:80]))
    r = requests.get(f"{s.url}/healthz")
    check(r.status_code == 200, "and the server goes on", r.text)
    slow = []
    for _ in range(50):
        c = socket.create_connection(("127.0.0.1", s.port))
        c.sendall(f"POST /topics/flow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {JSON}\r\n"
                  "Content-Length: 1000000\r\n\r\n{".encode())
        slow.append(c)
    began = time.time()
    s.produce("flow", ["quick"])
    check(time.time() - began < 5, "50 slow writers hold nobody up")
    for c in slow:
        c.close()


def tokens():
    """I12 http: every route of consumers and v3 wants the token."""
    uuid = "i"
    with Server("--token-file", token_file(), topics=[("tok", 1)]) as s:
        base = f"{s.url}/consumers/g"
        inst = f"{base}/instances/{uuid}"
        v3 = f"{s.url}/v3/clusters"
        routes = [("POST", base), ("DELETE", inst)]
        routes += [(m, f"{inst}/subscription") for m in ("POST", "GET", "DELETE")]
        routes += [(m, f"{inst}/assignments") for m in ("POST", "GET")]
        routes += [("POST", f"{inst}/positions{x}") for x in ("", "/beginning", "/end")]
        routes += [("GET", f"{inst}/records"), ("POST", f"{inst}/offsets"), ("GET", f"{inst}/offsets")]
        routes += [("GET", v3), ("GET", f"{v3}/c"), ("GET", f"{v3}/c/topics"), ("POST", f"{v3}/c/topics"),
                   ("GET", f"{v3}/c/topics/t"), ("DELETE", f"{v3}/c/topics/t"),
                   ("GET", f"{v3}/c/topics/t/configs"), ("GET", f"{v3}/c/topics/t/partitions"),
                   ("POST", f"{v3}/c/topics/t/records"), ("POST", f"{v3}/c/topics/t/records:batch"),
                   ("GET", f"{v3}/c/consumer-groups"), ("GET", f"{v3}/c/consumer-groups/g"),
                   ("GET", f"{v3}/c/consumer-groups/g/lags"), ("GET", f"{v3}/c/consumer-groups/g/lag-summary")]
        wrong = []
        for method, url in routes:
            got = [requests.request(method, url, headers=h).status_code for h in (
                {}, {"Authorization": "Bearer wrong-token"}, {"Authorization": "Bearer right-token-1"})]
            if got[:2] != [401, 401] or got[2] == 401:
                wrong.append((method, url, got))
        check(not wrong, "I12 http: every route of consumers and v3 x {no, wrong, right} token", str(wrong))


def servers(s):
    """Kafka: what is told of servers, copies and settings is the cluster's."""
    ids = requests.get(f"{s.url}/brokers").json()["brokers"]
    part = requests.get(f"{s.url}/topics/share/partitions").json()
    check(ids and len(part) == 4 and all(p["leader"] in ids and p["replicas"] and all(
        r["in_sync"] and r["broker"] in ids for r in p["replicas"]) for p in part),
        "leaders and copies are those of the cluster", f"{ids} {part}")
    configs = requests.get(f"{s.url}/topics/share").json()["configs"]
    check("segment.bytes" in configs, "all settings of a topic are told", str(configs)[:100])
    cluster = requests.get(f"{s.url}/v3/clusters").json()["data"][0]["cluster_id"]
    url = f"{s.url}/v3/clusters/{cluster}/topics"
    body = {"topic_name": "made-by-v3", "partitions_count": 2, "replication_factor": 1,
            "configs": [{"name": "cleanup.policy", "value": "compact"}]}
    r = requests.post(url, json=dict(body, validate_only=True))
    check(r.status_code == 201 and requests.get(f"{url}/made-by-v3").status_code == 404,
          "a topic is only checked", r.text)
    r = requests.post(url, json=body)
    rows = requests.get(f"{url}/made-by-v3/configs").json()["data"]
    check(r.status_code == 201 and {"compact"} == {
        c["value"] for c in rows if c["name"] == "cleanup.policy"}, "a topic is made with its settings", r.text)
    r = requests.post(url, json=dict(body, topic_name="too-many", replication_factor=9))
    check(r.status_code == 400 and r.json()["error_code"] == 40002, "copies that cannot be are refused", r.text)
    r = requests.post(url, json=dict(body, topic_name="odd", configs=[{"name": "color", "value": "red"}]))
    check(r.status_code == 400 and r.json()["error_code"] == 40002, "so is a setting that is none", r.text)
    check(requests.delete(f"{url}/made-by-v3").status_code == 204, "and it is deleted")


def token_file():
    path = os.path.join(tempfile.mkdtemp(prefix="pinline-token."), "token")
    with open(path, "w") as f:
        f.write("right-token-1\n")
    os.chmod(path, 0o600)
    return path


def run(kind):
    with Server(topics=[("flow", 1), ("lost", 1), ("share", 4)]) as s:
        flow(s)
        lost(s)
        share(s)
        bodies(s)
        if kind == "kafka":
            servers(s)
    many(128)
    if kind == "embedded":
        tokens()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    if sys.argv[1:2] == ["kafka"]:
        with far.side("kafka") as kafka:
            BROKER.extend(["--broker", "kafka://" + kafka["bootstrap"]])
            return run("kafka")
    return run("embedded")


if __name__ == "__main__":
    sys.exit(main())

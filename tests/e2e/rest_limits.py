#!/usr/bin/env python3
"""rest_limits - what a client may ask of the REST server, and what it is told
when it asks for more: consumer instances, bodies, records, time.

argv: embedded (default) or kafka, which starts the far side.  Memory is the
server's peak, as the kernel tells it.
"""
import json
import re
import socket
import sys
import threading
import time

import rest_side
from rest_side import JSON, V2, Server, check, main, post, records, requests
from told import quickest, tries

MB = 1 << 20
MOST = 128  # instances: consumers.max on Kafka
LATE = 3    # seconds for a request to come in
PEAK = 160 * MB


def bounded(s, name, more=0):
    peak = s.memory()
    check(peak < PEAK + more or rest_side.SANITIZED, f"memory is bounded: {name}", f"{peak / MB:.0f} MB")
    print(f"# peak {peak / MB:.0f} MB: {name}")


# ---- consumer instances ---------------------------------------------------------

def instances(s):
    """1,000 instances asked for: consumers.max are there, the rest refused."""
    session = requests.Session()
    codes = {}
    for i in range(1000):
        r = session.post(f"{s.url}/consumers/g{i}", headers={"Content-Type": V2}, json={
            "name": "i", "format": "json", "auto.offset.reset": "earliest"})
        key = (r.status_code, r.json().get("error_code"), "Retry-After" in r.headers)
        codes[key] = codes.get(key, 0) + 1
    check(codes == {(200, None, False): MOST, (503, 50301, True): 1000 - MOST},
          f"1,000 instances: {MOST} exist, the rest are refused with 503 and 50301", codes)
    check(f"pinline_consumers {MOST}\n" in session.get(f"{s.url}/metrics").text, "/metrics counts them")


def readers(s):
    """Each of them reads a few of many records; what they fetch ahead is little."""
    wrong = []

    def read(first):
        for i in range(first, MOST, 8):
            uri = f"{s.url}/consumers/g{i}/instances/i"
            r = post(uri + "/subscription", {"topics": ["large"]})
            got = records(uri, timeout=20000, max_bytes=1000) if r.status_code == 204 else []
            if [x["offset"] for x in got[:1]] != [0]:
                wrong.append((i, r.status_code, got[:1]))

    threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(not wrong, f"{MOST} instances in groups of their own read", wrong[:3])
    bounded(s, f"{MOST} instances with 32 MB of records before each", MOST * MB if rest_side.BROKER else 0)


def idle(s):
    """Those that nobody asks go; one that waits for records does not."""
    for i in reversed(range(MOST)):  # the busy one last: it is not idle before it reads
        s.consumer(f"g{i}", "i")
    busy = f"{s.url}/consumers/g0/instances/i"
    post(busy + "/subscription", {"topics": ["large"]})
    until = time.time() + 60
    while time.time() < until and "pinline_consumers 1\n" not in requests.get(f"{s.url}/metrics").text:
        requests.get(busy + "/records?timeout=1000", headers={"Accept": JSON})
    text = requests.get(f"{s.url}/metrics").text
    check("pinline_consumers 1\n" in text, "idle instances expire, one that reads does not",
          re.findall(r"(?m)^pinline_consumers.*", text))
    r = requests.get(f"{s.url}/consumers/g1/instances/i/records", headers={"Accept": JSON})
    check(r.status_code == 404 and r.json()["error_code"] == 40403, "an expired one is not found", r.text)
    check(requests.post(f"{s.url}/consumers/g", headers={"Content-Type": V2}, data="{}").status_code == 200,
          "then there is room again")


# ---- bodies ---------------------------------------------------------------------

def refused(r, name):
    check(r.status_code == 413 and r.json().get("error_code") == 413, f"{name} is 413", r.text[:200])


def bodies(s):
    """64 MB in one value or in chunks, a million records, on each way in."""
    cluster = requests.get(f"{s.url}/v3/clusters").json()["data"][0]["cluster_id"]
    v3 = f"{s.url}/v3/clusters/{cluster}/topics/many/records"
    ways = [("v2", f"{s.url}/topics/many", JSON, '{"records":[{"value":"%s"}]}'),
            ("v2 to a partition", f"{s.url}/topics/many/partitions/0", JSON, '{"records":[{"value":"%s"}]}'),
            ("v3", v3, "application/json", '{"value":{"type":"STRING","data":"%s"}}'),
            ("v3 batch", v3 + ":batch", "application/json",
             '{"entries":[{"id":"1","value":{"type":"STRING","data":"%s"}}]}')]
    large = "x" * (64 * MB)
    for name, url, kind, text in ways:
        body = (text % large).encode()
        refused(requests.post(url, data=body, headers={"Content-Type": kind}), f"{name}: a body of 64 MB")
        pieces = (body[i:i + MB] for i in range(0, len(body), MB))
        refused(requests.post(url, data=pieces, headers={"Content-Type": kind}), f"{name}: 64 MB in chunks")
    million = b'{"records":[' + b",".join([b"{}"] * 1000000) + b"]}"
    for name, url in (("v2", f"{s.url}/topics/many"), ("v2 to a partition", f"{s.url}/topics/many/partitions/0")):
        refused(requests.post(url, data=million, headers={"Content-Type": JSON}), f"{name}: 1,000,000 records")
    took = tries(lambda: refused(requests.post(v3, data=b"{}" * 1000000, headers={
        "Content-Type": "application/json"}), "v3: 1,000,000 records in a stream"), 10)
    check(took[-1] < 10, "and that is found soon", took)
    entries = ",".join(f'{{"id":"{i}"}}' for i in range(11))
    r = requests.post(v3 + ":batch", data=f'{{"entries":[{entries}]}}', headers={"Content-Type": "application/json"})
    check(r.status_code == 422 and r.json()["error_code"] == 42208, "v3 batch: 11 entries are 422 and 42208", r.text)

    def chunks():
        for i in range(50):
            yield json.dumps({"value": {"type": "JSON", "data": i}}).encode()
    r = requests.post(v3, data=chunks(), headers={"Content-Type": "application/json"})
    reports = [json.loads(line) for line in r.text.splitlines()]
    check(r.status_code == 200 and len(reports) == 50 and all(x["error_code"] == 200 for x in reports),
          "50 records in chunks are 50 reports", r.text[:200])
    bounded(s, "bodies of 64 MB and arrays of 1,000,000 records")


def at_once(s):
    """Eight bodies of 64 MB in chunks at the same time."""
    got = []

    def send():
        got.append(requests.post(f"{s.url}/topics/many", data=(b"x" * MB for _ in range(64)),
                                 headers={"Content-Type": JSON}).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    check(set(got) <= {413, 429} and len(got) == 8, "eight bodies of 64 MB at once are refused", got)
    bounded(s, "eight bodies of 64 MB at once")


# ---- connections ------------------------------------------------------------------

class Raw:
    """A connection of a client that behaves oddly."""

    def __init__(self, s, text):
        self.socket = socket.create_connection(("127.0.0.1", s.port))
        self.socket.settimeout(30)
        self.socket.sendall(text)

    def answer(self):
        """All that comes before the end."""
        got = b""
        try:
            while more := self.socket.recv(65536):
                got += more
        except ConnectionError:
            pass
        self.socket.close()
        head, _, body = got.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]) if head else 0, body


def request(line, body=b"", *headers):
    head = [line + " HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body or not line.startswith("GET"):
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def half_closed(s):
    """A client that stops sending behind its request gets its answer."""
    cluster = requests.get(f"{s.url}/v3/clusters").json()["data"][0]["cluster_id"]
    v3 = request(f"POST /v3/clusters/{cluster}/topics/half/records", b'{"value":{"type":"JSON","data":1}}',
                 "Content-Type: application/json")
    v2 = request("POST /topics/half", b'{"records":[{"value":2}]}', f"Content-Type: {JSON}")
    for name, text, word in (("GET /topics", request("GET /topics"), b"half"), ("v3 produce", v3, b'"offset":0'),
                             ("v2 produce", v2, b'"offset":1')):
        raw = Raw(s, text)
        raw.socket.shutdown(socket.SHUT_WR)
        status, body = raw.answer()
        check(status == 200 and word in body, f"half-closed: {name} gets its answer", (status, body[:200]))
    uri = s.consumer("half", "one")
    post(uri + "/subscription", {"topics": ["half"]})
    path = uri[len(s.url):] + "/records?timeout=20000"
    raw = Raw(s, request("GET " + path, b"", f"Accept: {JSON}"))
    raw.socket.shutdown(socket.SHUT_WR)
    status, body = raw.answer()
    first = [r["offset"] for r in json.loads(body or b"[]")]
    raw = Raw(s, request("GET " + path, b"", f"Accept: {JSON}"))
    if first == [0, 1]:
        time.sleep(0.3)  # it waits when its client stops sending
        raw.socket.shutdown(socket.SHUT_WR)
        s.produce("half", [3])
    status, body = raw.answer()
    rest = [r["offset"] for r in json.loads(body or b"[]")]
    check(first == [0, 1] and rest == [2], "half-closed: reads give each record once", (first, rest))
    raw = Raw(s, v2[:-4])
    raw.socket.shutdown(socket.SHUT_WR)
    status, body = raw.answer()
    # libmicrohttpd may see the end with the last bytes and wait on, until the time is over
    check(status in (0, 400, 408), "a request that ends in its middle is none", (status, body[:200]))
    check(s.produce("half", [4])[0]["offset"] == 3, "nothing of it was stored")
    requests.delete(uri)


def slow(s):
    """Clients that drip hold nobody up, and are told when their time is over."""
    text = request("POST /topics/half", b"x" * 1000, f"Content-Type: {JSON}")[:-999]
    calm = quickest(lambda: s.produce("half", ["calm"]))
    began = time.time()
    raws = [Raw(s, text) for _ in range(50)]
    stop = threading.Event()

    def drip():
        while not stop.wait(0.5):
            for raw in raws:
                try:
                    raw.socket.sendall(b"x")
                except OSError:
                    pass

    thread = threading.Thread(target=drip)
    thread.start()
    quick = []
    beside = threading.Thread(target=lambda: quick.append(
        quickest(lambda: s.produce("half", ["quick"]))))
    beside.start()
    got = {(status, json.loads(body or b"{}").get("error_code")) for status, body in (r.answer() for r in raws)}
    took = time.time() - began
    stop.set()
    thread.join()
    beside.join()
    check(quick and quick[0] < max(0.5, 20 * calm), "50 slow writers hold nobody up", (quick, calm))
    check(got == {(408, 408)} and LATE - 0.1 < took < LATE + 5, "then they are told 408", (got, took))


def run(kind):
    with Server(topics=[("many", 1)]) as s:
        bodies(s)
        at_once(s)
    with Server("--set", f"request_timeout={LATE}s", topics=[("half", 1)]) as s:
        half_closed(s)
        slow(s)
        bounded(s, "half-closed and slow clients")
    most = () if kind == "kafka" else ("--set", f"consumers.max={MOST}")
    with Server(*most, topics=[("large", 1)]) as s:
        for _ in range(32):
            s.produce("large", ["x" * 1000] * 1000)
        instances(s)
        readers(s)
    with Server(*most, "--set", "consumers.idle=3s") as s:
        idle(s)


if __name__ == "__main__":
    sys.exit(main(run))

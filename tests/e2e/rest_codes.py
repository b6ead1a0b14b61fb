#!/usr/bin/env python3
"""rest_codes - every error code of the Kafka REST contract, asked for by name.

argv: embedded (default) or kafka, which starts the far side.  Each row of
docs/reference/rest-codes.md has a case here that is answered with its status
and code, and the other way round.
"""
import os
import re
import signal
import socket
import sys
import threading
import time

from rest_side import FAR, JSON, ROOT, V2, Server, check, main, post, requests, token_file
from told import soon

BINARY = "application/vnd.kafka.binary.v2+json"
AVRO = "application/vnd.kafka.avro.v2+json"
PLAIN = "application/json"
seen = set()


def told(r, status, code, name):
    """The answer is what the contract says, in its own words and type."""
    seen.add((status, code))
    try:
        body = r.json()
    except ValueError:
        body = {}
    good = (r.status_code == status and body.get("error_code") == code and body.get("message")
            and set(body) == {"error_code", "message"}
            and r.headers["Content-Type"] in (V2, PLAIN))
    check(good, f"{status} {code}: {name}", f"{r.status_code} {r.text[:300]} {r.headers.get('Content-Type')}")


def failed(r, code, name):
    """One record failed, the request did not."""
    seen.add((200, code))
    entry = (r.json().get("offsets") or [{}])[-1]
    check(r.status_code == 200 and entry.get("error_code") == code and entry["offset"] is None and entry["error"],
          f"200 {code}: {name}", r.text[:300])


def send(s, text, kind=JSON, path="/topics/codes", **headers):
    return requests.post(s.url + path, data=text, headers={"Content-Type": kind, **headers})


def produce(s):
    told(send(s, "{"), 400, 400, "a body that is no JSON")
    told(send(s, "[]"), 400, 400, "a body that is no object")
    told(send(s, '{"records":[]}'), 422, 422, "no records")
    told(send(s, '{"records":[{"value":1}]}', PLAIN), 415, 415, "a content type that is none of v2")
    told(send(s, '{"records":[{"value":1}]}', Accept="text/html"), 406, 406, "an Accept that fits nothing")
    told(send(s, '{"records":[{"value":1}]}', path="/topics/codes-none"), 404, 40401, "no such topic")
    told(send(s, '{"records":[{"value":1}]}', path="/topics/codes/partitions/9"), 404, 40402, "no such partition")
    failed(send(s, '{"records":[{"value":1},{"value":1,"partition":9}]}'), 50002, "a record for no such partition")
    told(send(s, '{"records":[{"value":"not base64!"}]}', BINARY), 400, 400, "what is no base64")
    told(send(s, '{"records":[{"value":1}]}', AVRO), 422, 42202, "Avro without a value's schema")
    told(send(s, '{"records":[{"key":1,"value":1}],"value_schema_id":1}', AVRO), 422, 42201,
         "Avro without a key's schema")
    told(send(s, '{"records":[{"value":1}],"value_schema_id":1}', AVRO), 408, 40801,
         "Avro with a schema that nobody knows")
    told(send(s, '{"records":[%s]}' % ",".join(["{}"] * 100001)), 413, 413, "too many records")
    key = {"Idempotency-Key": str(time.time_ns())}
    send(s, '{"records":[{"value":1}]}', **key)
    told(send(s, '{"records":[{"value":2}]}', **key), 422, 422, "a key that was used with another body")


def paths(s):
    told(requests.get(s.url + "/nothing/here"), 404, 404, "no such path")
    told(requests.put(s.url + "/topics/codes"), 405, 405, "no such method")
    told(requests.get(s.url + "/topics/codes-none"), 404, 40401, "no such topic to describe")
    told(requests.get(s.url + "/topics/codes/partitions/9"), 404, 40402, "no such partition to describe")
    told(requests.get(s.url + "/topics/codes/partitions/9/offsets"), 404, 40402, "no such partition with offsets")
    told(requests.get(s.url + "/topics", headers={"Accept": "image/png"}), 406, 406, "an Accept that fits nothing")
    told(requests.get(s.url + "/topics", headers={"Host": "evil.example"}), 403, 40301, "another host's name")
    told(requests.post(s.url + "/topics/codes", headers={"Origin": "http://evil.example", "Content-Type": JSON},
                       data='{"records":[{"value":1}]}'), 403, 40301, "a page of another origin")


def consumers(s):
    group = f"{s.url}/consumers/codes"
    uri = s.consumer("codes", "one")
    told(post(group, {"name": "one"}), 409, 40902, "a name that is taken")
    told(post(group, {"format": "xml"}), 422, 42204, "no such format")
    told(post(group, {"auto.offset.reset": "middle"}), 422, 42204, "a setting that is not possible")
    told(post(group, {"fetch.min.bytes": -2}), 400, 40001, "a setting out of its bounds")
    told(post(group, {"colour": "red"}), 422, 422, "no such setting")
    none = f"{group}/instances/none"
    told(requests.get(none + "/records", headers={"Accept": JSON}), 404, 40403, "no such instance to read with")
    told(requests.delete(none), 404, 40403, "no such instance to end")
    told(requests.get(uri + "/offsets"), 404, 40402, "offsets of no partition")
    told(requests.get(uri + "/records", headers={"Accept": BINARY}), 406, 40601, "another format than the instance's")
    told(post(uri + "/positions", {"offsets": [{"topic": "codes", "partition": 0, "offset": 0}]}), 409, 40903,
         "a position of what it has not")
    told(post(uri + "/assignments", {"partitions": [{"topic": "codes", "partition": 9}]}), 404, 40403,
         "a partition that is not there")
    post(uri + "/subscription", {"topics": ["codes"]})
    told(post(uri + "/assignments", {"partitions": [{"topic": "codes", "partition": 0}]}), 409, 40903,
         "an assignment beside a subscription")
    told(post(uri + "/subscription", {"topics": ["codes"], "topic_pattern": "c.*"}), 409, 40903,
         "a list and a pattern")
    requests.delete(uri)
    uri = requests.post(group, headers={"Content-Type": V2}, json={"name": "avro", "format": "avro"}).json()["base_uri"]
    post(uri + "/subscription", {"topics": ["codes"]})
    told(requests.get(uri + "/records", headers={"Accept": AVRO}), 408, 40801, "Avro without a registry")
    requests.delete(uri)
    send(s, '{"records":[{"value":"/w=="}]}', BINARY, "/topics/codes-bytes")
    uri = s.consumer("codes-bytes", "one")
    post(uri + "/subscription", {"topics": ["codes-bytes"]})
    told(requests.get(uri + "/records?timeout=20000", headers={"Accept": JSON}), 422, 42203, "a record that is no JSON")
    requests.delete(uri)


def v3(s):
    cluster = requests.get(f"{s.url}/v3/clusters").json()["data"][0]["cluster_id"]
    base = f"/v3/clusters/{cluster}"
    records = base + "/topics/codes/records"
    told(send(s, "", PLAIN, records), 422, 42206, "v3: no record")
    told(send(s, "{", PLAIN, records), 400, 400, "v3: what is no JSON")
    told(send(s, '{"value":{"type":"AVRO","data":1}}', PLAIN, records), 408, 40801, "v3: Avro without a registry")
    told(send(s, '{"partition_id":-1,"value":{"type":"JSON","data":1}}', PLAIN, records), 404, 40402,
         "v3: a partition that cannot be")
    told(send(s, "{}", PLAIN, base + "/topics/codes-none/records"), 404, 40403, "v3: no such topic")
    told(send(s, "{}", "text/plain", records), 415, 415, "v3: a content type that is not JSON")
    told(send(s, '{"entries":[{"id":"1"},{"id":"1"}]}', PLAIN, records + ":batch"), 422, 42208, "v3: an id twice")
    told(send(s, '{"topic_name":"codes"}', PLAIN, base + "/topics"), 400, 40002, "v3: a topic that is there")
    told(send(s, '{"topic_name":"a b"}', PLAIN, base + "/topics"), 400, 40002, "v3: what is no name")
    told(requests.get(s.url + base + "/consumer-groups/codes-none/lags"), 404, 40405, "v3: no such group")
    told(requests.get(s.url + "/v3/clusters/nowhere"), 404, 404, "v3: no such cluster")


def busy(s):
    """65 requests at one instance; one instance more than there may be."""
    s.consumer("busy", "two")
    r = post(f"{s.url}/consumers/busy", {"name": "three"})
    told(r, 503, 50301, "more instances than consumers.max")
    uri = f"{s.url}/consumers/busy/instances/two"
    post(uri + "/subscription", {"topics": ["codes-empty"]})
    requests.get(uri + "/records?timeout=5000", headers={"Accept": JSON})
    got = []
    threads = [threading.Thread(target=lambda: got.append(requests.get(
        uri + "/records?timeout=60000&max_bytes=1", headers={"Accept": JSON}))) for _ in range(70)]
    for t in threads:
        t.start()
    soon(lambda: any(r.status_code == 429 for r in got))
    refused = [r for r in got if r.status_code != 200]
    s.produce("codes-empty", list(range(100)))  # the others need not wait
    for t in threads:
        t.join()
    told(refused[0] if refused else got[0], 429, 42901, "more requests than may wait at an instance")


def tokens():
    with Server("--token-file", token_file(), topics=[("codes-token", 1)]) as s:
        told(requests.get(s.url + "/topics"), 401, 40101, "no token")
        told(requests.get(s.url + "/topics", headers={"Authorization": "Bearer no"}), 401, 40101, "a wrong token")
        told(requests.get(s.url + "/v3/clusters"), 401, 40101, "v3: no token")


def stopping():
    """While a body is still coming in, what is new is refused."""
    with Server(topics=[("codes-stop", 1)]) as s, requests.Session() as session, \
            socket.create_connection(("127.0.0.1", s.port)) as slow:
        session.get(s.url + "/topics")
        slow.sendall(b"POST /topics/codes-stop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        soon(lambda: "\npinline_http_body_bytes 0\n" not in session.get(s.url + "/metrics").text)
        s.terminate()
        last = []
        soon(lambda: last.append(session.get(s.url + "/topics")) or last[-1].status_code != 200)
        told(last[-1], 503, 50302, "the server is stopping")


def deaf(s):
    """The only broker hangs while it is asked for offsets."""
    os.kill(int(FAR["node1_pid"]), signal.SIGSTOP)
    try:
        r = requests.get(s.url + "/topics/codes/partitions/0/offsets", timeout=60)
    finally:
        os.kill(int(FAR["node1_pid"]), signal.SIGCONT)
    told(r, 500, 50003, "the broker does not answer")
    r = requests.get(s.url + "/topics/codes/partitions/0/offsets", timeout=60)
    check(r.status_code == 200, "it answers again", r.text)


def listed():
    with open(os.path.join(ROOT, "docs", "reference", "rest-codes.md"), encoding="utf-8") as f:
        return {(int(a), int(b)) for a, b in re.findall(r"(?m)^\| (\d{3}) \| (\d{3,5}) \|", f.read())}


def run(kind):
    with Server("--set", "consumers.max=2", topics=[("codes", 2), ("codes-bytes", 1), ("codes-empty", 1)]) as s:
        produce(s)
        paths(s)
        consumers(s)
        v3(s)
        s.consumer("busy", "one")
        busy(s)
        if kind == "kafka":
            deaf(s)
    tokens()
    stopping()
    # rest_limits.py; fail_corrupt, fail_slow and fail_record of tests/cases/http
    elsewhere = {(408, 408), (500, 50002), (200, 50003)} | ({(500, 50003)} if kind != "kafka" else set())
    want = listed() - elsewhere
    check(seen == want, "docs/reference/rest-codes.md has these codes", sorted(seen ^ want))


if __name__ == "__main__":
    sys.exit(main(run))

#!/usr/bin/env python3
"""rest_clients - consumers of Kafka REST v2 by real clients.

argv: embedded (default) or kafka, which starts the far side.  Clients are
requests scripts as people write them, raw sockets where a client misbehaves.
"""
import socket
import sys
import threading
import time

from rest_side import FAR, JSON, Server, check, main, post, read_all, records, requests, token_file
from told import tries


def flow(s):
    """Create, subscribe, read, commit, delete, as the proxy's own guide does it."""
    s.produce("flow", [{"n": i} for i in range(300)])
    uri = s.consumer("flow-group", "one", **{"auto.commit.enable": "false"})
    check(post(uri + "/subscription", {"topics": ["flow"]}).status_code == 204, "a topic is subscribed to")
    first = records(uri)
    check(len(first) > 0, "the first read of a new consumer is not falsely empty")
    got = first + (read_all(uri, 300 - len(first)) if len(first) < 300 else [])
    check(sorted(r["value"]["n"] for r in got) == list(range(300)), "every record is read once")
    late = []

    def read_late():
        threading.Timer(0.5, lambda: s.produce("flow", [{"n": "late"}])).start()
        late.append([r["value"]["n"] for r in records(uri, timeout=20000)])

    took = tries(read_late, 5)
    check(all(r == ["late"] for r in late) and took[-1] < 5,
          "a read ends when a record comes, not with its time", late, took)
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
    """Two consumers of a group share, nothing is left out, and by ourselves nothing read
    twice; on Kafka what one read shortly before the other came may come again."""
    for i in range(4):
        s.produce("share", [{"n": f"{i}-{k}"} for k in range(50)], partition=i)
    uris = [s.consumer("share-group", f"c{i}") for i in range(2)]
    for uri in uris:
        post(uri + "/subscription", {"topics": ["share"]})
    got = []
    until = time.time() + 40
    while len(set(got)) < 200 and time.time() < until:
        for uri in uris:
            got += [r["value"]["n"] for r in records(uri, timeout=300)]
    check(len(set(got)) == 200, "two consumers of a group read everything", f"{len(got)}")
    if not FAR:
        check(len(got) == 200, "and nothing twice", f"{len(got)}")
    until = time.time() + 20
    parts = []
    while sorted(len(p) for p in parts) != [2, 2] and time.time() < until:
        parts = [requests.get(u + "/assignments").json()["partitions"] for u in uris]
    check(sorted(len(p) for p in parts) == [2, 2] and
          len({(p["topic"], p["partition"]) for a in parts for p in a}) == 4,
          "each has half of the partitions", str(parts))
    for uri in uris:
        requests.delete(uri)


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


def run(kind):
    with Server(topics=[("flow", 1), ("lost", 1), ("share", 4)]) as s:
        flow(s)
        lost(s)
        share(s)
        if kind == "kafka":
            servers(s)
    if kind == "embedded":
        tokens()


if __name__ == "__main__":
    sys.exit(main(run))

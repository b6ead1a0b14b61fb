#!/usr/bin/env python3
"""rest_reference - 87 recorded exchanges of another Kafka REST proxy, replayed.

Each request goes to `pinline serve` as it was recorded; the answer must be the
recorded one, but for what CONTRACTS says otherwise: OTHERWISE names every such
exchange with what is answered here, docs/reference/rest-differences.md says
why, and this test holds the two lists against each other.

argv: embedded (default) or kafka, which starts the far side.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import far
import lake
from served import PINLINE, Server
from told import check, finish, skip_all, soon

FILE = lake.shared("components", "rest_reference.txt")
V2 = "application/vnd.kafka.v2+json"


def stored(n):
    def check(got):
        rows = got["offsets"]
        return (len(rows) == n and all(r["error_code"] is None and r["offset"] >= 0
                                       for r in rows))
    return check


def code(n):
    return lambda got: got["error_code"] == n and got["message"]


def one_failed(n, at):
    def check(got):
        rows = got["offsets"]
        return (len(rows) == n and rows[at]["error_code"] == 50002
                and rows[at]["offset"] is None and rows[at]["error"])
    return check


EVERYTHING = 62  # the read of all that was produced

# number: (status, check of the JSON, which is None without a body)
OTHERWISE = {
    4: (200, stored(5)),
    6: (200, stored(1)),
    7: (200, stored(1)),
    9: (415, code(415)),
    14: (200, one_failed(1, 0)),
    17: (400, code(400)),
    18: (200, one_failed(2, 1)),
    19: (400, code(400)),
    20: (400, code(400)),
    25: (200, stored(1)),
    29: (400, code(400)),
    30: (415, code(415)),
    32: (415, code(415)),
    33: (400, code(400)),
    34: (415, code(415)),
    38: (405, code(405)),
    39: (404, code(404)),
    44: (404, code(40401)),
    51: (404, code(404)),
    62: (200, lambda got: {'{}', '0', 'false', '""', 'null', '{"t": "caf\\u00e9 \\u00e9 \\ud83d\\ude00 \\n"}'}
         <= {json.dumps(r["value"]) for r in got} and "timestamp" not in got[0]),
    66: (200, lambda got: got == []),
    67: (400, code(400)),
    69: (200, lambda got: got == []),
    70: (200, lambda got: got == []),
    74: (200, lambda got: got and all(r["partition"] == 0 and r["offset"] >= 1 for r in got)),
    82: (200, lambda got: [r["value"] for r in got] == ["S2Fma2E="]
         and got[0]["key"] == "a2V5"),
    86: (422, code(42203)),
}


def exchanges(path):
    """[(number, title, request bytes, recorded status, recorded body)]"""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    out = []
    parts = re.split(r"^### (\d+)\. (.*?)   \[\d+ ms\]\n", text, flags=re.M)[1:]
    for number, title, body in zip(parts[::3], parts[1::3], parts[2::3]):
        request, response = body.split("--- request\n", 1)[1].split("--- response\n", 1)
        head, _, data = request.partition("\n\n")
        length = re.search(r"(?m)^Content-Length: (\d+)$", head)
        data = re.sub(rb"\\xff", b"\xff", data.encode())
        data = data[:int(length.group(1))] if length else b""
        rhead, _, rbody = response.split("\n## ")[0].partition("\n\n")
        status = int(rhead.split(" ")[1])
        out.append((int(number), title, head, data, status, rbody.strip()))
    return out


def send(port, head, data):
    lines = [l if not l.startswith("Host:") else f"Host: 127.0.0.1:{port}"
             for l in head.split("\n") if l]
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        got = b""
        while b"\r\n\r\n" not in got:
            got += s.recv(65536)
        rhead, _, body = got.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", rhead)
        while length and len(body) < int(length.group(1)):
            body += s.recv(65536)
    return rhead.decode(), body


def shape(value):
    """The recorded answer without what depends on who answers: places of
    records without a key, words, times, settings."""
    if isinstance(value, dict):
        if "error_code" in value and "message" in value:
            return {"error_code": value["error_code"]}
        if "offsets" in value and "key_schema_id" in value:
            return {"offsets": [(sorted(k for k in o if o[k] is not None), (o.get("offset") or 0) >= 0)
                                for o in value["offsets"]]}
        if "configs" in value:
            return {"name": value["name"], "partitions": len(value["partitions"]),
                    "cleanup.policy": value["configs"]["cleanup.policy"]}
        if "beginning_offset" in value:
            return sorted(value)
        if "base_uri" in value:
            path = value["base_uri"]
            last = path.split("/")[-1]
            return ["named" if len(last) < 10 else "made", value["instance_id"] == last]
        if "offsets" in value:
            return [(o["topic"], o["partition"], o["metadata"], o["offset"] > 0) for o in value["offsets"]]
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict) and "value" in value[0]:
        return sorted({r["topic"] for r in value}), (min(r["offset"] for r in value), len(value),
                                                  sum(r["value"] is None for r in value))
    if isinstance(value, list) and "rest_t" in value:
        return [t for t in ("rest_bin", "rest_t") if t in value]
    if isinstance(value, list):
        return sorted((shape(v) for v in value), key=str)
    return value


def judge(number, status, body, want_status, want_body, head):
    """None, or what is wrong."""
    got = json.loads(body) if body else None
    if body and number not in (40, 51) and not re.search(
            r"(?im)^content-type: application/vnd\.kafka\.(v2|json\.v2|binary\.v2)\+json", head):
        return "no v2 content type"
    if number in OTHERWISE:
        status_here, check = OTHERWISE[number]
        if status != status_here or not check(got):
            return f"{status} {body!r}, and not as the list of differences says"
        if status == want_status and want_body and shape(json_or_none(want_body)) == shape(got):
            return "is as recorded, but listed as a difference"
        return None
    if status != want_status:
        return f"{status} {body!r}, recorded {want_status} {want_body!r}"
    want = json_or_none(want_body)
    if shape(want) != shape(got):
        return f"{body!r}\n     recorded {want_body!r}"
    return None


def json_or_none(text):
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def told():
    with open(os.path.join(lake.ROOT, "docs", "reference", "rest-differences.md")) as f:
        return {int(n) for row in re.findall(r"(?m)^\| ([\d, ]+) \|", f.read())
                for n in row.split(",")}


def held(port, topic):
    ends = [json.loads(send(port, f"GET /topics/{topic}/partitions/{p}/offsets HTTP/1.1\nHost: x\n"
                            f"Accept: {V2}", b"")[1]) for p in range(3)]
    return sum(e["end_offset"] - e["beginning_offset"] for e in ends)


def read_on(port, head, first):
    """With what is left of a read that did not give everything: a cluster's
    partitions do not answer at one time."""
    got, n = json.loads(first), held(port, "rest_t")

    def all_there():
        if len(got) < n:
            got.extend(json.loads(send(port, head, b"")[1]))
        return len(got) >= n

    soon(all_there)
    places = {(r["partition"], r["offset"]) for r in got}
    check(len(places) == len(got) == n, "what is read in pieces comes once", len(places), len(got), n)
    return json.dumps(got).encode()


def run(broker):
    data = tempfile.mkdtemp(prefix="pinline-rest.")
    for topic, n in (("rest_t", "3"), ("rest_bin", "1")):
        subprocess.run([PINLINE, "--data", data, "topics", "create", topic, "--partitions", n,
                        *broker], check=True, stdout=subprocess.DEVNULL)
    try:
        with Server(data, *broker, stderr=subprocess.DEVNULL) as server:
            for number, title, head, body, status, recorded in exchanges(FILE):
                answer, got = send(server.port, head, body)
                if broker and number == EVERYTHING:
                    got = read_on(server.port, head, got)
                why = judge(number, int(answer.split(" ")[1]), got, status, recorded, answer)
                check(not why, f"{number}. {title}", why)
        check(told() == set(OTHERWISE), "every difference is told",
              sorted(told() ^ set(OTHERWISE)))
    finally:
        shutil.rmtree(data, ignore_errors=True)
    return finish()


def main():
    if not os.path.exists(FILE):
        skip_all(f"{FILE} is not there")
    if sys.argv[1:2] == ["kafka"]:
        with far.side("kafka") as kafka:
            return run(["--broker", "kafka://" + kafka["bootstrap"]])
    return run([])


if __name__ == "__main__":
    sys.exit(main())

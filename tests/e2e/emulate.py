#!/usr/bin/env python3
"""emulate - what arrived on the far side is what the emulator counted.

The far side is a small server that can be told to fail, be slow, lose its
answers or honour idempotency keys: faults that a real one shows too rarely.
"""
import base64
import collections
import http.server
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time

from served import PINLINE
from told import finish, named as check, tries

SCRIPT = [7528, 2863, 5730, 8304, 8731, 1313, 4315, 10794, 5494, 5069, 2923, 3089]


class Far:
    """Stores what is posted; `plan` decides what becomes of request n."""

    def __init__(self, plan=None, keys=False):
        self.plan = plan or (lambda n, h: None)
        self.keys = {} if keys else None
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.requests = 0
        self.connections = set()
        self.stored = collections.defaultdict(list)  # path -> values
        self.heads = []
        far = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one piece
            do_POST = do_PUT = lambda h: far.take(h)
            do_GET = lambda h: far.tell(h)

            def log_message(self, *a):
                pass

        http.server.ThreadingHTTPServer.request_queue_size = 256
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def tell(self, h):
        self.answer(h, 200, {"data": [{"cluster_id": "c-1"}]})

    def answer(self, h, status, document, headers=()):
        body = json.dumps(document, separators=(",", ":")).encode()
        h.send_response(status)
        for name, value in headers:
            h.send_header(name, value)
        h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        h.wfile.write(body)
        h.wfile.flush()

    def take(self, h):
        body = h.rfile.read(int(h.headers["Content-Length"]))
        with self.lock:
            n = self.requests
            self.requests += 1
            self.connections.add(h.client_address)
            self.heads.append((h.command, h.path, dict(h.headers)))
        what = self.plan(n, h) or "store"
        if isinstance(what, int):
            self.answer(h, what, {"error_code": what, "message": "as planned"},
                        [("Retry-After", "1")] if what == 429 else [])
            return
        key = h.headers["Idempotency-Key"]
        with self.lock:
            known = self.keys is not None and key in self.keys
            if not known:
                values = self.values(h, body)
                skip = what.get("fail", []) if isinstance(what, dict) else []
                self.stored[h.path] += [v for i, v in enumerate(values) if i not in skip]
                if self.keys is not None:
                    self.keys[key] = len(values)
        if what == "drop":
            h.close_connection = True
            return
        if what == "never":
            self.over.wait(60)
        offsets = [{"partition": 0, "offset": 1, "error_code": None, "error": None}
                   for _ in (range(self.keys[key]) if known else values)]
        for i in (what.get("fail", []) if isinstance(what, dict) else []):
            offsets[i] = {"partition": None, "offset": None, "error_code": 50003,
                          "error": "again"}
        if h.path.startswith("/v3/"):
            document = {"error_code": 200, "cluster_id": "c-1"}
        else:
            document = {"offsets": offsets, "key_schema_id": None, "value_schema_id": None}
        try:
            self.answer(h, 200, document,
                        [("Idempotency-Key", key)] if self.keys is not None else [])
        except (BrokenPipeError, ConnectionResetError):
            pass

    def values(self, h, body):
        if h.path.startswith("/topics/"):
            binary = "binary" in h.headers["Content-Type"]
            return [base64.b64decode(r["value"]) if binary else r["value"]
                    for r in json.loads(body)["records"]]
        document = json.loads(body)
        if h.path.startswith("/v3/"):
            return [document["value"]["data"]]
        return [document["Data"] if h.path.startswith("/streams/") else document]


def emulate(far, *args, code=0):
    p = subprocess.run([PINLINE, "emulate", "--to", far.url, "--format", "json", *args],
                       capture_output=True, text=True, timeout=60)
    counts = {r["topic"]: r for r in json.loads(p.stdout or "[]")}
    check(f"emulate {' '.join(args)} ends with {code}", p.returncode == code,
          p.returncode, p.stderr)
    return counts, p.stderr


def keys_of(values):
    return [v.get("index", v.get("ind")) for v in values]


def closes(name, far, counts):
    """As many records arrived as were counted as posted."""
    for topic, c in counts.items():
        got = len(far.stored[f"/topics/{topic}"])
        check(f"{name}: {topic} arrived as counted", got == c["posted"], got, c)


def the_script_is_repeated():
    far = Far()
    counts, _ = emulate(far, "--order", "cpython", "--rows", "12", "--connections", "3",
                        "--prefix", "262542bdae36")
    for table in ("pin", "geo", "user"):
        check(f"{table} rows come in the order of the script",
              keys_of(far.stored[f"/topics/262542bdae36.{table}"]) == SCRIPT)
    closes("script", far, counts)
    check("connections are kept", len(far.connections) <= 3, far.connections)
    keys = [h["Idempotency-Key"] for _, _, h in far.heads]
    check("every post has a key of its own", len(set(keys)) == 36)
    kinds = {h["Content-Type"] for _, _, h in far.heads}
    check("JSON rows are posted as JSON", kinds == {"application/vnd.kafka.json.v2+json"}, kinds)


def failures_are_tried_again():
    far = Far(lambda n, h: 429 if n == 0 else 503 if n % 5 == 0 else 500 if n % 7 == 0 else None)
    counts, err = emulate(far, "--rows", "60")
    closes("failures", far, counts)
    check("failures: all arrived", all(c["posted"] == 60 and c["uncertain"] == 0
                                       for c in counts.values()), counts)
    check("failures: retries were counted", " 0 retries" not in err, err)


def lost_answers_are_uncertain():
    far = Far(lambda n, h: "drop" if n % 10 == 3 else None)
    counts, err = emulate(far, "--rows", "40", "--order", "sequential")
    copies = collections.Counter((path, key) for path, values in far.stored.items()
                                 for key in keys_of(values))
    twice = sum(n > 1 for n in copies.values())
    uncertain = sum(c["uncertain"] for c in counts.values())
    check("lost: every record arrived", len(copies) == 120, len(copies))
    check("lost: some were stored twice", twice > 5, twice)
    check("lost: uncertain are those stored twice", uncertain == twice, uncertain, twice)
    check("lost: it is said", "uncertain" in err, err)


def keys_keep_posts_single():
    far = Far(lambda n, h: "drop" if n % 10 == 3 else None, keys=True)
    counts, err = emulate(far, "--rows", "40")
    closes("keys", far, counts)
    check("keys: nothing is uncertain", sum(c["uncertain"] for c in counts.values()) == 0, counts)
    check("keys: nothing is said", "uncertain" not in err, err)


def slow_answers_time_out():
    far = Far(lambda n, h: "never" if n == 4 else None)
    counts, _ = emulate(far, "--rows", "5", "--timeout", "4s")
    far.over.set()
    check("slow: all posted", all(c["posted"] == 5 for c in counts.values()), counts)
    check("slow: one is uncertain", sum(c["uncertain"] for c in counts.values()) == 1, counts)


def refusals_are_counted():
    far = Far(lambda n, h: 422 if n == 1 else None)
    counts, err = emulate(far, "--rows", "4", code=3)
    check("refusals: one", sum(c["refused"] for c in counts.values()) == 1, counts)
    check("refusals: others arrived", sum(c["posted"] for c in counts.values()) == 11, counts)
    check("refusals: the words of the server", "as planned" in err, err)
    far = Far(lambda n, h: 401)
    _, err = emulate(far, "--rows", "4", code=1)
    check("denied: it ends at once", far.requests < 70 and "status 401" in err, err)


def single_records_of_a_batch_are_repeated():
    far = Far(lambda n, h: {"fail": [0, 3]} if n == 0 else None)
    counts, _ = emulate(far, "--rows", "0", "--source", "generator:rows=25", "--batch", "10",
                        "--connections", "1")
    for topic in ("pin", "geo", "user"):
        got = sorted(keys_of(far.stored[f"/topics/{topic}"]))
        check(f"batch: every {topic} row arrived once", got == list(range(25)), got)
    check("batch: few requests", far.requests == 10, far.requests)
    closes("batch", far, counts)


def a_signal_stops_it():
    far = Far(lambda n, h: 422 if n == 1 else None)
    p = subprocess.Popen([PINLINE, "emulate", "--to", far.url, "--format", "json", "--loop",
                          "--pace", "200/s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         text=True)
    while far.requests < 60:
        time.sleep(0.02)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=20)
    check("signal: exit code 130", p.returncode == 130, p.returncode, err)
    check("signal: what was refused is told", "stopped after" in err and
          "refused 1 records; the first with status 422" in err, err)
    closes("signal", far, {r["topic"]: r for r in json.loads(out)})


def bad_rows_arrive_as_they_are():
    far = Far()
    spec = "generator:rows=400,seed=5,bad=0.4,duplicates=0.1"
    counts, _ = emulate(far, "--source", spec, "--rows", "0", "--connections", "3")
    closes("bad", far, counts)
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([PINLINE, "generate", "-q", "--rows", "400", "--seed", "5", "--bad", "0.4",
                        "--duplicates", "0.1", "--out", d, "--truth", f"{d}/t"], check=True)
        with open(f"{d}/t", encoding="utf-8") as f:
            truth = json.load(f)
        for table in ("pin", "geo", "user"):
            with open(f"{d}/{table}.jsonl", "rb") as f:
                lines = f.read().split(b"\n")[:-1]
            got = far.stored[f"/topics/{table}"]
            same = [g == w if isinstance(g, bytes) else g == json.loads(w)
                    for g, w in zip(got, lines)]
            check(f"bad: {table} lines arrive in order and unchanged",
                  len(got) == len(lines) and all(same), same.count(False))
            check(f"bad: {table} binary posts", counts[table]["binary"] ==
                  truth["tables"][table]["binary"], counts[table])


def every_contract_has_its_shape():
    shapes = {
        "send_data": ("POST", "/send_data?topic=x.pin"),
        "pin": ("POST", "/pin/"),
        "gateway": ("PUT", "/streams/streaming-x-pin/record"),
        "kafka-v3": ("POST", "/v3/clusters/c-1/topics/x.pin/records"),
    }
    for contract, (method, path) in shapes.items():
        far = Far()
        counts, _ = emulate(far, "--contract", contract, "--rows", "5", "--prefix", "x",
                            "--tables", "pin")
        check(f"{contract}: method and path",
              {(m, p) for m, p, _ in far.heads} == {(method, path)}, far.heads[:1])
        check(f"{contract}: records", all("unique_id" in v for v in far.stored[path]) and
              [c["posted"] for c in counts.values()] == [5], counts)


def pace_is_kept():
    far = Far()
    for rows, pace, least, most, name in (
            ("11", "20/s", 0.45, 5, "11 rows at 20 a second take half a second"),
            ("2", "1-2s", 1.9, 6, "a second before each row")):
        took = tries(lambda: emulate(far, "--rows", rows, "--pace", pace), most)
        check(f"pace: {name}", least < min(took) < most, took)


for test in (the_script_is_repeated, failures_are_tried_again, lost_answers_are_uncertain,
             keys_keep_posts_single, slow_answers_time_out, refusals_are_counted,
             single_records_of_a_batch_are_repeated, a_signal_stops_it,
             bad_rows_arrive_as_they_are, every_contract_has_its_shape, pace_is_kept):
    before = time.monotonic()
    test()
    print(f"{test.__name__}: {time.monotonic() - before:.1f} s")
sys.exit(finish())

#!/usr/bin/env python3
"""Engine "databricks": `query` and `batch` as clients of a workspace.

First `pinline serve` itself, which speaks as one; then a stand-in that gives
what a workspace gives and ours does not: several chunks, refusals that pass,
statements and runs that take their time, fail or are cancelled.  Its shapes
are those that databricks-sdk 0.156 reads.
"""
import http.server
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time

from served import PINLINE, Server
from told import check, finish

TOKEN = "dapi-a-secret-token"


class Stand(http.server.ThreadingHTTPServer):
    """A workspace of little patience."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls = []
        self.refuse = 0      # so many calls get a 503
        self.looks = 1       # before anything is over
        self.end = "SUCCEEDED"
        self.runs = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def told(self, part):
        return [c for c in self.calls if part in c[1]]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def give(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.work("GET", None)

    def do_POST(self):
        self.work("POST", json.loads(
            self.rfile.read(int(self.headers["Content-Length"]))))

    def work(self, method, body):
        s = self.server
        s.calls.append((method, self.path, body, self.headers.get("Authorization")))
        if s.refuse > 0:
            s.refuse -= 1
            return self.give(503, {"error_code": "TEMPORARILY_UNAVAILABLE",
                                   "message": "try again"})
        if self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.give(403, {"error_code": "PERMISSION_DENIED",
                                   "message": "Invalid access token."})
        if self.path.endswith("/cancel"):
            return self.give(200, {})
        if "/result/chunks/" in self.path:
            n = int(self.path.rsplit("/", 1)[1])
            return self.give(200, chunk(n))
        if "/sql/statements" in self.path:
            return self.give(200, self.statement(method))
        if self.path.endswith("/runs/submit"):
            token = body["idempotency_token"]
            run = s.runs.setdefault(token, 100 + len(s.runs))
            return self.give(200, {"run_id": run})
        if "/runs/get-output" in self.path:
            return self.give(200, {"error": "AnalysisException: no such table"})
        if "/runs/get?" in self.path:
            return self.give(200, self.run())
        return self.give(404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "no"})

    def statement(self, method):
        s = self.server
        looks = len([c for c in s.calls if c[0] == "GET" and "/statements/" in c[1]])
        answer = {"statement_id": "01ef-0101", "status": {"state": "RUNNING"}}
        if method == "POST":
            answer["status"]["state"] = "PENDING"
        elif looks >= s.looks and s.end == "SUCCEEDED":
            answer["status"]["state"] = "SUCCEEDED"
            answer["manifest"] = {
                "format": "JSON_ARRAY", "total_chunk_count": 3, "total_row_count": 5,
                "schema": {"column_count": 5, "columns": [
                    {"name": n, "position": i, "type_name": t, "type_text": t}
                    for i, (n, t) in enumerate(
                        [("ind", "INT"), ("category", "STRING"), ("mean", "DOUBLE"),
                         ("big", "LONG"), ("at", "TIMESTAMP")])]}}
            answer["result"] = chunk(0)
        elif looks >= s.looks:
            answer["status"] = {"state": s.end, "error": {
                "error_code": "BAD_REQUEST",
                "message": "[TABLE_OR_VIEW_NOT_FOUND] nope"}}
        return answer

    def run(self):
        s = self.server
        looks = len(s.told("/runs/get?"))
        state = {"life_cycle_state": "RUNNING", "state_message": "In run"}
        if looks >= s.looks:
            state = {"life_cycle_state": "TERMINATED", "state_message": "",
                     "result_state": "SUCCESS" if s.end == "SUCCEEDED" else "FAILED"}
        return {"run_id": 100, "state": state,
                "tasks": [{"task_key": "batch", "run_id": 1000, "state": state}]}


def chunk(n):
    rows = [[["1", "art", "0.5", "9000000000", "2020-08-28T03:52:47.000Z"],
             ["2", None, None, None, None]],
            [["3", "d\u00e9cor, \"x\"", "-2.25", "3", "2020-01-01T00:00:00Z"],
             ["4", "", "1e3", "4", None]], [["5", "z", "5", "5", None]]][n]
    result = {"chunk_index": n, "row_offset": 2 * n, "row_count": len(rows),
              "data_array": rows}
    if n < 2:
        result["next_chunk_index"] = n + 1
        result["next_chunk_internal_link"] = (
            f"/api/2.0/sql/statements/01ef-0101/result/chunks/{n + 1}")
    return result


def run(folder, *args, url=None, token=TOKEN, **env):
    env = dict(os.environ, DATABRICKS_TOKEN=token, DATABRICKS_WAREHOUSE_ID="w1", **env)
    if url is not None:
        env["DATABRICKS_HOST"] = url
    return subprocess.run([PINLINE, "-q", "--data", folder, *args], text=True,
                          capture_output=True, check=False, timeout=120, env=env)


WANT = [{"ind": 1, "category": "art", "mean": 0.5, "big": 9000000000,
         "at": "2020-08-28T03:52:47Z"},
        {"ind": 2, "category": None, "mean": None, "big": None, "at": None},
        {"ind": 3, "category": "d\u00e9cor, \"x\"", "mean": -2.25, "big": 3,
         "at": "2020-01-01T00:00:00Z"},
        {"ind": 4, "category": "", "mean": 1000.0, "big": 4, "at": None},
        {"ind": 5, "category": "z", "mean": 5.0, "big": 5, "at": None}]


def statements(folder):
    s = Stand()
    s.looks, s.refuse = 3, 2
    r = run(folder, "query", "--engine", "databricks", "--sql", "SELECT 1",
            "--format", "json", "--set", "databricks.schema=main.pins", url=s.url)
    check(r.returncode == 0 and json.loads(r.stdout or "[]") == WANT,
          "rows of three chunks have the manifest's types", r.stdout + r.stderr)
    posts = [c for c in s.calls if c[0] == "POST"]
    check(posts[-1][2]["statement"] == "SELECT 1" and
          posts[-1][2]["warehouse_id"] == "w1" and
          (posts[-1][2]["catalog"], posts[-1][2]["schema"]) == ("main", "pins"),
          "the statement says warehouse, catalog and schema", posts)
    check(len(posts) == 3, "a 503 is tried again", s.calls)

    s.end = "FAILED"
    r = run(folder, "query", "--engine", "databricks", "01", url=s.url)
    check(r.returncode == 2 and "[TABLE_OR_VIEW_NOT_FOUND] nope" in r.stderr,
          "a statement that fails says why", r.stderr)
    r = run(folder, "query", "--engine", "databricks", "01", url=s.url, token="wrong-token")
    check(r.returncode == 1 and "403" in r.stderr and "Invalid access token" in r.stderr
          and "wrong-token" not in r.stderr, "a wrong token is told, and not shown",
          r.stderr)
    r = run(folder, "query", "--engine", "databricks", "01")
    check(r.returncode == 2 and "databricks.host" in r.stderr,
          "without a workspace it is said which setting is missing", r.stderr)
    s.shutdown()


def interrupted(folder):
    for what, part, args in (
            ("statement", "/statements/01ef-0101", ["query", "01"]),
            ("run", "/runs/get?", ["batch"])):
        s = Stand()
        s.looks = 1000
        p = subprocess.Popen(
            [PINLINE, "-q", "--data", folder, *args, "--engine", "databricks"],
            stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, DATABRICKS_HOST=s.url, DATABRICKS_TOKEN=TOKEN,
                     DATABRICKS_WAREHOUSE_ID="w1"))
        until = time.monotonic() + 30
        while not s.told(part) and time.monotonic() < until:
            time.sleep(0.05)
        p.send_signal(signal.SIGINT)
        p.wait(30)
        check(p.returncode == 130 and s.told("/cancel"),
              f"SIGINT cancels a {what}", (p.returncode, p.stderr.read(), s.calls[-3:]))
        p.stderr.close()
        s.shutdown()


def runs(folder):
    s = Stand()
    s.looks = 2
    args = ("batch", "--engine", "databricks", "--answers", "none", "--interval",
            "2026-11-01", "--set", "databricks.cluster=c1")
    first, again = (run(folder, *args, url=s.url) for _ in range(2))
    sent = [c[2] for c in s.told("/runs/submit")]
    check(first.returncode == again.returncode == 0 and len(sent) == 2 and
          sent[0] == sent[1] and len(s.runs) == 1,
          "the same interval is the same run", first.stderr + again.stderr)
    check(sent and sent[0]["tasks"] == [{
        "task_key": "batch", "existing_cluster_id": "c1", "notebook_task": {
            "notebook_path": "/Shared/pinline/batch",
            "base_parameters": {"interval": "2026-11-01"}}}],
          "the notebook is told its interval", sent)
    run(folder, "batch", "--engine", "databricks", "--answers", "none", url=s.url)
    run(folder, "batch", "--engine", "databricks", "--answers", "none", url=s.url)
    check(len(s.runs) == 3, "without an interval each run is its own", s.runs)
    s.end = "FAILED"
    r = run(folder, *args, url=s.url)
    check(r.returncode == 2 and "FAILED: AnalysisException: no such table" in r.stderr,
          "a run that fails says what its task said", r.stderr)
    s.shutdown()


def ours(folder):
    """The far side is pinline: the same rows as by DuckDB here."""
    subprocess.run([PINLINE, "-q", "--data", folder, "run", "--rows", "300"],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    with Server(folder, pipelines=True, stderr=subprocess.DEVNULL) as server:
        here = run(folder, "query", "all", "--format", "json")
        there = run(folder, "query", "--engine", "databricks", "all", "--format", "json",
                    url=server.url)
        check(here.stdout == there.stdout and len(here.stdout) > 1000,
              "every answer over statements is DuckDB's",
              there.stderr + there.stdout[:300])
        many = ("query", "--format", "json", "--sql", "SELECT p.ind, r.range AS n, p.title, "
                "DATE '2026-11-01' + p.ind AS day, u.date_joined FROM clean_pin p JOIN clean_user u USING (ind), "
                "range(200) r ORDER BY ALL")
        mine, there = run(folder, *many), run(folder, *many, "--engine", "databricks", url=server.url)
        check(len(mine.stdout) > 4_000_000 and json.loads(mine.stdout) == json.loads(there.stdout or "0"),
              "the rows of several chunks, dates and times, are DuckDB's", there.stderr + there.stdout[:300])
        r = run(folder, "batch", "--engine", "databricks", "--format", "json", url=server.url)
        check(r.returncode == 0 and json.loads(r.stdout) == json.loads(here.stdout),
              "the batch as a submitted run, then answered", r.stderr)
        r = run(folder, "batch", "--engine", "databricks", "--answers", "none", "--set",
                "databricks.notebook=/nonsense", url=server.url)
        check(r.returncode != 0 and "nonsense" in r.stderr,
              "a notebook that is no task is refused by name", r.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="pinline-databricks.") as folder:
        statements(folder)
        interrupted(folder)
        runs(folder)
        ours(os.path.join(folder, "ours"))


main()
sys.exit(finish())

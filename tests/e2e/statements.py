#!/usr/bin/env python3
"""statements - SQL statements over HTTP, under the paths of a workspace: rows,
parameters, waiting and not waiting, cancelling, more than may be under way."""
import subprocess
import sys
import tempfile
import threading
import time

from rest_side import PINLINE, Server, check, main, requests

LONG = "SELECT count(*) FROM range(100000000000) a WHERE a.range % 7 = 3"


def begin(s, statement, **more):
    return requests.post(f"{s.url}/api/2.0/sql/statements", timeout=120,
                         json={"statement": statement, "warehouse_id": "any", **more})


def look(s, made, rest=""):
    return requests.get(f"{s.url}/api/2.0/sql/statements/{made.json()['statement_id']}{rest}", timeout=60)


def until(s, made, states, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        r = look(s, made)
        if r.json()["status"]["state"] in states:
            break
        time.sleep(0.05)
    return r


def rows(s):
    r = begin(s, "SELECT count(*) AS n, 1.5 AS half, :who AS who, NULL AS nothing FROM clean_pin",
              wait_timeout="50s", parameters=[{"name": "who", "value": "it's me"}])
    body = r.json()
    check(r.status_code == 200 and body["status"] == {"state": "SUCCEEDED"}
          and body["result"]["data_array"] == [["20", "1.5", "it's me", None]], "rows are texts or null", r.text)
    columns = [c["name"] for c in body["manifest"]["schema"]["columns"]]
    check(columns == ["n", "half", "who", "nothing"] and body["manifest"]["total_row_count"] == 1,
          "columns are told", r.text)
    chunk = look(s, r, "/result/chunks/0")
    check(chunk.json()["data_array"] == body["result"]["data_array"], "all rows are in chunk 0", chunk.text)
    check(look(s, r, "/result/chunks/1").status_code == 404, "there is no chunk 1")
    check("next_chunk_index" not in body["result"], "and none is promised", r.text)
    r = begin(s, "SELECT * FROM nope", wait_timeout="50s")
    check(r.json()["status"]["state"] == "FAILED" and "nope" in r.json()["status"]["error"]["message"],
          "a statement that fails says why", r.text)


def types(s):
    r = begin(s, "SELECT DATE '2026-11-01' AS day, NULL::DATE AS no_day, TIMESTAMP '2026-11-01 02:03:04' AS at, "
              "1::SMALLINT AS small, 1::BIGINT AS big, 1.5::DOUBLE AS half, true AS yes, 'x' AS text, "
              "['a', 'b'] AS list, {'lat': 1.0::DOUBLE, 'lon': 2.0::DOUBLE} AS place", wait_timeout="50s").json()
    got = [(c["type_name"], c["type_text"]) for c in r["manifest"]["schema"]["columns"]]
    check(got == [("DATE", "DATE")] * 2 + [("TIMESTAMP", "TIMESTAMP"), ("INT", "INT"), ("LONG", "BIGINT"),
                                           ("DOUBLE", "DOUBLE"), ("BOOLEAN", "BOOLEAN"), ("STRING", "STRING"),
                                           ("ARRAY", "ARRAY<STRING>"), ("STRUCT", "STRUCT<lat: DOUBLE, lon: DOUBLE>")],
          "columns have the types of a workspace", got)
    check(r["result"]["data_array"][0][:3] == ["2026-11-01", None, "2026-11-01T02:03:04Z"],
          "dates and times are written as there", r["result"])


def chunks(s):
    """Rows in order, chunk by chunk, by the links."""
    r = begin(s, "SELECT range AS n, 'row ' || range AS name, DATE '2026-11-01' + (range % 7)::INT AS day "
              "FROM range(200000)", wait_timeout="50s")
    body = r.json()
    told = body["manifest"]["chunks"]
    check(body["manifest"]["total_chunk_count"] == len(told) > 5 and
          sum(c["row_count"] for c in told) == body["manifest"]["total_row_count"] == 200000 and
          all(c["byte_count"] < 1.1 * (1 << 20) for c in told), "a large result has chunks", told)
    part, n, good, sizes = body["result"], 0, True, []
    while True:
        good = good and part["row_offset"] == n and part["chunk_index"] == len(sizes) and all(
            row == [str(n + i), f"row {n + i}", f"2026-11-0{(n + i) % 7 + 1}"]
            for i, row in enumerate(part["data_array"]))
        n += len(part["data_array"])
        sizes.append(part["row_count"])
        if "next_chunk_internal_link" not in part:
            break
        good = good and part["next_chunk_internal_link"].endswith(f"/result/chunks/{part['next_chunk_index']}")
        part = requests.get(s.url + part["next_chunk_internal_link"], timeout=60).json()
    check(good and n == 200000 and sizes == [c["row_count"] for c in told], "its links lead through all rows in order",
          (n, sizes))
    check([look(s, r, f"/result/chunks/{k}").status_code for k in (0, len(told), -1, "x", 9223372036854775807)]
          == [200, 404, 404, 404, 404], "other chunks are not there")
    r = begin(s, "SELECT range FROM range(100)", wait_timeout="50s", row_limit=7).json()
    check(r["manifest"]["truncated"] and [x[0] for x in r["result"]["data_array"]] == list("0123456"),
          "row_limit cuts, and says so", r)
    r = begin(s, "SELECT range FROM range(100)", wait_timeout="50s", row_limit=100).json()
    check(not r["manifest"]["truncated"] and len(r["result"]["data_array"]) == 100, "what just fits is not cut", r)
    r = begin(s, "SELECT range FROM range(1000)", wait_timeout="50s", byte_limit=25).json()
    check(r["manifest"]["truncated"] and [x[0] for x in r["result"]["data_array"]] == [str(i) for i in range(17)],
          "byte_limit cuts too", r)
    r = begin(s, "SELECT repeat('x', 1000) AS x FROM range(40000)", wait_timeout="50s").json()
    check(r["status"]["state"] == "FAILED", "more than 25 MB is a fault", r["status"])
    r = begin(s, "SELECT 1 AS x WHERE false", wait_timeout="50s").json()
    check(r["manifest"]["total_row_count"] == 0 and r["result"]["data_array"] == [], "no rows are no rows", r)


def waiting(s):
    r = begin(s, "SELECT 1 AS one", wait_timeout="0s")
    check(r.json()["status"]["state"] in ("RUNNING", "SUCCEEDED"), "one that nobody waits for is begun", r.text)
    r = until(s, r, ("SUCCEEDED", "FAILED"))
    check(r.json()["result"]["data_array"] == [["1"]], "and has its rows later", r.text)
    made = begin(s, LONG, wait_timeout="0s")
    r = requests.post(f"{s.url}/api/2.0/sql/statements/{made.json()['statement_id']}/cancel", timeout=60)
    check(r.status_code == 200, "a long one is cancelled", r.text)
    check(until(s, made, ("CANCELED", "FAILED", "SUCCEEDED")).json()["status"]["state"] == "CANCELED",
          "and says so")
    began = time.monotonic()
    r = begin(s, LONG, wait_timeout="5s", on_wait_timeout="CANCEL")
    check(r.json()["status"]["state"] == "CANCELED" and time.monotonic() - began < 15,
          "one that is waited for too long is ended", r.text)


def wrong(s):
    for name, r, status in (
            ("no statement", begin(s, ""), 400),
            ("a wait of 3 s", begin(s, "SELECT 1", wait_timeout="3s"), 400),
            ("rows in files", begin(s, "SELECT 1", disposition="EXTERNAL_LINKS"), 400),
            ("rows in Arrow", begin(s, "SELECT 1", format="ARROW_STREAM"), 400),
            ("a parameter that was not given", begin(s, "SELECT :x"), 400),
            ("an id of nothing", requests.get(f"{s.url}/api/2.0/sql/statements/0", timeout=60), 404)):
        check(r.status_code == status and r.json()["error_code"] and r.json()["message"],
              f"{name} is {status}", r.text)


def many(s):
    """As many as may be under way, asked for by threads; then there is room again."""
    got = []

    def ask():
        got.append(begin(s, LONG, wait_timeout="0s"))

    threads = [threading.Thread(target=ask) for _ in range(70)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    codes = sorted(r.status_code for r in got)
    check(codes == [200] * 64 + [429] * 6, "64 statements are under way, more are told 429", codes)
    for r in got:
        if r.status_code == 200:
            requests.post(f"{s.url}/api/2.0/sql/statements/{r.json()['statement_id']}/cancel", timeout=60)
    ends = {until(s, r, ("CANCELED", "FAILED", "SUCCEEDED")).json()["status"]["state"]
            for r in got if r.status_code == 200}
    check(ends == {"CANCELED"}, "all of them are ended", ends)
    check(begin(s, "SELECT 1", wait_timeout="50s").json()["status"]["state"] == "SUCCEEDED", "then there is room")


def run(_kind):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([PINLINE, "--data", folder, "run", "--rows", "20", "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        with Server(data=folder) as s:
            rows(s)
            types(s)
            chunks(s)
            waiting(s)
            wrong(s)
            many(s)
            for _ in range(3):
                begin(s, LONG, wait_timeout="0s")  # the server ends them


if __name__ == "__main__":
    sys.exit(main(run))

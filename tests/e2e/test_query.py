#!/usr/bin/env python3
"""The query command: SQL of strangers in its cage (I18), bad input and what
a person reads (I9), formats, variants, byte-identical repeats."""
import glob
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import answers  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check  # noqa: E402

lake.need_venv()
PINLINE = lake.pinline()


def run(folder, *args, timeout=60):
    return subprocess.run([PINLINE, "query", "--tables", folder, *args],
                          capture_output=True, text=True, timeout=timeout,
                          cwd=folder)


def tables():
    day = "2019-05-05 01:02:03+00:00"
    pins, geos, users = [], [], []
    for i in range(60):
        pins.append({**{c: "x" for c in answers.PIN}, "ind": i,
                     "category": "abc"[i % 3], "follower_count": i * i % 50,
                     "poster_name": f"p{i % 7}", "title":
                     None if i % 2 else 'a "quoted", title\nof two lines'})
        geos.append({"ind": i, "country": f"c{i % 4}", "timestamp": day,
                     "coordinates": [1.5, -2.25]})
        users.append({"ind": i, "user_name": f"u{i % 9}", "age": 15 + i,
                      "date_joined": day.replace("2019", "2016")})
    return {"pin": pins, "geo": geos, "user": users}


def state(folder):
    return {p: hashlib.sha256(open(p, "rb").read()).hexdigest()
            for p in glob.glob(folder + "/**", recursive=True)
            if os.path.isfile(p)}


# SQL, words of the refusal
REFUSED = [
    ("SELECT * FROM read_text('/etc/passwd')", "Permission Error"),
    ("SELECT * FROM read_blob('/etc/passwd')", "Permission Error"),
    ("SELECT * FROM read_csv('/etc/passwd')", "Permission Error"),
    ("SELECT * FROM read_json('/proc/self/environ')", "Permission Error"),
    ("SELECT * FROM '/etc/passwd'", "DuckDB"),
    ("SELECT * FROM '/etc/x.csv'", "Permission Error"),
    ("SELECT * FROM sniff_csv('/etc/passwd')", "Permission Error"),
    ("SELECT * FROM parquet_metadata('/etc/x.parquet')", "Permission Error"),
    ("SELECT * FROM glob('/etc/*')", "Permission Error"),
    ("SELECT * FROM query('SELECT * FROM read_text(''/etc/passwd'')')",
     "Permission Error"),
    ("SELECT getenv('HOME')", "getenv"),
    ("COPY (SELECT 1) TO '{d}/out.csv'", ""),
    ("COPY clean_pin TO '{file}' (FORMAT parquet)", "only SELECT"),
    ("COPY clean_pin FROM '/etc/passwd'", ""),
    ("ATTACH '{d}/x.db'", ""),
    ("ATTACH ':memory:' AS m", "only SELECT"),
    ("EXPORT DATABASE '{d}/export'", ""),
    ("IMPORT DATABASE '{d}/export'", ""),
    ("LOAD httpfs", ""),
    ("INSTALL httpfs", ""),
    ("SET memory_limit='100GB'", "only SELECT"),
    ("SET GLOBAL enable_external_access=true", "only SELECT"),
    ("RESET ALL", ""),
    ("PRAGMA memory_limit='100GB'", ""),
    ("CREATE TABLE t AS SELECT 1", "only SELECT"),
    ("CREATE SECRET s (TYPE s3)", ""),
    ("DROP VIEW clean_pin", "only SELECT"),
    ("INSERT INTO clean_pin VALUES (1)", ""),
    ("DELETE FROM clean_pin", ""),
    ("UPDATE clean_pin SET ind = 1", ""),
    ("CHECKPOINT", "only SELECT"),
    ("VACUUM", "only SELECT"),
    ("CALL enable_logging()", "only SELECT"),
    ("SELECT 1; SELECT 2", "one statement at a time"),
    ("", "not empty"),
    (" ", "no statement"),
    ("SELECT nothing FROM clean_pin", "nothing"),
    ("selct 1", 'near "selct"'),
]


def cage(d):
    data = glob.glob(d + "/pin/*.parquet")[0]
    before = state(d)
    for sql, words in REFUSED:
        r = run(d, "--sql", sql.format(d=d, file=data))
        told = r.stderr.strip()
        check(f"I18 sql: refused: {sql}", r.returncode in (1, 2) and
              told.startswith("pinline query: ") and "\n" not in told
              and (words in told or not words) and "root:" not in r.stdout,
              f"{r.returncode} {told} {r.stdout[:100]}")
    check("I18 sql: nothing was written or changed", state(d) == before)
    for name, sql, words in (
            ("endless", "SELECT count(*) FROM range(100000000000) a, "
             "range(1000000) b WHERE a.range % 7 = b.range", "longer than"),
            ("endless recursion", "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL "
             "SELECT n + 1 FROM t) SELECT max(n) FROM t", "longer than"),
            ("one huge text", "SELECT repeat('x', 3000000000)", ""),
            ("a huge list", "SELECT list(range) FROM range(1000000000)",
             "memory"),
            ("a huge answer", "SELECT * FROM range(1000000000)",
             "ask for fewer"),
            ("deep nesting", "SELECT " + "(" * 20000 + "1" + ")" * 20000, "")):
        start = time.monotonic()
        # a busy machine takes long to fill the memory
        r = run(d, "--sql", sql, "--timeout", "15s" if words == "memory" else "2s",
                "--memory", "300MB")
        check(f"I18 sql: {name} is ended", r.returncode == 1 + (
            "nesting" in name and r.returncode == 2) and words in r.stderr and
            time.monotonic() - start < 20, f"{r.returncode} {r.stderr}")
    r = run(d, "--sql", "SELECT count(*) AS n, max(timestamp) AS t "
            "FROM clean_geo", "--format", "json")
    check("sql reads the tables", json.loads(r.stdout or "0") == [
        {"n": 60, "t": "2019-05-05T01:02:03Z"}], r.stdout + r.stderr)
    r = subprocess.run([PINLINE, "query", "--tables", ".", "--sql",
                        "SELECT count(*) AS n FROM clean_pin", "--format",
                        "csv"], capture_output=True, text=True, cwd=d)
    check("sql reads tables named by a relative folder", r.stdout == "n\n60\n",
          r.stdout + r.stderr)


# arguments, exit code, words
BAD = [
    (["99"], 2, 'there is no answer "99"; there are 01 to 15'),
    (["users-jined"], 2, 'did you mean "users-joined"?'),
    (["01", "--set", "ties=frist"], 2,
     "ties=frist: one of keep, first is needed"),
    (["02", "--set", "from_year=x"], 2, "a whole number is needed"),
    (["01", "--set", "tie=first"], 2, '"tie"'),
    (["01", "02", "--format", "csv"], 2, "csv takes one answer at a time"),
    (["01", "--format", "parquet"], 2, "parquet takes one answer and --out"),
    (["01", "--variants", "--format", "csv"], 2, "variants are a table or"),
    (["--task", "12"], 2, "no answer belongs to task 12"),
    (["01", "--sql", "SELECT 1"], 2, "--sql goes without an answer's name"),
    (["01", "--engine", "duck"], 2, "duckdb"),
    (["--sql", "SELECT * FROM clean_pins"], 2, 'Did you mean "clean_pin"?'),
    (["--sql", "SELECT * FROM nope"], 2, "Table with name nope does not exist!\n"),
    (["--sql", "SELECT categry FROM clean_pin"], 2, 'Candidate bindings: "category"'),
]


def words(d):
    for args, code, text in BAD:
        r = run(d, *args)
        check(f"I9 query: {' '.join(args)} is told", r.returncode == code and
              text in r.stderr and r.stdout == "", f"{r.returncode} {r.stderr}")
    with tempfile.TemporaryDirectory() as empty:
        r = run(empty, "01")
        check("I9 query: a folder without tables is told", r.returncode == 1
              and "holds no cleaned tables" in r.stderr, r.stderr)
        os.makedirs(empty + "/pin/_delta_log")
        with open(empty + "/pin/_delta_log/" + "0" * 20 + ".json", "w") as f:
            f.write('{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}')
        r = run(empty, "13")
        check("I9 query: a table that needs more is told", r.returncode == 1
              and "needs Delta reader version 3" in r.stderr, r.stderr)


def strangers(d):
    """Logs, made by others, whose files lie elsewhere: where another's table is."""
    log = os.path.join("_delta_log", "0" * 20 + ".json")
    with open(os.path.join(d, "pin", log), encoding="utf-8") as f:
        entry = f.read()
    name = re.search(r'"path":"([^"]+)"', entry)[1]
    own = os.path.join(d, "pin", name)
    with tempfile.TemporaryDirectory(dir=d) as top:
        os.makedirs(os.path.join(top, "pin", "_delta_log"))
        for path in ("../../pin/" + name, "%2e%2E/../pin/" + name, own, "file:" + own,
                     "file://" + own):
            with open(os.path.join(top, "pin", log), "w", encoding="utf-8") as f:
                f.write(entry.replace(f'"path":"{name}"', f'"path":"{path}"'))
            for words in (("13",), ("--sql", "SELECT count(*) AS n FROM clean_pin"),
                          ("--sql", f"SELECT count(*) AS n FROM '{own}'")):
                r = run(top, *words)
                check(f"I18 sql: a table with a file at {path[:9]}... is refused, {words[-1][:6]}",
                      r.returncode == 1 and r.stdout == "" and path[:100] in r.stderr and
                      "outside its folder" in r.stderr and "full copy" in r.stderr, r.stderr)
        shutil.copy(own, os.path.join(top, "pin"))
        with open(os.path.join(top, "pin", log), "w", encoding="utf-8") as f:
            f.write(entry)
        r = run(top, "--sql", "SELECT count(*) AS n FROM clean_pin", "--format", "json")
        check("the full copy of it is read", json.loads(r.stdout or "0") == [{"n": 60}], r.stderr)


def forms(d):
    one = run(d, "all", "--format", "json").stdout
    check("the same bytes again", one == run(d, "all", "--format",
                                             "json").stdout and one)
    check("all is an object by id", list(json.loads(one)) ==
          [f"{i:02}" for i in range(1, 16)], one[:80])
    r = run(d, "07", "--format", "json").stdout
    check("medians without a fraction when whole, with one when not",
          '"median_follower_count":25' in r and '.0' not in r and
          '.5' in r, r)
    r = run(d, "08", "--format", "csv")
    check("csv", r.stdout == "post_year,number_users_joined\n2016,60\n",
          r.stdout)
    r = run(d, "08")
    check("a table with title and note", r.stdout.startswith(
        "08  Users joined per year\npost_year  number_users_joined\n") and
        "differs by grain" in r.stdout, r.stdout)
    r = run(d, "08", "--variants")
    check("variants side by side", "post_year  default  grain=person  "
          "grain=name  grain=ind" in r.stdout and "9 *" in r.stdout, r.stdout)
    r = run(d, "08", "--variants", "--format", "json")
    v = json.loads(r.stdout)
    check("variants as JSON name those that differ", v["differs"] ==
          ["grain=name"] and
          v["grain=name"] == [{"post_year": 2016, "number_users_joined": 9}],
          r.stdout)
    r = run(d, "13", "--format", "parquet", "-o", "x.parquet")
    import duckdb
    n = duckdb.sql(f"SELECT sum(posts) FROM '{d}/x.parquet'").fetchall()
    check("parquet", r.returncode == 0 and n == [(60,)], f"{r.stderr} {n}")
    r = run(d, "--task", "6", "--format", "json")
    check("a task may have two answers", sorted(json.loads(r.stdout)) ==
          ["04", "05"], r.stdout[:80])
    r = run(d)
    check("without a word the answers are listed", r.stdout.count("\n") == 16,
          r.stdout)


def many_rows(d):
    """Variants of an answer with more rows than a person would read."""
    own = os.path.join(d, "own")
    os.makedirs(own)
    with open(os.path.join(own, "90-numbers.sql"), "w", encoding="utf-8") as f:
        f.write("-- title: Numbers\n-- question: Which numbers?\n"
                "-- columns: n, m\n-- chart: table\n-- definition: numbers\n"
                "-- parameter way: up | down -- how they go\n\n"
                "SELECT r.n AS n,\n"
                "    r.n AS m --? way=up\n"
                "    30000 - r.n AS m --? way=down\n"
                "FROM (SELECT unnest(generate_series(1, 30000)) AS n) r\n"
                "ORDER BY n\n")
    r = run(d, "90", "--variants", "--format", "json", "--set", "analyses=" + own)
    v = json.loads(r.stdout or "{}")
    check("variants of 30,000 rows are compared", v.get("differs") == ["way=down"] and
          len(v["way=down"]) == 30000, r.stderr)
    r = run(d, "90", "--variants", "--set", "analyses=" + own)
    check("and shown side by side", r.stdout.count("\n") == 30002 and
          r.stdout.count("*") == 29999, f"{r.stderr} {r.stdout[:200]}")


def undeduplicated():
    """The variant that is made from the raw objects: every row counts."""
    with tempfile.TemporaryDirectory() as data:
        rows = os.path.join(data, "pin.jsonl")
        with open(rows, "w", encoding="utf-8") as f:
            for i in (1, 1, 1, 2):
                f.write(json.dumps({"index": i, "category": "art"}) + "\n")
        home = os.path.join(data, "home")
        ask = [PINLINE, "--data", home, "query", "13", "--format", "json"]
        subprocess.run([PINLINE, "--data", home, "run", "--input", rows],
                       capture_output=True, check=True)
        got = {}
        for words in ((), ("--set", "deduplicate=none"), ("--set", "deduplicate=row"),
                      ("--variants",)):
            r = subprocess.run([*ask, *words], capture_output=True, text=True,
                               check=False)
            got[words[-1:]] = json.loads(r.stdout or "0") or r.stderr
        one, all_rows = got[()], got[("deduplicate=none",)]
        check("deduplicate=none answers over every row",
              (one[0]["posts"], all_rows[0]["posts"]) == (2, 4), str(got))
        check("deduplicate=row is the default", got[("deduplicate=row",)] == one)
        check("deduplicate=none is among the variants",
              got[("--variants",)].get("deduplicate=none") == all_rows, str(got))
        r = subprocess.run([*ask, "--set", "deduplicate=some"], capture_output=True,
                           text=True, check=False)
        check("another deduplicate is refused", r.returncode == 2 and
              "row or none" in r.stderr, r.stderr)


with tempfile.TemporaryDirectory() as folder:
    answers.write_delta(tables(), folder)
    forms(folder)
    words(folder)
    cage(folder)
    strangers(folder)
    many_rows(folder)
    undeduplicated()
sys.exit(finish())

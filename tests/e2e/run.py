#!/usr/bin/env python3
"""run.py - the main job end to end: made-up rows against the truth that the
generator planted, real rows against plain Python (answers.py), odd files,
appending, and the data directory's rules.  ROWS (20000) sizes the first."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import answers  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check, skip  # noqa: E402

PINLINE, SHARED = lake.pinline(), lake.shared()
ROWS = os.environ.get("ROWS", "20000")
# files whose first records belong to no table: the name must say it
NAMELESS = ["edcliffe_message_5473a15a.json", "rows_seen_by_spark.jsonl"]


def pinline(cwd, *args, code=0):
    p = subprocess.run([PINLINE, *args], cwd=cwd, capture_output=True, text=True,
                       timeout=600)
    if p.returncode != code:
        check(f"pinline {' '.join(args)} ends with {code}", False,
              f"{p.returncode}: {p.stderr[-400:]}")
    return p


def run(cwd, *args):
    return json.loads(pinline(cwd, "run", "--format", "json", *args).stdout)


def closes(name, result):
    for table, a in result["accounting"].items():
        good = (a["closes"] and a["received"] == a["stored"] and
                a["stored"] + a["expanded"] ==
                a["cleaned"] + a["rejected"] + a["duplicate"])
        check(f"I7 run: the sum of {table} closes, {name}", good, a)


def truth(cwd):
    for seed, bad in (("100", "0.001"), ("5", "0.03")):
        pinline(cwd, "generate", "--rows", ROWS, "--seed", seed, "--bad", bad,
                "--duplicates", "0.05", "--truth", "t.json", "--out", "rows")
        result = run(cwd, "--input", "rows")
        with open(os.path.join(cwd, "t.json")) as f:
            want = json.load(f)
        for id_, rows in want["answers"].items():
            check(f"seed {seed}: answer {id_} is the truth", result["answers"][id_] == rows)
        for table, t in want["tables"].items():
            got = result["accounting"][table]
            for key in ("expanded", "cleaned", "rejected", "duplicate"):
                check(f"seed {seed}: {table} {key} is the truth", got[key] == t[key],
                      f"got {got[key]}, planted {t[key]}")
        closes(f"made-up rows, seed {seed}", result)
        full = json.loads(pinline(cwd, "batch", "--full", "--format", "json").stdout)
        check(f"seed {seed}: batch --full gives the same answers", full == result["answers"])


def real(cwd):
    files = [os.path.join(SHARED, f"{t}.jsonl") for t in ("pin", "geo", "user")]
    if not all(map(os.path.exists, files)):
        skip("real rows: the shared data are not here")
        return
    result = run(cwd, "--input", *files)
    raw = {t: answers.read_lines(f) for t, f in zip(("pin", "geo", "user"), files)}
    want = answers.answers(answers.clean_rows(raw))
    for id_, rows in sorted(want.items()):
        check(f"real rows: answer {id_} is Python's", result["answers"][id_] == rows)
    closes("real rows", result)


def odd_files(cwd):
    """Every odd file is stored whole, and each message is accounted for."""
    paths = sorted(glob.glob(os.path.join(SHARED, "variants/*/*"))) + glob.glob(
        os.path.join(SHARED, "pin_edge_cases.jsonl"))
    if not paths:
        skip("odd files: the shared data are not here")
        return
    for path in paths:
        if os.path.basename(path) in NAMELESS:
            p = pinline(cwd, "run", "--input", path, code=2)
            check("a file that no table is recognised in says so",
                  "cannot tell which table" in p.stderr and "pin*" in p.stderr, p.stderr)
            named = os.path.join(cwd, "pin_" + os.path.basename(path))
            shutil.copy(path, named)
            path = named
        result = run(cwd, "--input", path)
        stored = sum(a["stored"] for a in result["accounting"].values())
        check(f"{os.path.basename(path)}: {stored} messages are stored", stored > 0)
        closes(os.path.basename(path), result)
        topics = json.loads(pinline(cwd, "batch", "--full", "--from", "topics",
                                    "--format", "json").stdout)
        check(f"{os.path.basename(path)}: the topics give the answers of the objects",
              topics == result["answers"])


def lines(path):
    with open(path, "rb") as f:
        return f.read().splitlines(keepends=True)


def appending(cwd):
    """Two parts, one after the other, are what the whole is."""
    pinline(cwd, "generate", "--rows", "3000", "--seed", "9", "--bad", "0.02",
            "--duplicates", "0.2", "--out", "whole")
    for part, of in (("a", slice(0, None, 2)), ("b", slice(1, None, 2))):
        os.makedirs(os.path.join(cwd, part), exist_ok=True)
        for table in ("pin", "geo", "user"):
            with open(os.path.join(cwd, part, f"{table}.jsonl"), "wb") as f:
                f.writelines(lines(os.path.join(cwd, "whole", f"{table}.jsonl"))[of])
    whole = run(cwd, "--input", "whole")
    run(cwd, "--input", "a")
    both = run(cwd, "--append", "--input", "b")
    check("two appended parts give the answers of the whole",
          both["answers"] == whole["answers"])
    for table in ("pin", "geo", "user"):
        check(f"two appended parts give the sum of the whole, {table}",
              all(both["accounting"][table][k] == whole["accounting"][table][k]
                  for k in ("stored", "expanded", "cleaned", "rejected", "duplicate")),
              both["accounting"][table])


def options(cwd):
    result = run(cwd, "--rows", "50", "--prefix", "262542bdae36")
    check("--prefix names the topics",
          result["accounting"]["pin"]["topic"] == "262542bdae36.pin")
    check("objects stand under the topic's name", os.path.exists(os.path.join(
        cwd, "pinline-data/lake/topics/262542bdae36.pin/partition=0/"
             "262542bdae36.pin+0+0000000000.json")))
    result = run(cwd, "--rows", "50", "--topics", "pin=Pins,geo=Places")
    check("--topics names single topics",
          [result["accounting"][t]["topic"] for t in ("pin", "geo", "user")] ==
          ["Pins", "Places", "user"])
    one = run(cwd, "--rows", "200", "--seed", "3")
    two = run(cwd, "--rows", "200", "--seed", "3")
    check("the same seed gives the same answers", one["answers"] == two["answers"])
    new = run(cwd, "--append", "--rows", "200", "--seed", "4", "--answers", "batch")
    alone = run(cwd, "--rows", "200", "--seed", "4")
    total = sum(r["posts"] for r in new["answers"]["13"])
    check("--answers batch is over the new rows only",
          total <= sum(r["posts"] for r in alone["answers"]["13"]), total)
    shutil.rmtree(os.path.join(cwd, "pinline-data"))
    os.makedirs(os.path.join(cwd, "pinline-data"))
    with open(os.path.join(cwd, "pinline-data", "mine.txt"), "w") as f:
        f.write("mine")
    p = pinline(cwd, "run", "--rows", "5", code=1)
    check("a folder of somebody else is refused, with the way out",
          "was not made by `run`" in p.stderr and "--append" in p.stderr, p.stderr)
    check("and stays as it was",
          os.listdir(os.path.join(cwd, "pinline-data")) == ["mine.txt"])


for part in (truth, real, odd_files, appending, options):
    with tempfile.TemporaryDirectory() as folder:
        part(folder)
sys.exit(finish())

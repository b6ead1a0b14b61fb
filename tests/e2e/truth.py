#!/usr/bin/env python3
"""truth - what `generate --truth` says is what the rows say.

The rows are read, cleaned and asked by tests/semantics.py, which knows
nothing of the generator.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["PINLINE_ROOT"], "tests"))
import semantics  # noqa: E402

PINLINE = os.environ["PINLINE"]
CASES = [
    [],
    ["--rows", "3000", "--seed", "7", "--duplicates", "0.3"],
    ["--rows", "20000", "--seed", "1", "--bad", "0.05", "--duplicates", "0.05"],
    ["--rows", "8000", "--seed", "2", "--bad", "1"],
    ["--rows", "5", "--seed", "3", "--bad", "0.5", "--duplicates", "0.5"],
    ["--rows", "1"],
]
COLUMNS = {"pin": "unique_id title description follower_count poster_name tag_list "
                  "is_image_or_video image_src save_location category",
           "geo": "country coordinates timestamp", "user": "user_name age date_joined"}
passed = failed = 0


def check(name, got, want):
    global passed, failed
    if got == want:
        passed += 1
        return
    failed += 1
    print(f"not ok {name}")
    if isinstance(got, list) and isinstance(want, list):
        for x in [r for r in got if r not in want][:5]:
            print("  truth only:", x)
        for x in [r for r in want if r not in got][:5]:
            print("  rows only: ", x)
        print("  the same rows in another order" if sorted(map(str, got)) ==
              sorted(map(str, want)) else f"  {len(got)} rows, want {len(want)}")
    else:
        print("  truth", got, "\n  rows ", want)


def clean_counts(d, table):
    """Rejects by reason and NULLs made per column, as the C program counts."""
    subprocess.run([PINLINE, "clean", "-q", "--table", table, f"{d}/{table}.jsonl", "-o",
                    f"{d}/{table}.clean.jsonl", "--stats", f"{d}/stats.json"], check=True)
    with open(f"{d}/stats.json", encoding="utf-8") as f:
        stats = json.load(f)
    columns = ["ind", *COLUMNS[table].split()]
    return (stats["rejects"],
            {c: sum(stats["nulled"].get(c, {}).values()) for c in columns})


def run(case):
    with tempfile.TemporaryDirectory() as d:
        subprocess.run([PINLINE, "generate", "-q", "--out", d, "--truth", f"{d}/t.json", *case],
                       check=True)
        with open(f"{d}/t.json", encoding="utf-8") as f:
            truth = json.load(f)
        rows, accounts = {}, {}
        for table in ("pin", "geo", "user"):
            with open(f"{d}/{table}.jsonl", "rb") as f:
                lines = f.read().split(b"\n")
            assert lines.pop() == b""
            rows[table], accounts[table] = semantics.clean_lines(table, lines)
            told = truth["tables"][table]
            check(f"{' '.join(case)}: cleaning of {table} counts what was planted",
                  clean_counts(d, table), (told["rejects"], told["nulls_made"]))
    name = " ".join(case) or "defaults"
    for table, account in accounts.items():
        told = truth["tables"][table]
        for key, value in account.items():
            check(f"{name}: {table} {key}", told[key], dict(value) if key == "rejects" else value)
        nulls = {c: sum(r[c] is None for r in rows[table]) for c in told["nulls"]}
        check(f"{name}: {table} nulls", told["nulls"], nulls)
    for question, answer in semantics.answers(**rows).items():
        check(f"{name}: answer {question}", truth["answers"][question], answer)


for one in CASES:
    run(one)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)

#!/usr/bin/env python3
"""truth - what `generate --truth` says is what the rows say.

The rows are read by messages.py, cleaned by semantics.py and asked by
answers.py, which know nothing of the generator.
"""
import json
import os
import subprocess
import sys
import tempfile

import answers
import messages
import told

PINLINE = os.environ["PINLINE"]
CASES = [
    [],
    ["--rows", "3000", "--seed", "7", "--duplicates", "0.3"],
    ["--rows", "20000", "--seed", "1", "--bad", "0.05", "--duplicates", "0.05"],
    ["--rows", "8000", "--seed", "2", "--bad", "1"],
    ["--rows", "5", "--seed", "3", "--bad", "0.5", "--duplicates", "0.5"],
    ["--rows", "1"],
]


def check(name, got, want):
    told.check(got == want, name)
    if got == want:
        return
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
    return (stats["rejects"],
            {c: sum(stats["nulled"].get(c, {}).values()) for c in answers.COLUMNS[table]})


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
            rows[table], accounts[table] = messages.clean_lines(table, lines)
            planted = truth["tables"][table]
            check(f"{' '.join(case)}: cleaning of {table} counts what was planted",
                  clean_counts(d, table), (planted["rejects"], planted["nulls_made"]))
    name = " ".join(case) or "defaults"
    for table, account in accounts.items():
        planted = truth["tables"][table]
        for key, value in account.items():
            check(f"{name}: {table} {key}", planted[key], dict(value) if key == "rejects" else value)
        nulls = {c: sum(r[c] is None for r in rows[table]) for c in planted["nulls"]}
        check(f"{name}: {table} nulls", planted["nulls"], nulls)
    for question, answer in answers.answers(answers.in_time(rows)).items():
        check(f"{name}: answer {question}", truth["answers"][question], answer)


for one in CASES:
    run(one)
sys.exit(told.finish())

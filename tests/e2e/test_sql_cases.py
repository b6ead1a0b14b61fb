#!/usr/bin/env python3
"""tests/cases/sql: rows of the cleaned tables, queries, and the bytes that
each must print.  "# why", then sections "== pin|geo|user" with one row a line
(columns that are left out are NULL) and "== query ARGUMENTS" with the answer."""
import glob
import json
import os
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import answers  # noqa: E402
import lake  # noqa: E402
from told import check, finish  # noqa: E402

lake.need_venv()
PINLINE = lake.pinline()

for path in sorted(glob.glob(os.path.join(lake.ROOT, "tests/cases/sql/*.txt"))):
    tables = {"pin": [], "geo": [], "user": []}
    queries = []
    with open(path, encoding="utf-8") as f:
        for section in f.read().split("\n== ")[1:]:
            head, _, body = section.partition("\n")
            if head in tables:
                tables[head] = [
                    {**dict.fromkeys(answers.COLUMNS[head]), **json.loads(x)}
                    for x in body.strip().split("\n") if x]
            else:
                queries.append((head, body.strip() + "\n"))
    with tempfile.TemporaryDirectory() as folder:
        answers.write_delta(tables, folder)
        for head, want in queries:
            run = subprocess.run(
                [PINLINE, *shlex.split(head), "--tables", folder, "--format",
                 "json"], capture_output=True, text=True, cwd=folder)
            check(run.stdout == want, os.path.basename(path)[:-4] + ": " + head,
                  f"\n  got  {run.stdout or run.stderr}  want {want}")
sys.exit(finish())

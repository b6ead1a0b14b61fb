#!/usr/bin/env python3
"""docs/sizing.md: its drawing and its computed lines are what bench/crossover.py
makes of the rates beside it, and the arithmetic of that script is right."""
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.environ.get("PINLINE_ROOT") or os.path.abspath(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import crossover  # noqa: E402

passed = failed = 0


def check(ok, name, why=""):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    print(("ok " if ok else "not ok ") + name + ("" if ok else f" {why}"))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


check(crossover.crossing((1, 2e-6), (101, 1e-6)) == 1e8,
      "lines cross where a start is won back")
check(crossover.crossing((1, 1e-6), (101, 1e-6)) is None and
      crossover.crossing((1, 1e-6), (0, 2e-6)) is None,
      "what is slower a row is never quicker")
check(crossover.line({"start_core_seconds": 100, "core_seconds_a_row": 8e-6}, 2, 4) ==
      (50, 1e-6), "rows are shared by all workers, a start is not")
with tempfile.TemporaryDirectory() as folder:
    out = os.path.join(folder, "a.svg")
    r = subprocess.run([os.path.join(ROOT, "bench", "crossover.py"),
                        os.path.join(ROOT, "docs", "sizing.json"), out],
                       capture_output=True, text=True, check=True)
    with open(out, encoding="utf-8") as f:
        check(f.read() == read("docs", "sizing.svg"), "the drawing is of these rates")
check(r.stdout.strip() in read("docs", "sizing.md"), "the page has these lines", r.stdout)
rates = json.loads(read("docs", "sizing.json"))
check(rates["spark"]["core_seconds_a_row"] > 0 and 2 in rates["workers"],
      "two workers are among the lines")
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)

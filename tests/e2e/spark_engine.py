#!/usr/bin/env python3
"""Engine "spark": the real Spark asked by `clean`, `query` and `batch`.

By spark-sql on this machine, and (SPARK_ENGINE=all) as a driver on a standalone
cluster of two workers through its submission server.  Rows and answers are
those of C and DuckDB; what Spark refuses comes back as one line; SIGINT ends it.

Starting Spark costs more than the rows do: as few starts as will do.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import far  # noqa: E402

from served import PINLINE  # noqa: E402
from told import check, finish  # noqa: E402

ALL = os.environ.get("SPARK_ENGINE") == "all"
# planning is most of the work; the second compiler costs more than it saves
QUICK = ("spark.sql.shuffle.partitions=2,spark.driver.memory=1g,"
         "spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1")


def data_of(folder):
    return os.path.join(folder, "data")


def pinline(folder, *args):
    return subprocess.run([PINLINE, "--data", data_of(folder), *args], text=True, cwd=folder,
                          capture_output=True, check=False, timeout=900)


def rows_of(text):
    return sorted(text.splitlines())


def near(a, b):
    """Means may differ in the last bit, since sums have another order."""
    if isinstance(a, float) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-12 * max(abs(a), abs(b))
    return a == b


def differing(ours, theirs):
    return [k for k, want in ours.items() if len(want) != len(theirs.get(k, [])) or
            not all(list(g) == list(w) and all(near(g[c], w[c]) for c in w)
                    for g, w in zip(theirs[k], want))]


def clean(folder, spark):
    """Odd rows too: wrapped, in strings, without a key."""
    path = os.path.join(folder, "mixed.jsonl")
    with open(os.path.join(folder, "made", "geo.jsonl"), "rb") as f:
        made = f.read()
    lines = []
    for line in made.splitlines():
        try:
            row = json.loads(line)
            lines += [row] if isinstance(row, dict) and "ind" in row else []
        except ValueError:
            pass  # one of the bad ones
    with open(path, "wb") as f:
        f.write(made + json.dumps({"records": [{"value": lines[0]},
                                               {"value": dict(lines[1], ind=77)}]}).encode())
        f.write(b"\n" + json.dumps(json.dumps(lines[2])).encode() + b"\n[]\nno json\n")
    c, s = (pinline(folder, "clean", "--table", "geo", path, *more)
            for more in ((), ("--engine", "spark", *spark)))
    check(s.returncode == 0 and rows_of(c.stdout) == rows_of(s.stdout) and
          len(c.stdout) > 1000, "clean: Spark's rows are C's",
          s.stderr + s.stdout[:200])
    check(c.stderr == s.stderr, "clean: the counts are C's", (c.stderr, s.stderr))


def local(folder, spark):
    want = json.loads(pinline(folder, "query", "all", "--format", "json").stdout)
    r = pinline(folder, "query", "--engine", "spark", "all", "--format", "json", *spark)
    got = json.loads(r.stdout or "{}")
    check(len(got) == len(want) == 15 and not differing(want, got),
          "query all: Spark's answers are DuckDB's, from the same Delta tables",
          r.stderr + str(differing(want, got) if got else ""))
    left = os.listdir(os.path.join(data_of(folder), "spark"))
    check(not [n for n in left if n.startswith("run-")],
          "nothing is left of a run that went well", left)
    return want


def refused(folder, spark):
    r = pinline(folder, "query", "--engine", "spark", "--sql",
                "SELECT colour FROM clean_pin", *spark)
    line = r.stderr.strip()
    check(r.returncode == 2 and "\n" not in line and "[UNRESOLVED_COLUMN" in line and
          "colour" in line, "what Spark refuses is one line", r.stderr)
    log = line.rsplit('"', 2)[-2] if '"' in line else ""
    check(os.path.isfile(log) and os.path.getsize(log) > len(line),
          "all that Spark said is kept where the line says", log)


def children(pid):
    r = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,pgid=,comm="], text=True,
                       capture_output=True, check=True)
    rows = [line.split(None, 3) for line in r.stdout.splitlines()]
    own = {str(pid)}
    while True:
        more = {p for p, pp, _, _ in rows if pp in own} - own
        if not more:
            return [p for p in own - {str(pid)}]
        own |= more


def interrupted(folder, spark):
    p = subprocess.Popen([PINLINE, "--data", data_of(folder), "query", "--engine", "spark", "01",
                          *spark], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True)
    until = time.monotonic() + 60
    java = []
    while not java and time.monotonic() < until:
        time.sleep(0.1)
        java = [c for c in children(p.pid) if os.path.exists(f"/proc/{c}/comm") and
                "java" in open(f"/proc/{c}/comm").read()]
    p.send_signal(signal.SIGINT)
    code = p.wait(30)
    p.stderr.close()
    gone = not any(os.path.exists(f"/proc/{c}") and
                   "State:\tZ" not in open(f"/proc/{c}/status").read() for c in java)
    check(java and code == 130 and gone, "SIGINT ends Spark's own process as well",
          (java, code))


def cluster(folder, want):
    with far.side("spark", "--cluster") as s:
        spark = ["--set", "spark.home=" + s["home"], "--set", "spark.master=" + s["rest"],
                 "--set", "spark.options=" + QUICK + ",spark.driver.cores=1,"
                 "spark.cores.max=2,spark.executor.memory=1g,"
                 "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1"]
        r = pinline(folder, "batch", "--engine", "spark", "--format", "json", *spark)
        got = json.loads(r.stdout or "{}")
        check(r.returncode == 0 and len(got) == 15 and not differing(want, got),
              "batch on a cluster of two workers: all answers are ours",
              r.stderr + str(differing(want, got) if got else ""))
        refused(folder, spark + ["--set", "spark.ui=" + s["ui"]])


def main():
    with tempfile.TemporaryDirectory(prefix="pinline-spark-engine.") as folder:
        made = os.path.join(folder, "made")
        subprocess.run([PINLINE, "-q", "generate", "--rows", "400", "--bad", "0.05",
                        "--duplicates", "0.05", "--out", made], check=True)
        r = pinline(folder, "-q", "run", "--input", made, "--format", "json")
        check(r.returncode == 0, "the rows are there", r.stderr)
        with far.side("spark") as s:
            spark = ["--set", "spark.home=" + s["home"], "--set", "spark.master=local[2]",
                     "--set", "spark.options=" + QUICK]
            clean(folder, spark)
            want = local(folder, spark)
            interrupted(folder, spark)
            refused(folder, spark)
        if ALL:
            cluster(folder, want)


main()
sys.exit(finish())

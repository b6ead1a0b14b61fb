"""spark_section.py - what a standalone cluster of two workers costs a batch.

Both workers are on this machine and share its cores, so what is taken is the
CPU time of their processes, at two sizes: what a start costs, and what a row
does.  bench/crossover.py computes from them what workers of their own would do.
"""
import json
import os
import subprocess

from harness import Tree, run

QUICK = ("spark.driver.cores=1,spark.cores.max=2,spark.driver.memory=1g,"
         "spark.executor.memory=1g,spark.sql.shuffle.partitions=8")


def head(source, target, rows):
    """The first rows of each table."""
    os.makedirs(target, exist_ok=True)
    for table in ("pin", "geo", "user"):
        with open(os.path.join(source, table + ".jsonl"), encoding="utf-8") as f, \
                open(os.path.join(target, table + ".jsonl"), "w", encoding="utf-8") as o:
            for _ in range(rows):
                o.write(f.readline())


def pid_of(folder, name):
    with open(os.path.join(folder, name + ".pid"), encoding="ascii") as f:
        return int(f.read())


def cluster(b, data):
    tool = os.path.join(b.root, "tools", "far-sides")
    out = subprocess.run([tool, "spark", "start", "--cluster", "--dir", b.path("spark")],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    at = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    taken = {}
    try:
        for rows in (b.rows // 10, b.rows):
            folder = b.path(f"spark-{rows}")
            head(data, folder, rows)
            trees = [Tree(pid_of(b.path("spark"), w)) for w in ("worker1", "worker2")]
            wall = run(
                [b.pinline, "-q", "--data", b.path("spark-data"), "batch", "--engine",
                 "spark", "--format", "json", "--set", "spark.raw=" + folder + "/{table}.jsonl",
                 "--set", "spark.home=" + at["home"], "--set", "spark.master=" + at["rest"],
                 "--set", "spark.options=" + QUICK], timeout=7200)["wall"]
            taken[rows * 3] = (wall, sum(t.stop()[0] for t in trees))
    finally:
        subprocess.run([tool, "spark", "stop", "--dir", b.path("spark")], check=True)
    (few, (_, least)), (many, (wall, most)) = sorted(taken.items())
    each = max(most - least, 0.001) / (many - few)
    start = max(least - few * each, 0)
    b.say("cluster of two workers: " + json.dumps(
        {"start_core_seconds": round(start, 1), "core_seconds_a_row": float(f"{each:.3g}"),
         "rows": many, "wall": round(wall, 1), "core_seconds": round(most, 1)}))
    b.add("whole batch, cluster of two workers",
          ("Spark", wall, most, None),
          note=f"{start:.0f} s of CPU before the first row, then {each * 1e6:.1f} us a row")

"""sections.py - what is measured; each section adds lines to the result."""
import json
import os
import statistics
import subprocess
import time

from harness import Comparison, Failed, run
from same import differences


def data_folder(b):
    """Generated tables with the right answers, made once a run."""
    folder = b.path("data")
    if not os.path.exists(folder):
        b.say(f"generating {b.rows:,} rows a table")
        run([b.pinline, "generate", "--rows", b.rows, "--seed", 7, "--duplicates",
             0.05, "--out", folder, "--truth", b.path("truth.json")])
    return folder


def answers_of(folder):
    with open(os.path.join(folder, "answers.json"), encoding="utf-8") as f:
        return json.load(f)


RIVALS = [
    # name, pairs (None: as asked), bar per job
    ("duckdb", None, {"clean": 4.0, "memory": 2.2, "parquet": 1.8}),
    ("polars", None, {}),
    ("pyspark", 1, {"memory": 30.0}),
]
JOBS = {
    "clean": "read, clean, deduplicate",
    "memory": "whole batch in memory",
    "parquet": "whole batch to Parquet",
}


def batch(b):
    """read + clean + deduplicate, and the whole batch, against three rivals"""
    data = data_folder(b)
    spec = os.path.join(b.root, "pipelines", "pinterest.yaml")

    def ours(job):
        return run([b.bench("bench_batch"), spec, data, b.path(f"ours-{job}"),
                    job, 2])

    def theirs(name, job):
        return run([b.python, os.path.join(b.root, "bench", "rivals",
                                           f"{name}_rival.py"),
                    "--data", data, "--out", b.path(f"{name}-{job}"),
                    "--job", job, "--threads", 2])

    # the rivals' seconds begin when their library is loaded; ours with the
    # process
    def value(result):
        return result["out"]["seconds"].get("process") or \
            result["out"]["seconds"]["total"]

    for job, what in JOBS.items():
        for name, pairs, bars in RIVALS:
            mine = lambda: with_process(ours(job))
            c = Comparison(mine, lambda: theirs(name, job), value,
                           pairs or b.pairs, warm=pairs is None)
            label = f"{what}, {name}"
            rows = [side[-1]["out"]["rows"] for side in (c.a, c.b)]
            if rows[0] != rows[1]:
                b.wrong(label, f"rows differ: {rows[0]} and {rows[1]}")
                continue
            wrong = [] if job == "clean" else differences(
                answers_of(b.path(f"ours-{job}")),
                answers_of(b.path(f"{name}-{job}")))
            if wrong:
                b.wrong(label, "answers differ: " + wrong[0][:300])
                continue
            b.add(label, *[(n, c.median(s), c.median(s, "cpu"), c.median(s, "peak"))
                           for n, s in (("pinline", "a"), (name, "b"))],
                  comparison=c, bar=bars.get(job))


def with_process(result):
    """Ours is charged for the whole process, start and end included."""
    result["out"]["seconds"]["process"] = result["wall"]
    return result


class Serve:
    """`pinline serve` or a bench server on a free port, until stop()."""

    def __init__(self, cmd, ready="listening"):
        began = time.perf_counter()
        self.process = subprocess.Popen([str(c) for c in cmd],
                                        stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        text = []
        for line in self.process.stdout:
            text.append(line)
            if ready in line:
                break
        else:
            raise Failed(f"{cmd[0]} did not start: {''.join(text)[-800:]}")
        self.seconds = time.perf_counter() - began
        self.url = next(w.rstrip(",.") for w in line.split() if w.startswith("http"))

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            field = f.read().rpartition(")")[2].split()
        return (int(field[11]) + int(field[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def start(b):
    """start-up time of commands and of the server, idle memory"""
    version = [run([b.pinline, "--version"])["wall"] for _ in range(20)]
    b.add("pinline --version", ("pinline", statistics.median(version), None, None),
          None)
    server = Serve([b.pinline, "serve", "--listen", "127.0.0.1:0", "--data",
                    b.path("idle")])
    try:
        time.sleep(1)
        b.add("serve ready", ("pinline", server.seconds, None, None), None)
        b.add("serve idle, resident", ("pinline", server.resident() / 1e6, None, None),
              None, unit="MB")
    finally:
        server.stop()


SECTIONS = {"batch": batch, "start": start}

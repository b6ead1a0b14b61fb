"""rival.py - what every rival's script shares: arguments, marks, output.

A rival is run as `SCRIPT --data DIR --out DIR --job JOB --threads N`:
  clean    read, clean, deduplicate; cleaned tables stay in memory
  memory   the same, then the fifteen answers
  parquet  cleaned tables written as Parquet, answers from them
It writes DIR/answers.json and, last, one JSON line of seconds and row counts.
Seconds begin when the library is loaded and its session is open; "whole" is
from the start of the process on.
"""
import argparse
import datetime
import decimal
import json
import os
import shutil
import time


def age():
    """Seconds since this process began."""
    with open("/proc/self/stat", encoding="ascii", errors="replace") as f:
        ticks = int(f.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


class Rival:
    def __init__(self):
        parser = argparse.ArgumentParser()
        parser.add_argument("--data", required=True)
        parser.add_argument("--out", required=True)
        parser.add_argument("--job", choices=["clean", "memory", "parquet"],
                            default="memory")
        parser.add_argument("--threads", type=int, default=2)
        self.args = parser.parse_args()
        shutil.rmtree(self.args.out, ignore_errors=True)
        os.makedirs(self.args.out)
        self.seconds = {}
        self.rows = {}
        self.answers = {}

    def file(self, name):
        return os.path.join(self.args.data, name)

    def parquet(self, name):
        return os.path.join(self.args.out, name + ".parquet")

    def start(self):
        self.began = self.last = time.perf_counter()

    def mark(self, name):
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0) + now - self.last
        self.last = now

    def finish(self):
        """Everything after this is not timed."""
        self.seconds["total"] = time.perf_counter() - self.began
        self.seconds["whole"] = age()

    def report(self):
        def plain(value):
            if isinstance(value, (datetime.date, datetime.datetime)):
                return value.isoformat()
            if isinstance(value, decimal.Decimal):
                return float(value)
            return str(value)
        with open(os.path.join(self.args.out, "answers.json"), "w",
                  encoding="utf-8") as f:
            json.dump(self.answers, f, default=plain)
        print(json.dumps({
            "seconds": {k: round(v, 4) for k, v in self.seconds.items()},
            "rows": self.rows}))

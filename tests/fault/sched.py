#!/usr/bin/env python3
"""I14: a scheduler that is killed with SIGKILL at every point of a run.

Rows arrive for some seconds, and an interval a second is backfilled; each `schedule --once`
is killed at a named point until one gets through.  Every interval then has
one run, which succeeded, and the tables hold every row once.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import time

PINLINE = os.path.abspath(os.environ.get("PINLINE", "build/src/pinline"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
OWN = ["sched_before_begin", "sched_before_spawn", "sched_before_note",
       "sched_before_end"]
TASKS = ("load,clean_pin < load,clean_geo < load,clean_user < load,"
         "mark < clean_pin clean_geo clean_user = "
         "echo $PINLINE_INTERVAL >> seen.txt")
SETS = ["--set", "schedule.cron=@every 1s", "--set",
        f"schedule.tasks={TASKS}", "--set", "schedule.retry_delay=0"]
passed = failed = 0


def check(ok, name, why=""):
    global passed, failed
    passed += bool(ok)
    failed += not ok
    print("ok" if ok else "not ok", name, "" if ok else why, flush=True)


def pinline(folder, *words, env=None, timeout=120):
    return subprocess.run([PINLINE, *words], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, **(env or {})), timeout=timeout)


def rows(folder):
    done = pinline(folder, "query", "--format", "json", "--sql",
                   "SELECT (SELECT count(*) FROM clean_pin) AS pin, "
                   "(SELECT count(*) FROM clean_geo) AS geo, "
                   "(SELECT count(*) FROM clean_user) AS usr")
    return json.loads(done.stdout)[0] if done.returncode == 0 else done.stderr


def killed_at(folder, point):
    return pinline(folder, "schedule", "--once", "--quiet", *SETS,
                   env={"PINLINE_KILL_AT": point}).returncode


def killed_after(folder, seconds):
    """Its tasks live on for a moment, beside those of the next one."""
    process = subprocess.Popen([PINLINE, "schedule", "--once", "--quiet", *SETS],
                               cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def one_round(seed):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        port = subprocess.Popen(
            [PINLINE, "serve", "--listen", "127.0.0.1:0"], cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        url = port.stdout.readline().split("serves ")[1].split(",")[0].strip()
        begin = time.time()
        done = pinline(folder, "emulate", "--to", url, "--rows", "40", "--pace",
                       "20/s", "--order", "sequential", "--quiet")
        port.terminate()
        port.wait()
        if done.returncode != 0:
            return f"emulate: {done.stderr}"
        begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin - 1))
        time.sleep(1)
        done = pinline(folder, "schedule", "backfill", "--from", begin, *SETS)
        if done.returncode != 0:
            return f"backfill: {done.stderr}"
        kills = 0
        for i in range(40):
            code = (killed_at(folder, f"{rng.choice(OWN)}:{rng.randint(1, 5)}")
                    if i % 2 == 0 else killed_after(folder, rng.random()))
            kills += code == -9
            if code == 0:
                break
        done = pinline(folder, "schedule", "--once", *SETS)
        if done.returncode != 0:
            return f"the last one: {done.stderr}"
        runs = json.loads(pinline(folder, "schedule", "runs", "--format",
                                  "json", *SETS).stdout)
        runs.sort(key=lambda r: r["from"])
        if [r["state"] for r in runs] != ["success"] * len(runs):
            return f"runs: {runs}"
        if len(runs) < 3 or any(
                a["to"] != b["from"] for a, b in zip(runs, runs[1:])):
            return f"intervals: {[(r['from'], r['to']) for r in runs]}"
        with open(os.path.join(folder, "seen.txt"), encoding="utf-8") as f:
            seen = {line.strip() for line in f}
        if seen != {f"{r['from']}/{r['to']}" for r in runs}:
            return f"seen: {seen}"
        got = rows(folder)
        if got != {"pin": 40, "geo": 40, "usr": 40}:
            return f"rows: {got}"
        again = pinline(folder, "batch", "--full", "--answers", "none")
        if again.returncode != 0 or got != rows(folder):
            return f"rows: {got}, made anew {rows(folder)} {again.stderr}"
        return "" if kills else "nothing was killed"


def main():
    bad = []
    for seed in range(ROUNDS):
        why = one_round(seed)
        if why:
            bad.append(f"round {seed}: {why}")
    check(not bad, f"I14 scheduler: every interval runs once, {ROUNDS} rounds "
          "of SIGKILL at every point", "; ".join(bad))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())

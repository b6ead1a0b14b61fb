#!/usr/bin/env python3
"""I14: a scheduler that is killed with SIGKILL at every point of a run.

    sched.py [alone] [serve]

alone: rows arrive for some seconds, and an interval a second is backfilled;
each `schedule --once` is killed at a named point until one gets through.
serve: the scheduler inside of `serve` is killed with its server, while
clients post rows and ask for runs by POST /runs and runs/submit; they ask
again until they are answered, with the same token.  Every interval and every
token then has one run, which succeeded, and the tables hold every row once.
"""
import json
import math
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from served import PINLINE, Server  # noqa: E402
from told import check, finish  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "3"))
OWN = ["sched_before_begin", "sched_before_spawn", "sched_before_note",
       "sched_before_end"]
TASKS = ("load,clean_pin < load,clean_geo < load,clean_user < load,"
         "mark < clean_pin clean_geo clean_user = "
         "echo $PINLINE_INTERVAL >> seen.txt")


def sets_of(every):
    """Settings of a schedule with intervals of so many seconds."""
    return ["--set", f"schedule.cron=@every {every}s", "--set",
            f"schedule.tasks={TASKS}", "--set", "schedule.retry_delay=0",
            "--set", "schedule.catchup=true"]


def pace(least):
    """Seconds of an interval whose run takes less than that on this machine: three
    times what a run with rows takes, and not under least."""
    with place() as folder:
        for words in (["run", "--rows", "40", "--quiet"],
                      ["schedule", "trigger", *sets_of(3600)],
                      ["schedule", "--once", *sets_of(3600)]):
            began = time.monotonic()
            done = pinline(folder, *words)
            if done.returncode != 0:
                raise RuntimeError(f"{words}: {done.stderr}")
        return max(least, math.ceil(3 * (time.monotonic() - began)))


def spread(every):
    """The pace of about twenty rows an interval, in whole numbers."""
    return f"{20 // every}/s" if every <= 20 else f"{every // 20}-{every // 20 + 1}s"


def place():
    """A folder; a task whose scheduler was killed may still end in it."""
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def pinline(folder, *words, env=None, timeout=400):
    return subprocess.run([PINLINE, *words], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=dict(os.environ, **(env or {})), timeout=timeout)


def rows(folder):
    done = pinline(folder, "query", "--format", "json", "--sql",
                   "SELECT (SELECT count(*) FROM clean_pin) AS pin, "
                   "(SELECT count(*) FROM clean_geo) AS geo, "
                   "(SELECT count(*) FROM clean_user) AS usr")
    return json.loads(done.stdout)[0] if done.returncode == 0 else done.stderr


class Outrun(Exception):
    """Runs take longer than the interval between them: --once never ends."""


def once(folder, sets, env=None):
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    try:
        return pinline(folder, "schedule", "--once", "--quiet", *sets, env=env, timeout=120)
    except subprocess.TimeoutExpired:
        if any(r["ended"] and r["ended"] > began for r in runs_of(folder, sets)):
            raise Outrun from None
        raise


def spaced(one, seed):
    """A round, with wider intervals where what else the machine has to do since its
    pace was taken lets the clock outrun the scheduler."""
    for wider in (1, 4, 16):
        try:
            return one(seed, wider)
        except Outrun:
            print(f"# round {seed}: the clock outran the scheduler ({wider})", flush=True)
    return "the clock outran the scheduler"


def killed_at(folder, sets, point):
    return once(folder, sets, {"PINLINE_KILL_AT": point}).returncode


def killed_after(folder, sets, seconds):
    """Its tasks live on for a moment, beside those of the next one."""
    process = subprocess.Popen([PINLINE, "schedule", "--once", "--quiet", *sets],
                               cwd=folder, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def faults_of(runs, folder, posted, kills):
    """Why these runs are not one successful run an interval, each row once."""
    runs = sorted(runs, key=lambda r: r["from"] or "")
    clocked = [r for r in runs if r["kind"] != "manual"]
    if {r["state"] for r in runs} != {"success"}:
        return f"runs: {runs}"
    if len(clocked) < 3 or any(
            a["to"] != b["from"] for a, b in zip(clocked, clocked[1:])):
        return f"intervals: {[(r['from'], r['to']) for r in clocked]}"
    with open(os.path.join(folder, "seen.txt"), encoding="utf-8") as f:
        seen = f.read().split()
    if set(seen) != {f"{r['from']}/{r['to']}" for r in clocked} or \
            len(seen) > len(clocked) + kills:  # one more where it was cut short
        return f"seen: {seen}"
    want = {"pin": posted, "geo": posted, "usr": posted}
    if rows(folder) != want:
        return f"rows: {rows(folder)}, posted {posted}"
    again = pinline(folder, "batch", "--full", "--answers", "none")
    if again.returncode != 0 or want != rows(folder):
        return f"rows made anew: {rows(folder)} {again.stderr}"
    return ""


def runs_of(folder, sets):
    return json.loads(pinline(folder, "schedule", "runs", "--max", "10000",
                              "--format", "json", *sets).stdout)


def one_round(seed, wider):
    rng = random.Random(seed)
    with place() as folder:
        every = wider * pace(1)
        sets = sets_of(every)
        with Server(None, pipelines=True, cwd=folder, stderr=subprocess.DEVNULL) as s:
            begin = time.time()
            done = pinline(folder, "emulate", "--to", s.url, "--rows", "40", "--pace",
                           spread(every), "--order", "sequential", "--quiet")
        if done.returncode != 0:
            return f"emulate: {done.stderr}"
        begin = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begin - every))
        # the schedule may be looked at for the first time much later than the backfill
        sets += ["--set", f"schedule.start={begin}"]
        time.sleep(every)
        done = pinline(folder, "schedule", "backfill", "--from", begin, *sets)
        if done.returncode != 0:
            return f"backfill: {done.stderr}"
        kills = 0
        for i in range(40):
            code = (killed_at(folder, sets, f"{rng.choice(OWN)}:{rng.randint(1, 5)}")
                    if i % 2 == 0 else killed_after(folder, sets, rng.random()))
            kills += code == -9
            if code == 0:
                break
        done = once(folder, sets)
        if done.returncode != 0:
            return f"the last one: {done.stderr}"
        return (faults_of(runs_of(folder, sets), folder, 40, kills) or
                ("" if kills else "nothing was killed"))


# ---- inside of a server ----

# a visit of each point while runs are asked for and done; "": at some moment
SERVED = ["runs_before_answer:1", "sched_before_spawn:3", "sched_before_note:4",
          "", "runs_before_answer:2", "sched_before_end:1",
          "sched_before_begin:2", ""]


class Clients:
    """Rows and wishes, each sent until somebody answers it."""

    def __init__(self, url):
        self.url = url
        self.over = threading.Event()
        self.posted = 0
        self.ids = {}  # token -> the runs that were answered
        self.wrong = []
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def ask(self, path, body, key=None, seconds=300):
        """The answer of the first server that lives long enough to give it."""
        until = time.monotonic() + seconds
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(urllib.request.Request(
                        self.url + path, json.dumps(body).encode() if body else None,
                        headers), timeout=20) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as why:
                if why.code not in (429, 503):
                    raise
            except (OSError, ValueError):  # no server now, or half an answer
                pass
            time.sleep(0.05)
        raise TimeoutError(path)

    def work(self):
        try:
            n = 0
            while not self.over.is_set():
                self.rows(n)
                self.wish(f"token-{n}")
                if n % 3 == 2:
                    self.wish(f"token-{n - 1}")  # once more, much later
                n += 1
                self.over.wait(0.5)
        except Exception as why:  # told by the main thread
            self.wrong.append(repr(why))

    def rows(self, n):
        place = {"ind": n, "country": "Chad", "latitude": 1.5, "longitude": 2.5,
                 "timestamp": "2020-01-01 00:00:00"}
        user = {"ind": n, "first_name": "A", "last_name": "B", "age": 30,
                "date_joined": "2017-01-01 00:00:00"}
        for topic, row in (("pin", {"index": n, "title": f"row {n}"}),
                           ("geo", place), ("user", user)):
            self.ask(f"/send_data?topic={topic}", row, f"{topic}-{n}")
        self.posted += 1

    def wish(self, token):
        """Even ones as Airflow's HttpOperator asks, odd ones as a workspace."""
        if int(token.split("-")[1]) % 2 == 0:
            got = self.ask("/runs", {"token": token, "tasks": ["load", "clean_pin"]})
        else:
            got = self.ask("/api/2.2/jobs/runs/submit", {
                "idempotency_token": token, "tasks": [
                    {"task_key": k, "notebook_task": {"notebook_path": f"/me/{k}"}}
                    for k in ("load", "clean_geo")]})
        self.ids.setdefault(token, set()).add(got["run_id"])

    def stop(self):
        self.over.set()
        self.thread.join()


def serve(folder, port, sets, at=""):
    return subprocess.Popen(
        [PINLINE, "serve", "--listen", f"127.0.0.1:{port}", *sets],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=dict(os.environ, **({"PINLINE_KILL_AT": at} if at else {})))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def killed(server, at, rng):
    """Waits for its death; one that outlives its point dies by a signal."""
    try:
        return server.wait(timeout=90 if at else rng.uniform(1, 2.5))
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
        return 0 if at else -9


def served_round(seed, wider):
    rng = random.Random(seed)
    with place() as folder:
        port = free_port()
        sets = sets_of(wider * pace(5))
        clients = Clients(f"http://127.0.0.1:{port}")
        missed = []
        server = None
        try:
            for at in SERVED:
                if killed(serve(folder, port, sets, at), at, rng) != -9:
                    missed.append(at)
            server = serve(folder, port, sets)
            clients.stop()
            for ids in clients.ids.values():
                for run in ids:
                    until = time.monotonic() + 300
                    while clients.ask(f"/runs/{run}", None)["state"] != "success" \
                            and time.monotonic() < until:
                        time.sleep(0.2)
        finally:
            clients.stop()
            if server is not None:
                server.terminate()
                server.wait()
        if clients.wrong or missed:
            return f"clients: {clients.wrong}, points that were not reached: {missed}"
        done = once(folder, sets)
        if done.returncode != 0:
            return f"the last one: {done.stderr}"
        runs = runs_of(folder, sets)
        asked = {r["run"] for r in runs if r["kind"] == "manual"}
        if any(len(ids) != 1 for ids in clients.ids.values()) or \
                asked != {i for ids in clients.ids.values() for i in ids} or \
                len(asked) != len(clients.ids):
            return f"tokens: {clients.ids}, runs {sorted(asked)}"
        print(f"# {len(clients.ids)} tokens, {len(runs)} runs, "
              f"{len(SERVED)} kills, {clients.posted} rows a table")
        return faults_of(runs, folder, clients.posted, len(SERVED))


def main():
    what = sys.argv[1:] or ["alone", "serve"]
    for word, name, one, rounds in (
            ("alone", "I14 scheduler: every interval runs once, killed at every point",
             one_round, ROUNDS),
            ("serve", "I14 server: every interval and every token runs once, also killed",
             served_round, (ROUNDS + 2) // 3)):
        if word in what:
            whys = [(seed, spaced(one, seed)) for seed in range(rounds)]
            bad = [f"round {seed}: {why}" for seed, why in whys if why]
            check(not bad, f"{name}, {rounds} rounds of SIGKILL", "; ".join(bad))
    return finish()


if __name__ == "__main__":
    sys.exit(main())

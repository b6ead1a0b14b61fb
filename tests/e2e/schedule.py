#!/usr/bin/env python3
"""What a person is promised of `schedule`: graphs, retries, time-outs, states,
parameters, ranges of dates, days that are longer than others, rest; and how a
failure is told: exit code, log, webhook, /metrics.  The webhook is a real
listener, and what is checked is what arrived there.
"""
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

from served import PINLINE, Server
from told import check, finish



class Listener(http.server.HTTPServer):
    """Keeps what is posted to it."""

    def __init__(self):
        self.got = []
        listener = self

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((self.path, self.headers["Content-Type"],
                                     json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *words):
                pass

        super().__init__(("127.0.0.1", 0), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self):
        return f"http://127.0.0.1:{self.server_port}/failed?of=pins"


class Desk:
    """A project in a folder, with these settings."""

    def __init__(self, folder, **settings):
        self.folder = os.path.join(folder, settings.get("name", "desk"))
        os.makedirs(os.path.join(self.folder, "pinline-data"), exist_ok=True)
        self.sets = [w for k, v in settings.items()
                     for w in ("--set", f"schedule.{k}={v}")]

    def __call__(self, *words, timeout=60):
        return subprocess.run([PINLINE, "--data", "pinline-data", *words, *self.sets],
                              cwd=self.folder, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def json(self, *words):
        done = self("schedule", *words, "--format", "json")
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def read(self, *names):
        with open(os.path.join(self.folder, *names), encoding="utf-8") as f:
            return f.read()

    def tasks(self, run):
        return {t["task"]: t for t in self.json("tasks", str(run))}


GRAPH = ("good = echo fine,bad < good = echo it broke >&2; exit 3,"
         "after < bad = echo never,beside < good = echo beside")


def failures(folder, listener):
    desk = Desk(folder, name="failing", cron="@manual", tasks=GRAPH, retries=0,
                webhook=listener.url())
    run = desk("schedule", "trigger").stdout.strip()
    done = desk("schedule", "--once")
    check(done.returncode == 1 and "1 of 1 runs failed" in done.stderr,
          "a failed run is told by the exit code and in words", done.stderr)
    states = {k: t["state"] for k, t in desk.tasks(run).items()}
    check(states == {"good": "success", "bad": "failed", "after": "upstream_failed",
                     "beside": "success"},
          "states: what waited for a failed task is upstream_failed, what did not "
          "has run", str(states))
    bad = desk.tasks(run)["bad"]
    check(desk.read(bad["log"]) == "it broke\n" and "exit code 3" in bad["why"],
          "each task has a log, and its reason names it", str(bad))
    check(len(listener.got) == 1, "the webhook is told once", str(listener.got))
    path, kind, note = listener.got.pop()
    check(path == "/failed?of=pins" and kind == "application/json" and
          note["run"] == int(run) and note["schedule"] == "failing" and
          note["state"] == "failed" and 'task "bad" failed: exit code 3' in note["reason"]
          and note["tasks"] == states, "the webhook is told what, which and why", str(note))
    desk("schedule", "trigger", "good")
    done = desk("schedule", "--once")
    check(done.returncode == 0 and listener.got == [],
          "a run that succeeded is not told, its exit code is 0", done.stderr)
    desk.sets += ["--set", "schedule.webhook=http://127.0.0.1:9/"]
    desk("schedule", "trigger", "bad")
    done = desk("schedule", "--once")
    check(done.returncode == 1 and "webhook" in done.stderr and
          desk.json("runs")[0]["state"] == "failed",
          "a webhook that nobody answers is told and stops nothing", done.stderr)


def retries(folder):
    desk = Desk(folder, name="retries", cron="@manual", retries=2, retry_delay="1s",
                tasks="third = echo try; test $(grep -c . tries) = 2 && exit 0; "
                      "echo x >> tries; exit 1")
    run = desk("schedule", "trigger").stdout.strip()
    began = time.monotonic()
    done = desk("schedule", "--once")
    third = desk.tasks(run)["third"]
    check(done.returncode == 0 and third["state"] == "success" and
          third["attempt"] == 3 and time.monotonic() - began >= 2,
          "retries: the third attempt succeeds, each after its delay",
          f"{done.stderr} {third}")
    logs = sorted(os.listdir(os.path.join(desk.folder, "pinline-data", "schedule",
                                          "logs", run)))
    check(logs == ["third.1.log", "third.2.log", "third.3.log"],
          "each attempt has a log of its own", str(logs))
    desk = Desk(folder, name="slow", cron="@manual", timeout="1s", retries=0,
                tasks="slow = sleep 30")
    run = desk("schedule", "trigger").stdout.strip()
    began = time.monotonic()
    done = desk("schedule", "--once")
    check(done.returncode == 1 and time.monotonic() - began < 10 and
          "timed out" in desk.tasks(run)["slow"]["why"],
          "a task that takes too long is ended, and says so",
          f"{done.stderr} {desk.tasks(run)}")


def parameters(folder):
    desk = Desk(folder, name="params", cron="@manual",
                tasks="say = echo \"$PINLINE_RUN $PINLINE_INTERVAL $PINLINE_CONF\"")
    run = desk("schedule", "trigger", "--interval", "2026-03-01/2026-03-08",
               "--param", "who=it's me", "--param", "n=5").stdout.strip()
    desk("schedule", "--once")
    said = desk.read(desk.tasks(run)["say"]["log"]).strip()
    check(said == f"{run} 2026-03-01T00:00:00Z/2026-03-08T00:00:00Z "
          '{"who":"it\'s me","n":"5"}',
          "a manual run has its interval and its parameters", said)
    run = desk("schedule", "trigger").stdout.strip()
    desk("schedule", "cancel", run)
    desk("schedule", "--once")
    check(desk.json("runs")[0]["state"] == "canceled", "a run is canceled",
          str(desk.json("runs")[0]))


def dates(folder):
    """Berlin's days have 23 hours on 29 March 2026, and 25 on 25 October."""
    desk = Desk(folder, name="dates", cron="@daily", timezone="Europe/Berlin",
                tasks="say = echo $PINLINE_INTERVAL >> said")
    done = desk("schedule", "backfill", "--from", "2026-03-28", "--to", "2026-03-31")
    check(done.stdout == "3 runs added\n", "a range of dates is filled",
          done.stdout + done.stderr)
    desk("schedule", "backfill", "--from", "2026-10-25", "--to", "2026-10-26")
    done = desk("schedule", "backfill", "--from", "2026-03-28", "--to", "2026-03-31")
    check(done.stdout == "0 runs added\n", "an interval has one run, however often "
          "it is asked for", done.stdout)
    desk("schedule", "pause")
    desk("schedule", "--once")
    check(not os.path.exists(os.path.join(desk.folder, "said")) and
          {r["state"] for r in desk.json("runs")} == {"queued"},
          "while it rests no run is begun", str(desk.json("runs")))
    desk("schedule", "resume")
    done = desk("schedule", "--once")
    want = ["2026-03-27T23:00:00Z/2026-03-28T23:00:00Z",
            "2026-03-28T23:00:00Z/2026-03-29T22:00:00Z",
            "2026-03-29T22:00:00Z/2026-03-30T22:00:00Z",
            "2026-10-24T22:00:00Z/2026-10-25T23:00:00Z"]
    check(done.returncode == 0 and desk.read("said").split() == want,
          "days are the zone's: 24, 23, 24 and 25 hours, in order",
          desk.read("said") + done.stderr)
    desk("schedule", "backfill", "--from", "2026-10-25", "--to", "2026-10-26", "--again")
    desk("schedule", "--once")
    check(desk.read("said").split() == want + want[-1:],
          "an interval is done again when that is asked for", desk.read("said"))


def missed(folder):
    for catchup, want in (("false", ["skipped", "success"]), ("true", ["success"] * 4)):
        desk = Desk(folder, name=f"missed-{catchup}", cron="@daily", catchup=catchup,
                    start=time.strftime("%Y-%m-%d", time.gmtime(time.time() - 4 * 86400)),
                    tasks="say = echo $PINLINE_INTERVAL >> said")
        done = desk("schedule", "--once")
        got = [r["state"] for r in reversed(desk.json("runs"))]
        check(done.returncode == 0 and got == want and
              len(desk.read("said").split()) == want.count("success"),
              f"catch-up {catchup}: " + ("what was missed is run"
              if catchup == "true" else "only the latest is run, the rest is journaled "
              "as skipped"), f"{got} {done.stderr}")


def get(port, path, body=None):
    with urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{port}{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Content-Type": "application/json"}), timeout=30) as answer:
        return answer.read().decode()


def metrics(port):
    return {k: float(v) for k, v in re.findall(
        r"^(pinline_schedule_\S+) (\S+)$", get(port, "/metrics"), re.M)}


def ended(port, run):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        got = json.loads(get(port, f"/runs/{run}"))
        if got["ended"]:
            return got
        time.sleep(0.1)
    return got


def bricks(port, path, body=None):
    """A call of the Jobs API: (status, document)."""
    try:
        return 200, json.loads(get(port, "/api/2.2/jobs/" + path, body))
    except urllib.error.HTTPError as why:
        return why.code, json.loads(why.read())


def repaired(desk, port):
    """A token is one run; where it failed it goes on from there."""
    wish = {"idempotency_token": "again", "tasks": [
        {"task_key": k, "notebook_task": {"notebook_path": "/me/" + k}}
        for k in ("good", "once")]}
    _, first = bricks(port, "runs/submit", wish)
    run = ended(port, first["run_id"])
    check(run["state"] == "failed", "a run fails", str(run))
    _, second = bricks(port, "runs/submit", wish)
    run = ended(port, second["run_id"])
    states = {t["task"]: (t["state"], t["attempt"]) for t in run["tasks"]}
    check(first["run_id"] == second["run_id"] and run["state"] == "success" and
          desk.read("goods").count("x") == 1,
          "I14 databricks: the token of a failed run goes on in the same run", f"{first} {second} {run}")
    check(states == {"good": ("success", 1), "once": ("success", 1)},
          "its tasks have succeeded", str(states))
    _, third = bricks(port, "runs/submit", wish)
    check(third["run_id"] == first["run_id"] and desk.read("goods").count("x") == 1,
          "the token of a run that succeeded does nothing", str(third))
    os.remove(os.path.join(desk.folder, "there"))
    wish["idempotency_token"] = "repair"
    _, first = bricks(port, "runs/submit", wish)
    ended(port, first["run_id"])
    status, answer = bricks(port, "runs/repair", {"run_id": first["run_id"],
                                                  "rerun_all_failed_tasks": True})
    check(status == 200 and answer["repair_id"] > 0 and
          ended(port, first["run_id"])["state"] == "success",
          "runs/repair runs what failed", f"{status} {answer}")
    status, answer = bricks(port, "runs/repair", {"run_id": 99999})
    check(status >= 400 and "99999" in answer["message"],
          "runs/repair of no run says so", f"{status} {answer}")
    status, answer = bricks(port, "runs/repair", {"run_id": 1, "rerun_tasks": ["a"]})
    check(status == 400 and "rerun_all_failed_tasks" in answer["message"],
          "runs/repair of some tasks is refused in words", f"{status} {answer}")


def served(folder, listener):
    desk = Desk(folder, name="served", cron="@manual", retries=0, webhook=listener.url(),
                tasks="good = echo x >> goods,bad < good = exit 4,"
                      "once = test -e there || { touch there; exit 1; }")
    with Server("pinline-data", *desk.sets, pipelines=True, cwd=desk.folder,
                stderr=subprocess.PIPE) as server:
        seen = metrics(server.port)
        label = '{schedule="served"}'
        check(seen['pinline_schedule_runs{schedule="served",state="failed"}'] == 0 and
              seen["pinline_schedule_last_success_timestamp_seconds" + label] == 0,
              "/metrics before any run", str(seen))
        ended(server.port, json.loads(get(server.port, "/runs", {"tasks": ["good", "bad"]}))["run_id"])
        os.remove(os.path.join(desk.folder, "goods"))
        ended(server.port, json.loads(get(server.port, "/runs", {"tasks": ["good"]}))["run_id"])
        seen = metrics(server.port)
        check(seen['pinline_schedule_runs{schedule="served",state="failed"}'] == 1 and
              seen['pinline_schedule_runs{schedule="served",state="success"}'] == 1 and
              abs(seen["pinline_schedule_last_success_timestamp_seconds" + label]
                  - time.time()) < 30 and
              0 < seen["pinline_schedule_last_duration_us" + label] < 30e6 and
              seen["pinline_schedule_late_us" + label] == 0,
              "/metrics counts runs by state, with the last success and its duration",
              str(seen))
        check([n["reason"][:17] for _, _, n in listener.got] == ['task "bad" failed'],
              "the scheduler inside of serve tells the webhook", str(listener.got))
        os.remove(os.path.join(desk.folder, "goods"))
        repaired(desk, server.port)
    check("run ended" in server.errors and "exit code 4" in server.errors,
          "the log of serve says which run failed and why", server.errors[-2000:])


def late(folder):
    """Nobody runs what is due: --no-pipelines has no scheduler."""
    desk = Desk(folder, name="late", cron="@daily", tasks="good = true")
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 3 * 86400))
    desk("schedule", "backfill", "--from", day)
    with Server("pinline-data", *desk.sets, cwd=desk.folder,
                stderr=subprocess.DEVNULL) as server:
        seen = metrics(server.port)['pinline_schedule_late_us{schedule="late"}']
        desk("schedule", "pause")
        rests = metrics(server.port)
        desk("schedule", "resume")
        desk("schedule", "--once")
        then = metrics(server.port)['pinline_schedule_late_us{schedule="late"}']
    check(2 * 86400e6 <= seen < 3 * 86400e6 and then == 0,
          "/metrics says how late the oldest interval is", f"{seen} {then}")
    check(rests['pinline_schedule_paused{schedule="late"}'] == 1 and
          rests['pinline_schedule_late_us{schedule="late"}'] == 0,
          "a schedule that rests is not late", str(rests))


def main():
    listener = Listener()
    with tempfile.TemporaryDirectory() as folder:
        failures(folder, listener)
        listener.got.clear()
        retries(folder)
        parameters(folder)
        dates(folder)
        missed(folder)
        served(folder, listener)
        late(folder)
    listener.shutdown()
    return finish()


if __name__ == "__main__":
    sys.exit(main())

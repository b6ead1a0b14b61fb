#!/usr/bin/env python3
"""The real Airflow 3 and the real Databricks SDK against `pinline serve`.

The DAGs that `schedule airflow` writes, with each kind of operators, and a
DAG as people wrote them for a workspace: only the host and the argument that
Airflow 3 removed are changed.  A task that fails shows why.  And Airflow's workers killed with
SIGKILL in the middle of tasks: Airflow does them again, each interval once.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import far  # noqa: E402
from served import PINLINE, Server  # noqa: E402
from told import check, finish, soon  # noqa: E402

WORKSPACE_DAG = '''
from datetime import datetime, timedelta
from airflow.sdk import DAG
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator

default_args = {"owner": "me", "depends_on_past": False, "email_on_failure": False,
                "email_on_retry": False, "retries": 0,
                "retry_delay": timedelta(minutes=2)}

with DAG("me_dag", start_date=datetime(2026, 11, 1), schedule="@daily", catchup=False,
         default_args=default_args) as dag:
    tasks = [DatabricksSubmitRunOperator(
        task_id=name, databricks_conn_id="databricks_default", polling_period_seconds=1,
        existing_cluster_id="1108-162752-8okw8dgg",
        notebook_task={"notebook_path": "/Users/me@example.org/" + path})
        for name, path in (("load", "load"), ("pin", "Clean_pin"), ("geo", "clean_geo.py"),
                           ("user", "clean_user"), ("query", "questions"))]
    tasks[0] >> tasks[1:4] >> tasks[4]
'''

FAILING_DAG = '''
from datetime import datetime
from airflow.sdk import DAG
from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator

with DAG("failing", start_date=datetime(2026, 11, 1), schedule=None) as dag:
    DatabricksSubmitRunOperator(
        task_id="broken", polling_period_seconds=1, existing_cluster_id="x",
        notebook_task={"notebook_path": "/broken"})
'''

SDK = '''
import sys
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs, sql
w = WorkspaceClient(host=sys.argv[1], token="any")
r = w.statement_execution.execute_statement(
    statement="SELECT count(*) AS n, 1.5 AS half, :who AS who, NULL AS nothing FROM clean_pin",
    parameters=[sql.StatementParameterListItem(name="who", value="it's me")],
    warehouse_id="any", wait_timeout="30s")
print([c.type_name.value for c in r.manifest.schema.columns], r.result.data_array)
r = w.statement_execution.execute_statement(
    statement="SELECT range AS n, DATE '2026-11-01' + (range % 7)::INT AS day, "
              "TIMESTAMP '2026-11-01 01:02:03' AS at FROM range(100000)",
    warehouse_id="any", wait_timeout="50s")
rows, part = [], r.result
while part is not None:
    rows += part.data_array
    part = part.next_chunk_index and w.statement_execution.get_statement_result_chunk_n(
        r.statement_id, part.next_chunk_index)
print([c.type_name.value for c in r.manifest.schema.columns], r.manifest.total_chunk_count > 2,
      len(rows) == r.manifest.total_row_count == 100000,
      all(row == [str(n), f"2026-11-0{n % 7 + 1}", "2026-11-01T01:02:03Z"]
          for n, row in enumerate(rows)))
r = w.statement_execution.execute_statement(statement="SELECT * FROM nope",
                                            warehouse_id="any")
print(r.status.state.value, r.status.error.message)
r = w.statement_execution.execute_statement(
    statement="SELECT count(*) AS n, count(DISTINCT p.index) AS k FROM df_pin p "
              "JOIN df_geo g ON g.ind = p.index JOIN df_user u ON u.ind = g.ind "
              "JOIN clean_pin c ON c.ind = p.index::INT", warehouse_id="any")
print(r.result.data_array, w.statement_execution.get_statement_result_chunk_n(
    r.statement_id, 0).data_array == r.result.data_array)
r = w.statement_execution.execute_statement(
    statement="SELECT count(*) FROM range(1000000000000)", warehouse_id="any",
    wait_timeout="0s")
w.statement_execution.cancel_execution(r.statement_id)
while r.status.state.value in ("PENDING", "RUNNING"):
    r = w.statement_execution.get_statement(r.statement_id)
print(r.status.state.value)
try:
    w.jobs.get_run(999999)
except Exception as why:
    print(type(why).__name__, why)
run = w.jobs.submit(run_name="sdk", idempotency_token="sdk-1", tasks=[
    jobs.SubmitTask(task_key="a", existing_cluster_id="x",
                    notebook_task=jobs.NotebookTask(notebook_path="/clean_pin"))])
print(run.result().state.result_state.value)
again = w.jobs.submit(run_name="sdk", idempotency_token="sdk-1", tasks=[
    jobs.SubmitTask(task_key="a", existing_cluster_id="x",
                    notebook_task=jobs.NotebookTask(notebook_path="/clean_pin"))])
print(again.run_id == run.run_id)
'''


def pinline(folder, *words):
    return subprocess.run([PINLINE, *words], cwd=folder, text=True, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Airflow:
    def __init__(self, values, port):
        self.values = values
        self.env = dict(
            os.environ, AIRFLOW_HOME=values["home"],
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
            AIRFLOW__CORE__DAGS_FOLDER=values["home"] + "/dags",
            **self.connections(port))

    @staticmethod
    def connections(port):
        host = {"conn_type": "databricks", "host": "127.0.0.1", "schema": "http",
                "port": port, "password": "any"}
        http = {"conn_type": "http", "host": "127.0.0.1", "schema": "http",
                "port": port}
        return {"AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(host),
                "AIRFLOW_CONN_PINLINE": json.dumps(http)}

    def dag(self, name, text):
        with open(f"{self.values['home']}/dags/{name}.py", "w",
                  encoding="utf-8") as f:
            f.write(text)

    def test(self, dag):
        """Runs a DAG; (exit code, all it printed)."""
        done = subprocess.run(
            [self.values["airflow"], "dags", "test", dag, "2026-11-20"],
            env=self.env, cwd=self.values["home"], text=True, timeout=300,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout


def runs(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/runs?limit=100",
                                timeout=30) as answer:
        return json.loads(answer.read())["runs"]


def try_written_dags(airflow, folder, port):
    for kind in ("bash", "databricks", "http"):
        before = len(runs(port))
        done = pinline(folder, "schedule", "airflow", "--operators", kind,
                       "--set", f"schedule.name=written_{kind}", "--set",
                       "schedule.start=2026-11-01", "-o",
                       f"{airflow.values['home']}/dags/written_{kind}.py")
        code, text = airflow.test(f"written_{kind}")
        new = runs(port)[: len(runs(port)) - before]
        want = 0 if kind == "bash" else 5
        check(done.returncode == 0 and code == 0 and len(new) == want and
              all(r["state"] == "success" for r in new) and
              (kind != "bash" or "user: 0 messages: 0 cleaned" in text),
              f"Airflow runs the DAG that pinline wrote, {kind} operators",
              f"{done.stderr} exit {code}, runs {new}: {text[-3000:]}")
        if kind == "databricks":
            check(all(r["interval"] for r in new),
                  "a written DAG names the data interval", str(new))


def try_workspace_dags(airflow, port):
    before = len(runs(port))
    airflow.dag("workspace", WORKSPACE_DAG)
    airflow.dag("failing", FAILING_DAG)
    code, text = airflow.test("me_dag")
    new = runs(port)[: len(runs(port)) - before]
    check(code == 0 and [r["state"] for r in new] == ["success"] * 5,
          "Airflow runs a DAG that was written for a workspace",
          f"exit {code}, runs {new}: {text[-3000:]}")
    code, text = airflow.test("failing")
    check(code != 0 and "exit code 7" in text,
          "a task that fails shows as failed, with its reason",
          f"exit {code}: {text[-3000:]}")


def try_sdk(airflow, port):
    done = subprocess.run(
        [airflow.values["python"], "-c", SDK, f"http://127.0.0.1:{port}"],
        text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = done.stdout.splitlines()
    good = done.returncode == 0 and len(lines) == 8
    check(good and "['20', '1.5', \"it's me\", None]" in lines[0] and
          lines[0].startswith("['LONG', "),
          "the Databricks SDK reads typed rows of a statement",
          done.stdout + done.stderr[-2000:])
    check(good and lines.pop(1) == "['LONG', 'DATE', 'TIMESTAMP'] True True True",
          "the SDK reads dates, and the rows of several chunks", done.stdout)
    check(good and lines[1].startswith("FAILED") and "nope" in lines[1],
          "a statement that fails says why", done.stdout)
    check(good and lines[2] == "[['20', '20']] True",
          "statements see the raw records as df_pin, df_geo, df_user", done.stdout)
    check(good and lines[3] == "CANCELED", "a statement is canceled", done.stdout)
    check(good and lines[4] == "ResourceDoesNotExist Run 999999 does not exist.",
          "an unknown run is the SDK's ResourceDoesNotExist", done.stdout)
    check(good and lines[5:] == ["SUCCESS", "True"],
          "I14 databricks: the same token is the same run", done.stdout)


# ---- workers that die ----

# what a worker is killed in the middle of: it waits until all three were killed
WAIT = "until [ -e go ]; do sleep 0.2; done"
SLOW = f"load = {WAIT}; echo $PINLINE_RUN >> ran"
BATCH = ('clean = {0} batch --task load && {0} batch --task clean_pin --interval '
         '"$PINLINE_INTERVAL" && touch cleaned && ' + WAIT + '; echo done >> ran_bash')


def children():
    """pid -> (its parent, its command line)."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                parent = int(f.read().rpartition(")")[2].split()[1])
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                found[int(pid)] = (parent, f.read())
        except OSError:  # it has just ended
            pass
    return found


def kill_workers(scheduler, tasks):
    """SIGKILL for the workers of these task instances, and all that they
    started; how many had one."""
    procs = children()
    doomed = {p for p, (_, line) in procs.items()
              if b"LocalExecutor: " in line and any(t.encode() in line for t in tasks)
              and descends(procs, p, scheduler)}
    hit = len(doomed)
    doomed |= {p for p in procs if any(descends(procs, p, d) for d in doomed)}
    for pid in doomed:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return hit


def descends(procs, pid, ancestor):
    while pid in procs and pid != ancestor:
        pid = procs[pid][0]
    return pid == ancestor


class Api:
    """Airflow's own REST API."""

    def __init__(self, url):
        self.url = url + "/api/v2/"

    def once(self, path, body):
        with urllib.request.urlopen(urllib.request.Request(
                self.url + path, json.dumps(body).encode() if body else None,
                {"Content-Type": "application/json"}), timeout=60) as answer:
            return json.loads(answer.read())

    def __call__(self, path, body=None, seconds=120):
        """A DAG is found some time after its file was written, and a busy
        Airflow answers late or with a fault of its own."""
        until = time.monotonic() + seconds
        while True:
            try:
                return self.once(path, body)
            except (OSError, ValueError) as why:
                if body and getattr(why, "code", 0) == 409:
                    return {}  # it was made though the answer was lost
                if time.monotonic() > until:
                    raise RuntimeError(f"{path}: {why}") from why
                time.sleep(0.5)

    def tasks(self, dag):
        found = self(f"dags/{dag}/dagRuns/once/taskInstances")["task_instances"]
        return {t["task_id"]: (t["state"], t["try_number"], t["id"]) for t in found}


def write_slow_dags(folder, home):
    for kind, tasks in (("bash", BATCH.format(PINLINE)), ("http", "load"),
                        ("databricks", "load")):
        done = pinline(folder, "schedule", "airflow", "--operators", kind, "-o",
                       f"{home}/dags/killed_{kind}.py", *(
                           w for s in (f"name=killed_{kind}", f"tasks={tasks}",
                                       "retries=4", "retry_delay=1s",
                                       "cron=@manual", "start=2026-11-01")
                           for w in ("--set", "schedule." + s)))
        if done.returncode != 0:
            raise SystemExit(done.stderr)


def kill_and_wait(api, scheduler, port, folder):
    """Workers are killed while each of three DAGs waits; then it goes on."""
    middle = {"killed_bash": "clean", "killed_http": "load",
              "killed_databricks": "load"}
    now = time.time()
    day = [time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(now + i * 86400)) for i in (0, 1)]
    for dag in middle:
        api(f"dags/{dag}/dagRuns", {
            "dag_run_id": "once", "data_interval_start": day[0],
            "data_interval_end": day[1],
            "logical_date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))})
    hit = set()
    until = time.monotonic() + 400
    while hit != set(middle) and time.monotonic() < until:
        # those that ask a server are in the middle once it works for them
        asked = {"run_name" in r["conf"] for r in runs(port)}
        begun = {"killed_bash": os.path.exists(os.path.join(folder, "cleaned")),
                 "killed_http": False in asked,
                 "killed_databricks": True in asked}
        for dag, task in middle.items():
            state, _, instance = api.tasks(dag).get(task, ("", 0, ""))
            if dag not in hit and begun[dag] and state == "running":
                time.sleep(1.5)
                hit |= {dag} if kill_workers(scheduler, [instance]) else set()
        time.sleep(0.5)
    with open(os.path.join(folder, "go"), "w", encoding="ascii"):
        pass
    states = {}

    def ended():
        states.update({d: api(f"dags/{d}/dagRuns/once")["state"] for d in middle})
        return set(states.values()) <= {"success", "failed"}

    soon(ended, 300, 0.5)
    return hit, states, {d: api.tasks(d)[t] for d, t in middle.items()}


def try_killed(airflow):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(None, "--set", f"schedule.tasks={SLOW}", "--set", "schedule.retries=0",
                        pipelines=True, cwd=folder, stderr=subprocess.DEVNULL)
        try:
            done = pinline(folder, "emulate", "--to", server.url, "--rows", "20", "--quiet")
            write_slow_dags(folder, airflow["home"])
            os.environ.update(Airflow.connections(server.port))
            values = far.call("airflow", "serve", "--dir", airflow["dir"])
            hit, states, tasks = kill_and_wait(Api(values["url"]),
                                               int(values["scheduler"]), server.port, folder)
            print(f"# killed in {sorted(hit)}: {states}, {tasks}")
            check(done.returncode == 0 and len(hit) == 3 and
                  set(states.values()) == {"success"} and
                  all(t[1] >= 2 for t in tasks.values()),
                  "Airflow does the tasks of killed workers again, to success",
                  f"{done.stderr} {hit} {states} {tasks}")
            asked = runs(server.port)
            with open(os.path.join(folder, "ran"), encoding="utf-8") as f:
                ran = sorted(f.read().split())
            check(len(asked) == 2 and {r["state"] for r in asked} == {"success"} and
                  ran == sorted(str(r["run_id"]) for r in asked),
                  "I14 airflow: a worker that is killed while it waits gets the run it had",
                  f"ran {ran}, runs {asked}")
            count = pinline(folder, "query", "--format", "json", "--sql",
                            "SELECT count(*) AS n, count(DISTINCT ind) AS k FROM clean_pin")
            check(count.returncode == 0 and json.loads(count.stdout)[0]["n"] == 20,
                  "I14 airflow: a batch whose worker is killed has its rows there once",
                  count.stdout + count.stderr)
        finally:
            server.stop()


def try_clients(values):
    with tempfile.TemporaryDirectory() as folder:
        done = pinline(folder, "run", "--rows", "20", "--quiet")
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        with Server(None, "--set",
                    "schedule.tasks=load,clean_pin < load,clean_geo < load,"
                    "clean_user < load,query < clean_pin clean_geo clean_user,"
                    "broken < query = echo it broke; exit 7",
                    "--set", "schedule.retries=0", "--set",
                    "schedule.notebooks=/Users/me@example.org/questions=query",
                    pipelines=True, cwd=folder, stderr=subprocess.DEVNULL) as server:
            airflow = Airflow(values, server.port)
            try_sdk(airflow, server.port)
            try_workspace_dags(airflow, server.port)
            try_written_dags(airflow, folder, server.port)


def main():
    """Words choose: clients, killed."""
    words = sys.argv[1:] or ["clients", "killed"]
    with far.side("airflow") as values:
        if "clients" in words:
            try_clients(values)
        if "killed" in words:
            try_killed(values)
    return finish()


if __name__ == "__main__":
    sys.exit(main())

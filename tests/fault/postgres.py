#!/usr/bin/env python3
"""postgres.py - stream into PostgreSQL under kill -9 at every fault point,
with the server killed under load, and with a unique key (I4, I7, I13, I15).

An undisturbed stream of the same topics into another schema is the truth;
psycopg2 reads both.  ROUNDS (default 1) repeats it with other data.

postgres.py cut - the database behind a network of its own (two namespaces and
a cable between them) that is cut, that loses answers, and from which one side
vanishes; before that, its disk is full.  Skipped where namespaces may not be
made.
"""
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import far  # noqa: E402
import lake  # noqa: E402

lake.need_venv()
import psycopg2  # noqa: E402

import sinks  # noqa: E402
from cable import THERE_IP, Cable, own_namespace  # noqa: E402
from sinks import Posters, pinline, post_users  # noqa: E402
from told import check, finish, soon  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS", "1"))
TABLES = ("pin", "geo", "user")
POINTS = ["batch_before_commit", "postgres_before_copy_end", "postgres_before_move",
          "postgres_before_commit", "postgres_after_commit", "stream_after_commit"]
SIDE = {}


def connection():
    """Ours, beside what is tested: by the local socket where there is one."""
    c = psycopg2.connect(host=SIDE.get("sock", SIDE["host"]), port=SIDE["port"], user=SIDE["user"],
                         password=SIDE["password"], dbname=SIDE["database"])
    c.autocommit = True
    return c


def ask(sql):
    """Not in a transaction: `with` a connection would be one."""
    with contextlib.closing(connection()) as c, c.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def rows(schema, table):
    if not ask(f"SELECT to_regclass('{schema}.clean_{table}')")[0][0]:
        return []
    return sorted(ask(f"SELECT * FROM {schema}.clean_{table}"), key=repr)


def all_rows(schema):
    return {t: rows(schema, t) for t in TABLES}


def words(schema):
    """What `stream` and `serve` are told about a schema of its own."""
    ask(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    tables = ",".join(f"{t}={schema}.clean_{t}" for t in TABLES)
    return ["stream.sink=postgres", f"postgres.tables={tables}",
            "postgres.url=postgres://{user}@{host}:{port}/{database}".format(**SIDE)]


def sets(schema, *more):
    return [w for s in (*words(schema), *more) for w in ("--set", s)]


def stream(schema, *more):
    return ["stream", "--once", *sets(schema, "stream.trigger_rows=3", *more)]


def killed_round(root, number):
    data = os.path.join(root, "data")
    sinks.fill(data, random.Random(number), 30)
    shutil.copytree(data, data + ".truth")
    pinline(data + ".truth", *stream(f"truth{number}"))
    truth = all_rows(f"truth{number}")
    check(all(truth.values()), "an undisturbed stream made rows of every table")
    kills = 0
    once = True
    schema = f"killed{number}"
    for visit in (1, 2):
        for point in POINTS:
            kills += sinks.kill_at(data, point, visit, *stream(schema))
            for t in TABLES:
                got = collections.Counter(map(repr, rows(schema, t)))
                once = once and not got - collections.Counter(map(repr, truth[t]))
    check(kills >= 8, f"postgres: {kills} kills happened")
    check(once, "I4 postgres: after every kill each row is there at most once")
    pinline(data, *stream(schema))
    check(all_rows(schema) == truth,
          "I4 postgres: a killed stream ends with the rows of an undisturbed one")
    pinline(data, *stream(schema))
    check(all_rows(schema) == truth, "a second stream has nothing to add")
    check(all(a["closes"] and a["pending"] == 0 for a in accounting(data, schema)),
          "I7 postgres: every sum closes")
    ask(f"UPDATE {schema}.pinline_position SET next = next - 1 WHERE topic = 'pin'")
    got = pinline(data, *stream(schema), expect=None)
    check(all_rows(schema)["geo"] == truth["geo"] and
          len(rows(schema, "pin")) - len(truth["pin"]) <= 1,
          f"a position that was moved by hand costs no more than it says {got.returncode}")


def accounting(data, schema):
    return json.loads(pinline(data, "status", "--format", "json", *sets(schema)).stdout)["accounting"].values()


def posted_by(root, name, *posts):
    """The folder of a server that was sent these (topic, values), and ended."""
    data = os.path.join(root, name)
    server = sinks.Server(data, "objects.enabled=false")
    for topic, values in posts:
        server.post(topic, [{"value": v} for v in values], "json")
    server.stop()
    return data


def person(ind, first="A", last="B", age=30):
    return {"ind": ind, "first_name": first, "last_name": last, "age": age,
            "date_joined": "2016-01-01 00:00:00"}


def streaming(root, schema):
    """(folder, server): serve with a stream into that schema."""
    data = os.path.join(root, schema)
    return data, sinks.Server(data, *words(schema), "stream.enabled=true",
                              "stream.trigger=500ms", "objects.enabled=false")


def keyed_round(root):
    """A unique key: the first row stays, or the last one wins."""
    for conflict, want in (("keep", 0), ("update", 4)):
        data = posted_by(root, conflict, *(
            ("user", [person(i, last=f"B{k}", age=20 + k) for i in range(10)]) for k in range(5)))
        more = ("postgres.key=user=ind", f"postgres.conflict={conflict}")
        pinline(data, *stream(conflict, *more))
        got = ask(f"SELECT ind, age FROM {conflict}.clean_user ORDER BY ind")
        check(got == [(i, 20 + want) for i in range(10)],
              f"postgres: with a key and conflict={conflict} one row of each stays {got[:3]}")
        pinline(data, *stream(conflict, *more))
        check(len(ask(f"SELECT ind FROM {conflict}.clean_user")) == 10, "and nothing is added")
    data = posted_by(root, "zero", ("user", [
        person(i, first, "C \U0001F60D") for i, first in ((1, "A"), (2, "A\0B"))]))
    pinline(data, *stream("zero"))
    got = ask("SELECT ind, user_name FROM zero.clean_user ORDER BY ind")
    check(len(got) == 2 and got[0] == (1, "A C \U0001F60D"),
          f"postgres: a zero byte in a text stops nobody {got}")


def away_round(root, folder):
    """serve's stream while the database is killed and comes back, then while
    serve itself is killed."""
    acknowledged = set()
    data, server = streaming(root, "away")
    posters = Posters(server, post_users, acknowledged, range(2))
    posters.go_on(1, 120)
    for _ in range(3):
        with open(os.path.join(folder, "postgres.pid"), encoding="ascii") as f:
            os.kill(int(f.read()), signal.SIGKILL)
        time.sleep(1.5)
        far.call("postgres", "start", "--dir", folder)
        time.sleep(2)
    check(server.process.poll() is None, "serve lives through its database's absence")
    soon(lambda: len(acknowledged) > 100)
    server.stop(signal.SIGKILL)
    posters.end()
    data, server = streaming(root, "away")
    server.ends("I15 postgres: SIGTERM ends serve and its stream, exit code 0")
    pinline(data, "stream", "--once", *sets("away"))
    got = [r[0] for r in ask("SELECT ind FROM away.clean_user")]
    check(len(got) == len(set(got)), "I4 postgres: nothing twice after kills of both sides")
    check(acknowledged <= set(got) and len(got) > 100,
          "I13 postgres: a database that goes away and comes back costs delay only")
    check(all(a["closes"] for a in accounting(data, "away")), "I7 postgres: the sum closes after kills")


def named_round(root):
    """Names that SQL has for itself, and capitals."""
    data = posted_by(root, "named", ("user", [{"ind": i, "first_name": "A"} for i in range(3)]),
                     ("geo", [{"ind": 1, "country": "Aruba"}]))
    told = [w for w in words("named") if not w.startswith("postgres.tables=")]
    for _ in range(2):
        pinline(data, "stream", "--once", *[w for s in (
            *told, "postgres.tables=user=named.user,geo=named.Order By") for w in ("--set", s)])
    check(ask('SELECT ind FROM named."user" ORDER BY ind') == [(0,), (1,), (2,)]
          and ask('SELECT country FROM named."Order By"') == [("Aruba",)],
          "postgres: tables may be called user and Order By")
    made = ask("SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) "
               "FROM pg_attribute WHERE attrelid = 'named.\"user\"'::regclass AND attnum > 0 "
               "ORDER BY attnum")
    check(made == [("ind", "integer", "row number; joins the three tables"),
                   ("user_name", "text", "first and last name"), ("age", "integer", "age in years"),
                   ("date_joined", "timestamp without time zone", "when the user joined (UTC)")],
          "postgres: a table that is made has the spec's types and comments", made)


def misfit_round(root):
    """A table that does not fit, one of another pipeline, one not allowed."""
    data = posted_by(root, "misfit", ("user", [{"ind": 1}]))
    ask("CREATE SCHEMA misfit; CREATE TABLE misfit.clean_user (ind text, age integer, "
        "user_name varchar, extra integer NOT NULL)")
    got = pinline(data, *stream("misfit"), expect=None)
    check(got.returncode != 0 and all(w in got.stderr for w in (
        'column "ind" is text, not integer', 'column "date_joined"', "is missing",
        'column "extra" is NOT NULL')),
        f"a table that does not fit is told column by column {got.stderr}")
    ask("CREATE SCHEMA denied; CREATE TABLE denied.clean_user (ind int); "
        "CREATE ROLE reader LOGIN PASSWORD 'reader-password'; GRANT USAGE ON SCHEMA denied TO reader")
    env = {"PINLINE_DB_PASSWORD": "reader-password"}
    got = pinline(data, *stream("denied", "postgres.url=postgres://reader@{host}:{port}/{database}"
                                .format(**SIDE)), env=env, expect=None)
    check(got.returncode != 0 and "permission denied" in got.stderr and "GRANT" in got.stderr
          and "reader-password" not in got.stderr,
          f"permission denied is told, with what to do {got.stderr}")


def stuck_stream(data, schema):
    """A stream that waits, in its transaction, for a row that we hold."""
    holder = connection()
    holder.autocommit = False
    with holder.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {schema}.pinline_position FOR UPDATE")
        assert cursor.fetchall()
    process = subprocess.Popen(
        [sinks.PINLINE, "--data", data, "stream", "--once", *sets(schema)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not soon(lambda: ask("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'")):
        raise RuntimeError("the stream does not wait for the row")
    return process, holder


def cut_round(root, cable):
    """A short cut and lost answers under load; then one that lasts, in which a
    second writer vanishes with its transaction open, and its address too."""
    stuck = posted_by(root, "stuck", ("user", [{"ind": 1, "first_name": "A"}]))
    pinline(stuck, "stream", "--once", *sets("stuck"))
    posted_by(root, "stuck", ("user", [{"ind": 2, "first_name": "B"}]))
    acknowledged = set()
    data, server = streaming(root, "cut")
    posters = Posters(server, post_users, acknowledged, range(2))
    time.sleep(2)
    for begin, end in ((cable.cut, cable.mend), (lambda: cable.lose_answers(True),
                                                 lambda: cable.lose_answers(False))):
        begin()
        time.sleep(3)
        end()
        check(grows("cut"), "I13 postgres: rows come again after a short cut")
    process, holder = stuck_stream(stuck, "stuck")
    cable.cut()
    posters.over.set()
    time.sleep(0.5)
    process.kill()
    process.wait()
    holder.close()  # its session has the row now, and nobody to tell
    began = time.monotonic()
    while time.monotonic() - began < 45 and stuck_sessions():
        time.sleep(0.5)
    waited = time.monotonic() - began
    check(waited < 40, f"I13 postgres: the server drops the locks of who vanished "
          f"({waited:.0f} s)")
    cable.address("10.77.0.3")
    cable.mend()
    posters.end()
    began = time.monotonic()
    pinline(stuck, "stream", "--once", *sets("stuck"))
    check(sorted(r[0] for r in ask("SELECT ind FROM stuck.clean_user")) == [1, 2],
          f"I4 postgres: its successor lands each row once, in {time.monotonic() - began:.0f} s")
    landed = soon(lambda: acknowledged <= inds("cut"), pause=0.5)
    check(server.process.poll() is None and landed,
          "I13 postgres: serve's stream goes on by another connection, by itself")
    server.ends("I15 postgres: SIGTERM ends serve, exit code 0")
    pinline(data, "stream", "--once", *sets("cut"))
    got = [r[0] for r in ask("SELECT ind FROM cut.clean_user")]
    check(len(got) == len(set(got)) and len(got) > 100 and acknowledged <= set(got),
          f"I4 postgres: {len(got)} rows, each once, after cuts, lost answers and a lost peer")
    check(all(a["closes"] for a in accounting(data, "cut")), "I7 postgres: the sum closes after cuts")


def full_round(root, folder):
    """A server whose disk is full: told, nothing lost, and it goes on."""
    disk = os.path.join(folder, "disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], check=True)
    os.chown(disk, os.stat(os.path.join(folder, "data")).st_uid, -1)
    os.chmod(disk, 0o700)
    ask(f"CREATE TABLESPACE small LOCATION '{disk}'")
    data = posted_by(root, "crowded", (
        "user", [person(i, "A" * 40, "B" * 40) for i in range(5000)]))
    ask("ALTER ROLE pinline SET default_tablespace = 'small'")
    log = os.path.join(root, "full.log")
    with open(log, "w", encoding="utf-8") as f:
        process = subprocess.Popen(
            [sinks.PINLINE, "--data", data, "stream", "--once", *sets("crowded")],
            stdout=subprocess.DEVNULL, stderr=f)

    def said():
        with open(log, encoding="utf-8") as f:
            return f.read()

    soon(lambda: "could not extend file" in said() or process.poll() is not None)
    told = said()
    # "No space left on device", or "wrote only 4096 of 8192 bytes"
    check(process.poll() is None and "could not extend file" in told
          and "; make room on the server's disk" in told and SIDE["password"] not in told,
          f"postgres: a full disk is told, with what to do {told if process.poll() else ''}")
    check(not rows_there("crowded"), "postgres: nothing of it is in the table")
    subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
    check(process.wait(timeout=120) == 0, "postgres: with room again the same stream goes on")
    check(sorted(inds("crowded")) == list(range(5000)) and rows_there("crowded") == 5000,
          "I13 postgres: each row is there once")
    ask("ALTER ROLE pinline RESET default_tablespace")
    ask("DROP SCHEMA crowded CASCADE")
    ask("DROP TABLESPACE small")


def rows_there(schema):
    if not ask(f"SELECT to_regclass('{schema}.clean_user')")[0][0]:
        return 0
    return ask(f"SELECT count(*) FROM {schema}.clean_user")[0][0]


def inds(schema):
    return {r[0] for r in ask(f"SELECT ind FROM {schema}.clean_user")}


def stuck_sessions():
    return ask("SELECT 1 FROM pg_stat_activity WHERE client_addr IS NOT NULL "
               "AND state = 'idle in transaction'")


def grows(schema):
    began = len(inds(schema))
    return soon(lambda: len(inds(schema)) > began + 50, pause=0.2)


def cut():
    """In namespaces of its own; by the server's local socket we look at it
    from outside."""
    own_namespace()
    cable = Cable()
    folder = tempfile.mkdtemp(prefix="pinline-postgres.")
    try:
        run = ["nsenter", "-t", str(cable.pid), "-n", far.TOOL, "postgres"]
        out = subprocess.run([*run, "start", "--dir", folder, "--listen", THERE_IP],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        SIDE.update(line.split("=", 1) for line in out.splitlines())
        SIDE.update(host=THERE_IP, sock=os.path.join(folder, "sock"))
        os.environ["PINLINE_DB_PASSWORD"] = SIDE["password"]
        with tempfile.TemporaryDirectory() as root:
            timed(full_round, root, folder)
            timed(cut_round, root, cable)
    finally:
        cable.end()
        subprocess.run(["umount", "-l", os.path.join(folder, "disk")], check=False,
                       capture_output=True)
        far.call("postgres", "stop", "--dir", folder)


def kills():
    with far.side("postgres") as postgres, tempfile.TemporaryDirectory() as root:
        SIDE.update(postgres)
        os.environ["PINLINE_DB_PASSWORD"] = postgres["password"]
        for number in range(ROUNDS):
            timed(killed_round, os.path.join(root, f"r{number}"), number)
        timed(keyed_round, root)
        timed(named_round, root)
        timed(misfit_round, root)
        timed(away_round, root, postgres["dir"])


def timed(what, *args):
    began = time.monotonic()
    what(*args)
    print(f"# {what.__name__} {time.monotonic() - began:.1f} s", flush=True)


def main():
    began = time.time()
    (cut if sys.argv[1:] == ["cut"] else kills)()
    print(f"# {time.time() - began:.1f} s")
    sys.exit(finish())


main()

#!/usr/bin/env python3
"""databases - PostgreSQL and MariaDB as others fill and read them.

SQLAlchemy makes tables and reads them by the course's own statement; what
`emulate` posts must be the same rows.  `generate --to` makes tables, `run
--source` gives the same answers as from files, and each way of being wrong is
told with a next step and without a password.
"""
import collections
import contextlib
import datetime
import decimal
import http.server
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import far  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check, soon  # noqa: E402

lake.need_venv()
import sqlalchemy as sa  # noqa: E402

PINLINE = lake.pinline()
TABLES = {"pin": "pinterest_data", "geo": "geolocation_data", "user": "user_data"}


class Proxy:
    """Takes Kafka REST v2 posts and keeps the values."""

    def __init__(self):
        self.stored = collections.defaultdict(list)
        self.posts, self.limit = 0, float("inf")  # so many are answered for now
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one piece

            def log_message(self, *a):
                pass

            def answer(self, document):
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            def do_GET(self):
                self.answer({"data": [{"cluster_id": "c"}]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                records = [r["value"] for r in body["records"]]
                proxy.stored[self.path.split("/")[-1]] += records
                proxy.posts += 1
                mine = proxy.posts
                soon(lambda: mine <= proxy.limit)
                self.answer({"offsets": [{"partition": 0, "offset": 1, "error_code": None,
                                          "error": None} for _ in records],
                             "key_schema_id": None, "value_schema_id": None})

        http.server.ThreadingHTTPServer.request_queue_size = 256
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Side:
    """A far side, its engine, and the url without its password."""

    def __init__(self, name, values):
        self.name, self.values = name, values
        scheme = "postgres" if name == "postgres" else "mysql"
        driver = "postgresql+psycopg2" if name == "postgres" else "mysql+pymysql"
        self.open = "{user}@{host}:{port}/{database}".format(**values)
        self.url = f"{scheme}://{self.open}"
        self.engine = sa.create_engine(
            "{}://{user}:{password}@{host}:{port}/{database}".format(driver, **values))
        self.env = {"PINLINE_DB_PASSWORD": values["password"]}

    def rows(self, sql):
        with self.engine.connect() as c:
            return [dict(r._mapping) for r in c.execute(sa.text(sql))]

    def run(self, *statements):
        with self.engine.begin() as c:
            for s in statements:
                c.execute(sa.text(s))


said = []  # everything that any command printed, and the passwords it must not


def pinline(*args, env=None, code=0, cwd=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "MYSQL", "PINLINE_DB"))}
    p = subprocess.run([PINLINE, *args], capture_output=True, text=True, timeout=120,
                       env={**clean, **(env or {})}, cwd=cwd)
    said.append(p.stdout + p.stderr)
    if code is not None and p.returncode != code:
        check(f"pinline {' '.join(args)} ends with {code}", False, p.returncode, p.stderr)
    return p


def posted(side, folder, *args):
    proxy = Proxy()
    pinline("emulate", "--to", proxy.url, "--data", os.path.join(folder, "d"),
            *args, env=side.env)
    return proxy.stored


def as_sent(row, default):
    return json.loads(json.dumps(row, default=default))


def sorted_rows(rows):
    return sorted(json.dumps(r, sort_keys=True) for r in rows)


def made_tables_hold_the_rows(side, folder):
    name = side.name
    pinline("generate", "--to", side.url, env=side.env)
    if name == "mariadb":
        loads = side.rows("SHOW GLOBAL STATUS LIKE 'Com_load'")[0]["Value"]
        check("mariadb: tables are filled by LOAD DATA", int(loads) == 3, loads)
    pinline("generate", "--out", os.path.join(folder, "rows"))
    for table, there in TABLES.items():
        got = sorted_rows(as_sent(r, str) for r in side.rows(f"SELECT * FROM {there}"))
        with open(os.path.join(folder, "rows", f"{table}.jsonl"), encoding="utf-8") as f:
            want = sorted_rows(json.loads(line) for line in f)
        check(f"{name}: SQLAlchemy reads the {len(want)} made rows of {there}",
              got == want and len(want) == 11154, len(got))
    p = pinline("generate", "--to", side.url, env=side.env, code=None)
    check(f"{name}: tables that are there are not dropped",
          p.returncode == 1 and "--replace" in p.stderr, p.stderr)


def the_script_is_repeated(side, folder):
    """The course's draws by the course's statement, against ours."""
    random.seed(100)
    want = collections.defaultdict(list)
    for _ in range(40):
        random.randrange(0, 2)
        n = random.randint(0, 11000)
        limit = f"LIMIT 1 OFFSET {n}" if side.name == "postgres" else f"LIMIT {n}, 1"
        for table, there in TABLES.items():
            row = side.rows(f"SELECT * FROM {there} {limit}")[0]
            want[table].append(as_sent(row, str))
    for spelling, default in (("str", str), ("isoformat", lambda v: v.isoformat())):
        got = posted(side, folder, "--source", side.url, "--rows", "40", "--order", "cpython",
                     "--seed", "100", "--connections", "3", "--set", f"source_datetimes={spelling}")
        if spelling == "isoformat":
            for row in want["geo"]:
                row["timestamp"] = row["timestamp"].replace(" ", "T")
            for row in want["user"]:
                row["date_joined"] = row["date_joined"].replace(" ", "T")
        check(f"{side.name}: rows are those of the script, date-times by {spelling}",
              all(got[t] == want[t] for t in TABLES), got["geo"][:1], want["geo"][:1])
        check(f"{side.name}: columns come in the table's order",
              all(list(got[t][0]) == list(want[t][0]) for t in TABLES))


def sessions(side):
    """Connections of ours, by number."""
    sql = ("SELECT pid AS id FROM pg_stat_activity WHERE application_name = 'pinline'"
           if side.name == "postgres" else
           "SELECT id FROM information_schema.processlist WHERE id <> connection_id() "
           f"AND user = '{side.values['user']}' AND command <> 'Killed'")
    return [r["id"] for r in side.rows(sql)]


def connections_that_break_are_made_again(side, folder):
    """One connection for the life of the program, until the server ends it."""
    draw = ("--source", side.url, "--rows", "120", "--seed", "11")
    want = posted(side, folder, *draw)
    proxy = Proxy()
    proxy.limit = 90  # of 360: it waits for the next end, however late we are with it
    side.engine.dispose()  # its own idle ones are not ours
    before = set(sessions(side))
    p = subprocess.Popen([PINLINE, "emulate", "--to", proxy.url, "--data",
                          os.path.join(folder, "again"), *draw, "--pace", "60/s"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                         env={**os.environ, **side.env})
    seen, ends, most = set(), 0, 0
    while p.poll() is None:
        time.sleep(0.25)
        ours = set(sessions(side)) - before
        most = max(most, len(ours))
        seen |= ours
        for n in ours if ends < 3 else ():
            try:
                side.run(f"SELECT pg_terminate_backend({n})" if side.name == "postgres"
                         else f"KILL {n}")
                ends += 1
                proxy.limit += 90
            except sa.exc.OperationalError:
                pass  # it was gone already
    said.append(p.stderr.read())
    check(f"{side.name}: connections that the server ends are made again, and the rows are "
          f"the same", p.returncode == 0 and ends == 3 and all(
              sorted_rows(proxy.stored[t]) == sorted_rows(want[t]) for t in TABLES),
          p.returncode, ends, said[-1], {t: len(r) for t, r in proxy.stored.items()})
    check(f"{side.name}: one connection at a time", most == 1 and len(seen) <= ends + 1, most, seen)


def tls_is_an_option(side, folder):
    draw = ("emulate", "--show", "--dry-run", "--source")
    ca = side.values["ca"]
    other = os.path.join(folder, "other.crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=other",
                    "-keyout", os.devnull, "-out", other], check=True, capture_output=True)
    for query in ("tls=off", "tls=prefer", "tls=require", f"ca={ca}", f"tls=verify&ca={ca}"):
        p = pinline(*draw, f"{side.url}?{query}", env=side.env)
        check(f"{side.name}: rows come with {query.replace(ca, 'CA')}", "user_result" in p.stdout,
              p.stderr)
    p = pinline(*draw, f"{side.url}?tls=verify&ca={other}", env=side.env, code=None)
    check(f"{side.name}: a server that the CA does not know is refused",
          p.returncode != 0 and "certificate" in p.stderr.lower(), p.stderr)
    who = "hostssl_only"
    if side.name == "postgres":
        side.run(f"CREATE USER {who} PASSWORD 'only-by-tls-1'",
                 f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {who}")
        used = side.rows("SHOW ssl")[0]["ssl"] == "on"
    else:
        side.run(f"CREATE USER {who}@'%' IDENTIFIED BY 'only-by-tls-1' REQUIRE SSL",
                 f"GRANT SELECT ON pinterest_data.* TO {who}@'%'")
        used = True
    check(f"{side.name}: the server speaks TLS", used)
    url = side.url.replace(side.values["user"], who)
    env = {"PINLINE_DB_PASSWORD": "only-by-tls-1"}
    p = pinline(*draw, url + "?tls=require", env=env)
    check(f"{side.name}: who must use TLS gets rows", "user_result" in p.stdout, p.stderr)
    if side.name == "mariadb":
        p = pinline(*draw, url + "?tls=off", env=env, code=None)
        check("mariadb: and none without it", p.returncode != 0, p.stdout)


def odd_tables(side):
    """Tables as pandas and SQLAlchemy make them: other types, gaps, repeats."""
    meta = sa.MetaData()
    key = {"pin": "index", "geo": "ind", "user": "idx"}
    tables = {
        "pin": sa.Table("pin_odd", meta, sa.Column(key["pin"], sa.BigInteger, index=True),
                        sa.Column("title", sa.Text), sa.Column("category", sa.String(80)),
                        sa.Column("downloaded", sa.Boolean), sa.Column("price", sa.Numeric(10, 2))),
        "geo": sa.Table("geo_odd", meta, sa.Column(key["geo"], sa.Integer, index=True),
                        sa.Column("latitude", sa.Float(53)), sa.Column("longitude", sa.Float(53)),
                        sa.Column("timestamp", sa.DateTime), sa.Column("country", sa.Text)),
        "user": sa.Table("user", meta, sa.Column("first_name", sa.Text),
                         sa.Column(key["user"], sa.SmallInteger), sa.Column("age", sa.Integer),
                         sa.Column("date_joined", sa.Date)),
    }
    meta.drop_all(side.engine)
    meta.create_all(side.engine)
    rng = random.Random(7)
    texts = ["", "plain", "a “quote” \U0001F60D", "tab\there", "back\\slash \\N", "line\nbreak",
             "it's \"x\"", None, "x" * 5000]
    rows = {"pin": [], "geo": [], "user": []}
    at = -3
    for i in range(700):
        at += rng.choice([0, 1, 1, 1, 5, 90])  # repeats and gaps
        rows["pin"].append({"index": at, "title": texts[i % len(texts)] and
                            texts[i % len(texts)] + str(i), "category": rng.choice(["art", None]),
                            "downloaded": rng.choice([True, False, None]),
                            "price": decimal.Decimal(rng.randrange(10000)) / 100})
        rows["geo"].append({"ind": at, "latitude": rng.choice([-90.0, 0.1, 1e-7, 12.345678901234]),
                            "longitude": None if i % 50 == 0 else float(i),
                            "timestamp": datetime.datetime(2018, 1, 1 + i % 28, i % 24, i % 60, 7),
                            "country": f"Côte {i}"})
        rows["user"].append({"first_name": f"n{i}", "idx": i * 3, "age": i % 90,
                             "date_joined": datetime.date(2015 + i % 5, 2, 3)})
    with side.engine.begin() as c:
        for name, table in tables.items():
            c.execute(table.insert(), rows[name])
    return tables


def tables_of_others_are_sources(side, folder):
    tables = odd_tables(side)
    url = side.url + "?pin=pin_odd&geo=geo_odd&user=user"  # a reserved word
    got = posted(side, folder, "--source", url, "--rows", "0")
    with side.engine.connect() as c:
        for name, table in tables.items():
            want = sorted_rows(as_sent(dict(r._mapping), str) for r in c.execute(table.select()))
            if side.name == "mariadb":  # PyMySQL has no booleans
                want = sorted_rows(
                    {k: int(v) if k == "downloaded" and v is not None else v
                     for k, v in json.loads(w).items()} for w in want)
            check(f"{side.name}: all rows of {table.name} come once, as they are",
                  sorted_rows(got[name]) == want, len(got[name]), len(want),
                  [(a, b) for a, b in zip(sorted_rows(got[name]), want) if a != b][:1])
    drawn = posted(side, folder, "--source", url, "--rows", "300", "--seed", "5")
    for name in tables:
        known = set(sorted_rows(got[name]))
        check(f"{side.name}: drawn rows of {name} are rows of the table",
              len(drawn[name]) == 300 and set(sorted_rows(drawn[name])) <= known)
    tables["user"].drop(side.engine)  # one of exactly this name comes before user_data


def differs(answers):
    """Which answers do, and by which rows."""
    a, b = (json.loads(text) for text in answers)
    return {k: ([r for r in a[k] if r not in b[k]][:2], [r for r in b[k] if r not in a[k]][:2])
            for k in a if a[k] != b.get(k)}


def answers_are_the_same(side, folder):
    data = [os.path.join(folder, d) for d in ("from_files", "from_database")]
    files = [os.path.join(folder, "rows", f"{t}.jsonl") for t in TABLES]
    pinline("--data", data[0], "run", "--rows", "0", "--input", *files)
    pinline("--data", data[1], "run", "--rows", "0", "--source", side.url, env=side.env)
    answers = [pinline("--data", d, "query", "all", "--format", "json").stdout for d in data]
    check(f"{side.name}: run --source gives the answers of the same rows from files",
          answers[0] == answers[1] and len(answers[0]) > 1000,
          differs(answers))


def write(path, text, mode=0o600):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def credentials_are_found(side, folder):
    v = side.values
    creds = "local_db_creds.yaml" if side.name == "postgres" else "db_creds.yaml"
    text = f"HOST: {v['host']}\nUSER: {v['user']}\nPASSWORD: {v['password']}\nPORT: {v['port']}\n"
    home = tempfile.mkdtemp(dir=folder)
    path = os.path.join(home, creds)
    draw = ("emulate", "--show", "--dry-run", "--source")
    write(path, text)
    for source in (creds, side.url.split("//")[0] + "//"):
        p = pinline(*draw, source, cwd=home)
        check(f"{side.name}: {creds} is read for --source {source}", "user_result" in p.stdout,
              p.stderr)
    os.chmod(path, 0o644)
    p = pinline(*draw, creds, cwd=home, code=None)
    check(f"{side.name}: I11 credentials that others can read are refused",
          p.returncode != 0 and "chmod 600" in p.stderr, p.stderr)
    os.remove(path)
    write(os.path.join(home, ".env"), text.replace(": ", "="))
    p = pinline(*draw, side.url.split("//")[0] + "//", cwd=home)
    check(f"{side.name}: .env is read", "user_result" in p.stdout, p.stderr)
    other = side.url.replace(v["user"], "somebody")
    p = pinline(*draw, other, cwd=home, code=None)
    check(f"{side.name}: a password is not sent for another user",
          p.returncode != 0, p.stdout, p.stderr)
    with_password = side.url.replace("@", ":" + v["password"] + "@")
    p = pinline(*draw, with_password, cwd=home, code=None)
    check(f"{side.name}: I11 a password in the command line is refused with the way out",
          p.returncode == 2 and "creds.yaml" in p.stderr, p.stderr)
    p = pinline("emulate", "--show", "--dry-run", env={"PINLINE_SOURCE": with_password},
                cwd=tempfile.mkdtemp(dir=folder))
    check(f"{side.name}: a url with a password works in the environment",
          "user_result" in p.stdout, p.stderr)


def wrong_input_is_told(side, folder):
    name = side.name
    cwd = tempfile.mkdtemp(dir=folder)
    draw = ("emulate", "--show", "--dry-run", "--source")
    side.run("CREATE TABLE secret_pins (ind int)",
             "CREATE USER nobody_special PASSWORD 'weak-password-1'" if name == "postgres" else
             "CREATE USER nobody_special@'%' IDENTIFIED BY 'weak-password-1'")
    if name == "mariadb":
        side.run("GRANT SELECT ON pinterest_data.user_data TO nobody_special@'%'")
    v = side.values
    weak = side.url.replace(v["user"], "nobody_special")
    weak_env = {"PINLINE_DB_PASSWORD": "weak-password-1"}
    at = f"{v['host']}:{v['port']}"
    nowhere = side.url.replace(v["database"], "nowhere")
    away = side.url.replace(str(v["port"]), "1")
    mysql = name == "mariadb"
    for what, url, env, code, words in (
            ("a wrong password", side.url, {"PINLINE_DB_PASSWORD": "not-the-password"}, 1,
             f'database "{side.url}": ' +
             ("Access denied for user 'pinline'@'localhost' (using password: YES); say USER and "
              "PASSWORD in db_creds.yaml or .env (chmod 600)" if mysql else
              'password authentication failed for user "pinline"; say USER and PASSWORD in '
              "local_db_creds.yaml or .env (chmod 600)")),
            ("a missing database", nowhere, side.env, 1,
             f'database "{nowhere}": ' +
             ("Unknown database 'nowhere'" if mysql else 'database "nowhere" does not exist') +
             "; name another DATABASE, or create it"),
            ("a missing table", side.url + "?pin=no_such_table", side.env, 1,
             f'database "{side.url}" has no table "no_such_table" that user "pinline" can see; '
             "name another, or have it granted"),
            ("a server that is away", away, side.env, 4,
             "could not connect (is the server there, are host and port right?): "
             f'database "{away}": ' +
             ("Can't connect to server on '127.0.0.1' (115)" if mysql else
              'connection to server at "127.0.0.1", port 1 failed: Connection refused')),
            ("a table that is not ours to read", weak, weak_env, 1,
             f'cannot tell which table of database "{weak}" holds the rows of "pin"; name it in '
             "the url: ?pin=NAME, or make tables by `pinline generate --to URL`" if mysql else
             f'table "pinterest_data": database "{weak}": permission denied for table '
             "pinterest_data; its owner has to GRANT that"),
            ("a wrong word for TLS", side.url + "?tls=perhaps", side.env, 2,
             "the url says tls=perhaps; it is off, prefer, require or verify (with ca=FILE)")):
        p = pinline(*draw, url, env=env, cwd=cwd, code=None)
        check(f"{name}: {what} is told in these words, with what to do",
              (p.returncode, p.stderr) == (code, f"pinline emulate: {words}\n"),
              p.returncode, p.stderr, at)
    side.run("DROP TABLE secret_pins")


with tempfile.TemporaryDirectory(prefix="pinline-databases.") as folder:
    for far_name in sys.argv[1:] or ("postgres", "mariadb"):
        with far.side(far_name, "--tls") as values, contextlib.ExitStack() as stack:
            one = Side(far_name, values)
            stack.callback(one.engine.dispose)
            place = os.path.join(folder, far_name)
            os.mkdir(place)
            for test in (made_tables_hold_the_rows, the_script_is_repeated,
                         tables_of_others_are_sources, answers_are_the_same,
                         credentials_are_found, wrong_input_is_told,
                         connections_that_break_are_made_again, tls_is_an_option):
                before = time.monotonic()
                test(one, place)
                print(f"{far_name} {test.__name__}: {time.monotonic() - before:.1f} s", flush=True)
            check(f"{far_name}: I11 no password was ever printed",
                  not any(secret in text for text in said for secret in
                          (values["password"], "weak-password-1", "not-the-password", "only-by-tls-1")))
sys.exit(finish())

#!/usr/bin/env python3
"""seed_script - the course's own posting script works with only the URL changed.

The script is SQLAlchemy and requests: 500 rows drawn by LIMIT n,1 from each
table of a database that `generate` filled, posted to the REST proxy's path and
put to the gateway's path.  What was posted is what `topics read` gives, and
what the answers are about; then `stream` lands it in Postgres, where psql's
answers to questions 01 and 08 are those of `query`.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "fault")]
import far  # noqa: E402
import lake  # noqa: E402

lake.need_venv()
import requests  # noqa: E402
import sinks  # noqa: E402
import sqlalchemy  # noqa: E402
from sinks import pinline  # noqa: E402
from sqlalchemy import text  # noqa: E402
from told import check, finish  # noqa: E402

ROWS = int(os.environ.get("ROWS", "500"))
USER = "0affe94cc7d3"
TABLES = {"pin": "pinterest_data", "geo": "geolocation_data", "user": "user_data"}


class AWSDBConnector:
    """As the script has it: an engine made of what the credentials say."""

    def __init__(self, creds):
        self.creds = creds

    def create_db_connector(self):
        c = self.creds
        driver = "postgresql+psycopg2" if c["name"] == "postgres" else "mysql+pymysql"
        return sqlalchemy.create_engine(
            f"{driver}://{c['user']}:{c['password']}@{c['host']}:{c['port']}/{c['database']}")


def post_to_proxy(url, table, result):
    payload = json.dumps({"records": [{"value": result}]}, default=str)
    headers = {"Content-Type": "application/vnd.kafka.json.v2+json"}
    return requests.request("POST", f"{url}/topics/{USER}.{table}", headers=headers, data=payload,
                            timeout=30)


def put_to_gateway(url, table, result):
    name = f"streaming-{USER}-{table}"
    payload = json.dumps({"StreamName": name, "Data": result, "PartitionKey": "partition-1"},
                         default=str)
    headers = {"Content-Type": "application/json"}
    return requests.request("PUT", f"{url}/test/streams/{name}/record", headers=headers,
                            data=payload, timeout=30)


def run_post_data_loop(connector, post, url):
    """The loop of the script, without its sleep."""
    engine = connector.create_db_connector()
    random.seed(100)
    sent = {t: [] for t in TABLES}
    codes = set()
    for _ in range(ROWS):
        random.randrange(0, 2)
        row = random.randint(0, 11000)
        with engine.connect() as connection:
            for table, there in TABLES.items():
                limit = f"LIMIT 1 OFFSET {row}" if connector.creds["name"] == "postgres" \
                    else f"LIMIT {row}, 1"
                for selected in connection.execute(text(f"SELECT * FROM {there} {limit}")):
                    result = dict(selected._mapping)
                    codes.add(post(url, table, result).status_code)
                    sent[table].append(json.loads(json.dumps(result, default=str)))
    engine.dispose()
    check(codes == {200}, f"every answer is 200 {codes}")
    return sent


def read(data, topic, sets):
    out = pinline(data, "topics", "read", topic, *sets).stdout
    return [json.loads(line) for line in out.splitlines()]


def script_round(root, creds, name, post, topics):
    data = os.path.join(root, f"{creds['name']}-{name}")
    sets = ["--set", f"topics={topics_text(topics)}"]
    server = sinks.Server(data, f"topics={topics_text(topics)}", "objects.enabled=false")
    sent = run_post_data_loop(AWSDBConnector(creds), post, server.url)
    server.stop()
    same = all(read(data, topics[t], sets) == sent[t] for t in TABLES)
    check(same, f"{creds['name']}: the topics hold the {3 * ROWS} rows of the script ({name})")
    return data, sets


def topics_text(topics):
    return ",".join(f"{t}={topic}" for t, topic in topics.items())


def resolved(path):
    """The SQL of a question with its defaults."""
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    defaults = {}
    for line in lines:
        found = re.match(r"-- parameter (\w+): ([^ ]+)", line)
        if found:
            defaults[found[1]] = found[2]
    sql = []
    for line in lines:
        if line.startswith("--"):
            continue
        kept, _, marks = line.partition("--? ")
        if all(defaults[m.split("=")[0]] == m.split("=")[1] for m in marks.split()):
            sql.append(kept)
    return "\n".join(sql).format(**defaults)


def views(path):
    with open(path, encoding="utf-8") as f:
        parts = re.split(r"^-- view (\w+):.*$", f.read(), flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def answers_in_psql(data, sets, postgres):
    pinline(data, "stream", "--once", "--set", "stream.sink=postgres", "--set",
            "postgres.url=postgres://{user}@{host}:{port}/{database}".format(**postgres), *sets,
            env={"PINLINE_DB_PASSWORD": postgres["password"]})
    pinline(data, "batch", "--from", "topics", "--answers", "none", "--set",
            f"tables.dir={data}/tables", *sets)

    def psql(sql):
        done = subprocess.run(
            [os.path.join(postgres["bin"], "psql"), "-qX", "--csv", "-t", "-h", postgres["host"],
             "-p", postgres["port"], "-U", postgres["user"], "-d", postgres["database"], "-c", sql],
            env={**os.environ, "PGPASSWORD": postgres["password"]}, capture_output=True, text=True,
            check=True, timeout=60)
        return [line.split(",") for line in done.stdout.splitlines()]
    # Spark's and DuckDB's names for what Postgres calls extract()
    for part in ("year", "month"):
        psql(f"CREATE FUNCTION {part}(timestamp) RETURNS int IMMUTABLE LANGUAGE sql AS "
             f"'SELECT extract({part} FROM $1)::int'")
    for name, sql in views(os.path.join(lake.ROOT, "analyses", "views.sql")):
        psql(f"CREATE VIEW {name} AS {sql}")
    for number, name in (("01", "category-per-country"), ("08", "users-joined")):
        ours = pinline(data, "query", number, "--format", "csv", "--set",
                       f"tables.dir={data}/tables", *sets).stdout.splitlines()
        theirs = psql(resolved(os.path.join(lake.ROOT, "analyses", f"{number}-{name}.sql")))
        ours = [line.split(",") for line in ours if line and not line.startswith("#")]
        if ours and not ours[0][-1].isdigit():
            ours = ours[1:]  # the names of the columns
        flat = [[v.strip('"') for v in r] for r in ours]
        check(flat == [[v.strip('"') for v in r] for r in theirs] and len(flat) >= 3,
              f"question {number} in psql gives what `query` gives {flat[:2]} {theirs[:2]}")


def main():
    with tempfile.TemporaryDirectory(prefix="pinline-seed.") as root, \
            far.side("postgres") as postgres, far.side("mariadb") as mariadb:
        for name, side in (("mariadb", mariadb), ("postgres", postgres)):
            scheme = "mysql" if name == "mariadb" else "postgres"
            pinline(root, "generate", "--to",
                    f"{scheme}://{side['user']}@{side['host']}:{side['port']}/{side['database']}",
                    env={"PINLINE_DB_PASSWORD": side["password"]})
        proxy = {t: f"{USER}.{t}" for t in TABLES}
        gateway = {t: f"streaming-{USER}-{t}" for t in TABLES}
        ways = (("REST proxy", post_to_proxy, proxy), ("gateway", put_to_gateway, gateway))
        made = [script_round(root, {**side, "name": name}, *way)
                for name, side in (("mariadb", mariadb), ("postgres", postgres)) for way in ways]
        answers_in_psql(*made[0], postgres)
    return finish()


sys.exit(main())

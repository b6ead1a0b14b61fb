#!/usr/bin/env python3
"""seed_script - the course's own posting script works with only the URL changed.

The script is SQLAlchemy and requests: 500 rows drawn by LIMIT n,1 from each
table of a database that `generate` filled, posted to the REST proxy's path and
put to the gateway's path.  What was posted is what `topics read` gives.
"""
import json
import os
import random
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


def topics_text(topics):
    return ",".join(f"{t}={topic}" for t, topic in topics.items())


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
        for name, side in (("mariadb", mariadb), ("postgres", postgres)):
            for way in ways:
                script_round(root, {**side, "name": name}, *way)
    return finish()


sys.exit(main())

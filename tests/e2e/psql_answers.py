#!/usr/bin/env python3
"""psql_answers - questions 01 and 08, run by psql, give what `query` gives.

The rows of a run are streamed from its topics into Postgres; psql runs the same
files of analyses/ there, of which only their default lines are taken.
"""
import csv
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "fault")]
import far  # noqa: E402
import lake  # noqa: E402
from sinks import pinline  # noqa: E402
from told import check, finish  # noqa: E402

ANALYSES = os.path.join(lake.ROOT, "analyses")
QUESTIONS = {"01": "category-per-country", "08": "users-joined"}
# Spark's and DuckDB's names for what Postgres calls extract()
PARTS = ("year", "month")


def text_of(name):
    with open(os.path.join(ANALYSES, name), encoding="utf-8") as f:
        return f.read()


def question(name):
    """The SQL of a question with its defaults."""
    lines = text_of(name).splitlines()
    defaults = dict(re.findall(r"(?m)^-- parameter (\w+): ([^ \n]+)", "\n".join(lines)))
    sql = []
    for line in lines:
        kept, _, marks = line.partition("--? ")
        if not line.startswith("--") and all(
                defaults[m.split("=")[0]] == m.split("=")[1] for m in marks.split()):
            sql.append(kept)
    return "\n".join(sql).format(**defaults)


def views():
    parts = re.split(r"^-- view (\w+):.*$", text_of("views.sql"), flags=re.M)
    return list(zip(parts[1::2], parts[2::2]))


def main():
    with tempfile.TemporaryDirectory(prefix="pinline-psql.") as data, \
            far.side("postgres") as postgres:
        os.environ["PINLINE_DB_PASSWORD"] = os.environ["PGPASSWORD"] = postgres["password"]

        def psql(sql):
            done = subprocess.run(
                [os.path.join(postgres["bin"], "psql"), "-qX", "--csv", "-t", "-h",
                 postgres["host"], "-p", postgres["port"], "-U", postgres["user"], "-d",
                 postgres["database"], "-c", sql], capture_output=True, text=True, check=True,
                timeout=120)
            return list(csv.reader(done.stdout.splitlines()))

        pinline(data, "run", "--rows", "3000")
        pinline(data, "stream", "--once", "--set", "stream.sink=postgres", "--set",
                "postgres.url=postgres://{user}@{host}:{port}/{database}".format(**postgres))
        for part in PARTS:
            psql(f"CREATE FUNCTION {part}(timestamp) RETURNS int IMMUTABLE LANGUAGE sql AS "
                 f"'SELECT extract({part} FROM $1)::int'")
        for name, sql in views():
            psql(f"CREATE VIEW {name} AS {sql}")
        for number, name in QUESTIONS.items():
            ours = list(csv.reader(pinline(
                data, "query", number, "--format", "csv").stdout.splitlines()))[1:]
            theirs = psql(question(f"{number}-{name}.sql"))
            check(ours == theirs and len(ours) >= 3,
                  f"question {number} in psql gives what `query` gives, {len(ours)} rows",
                  ours[:3], theirs[:3])
    return finish()


sys.exit(main())

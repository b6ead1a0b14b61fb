#!/usr/bin/env python3
"""databases.py SINK SOURCE: the contract suites on PostgreSQL and MariaDB.

SINK and SOURCE are the programs of sink.c and source.c.
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import far  # noqa: E402
import told  # noqa: E402


def run(program, kind, **values):
    told.program([program, kind], env={**os.environ, **values}, timeout=120)


sink, source = sys.argv[1:3]
with far.side("postgres") as postgres:
    run(sink, "postgres", PINLINE_TEST_POSTGRES=postgres["url"])
    for kind in ("postgres", "postgres-plain"):
        run(source, kind, PINLINE_TEST_DATABASE=postgres["url"])
with far.side("mariadb") as mariadb:
    for kind in ("mysql", "mysql-plain"):
        run(source, kind, PINLINE_TEST_DATABASE=mariadb["url"])
sys.exit(told.finish())

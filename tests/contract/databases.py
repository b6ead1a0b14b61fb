#!/usr/bin/env python3
"""databases.py SINK SOURCE: the contract suites on PostgreSQL and MariaDB.

SINK and SOURCE are the programs of sink.c and source.c.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import far

passed = failed = 0


def run(program, kind, **values):
    """One program on one kind; its tests are counted here."""
    global passed, failed
    out = subprocess.run([program, kind], env={**os.environ, **values}, text=True,
                         stdout=subprocess.PIPE, timeout=120, check=False)
    sys.stdout.write(out.stdout)
    said = re.search(r"(\d+) passed, (\d+) failed", out.stdout)
    passed += int(said[1]) if said else 0
    failed += int(said[2]) if said else 1
    failed += bool(out.returncode and said and int(said[2]) == 0)


sink, source = sys.argv[1:3]
with far.side("postgres") as postgres:
    run(sink, "postgres", PINLINE_TEST_POSTGRES=postgres["url"])
    for kind in ("postgres", "postgres-plain"):
        run(source, kind, PINLINE_TEST_DATABASE=postgres["url"])
with far.side("mariadb") as mariadb:
    for kind in ("mysql", "mysql-plain"):
        run(source, kind, PINLINE_TEST_DATABASE=mariadb["url"])
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)

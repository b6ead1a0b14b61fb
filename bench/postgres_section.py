"""postgres_section.py - what is measured on a real PostgreSQL (fsync on): the
sink against COPY of the same rows and against one execute a row, and rows drawn
from tables of 10,000 and of 10,000,000 rows."""
import os
import statistics
import subprocess
import sys

from harness import Comparison, run

ROWS = 500_000
SMALL, LARGE = 10_000, 10_000_000
DRAWS = 5000


class Database:
    def __init__(self, b, far):
        self.b, self.far, self.made = b, far, 0
        os.environ.update(PINLINE_DB_HOST=far["host"], PINLINE_DB_PORT=far["port"],
                          PINLINE_DB_USER=far["user"], PINLINE_DB_PASSWORD=far["password"],
                          PINLINE_DB_DATABASE=far["database"], PGPASSWORD=far["password"])

    def psql(self, *statements):
        words = [os.path.join(self.far["bin"], "psql"), "-qAtX", "-h", self.far["host"], "-p",
                 self.far["port"], "-U", self.far["user"], "-d", self.far["database"]]
        for s in statements:
            words += ["-c", s]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def fresh(self, like=None):
        """A table name that is new; made like another if one is named."""
        self.made += 1
        name = f"bench_{self.made}"
        self.psql(f"DROP TABLE IF EXISTS bench_{self.made - 1}")
        if like:
            self.psql(f"CREATE TABLE {name} (LIKE {like})")
        return name


def sink(b, db):
    b.say("postgres: sink, COPY, execute")
    tool = b.bench("bench_postgres")
    run([tool, "sink", ROWS, "made"])
    if int(db.psql("SELECT count(*) FROM made")) != ROWS:
        raise RuntimeError("the sink lost rows")
    binary, text = b.path("made.copy"), b.path("made.csv")
    db.psql(f"\\copy made TO '{binary}' WITH (FORMAT binary)")
    db.psql(f"\\copy (SELECT * FROM made LIMIT 20000) TO '{text}' WITH (FORMAT csv)")

    def ours():
        return run([tool, "sink", ROWS, db.fresh()])

    def copy():
        name = db.fresh("made")
        began = run(["true"])["wall"]
        words = [os.path.join(db.far["bin"], "psql"), "-qAtX", "-h", db.far["host"], "-p",
                 db.far["port"], "-U", db.far["user"], "-d", db.far["database"], "-c",
                 f"\\copy {name} FROM '{binary}' WITH (FORMAT binary)"]
        result = run(words)
        result["out"] = {"rows": ROWS, "seconds": result["wall"] - began}
        return result

    def rate(result):
        return result["out"]["rows"] / result["out"]["seconds"]
    pair = Comparison(ours, copy, rate, 3, better="more")
    b.add("Postgres sink against bare COPY",
          ("pinline", pair.median("a"), pair.median("a", "cpu"), pair.median("a", "peak")),
          ("psql COPY", pair.median("b"), pair.median("b", "cpu"), pair.median("b", "peak")),
          pair, bar=0.6, unit="rows/s", note="the same 500,000 pins, fsync on; a commit with "
          "its position every 50,000 rows against one COPY")
    for name, each, rows in (("one transaction", 20000, 20000), ("a commit a row", 1, 3000)):
        def theirs(each=each, rows=rows):
            return run([b.python, os.path.join(b.root, "bench", "rivals", "psycopg2_rival.py"),
                        text, db.fresh("made"), rows, each])
        pair = Comparison(ours, theirs, rate, 3, better="more")
        b.add(f"Postgres sink against psycopg2 execute, {name}",
              ("pinline", pair.median("a"), None, None),
              ("psycopg2", pair.median("b"), None, None), pair,
              bar=20 if each == 1 else None, unit="rows/s")


def draws(b, db):
    b.say(f"postgres: drawing from {LARGE:,} rows")
    each = {}
    for rows in (SMALL, LARGE):
        name = f"geo_{rows}"
        db.psql(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT i::int AS ind, "
                "timestamp '2018-01-01' + i * interval '1 second' AS timestamp, "
                "i / 7.0::float8 AS latitude, i / 3.0::float8 AS longitude, "
                f"'Côte d''Ivoire' AS country FROM generate_series(0, {rows - 1}) i",
                f"CREATE UNIQUE INDEX ON {name} (ind)", f"VACUUM ANALYZE {name}")
        url = "postgres://?geo=" + name
        each[rows] = statistics.median(
            run([b.bench("bench_postgres"), "draw", url, DRAWS])["out"]["each_us"]
            for _ in range(3))
    db.psql(f"DROP TABLE geo_{LARGE}")
    b.add(f"a row drawn from {SMALL:,}", ("pinline", each[SMALL], None, None), unit="us")
    b.add(f"a row drawn from {LARGE:,}", ("pinline", each[LARGE], None, None), unit="us",
          most=3 * each[SMALL], note="a thousand times the rows; the bar is three times the small table")


def start(b):
    """On a database of its own, which writes to disk as a real one does."""
    sys.path.append(os.path.join(b.root, "tests", "e2e"))
    import far
    with far.side("postgres", "--fsync") as values:
        db = Database(b, values)
        sink(b, db)
        draws(b, db)

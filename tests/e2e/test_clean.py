#!/usr/bin/env python3
"""test_clean - C, DuckDB and an independent reading of the rules agree.

On odd values in every column under every option, on the real rows where they
are there, and after a change of one rule in the spec.
"""
import gzip
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import semantics  # noqa: E402
from lake import ROOT, shared  # noqa: E402
from served import PINLINE  # noqa: E402
from told import finish, named as check, skip  # noqa: E402

FOLDER = tempfile.TemporaryDirectory()

TEXTS = ["", " ", "\t\n", "a", " a ", "é", "日本", "\u00a0", "a\u00a0", "it's",
         "a\\b", '"q"', "{x}", "line\nbreak", "\x1f", "a\0b", "No Title Data Available",
         " No Title Data Available\n", "No title data available", "Untitled",
         " Untitled ", "No description available", "User Info Error",
         "\u00a0User Info Error", "Image src error.", "Image src error",
         "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e", "No Tags Available", "a,b,c", "a,,,b",
         "é,a,日", "a,b", "#a,#b", "##a,b#,#", "#", "a,,#b", ",", ",,,", "#é,ü",
         "Local save in /data/art", "Local save in/data", "Local save in  x",
         "Local save in\tx", "Local save in", "Local save in ", "local save in x",
         "x Local save in y", "emoji \U0001F602", "{'a': 1}", "NaN", "null", "true"]
NUMBERS = ["0", "5", " 7 ", "+7", "-7", "007", "2147483647", "2147483648",
           "-2147483648", "-2147483649", "12.0", "12.5", "1e3", "1_000", "0x10", "--1",
           "9" * 18, "9" * 19, "9" * 40, "0" * 30 + "5", "１２", "1 2", "nan", "inf",
           "-0", "-0.0", "1e999", "1e-999", "4.9e-324", "0.1", "+0.5", ".5", "5.",
           "90", "90.0000001", "-180", "180", "1" + "0" * 400, "0." + "3" * 500, "1E2",
           "1e+2", "150", "151", "-1"]
COUNTS = ["5k", "1.2k", "942k", "5M", "3,456", "1.15M", "1.2345k", "5 K", "5\tm", "2b",
          "2.147483647B", "2.147483648b", "3b", "1,23", "1234,567", ",123", "1,234,", "k",
          "5 kk", ".5k", "5.k", "5kb", "-5k", "0.0000000009b", "0.9", "12,345.678k",
          "1,234,567,890", "0,000", "000,5", " 5k ", "5k\u00a0", "0k", "00012k",
          "99999999999k", "0.99999999999999999999k"]
TIMES = ["2019-11-09 07:45:20", "2019-11-09T07:45:20", "2019-11-09T07:45:20Z",
         "2019-11-09 07:45:20.5", "2019-11-09 07:45:20.1234569", " 2019-11-09 ",
         "2021-03-28T14:54:07.000+0000", "2019-11-09T07:45:20+02:00",
         "2019-11-09T07:45:20-0230", "2019-11-09", "11/09/2019, 07:45:20",
         "2019:11:09 07:45:20", "1573285520", "-1", "+1", "1573285520123", "99999999999",
         "100000000000", "-100000000000", "253402300799999", "253402300800000",
         "0001-01-01", "0001-01-01T00:00:00+00:01", "0001-01-01T00:00:00-00:01",
         "9999-12-31T23:59:59.999999", "9999-12-31T23:59:59-00:01", "2020-02-29",
         "2019-02-29", "1900-02-29", "2000-02-29", "0000-00-00", "0000-01-01",
         "2019-13-01", "2019-00-01", "2019-01-00", "2019-11-31", "2019-11-09 24:00:00",
         "2019-11-09 23:60:00", "2019-11-09 23:59:60", "2019-11-09 07:45",
         "2019-11-09 07:45:20.", "2019-11-09 07:45:20 +02:00", "2019-11-09 07:45:20+2",
         "2019-11-09 07:45:20+24:00", "2019-11-09 07:45:20+23:59",
         "2019-11-09 07:45:20+02:60", "2019-11-09 07:45:20 UTC", "2019-11-09T07:45:20z",
         "2019-11-9", "09/11/2019 07:45:20", "13/09/2019, 07:45:20",
         "2019:11:09 07:45:20Z", "soon", "1970-01-01", "1969-12-31 23:59:59.999999"]
OTHERS = [None, True, False, 0, 1, -1, 12, 5000, 2**31 - 1, 2**31, -2**31, -2**31 - 1,
          2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -2**63, 12.0, 12.5, 1e3, -0.0, 0.1,
          1e20, 1e300, -1e300, 5e-324, 1573285520, 1573285520123, 1573285520.5, [], [1],
          {}, {"a": 1}, ["a", "b"], -62135596800, -62135596801]
FIELDS = {
    "pin": ["index", "unique_id", "title", "description", "poster_name",
            "follower_count", "tag_list", "is_image_or_video", "image_src",
            "downloaded", "save_location", "category"],
    "geo": ["ind", "timestamp", "latitude", "longitude", "country"],
    "user": ["ind", "first_name", "last_name", "age", "date_joined"],
}
OPTIONS = {
    "pin": ["tags_as_array", "strip_hash", "join_letters", "ascii_only",
            "untitled_is_null", "keep_downloaded", "reject_bad_counts"],
    "geo": ["coordinates_as_struct"],
    "user": ["name_from_one_part"],
}
DEDUPS = {"row": "row", "none": "none", "raw": "raw",
          "first": "{keep: first, by: [ind]}", "last": "{keep: last, by: [ind]}"}


def records(table, rng, count):
    """Rows with one odd value each, then rows full of them."""
    pool = TEXTS + NUMBERS + COUNTS + TIMES + OTHERS
    plain = {"index": 1, "ind": 1, "title": "t", "follower_count": "5k",
             "first_name": "A", "last_name": "B", "age": 20, "latitude": 1.5,
             "longitude": -2.25, "timestamp": "2019-11-09 07:45:20",
             "date_joined": "2015-10-21 21:26:45"}
    out = []
    for field in FIELDS[table]:
        for v in pool:
            r = {f: plain.get(f, "x") for f in FIELDS[table]}
            r[field] = v
            out.append(r)
    for i in range(count):
        r = {f: rng.choice(pool) for f in FIELDS[table] if rng.random() < 0.9}
        r[rng.choice(["index", "ind", "idx"])] = rng.choice([i % 97, "5", None, i])
        if rng.random() < 0.1:
            r["extra"] = rng.choice(pool)
        out.append(r)
    return out + out[: len(out) // 3]


def key_of(row):
    """A row as text; doubles by their bits."""
    def canon(v):
        if isinstance(v, float):
            return "f" + struct.pack(">d", v).hex()
        if isinstance(v, list):
            return "[" + ",".join(map(canon, v)) + "]"
        if isinstance(v, dict):
            return "{" + ",".join(k + ":" + canon(x) for k, x in v.items()) + "}"
        return json.dumps(v)
    return canon(row)


def doubles(table, row):
    """What is a double in the table is one in Python too."""
    c = row.get("coordinates")
    if c is not None:
        row["coordinates"] = [float(x) for x in c]
    return row


def run(table, path, sets, *args):
    out = os.path.join(FOLDER.name, "out.jsonl")
    cmd = [PINLINE, "clean", "-q", "--table", table, path, "-o", out, *args]
    for s in sets:
        cmd += ["--set", s]
    r = subprocess.run(cmd, capture_output=True, text=True, cwd=FOLDER.name)
    if r.returncode != 0:
        raise SystemExit("%s: %s" % (" ".join(cmd), r.stderr))
    with open(out, encoding="utf-8") as f:
        return sorted(key_of(doubles(table, json.loads(line))) for line in f)


def difference(a, b):
    only_a = sorted(set(a) - set(b))[:2]
    only_b = sorted(set(b) - set(a))[:2]
    return "(%d, %d rows)\n  only first: %s\n  only second: %s" % (
        len(a), len(b), only_a, only_b)


def compare(table, path, rows, options, dedup, more=()):
    sets = ["%s.%s=on" % (table, o) for o in options]
    sets += ["%s.deduplicate=%s" % (table, DEDUPS[dedup])] + list(more)
    what = "%s %s deduplicate=%s %s" % (table, "+".join(options) or "defaults", dedup,
                                        " ".join(more))
    c = run(table, path, sets)
    sql = run(table, path, sets, "--engine", "duckdb")
    check("C = DuckDB: " + what, c == sql, difference(c, sql))
    if rows is not None:
        want = sorted(key_of(doubles(table, r)) for r in
                      semantics.clean_all(table, rows, options, dedup))
        check("C = Python: " + what, c == want, difference(c, want))


def write(name, rows):
    path = os.path.join(FOLDER.name, name)
    with open(path, "w", encoding="utf-8") as f:
        for r in rows:
            f.write(json.dumps(r, ensure_ascii=random.Random(len(r)).random() < 0.5) + "\n")
    return path


def odd_values():
    rng = random.Random(11)
    for table in FIELDS:
        rows = records(table, rng, 3000)
        path = write(table + ".jsonl", rows)
        compare(table, path, rows, [], "row")
        for o in OPTIONS[table]:
            compare(table, path, rows, [o], "row")
        compare(table, path, rows, OPTIONS[table], "row")
        for d in DEDUPS:
            compare(table, path, None if d == "raw" else rows, [], d)
        compare(table, path, None, [], "row", [
            "%s.ind.type=bigint" % table, "%s.ind.on_error=reject" % table])
    path = os.path.join(FOLDER.name, "pin.jsonl")
    for column in ("title", "follower_count", "tag_list", "save_location"):
        compare("pin", path, None, [], "row", ["pin.%s.on_error=reject" % column])
    compare("geo", os.path.join(FOLDER.name, "geo.jsonl"), None, [], "row",
            ["geo.coordinates.on_error=reject", "geo.timestamp.on_error=reject"])
    compare("user", os.path.join(FOLDER.name, "user.jsonl"), None,
            ["name_from_one_part"], "row", ["user.user_name.on_error=reject"])


def rule_changes():
    """One rule changed in the YAML changes both alike, and does change."""
    with open(os.path.join(ROOT, "pipelines", "pinterest.yaml"), encoding="utf-8") as f:
        spec = f.read()
    path = os.path.join(FOLDER.name, "pin.jsonl")
    before = run("pin", path, [])
    for name, old, new in (
            ("a placeholder", '["No Title Data Available"]', '["Untitled", "a"]'),
            ("a prefix", 'strip_prefix: ["Local save in"]', 'strip_prefix: ["x", "Local"]'),
            ("a type", "unique_id:         {type: text", "unique_id:         {type: int"),
            ("a range", "downloaded:        {type: int, drop: true",
             "downloaded:        {type: bigint, range: [-5, 5]"),
            ("a source", "category:          {type: text",
             "category:          {type: text, from: [extra, title]")):
        if old not in spec:
            raise SystemExit("pipelines/pinterest.yaml has no " + old)
        changed = os.path.join(FOLDER.name, "changed.yaml")
        with open(changed, "w", encoding="utf-8") as f:
            f.write(spec.replace(old, new))
        sets = ["spec=" + changed]
        c = run("pin", path, sets)
        sql = run("pin", path, sets, "--engine", "duckdb")
        check("%s changed: C = DuckDB" % name, c == sql, difference(c, sql))
        check("%s changed: rows change" % name, c != before)


def real_rows():
    data = shared()
    if not os.path.isdir(data):
        skip(f"no real rows in {data}")
        return
    for table in FIELDS:
        for name in (table, table + "_edge_cases"):
            path = os.path.join(data, name + ".jsonl")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    rows = [json.loads(line) for line in f]
                compare(table, path, rows, [], "row")
                compare(table, path, rows, OPTIONS[table], "row")


def variants():
    """What is decoded from every variant is the same whoever cleans it."""
    folder = shared("data", "variants")
    if not os.path.isdir(folder):
        skip(f"no variants in {folder}")
    for at, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            for table in FIELDS:
                compare(table, os.path.join(at, name), None, [], "row")


def decoded():
    """`--decoded` gives each record once, with unique keys and the numbers' kinds."""
    path = os.path.join(FOLDER.name, "wrapped.jsonl")
    with open(path, "w", encoding="utf-8") as f:
        f.write('{"records":[{"value":{"index":1,"a":12.0,"a":12}}]}\n'
                '[{"index":2,"b":1e2},{"index":3}]\nnot a record\n')
    r = subprocess.run([PINLINE, "clean", "-q", "--table", "pin", "--decoded", path,
                        "--rejects", path + ".rejects.jsonl"],
                       capture_output=True, text=True, cwd=FOLDER.name, check=False)
    check("decoded records are canonical", r.stdout ==
          '{"index":1,"a":12}\n{"index":2,"b":100.0}\n{"index":3}\n',
          r.stdout + r.stderr)
    with open(path + ".rejects.jsonl", encoding="utf-8") as f:
        rejects = [json.loads(line) for line in f]
    check("what is none is set aside with its place",
          len(rejects) == 1 and rejects[0]["reason"] == "not JSON" and
          rejects[0]["payload"] == "not a record", str(rejects))


def generated():
    """Generated rows with planted faults: C = DuckDB, and the counts are the truth."""
    home = os.path.join(FOLDER.name, "generated")
    truth = os.path.join(FOLDER.name, "truth.json")
    subprocess.run([PINLINE, "-q", "generate", "--rows", "10000", "--bad", "0.03",
                    "--duplicates", "0.05", "--seed", "5", "--out", home, "--truth", truth],
                   check=True, capture_output=True)
    with open(truth, encoding="utf-8") as f:
        planted = json.load(f)["tables"]
    for table in FIELDS:
        path = os.path.join(home, table + ".jsonl")
        stats = os.path.join(FOLDER.name, "stats.json")
        c = run(table, path, [], "--stats", stats)
        check("generated %s: C = DuckDB" % table,
              c == run(table, path, [], "--engine", "duckdb", "--stats", stats + ".duck"))
        with open(stats + ".duck", encoding="utf-8") as f:
            duck = json.load(f)
        with open(stats, encoding="utf-8") as f:
            got = json.load(f)
        want = planted[table]
        for key in ("cleaned", "duplicate", "rejected", "expanded", "messages", "rejects"):
            check("generated %s: %s" % (table, key), got[key] == want[key],
                  "%s, planted %s" % (got[key], want[key]))
        same = ("rows", "cleaned", "duplicate", "rejected", "messages", "expanded", "decoded")
        check("generated %s: DuckDB counts as C" % table,
              [duck[k] for k in same] == [got[k] for k in same], "%s, C %s" % (duck, got))
        made = {k: sum(got["nulled"].get(k, {}).values()) for k in want["nulls_made"]}
        check("generated %s: NULLs made" % table, made == want["nulls_made"],
              "%s, planted %s" % (made, want["nulls_made"]))


def packed():
    """The same rows from gzip and zstd, recognised by content."""
    rows = b"".join(b'{"index": %d, "title": "t"}\n' % i for i in range(2000))
    # a frame of zstd by hand: magic, no size, a window of 8 MB, raw blocks
    blocks = [rows[i:i + 60000] for i in range(0, len(rows), 60000)]
    frame = struct.pack("<IBB", 0xFD2FB528, 0, 13 << 3)
    for i, block in enumerate(blocks):
        head = (len(block) << 3) | (i == len(blocks) - 1)
        frame += struct.pack("<I", head)[:3] + block
    want = None
    for name, data in (("rows", rows), ("rows.gz", gzip.compress(rows)),
                       ("rows.zst", frame), ("two.zst", frame + frame)):
        path = os.path.join(FOLDER.name, name)
        with open(path, "wb") as f:
            f.write(data)
        got = run("pin", path, [])
        want = want or got
        check("rows of %s" % name, len(got) == 2000 and got == want)
    with open(path, "wb") as f:
        f.write(frame[:-100])
    r = subprocess.run([PINLINE, "clean", "--table", "pin", path], capture_output=True,
                       text=True, check=False)
    check("zstd that ends early is told", r.returncode == 1 and path in r.stderr, r.stderr)


def example():
    """Another data set: only YAML, SQL and rows."""
    home = os.path.join(ROOT, "examples", "weather")
    r = subprocess.run([PINLINE, "check"], capture_output=True, text=True, cwd=home,
                       check=False)
    check("the weather example passes its own tests", r.returncode == 0, r.stderr)
    for table, name, rows in (("reading", "reading.jsonl", 7), ("station", "station.csv", 3)):
        path = os.path.join(home, "rows", name)
        sets = ["spec=" + os.path.join(home, "spec.yaml")]
        c = run(table, path, sets)
        check("weather %s: C = DuckDB" % table, c == run(table, path, sets, "--engine",
                                                         "duckdb"))
        check("weather %s: %d rows" % (table, rows), len(c) == rows)
    r = subprocess.run([PINLINE, "--data", os.path.join(FOLDER.name, "weather"), "run",
                        "--input", "rows", "--format", "json"],
                       capture_output=True, text=True, cwd=home, check=False)
    try:
        got = json.loads(r.stdout)
    except ValueError:
        got = {}
    want = {"received": 8, "stored": 8, "expanded": 1, "cleaned": 7, "rejected": 1,
            "duplicate": 1}
    sums = got.get("accounting", {}).get("reading", {})
    check("weather: the whole path", {k: sums.get(k) for k in want} == want,
          r.stdout + r.stderr)
    check("weather: its answers", [x["mean_celsius"] for x in
                                   got.get("answers", {}).get("01", [])][1:] == [8],
          r.stdout)


def cases():
    """tests/cases/clean: spec, input, what comes out, what does not."""
    folder = os.path.join(ROOT, "tests", "cases", "clean")
    for name in sorted(os.listdir(folder)):
        at = os.path.join(folder, name)
        with open(os.path.join(at, "args"), encoding="utf-8") as f:
            args = [x for line in f for x in
                    ([line.strip()] if "{" in line else line.split())]
        rejects = os.path.join(FOLDER.name, "case.rejects.jsonl")
        r = subprocess.run([PINLINE, "clean", "-q", *args, "--rejects", rejects,
                            "input.jsonl"], capture_output=True, text=True, cwd=at,
                           check=False)
        with open(rejects, encoding="utf-8") as f:
            refused = f.read()
        if os.environ.get("PINLINE_GOLDEN"):
            for file, text in (("output.jsonl", r.stdout), ("rejects.jsonl", refused)):
                with open(os.path.join(at, file), "w", encoding="utf-8") as f:
                    f.write(text)
        for file, text in (("output.jsonl", r.stdout), ("rejects.jsonl", refused)):
            with open(os.path.join(at, file), encoding="utf-8") as f:
                want = f.read()
            check("case %s: %s" % (name, file), text == want, text + r.stderr)


if __name__ == "__main__":
    cases()
    example()
    packed()
    generated()
    odd_values()
    rule_changes()
    decoded()
    real_rows()
    variants()
    sys.exit(finish())

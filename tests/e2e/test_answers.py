#!/usr/bin/env python3
"""test_answers.py - every answer and variant of the program
against plain Python (answers.py), on real rows, on published tables and on
small rows with every kind of gap.  The tables are written by delta-rs."""
import json
import os
import random
import subprocess
import sys
import tempfile
import datetime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import answers  # noqa: E402
import lake  # noqa: E402
from told import finish, named as check, skip  # noqa: E402

lake.need_venv()
PINLINE, SHARED = lake.pinline(), lake.shared()


def query(folder, *args):
    run = subprocess.run([PINLINE, "query", "--tables", folder, *args,
                          "--format", "json"], capture_output=True, text=True,
                         cwd=folder)
    if run.returncode != 0:
        return {"error": run.stderr}
    return json.loads(run.stdout)


def differs(got, want):
    if got == want:
        return None
    for i in range(max(len(got), len(want))):
        a = got[i] if i < len(got) else None
        b = want[i] if i < len(want) else None
        if a != b or list(a) != list(b):
            return f"row {i}: got {a}, want {b}"
    return None


VARIANTS = [{}, {"ties": "first"}, {"list": "all"}, {"nulls": "kept"},
            {"who": "user"}, {"median": "lower"}, {"grain": "person"},
            {"grain": "name"}, {"grain": "ind"}, {"age_label": "50+"},
            {"ages": "oldest"}, {"from_year": 2016, "to_year": 2017},
            {"top": 3}, {"nulls": "kept", "list": "all", "who": "user"},
            {"nulls": "kept", "ties": "first"}]


def compare(name, tables, variants):
    with tempfile.TemporaryDirectory() as folder:
        answers.write_delta(tables, folder)
        for v in variants:
            sets = [x for k, w in v.items() for x in ("--set", f"{k}={w}")]
            got = query(folder, "all", *sets)
            want = answers.answers(tables, **v)
            label = ",".join(f"{k}={w}" for k, w in v.items()) or "default"
            if "error" in got:
                check(f"{name} {label}", False, got["error"])
                continue
            for id_ in sorted(want):
                # keys in order, too
                why = differs([list(r.items()) for r in got[id_]],
                              [list(r.items()) for r in want[id_]])
                check(f"{name} {label} {id_}", why is None, why)


def small():
    """Rows with gaps, ties, repeated row numbers and odd ages."""
    r = random.Random(7)
    day = datetime.datetime(2014, 12, 30, tzinfo=datetime.timezone.utc)
    tables = {"pin": [], "geo": [], "user": []}

    def pick(*values):
        return r.choice(values)

    for i in range(400):
        ind = r.randrange(150)
        tables["pin"].append({
            **{c: pick("x", None) for c in answers.PIN}, "ind": ind,
            "category": pick("art", "Zoo", "\u00e4rger", "zoo", None),
            "poster_name": pick("b", "a", "\U0001f600", "\uffee", None),
            "follower_count": pick(None, 0, 1, 2, 7, 10, r.randrange(2**31))})
    for i in range(300):
        tables["geo"].append({
            "ind": r.randrange(150),
            "country": pick("Aruba", "Cote d'Ivoire", "\u00c5land", None),
            "coordinates": pick(None, [r.random(), -r.random()]),
            "timestamp": pick(None, day + datetime.timedelta(
                days=r.randrange(3200), microseconds=r.randrange(10**6)))})
    for i in range(300):
        tables["user"].append({
            "ind": r.randrange(150), "user_name": pick("A B", "C D", None),
            "age": pick(None, 0, 17, 18, 24, 25, 35, 36, 50, 51, 150),
            "date_joined": pick(None, day + datetime.timedelta(
                days=r.randrange(2600)))})
    return tables


def real():
    if not os.path.exists(os.path.join(SHARED, "user.jsonl")):
        skip(f"no real rows in {SHARED}")
        return
    raw = {t: answers.read_lines(os.path.join(SHARED, t + ".jsonl"))
           for t in ("pin", "geo", "user")}
    compare("real", answers.clean_rows(raw), VARIANTS)


# The eight published tables: which answer, with which choices.
PUBLISHED = {
    20: ("01", {}),
    22: ("03", {}),
    24: ("04", {"list": "all", "nulls": "kept"}),
    26: ("06", {"age_label": "50+"}),
    28: ("07", {"age_label": "50+"}),
    30: ("08", {"grain": "name"}),
    32: ("09", {}),
    34: ("10", {"age_label": "50+"}),
}


def published():
    folder = os.path.join(SHARED, "expected", "chefdata_322")
    if not os.path.exists(folder):
        skip(f"no published tables in {SHARED}")
        return
    raw = {t: answers.read_lines(os.path.join(folder, f"input_raw_{t}.jsonl"))
           for t in ("pin", "geo", "user")}
    with open(os.path.join(folder, "results.json"), encoding="utf-8") as f:
        results = json.load(f)["results"]
    with tempfile.TemporaryDirectory() as d:
        answers.write_delta(answers.clean_rows(raw), d)
        for result in results:
            id_, choices = PUBLISHED[result["cell"]]
            sets = [x for k, w in choices.items() for x in ("--set", f"{k}={w}")]
            got = query(d, id_, *sets)
            same = sorted(map(repr, (tuple(r.values()) for r in got))) == \
                sorted(map(repr, (tuple(int(x) if isinstance(x, float) and
                                        x == int(x) else x for x in r)
                                  for r in result["rows"])))
            used = ", ".join(f"{k}={w}" for k, w in choices.items())
            check(f"published cell {result['cell']} is answer {id_} "
                  f"({used or 'default'})", same,
                  f"{len(got)} rows, {len(result['rows'])} published")


compare("small", small(), VARIANTS)
compare("empty", {"pin": [], "geo": [], "user": []}, [{}, {"list": "all"}])
real()
published()
sys.exit(finish())

"""The answers 01 to 15 once more, in plain Python written from their
definitions, so that the program can be compared with it.

clean_rows(raw) cleans decoded records (semantics.py beside this);
answers(tables, **choices) computes everything as {id: [row objects]};
write_delta(tables, folder) makes Delta tables with delta-rs, independent of the
program's own writer.
"""
import datetime
import itertools
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import semantics  # noqa: E402

PIN = ["ind", "unique_id", "title", "description", "follower_count",
       "poster_name", "tag_list", "is_image_or_video", "image_src",
       "save_location", "category"]
GEO = ["ind", "country", "coordinates", "timestamp"]
USER = ["ind", "user_name", "age", "date_joined"]
COLUMNS = {"pin": PIN, "geo": GEO, "user": USER}


def moment(text):
    return text and datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def clean_rows(raw, deduplicate="row"):
    """raw: table -> list of decoded records."""
    return in_time({name: semantics.clean_all(name, records, (), deduplicate)
                    for name, records in raw.items()})


def in_time(tables):
    """Cleaned rows with their times as such instead of as text."""
    for row in itertools.chain(*tables.values()):
        for column in ("timestamp", "date_joined"):
            if column in row:
                row[column] = moment(row[column])
    return tables


def read_lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def write_delta(tables, folder):
    import duckdb
    from deltalake import write_deltalake
    types = {"ind": "INTEGER", "follower_count": "INTEGER", "age": "INTEGER",
             "coordinates": "DOUBLE[]", "timestamp": "TIMESTAMPTZ",
             "date_joined": "TIMESTAMPTZ"}
    for name, rows in tables.items():
        lines = os.path.join(folder, name + ".jsonl")
        columns = {c: types.get(c, "VARCHAR") for c in COLUMNS[name]}
        with open(lines, "w", encoding="utf-8") as f:
            for r in rows:
                f.write(json.dumps(r, default=str) + "\n")
        db = duckdb.connect()
        db.execute("SET TimeZone='UTC'")
        shape = ", ".join(f"{c!r}: {t!r}" for c, t in columns.items())
        source = (f"read_json('{lines}', format='newline_delimited', "
                  f"columns={{{shape}}})" if rows else
                  "(SELECT " + ", ".join(f"NULL::{t} AS \"{c}\"" for c, t in
                                         columns.items()) + " WHERE false)")
        write_deltalake(os.path.join(folder, name),
                        db.sql(f"SELECT * FROM {source}"))
        os.remove(lines)


# --- answering -----------------------------------------------------------------

def order(*values):
    """Ascending, None last, texts by bytes."""
    return tuple((v is None, v.encode() if isinstance(v, str) else v or 0)
                 for v in values)


def median(values, how):
    values = sorted(values)
    n = len(values)
    low = values[(n - 1) // 2]
    if how == "lower":
        return low
    total = low + values[n // 2]
    return total // 2 if total % 2 == 0 else total / 2


def group(rows, key):
    out = {}
    for r in rows:
        out.setdefault(key(r), []).append(r)
    return out


def best(counts, groups_by, ties, last):
    """counts: (group, name) -> number; the first places of each group."""
    out = []
    for g, items in group(counts.items(), groups_by).items():
        most = max(n for _, n in items)
        won = sorted([k for k, n in items if n == most],
                     key=lambda k: order(*last(k)))
        out += [(k, most) for k in (won if ties == "keep" else won[:1])]
    return out


def age_group(age, c):
    if age is not None and 18 <= age <= 24:
        return "18-24"
    if age is not None and 25 <= age <= 35:
        return "25-35"
    if age is not None and 36 <= age <= 50:
        return "36-50"
    if c["ages"] == "oldest" or (age is not None and age > 50):
        return c["age_label"]
    return "unknown" if age is None else "<18"


def join(pins, others):
    by_ind = group(others, lambda r: r["ind"])
    return [(p, o) for p in pins for o in by_ind.get(p["ind"], [])]


def tally(keys):
    out = {}
    for k in keys:
        out[k] = out.get(k, 0) + 1
    return out


DEFAULTS = {"ties": "keep", "list": "top", "nulls": "out", "who": "poster",
            "median": "exact", "grain": "row", "age_label": "+50",
            "ages": "apart", "top": 20}
WINDOWS = {"02": (2018, 2022), "03": (2018, 2022), "08": (2015, 2020),
           "09": (2015, 2020), "10": (2015, 2020), "11": (2015, 2022)}


def year(t):
    return None if t is None else t.year


def answer_04(pg, pgu, c):
    if c["who"] == "user":
        rows = [(g["country"], u["user_name"], p["follower_count"])
                for p, g, u in pgu]
    else:
        rows = [(g["country"], p["poster_name"], p["follower_count"])
                for p, g in pg]
    if c["nulls"] == "out":
        rows = [r for r in rows if r[1] is not None and r[2] is not None]
    most = {}
    for country, name, n in rows:
        old = most.setdefault((country, name), n)
        if n is not None and (old is None or n > old):
            most[country, name] = n
    if c["list"] == "top":
        known = {k: -1 if n is None else n for k, n in most.items()}
        most = {k: most[k] for k, _ in best(known, lambda x: x[0][0],
                                            c["ties"], lambda k: k[1:])}
    column = "user_name" if c["who"] == "user" else "poster_name"
    return [{"country": k[0], column: k[1], "follower_count": n}
            for k, n in sorted(most.items(), key=lambda x: (
                x[1] is None, -(x[1] or 0), *order(*x[0])))]


def answer_05(pg, c):
    rows = [(g["country"], p["follower_count"]) for p, g in pg
            if p["follower_count"] is not None
            and (c["nulls"] == "kept" or p["poster_name"] is not None)]
    if not rows:
        return []
    most = max(n for _, n in rows)
    won = sorted({country for country, n in rows if n == most}, key=order)
    return [{"country": x, "follower_count": most}
            for x in (won if c["ties"] == "keep" else won[:1])]


def categories(counts, keys, c, top):
    """counts: (key, category) -> number, as rows of three columns."""
    items = (best(counts, lambda x: x[0][0], c["ties"], lambda k: k[1:])
             if top else counts.items())
    return [{keys: k[0], "category": k[1], "category_count": n}
            for k, n in sorted(items, key=lambda x: order(*x[0]))]


def medians(values, names, c):
    """values: (key..., follower count); the median for each key."""
    grouped = group([v for v in values if v[-1] is not None],
                    lambda v: v[:-1])
    return [{**dict(zip(names, k)),
             "median_follower_count": median([v[-1] for v in vs], c["median"])}
            for k, vs in sorted(grouped.items(), key=lambda x: order(*x[0]))]


def answer_08(users, window, c):
    keys = {"row": None, "person": ("user_name", "age", "date_joined"),
            "name": ("user_name",), "ind": ("ind",)}[c["grain"]]
    rows = [(tuple(u[k] for k in keys) if keys else (i,),
             year(u["date_joined"])) for i, u in enumerate(users)]
    years = tally(y for _, y in set(rows)
                  if y is not None and window[0] <= y <= window[1])
    return [{"post_year": y, "number_users_joined": n}
            for y, n in sorted(years.items())]


def answer_13(pins):
    out = []
    for category, rows in sorted(group(pins, lambda p: p["category"]).items(),
                                 key=lambda x: order(x[0])):
        known = [p["follower_count"] for p in rows
                 if p["follower_count"] is not None]
        out.append({"category": category, "posts": len(rows),
                    "mean_follower_count":
                        sum(known) / len(known) if known else None,
                    "max_follower_count": max(known, default=None)})
    return out


def answer_14(pins, c):
    posters = group([p for p in pins if p["poster_name"] is not None],
                    lambda p: p["poster_name"])
    rows = []
    for name, ps in posters.items():
        known = [p["follower_count"] for p in ps
                 if p["follower_count"] is not None]
        rows.append((max(known, default=None), name, len(ps)))
    rows.sort(key=lambda r: (r[0] is None, -(r[0] or 0), *order(r[1])))
    place = []
    for i, r in enumerate(rows):
        same = i > 0 and rows[i - 1][0] == r[0] and c["ties"] == "keep"
        place.append(place[-1] if same else i + 1)
    return [{"poster_name": r[1], "follower_count": r[0], "posts": r[2]}
            for r, at in zip(rows, place) if at <= c["top"]]


def answer_15(tables):
    out = []
    for name in sorted(tables):
        rows = tables[name]
        for column in sorted(COLUMNS[name]):
            nulls = sum(r[column] is None for r in rows)
            out.append({"table_name": name, "column_name": column,
                        "rows": len(rows), "nulls": nulls,
                        "null_share": nulls / len(rows) if rows else None})
    return out


def answers(tables, **choices):
    c = {**DEFAULTS, **choices}
    windows = {k: (c.get("from_year", a), c.get("to_year", b))
               for k, (a, b) in WINDOWS.items()}
    pins, geos, users = tables["pin"], tables["geo"], tables["user"]
    pg = join(pins, geos)
    pu = join(pins, users)
    users_of = group(users, lambda u: u["ind"])
    pgu = [(p, g, u) for p, g in pg for u in users_of.get(p["ind"], [])]

    def within(id_, y):
        return y is not None and windows[id_][0] <= y <= windows[id_][1]

    by_year = {id_: tally((year(g["timestamp"]), p["category"])
                          for p, g in pg if within(id_, year(g["timestamp"])))
               for id_ in ("02", "03")}
    by_age = tally((age_group(u["age"], c), p["category"]) for p, u in pu)
    by_country = tally((g["country"], p["category"]) for p, g in pg)
    months = tally((g["timestamp"].strftime("%Y-%m"), p["category"])
                   for p, g in pg if g["timestamp"] is not None)
    top = c["list"] == "top"
    return {
        "01": categories(by_country, "country", c, top),
        "02": categories(by_year["02"], "post_year", c, False),
        "03": categories(by_year["03"], "post_year", c, True),
        "04": answer_04(pg, pgu, c),
        "05": answer_05(pg, c),
        "06": categories(by_age, "age_group", c, top),
        "07": medians([(age_group(u["age"], c), p["follower_count"])
                       for p, u in pu], ["age_group"], c),
        "08": answer_08(users, windows["08"], c),
        "09": medians([(year(u["date_joined"]), p["follower_count"])
                       for p, u in pu if within("09", year(u["date_joined"]))],
                      ["post_year"], c),
        "10": medians([(age_group(u["age"], c), year(u["date_joined"]),
                        p["follower_count"]) for p, u in pu
                       if within("10", year(u["date_joined"]))],
                      ["age_group", "post_year"], c),
        "11": medians([(age_group(u["age"], c), year(g["timestamp"]),
                        p["follower_count"]) for p, g, u in pgu
                       if within("11", year(g["timestamp"]))],
                      ["age_group", "post_year"], c),
        "12": categories(months, "month", c, False),
        "13": answer_13(pins),
        "14": answer_14(pins, c),
        "15": answer_15(tables),
    }

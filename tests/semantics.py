"""semantics - decoding, cleaning and the answers in plain Python.

Written from the definitions (docs), not from the C code, and slow on purpose:
tests compare what the program gives with what this gives.
"""
import ast
import base64
import binascii
import calendar
import collections
import datetime
import json
import re
from fractions import Fraction

KEYS = ("index", "ind", "idx")
BLANKS = "\t\n\v\f\r "
LEVELS = 4
INT = re.compile(r"[+-]?[0-9]+\Z")
DOUBLE = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z")
COUNT = re.compile(r"([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)?[\t\n\v\f\r ]*([kKmMbB]?)\Z")
PLACEHOLDERS = {
    "title": ["No Title Data Available"],
    "description": ["No description available Story format",
                    "No description available"],
    "poster_name": ["User Info Error"],
    "follower_count": ["User Info Error"],
    "tag_list": ["N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e", "No Tags Available"],
    "image_src": ["Image src error.", "Image src error"],
}


class Reject(Exception):
    pass


def no_constants(name):
    raise ValueError(name)


def parse_json(text):
    return json.loads(text, parse_constant=no_constants)


def parse_text(text):
    """JSON, else base64 of JSON, else a Python dict literal."""
    try:
        return parse_json(text)
    except ValueError:
        pass
    try:
        return parse_json(base64.b64decode(text, validate=True).decode())
    except (ValueError, binascii.Error):
        pass
    return parse_python(text)


def parse_python(text):
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise Reject("not JSON") from None
    if not isinstance(value, dict):
        raise Reject("not JSON")
    return value


def unwrap(value, left):
    """Yields records and Reject instances."""
    if isinstance(value, dict):
        if any(k in value for k in KEYS):
            yield value
            return
        for name in ("records", "value", "Data", "data", "payload"):
            if name in value:
                break
        else:
            yield Reject("no key")
            return
        if left == 0:
            yield Reject("nested too deep")
            return
        inner = value[name]
        if name == "records" and isinstance(inner, list):
            for part in inner:
                yield from unwrap(part["value"] if isinstance(part, dict)
                                  and "value" in part else part, left - 1)
            return
        yield from unwrap(inner, left - 1)
    elif isinstance(value, list):
        if left == 0:
            yield Reject("nested too deep")
            return
        for part in value:
            yield from unwrap(part, left - 1)
    elif isinstance(value, str):
        if left == 0:
            yield Reject("nested too deep")
            return
        try:
            inner = parse_text(value)
        except Reject as r:
            yield r
            return
        yield from unwrap(inner, left - 1)
    elif value is None:
        yield Reject("no value")
    else:
        yield Reject("no key")


def decode(line):
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return [Reject("invalid UTF-8")]
    try:
        value = parse_json(text)
    except ValueError:
        try:
            value = parse_python(text)
        except Reject as r:
            return [r]
    return list(unwrap(value, LEVELS))


def text_of(value):
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str) and "\0" not in value:
        return value
    return None


def clean_text(record, column):
    value = text_of(record.get(column))
    if value is None:
        return None
    trimmed = value.strip(BLANKS)
    return None if trimmed == "" or trimmed in PLACEHOLDERS.get(column, []) else value


def int32(value, low=-2**31, high=2**31 - 1):
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        value = value.strip(BLANKS)
        if not INT.match(value):
            return None
        value = int(value)
    elif isinstance(value, float):
        if value != int(value):
            return None
        value = int(value)
    elif not isinstance(value, int):
        return None
    return value if low <= value <= high else None


def double(value):
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) + 0.0
    if isinstance(value, str) and DOUBLE.match(value.strip(BLANKS)):
        return float(value.strip(BLANKS)) + 0.0
    return None


def count(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return int32(value, 0)
    if not isinstance(value, str):
        return None
    m = COUNT.match(value.strip(BLANKS))
    if not m:
        return None
    n = Fraction(m[1].replace(",", "") + (m[2] or ""))
    n = int(n * {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}[m[3].lower()])
    return n if n < 2**31 else None


TIMES = [
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)[ T](?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)"
    r"(\.(?P<f>\d+))?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    r"(?P<m>\d\d)/(?P<d>\d\d)/(?P<y>\d{4}), (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)",
    r"(?P<y>\d{4}):(?P<m>\d\d):(?P<d>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)",
    r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)",
]


def timestamp(value):
    """Microseconds since 1970, UTC."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 10**6 if abs(value) < 10**11 else value * 1000
    if not isinstance(value, str):
        return None
    for pattern in TIMES:
        m = re.match(pattern + r"\Z", value.strip(BLANKS), re.ASCII)
        if m:
            return time_of(m.groupdict())
    return None


def time_of(part):
    try:
        t = datetime.datetime(*(int(part.get(x) or 0) for x in "ymdHMS"))
    except ValueError:
        return None
    us = calendar.timegm(t.timetuple()) * 10**6 + int(((part.get("f") or "") + "000000")[:6])
    zone = part.get("zone")
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = (int(digits[:2]) * 3600 + int(digits[2:]) * 60) * 10**6
        us -= offset if zone[0] == "+" else -offset
    return us


def key_of(record):
    for name in KEYS:
        if name in record:
            n = int32(record[name])
            if n is not None:
                return n
    raise Reject("no key")


def clean_pin(r):
    save = clean_text(r, "save_location")
    if save is not None and save.startswith("Local save in"):
        save = save[len("Local save in"):]
        save = save[1:] if save.startswith(" ") else save
    followers = None if clean_text(r, "follower_count") is None else count(r["follower_count"])
    return {"ind": key_of(r), "unique_id": clean_text(r, "unique_id"),
            "title": clean_text(r, "title"),
            "description": clean_text(r, "description"),
            "follower_count": followers,
            "poster_name": clean_text(r, "poster_name"),
            "tag_list": clean_text(r, "tag_list"),
            "is_image_or_video": clean_text(r, "is_image_or_video"),
            "image_src": clean_text(r, "image_src"),
            "save_location": save, "category": clean_text(r, "category")}


def clean_geo(r):
    lat, lon = double(r.get("latitude")), double(r.get("longitude"))
    bad = lat is None or lon is None or not -90 <= lat <= 90 or not -180 <= lon <= 180
    return {"ind": key_of(r), "country": clean_text(r, "country"),
            "coordinates": None if bad else (lat, lon),
            "timestamp": timestamp(r.get("timestamp"))}


def clean_user(r):
    first, last = clean_text(r, "first_name"), clean_text(r, "last_name")
    return {"ind": key_of(r),
            "user_name": None if first is None or last is None else first + " " + last,
            "age": int32(r.get("age"), 0, 150),
            "date_joined": timestamp(r.get("date_joined"))}


CLEAN = {"pin": clean_pin, "geo": clean_geo, "user": clean_user}


def clean_lines(table, lines):
    """Cleaned rows without duplicates, and the account of the table."""
    account = {"messages": 0, "records": 0, "cleaned": 0, "duplicate": 0,
               "rejected": 0, "rejects": collections.Counter()}
    rows, seen = [], set()
    for line in lines:
        account["messages"] += 1
        for record in decode(line):
            account["records"] += 1
            try:
                if isinstance(record, Reject):
                    raise record
                row = CLEAN[table](record)
            except Reject as r:
                account["rejected"] += 1
                account["rejects"][str(r)] += 1
                continue
            values = tuple(row.values())
            if values in seen:
                account["duplicate"] += 1
                continue
            seen.add(values)
            rows.append(row)
    account["cleaned"] = len(rows)
    account["expanded"] = account["records"] - account["messages"]
    return rows, account


def civil(us):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)


def year(us):
    return None if us is None else civil(us).year


def age_group(age):
    if age is None:
        return "unknown"
    return "<18" if age < 18 else "18-24" if age <= 24 else "25-35" if age <= 35 \
        else "36-50" if age <= 50 else "+50"


def median(values):
    values = sorted(values)
    n = len(values)
    twice = values[(n - 1) // 2] + values[n // 2]
    return twice // 2 if twice % 2 == 0 else twice / 2


def last(value):
    """Sort key: by bytes, NULL last."""
    if value is None:
        return (1, b"")
    return (0, value.encode() if isinstance(value, str) else value)


def counted(pairs, names, top):
    """Rows of (group, category, count), all or the first places."""
    counts = collections.Counter(pairs)
    most = collections.defaultdict(int)
    for (group, _), n in counts.items():
        most[group] = max(most[group], n)
    rows = [dict(zip(names, (g, c, n))) for (g, c), n in counts.items()
            if not top or n == most[g]]
    return sorted(rows, key=lambda r: (last(r[names[0]]), last(r[names[1]])))


def medians(groups, names):
    rows = []
    for group in sorted(groups, key=lambda g: [last(x) for x in g]):
        rows.append({**dict(zip(names, group)),
                     "median_follower_count": median(groups[group])})
    return rows


def answers(pin, geo, user):
    geos, users = collections.defaultdict(list), collections.defaultdict(list)
    for g in geo:
        geos[g["ind"]].append(g)
    for u in user:
        users[u["ind"]].append(u)
    pg = [(p, g) for p in pin for g in geos[p["ind"]]]
    pu = [(p, u) for p in pin for u in users[p["ind"]]]
    out = {}
    out["01"] = counted([(g["country"], p["category"]) for p, g in pg],
                        ("country", "category", "category_count"), True)
    in_years = [(year(g["timestamp"]), p["category"]) for p, g in pg
                if g["timestamp"] is not None and 2018 <= year(g["timestamp"]) <= 2022]
    names = ("post_year", "category", "category_count")
    out["02"] = counted(in_years, names, False)
    out["03"] = counted(in_years, names, True)
    out["04"], out["05"] = followers(pg)
    out["06"] = counted([(age_group(u["age"]), p["category"]) for p, u in pu],
                        ("age_group", "category", "category_count"), True)
    by = {k: collections.defaultdict(list) for k in ("07", "09", "10", "11")}
    for p, u in pu:
        f, joined, age = p["follower_count"], year(u["date_joined"]), age_group(u["age"])
        if f is None:
            continue
        by["07"][(age,)].append(f)
        if joined is not None and 2015 <= joined <= 2020:
            by["09"][(joined,)].append(f)
            by["10"][(age, joined)].append(f)
        for g in geos[p["ind"]]:
            posted = year(g["timestamp"])
            if posted is not None and 2015 <= posted <= 2022:
                by["11"][(age, posted)].append(f)
    out["07"] = medians(by["07"], ("age_group",))
    joined = collections.Counter(year(u["date_joined"]) for u in user)
    out["08"] = [{"post_year": y, "number_users_joined": joined[y]}
                 for y in range(2015, 2021) if joined[y]]
    out["09"] = medians(by["09"], ("post_year",))
    out["10"] = medians(by["10"], ("age_group", "post_year"))
    out["11"] = medians(by["11"], ("age_group", "post_year"))
    out["12"] = counted([(civil(g["timestamp"]).strftime("%Y-%m"), p["category"])
                         for p, g in pg if g["timestamp"] is not None],
                        ("month", "category", "category_count"), False)
    out["13"] = categories(pin)
    out["14"] = posters(pin)
    out["15"] = quality({"geo": geo, "pin": pin, "user": user})
    return out


def followers(pg):
    best = {}
    for p, g in pg:
        f, name = p["follower_count"], p["poster_name"]
        if f is None or name is None:
            continue
        top = best.setdefault(g["country"], [f, set()])
        if f > top[0]:
            top[0], top[1] = f, set()
        if f == top[0]:
            top[1].add(name)
    rows = [{"country": c, "poster_name": name, "follower_count": f}
            for c, (f, names) in best.items() for name in names]
    rows.sort(key=lambda r: (-r["follower_count"], last(r["country"]),
                             last(r["poster_name"])))
    most = max((f for f, _ in best.values()), default=None)
    where = sorted((c for c, (f, _) in best.items() if f == most), key=last)
    return rows, [{"country": c, "follower_count": most} for c in where]


def categories(pin):
    groups = collections.defaultdict(list)
    for p in pin:
        groups[p["category"]].append(p["follower_count"])
    rows = []
    for c in sorted(groups, key=last):
        known = [f for f in groups[c] if f is not None]
        rows.append({"category": c, "posts": len(groups[c]),
                     "mean_follower_count": sum(known) / len(known) if known else None,
                     "max_follower_count": max(known, default=None)})
    return rows


def posters(pin):
    groups = collections.defaultdict(list)
    for p in pin:
        if p["poster_name"] is not None:
            groups[p["poster_name"]].append(p["follower_count"])
    rows = []
    for name, counts in groups.items():
        known = [f for f in counts if f is not None]
        rows.append({"poster_name": name, "follower_count": max(known, default=None),
                     "posts": len(counts)})
    size = lambda r: -1 if r["follower_count"] is None else r["follower_count"]
    rows.sort(key=lambda r: (-size(r), last(r["poster_name"])))
    if len(rows) > 20:
        rows = [r for r in rows if size(r) >= size(rows[19])]
    return rows


def quality(tables):
    columns = {"pin": "ind unique_id title description follower_count poster_name tag_list "
                      "is_image_or_video image_src save_location category",
               "geo": "ind country coordinates timestamp",
               "user": "ind user_name age date_joined"}
    rows = []
    for table in sorted(tables):
        for column in sorted(columns[table].split()):
            n = len(tables[table])
            nulls = sum(r[column] is None for r in tables[table])
            rows.append({"table_name": table, "column_name": column, "rows": n,
                         "nulls": nulls, "null_share": nulls / n if n else None})
    return rows

"""semantics.py - the cleaning rules read again, in Python, from their words.

Written from the description of the rules and not from the C code: clean(table,
record, options) gives the row that a decoded record becomes, or None when it
has no usable key or is refused.  Values are Python's: doubles as float, time
stamps as text.
"""
import datetime
import re
from fractions import Fraction

BLANKS = " \t\n\x0b\x0c\r"
KEYS = ("index", "ind", "idx")
EPOCH = datetime.datetime(1970, 1, 1)
FIRST = -62135596800 * 10**6
LAST = 253402300800 * 10**6 - 1


class Refused(Exception):
    """The value was wrong and its column says on_error: reject."""


class Bad(Exception):
    """No such value."""


def strip(text):
    return text.strip(BLANKS)


def is_int(v):
    return isinstance(v, int) and not isinstance(v, bool)


def to_int(v, low, high):
    if is_int(v):
        n = v
    elif isinstance(v, float):
        if v != v or v in (float("inf"), float("-inf")) or v != int(v):
            raise Bad
        n = int(v)
    elif isinstance(v, str) and re.fullmatch(r"[+-]?[0-9]+", strip(v)):
        n = int(strip(v))
    else:
        raise Bad
    if not low <= n <= high:
        raise Bad
    return n


def to_int32(v):
    return to_int(v, -2**31, 2**31 - 1)


def to_double(v):
    if is_int(v) or isinstance(v, float):
        d = float(v)
    elif isinstance(v, str) and re.fullmatch(
            r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", strip(v)):
        d = float(strip(v))
    else:
        raise Bad
    if d in (float("inf"), float("-inf")):
        raise Bad
    return d + 0.0


def to_text(v):
    if isinstance(v, str):
        if "\0" in v:
            raise Bad
        return v
    if is_int(v) and -2**63 <= v < 2**63:
        return str(v)
    raise Bad


def to_count(v):
    if is_int(v):
        n = v
    elif isinstance(v, str):
        m = re.fullmatch(r"([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)?"
                         r"[ \t\n\x0b\x0c\r]*([kKmMbB]?)", strip(v))
        if not m:
            raise Bad
        scale = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}[m[3].lower()]
        exact = Fraction(m[1].replace(",", "") + (m[2] or "")) * scale
        n = exact.numerator // exact.denominator
    else:
        raise Bad
    if not 0 <= n <= 2**31 - 1:
        raise Bad
    return n


def iso(us):
    t = EPOCH + datetime.timedelta(microseconds=us)
    text = "%04d-%02d-%02dT%02d:%02d:%02d" % t.timetuple()[:6]
    return text + (".%06d" % t.microsecond if t.microsecond else "") + "Z"


def to_time(v):
    if isinstance(v, str) and re.fullmatch(r"[+-]?[0-9]+", strip(v)):
        v = int(strip(v))
    if is_int(v):
        us = v * 10**6 if abs(v) < 10**11 else v * 1000
    elif isinstance(v, str):
        us = spelled(strip(v))
    else:
        raise Bad
    if not FIRST <= us <= LAST:
        raise Bad
    return iso(us)


def spelled(text):
    clock = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
    m = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]" + clock +
                     r"(?:\.([0-9]+))?(Z|[+-][0-9]{2}:?[0-9]{2})?)?", text)
    if m:
        y, mo, d, h, mi, s = (int(x or 0) for x in m.groups()[:6])
        fraction, zone = m[7], m[8]
    else:
        fraction = zone = None
        m = re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4}), " + clock, text)
        if m:
            mo, d, y, h, mi, s = (int(x) for x in m.groups())
        else:
            m = re.fullmatch(r"([0-9]{4}):([0-9]{2}):([0-9]{2}) " + clock, text)
            if not m:
                raise Bad
            y, mo, d, h, mi, s = (int(x) for x in m.groups())
    try:
        t = datetime.datetime(y, mo, d, h, mi, s)
    except ValueError:
        raise Bad
    delta = t - EPOCH
    us = (delta.days * 86400 + delta.seconds) * 10**6
    us += int(((fraction or "") + "000000")[:6])
    if zone and zone != "Z":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 23 or minutes > 59:
            raise Bad
        us -= (1 if zone[0] == "+" else -1) * (hours * 60 + minutes) * 60 * 10**6
    return us


def blank(text):
    return strip(text) == ""


def text_column(v, nulls=(), shape=None):
    if v is None or (isinstance(v, str) and strip(v) in nulls):
        return None
    t = to_text(v)
    if blank(t):
        return None
    if shape:
        t = shape(t)
        if blank(t):
            return None
    return t


def first_of(record, names):
    for n in names:
        if record.get(n) is not None:
            return record[n]
    return None


def lenient(f, *args):
    """NULL where the value is wrong."""
    try:
        return f(*args)
    except Bad:
        return None


def strip_save(t):
    prefix = "Local save in"
    if t.startswith(prefix):
        t = t[len(prefix):]
        if t and t[0] in BLANKS:
            t = t[1:]
    return t


def shape_tags(options):
    def shape(t):
        if "join_letters" in options and len(t) >= 3 and len(t) % 2 and \
                all(c == "," for c in t[1::2]):
            t = t[::2]
        if "strip_hash" in options:
            t = ",".join(x[1:] if x.startswith("#") else x for x in t.split(","))
        return ascii_text(t, options)
    return shape


def ascii_text(t, options):
    if "ascii_only" in options:
        t = "".join(c for c in t if ord(c) < 128)
    return t


def clean_pin(r, options):
    def shape(t):
        return ascii_text(t, options)

    def text(name, nulls=(), shape=None):
        return lenient(text_column, r.get(name), nulls, shape)

    row = {"ind": lenient(to_int32, first_of(r, KEYS))
           if first_of(r, KEYS) is not None else None}
    if row["ind"] is None:
        return None
    row["unique_id"] = text("unique_id")
    row["title"] = text("title", ("No Title Data Available",), shape)
    missing = ("No description available Story format",
               "No description available")
    if "untitled_is_null" in options:
        missing += ("Untitled",)
    row["description"] = text("description", missing, shape)
    v = r.get("follower_count")
    if v is None or (isinstance(v, str) and strip(v) == "User Info Error"):
        row["follower_count"] = None
    else:
        try:
            row["follower_count"] = to_count(v)
        except Bad:
            if "reject_bad_counts" in options:
                return None
            row["follower_count"] = None
    row["poster_name"] = text("poster_name", ("User Info Error",), shape)
    tags = text("tag_list", ("N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e",
                             "No Tags Available"), shape_tags(options))
    row["tag_list"] = tags.split(",") if tags is not None and \
        "tags_as_array" in options else tags
    row["is_image_or_video"] = text("is_image_or_video")
    row["image_src"] = text("image_src", ("Image src error.",
                                          "Image src error"))
    if "keep_downloaded" in options:
        v = r.get("downloaded")
        row["downloaded"] = None if v is None else lenient(to_int32, v)
    row["save_location"] = text("save_location", (), strip_save)
    row["category"] = text("category")
    return row


def clean_geo(r, options):
    def degrees(name, limit):
        v = r.get(name)
        d = None if v is None else lenient(to_double, v)
        return d if d is not None and -limit <= d <= limit else None

    v = first_of(r, ("ind", "index", "idx"))
    ind = None if v is None else lenient(to_int32, v)
    if ind is None:
        return None
    lat, lon = degrees("latitude", 90), degrees("longitude", 180)
    v = r.get("timestamp")
    return {"ind": ind, "country": lenient(text_column, r.get("country")),
            "coordinates": None if lat is None or lon is None else [lat, lon],
            "timestamp": None if v is None else lenient(to_time, v)}


def clean_user(r, options):
    v = first_of(r, ("ind", "index", "idx"))
    ind = None if v is None else lenient(to_int32, v)
    if ind is None:
        return None
    names = [lenient(text_column, r.get(n)) for n in ("first_name", "last_name")]
    if "name_from_one_part" in options:
        user = " ".join(n for n in names if n is not None) or None
    else:
        user = None if None in names else " ".join(names)
    v = r.get("age")
    age = None if v is None else lenient(to_int32, v)
    v = r.get("date_joined")
    return {"ind": ind, "user_name": user,
            "age": age if age is not None and 0 <= age <= 150 else None,
            "date_joined": None if v is None else lenient(to_time, v)}


CLEAN = {"pin": clean_pin, "geo": clean_geo, "user": clean_user}


def clean_all(table, records, options, dedup="row"):
    """Rows of all records, deduplicated: row, raw, none, first or last by ind."""
    rows, seen = [], {}
    for r in records:
        row = CLEAN[table](r, options)
        if row is None:
            continue
        if dedup == "none":
            rows.append(row)
        elif dedup in ("first", "last"):
            if row["ind"] not in seen:
                seen[row["ind"]] = len(rows)
                rows.append(row)
            elif dedup == "last":
                rows[seen[row["ind"]]] = row
        else:
            key = repr(sorted(row.items()))
            if key not in seen:
                seen[key] = True
                rows.append(row)
    return rows

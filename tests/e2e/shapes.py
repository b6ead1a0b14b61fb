#!/usr/bin/env python3
"""shapes - generated rows have the shape of the measured ones.

Each line is a fact about the real tables with how far off a generated table
of 11,154 rows may be.
"""
import collections
import json
import re
import statistics
import subprocess
import sys
import tempfile

from served import PINLINE
from told import check, finish

N = 11154


def within(name, got, low, high):
    check(low <= got <= high, name, f"{got}, not within {low}..{high}")


def share(name, rows, of, per_cent, off):
    within(name, 100 * sum(map(of, rows)) / len(rows), per_cent - off, per_cent + off)


def number(text):
    m = re.fullmatch(r"(\d+)([kM]?)", text)
    return int(m[1]) * {"": 1, "k": 1000, "M": 10**6}[m[2]] if m else None


def quantile(values, q):
    values = sorted(values)
    return values[int(q * len(values))]


def read(d, table):
    with open(f"{d}/{table}.jsonl", encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def pins(pin):
    for column, text, per_cent, off in [
            ("title", "No Title Data Available", 0.78, 0.3),
            ("description", "No description available Story format", 7.48, 1),
            ("description", "No description available", 1.65, 0.4),
            ("poster_name", "User Info Error", 0.78, 0.3),
            ("follower_count", "User Info Error", 0.78, 0.3),
            ("tag_list", "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e", 1.47, 0.4),
            ("image_src", "Image src error.", 2.58, 0.5),
            ("is_image_or_video", "image", 89.8, 1.5),
            ("is_image_or_video", "multi-video(story page format)", 7.5, 1),
            ("is_image_or_video", "video", 2.75, 0.5)]:
        share(f"{column} {text}", pin, lambda r: r[column] == text, per_cent, off)
    for shape, per_cent, off in [("99k", 30.7, 2), ("999k", 25.9, 3), ("9k", 16.9, 2),
                                 ("999", 10.3, 2), ("9M", 8, 1.5), ("99", 4.75, 1.5),
                                 ("9", 2.6, 1), ("99M", 0.09, 0.09)]:
        share(f"followers {shape}", pin,
              lambda r: re.sub(r"\d", "9", r["follower_count"]) == shape, per_cent, off)
    known = [x for x in (number(r["follower_count"]) for r in pin) if x is not None]
    within("median followers", quantile(known, 0.5), 25000, 45000)
    within("largest follower count", max(known), 10**7, 15 * 10**6)
    for r in pin:
        story = r["is_image_or_video"].startswith("multi")
        assert story == (r["description"] == "No description available Story format")
        assert (r["downloaded"] == 0) == (r["image_src"] == "Image src error.")
        assert (r["poster_name"] == "User Info Error") == (r["follower_count"] == "User Info Error")
        assert r["save_location"] == "Local save in /data/" + r["category"]
    within("categories are sorted by index", [r["category"] for r in pin]
           == sorted(r["category"] for r in pin), True, True)
    within("indexes are row numbers", [r["index"] for r in pin] == list(range(N)), True, True)
    within("unique ids", len({r["unique_id"] for r in pin}), N, N)
    titles = [r["title"] for r in pin]
    within("median title", quantile(map(len, titles), 0.5), 35, 60)
    share("titles beyond ASCII", titles, lambda t: not t.isascii(), 10, 3)
    share("titles with a line feed", titles, lambda t: "\n" in t, 0.2, 0.15)
    share("titles with a quote", titles, lambda t: '"' in t, 1.15, 0.5)
    share("descriptions that end in U+00A0", pin,
          lambda r: r["description"].endswith("\u2026\u00a0"), 35.7, 2)
    share("posters with a pipe", pin, lambda r: "|" in r["poster_name"], 15, 3)
    share("posters that end in a blank", pin, lambda r: r["poster_name"].endswith(" "), 1.7, 0.8)
    tags = [r["tag_list"].split(",") for r in pin if not r["tag_list"].startswith("N,o,")]
    share("nine tags", tags, lambda t: len(t) == 9, 99.85, 0.15)
    within("no tag twice", all(len(set(t)) == len(t) for t in tags), True, True)
    size = [len(json.dumps(r, ensure_ascii=False, separators=(",", ":")).encode()) for r in pin]
    within("median bytes of a pin", quantile(size, 0.5), 680, 760)
    within("least bytes of a pin", min(size), 400, 470)


def places(geo, user):
    within("countries", len({r["country"] for r in geo}), 235, 243)
    times = [r["timestamp"] for r in geo]
    within("first and last post", min(times) >= "2017-10-19 15:13:42"
           and max(times) <= "2022-10-19 17:54:26", True, True)
    for year, per_cent in [("2017", 3.9), ("2018", 20.8), ("2019", 19.7), ("2020", 19.5),
                           ("2021", 19.8), ("2022", 16.4)]:
        share(f"posts in {year}", times, lambda t: t.startswith(year), per_cent, 4)
    within("median latitude", quantile([r["latitude"] for r in geo], 0.5), -66, -55)
    within("every post is later than the join",
           all(g["timestamp"] > u["date_joined"] for g, u in zip(geo, user)), True, True)
    for group, low, high, per_cent in [("18-24", 18, 24, 44), ("25-35", 25, 35, 27),
                                       ("36-50", 36, 50, 20), ("50+", 51, 60, 9)]:
        share(f"ages {group}", user, lambda r: low <= r["age"] <= high, per_cent, 4)
    persons = collections.Counter(
        (u["first_name"], u["last_name"], u["age"], u["date_joined"]) for u in user)
    within("persons", len(persons), 4800, 5800)
    within("rows of the most frequent person", max(persons.values()), 120, 300)
    where = collections.defaultdict(set)
    for g, u in zip(geo, user):
        where[(u["first_name"], u["last_name"], u["age"], u["date_joined"])].add(
            (g["latitude"], g["longitude"], g["country"]))
    within("a person is always in one place", max(map(len, where.values())), 1, 1)
    within("names that several persons have",
           len(persons) - len({p[:2] for p in persons}), 50, 400)


def groups_differ(pin, geo, user):
    medians = collections.defaultdict(list)
    for p, g, u in zip(pin, geo, user):
        n = number(p["follower_count"])
        if n is not None:
            age = "a" if u["age"] < 25 else "b" if u["age"] < 36 else "c" if u["age"] < 51 else "d"
            medians[age].append(n)
            medians["joined " + u["date_joined"][:4]].append(n)
    values = {k: statistics.median(v) for k, v in medians.items()}
    within("each age group has its own median",
           values["a"] > 3 * values["b"] > 6 * values["c"], True, True)
    within("each joining year has its own median",
           len({values["joined 2015"], values["joined 2016"], values["joined 2017"]}), 3, 3)


with tempfile.TemporaryDirectory() as folder:
    subprocess.run([PINLINE, "generate", "-q", "--out", folder, "--truth", f"{folder}/t"],
                   check=True)
    tables = [read(folder, t) for t in ("pin", "geo", "user")]
    with open(f"{folder}/t", encoding="utf-8") as f:
        answers = json.load(f)["answers"]
pins(tables[0])
places(tables[1], tables[2])
groups_differ(*tables)
firsts = collections.Counter(r["country"] for r in answers["01"])
within("countries whose first place is shared", sum(n > 1 for n in firsts.values()), 20, 200)
within("medians between two values", sum(
    r["median_follower_count"] % 1000 == 500 for q in ("07", "09", "10", "11")
    for r in answers[q]), 1, 60)
sys.exit(finish())

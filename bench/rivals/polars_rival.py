#!/usr/bin/env python3
"""The batch in Polars: lazy, streaming engine, declared schema."""
import os
import sys

threads = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "2"
os.environ["POLARS_MAX_THREADS"] = threads
import polars as pl

from answers import QUALITY, quality_rows
from rival import Rival

r = Rival()
C, L, S = pl.col, pl.lit, pl.String
BLANKS = " \t\n\x0b\x0c\r"


def scan(name, schema):
    return pl.scan_ndjson(r.file(name), schema=schema)


def text(column, *sentinels):
    return (pl.when(C(column).str.strip_chars(BLANKS).is_in(["", *sentinels]))
            .then(None).otherwise(C(column)).alias(column))


def time_of(column):
    x = C(column).str.strip_chars(BLANKS).str
    return pl.coalesce([x.to_datetime(f, strict=False, time_unit="us") for f in (
        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.fZ",
        "%Y-%m-%d %H:%M:%S%.f", "%m/%d/%Y, %H:%M:%S", "%Y:%m:%d %H:%M:%S",
    )]).alias(column)


NUMBER = r"^([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)? *([kKmMbB]?)$"
raw = C("follower_count").str.strip_chars(BLANKS)
factor = raw.str.extract(NUMBER, 3).str.to_lowercase().replace_strict(
    {"": 1.0, "k": 1e3, "m": 1e6, "b": 1e9}, default=None, return_dtype=pl.Float64)
whole = raw.str.extract(NUMBER, 1).str.replace_all(",", "", literal=True)
# micro-units first, so that 1.115k is 1115 and not 1114.99
followers = ((pl.concat_str([whole, raw.str.extract(NUMBER, 2).fill_null("")])
              .cast(pl.Float64, strict=False) * factor * 1000).round(0) / 1000
             ).floor().cast(pl.Int32, strict=False).alias("follower_count")

TEXTS = ["unique_id", "title", "description", "poster_name", "follower_count",
         "tag_list", "is_image_or_video", "image_src"]
saved = C("save_location")
tables = {
    "pin": scan("pin.jsonl", {
        "index": pl.Int32, **{c: S for c in TEXTS}, "downloaded": pl.Int32,
        "save_location": S, "category": S}).select(
        C("index").alias("ind"), text("unique_id"),
        text("title", "No Title Data Available"),
        text("description", "No description available Story format",
             "No description available"),
        followers, text("poster_name", "User Info Error"),
        text("tag_list", "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e", "No Tags Available"),
        text("is_image_or_video"),
        text("image_src", "Image src error.", "Image src error"),
        pl.when(saved.str.strip_chars(BLANKS) == "").then(None).otherwise(
            saved.str.strip_prefix("Local save in ")
            .str.strip_prefix("Local save in")).alias("save_location"),
        text("category")),
    "geo": scan("geo.jsonl", {
        "ind": pl.Int32, "timestamp": S, "latitude": pl.Float64,
        "longitude": pl.Float64, "country": S}).select(
        "ind", text("country"),
        pl.when(C("latitude").is_between(-90, 90)
                & C("longitude").is_between(-180, 180))
        .then(pl.concat_list("latitude", "longitude")).alias("coordinates"),
        time_of("timestamp")),
    "user": scan("user.jsonl", {
        "ind": pl.Int32, "first_name": S, "last_name": S, "age": pl.Int32,
        "date_joined": S}).select(
        "ind", (text("first_name") + " " + text("last_name")).alias("user_name"),
        pl.when(C("age").is_between(0, 150)).then(C("age")).alias("age"),
        time_of("date_joined")),
}

r.start()
for name, table in tables.items():
    table = table.filter(C("ind").is_not_null()).unique()
    if r.args.job == "parquet":
        table.sink_parquet(r.parquet(name), compression="zstd")
        tables[name] = pl.scan_parquet(r.parquet(name))
    else:
        tables[name] = table.collect(engine="streaming").lazy()
r.mark("clean")


def top(frame, part, by="category_count"):
    return frame.filter(C(by).rank("min", descending=True).over(part) == 1)


def answers():
    pin, geo, user = tables["pin"], tables["geo"], tables["user"]
    age = C("age")
    users = user.select(
        "ind", C("date_joined").dt.year().alias("join_year"),
        pl.when(age.is_between(18, 24)).then(L("18-24"))
        .when(age.is_between(25, 35)).then(L("25-35"))
        .when(age.is_between(36, 50)).then(L("36-50"))
        .when(age > 50).then(L("+50")).when(age < 18).then(L("<18"))
        .otherwise(L("unknown")).alias("age_group"))
    posts = pin.select("ind", "category", "follower_count", "poster_name")
    stamp = C("timestamp")
    pg = posts.join(geo.select("ind", "country", stamp.dt.year().alias("post_year"),
                               stamp.dt.strftime("%Y-%m").alias("month")),
                    on="ind").collect(engine="streaming").lazy()
    pu = posts.join(users, on="ind").collect(engine="streaming").lazy()
    n = pl.len().alias("category_count")
    median = C("follower_count").median().alias("median_follower_count")
    known = C("follower_count").is_not_null()
    joined = pu.filter(known & C("join_year").is_between(2015, 2020))
    yearly = (pg.filter(C("post_year").is_between(2018, 2022))
              .group_by("post_year", "category").agg(n))
    users_of = (pg.filter(known & C("poster_name").is_not_null())
                .filter(C("follower_count") == C("follower_count").max().over("country"))
                .select("country", "poster_name", "follower_count").unique())
    most = C("follower_count") == C("follower_count").max()
    best = pin.filter(C("poster_name").is_not_null()).group_by("poster_name").agg(
        C("follower_count").max(), pl.len().alias("posts"))
    return {
        "01": top(pg.group_by("country", "category").agg(n), "country"),
        "02": yearly,
        "03": top(yearly, "post_year"),
        "04": users_of,
        "05": users_of.filter(most).select("country", "follower_count").unique(),
        "06": top(pu.group_by("age_group", "category").agg(n), "age_group"),
        "07": pu.filter(known).group_by("age_group").agg(median),
        "08": user.select(C("date_joined").dt.year().alias("post_year"))
        .filter(C("post_year").is_between(2015, 2020)).group_by("post_year")
        .agg(pl.len().alias("number_users_joined")),
        "09": joined.group_by(C("join_year").alias("post_year")).agg(median),
        "10": joined.group_by("age_group", C("join_year").alias("post_year"))
        .agg(median),
        "11": pg.filter(known & C("post_year").is_between(2015, 2022))
        .join(users, on="ind").group_by("age_group", "post_year").agg(median),
        "12": pg.filter(C("month").is_not_null()).group_by("month", "category").agg(n),
        "13": pin.group_by("category").agg(
            pl.len().alias("posts"),
            C("follower_count").mean().alias("mean_follower_count"),
            C("follower_count").max().alias("max_follower_count")),
        "14": best.filter(known).filter(
            C("follower_count").rank("min", descending=True) <= 20),
    }


if r.args.job != "clean":
    queries = answers()
    frames = pl.collect_all(queries.values(), engine="streaming")
    for key, frame in zip(queries, frames):
        r.answers[key] = frame.to_dicts()
    r.answers["15"] = []
    for name, columns in QUALITY.items():
        counts = tables[name].select(pl.len(), *[
            C(c).count().alias(c) for c in columns]).collect(engine="streaming").row(0)
        r.answers["15"] += quality_rows(name, counts)
    r.mark("answers")
r.finish()
for name, table in tables.items():
    r.rows[name] = table.select(pl.len()).collect().item()
r.report()

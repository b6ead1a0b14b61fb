#!/usr/bin/env python3
"""The batch in DuckDB SQL, by hand: declared schema, two threads."""
import duckdb

from answers import AGE_GROUP, ANSWERS, QUALITY, quality_rows, quality_sql
from rival import Rival

r = Rival()
db = duckdb.connect()
db.execute(f"SET threads={r.args.threads}")
db.execute("SET preserve_insertion_order=false")
db.execute("SET TimeZone='UTC'")


def source(name, ints, doubles, texts):
    columns = ([f"'{c}': 'INTEGER'" for c in ints]
               + [f"'{c}': 'DOUBLE'" for c in doubles]
               + [f"'{c}': 'VARCHAR'" for c in texts])
    return (f"read_json('{r.file(name)}', format='newline_delimited', "
            f"columns={{{', '.join(columns)}}})")


BLANKS = r"E' \t\n\x0b\x0c\r'"


def text(column, *sentinels):
    words = ", ".join(f"'{s}'" for s in ("",) + sentinels)
    return (f"CASE WHEN trim({column}, {BLANKS}) IN ({words}) "
            f"THEN NULL ELSE {column} END")


def time_of(column):
    t = f"trim({column})"
    return (f"coalesce(try_cast({t} AS TIMESTAMP), "
            f"try_strptime({t}, '%m/%d/%Y, %H:%M:%S'), "
            f"try_strptime({t}, '%Y:%m:%d %H:%M:%S'))")


NUMBER = r"^([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(\.[0-9]+)? *([kKmMbB]?)$"
f = "trim(follower_count)"
FOLLOWERS = f"""CASE WHEN {f} = '' OR {f} = 'User Info Error' THEN NULL
 WHEN regexp_full_match({f}, '[0-9]{{1,9}}') THEN CAST({f} AS INTEGER)
 WHEN regexp_full_match({f}, '[0-9]{{1,6}}[kK]')
   THEN CAST({f}[:-2] AS INTEGER) * 1000
 WHEN regexp_full_match({f}, '[0-9]{{1,3}}[mM]')
   THEN CAST({f}[:-2] AS INTEGER) * 1000000
 WHEN regexp_matches({f}, '{NUMBER}') THEN try_cast(trunc(
   CAST(replace(regexp_extract({f}, '{NUMBER}', 1), ',', '')
     || regexp_extract({f}, '{NUMBER}', 2) AS DECIMAL(28, 9))
   * CASE lower(regexp_extract({f}, '{NUMBER}', 3)) WHEN 'k' THEN 1000
     WHEN 'm' THEN 1000000 WHEN 'b' THEN 1000000000 ELSE 1 END) AS INTEGER) END"""

CLEAN = {
    "pin": f"""SELECT DISTINCT "index" AS ind, {text('unique_id')} AS unique_id,
 {text('title', 'No Title Data Available')} AS title,
 {text('description', 'No description available Story format',
       'No description available')} AS description,
 {FOLLOWERS} AS follower_count,
 {text('poster_name', 'User Info Error')} AS poster_name,
 {text('tag_list', 'N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e', 'No Tags Available')}
   AS tag_list,
 {text('is_image_or_video')} AS is_image_or_video,
 {text('image_src', 'Image src error.', 'Image src error')} AS image_src,
 CASE WHEN starts_with(save_location, 'Local save in ')
   THEN save_location[15:] WHEN starts_with(save_location, 'Local save in')
   THEN save_location[14:] ELSE {text('save_location')} END AS save_location,
 {text('category')} AS category
 FROM {source('pin.jsonl', ['index', 'downloaded'], [],
              ['unique_id', 'title', 'description', 'poster_name',
               'follower_count', 'tag_list', 'is_image_or_video', 'image_src',
               'save_location', 'category'])} WHERE "index" IS NOT NULL""",
    "geo": f"""SELECT DISTINCT ind, {text('country')} AS country,
 CASE WHEN latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180
   THEN [latitude, longitude] END AS coordinates,
 {time_of('"timestamp"')} AS "timestamp"
 FROM {source('geo.jsonl', ['ind'], ['latitude', 'longitude'],
              ['timestamp', 'country'])} WHERE ind IS NOT NULL""",
    "usr": f"""SELECT DISTINCT ind, {text('first_name')} || ' ' ||
 {text('last_name')} AS user_name,
 CASE WHEN age BETWEEN 0 AND 150 THEN age END AS age,
 {time_of('date_joined')} AS date_joined
 FROM {source('user.jsonl', ['ind', 'age'], [],
              ['first_name', 'last_name', 'date_joined'])}
 WHERE ind IS NOT NULL""",
}

r.start()
for name, sql in CLEAN.items():
    if r.args.job == "parquet":
        db.execute(f"COPY ({sql}) TO '{r.parquet(name)}' "
                   "(FORMAT parquet, COMPRESSION zstd)")
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM '{r.parquet(name)}'")
    else:
        db.execute(f"CREATE TABLE {name} AS {sql}")
r.mark("clean")

if r.args.job != "clean":
    # joined once on the few columns that are asked for: faster than views
    db.execute(f"""CREATE TEMP TABLE u AS SELECT ind, {AGE_GROUP} AS age_group,
 year(date_joined) AS join_year FROM usr;
CREATE TEMP TABLE p AS SELECT ind, category, follower_count, poster_name FROM pin;
CREATE TEMP TABLE pg AS SELECT p.*, country, year("timestamp") AS post_year,
 strftime("timestamp", '%Y-%m') AS month FROM p JOIN geo USING (ind);
CREATE TEMP TABLE pu AS SELECT category, follower_count, age_group, join_year
 FROM p JOIN u USING (ind);
CREATE VIEW pgu AS SELECT * FROM pg JOIN u USING (ind)""")
    for key, (names, sql) in ANSWERS.items():
        rows = db.execute(f"SELECT {', '.join(names)} FROM ({sql}) q").fetchall()
        r.answers[key] = [dict(zip(names, row)) for row in rows]
    r.answers["15"] = [row for t in QUALITY for row in quality_rows(
        t, db.execute(quality_sql(t)).fetchone())]
    r.mark("answers")
r.finish()
for name in CLEAN:
    r.rows["user" if name == "usr" else name] = db.execute(
        f"SELECT count(*) FROM {name}").fetchone()[0]
r.report()

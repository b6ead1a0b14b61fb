"""answers.py - the fifteen questions in SQL that DuckDB and Spark both read,
written by hand for the rivals; nothing here comes from analyses/.

Views expected: pin, geo, usr (cleaned, deduplicated), and
  pg   pin JOIN geo   with post_year, month
  pu   pin JOIN usr   with join_year, age_group
  pgu  pin JOIN geo JOIN usr with post_year, age_group
"""

AGE_GROUP = """CASE WHEN age BETWEEN 18 AND 24 THEN '18-24'
 WHEN age BETWEEN 25 AND 35 THEN '25-35' WHEN age BETWEEN 36 AND 50 THEN '36-50'
 WHEN age > 50 THEN '+50' WHEN age < 18 THEN '<18' ELSE 'unknown' END"""

YEARLY = """SELECT post_year, category, count(*) AS category_count FROM pg
 WHERE post_year BETWEEN 2018 AND 2022 GROUP BY post_year, category"""
TOP_USERS = """SELECT DISTINCT country, poster_name, follower_count FROM (
 SELECT country, poster_name, follower_count,
  rank() OVER (PARTITION BY country ORDER BY follower_count DESC) AS r
 FROM pg WHERE follower_count IS NOT NULL AND poster_name IS NOT NULL) t
 WHERE r = 1"""


def ranked(inner, part):
    return (f"SELECT * FROM (SELECT *, rank() OVER (PARTITION BY {part} "
            f"ORDER BY category_count DESC) AS r FROM ({inner}) i) t WHERE r = 1")


MEDIAN = "median(follower_count) AS median_follower_count"
KNOWN = "follower_count IS NOT NULL"

ANSWERS = {
    "01": (["country", "category", "category_count"], ranked(
        "SELECT country, category, count(*) AS category_count FROM pg "
        "GROUP BY country, category", "country")),
    "02": (["post_year", "category", "category_count"], YEARLY),
    "03": (["post_year", "category", "category_count"],
           ranked(YEARLY, "post_year")),
    "04": (["country", "poster_name", "follower_count"], TOP_USERS),
    "05": (["country", "follower_count"],
           f"WITH t AS ({TOP_USERS}) SELECT DISTINCT country, follower_count "
           "FROM t WHERE follower_count = (SELECT max(follower_count) FROM t)"),
    "06": (["age_group", "category", "category_count"], ranked(
        "SELECT age_group, category, count(*) AS category_count FROM pu "
        "GROUP BY age_group, category", "age_group")),
    "07": (["age_group", "median_follower_count"],
           f"SELECT age_group, {MEDIAN} FROM pu WHERE {KNOWN} GROUP BY age_group"),
    "08": (["post_year", "number_users_joined"],
           "SELECT year(date_joined) AS post_year, count(*) AS "
           "number_users_joined FROM usr WHERE year(date_joined) BETWEEN 2015 "
           "AND 2020 GROUP BY year(date_joined)"),
    "09": (["post_year", "median_follower_count"],
           f"SELECT join_year AS post_year, {MEDIAN} FROM pu WHERE {KNOWN} AND "
           "join_year BETWEEN 2015 AND 2020 GROUP BY join_year"),
    "10": (["age_group", "post_year", "median_follower_count"],
           f"SELECT age_group, join_year AS post_year, {MEDIAN} FROM pu WHERE "
           f"{KNOWN} AND join_year BETWEEN 2015 AND 2020 "
           "GROUP BY age_group, join_year"),
    "11": (["age_group", "post_year", "median_follower_count"],
           f"SELECT age_group, post_year, {MEDIAN} FROM pgu WHERE {KNOWN} AND "
           "post_year BETWEEN 2015 AND 2022 GROUP BY age_group, post_year"),
    "12": (["month", "category", "category_count"],
           "SELECT month, category, count(*) AS category_count FROM pg "
           "WHERE month IS NOT NULL GROUP BY month, category"),
    "13": (["category", "posts", "mean_follower_count", "max_follower_count"],
           "SELECT category, count(*) AS posts, avg(follower_count) AS "
           "mean_follower_count, max(follower_count) AS max_follower_count "
           "FROM pin GROUP BY category"),
    "14": (["poster_name", "follower_count", "posts"],
           "SELECT poster_name, follower_count, posts FROM (SELECT *, rank() "
           "OVER (ORDER BY follower_count DESC) AS r FROM (SELECT poster_name, "
           "max(follower_count) AS follower_count, count(*) AS posts FROM pin "
           "WHERE poster_name IS NOT NULL GROUP BY poster_name) i "
           "WHERE follower_count IS NOT NULL) t WHERE r <= 20"),
}

QUALITY = {
    "pin": ["ind", "unique_id", "title", "description", "follower_count",
            "poster_name", "tag_list", "is_image_or_video", "image_src",
            "save_location", "category"],
    "geo": ["ind", "country", "coordinates", "timestamp"],
    "user": ["ind", "user_name", "age", "date_joined"],
}


def quality_sql(table):
    view = "usr" if table == "user" else table
    quote = "`{}`" if table == "spark" else "\"{}\""
    return "SELECT count(*), {} FROM {}".format(
        ", ".join(f"count({quote.format(c)})" for c in QUALITY[table]), view)


def quality_rows(table, counts):
    """Question 15 from one row of counts."""
    rows, *known = counts
    return [{"table_name": table, "column_name": c, "rows": rows,
             "nulls": rows - k, "null_share": (rows - k) / rows if rows else None}
            for c, k in zip(QUALITY[table], known)]

-- title: User with most followers in each country
-- question: Who has the most followers in each country?
-- columns: country, poster_name, follower_count
-- task: 6
-- parameter ties: keep | first -- all who share the first place, or the first of them by name
-- parameter list: top | all -- only the first place, or everybody with their maximum
-- parameter nulls: out | kept -- posts without a poster or a follower count
-- parameter who: poster | user -- the poster named in the post, or the user of the row
-- chart: bar x=country y=follower_count series=poster_name
-- definition: Posts joined with their place by row number; per country and poster the largest follower count; the largest of them per country.
-- note: A country is the place of a post, not the poster's home: one poster can lead in many countries.

WITH wanted AS (
    SELECT
        country,
        poster_name AS name,  --? who=poster
        user_name AS name,  --? who=user
        follower_count
    FROM pin_geo  --? who=poster
    FROM pin_geo_name  --? who=user
    WHERE follower_count IS NOT NULL AND poster_name IS NOT NULL  --? nulls=out who=poster
    WHERE follower_count IS NOT NULL AND user_name IS NOT NULL  --? nulls=out who=user
),
most AS (
    SELECT
        country,
        max(follower_count) AS follower_count
    FROM wanted
    GROUP BY country
),
chosen AS (
    SELECT DISTINCT w.country, w.name, w.follower_count  --? list=top ties=keep
    SELECT w.country, min(w.name) AS name, w.follower_count  --? list=top ties=first
    SELECT w.country, w.name, max(w.follower_count) AS follower_count  --? list=all
    FROM wanted w
    JOIN most m ON w.country IS NOT DISTINCT FROM m.country  --? list=top
        AND w.follower_count IS NOT DISTINCT FROM m.follower_count  --? list=top
    GROUP BY w.country, w.follower_count  --? list=top ties=first
    GROUP BY w.country, w.name  --? list=all
)
SELECT
    country,
    name AS poster_name,  --? who=poster
    name AS user_name,  --? who=user
    follower_count
FROM chosen
ORDER BY follower_count DESC NULLS LAST, country NULLS LAST, name NULLS LAST

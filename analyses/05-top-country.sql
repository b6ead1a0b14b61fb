-- title: Country of the user with most followers
-- question: In which country is the user with the most followers?
-- columns: country, follower_count
-- task: 6
-- parameter ties: keep | first -- all countries that share the maximum, or the first of them by name
-- parameter nulls: out | kept -- posts without a poster
-- chart: bar x=country y=follower_count
-- definition: The largest follower count of answer 04, and every country that has it.

WITH best AS (
    SELECT
        country,
        max(follower_count) AS follower_count
    FROM pin_geo
    WHERE follower_count IS NOT NULL
        AND poster_name IS NOT NULL  --? nulls=out
    GROUP BY country
)
SELECT
    country,
    follower_count
FROM best
WHERE follower_count = (SELECT max(follower_count) FROM best)
ORDER BY country NULLS LAST
LIMIT 1  --? ties=first

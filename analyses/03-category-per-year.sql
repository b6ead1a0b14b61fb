-- title: Most popular category in each year
-- question: Which category was posted most often in each year?
-- columns: post_year, category, category_count
-- parameter ties: keep | first -- all categories that share the first place, or the first of them by name
-- parameter from_year: 2018 -- first year
-- parameter to_year: 2022 -- last year
-- chart: bar x=post_year y=category_count series=category
-- definition: The first place of answer 02 in each year.

SELECT
    post_year,
    category,
    category_count
FROM (
    SELECT
        post_year,
        category,
        CAST(sum(posts) AS BIGINT) AS category_count,
        rank() OVER (PARTITION BY post_year ORDER BY sum(posts) DESC) AS place  --? ties=keep
        row_number() OVER (PARTITION BY post_year ORDER BY sum(posts) DESC, category NULLS LAST) AS place  --? ties=first
    FROM posts_in_month
    WHERE post_year BETWEEN {from_year} AND {to_year}
    GROUP BY post_year, category
) ranked
WHERE place = 1
ORDER BY post_year NULLS LAST, category NULLS LAST

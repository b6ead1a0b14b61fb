-- title: Most popular category in each country
-- question: Which category is posted most often in each country?
-- columns: country, category, category_count
-- task: 4
-- parameter ties: keep | first -- all categories that share the first place, or the first of them by name
-- parameter list: top | all -- only the first place, or every category
-- chart: bar x=country y=category_count series=category
-- definition: Posts joined with their place by row number; per country the category with most posts.
-- note: Small countries have few posts, so many places are shared.

SELECT
    country,
    category,
    category_count
FROM (
    SELECT
        country,
        category,
        count(*) AS category_count,
        rank() OVER (PARTITION BY country ORDER BY count(*) DESC) AS place  --? ties=keep
        row_number() OVER (PARTITION BY country ORDER BY count(*) DESC, category NULLS LAST) AS place  --? ties=first
    FROM pin_geo
    GROUP BY country, category
) ranked
WHERE place = 1  --? list=top
ORDER BY country NULLS LAST, category NULLS LAST

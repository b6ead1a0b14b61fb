-- title: Category trend by month
-- question: How does the number of posts of each category develop?
-- columns: month, category, category_count
-- chart: line x=month y=category_count series=category
-- definition: Posts joined with their place by row number, per category and month (UTC); posts without a time are left out.

SELECT
    concat(lpad(CAST(post_year AS STRING), 4, '0'), '-', lpad(CAST(post_month AS STRING), 2, '0')) AS month,
    category,
    category_count
FROM (
    SELECT
        post_year,
        post_month,
        category,
        count(*) AS category_count
    FROM pin_geo
    WHERE post_year IS NOT NULL
    GROUP BY post_year, post_month, category
) counted
ORDER BY month, category NULLS LAST

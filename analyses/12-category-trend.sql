-- title: Category trend by month
-- question: How does the number of posts of each category develop?
-- columns: month, category, category_count
-- chart: line x=month y=category_count series=category
-- definition: Posts joined with their place by row number, per category and month (UTC); posts without a time are left out.

SELECT
    concat(lpad(CAST(post_year AS STRING), 4, '0'), '-', lpad(CAST(post_month AS STRING), 2, '0')) AS month,
    category,
    posts AS category_count
FROM posts_in_month
WHERE post_year IS NOT NULL
ORDER BY month, category NULLS LAST

-- title: Posts in each category per year
-- question: How many posts did each category have in each year?
-- columns: post_year, category, category_count
-- task: 5
-- parameter from_year: 2018 -- first year
-- parameter to_year: 2022 -- last year
-- chart: line x=post_year y=category_count series=category
-- definition: Posts joined with their place by row number; the year of the post's time stamp in UTC.
-- note: The last year is not complete: the newest posts are of October 2022.

SELECT
    post_year,
    category,
    CAST(sum(posts) AS BIGINT) AS category_count
FROM posts_in_month
WHERE post_year BETWEEN {from_year} AND {to_year}
GROUP BY post_year, category
ORDER BY post_year NULLS LAST, category NULLS LAST

-- title: Posts and followers per category
-- question: How large are the categories, in posts and in followers?
-- columns: category, posts, mean_follower_count, max_follower_count
-- chart: bar x=category y=posts
-- definition: Over posts; the mean is over the posts whose follower count is known.

SELECT
    category,
    count(*) AS posts,
    avg(follower_count) AS mean_follower_count,
    max(follower_count) AS max_follower_count
FROM clean_pin
GROUP BY category
ORDER BY category NULLS LAST

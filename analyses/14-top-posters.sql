-- title: Top posters
-- question: Which posters have the most followers?
-- columns: poster_name, follower_count, posts
-- parameter top: 20 -- how many places
-- parameter ties: keep | first -- all who share the last place, or the first of them by name
-- chart: bar x=poster_name y=follower_count
-- definition: Over posts with a poster; a poster's follower count is the largest of the posts.

SELECT
    poster_name,
    follower_count,
    posts
FROM (
    SELECT
        poster_name,
        max(follower_count) AS follower_count,
        count(*) AS posts,
        rank() OVER (ORDER BY max(follower_count) DESC NULLS LAST) AS place  --? ties=keep
        row_number() OVER (ORDER BY max(follower_count) DESC NULLS LAST, poster_name) AS place  --? ties=first
    FROM clean_pin
    WHERE poster_name IS NOT NULL
    GROUP BY poster_name
) ranked
WHERE place <= {top}
ORDER BY follower_count DESC NULLS LAST, poster_name

-- title: Median followers by joining year
-- question: What is the median follower count of users by the year they joined?
-- columns: post_year, median_follower_count
-- task: 10
-- parameter median: exact | lower -- the mean of the middle two, or the lower of them (percentile_approx on small data)
-- parameter from_year: 2015 -- first year
-- parameter to_year: 2020 -- last year
-- chart: bar x=post_year y=median_follower_count
-- definition: Over posts joined with their user by row number, by the year in which the user joined.

SELECT
    join_year AS post_year,
    median(follower_count) AS median_follower_count  --? median=exact
    percentile_disc(0.5) WITHIN GROUP (ORDER BY follower_count) AS median_follower_count  --? median=lower
FROM pin_user
WHERE follower_count IS NOT NULL
    AND join_year BETWEEN {from_year} AND {to_year}
GROUP BY join_year
ORDER BY post_year

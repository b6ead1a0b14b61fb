-- title: Median followers per age group
-- question: What is the median follower count of each age group?
-- columns: age_group, median_follower_count
-- task: 8
-- parameter median: exact | lower -- the mean of the middle two, or the lower of them (percentile_approx on small data)
-- parameter age_label: +50 | 50+ -- how the oldest group is called
-- parameter ages: apart | oldest -- under 18 and unknown as groups of their own, or in the oldest as an ELSE puts them
-- chart: bar x=age_group y=median_follower_count
-- definition: Over posts joined with their user by row number; posts without a follower count are left out.

SELECT
    CASE band
        WHEN 0 THEN '<18'
        WHEN 1 THEN '18-24'
        WHEN 2 THEN '25-35'
        WHEN 3 THEN '36-50'
        WHEN 4 THEN '{age_label}'
        ELSE 'unknown'
    END AS age_group,
    median_follower_count
FROM (
    SELECT
        band,
        median(follower_count) AS median_follower_count  --? median=exact
        percentile_disc(0.5) WITHIN GROUP (ORDER BY follower_count) AS median_follower_count  --? median=lower
    FROM (
        SELECT
            age_band AS band,  --? ages=apart
            CASE WHEN age_band IN (1, 2, 3) THEN age_band ELSE 4 END AS band,  --? ages=oldest
            follower_count
        FROM pin_user
        WHERE follower_count IS NOT NULL
    ) grouped
    GROUP BY band
) medians
ORDER BY age_group

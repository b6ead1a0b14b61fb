-- title: Most popular category per age group
-- question: Which category is posted most often by each age group?
-- columns: age_group, category, category_count
-- task: 7 list=all
-- parameter ties: keep | first -- all categories that share the first place, or the first of them by name
-- parameter list: top | all -- only the first place, or every category
-- parameter age_label: +50 | 50+ -- how the oldest group is called
-- parameter ages: apart | oldest -- under 18 and unknown as groups of their own, or in the oldest as an ELSE puts them
-- chart: bar x=age_group y=category_count series=category
-- definition: Posts joined with their user by row number; per age group the category with most posts.

SELECT
    CASE band
        WHEN 0 THEN '<18'
        WHEN 1 THEN '18-24'
        WHEN 2 THEN '25-35'
        WHEN 3 THEN '36-50'
        WHEN 4 THEN '{age_label}'
        ELSE 'unknown'
    END AS age_group,
    category,
    category_count
FROM (
    SELECT
        band,
        category,
        count(*) AS category_count,
        rank() OVER (PARTITION BY band ORDER BY count(*) DESC) AS place  --? ties=keep
        row_number() OVER (PARTITION BY band ORDER BY count(*) DESC, category NULLS LAST) AS place  --? ties=first
    FROM (
        SELECT
            age_band AS band,  --? ages=apart
            CASE WHEN age_band IN (1, 2, 3) THEN age_band ELSE 4 END AS band,  --? ages=oldest
            category
        FROM pin_user
    ) grouped
    GROUP BY band, category
) ranked
WHERE place = 1  --? list=top
ORDER BY age_group, category NULLS LAST

-- What the answers read: the cleaned tables clean_pin, clean_geo, clean_user
-- joined by ind once, on the few columns that the questions need.
--
-- Each view begins with a line "-- view NAME: what a row is".  An engine may
-- keep a view's rows instead of computing them for every answer; one that ends
-- in "FROM a JOIN b USING (key)", it may match once.  age_band: 0 under 18,
-- 1 18-24, 2 25-35, 3 36-50, 4 over 50, NULL unknown.

-- view pin_geo: a post with its place
SELECT
    ind,
    category,
    poster_name,
    follower_count,
    country,
    year(timestamp) AS post_year,
    month(timestamp) AS post_month
FROM clean_pin
JOIN clean_geo USING (ind)

-- view posts_in_month: a category in a month, with how many posts it had
SELECT
    post_year,
    post_month,
    category,
    count(*) AS posts
FROM pin_geo
GROUP BY post_year, post_month, category

-- view pin_user: a post with its user
SELECT
    category,
    follower_count,
    CASE
        WHEN age < 18 THEN 0
        WHEN age <= 24 THEN 1
        WHEN age <= 35 THEN 2
        WHEN age <= 50 THEN 3
        WHEN age > 50 THEN 4
    END AS age_band,
    year(date_joined) AS join_year
FROM clean_pin
JOIN clean_user USING (ind)

-- view pin_geo_user: a post with its place and its user
SELECT
    year(timestamp) AS post_year,
    follower_count,
    CASE
        WHEN age < 18 THEN 0
        WHEN age <= 24 THEN 1
        WHEN age <= 35 THEN 2
        WHEN age <= 50 THEN 3
        WHEN age > 50 THEN 4
    END AS age_band
FROM clean_pin
JOIN clean_geo USING (ind)
JOIN clean_user USING (ind)

-- view pin_geo_name: a post with its place and the name of its user
SELECT
    country,
    follower_count,
    user_name
FROM clean_pin
JOIN clean_geo USING (ind)
JOIN clean_user USING (ind)

-- view column_nulls: a column, with how many of its values are NULL
SELECT 'geo' AS table_name, 'ind' AS column_name, count(*) AS rows, count(*) - count(ind) AS nulls FROM clean_geo
UNION ALL
SELECT 'geo' AS table_name, 'country' AS column_name, count(*) AS rows, count(*) - count(country) AS nulls FROM clean_geo
UNION ALL
SELECT 'geo' AS table_name, 'coordinates' AS column_name, count(*) AS rows, count(*) - count(coordinates) AS nulls FROM clean_geo
UNION ALL
SELECT 'geo' AS table_name, 'timestamp' AS column_name, count(*) AS rows, count(*) - count(timestamp) AS nulls FROM clean_geo
UNION ALL
SELECT 'pin' AS table_name, 'ind' AS column_name, count(*) AS rows, count(*) - count(ind) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'unique_id' AS column_name, count(*) AS rows, count(*) - count(unique_id) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'title' AS column_name, count(*) AS rows, count(*) - count(title) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'description' AS column_name, count(*) AS rows, count(*) - count(description) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'follower_count' AS column_name, count(*) AS rows, count(*) - count(follower_count) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'poster_name' AS column_name, count(*) AS rows, count(*) - count(poster_name) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'tag_list' AS column_name, count(*) AS rows, count(*) - count(tag_list) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'is_image_or_video' AS column_name, count(*) AS rows, count(*) - count(is_image_or_video) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'image_src' AS column_name, count(*) AS rows, count(*) - count(image_src) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'save_location' AS column_name, count(*) AS rows, count(*) - count(save_location) AS nulls FROM clean_pin
UNION ALL
SELECT 'pin' AS table_name, 'category' AS column_name, count(*) AS rows, count(*) - count(category) AS nulls FROM clean_pin
UNION ALL
SELECT 'user' AS table_name, 'ind' AS column_name, count(*) AS rows, count(*) - count(ind) AS nulls FROM clean_user
UNION ALL
SELECT 'user' AS table_name, 'user_name' AS column_name, count(*) AS rows, count(*) - count(user_name) AS nulls FROM clean_user
UNION ALL
SELECT 'user' AS table_name, 'age' AS column_name, count(*) AS rows, count(*) - count(age) AS nulls FROM clean_user
UNION ALL
SELECT 'user' AS table_name, 'date_joined' AS column_name, count(*) AS rows, count(*) - count(date_joined) AS nulls FROM clean_user

-- title: Users joined per year
-- question: How many users joined in each year?
-- columns: post_year, number_users_joined
-- task: 9
-- parameter grain: row | person | name | ind -- what counts as a user: a row of the table, a person (name, age, time of joining), a name, a row number
-- parameter from_year: 2015 -- first year
-- parameter to_year: 2020 -- last year
-- chart: bar x=post_year y=number_users_joined
-- definition: Rows of the user table after deduplication, by the year of joining in UTC.
-- note: One person owns several row numbers, so the count differs by grain: rows count a person once for every row number.

SELECT
    post_year,
    count(*) AS number_users_joined
FROM (
    SELECT year(date_joined) AS post_year  --? grain=row
    SELECT DISTINCT user_name, age, date_joined, year(date_joined) AS post_year  --? grain=person
    SELECT DISTINCT user_name, year(date_joined) AS post_year  --? grain=name
    SELECT DISTINCT ind, year(date_joined) AS post_year  --? grain=ind
    FROM clean_user
) joined
WHERE post_year BETWEEN {from_year} AND {to_year}
GROUP BY post_year
ORDER BY post_year

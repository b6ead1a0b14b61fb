-- title: Data quality
-- question: How large is the share of missing values in each column?
-- columns: table_name, column_name, rows, nulls, null_share
-- chart: bar x=column_name y=null_share series=table_name
-- definition: Values that are NULL after cleaning, per column of the three tables.

SELECT
    table_name,
    column_name,
    rows,
    nulls,
    CASE WHEN rows > 0 THEN CAST(nulls AS DOUBLE) / CAST(rows AS DOUBLE) END AS null_share
FROM column_nulls
ORDER BY table_name, column_name

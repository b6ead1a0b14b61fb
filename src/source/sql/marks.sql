-- The key of rows 0, 64, 128, ... in the order of keys, and how many rows
-- before it have the same key.
SELECT k, n - r
FROM (SELECT @key@ AS k,
             row_number() OVER (ORDER BY @key@) AS n,
             rank() OVER (ORDER BY @key@) AS r
      FROM @table@) AS numbered
WHERE (n - 1) % 64 = 0
ORDER BY n

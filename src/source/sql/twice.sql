-- One row when a key stands twice.
SELECT 1 FROM @table@ GROUP BY @key@ HAVING count(*) > 1 LIMIT 1

-- Rows, rows with a key, lowest and highest key.
SELECT count(*), count(@key@), coalesce(min(@key@), 0), coalesce(max(@key@), 0)
FROM @table@

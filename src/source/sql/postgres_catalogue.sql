-- Every column that can be seen without a schema's name: table, column,
-- whether it is a whole number, and whether an index begins with it (1) that
-- tells rows apart (2).
SELECT c.relname,
       a.attname,
       a.atttypid IN (20, 21, 23),
       coalesce((SELECT max(CASE WHEN i.indisunique AND i.indnkeyatts = 1
                                 THEN 2 ELSE 1 END)
                 FROM pg_index i
                 WHERE i.indrelid = c.oid
                   AND i.indkey[0] = a.attnum
                   AND i.indpred IS NULL
                   AND i.indisvalid), 0)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND pg_table_is_visible(c.oid)
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY c.relname, a.attnum

-- $1: the table's name.  Its columns, their types, and whether one that is
-- not written would be missed.
SELECT a.attname,
       format_type(a.atttypid, NULL),
       a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema()
  AND c.relname = $1
  AND c.relkind IN ('r', 'p')
  AND a.attnum > 0
  AND NOT a.attisdropped
ORDER BY a.attnum

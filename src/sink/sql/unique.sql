-- $1: the table's name.  The columns of each of its unique indexes that
-- ON CONFLICT can use, joined by ", " in the order of their names.
SELECT (SELECT string_agg(a.attname, ', ' ORDER BY a.attname)
        FROM pg_attribute a
        WHERE a.attrelid = i.indrelid
          AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
FROM pg_index i
JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = current_schema()
  AND c.relname = $1
  AND i.indisunique
  AND i.indisvalid
  AND i.indpred IS NULL
  AND i.indexprs IS NULL

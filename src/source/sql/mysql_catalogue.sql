-- Every column of the database: table, column, whether it is a whole number,
-- and whether an index begins with it (1) that tells rows apart (2).
SELECT c.table_name,
       c.column_name,
       c.data_type IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint'),
       coalesce((SELECT max(CASE WHEN s.non_unique = 0
                                  AND NOT EXISTS
                                      (SELECT 1
                                       FROM information_schema.statistics m
                                       WHERE m.table_schema = s.table_schema
                                         AND m.table_name = s.table_name
                                         AND m.index_name = s.index_name
                                         AND m.seq_in_index > 1)
                                 THEN 2 ELSE 1 END)
                 FROM information_schema.statistics s
                 WHERE s.table_schema = c.table_schema
                   AND s.table_name = c.table_name
                   AND s.column_name = c.column_name
                   AND s.seq_in_index = 1
                   AND s.index_type = 'BTREE'), 0)
FROM information_schema.columns c
WHERE c.table_schema = database()
ORDER BY c.table_name, c.ordinal_position

-- $1: the table's name.  Which pipeline with which spec has written to it last.
SELECT pipeline, spec_hash
FROM pinline_position
WHERE target = $1
ORDER BY moved DESC
LIMIT 1

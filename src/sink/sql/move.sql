-- $1: table, $2: topic, $3: epoch, $4: partition, $5: pipeline, $6: spec hash,
-- $7: from, $8: to.  Hits no row when the table stands elsewhere: somebody
-- else has moved it.
UPDATE pinline_position
SET next = $8, spec_hash = $6, moved = now()
WHERE target = $1
  AND topic = $2
  AND epoch = $3
  AND "partition" = $4
  AND pipeline = $5
  AND next = $7

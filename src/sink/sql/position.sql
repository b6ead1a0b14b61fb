-- $1: table, $2: topic, $3: epoch, $4: partition.  The next offset.
SELECT next
FROM pinline_position
WHERE target = $1
  AND topic = $2
  AND epoch = $3
  AND "partition" = $4

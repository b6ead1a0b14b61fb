-- As move.sql, for a partition that has no position yet.
INSERT INTO pinline_position
    (target, topic, epoch, "partition", pipeline, spec_hash, next)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT DO NOTHING

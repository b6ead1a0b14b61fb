-- kinesis.sql - the tables of kinesis.db and every statement on them.
-- A line "-- name: x" begins the statement that kinesis_meta.c calls x.

-- name: schema
-- the sequence numbers that some offsets have
CREATE TABLE IF NOT EXISTS mark(
    stream TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    place INTEGER NOT NULL,
    sequence TEXT NOT NULL,
    PRIMARY KEY(stream, epoch, shard, place)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS mark_sequence
    ON mark(stream, epoch, shard, sequence);
-- closed shards that were read to their end
CREATE TABLE IF NOT EXISTS drained(
    stream TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    PRIMARY KEY(stream, epoch, shard)) WITHOUT ROWID;
-- how far each shard was ever given to a reader
CREATE TABLE IF NOT EXISTS reached(
    stream TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY(stream, epoch, shard)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS position(
    "group" TEXT NOT NULL,
    stream TEXT NOT NULL,
    shard INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    place INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY("group", stream, shard)) WITHOUT ROWID;

-- name: mark_before
SELECT place, sequence FROM mark
WHERE stream = ?1 AND epoch = ?2 AND shard = ?3 AND place <= ?4
ORDER BY place DESC LIMIT 1;

-- name: mark_find
SELECT place FROM mark
WHERE stream = ?1 AND epoch = ?2 AND shard = ?3 AND sequence = ?4;

-- name: mark_set
INSERT OR IGNORE INTO mark VALUES(?1, ?2, ?3, ?4, ?5);

-- name: drained_get
SELECT 1 FROM drained WHERE stream = ?1 AND epoch = ?2 AND shard = ?3;

-- name: drained_set
INSERT OR IGNORE INTO drained VALUES(?1, ?2, ?3);

-- name: reached_get
SELECT place FROM reached WHERE stream = ?1 AND epoch = ?2 AND shard = ?3;

-- name: reached_set
INSERT INTO reached VALUES(?1, ?2, ?3, ?4)
ON CONFLICT DO UPDATE SET place = max(place, excluded.place);

-- name: position_get
SELECT epoch, place, metadata FROM position
WHERE "group" = ?1 AND stream = ?2 AND shard = ?3;

-- name: position_set
INSERT OR REPLACE INTO position VALUES(?1, ?2, ?3, ?4, ?5, ?6);

-- name: positions
SELECT stream, shard, epoch, place, metadata FROM position
WHERE "group" = ?1 ORDER BY stream, shard;

-- name: groups
SELECT DISTINCT "group" FROM position ORDER BY "group";

-- name: group_delete
DELETE FROM position WHERE "group" = ?1;

-- meta.sql - the tables of meta.db and every statement on them.
-- A line "-- name: x" begins the statement that seglog_meta.c calls x.

-- name: schema
CREATE TABLE IF NOT EXISTS config(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topic(
    epoch INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    partitions INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    retention_us INTEGER NOT NULL,
    retention_bytes INTEGER NOT NULL);
-- of partitions with something in a closed segment, or cut by retention
CREATE TABLE IF NOT EXISTS partition(
    epoch INTEGER NOT NULL REFERENCES topic ON DELETE CASCADE,
    partition INTEGER NOT NULL,
    begin INTEGER NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY(epoch, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segment(
    no INTEGER PRIMARY KEY,
    active INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL);
-- what a closed segment holds of a partition
CREATE TABLE IF NOT EXISTS span(
    epoch INTEGER NOT NULL REFERENCES topic ON DELETE CASCADE,
    partition INTEGER NOT NULL,
    first INTEGER NOT NULL,
    next INTEGER NOT NULL,
    segment INTEGER NOT NULL REFERENCES segment,
    at INTEGER NOT NULL,
    max_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY(epoch, partition, first)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS span_segment ON span(segment);
CREATE TABLE IF NOT EXISTS position(
    grp TEXT NOT NULL,
    topic TEXT NOT NULL,
    epoch INTEGER NOT NULL REFERENCES topic ON DELETE CASCADE,
    partition INTEGER NOT NULL,
    "offset" INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    PRIMARY KEY(grp, topic, partition)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS position_epoch ON position(epoch, partition);
INSERT OR IGNORE INTO config VALUES('format', 1), ('catalogue', 1);

-- name: format
SELECT value FROM config WHERE name = 'format';
-- name: data_version
PRAGMA data_version;
-- name: catalogue
SELECT value FROM config WHERE name = 'catalogue';
-- name: catalogue_moved
UPDATE config SET value = value + 1 WHERE name = 'catalogue';
-- name: topics
SELECT epoch, name, partitions, created_us, retention_us, retention_bytes FROM topic ORDER BY epoch;
-- name: topic_add
INSERT INTO topic(name, partitions, created_us, retention_us, retention_bytes) VALUES(?, ?, ?, ?, ?);
-- name: topic_count
SELECT count(*) FROM topic;
-- name: topic_delete
DELETE FROM topic WHERE name = ?;
-- name: topic_epoch
SELECT epoch FROM topic WHERE name = ?;
-- name: partitions
SELECT epoch, partition, begin, next FROM partition ORDER BY epoch, partition;
-- name: partition_next
INSERT INTO partition SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM topic WHERE epoch = ?1) ON CONFLICT DO UPDATE SET next = excluded.next;
-- name: partition_begin
UPDATE partition SET begin = max(begin, ?) WHERE epoch = ? AND partition = ?;
-- name: segments
SELECT no, active, bytes, created_us, last_us FROM segment ORDER BY no;
-- name: segment_add
INSERT INTO segment VALUES(?, 1, 0, ?, 0);
-- name: segment_close
UPDATE segment SET active = 0, bytes = ?, last_us = ? WHERE no = ?;
-- name: segments_empty
SELECT no FROM segment WHERE active = 0 AND NOT EXISTS (SELECT 1 FROM span WHERE segment = no);
-- name: segment_delete
DELETE FROM segment WHERE no = ?;
-- name: span_add
INSERT INTO span SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM topic WHERE epoch = ?1);
-- name: span_at
SELECT segment, first, next, at, entries FROM span WHERE epoch = ? AND partition = ? AND next > ? ORDER BY first LIMIT 1;
-- name: span_time
SELECT segment, first, next, at, entries FROM span WHERE epoch = ? AND partition = ? AND next > ? AND max_us >= ? ORDER BY first LIMIT 1;
-- name: spans
SELECT s.epoch, s.partition, s.first, s.next, s.segment, s.last_us, s.bytes, t.name, t.retention_us, t.retention_bytes FROM span s JOIN topic t USING(epoch) ORDER BY s.epoch, s.partition, s.first;
-- name: span_delete
DELETE FROM span WHERE epoch = ? AND partition = ? AND first = ?;
-- name: position_set
INSERT INTO position VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET epoch = excluded.epoch, "offset" = excluded."offset", metadata = excluded.metadata;
-- name: position_get
SELECT topic, epoch, partition, "offset", metadata FROM position WHERE grp = ? AND topic = ? AND partition = ?;
-- name: positions
SELECT topic, epoch, partition, "offset", metadata FROM position WHERE grp = ? ORDER BY topic, partition;
-- name: positions_on
SELECT grp, "offset" FROM position WHERE epoch = ? AND partition = ?;
-- name: group_reads
SELECT count(*) FROM position WHERE grp = ? AND epoch = ?;
-- name: groups
SELECT DISTINCT grp FROM position ORDER BY grp;
-- name: group_delete
DELETE FROM position WHERE grp = ?;

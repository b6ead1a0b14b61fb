-- DATA/intervals.db: which offsets a data interval holds (docs/format/intervals.md)
CREATE TABLE range (
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    topic TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    part INTEGER NOT NULL,
    first INTEGER NOT NULL,
    next INTEGER NOT NULL,
    found_us INTEGER NOT NULL,
    PRIMARY KEY (from_us, to_us, topic, epoch, part)
) WITHOUT ROWID;
PRAGMA user_version = 1;

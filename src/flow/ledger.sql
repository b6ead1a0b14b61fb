-- The ledger (flow/ledger.h): what became of every message.
CREATE TABLE IF NOT EXISTS span (
    pipeline   TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    part       INTEGER NOT NULL,
    first      INTEGER NOT NULL, -- first offset
    next       INTEGER NOT NULL, -- one past the last
    messages   INTEGER NOT NULL,
    expanded   INTEGER NOT NULL,
    cleaned    INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    duplicate  INTEGER NOT NULL,
    skipped    INTEGER NOT NULL,
    made_by    TEXT    NOT NULL, -- spec hash, or the layout of an object
    PRIMARY KEY (pipeline, topic, epoch, part, first)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS letter (
    id        INTEGER PRIMARY KEY,
    pipeline  TEXT    NOT NULL,
    topic     TEXT    NOT NULL,
    epoch     INTEGER NOT NULL,
    part      INTEGER NOT NULL,
    at        INTEGER NOT NULL, -- offset
    sub       INTEGER NOT NULL,
    rule      TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    payload   BLOB,
    spec_hash TEXT    NOT NULL,
    time_us   INTEGER NOT NULL,
    UNIQUE (pipeline, topic, epoch, part, at, sub, spec_hash)
);

CREATE TABLE IF NOT EXISTS run (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us   INTEGER NOT NULL,
    detail     TEXT    NOT NULL
);

PRAGMA user_version = 1;

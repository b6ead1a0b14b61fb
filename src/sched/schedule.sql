-- The journal of the scheduler (sched/journal.h).
CREATE TABLE IF NOT EXISTS schedule (
    name    TEXT    PRIMARY KEY,
    upto_us INTEGER NOT NULL, -- intervals that end at or before it have runs
    paused  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS run (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule   TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    key        TEXT    NOT NULL, -- "FROM/TO" or the name of a manual run
    from_us    INTEGER NOT NULL,
    to_us      INTEGER NOT NULL,
    conf       TEXT    NOT NULL,
    token      TEXT    UNIQUE,
    state      TEXT    NOT NULL,
    cancel     INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    started_us INTEGER NOT NULL,
    ended_us   INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    UNIQUE (schedule, key)
);
CREATE INDEX IF NOT EXISTS run_open ON run (id) WHERE ended_us = 0;
CREATE INDEX IF NOT EXISTS run_interval ON run (schedule, to_us);

CREATE TABLE IF NOT EXISTS task (
    run           INTEGER NOT NULL REFERENCES run (id),
    place         INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    attempt       INTEGER NOT NULL,
    not_before_us INTEGER NOT NULL,
    started_us    INTEGER NOT NULL,
    ended_us      INTEGER NOT NULL,
    exit_code     INTEGER NOT NULL,
    reason        TEXT    NOT NULL,
    log           TEXT    NOT NULL,
    PRIMARY KEY (run, place),
    UNIQUE (run, name)
) WITHOUT ROWID;

PRAGMA user_version = 1;

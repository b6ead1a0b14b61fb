-- Where each table stands in each partition of each topic; moved by the same
-- transaction as the table's rows.
CREATE TABLE IF NOT EXISTS pinline_position (
    target      text        NOT NULL,
    topic       text        NOT NULL,
    epoch       bigint      NOT NULL,
    "partition" integer     NOT NULL,
    pipeline    text        NOT NULL,
    spec_hash   text        NOT NULL,
    next        bigint      NOT NULL,
    moved       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (target, topic, epoch, "partition")
);

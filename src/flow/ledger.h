/*
 * ledger.h - what became of every message, and what was set aside.
 *
 * One SQLite file (DIR/ledger.db) beside the topics.  A ledger row says, for
 * one pipeline and one span of a topic partition, how many messages went in
 * and what came out; its key is (pipeline, topic, epoch, partition, from).
 * Rows are put before the output's position is committed: a crash between the
 * two is repaired by the next run, which begins at the same `from` and so
 * replaces the row.  Sums count only rows at or below the committed position;
 * crashes and repeats cannot bend them.
 *
 * Dead letters have the key (pipeline, topic, epoch, partition, offset, sub,
 * spec hash); a repeat is ignored.  One handle belongs to one thread; several
 * processes may have the file open.
 */
#ifndef FLOW_LEDGER_H
#define FLOW_LEDGER_H

#include "core/err.h"
#include "core/slice.h"
#include "record/span.h"

struct ledger; /* opaque */

/* Counts of records, and the spec that made them. */
struct ledger_counts {
    int64_t messages;
    int64_t expanded;  /* records beyond one a message */
    int64_t cleaned;   /* rows (or lines) written */
    int64_t rejected;  /* dead letters */
    int64_t duplicate; /* rows left out because they were there */
    int64_t skipped;   /* tombstones that a sink of objects passes over */
};

struct ledger_row {
    const char *pipeline; /* borrowed, as is span.topic */
    struct span span;
    struct ledger_counts counts;
    char made_by[72]; /* spec hash; objects: "lines" or "array" */
};

int ledger_open(struct ledger **ret, const char *dir, struct err *e) MUST_USE;
void ledger_close(struct ledger *l); /* NULL is fine */

/* Everything between these two becomes durable together. */
int ledger_begin(struct ledger *l, struct err *e) MUST_USE;
int ledger_commit(struct ledger *l, struct err *e) MUST_USE;
void ledger_rollback(struct ledger *l);

int ledger_put(struct ledger *l, const struct ledger_row *r,
               struct err *e) MUST_USE;
/* Forget a pipeline's rows of a topic, of every epoch, and its letters
 * that another spec made (batch --full begins again). */
int ledger_forget(struct ledger *l, const char *pipeline, const char *topic,
                  const char *spec_hash, struct err *e) MUST_USE;
/* Once there are many, make one row of a pipeline's rows of a topic partition
 * that end at or below where->from, but for the youngest: what is asked of
 * tables is sums.  Not for objects, whose rows are found one by one. */
int ledger_fold(struct ledger *l, const char *pipeline,
                const struct span *where, struct err *e) MUST_USE;
/* Sum of a pipeline's rows of a topic partition with to <= upto. */
int ledger_sum(struct ledger *l, const char *pipeline, const struct span *where,
               int64_t upto, struct ledger_counts *ret, struct err *e) MUST_USE;
/* The row that holds `offset`, else the next one; ERR_NOTFOUND.  Fills span.from, span.to,
 * counts and made_by. */
int ledger_find(struct ledger *l, const char *pipeline,
                const struct span *where, int64_t offset,
                struct ledger_row *ret, struct err *e) MUST_USE;

/* ---- dead letters ---- */

struct deadletter {
    int64_t id; /* given by the ledger */
    const char *pipeline;
    const char *topic;
    int64_t epoch;
    int32_t partition;
    int64_t offset;
    int32_t sub;
    const char *rule;   /* "not_json", "no_key", a column's rule, ... */
    const char *reason; /* a sentence */
    struct slice payload;
    bool has_payload;
    const char *spec_hash;
    int64_t time_us; /* when it was set aside */
};

int ledger_bury(struct ledger *l, const struct deadletter *d,
                struct err *e) MUST_USE;

/* NULL or -1: any.  Rows come in order of pipeline, topic, partition, offset,
 * sub. fn returning false ends the walk. */
struct deadletter_filter {
    const char *pipeline;
    const char *topic;
    int64_t epoch;     /* -1: any */
    int32_t partition; /* -1: any */
    int64_t from, to;  /* offsets; to -1: no end */
    int64_t id;        /* -1: any */
};
#define DEADLETTER_ANY \
    ((struct deadletter_filter){NULL, NULL, -1, -1, 0, -1, -1})
int ledger_letters(struct ledger *l, const struct deadletter_filter *f,
                   bool (*fn)(void *arg, const struct deadletter *d), void *arg,
                   struct err *e) MUST_USE;
int ledger_count_letters(struct ledger *l, const struct deadletter_filter *f,
                         int64_t *ret, struct err *e) MUST_USE;
/* ---- runs ---- */

struct ledger_run {
    int64_t id;
    const char *kind;  /* "batch" */
    const char *state; /* "running", "success", "failed" */
    int64_t started_us, ended_us;
    const char *detail; /* JSON: ranges, counts, error */
};
int ledger_run_begin(struct ledger *l, const char *kind, const char *detail,
                     int64_t *ret_id, struct err *e) MUST_USE;
int ledger_run_end(struct ledger *l, int64_t id, const char *state,
                   const char *detail, struct err *e) MUST_USE;
/* Newest first, at most `limit`. */
int ledger_runs(struct ledger *l, int64_t limit,
                bool (*fn)(void *arg, const struct ledger_run *r), void *arg,
                struct err *e) MUST_USE;

#endif

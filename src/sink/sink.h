/*
 * sink.h - where a pipeline's output goes: open by name, write, commit.
 *
 * A sink takes either messages (objects, file_stream) or cleaned rows (delta)
 * and owns the truth of how far its output reaches: sink_position().  Within
 * a topic partition spans are given in order and without gaps; commit() makes
 * everything written since the last commit visible, once, or fails and
 * leaves the former state; ERR_FENCED when the stored position is not the
 * first span's `from`.  One sink belongs to one thread.
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "core/err.h"
#include "record/batch.h"
#include "record/message.h"
#include "record/span.h"
#include "store/store.h"

struct sink; /* opaque */

enum sink_takes {
    SINK_MESSAGES,
    SINK_ROWS,
};

/* What became of the messages of a span. */
struct sink_counts {
    int64_t written;
    int64_t rejected; /* given to hooks.reject */
    int64_t skipped;  /* tombstones; given to hooks.reject with rule
                         "tombstone", so that offsets can be told from lines */
};

enum {
    SINK_PLAN_MAX = 6
};

/* Outputs that were planned, one behind the other. */
struct sink_plan {
    size_t n;
    int64_t to[SINK_PLAN_MAX];      /* where each ends; offsets */
    int64_t wall_us[SINK_PLAN_MAX]; /* when it was begun; 0: not known */
};

/* Services the flow gives to sinks that keep no positions of their own. */
struct sink_hooks {
    void *arg;
    /* What was planned for this partition, from its position on. */
    int (*planned)(void *arg, const struct span *s, struct sink_plan *ret,
                   struct err *e);
    /* Store durably, before their first byte, that the next outputs of this
     * partition, from s->from on, end where the plan says. */
    int (*plan)(void *arg, const struct span *s, const struct sink_plan *p,
                struct err *e);
    /* Store the position after the output is there: [s->from, s->to) is
     * done, what became of its messages, and what is planned behind it. */
    int (*done)(void *arg, const struct span *s, const struct sink_counts *c,
                const struct sink_plan *rest, struct err *e);
    /* The stored position (next offset), -1 when none. */
    int (*position)(void *arg, const struct span *s, int64_t *ret,
                    struct err *e);
    /* A message that this sink cannot hold: dead-lettered and counted. */
    int (*reject)(void *arg, const struct span *s, const struct message *m,
                  const char *rule, const char *reason, struct err *e);
};

/* What happens to a row whose unique key the table has already. */
enum sink_conflict {
    SINK_CONFLICT_KEEP,   /* the old row stays, the new one is dropped */
    SINK_CONFLICT_UPDATE, /* the old row takes the new one's values */
};

struct sink_outbox;  /* sink/kafka.h */
struct sink_objects; /* sink/objects.h */

struct sink_conf {
    const char *kind; /* "objects", "file_stream", "delta", ... */
    const char *dir;  /* the folder or file it writes, or "s3://..." */
    const struct store_conf *store; /* how dir is reached; NULL: defaults */
    struct sink_hooks hooks;

    /* objects */
    const struct sink_objects *objects; /* NULL: defaults */
    int64_t flush_records;              /* 0: no limit by records */
    int64_t flush_bytes;
    int64_t flush_us; /* wall time since the object's first record */
    bool gzip;
    bool array; /* one JSON array an object instead of lines */

    /* rows */
    const struct col_def *defs;
    size_t columns;
    const char *pipeline; /* owner; part of the txn appId.  NULL with
                             read_only: whoever owns the table */
    const char *table;    /* its name, for messages */
    const char *spec_hash;
    const char *log_retention; /* delta: "interval 1 days", of a table that is
                                  made; NULL: the format's 30 days */
    const char *const *parts;  /* delta: partition columns */
    size_t nparts;
    bool read_only; /* only positions are asked for: nothing is created */
    const struct sink_outbox *outbox; /* kafka; key: one column or none */
    /* postgres */
    const char *url;        /* postgres://USER@HOST/DATABASE, see db/login.h */
    const char *into;       /* the table: "clean_pin", "schema.clean_pin" */
    const char *comment;    /* of a table that is created; may be NULL */
    const char *const *key; /* columns that are unique together */
    size_t nkey;            /* 0: no key, every row is appended */
    enum sink_conflict conflict;

    bool replace; /* the first commit replaces the table's rows and positions
                     (batch --full); positions are then as of a new table */
};

int sink_open(struct sink **ret, const struct sink_conf *conf,
              struct err *e) MUST_USE;
enum sink_takes sink_takes(const struct sink *s);
/* The pipeline that owns what is written; NULL when nothing is there yet. */
const char *sink_owner(const struct sink *s);
/* Next offset this output needs; 0 for a topic it has never seen. */
int sink_position(struct sink *s, const struct span *where, int64_t *ret,
                  struct err *e) MUST_USE;
int sink_write_messages(struct sink *s, const struct span *span,
                        const struct message *m, size_t n,
                        struct err *e) MUST_USE;
int sink_write_rows(struct sink *s, const struct span *span,
                    const struct batch *rows, struct err *e) MUST_USE;
/* flush: also publish what is not full yet (end of a --once run, SIGTERM). */
int sink_commit(struct sink *s, bool flush, struct err *e) MUST_USE;
/* Several processes may write to it, each its own partitions. */
bool sink_shares(const struct sink *s);
/* A partition belongs to somebody else now: drop what is open of it; should it
 * come back, its position is asked for anew. */
void sink_forget(struct sink *s, const struct span *where);
void sink_close(struct sink *s); /* NULL is fine; rolls back what is open */

#endif

/*
 * delta.h - Delta tables in a folder or an object store: created, appended
 * to, replaced, read.
 *
 * A handle holds the table's state at one version; commits move it on, and
 * delta_refresh() reads what others wrote.  A commit is one new file in the
 * log, put there whole and only if absent, so that of two writers one wins
 * and the other looks again.  Positions (Delta's `txn`) fence writers: a
 * commit says from where to where it goes and fails with ERR_FENCED when the
 * table stands elsewhere.  One thread at a time.
 *
 * Written and read: protocol 1/2.  Tables that need more are refused with the
 * reason.  Keeping house is in lake/delta_tidy.h.
 */
#ifndef LAKE_DELTA_H
#define LAKE_DELTA_H

#include "core/fs.h"
#include "lake/parquet.h"
#include "record/span.h"

struct delta; /* opaque */

struct delta_prop {
    const char *name;
    const char *value;
};

struct delta_schema {
    const struct col_def *defs;
    size_t columns;
    const struct delta_prop *props;
    size_t nprops;
    const char *const *parts; /* partition columns: whole numbers and texts */
    size_t nparts;
};

/* A writer's way through one source: app names it (delta_app()). */
struct delta_move {
    const char *app;
    int64_t from; /* where the table must stand; 0: never written */
    int64_t to;
};

/* A data file that is durable but not yet part of the table. */
struct delta_add {
    char *path;   /* as the log spells it; mem_free */
    char *values; /* of the partition columns, JSON; NULL: there are none */
    char *stats;  /* JSON; mem_free */
    int64_t bytes;
    int64_t rows;
};

struct delta_adds {
    struct delta_add *items;
    size_t n;
};

struct delta_change {
    const char *operation; /* for people who read the history */
    const struct delta_add *adds;
    size_t nadds;
    const struct delta_move *moves;
    size_t nmoves;
    /* All rows there are go; other writers' positions of ours become 0. */
    bool replace;
    /* Rows only move: these live files (as the log spells them) give way to
     * adds, and readers of changes see none.  ERR_CONFLICT when one is gone. */
    bool rearrange;
    const char *const *removes;
    size_t nremoves;
    /* New columns at the end or, with replace, any; properties are merged.
     * NULL: the schema stays. */
    const struct delta_schema *schema;
};

/* url as store.h takes it: "DIR", "s3://BUCKET/PREFIX".  Writing needs a store
 * that honours conditional puts (ERR_UNAVAILABLE with the reason). */
/* Open what is there; ERR_NOTFOUND when it is no table.  duck: used for
 * checkpoints and data files; NULL: an own one is opened when needed. */
int delta_open(struct delta **ret, const char *url, struct duck *duck,
               struct err *e) MUST_USE;
/* Make an empty table; ERR_EXISTS when there is one. */
int delta_create(struct delta **ret, const char *url,
                 const struct delta_schema *schema, struct duck *duck,
                 struct err *e) MUST_USE;
void delta_close(struct delta *t); /* NULL is fine */
int delta_refresh(struct delta *t, struct err *e) MUST_USE;

int64_t delta_version(const struct delta *t);
/* A table property; NULL when not set.  Good until the next commit. */
const char *delta_prop(const struct delta *t, const char *name);
/* The stored position of an application; 0 when it never wrote. */
int64_t delta_position(const struct delta *t, const char *app);
/* ERR_INVALID when the columns differ by more than new ones at the end, with
 * the first difference; *ret_more: there are new ones. */
int delta_check_schema(const struct delta *t, const struct col_def *defs,
                       size_t columns, bool *ret_more, struct err *e) MUST_USE;
/* ERR_INVALID when the table's partition columns are others than these. */
int delta_check_parts(const struct delta *t, const char *const *parts,
                      size_t nparts, struct err *e) MUST_USE;
size_t delta_files(const struct delta *t);
/* Rows of all live files; -1 when one does not say. */
int64_t delta_rows(const struct delta *t);
int64_t delta_bytes(const struct delta *t);
/* Where live file i lies, or its copy after delta_select(). */
int delta_file_path(const struct delta *t, size_t i, char path[FS_PATH_MAX],
                    struct err *e) MUST_USE;
/* Append a SELECT of all rows, columns in the table's order and types.  Of a
 * table in a remote store the data files are copied first, for as long as the
 * handle is open. */
int delta_select(struct delta *t, struct buf *b, struct err *e) MUST_USE;

/* How many values of each column are NULL, from the files' statistics; *ret is
 * false when a file does not say.  delta_nulls_free() ends it. */
struct delta_nulls {
    char *column;
    int64_t nulls;
};
int delta_null_counts(const struct delta *t, struct delta_nulls **ret_nulls,
                      size_t *ret_n, bool *ret, struct err *e) MUST_USE;
void delta_nulls_free(struct delta_nulls *nulls, size_t n);

/* Write rows to new data files, one for each partition that they are of, and
 * note them in *to; what was written before a failure is noted too.  as: the
 * schema of the replacing change that will name them; NULL: the table's. */
int delta_write(struct delta *t, const struct delta_schema *as,
                const struct batch *rows, struct delta_adds *to,
                struct err *e) MUST_USE;
void delta_adds_release(struct delta_adds *a); /* empty then */
/* Take back files that no commit named. */
void delta_unwrite(struct delta *t, const struct delta_adds *a);
/* Make a change one new version.  ERR_FENCED, ERR_CONFLICT (the table itself
 * was changed by somebody else: look again); retries lost races itself.
 * A checkpoint follows
 * ten commits, or as many as a tenth of what it would hold, if that is more. */
int delta_commit(struct delta *t, const struct delta_change *c,
                 struct err *e) MUST_USE;
int delta_checkpoint(struct delta *t, struct err *e) MUST_USE;

/* "pinline:<pipeline>:<topic>:<epoch>:<partition>" with ':' and '%' of the
 * names written as %3A and %25. */
int delta_app(struct buf *b, const char *pipeline, const struct span *where,
              struct err *e) MUST_USE;

#endif

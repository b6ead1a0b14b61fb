/*
 * frame.h - batches into DuckDB and out of it.
 *
 * A frame is a batch that owns the description of its columns, since the rows
 * of a query have names and types that nobody knew before.
 */
#ifndef LAKE_FRAME_H
#define LAKE_FRAME_H

#include "core/buf.h"
#include "db/duck.h"
#include "record/batch.h"

struct frame {
    struct batch rows;
    struct col_def *defs;
    char **names; /* columns, and fields of points */
    size_t nnames;
};

/* All rows of one SELECT; ERR_LIMIT when they take more than max_bytes. */
int frame_query(struct duck *d, const char *sql, size_t max_bytes,
                struct frame *ret, struct err *e) MUST_USE;
void frame_release(struct frame *f);

/* Give the rows of a SELECT to fn in portions of at least `rows` (but the
 * last one); the portion is fn's until it returns. */
typedef int (*frame_fn)(void *arg, const struct batch *rows, struct err *e);
int frame_each(struct duck *d, const char *sql, size_t rows, frame_fn fn,
               void *arg, struct err *e) MUST_USE;

/*
 * Make n batches of the same columns readable as the view `name`.  The
 * batches stay the caller's and must not change until the feed is freed,
 * which is after the view was last read.  Timestamps are of type TIMESTAMP for
 * the SQL, else TIMESTAMPTZ.
 */
struct frame_feed; /* opaque */
int frame_feed(struct duck *d, const char *name,
               const struct batch *const *batches, size_t n, bool zoneless,
               struct frame_feed **ret, struct err *e) MUST_USE;
void frame_feed_free(struct frame_feed *f); /* NULL is fine */
/* Append a batch to a table with the same columns. */
int frame_append(struct duck *d, const char *table, const struct batch *b,
                 struct err *e) MUST_USE;
/* The type of a column as DuckDB writes it: "INTEGER", "DOUBLE[]"; point
 * types are made of the field names. */
int frame_type_sql(struct buf *b, const struct col_def *def,
                   struct err *e) MUST_USE;

#endif

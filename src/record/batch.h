/*
 * batch.h - a bounded set of rows, column by column.
 *
 * The columns' memory belongs to the batch.  One thread at a time.  A row is
 * added by giving each column one value (or NULL) and then batch_end_row();
 * batch_drop_row() takes back the values of a row that was not ended.
 * batch_type.h says how rows lie in memory, batch_put.h has the puts.
 */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include "record/batch_put.h"

/* An empty batch for rows of these columns; nothing is allocated on failure. */
int batch_init(struct batch *b, const struct col_def *defs, size_t columns,
               struct err *e) MUST_USE;
void batch_release(struct batch *b);
void batch_clear(struct batch *b); /* no rows, memory kept */

void batch_end_row(struct batch *b); /* every column has its value */
void batch_drop_row(struct batch *b);

/* Keep the rows i with keep[i] != 0, in order. */
void batch_filter(struct batch *b, const uint8_t *keep);
/* Append rows [from, to) of src, which has the same column types. */
int batch_append(struct batch *b, const struct batch *src, size_t from,
                 size_t to, struct err *e) MUST_USE;

static inline bool batch_is_null(const struct batch *b, size_t col, size_t row)
{
    return b->cols[col].valid[row] == 0;
}

/* The text of a COL_TEXT value that is not NULL. */
static inline struct slice batch_text(const struct batch *b, size_t col,
                                      size_t row)
{
    const struct column *c = &b->cols[col];
    uint64_t start = row > 0 ? c->end[row - 1] : 0;

    return (struct slice){c->bytes + start, (size_t)(c->end[row] - start)};
}

#endif

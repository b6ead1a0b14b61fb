/*
 * batch.h - a bounded set of rows, column by column.
 *
 * The columns' memory belongs to the batch.  One thread at a time.  A row is
 * added by giving each column one value (or NULL) and then batch_end_row();
 * batch_drop_row() takes back the values of a row that was not ended.
 */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include "core/err.h"
#include "core/slice.h"

enum col_type {
    COL_INT32,
    COL_INT64,
    COL_DOUBLE,
    COL_TEXT,
    COL_TIMESTAMP,   /* microseconds UTC */
    COL_DOUBLE_LIST, /* array of double */
    COL_TEXT_LIST,   /* array of text */
    COL_POINT,       /* struct of two doubles named by col_def.fields */
    COL_BOOL,        /* query results only */
};

struct col_def {
    const char *name; /* borrowed for the batch's life */
    enum col_type type;
    const char *comment;   /* may be NULL */
    const char *fields[2]; /* COL_POINT: e.g. latitude, longitude */
};

/*
 * Row i of a column is NULL when valid[i] == 0.  Fixed types: fixed.x[i].
 * COL_TEXT: bytes[start..end[i]) with start = i ? end[i-1] : 0.  Lists: items
 * item_start..end[i] in the same way; a COL_DOUBLE_LIST item is doubles[k], a
 * COL_TEXT_LIST item is bytes[item_end[k-1]..item_end[k]).  COL_POINT:
 * doubles[2*i], doubles[2*i+1].
 */
struct column {
    uint8_t *valid;
    union {
        int32_t *i32;
        int64_t *i64;
        double *f64;
        uint8_t *b;
        void *any;
    } fixed;
    uint64_t *end;      /* text and lists */
    char *bytes;        /* text and text lists */
    double *doubles;    /* double lists and points */
    uint64_t *item_end; /* text lists */
    size_t bytes_len, bytes_cap;
    size_t items, items_cap;
    size_t filled; /* values given, of which batch.rows are ended */
};

struct batch {
    const struct col_def *defs; /* borrowed */
    size_t columns;
    struct column *cols;
    size_t rows;
    size_t rows_cap;
    size_t bytes; /* about how much memory the values take */
};

/* An empty batch for rows of these columns; nothing is allocated on failure. */
int batch_init(struct batch *b, const struct col_def *defs, size_t columns,
               struct err *e) MUST_USE;
void batch_release(struct batch *b);
void batch_clear(struct batch *b); /* no rows, memory kept */

int batch_put_null(struct batch *b, size_t col, struct err *e) MUST_USE;
int batch_put_i32(struct batch *b, size_t col, int32_t v,
                  struct err *e) MUST_USE;
int batch_put_i64(struct batch *b, size_t col, int64_t v,
                  struct err *e) MUST_USE; /* INT64 and TIMESTAMP */
int batch_put_double(struct batch *b, size_t col, double v,
                     struct err *e) MUST_USE;
int batch_put_bool(struct batch *b, size_t col, bool v, struct err *e) MUST_USE;
int batch_put_text(struct batch *b, size_t col, struct slice v,
                   struct err *e) MUST_USE;
int batch_put_doubles(struct batch *b, size_t col, const double *v, size_t n,
                      struct err *e) MUST_USE; /* lists; points: n == 2 */
int batch_put_texts(struct batch *b, size_t col, const struct slice *v,
                    size_t n, struct err *e) MUST_USE;
void batch_end_row(struct batch *b); /* every column has its value */
void batch_drop_row(struct batch *b);
/* Room for this many more rows in every column's fixed part. */
int batch_reserve(struct batch *b, size_t rows, struct err *e) MUST_USE;

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

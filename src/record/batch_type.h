/*
 * batch_type.h - how a batch lies in memory; include record/batch.h.
 */
#ifndef RECORD_BATCH_TYPE_H
#define RECORD_BATCH_TYPE_H

#include <string.h>

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
    bool date; /* COL_TEXT of a query's result: dates, "YYYY-MM-DD" */
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

enum {
    BATCH_ROWS_MAX = 1 << 26,  /* rows of one batch */
    BATCH_BYTES_MAX = 1 << 30, /* bytes of one column's texts or items */
};

struct batch {
    const struct col_def *defs; /* borrowed */
    size_t columns;
    struct column *cols;
    size_t rows;
    size_t rows_cap;
    size_t bytes;     /* about how much memory the values take */
    size_t row_width; /* of which in each row's fixed parts */
};

/* Room for this many more rows in every column's fixed part. */
int batch_reserve(struct batch *b, size_t rows, struct err *e) MUST_USE;
/* Room for n more bytes of text in a column (COL_TEXT, COL_TEXT_LIST). */
int batch_reserve_text(struct batch *b, size_t col, size_t n,
                       struct err *e) MUST_USE;
/* Room for n more items in a list column. */
int batch_reserve_items(struct batch *b, size_t col, size_t n,
                        struct err *e) MUST_USE;

#endif

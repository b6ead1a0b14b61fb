/*
 * batch_put.h - giving values to a batch's columns; include record/batch.h.
 */
#ifndef RECORD_BATCH_PUT_H
#define RECORD_BATCH_PUT_H

#include "record/batch_type.h"

/*
 * A value for the row that is being filled; the type must be the column's and
 * each column gets one (asserted).  ERR_LIMIT past BATCH_*_MAX, ERR_NOMEM.
 */
int batch_put_null(struct batch *b, size_t col, struct err *e) MUST_USE;
static inline int batch_put_i32(struct batch *b, size_t col, int32_t v,
                                struct err *e) MUST_USE;
/* INT64 and TIMESTAMP */
static inline int batch_put_i64(struct batch *b, size_t col, int64_t v,
                                struct err *e) MUST_USE;
static inline int batch_put_double(struct batch *b, size_t col, double v,
                                   struct err *e) MUST_USE;
static inline int batch_put_bool(struct batch *b, size_t col, bool v,
                                 struct err *e) MUST_USE;
static inline int batch_put_text(struct batch *b, size_t col, struct slice v,
                                 struct err *e) MUST_USE;
int batch_put_doubles(struct batch *b, size_t col, const double *v, size_t n,
                      struct err *e) MUST_USE; /* lists; points: n == 2 */
int batch_put_texts(struct batch *b, size_t col, const struct slice *v,
                    size_t n, struct err *e) MUST_USE;
/* The row to fill in a column: marked as a value, room made for it. */
static inline int batch_next(struct batch *b, size_t col, size_t *ret,
                             struct err *e)
{
    struct column *c = &b->cols[col];

    assert(c->filled == b->rows);
    if (b->rows == b->rows_cap && batch_reserve(b, 1, e) < 0) {
        return -1;
    }
    c->valid[b->rows] = 1;
    *ret = b->rows;
    return 0;
}

static inline int batch_put_i32(struct batch *b, size_t col, int32_t v,
                                struct err *e)
{
    size_t i;

    assert(b->defs[col].type == COL_INT32);
    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    b->cols[col].fixed.i32[i] = v;
    b->cols[col].filled++;
    return 0;
}

static inline int batch_put_i64(struct batch *b, size_t col, int64_t v,
                                struct err *e)
{
    size_t i;

    assert(b->defs[col].type == COL_INT64 ||
           b->defs[col].type == COL_TIMESTAMP);
    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    b->cols[col].fixed.i64[i] = v;
    b->cols[col].filled++;
    return 0;
}

static inline int batch_put_double(struct batch *b, size_t col, double v,
                                   struct err *e)
{
    size_t i;

    assert(b->defs[col].type == COL_DOUBLE);
    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    b->cols[col].fixed.f64[i] = v;
    b->cols[col].filled++;
    return 0;
}

static inline int batch_put_bool(struct batch *b, size_t col, bool v,
                                 struct err *e)
{
    size_t i;

    assert(b->defs[col].type == COL_BOOL);
    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    b->cols[col].fixed.b[i] = v ? 1 : 0;
    b->cols[col].filled++;
    return 0;
}

static inline int batch_put_text(struct batch *b, size_t col, struct slice v,
                                 struct err *e)
{
    struct column *c = &b->cols[col];
    size_t i;

    assert(b->defs[col].type == COL_TEXT);
    if ((c->bytes_cap == 0 || v.len > c->bytes_cap - c->bytes_len) &&
        batch_reserve_text(b, col, v.len, e) < 0) {
        return -1;
    }
    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    if (v.len > 0) {
        memcpy(c->bytes + c->bytes_len, v.ptr, v.len);
    }
    c->bytes_len += v.len;
    b->bytes += v.len;
    c->end[i] = c->bytes_len;
    c->filled++;
    return 0;
}

#endif

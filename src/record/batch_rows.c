/* Whole rows of a batch: kept, left out, copied from another. */
#include "record/batch.h"

/* The run [*from, *to) of rows that a text or list value spans. */
static void span(const uint64_t *end, size_t from, size_t to,
                 uint64_t *ret_from, uint64_t *ret_to)
{
    *ret_from = from > 0 ? end[from - 1] : 0;
    *ret_to = to > 0 ? end[to - 1] : 0;
}

static size_t width(enum col_type t)
{
    switch (t) {
    case COL_INT32:
        return sizeof(int32_t);
    case COL_BOOL:
        return 1;
    case COL_INT64:
    case COL_TIMESTAMP:
    case COL_DOUBLE:
        return sizeof(int64_t);
    case COL_POINT:
    case COL_TEXT:
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        break;
    }
    return 0;
}

/* Append text list items [first, last) of s; d has room. */
static void copy_texts(struct column *d, const struct column *s, uint64_t first,
                       uint64_t last)
{
    uint64_t from;
    uint64_t to;

    span(s->item_end, first, last, &from, &to);
    for (uint64_t k = 0; k < last - first; k++) {
        d->item_end[d->items + k] =
            s->item_end[first + k] - from + d->bytes_len;
    }
    if (to > from) {
        memmove(d->bytes + d->bytes_len, s->bytes + from, to - from);
    }
    d->bytes_len += to - from;
    d->items += last - first;
}

/* The same for values with ends: texts and lists. */
static void copy_ends(struct column *d, size_t at, const struct column *s,
                      enum col_type t, size_t from, size_t to)
{
    uint64_t base = t == COL_TEXT ? d->bytes_len : d->items;
    uint64_t first;
    uint64_t last;

    span(s->end, from, to, &first, &last);
    for (size_t i = 0; i < to - from; i++) {
        d->end[at + i] = s->end[from + i] - first + base;
    }
    if (t == COL_TEXT_LIST) {
        copy_texts(d, s, first, last);
    } else if (t == COL_TEXT) {
        if (last > first) {
            memmove(d->bytes + d->bytes_len, s->bytes + first, last - first);
        }
        d->bytes_len += last - first;
    } else {
        if (last > first) {
            memmove(d->doubles + d->items, s->doubles + first,
                    (last - first) * sizeof(double));
        }
        d->items += last - first;
    }
}

/*
 * Put rows [from, to) of s at row `at` of d, the next that is free there.
 * Room has been made.  s and d may be the same column when at <= from: what
 * is overwritten has been read, since each thing moves down or stays.
 */
static void copy_rows(struct column *d, size_t at, const struct column *s,
                      enum col_type t, size_t from, size_t to)
{
    size_t n = to - from;
    size_t w = width(t);

    memmove(d->valid + at, s->valid + from, n);
    d->filled = at + n;
    if (w > 0) {
        memmove((char *)d->fixed.any + at * w,
                (const char *)s->fixed.any + from * w, n * w);
    } else if (t == COL_POINT) {
        memmove(d->doubles + 2 * at, s->doubles + 2 * from,
                2 * n * sizeof(double));
    } else {
        copy_ends(d, at, s, t, from, to);
    }
}

static void count_bytes(struct batch *b)
{
    b->bytes = b->rows * b->row_width;
    for (size_t i = 0; i < b->columns; i++) {
        b->bytes += b->cols[i].bytes_len + b->cols[i].items * sizeof(uint64_t);
    }
}

void batch_filter(struct batch *b, const uint8_t *keep)
{
    size_t kept = 0;

    batch_drop_row(b);
    for (size_t c = 0; c < b->columns; c++) {
        struct column *col = &b->cols[c];

        kept = 0;
        col->bytes_len = 0;
        col->items = 0;
        col->filled = 0;
        for (size_t i = 0; i < b->rows;) {
            size_t from = i;

            while (i < b->rows && keep[i]) {
                i++;
            }
            if (i > from) {
                copy_rows(col, kept, col, b->defs[c].type, from, i);
                kept += i - from;
            } else {
                i++;
            }
        }
    }
    b->rows = kept;
    count_bytes(b);
}

/* Room in one column for what rows [from, to) of s hold. */
static int reserve_like(struct batch *b, size_t col, const struct column *s,
                        size_t from, size_t to, struct err *e)
{
    enum col_type t = b->defs[col].type;
    uint64_t first;
    uint64_t last;

    if (width(t) > 0 || t == COL_POINT) {
        return 0;
    }
    span(s->end, from, to, &first, &last);
    if (t == COL_TEXT) {
        return batch_reserve_text(b, col, last - first, e);
    }
    if (batch_reserve_items(b, col, last - first, e) < 0) {
        return -1;
    }
    if (t == COL_TEXT_LIST) {
        span(s->item_end, first, last, &first, &last);
        return batch_reserve_text(b, col, last - first, e);
    }
    return 0;
}

int batch_append(struct batch *b, const struct batch *src, size_t from,
                 size_t to, struct err *e)
{
    assert(b->columns == src->columns && from <= to && to <= src->rows);
    if (from == to) {
        return 0;
    }
    if (batch_reserve(b, to - from, e) < 0) {
        return -1;
    }
    for (size_t c = 0; c < b->columns; c++) {
        assert(b->defs[c].type == src->defs[c].type);
        assert(b->cols[c].filled == b->rows);
        if (reserve_like(b, c, &src->cols[c], from, to, e) < 0) {
            return -1;
        }
    }
    for (size_t c = 0; c < b->columns; c++) {
        copy_rows(&b->cols[c], b->rows, &src->cols[c], b->defs[c].type, from,
                  to);
    }
    b->rows += to - from;
    count_bytes(b);
    return 0;
}

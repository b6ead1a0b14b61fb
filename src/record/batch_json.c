#include "record/batch_json.h"

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "record/csv.h"
#include "json/json.h"

static int put_double(struct buf *b, double v, struct err *e)
{
    return isfinite(v) ? json_print_double(b, v, e) : buf_puts(b, "null", e);
}

static int put_time(struct buf *b, int64_t us, const char *quote, struct err *e)
{
    char text[CLOCK_TEXT_MAX];
    size_t n = clock_iso(us, text);

    if (buf_puts(b, quote, e) < 0 ||
        buf_append(b, (struct slice){text, n}, e) < 0) {
        return -1;
    }
    return buf_puts(b, quote, e);
}

static int put_doubles(struct buf *b, const double *v, size_t n, struct err *e)
{
    if (buf_putc(b, '[', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) || put_double(b, v[i], e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, ']', e);
}

static int put_texts(struct buf *b, const struct column *c, size_t from,
                     size_t to, struct err *e)
{
    if (buf_putc(b, '[', e) < 0) {
        return -1;
    }
    for (size_t k = from; k < to; k++) {
        size_t start = k > 0 ? (size_t)c->item_end[k - 1] : 0;
        struct slice s = {c->bytes + start, (size_t)c->item_end[k] - start};

        if ((k > from && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, s, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, ']', e);
}

static int put_list(struct buf *b, const struct column *c, enum col_type type,
                    size_t row, struct err *e)
{
    size_t from;
    size_t to;

    assert(c->end != NULL);
    from = row > 0 ? (size_t)c->end[row - 1] : 0;
    to = (size_t)c->end[row];
    return type == COL_TEXT_LIST
               ? put_texts(b, c, from, to, e)
               : put_doubles(b, c->doubles + from, to - from, e);
}

int batch_json_value(const struct batch *rows, size_t col, size_t row,
                     struct buf *b, struct err *e)
{
    const struct column *c = &rows->cols[col];

    if (batch_is_null(rows, col, row)) {
        return buf_puts(b, "null", e);
    }
    switch (rows->defs[col].type) {
    case COL_INT32:
        return json_print_i64(b, c->fixed.i32[row], e);
    case COL_INT64:
        return json_print_i64(b, c->fixed.i64[row], e);
    case COL_DOUBLE:
        return put_double(b, c->fixed.f64[row], e);
    case COL_BOOL:
        return buf_puts(b, c->fixed.b[row] ? "true" : "false", e);
    case COL_TIMESTAMP:
        return put_time(b, c->fixed.i64[row], "\"", e);
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        return put_list(b, c, rows->defs[col].type, row, e);
    case COL_POINT:
        return put_doubles(b, c->doubles + 2 * row, 2, e);
    case COL_TEXT:
    default:
        return json_print_text(b, batch_text(rows, col, row), e);
    }
}

int batch_json_row(const struct batch *rows, size_t row, struct buf *b,
                   struct err *e)
{
    if (buf_putc(b, '{', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows->columns; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(rows->defs[i].name), e) < 0 ||
            buf_putc(b, ':', e) < 0 ||
            batch_json_value(rows, i, row, b, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '}', e);
}

int batch_json_rows(const struct batch *rows, struct buf *b, struct err *e)
{
    if (buf_putc(b, '[', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows->rows; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            batch_json_row(rows, i, b, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, ']', e);
}

static int csv_list(const struct batch *rows, size_t col, size_t row,
                    struct buf *b, struct err *e)
{
    struct buf json;
    int rc = -1;

    buf_init(&json, b->max);
    if (batch_json_value(rows, col, row, &json, e) == 0) {
        rc = csv_print_text(b, buf_slice(&json), e);
    }
    buf_release(&json);
    return rc;
}

static int csv_value(const struct batch *rows, size_t col, size_t row,
                     struct buf *b, struct err *e)
{
    const struct column *c = &rows->cols[col];

    if (batch_is_null(rows, col, row)) {
        return 0;
    }
    switch (rows->defs[col].type) {
    case COL_TEXT:
        return csv_print_text(b, batch_text(rows, col, row), e);
    case COL_TIMESTAMP:
        return put_time(b, c->fixed.i64[row], "", e);
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
    case COL_POINT:
        return csv_list(rows, col, row, b, e);
    case COL_INT32:
    case COL_INT64:
    case COL_DOUBLE:
    case COL_BOOL:
    default:
        return batch_json_value(rows, col, row, b, e);
    }
}

int batch_csv_head(const struct batch *rows, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < rows->columns; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            csv_print_text(b, slice_of(rows->defs[i].name), e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\n', e);
}

int batch_csv_row(const struct batch *rows, size_t row, struct buf *b,
                  struct err *e)
{
    for (size_t i = 0; i < rows->columns; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            csv_value(rows, i, row, b, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\n', e);
}

/* postgres_rows.c - rows in the binary form of COPY. */
#include "core/text.h"
#include "sink/postgres_int.h"

enum {
    OID_FLOAT8 = 701,
    OID_TEXT = 25,
    ARRAY_EMPTY = 12,
    ARRAY_HEAD = 20, /* bytes before the items of an array that has some */
};

/* 2000-01-01, from which Postgres counts microseconds */
#define EPOCH_US INT64_C(946684800000000)

int postgres_sink_head(struct buf *b, struct err *e)
{
    /* signature, flags, length of the rest of the header */
    return buf_append(b, SLICE("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"), e);
}

int postgres_sink_tail(struct buf *b, struct err *e)
{
    return buf_append(b, SLICE("\377\377"), e);
}

/* Big-endian numbers at p; each returns where the next byte goes.  Room has
 * been made before. */
static char *put16(char *p, uint16_t v)
{
    p[0] = (char)(v >> 8);
    p[1] = (char)v;
    return p + 2;
}

static char *put32(char *p, uint32_t v)
{
    uint32_t big = __builtin_bswap32(v);

    memcpy(p, &big, sizeof(big));
    return p + sizeof(big);
}

static char *put64(char *p, uint64_t v)
{
    uint64_t big = __builtin_bswap64(v);

    memcpy(p, &big, sizeof(big));
    return p + sizeof(big);
}

static char *put_double(char *p, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    return put64(p, bits);
}

static uint64_t first_item(const struct column *c, size_t row)
{
    return row > 0 ? c->end[row - 1] : 0;
}

/*
 * Postgres has no zero bytes in texts; each becomes U+FFFD, so that one odd
 * record neither stops the others nor is lost.  They are looked for once a
 * column.
 */
static const char replacement[] = "\xEF\xBF\xBD";

static bool has_zero(const struct column *c)
{
    return c->bytes_len > 0 && memchr(c->bytes, '\0', c->bytes_len) != NULL;
}

static size_t text_width(const char *text, size_t n, bool zero)
{
    size_t more = 0;

    for (size_t i = 0; zero && i < n; i++) {
        more += text[i] == '\0' ? strlen(replacement) - 1 : 0;
    }
    return n + more;
}

static char *put_text(char *p, const char *text, size_t n, bool zero)
{
    if (!zero) {
        if (n > 0) {
            memcpy(p, text, n);
        }
        return p + n;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\0') {
            memcpy(p, replacement, strlen(replacement));
            p += strlen(replacement);
        } else {
            *p++ = text[i];
        }
    }
    return p;
}

static size_t list_width(const struct batch *rows, size_t col, size_t row,
                         bool zero)
{
    const struct column *c = &rows->cols[col];
    uint64_t from = first_item(c, row);
    uint64_t n = c->end[row] - from;
    uint64_t start;

    if (n == 0) {
        return ARRAY_EMPTY;
    }
    if (rows->defs[col].type == COL_DOUBLE_LIST) {
        return ARRAY_HEAD + n * 12;
    }
    start = from > 0 ? c->item_end[from - 1] : 0;
    return ARRAY_HEAD + n * 4 +
           text_width(c->bytes + start, c->item_end[c->end[row] - 1] - start,
                      zero);
}

/* Bytes that the value takes, without its length. */
static size_t width(const struct batch *rows, size_t col, size_t row, bool zero)
{
    struct slice text;

    switch (rows->defs[col].type) {
    case COL_BOOL:
        return 1;
    case COL_INT32:
        return 4;
    case COL_TEXT:
        text = batch_text(rows, col, row);
        return text_width(text.ptr, text.len, zero);
    case COL_POINT:
        return 16;
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        return list_width(rows, col, row, zero);
    case COL_INT64:
    case COL_DOUBLE:
    case COL_TIMESTAMP:
    default:
        return 8;
    }
}

static char *put_list(char *p, const struct batch *rows, size_t col, size_t row,
                      bool zero)
{
    const struct column *c = &rows->cols[col];
    bool texts = rows->defs[col].type == COL_TEXT_LIST;
    uint64_t from = first_item(c, row);
    uint64_t n = c->end[row] - from;

    p = put32(p, n > 0 ? 1 : 0); /* dimensions */
    p = put32(p, 0);             /* no NULL in it */
    p = put32(p, texts ? OID_TEXT : OID_FLOAT8);
    if (n > 0) {
        p = put32(p, (uint32_t)n);
        p = put32(p, 1); /* number of the first one */
    }
    for (uint64_t k = from; k < c->end[row]; k++) {
        if (texts) {
            uint64_t start = k > 0 ? c->item_end[k - 1] : 0;
            size_t len = (size_t)(c->item_end[k] - start);

            p = put32(p, (uint32_t)text_width(c->bytes + start, len, zero));
            p = put_text(p, c->bytes + start, len, zero);
        } else {
            p = put32(p, 8);
            p = put_double(p, c->doubles[k]);
        }
    }
    return p;
}

static char *put_value(char *p, const struct batch *rows, size_t col,
                       size_t row, bool zero)
{
    const struct column *c = &rows->cols[col];
    struct slice text;

    switch (rows->defs[col].type) {
    case COL_BOOL:
        *p = (char)c->fixed.b[row];
        return p + 1;
    case COL_INT32:
        return put32(p, (uint32_t)c->fixed.i32[row]);
    case COL_INT64:
        return put64(p, (uint64_t)c->fixed.i64[row]);
    case COL_DOUBLE:
        return put_double(p, c->fixed.f64[row]);
    case COL_TEXT:
        text = batch_text(rows, col, row);
        return put_text(p, text.ptr, text.len, zero);
    case COL_POINT:
        p = put_double(p, c->doubles[2 * row]);
        return put_double(p, c->doubles[2 * row + 1]);
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        return put_list(p, rows, col, row, zero);
    case COL_TIMESTAMP:
    default:
        return put64(p, (uint64_t)(c->fixed.i64[row] - EPOCH_US));
    }
}

/* Look at all texts once, column by column, before the first row is sent. */
int postgres_sink_look(struct postgres_sink *s, const struct batch *rows,
                       struct err *e)
{
    for (size_t k = 0; k < rows->columns; k++) {
        const struct column *c = &rows->cols[k];

        s->zero[k] = has_zero(c);
        if (c->bytes_len > 0 &&
            !text_utf8_valid((struct slice){c->bytes, c->bytes_len}, NULL)) {
            return err_set(e, ERR_DATA,
                           "column \"%s\" holds bytes that are no UTF-8, "
                           "which Postgres cannot store",
                           rows->defs[k].name);
        }
    }
    return 0;
}

static char *put_row(const struct postgres_sink *s, const struct batch *rows,
                     size_t row, char *p)
{
    p = put16(p, (uint16_t)rows->columns);
    for (size_t k = 0; k < rows->columns; k++) {
        if (batch_is_null(rows, k, row)) {
            p = put32(p, UINT32_MAX);
            continue;
        }
        p = put32(p, (uint32_t)width(rows, k, row, s->zero[k]));
        p = put_value(p, rows, k, row, s->zero[k]);
    }
    return p;
}

int postgres_sink_spell(struct postgres_sink *s, const struct batch *rows,
                        size_t from, size_t to, struct err *e)
{
    for (size_t row = from; row < to; row++) {
        size_t need = 2;

        for (size_t k = 0; k < rows->columns; k++) {
            need += 4;
            if (!batch_is_null(rows, k, row)) {
                need += width(rows, k, row, s->zero[k]);
            }
        }
        if (buf_reserve(&s->bytes, need, e) < 0) {
            return -1;
        }
        (void)put_row(s, rows, row, s->bytes.ptr + s->bytes.len);
        s->bytes.len += need;
    }
    return 0;
}

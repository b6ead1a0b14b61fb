#include "record/batch.h"

#include "core/mem.h"

enum {
    FIRST_ROWS = 64,
    FIRST_BYTES = 1024
};

static bool has_ends(enum col_type t)
{
    return t == COL_TEXT || t == COL_DOUBLE_LIST || t == COL_TEXT_LIST;
}

/* Bytes that one row takes in a column's fixed part, without valid. */
static size_t fixed_width(enum col_type t)
{
    switch (t) {
    case COL_INT32:
        return sizeof(int32_t);
    case COL_BOOL:
        return 1;
    case COL_POINT:
        return 2 * sizeof(double);
    case COL_INT64:
    case COL_DOUBLE:
    case COL_TIMESTAMP:
    case COL_TEXT:
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        break;
    }
    return sizeof(uint64_t);
}

int batch_init(struct batch *b, const struct col_def *defs, size_t columns,
               struct err *e)
{
    struct column *cols;

    assert(columns > 0);
    cols = mem_zero(columns, sizeof(*cols));
    if (cols == NULL) {
        return err_nomem(e, columns * sizeof(*cols));
    }
    *b = (struct batch){.defs = defs, .columns = columns, .cols = cols};
    for (size_t i = 0; i < columns; i++) {
        b->row_width += 1 + fixed_width(defs[i].type);
    }
    return 0;
}

void batch_release(struct batch *b)
{
    for (size_t i = 0; b->cols != NULL && i < b->columns; i++) {
        struct column *c = &b->cols[i];

        mem_free(c->valid);
        mem_free(c->fixed.any);
        mem_free(c->end);
        mem_free(c->bytes);
        mem_free(c->doubles);
        mem_free(c->item_end);
    }
    mem_free(b->cols);
    *b = (struct batch){0};
}

void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->columns; i++) {
        b->cols[i].filled = 0;
        b->cols[i].bytes_len = 0;
        b->cols[i].items = 0;
    }
    b->rows = 0;
    b->bytes = 0;
}

/* Twice the room, or more when need says so; 0 when over max. */
static size_t grown(size_t cap, size_t first, size_t need, size_t max)
{
    if (need > max) {
        return 0;
    }
    cap = cap < first ? first : cap;
    while (cap < need) {
        cap = cap > max / 2 ? max : cap * 2;
    }
    return cap;
}

static int over(struct err *e, const char *what, size_t max)
{
    return err_set(e, ERR_LIMIT, "a batch cannot hold more than %zu %s", max,
                   what);
}

static int resize(void *slot, size_t n, size_t size, struct err *e)
{
    void *p;

    memcpy(&p, slot, sizeof(p));
    p = mem_resize(p, n, size);
    if (p == NULL) {
        return err_nomem(e, n * size);
    }
    memcpy(slot, &p, sizeof(p));
    return 0;
}

static int grow_column(struct column *c, enum col_type t, size_t cap,
                       struct err *e)
{
    if (resize(&c->valid, cap, 1, e) < 0) {
        return -1;
    }
    if (has_ends(t)) {
        return resize(&c->end, cap, sizeof(*c->end), e);
    }
    if (t == COL_POINT) {
        return resize(&c->doubles, cap, 2 * sizeof(*c->doubles), e);
    }
    return resize(&c->fixed.any, cap, fixed_width(t), e);
}

int batch_reserve(struct batch *b, size_t rows, struct err *e)
{
    size_t cap;

    if (rows <= b->rows_cap - b->rows) {
        return 0;
    }
    if (rows > (size_t)BATCH_ROWS_MAX - b->rows) {
        return over(e, "rows", BATCH_ROWS_MAX);
    }
    cap = grown(b->rows_cap, FIRST_ROWS, b->rows + rows, BATCH_ROWS_MAX);
    for (size_t i = 0; i < b->columns; i++) {
        if (grow_column(&b->cols[i], b->defs[i].type, cap, e) < 0) {
            return -1; /* rows_cap is as before: some just have more room */
        }
    }
    b->rows_cap = cap;
    return 0;
}

int batch_reserve_text(struct batch *b, size_t col, size_t n, struct err *e)
{
    struct column *c = &b->cols[col];
    size_t cap;

    if (c->bytes_cap > 0 && n <= c->bytes_cap - c->bytes_len) {
        return 0;
    }
    if (n > (size_t)BATCH_BYTES_MAX - c->bytes_len) {
        return over(e, "bytes in a column", BATCH_BYTES_MAX);
    }
    cap = grown(c->bytes_cap, FIRST_BYTES, c->bytes_len + n, BATCH_BYTES_MAX);
    if (resize(&c->bytes, cap, 1, e) < 0) {
        return -1;
    }
    c->bytes_cap = cap;
    return 0;
}

int batch_reserve_items(struct batch *b, size_t col, size_t n, struct err *e)
{
    struct column *c = &b->cols[col];
    size_t max = BATCH_BYTES_MAX / sizeof(double);
    size_t cap;

    if (c->items_cap > 0 && n <= c->items_cap - c->items) {
        return 0;
    }
    if (n > max - c->items) {
        return over(e, "list items in a column", max);
    }
    cap = grown(c->items_cap, FIRST_ROWS, c->items + n, max);
    if (b->defs[col].type == COL_TEXT_LIST
            ? resize(&c->item_end, cap, sizeof(*c->item_end), e) < 0
            : resize(&c->doubles, cap, sizeof(*c->doubles), e) < 0) {
        return -1;
    }
    c->items_cap = cap;
    return 0;
}

/* What stands in the fixed part of a NULL, so that bytes are never stray. */
static void zero_fixed(struct column *c, enum col_type t, size_t i)
{
    switch (t) {
    case COL_INT32:
        c->fixed.i32[i] = 0;
        break;
    case COL_INT64:
    case COL_TIMESTAMP:
        c->fixed.i64[i] = 0;
        break;
    case COL_DOUBLE:
        c->fixed.f64[i] = 0;
        break;
    case COL_BOOL:
        c->fixed.b[i] = 0;
        break;
    case COL_POINT:
        c->doubles[2 * i] = 0;
        c->doubles[2 * i + 1] = 0;
        break;
    case COL_TEXT:
        c->end[i] = c->bytes_len;
        break;
    case COL_DOUBLE_LIST:
    case COL_TEXT_LIST:
        c->end[i] = c->items;
        break;
    }
}

int batch_put_null(struct batch *b, size_t col, struct err *e)
{
    struct column *c = &b->cols[col];
    size_t i;

    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    c->valid[i] = 0;
    zero_fixed(c, b->defs[col].type, i);
    c->filled++;
    return 0;
}

int batch_put_doubles(struct batch *b, size_t col, const double *v, size_t n,
                      struct err *e)
{
    struct column *c = &b->cols[col];
    bool point = b->defs[col].type == COL_POINT;
    size_t i;

    assert((point && n == 2) || b->defs[col].type == COL_DOUBLE_LIST);
    if (!point && batch_reserve_items(b, col, n, e) < 0) {
        return -1;
    }
    if (batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    if (point) {
        memcpy(c->doubles + 2 * i, v, 2 * sizeof(*v));
    } else {
        if (n > 0) {
            memcpy(c->doubles + c->items, v, n * sizeof(*v));
        }
        c->items += n;
        c->end[i] = c->items;
        b->bytes += n * sizeof(*v);
    }
    c->filled++;
    return 0;
}

int batch_put_texts(struct batch *b, size_t col, const struct slice *v,
                    size_t n, struct err *e)
{
    struct column *c = &b->cols[col];
    size_t bytes = 0;
    size_t i;

    assert(b->defs[col].type == COL_TEXT_LIST);
    for (size_t k = 0; k < n; k++) {
        if (v[k].len > BATCH_BYTES_MAX - bytes) {
            return over(e, "bytes in a column", BATCH_BYTES_MAX);
        }
        bytes += v[k].len;
    }
    if (batch_reserve_items(b, col, n, e) < 0 ||
        batch_reserve_text(b, col, bytes, e) < 0 ||
        batch_next(b, col, &i, e) < 0) {
        return -1;
    }
    for (size_t k = 0; k < n; k++) {
        if (v[k].len > 0) {
            memcpy(c->bytes + c->bytes_len, v[k].ptr, v[k].len);
        }
        c->bytes_len += v[k].len;
        c->item_end[c->items++] = c->bytes_len;
    }
    c->end[i] = c->items;
    c->filled++;
    b->bytes += bytes + n * sizeof(uint64_t);
    return 0;
}

void batch_end_row(struct batch *b)
{
    b->rows++;
    for (size_t i = 0; i < b->columns; i++) {
        assert(b->cols[i].filled == b->rows);
    }
    b->bytes += b->row_width;
}

/* Cut a column to its first n rows; returns how many bytes went. */
static size_t cut_column(struct column *c, enum col_type t, size_t n)
{
    size_t bytes = c->bytes_len;
    size_t items = c->items;

    c->filled = n;
    if (t == COL_TEXT) {
        c->bytes_len = n > 0 ? c->end[n - 1] : 0;
    } else if (has_ends(t)) {
        c->items = n > 0 ? c->end[n - 1] : 0;
        if (t == COL_TEXT_LIST) {
            c->bytes_len = c->items > 0 ? c->item_end[c->items - 1] : 0;
        }
    }
    return bytes - c->bytes_len + (items - c->items) * sizeof(uint64_t);
}

void batch_drop_row(struct batch *b)
{
    for (size_t i = 0; i < b->columns; i++) {
        if (b->cols[i].filled > b->rows) {
            b->bytes -= cut_column(&b->cols[i], b->defs[i].type, b->rows);
        }
    }
}

#include "cli/table.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "cli/cmd_int.h"
#include "core/mem.h"
#include "core/text.h"
#include "record/batch_json.h"
#include "json/json.h"

enum {
    GAP = 2,
    CELL_MAX = 60, /* columns; a longer text is cut in TABLE_TEXT */
    WRITE_AT = 65536,
    FORMATTED_MAX = 400
};

const char *const table_formats[] = {"table", "json", "csv", NULL};

void table_init(struct table *t, const char *const *names, size_t columns)
{
    assert(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *t = (struct table){.names = names, .columns = columns};
    arena_init(&t->arena, TABLE_BYTES_MAX);
}

void table_release(struct table *t)
{
    mem_free(t->cells);
    arena_release(&t->arena);
    t->cells = NULL;
    t->count = 0;
    t->cap = 0;
}

static int add(struct table *t, struct table_cell cell, struct err *e)
{
    if (t->count == t->cap) {
        size_t cap = t->cap > 0 ? t->cap * 2 : 64;
        struct table_cell *cells = mem_resize(t->cells, cap, sizeof(*t->cells));

        if (cells == NULL) {
            return err_nomem(e, cap * sizeof(*t->cells));
        }
        t->cells = cells;
        t->cap = cap;
    }
    t->cells[t->count++] = cell;
    return 0;
}

int table_put(struct table *t, struct slice text, struct err *e)
{
    struct table_cell c = {.kind = TABLE_WORD};

    return arena_copy(&t->arena, text, &c.text, e) < 0 ? -1 : add(t, c, e);
}

int table_putf(struct table *t, struct err *e, const char *fmt, ...)
{
    char text[FORMATTED_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return table_put(t, slice_of(text), e);
}

int table_put_int(struct table *t, int64_t v, struct err *e)
{
    char text[32];
    struct table_cell c = {.kind = TABLE_NUMBER};
    int n = snprintf(text, sizeof(text), "%" PRId64, v);

    return arena_copy(&t->arena, (struct slice){text, (size_t)n}, &c.text, e) <
                   0
               ? -1
               : add(t, c, e);
}

int table_put_null(struct table *t, struct err *e)
{
    return add(t, (struct table_cell){.kind = TABLE_NULL}, e);
}

size_t table_width(struct slice s)
{
    return text_columns(s);
}

static bool is_control(struct slice c)
{
    unsigned char first = (unsigned char)c.ptr[0];

    return c.len == 1 ? first < 0x20 || first == 0x7f
                      : first == 0xc2 && (unsigned char)c.ptr[1] < 0xa0;
}

/* At most `width` columns of s; line feeds and other controls as blanks, so
 * that a value cannot move the cursor. */
static int put_cut(struct buf *b, struct slice s, size_t width, struct err *e)
{
    bool cut = table_width(s) > width;
    size_t room = cut ? width - 1 : width;
    size_t used = 0;

    for (size_t at = 0; at < s.len;) {
        size_t columns;
        size_t n = text_step(s, at, &columns);

        used += columns;
        if (used > room) {
            break;
        }
        if (is_control((struct slice){s.ptr + at, n})) {
            if (buf_putc(b, ' ', e) < 0) {
                return -1;
            }
        } else if (buf_append(b, (struct slice){s.ptr + at, n}, e) < 0) {
            return -1;
        }
        at += n;
    }
    return cut ? buf_puts(b, "\xe2\x80\xa6", e) : 0;
}

struct layout {
    size_t width[TABLE_COLUMNS_MAX];
    bool right[TABLE_COLUMNS_MAX];
    size_t shown; /* columns that fit the line */
};

static struct layout lay_out(const struct table *t, int most)
{
    struct layout l = {.shown = 0};
    size_t line = 0;
    size_t col = 0;

    for (size_t i = 0; i < t->columns; i++) {
        l.width[i] = table_width(slice_of(t->names[i]));
        l.right[i] = t->count > 0;
    }
    for (size_t i = 0; i < t->count; i++) {
        size_t w =
            t->cells[i].kind == TABLE_NULL ? 1 : table_width(t->cells[i].text);

        w = w < CELL_MAX || col + 1 == t->whole ? w : CELL_MAX;
        l.width[col] = w > l.width[col] ? w : l.width[col];
        l.right[col] = l.right[col] && t->cells[i].kind != TABLE_WORD;
        col = col + 1 < t->columns ? col + 1 : 0;
    }
    for (; l.shown < t->columns; l.shown++) {
        line += l.width[l.shown] + (l.shown > 0 ? GAP : 0);
        if (most > 0 && line > (size_t)most && l.shown + 1 != t->whole) {
            size_t over = line - (size_t)most;

            /* the last one may give way, down to a few columns */
            if (!l.right[l.shown] && l.width[l.shown] >= over + 8) {
                l.width[l.shown] -= over;
                l.shown++;
            }
            break;
        }
    }
    l.shown = l.shown > 0 ? l.shown : 1;
    return l;
}

static int put_field(struct buf *b, const struct layout *l, size_t col,
                     struct slice s, struct err *e)
{
    size_t used = table_width(s);
    size_t pad;

    used = used < l->width[col] ? used : l->width[col];
    pad = l->width[col] - used;
    if (col > 0 && buf_putf(b, e, "%*s", GAP, "") < 0) {
        return -1;
    }
    if (l->right[col] && pad > 0 && buf_putf(b, e, "%*s", (int)pad, "") < 0) {
        return -1;
    }
    if (put_cut(b, s, l->width[col], e) < 0) {
        return -1;
    }
    /* nothing behind the last one */
    return !l->right[col] && pad > 0 && col + 1 < l->shown
               ? buf_putf(b, e, "%*s", (int)pad, "")
               : 0;
}

static int print_text(const struct table *t, const struct table_style *style,
                      struct buf *b, struct err *e)
{
    struct layout l = lay_out(t, style->width);

    if (style->colour && buf_puts(b, "\033[1m", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < l.shown; i++) {
        if (put_field(b, &l, i, slice_of(t->names[i]), e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, style->colour ? "\033[0m\n" : "\n", e) < 0) {
        return -1;
    }
    for (size_t at = 0; at + t->columns <= t->count; at += t->columns) {
        for (size_t i = 0; i < l.shown; i++) {
            const struct table_cell *c = &t->cells[at + i];
            struct slice s = c->kind == TABLE_NULL ? SLICE("-") : c->text;

            if (put_field(b, &l, i, s, e) < 0) {
                return -1;
            }
        }
        if (buf_putc(b, '\n', e) < 0) {
            return -1;
        }
    }
    if (l.shown < t->columns &&
        buf_putf(b, e,
                 "(%zu more columns do not fit; --format json has them)\n",
                 t->columns - l.shown) < 0) {
        return -1;
    }
    return 0;
}

static int json_cell(struct buf *b, const struct table_cell *c, struct err *e)
{
    return c->kind == TABLE_NULL     ? buf_puts(b, "null", e)
           : c->kind == TABLE_NUMBER ? buf_append(b, c->text, e)
                                     : json_print_text(b, c->text, e);
}

static int print_json(const struct table *t, struct buf *b, struct err *e)
{
    if (buf_putc(b, '[', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->count; i++) {
        size_t col = i % t->columns;

        if (buf_puts(b,
                     col > 0 ? ","
                     : i > 0 ? ",\n{"
                             : "{",
                     e) < 0 ||
            json_print_text(b, slice_of(t->names[col]), e) < 0 ||
            buf_putc(b, ':', e) < 0 || json_cell(b, &t->cells[i], e) < 0 ||
            (col + 1 == t->columns && buf_putc(b, '}', e) < 0)) {
            return -1;
        }
    }
    return buf_puts(b, "]\n", e);
}

static int csv_cell(struct buf *b, struct slice s, struct err *e)
{
    bool quote = s.len == 0;

    for (size_t i = 0; i < s.len; i++) {
        quote = quote || s.ptr[i] == ',' || s.ptr[i] == '"' ||
                s.ptr[i] == '\n' || s.ptr[i] == '\r';
    }
    if (!quote) {
        return buf_append(b, s, e);
    }
    if (buf_putc(b, '"', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((s.ptr[i] == '"' && buf_putc(b, '"', e) < 0) ||
            buf_putc(b, s.ptr[i], e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '"', e);
}

static int print_csv(const struct table *t, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < t->columns; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            csv_cell(b, slice_of(t->names[i]), e) < 0) {
            return -1;
        }
    }
    if (buf_putc(b, '\n', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->count; i++) {
        bool last = i % t->columns + 1 == t->columns;

        if ((t->cells[i].kind != TABLE_NULL &&
             csv_cell(b, t->cells[i].text, e) < 0) ||
            buf_putc(b, last ? '\n' : ',', e) < 0) {
            return -1;
        }
    }
    return 0;
}

int table_print(const struct table *t, const struct table_style *style,
                struct buf *b, struct err *e)
{
    assert(t->count % t->columns == 0);
    switch (style->format) {
    case TABLE_JSON:
        return print_json(t, b, e);
    case TABLE_CSV:
        return print_csv(t, b, e);
    case TABLE_TEXT:
    default:
        return print_text(t, style, b, e);
    }
}

struct table_style table_style_of(const struct cli *c, const struct args *a)
{
    return (struct table_style){
        .format = (enum table_format)args_int(a, "format", TABLE_TEXT),
        .width = c->width,
        .colour = c->colour};
}

int table_show(struct table *t, const struct cli *c, const struct args *a,
               int rc, struct err *e)
{
    struct table_style style = table_style_of(c, a);
    struct buf b;

    buf_init(&b, TABLE_BYTES_MAX);
    if (rc == 0) {
        rc = table_print(t, &style, &b, e);
    }
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
    }
    buf_release(&b);
    table_release(t);
    return rc;
}

/* A text as it is, a number as it is written, all else as JSON. */
static int cell_of(struct table *t, const struct batch *rows, size_t col,
                   size_t row, struct err *e)
{
    enum col_type type = rows->defs[col].type;
    bool number = type == COL_INT32 || type == COL_INT64 || type == COL_DOUBLE;
    struct buf b;
    int rc = -1;

    if (batch_is_null(rows, col, row)) {
        return table_put_null(t, e);
    }
    if (type == COL_TEXT) {
        return table_put(t, batch_text(rows, col, row), e);
    }
    buf_init(&b, TABLE_BYTES_MAX);
    if (batch_json_value(rows, col, row, &b, e) == 0) {
        struct slice s = buf_slice(&b);

        if (type == COL_TIMESTAMP) {
            s = (struct slice){s.ptr + 1, s.len - 2};
        }
        rc = table_put(t, s, e);
        if (rc == 0 && number) {
            t->cells[t->count - 1].kind = TABLE_NUMBER;
        }
    }
    buf_release(&b);
    return rc;
}

static int batch_as_text(const struct batch *rows,
                         const struct table_style *style, struct buf *b,
                         struct err *e)
{
    const char *names[TABLE_COLUMNS_MAX];
    struct table t;
    int rc = 0;

    if (rows->columns == 0 || rows->columns > TABLE_COLUMNS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "%zu columns cannot be shown as a table, only 1 to %d",
                       rows->columns, TABLE_COLUMNS_MAX);
    }
    for (size_t i = 0; i < rows->columns; i++) {
        names[i] = rows->defs[i].name;
    }
    table_init(&t, names, rows->columns);
    for (size_t i = 0; i < rows->rows && rc == 0; i++) {
        for (size_t k = 0; k < rows->columns && rc == 0; k++) {
            rc = cell_of(&t, rows, k, i, e);
        }
    }
    if (rc == 0) {
        rc = print_text(&t, style, b, e);
    }
    table_release(&t);
    return rc;
}

static int flush(struct buf *b, FILE *out, size_t at_least, struct err *e)
{
    if (out == NULL || b->len < at_least) {
        return 0;
    }
    if (fwrite(b->ptr, 1, b->len, out) != b->len) {
        return err_set(e, ERR_IO, "could not write the result: %s",
                       strerror(errno));
    }
    buf_clear(b);
    return 0;
}

/* Into b, which is emptied into `out` now and then when there is one. */
static int batch_lines(const struct batch *rows, enum table_format format,
                       struct buf *b, FILE *out, struct err *e)
{
    bool json = format == TABLE_JSON;

    if (json ? buf_putc(b, '[', e) < 0 : batch_csv_head(rows, b, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows->rows; i++) {
        if (json && i > 0 && buf_puts(b, ",\n", e) < 0) {
            return -1;
        }
        if ((json ? batch_json_row(rows, i, b, e)
                  : batch_csv_row(rows, i, b, e)) < 0 ||
            flush(b, out, WRITE_AT, e) < 0) {
            return -1;
        }
    }
    return json ? buf_puts(b, "]\n", e) : 0;
}

int table_print_batch(const struct batch *rows, const struct table_style *style,
                      struct buf *b, struct err *e)
{
    return style->format == TABLE_TEXT
               ? batch_as_text(rows, style, b, e)
               : batch_lines(rows, style->format, b, NULL, e);
}

int table_write_batch(const struct batch *rows, const struct table_style *style,
                      FILE *out, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, TABLE_BYTES_MAX);
    rc = style->format == TABLE_TEXT
             ? batch_as_text(rows, style, &b, e)
             : batch_lines(rows, style->format, &b, out, e);
    if (rc == 0) {
        rc = flush(&b, out, 1, e);
    }
    buf_release(&b);
    return rc;
}

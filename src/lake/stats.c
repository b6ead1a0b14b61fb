#include "lake/stats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "json/json.h"

enum {
    TEXT_MAX = 64 /* bytes of a text that are kept as a bound */
};

struct stats_text {
    char bytes[TEXT_MAX];
    size_t len;
    bool cut; /* the value was longer */
};

struct stats_column {
    int64_t nulls;
    bool some; /* a value was seen */
    bool odd;  /* a double that is no number: no bounds hold */
    int64_t min_int, max_int;
    double min_double, max_double;
    struct stats_text min_text, max_text;
};

int stats_init(struct stats *s, const struct col_def *defs, size_t columns,
               struct err *e)
{
    s->defs = defs;
    s->columns = columns;
    s->rows = 0;
    s->cols = mem_zero(columns, sizeof(*s->cols));
    return s->cols == NULL ? err_nomem(e, columns * sizeof(*s->cols)) : 0;
}

void stats_release(struct stats *s)
{
    mem_free(s->cols);
    memset(s, 0, sizeof(*s));
}

void stats_clear(struct stats *s)
{
    s->rows = 0;
    memset(s->cols, 0, s->columns * sizeof(*s->cols));
}

static void keep(struct stats_text *t, struct slice s)
{
    size_t n = s.len < TEXT_MAX ? s.len : TEXT_MAX;

    /* not in the middle of a character */
    while (n < s.len && n > 0 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80) {
        n--;
    }
    memcpy(t->bytes, s.ptr, n);
    t->len = n;
    t->cut = n < s.len;
}

static void add_text(struct stats_column *c, struct slice s)
{
    struct slice min = {c->min_text.bytes, c->min_text.len};
    struct slice max = {c->max_text.bytes, c->max_text.len};

    if (!c->some || slice_cmp(s, min) < 0) {
        keep(&c->min_text, s);
    }
    if (!c->some || slice_cmp(s, max) > 0) {
        keep(&c->max_text, s);
    }
}

static void add_int(struct stats_column *c, int64_t v)
{
    if (!c->some || v < c->min_int) {
        c->min_int = v;
    }
    if (!c->some || v > c->max_int) {
        c->max_int = v;
    }
}

static void add_double(struct stats_column *c, double v)
{
    if (!isfinite(v)) {
        c->odd = true;
        return;
    }
    if (!c->some || v < c->min_double) {
        c->min_double = v;
    }
    if (!c->some || v > c->max_double) {
        c->max_double = v;
    }
}

static void add_column(struct stats_column *c, const struct batch *b,
                       size_t col)
{
    const struct column *from = &b->cols[col];

    for (size_t i = 0; i < b->rows; i++) {
        if (from->valid[i] == 0) {
            c->nulls++;
            continue;
        }
        switch (b->defs[col].type) {
        case COL_INT32:
            add_int(c, from->fixed.i32[i]);
            break;
        case COL_INT64:
        case COL_TIMESTAMP:
            add_int(c, from->fixed.i64[i]);
            break;
        case COL_DOUBLE:
            add_double(c, from->fixed.f64[i]);
            break;
        case COL_TEXT:
            add_text(c, batch_text(b, col, i));
            break;
        case COL_BOOL:
        case COL_DOUBLE_LIST:
        case COL_TEXT_LIST:
        case COL_POINT:
            break;
        }
        c->some = true;
    }
}

void stats_add(struct stats *s, const struct batch *b)
{
    s->rows += (int64_t)b->rows;
    for (size_t i = 0; i < s->columns; i++) {
        add_column(&s->cols[i], b, i);
    }
}

/* --- as JSON ------------------------------------------------------------------- */

static int put_text(struct buf *b, const struct stats_text *t, bool max,
                    struct err *e)
{
    char text[TEXT_MAX + 4];

    memcpy(text, t->bytes, t->len);
    /* what was cut off is smaller than the last character there is */
    memcpy(text + t->len, "\xF4\x8F\xBF\xBF", 4);
    return json_print_text(
        b, (struct slice){text, t->len + (max && t->cut ? 4 : 0)}, e);
}

/* Readers compare milliseconds: down for the smallest, up for the largest. */
static int put_time(struct buf *b, int64_t us, bool max, struct err *e)
{
    struct clock_civil c;
    int64_t ms = us / 1000 - (us % 1000 < 0 ? 1 : 0);

    if (max && ms * 1000 < us) {
        ms++;
    }
    clock_to_civil(ms * 1000, &c);
    return buf_putf(b, e, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", c.year,
                    c.month, c.day, c.hour, c.minute, c.second, c.us / 1000);
}

/* False when the type has no bounds. */
static bool bounded(enum col_type t)
{
    return t == COL_INT32 || t == COL_INT64 || t == COL_DOUBLE ||
           t == COL_TEXT || t == COL_TIMESTAMP;
}

static int put_bound(const struct stats *s, size_t col, bool max, struct buf *b,
                     struct err *e)
{
    const struct stats_column *c = &s->cols[col];

    enum col_type type = s->defs[col].type;

    if (type == COL_TEXT) {
        return put_text(b, max ? &c->max_text : &c->min_text, max, e);
    }
    if (type == COL_TIMESTAMP) {
        return put_time(b, max ? c->max_int : c->min_int, max, e);
    }
    if (type == COL_DOUBLE) {
        return json_print_double(b, max ? c->max_double : c->min_double, e);
    }
    return buf_putf(b, e, "%lld", (long long)(max ? c->max_int : c->min_int));
}

static int put_bounds(const struct stats *s, bool max, struct buf *b,
                      struct err *e)
{
    bool first = true;

    if (buf_puts(b, max ? ",\"maxValues\":{" : ",\"minValues\":{", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->columns; i++) {
        if (!s->cols[i].some || s->cols[i].odd || !bounded(s->defs[i].type)) {
            continue;
        }
        if ((!first && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(s->defs[i].name), e) < 0 ||
            buf_putc(b, ':', e) < 0 || put_bound(s, i, max, b, e) < 0) {
            return -1;
        }
        first = false;
    }
    return buf_putc(b, '}', e);
}

/* Of a struct readers want each field's; ours are NULL together. */
static int put_nulls(const struct stats *s, size_t col, struct buf *b,
                     struct err *e)
{
    const struct col_def *def = &s->defs[col];
    long long n = (long long)s->cols[col].nulls;

    if (def->type != COL_POINT) {
        return buf_putf(b, e, "%lld", n);
    }
    if (buf_putc(b, '{', e) < 0 ||
        json_print_text(b, slice_of(def->fields[0]), e) < 0 ||
        buf_putf(b, e, ":%lld,", n) < 0 ||
        json_print_text(b, slice_of(def->fields[1]), e) < 0) {
        return -1;
    }
    return buf_putf(b, e, ":%lld}", n);
}

int stats_json(const struct stats *s, struct buf *b, struct err *e)
{
    if (buf_putf(b, e, "{\"numRecords\":%lld", (long long)s->rows) < 0 ||
        put_bounds(s, false, b, e) < 0 || put_bounds(s, true, b, e) < 0 ||
        buf_puts(b, ",\"nullCount\":{", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s->columns; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(s->defs[i].name), e) < 0 ||
            buf_putc(b, ':', e) < 0 || put_nulls(s, i, b, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}}", e);
}

/* report_text.c - the report on a terminal, at most REPORT_WIDTH columns. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "flow/report.h"
#include "flow/report_int.h"

enum {
    ROWS_WHOLE = 6, /* answers up to this size are shown whole */
    ROWS_TOP = 3,   /* of longer ones the largest */
    LABEL_MAX = 46, /* columns */
    VALUE_WIDTH = 12,
    BAR_WIDTH = 32,
};

#define US 1000000.0

struct out {
    struct buf *b;
    struct err *e;
    bool colour;
    int rc;
};

static void put(struct out *o, const char *text)
{
    if (o->rc == 0) {
        o->rc = buf_puts(o->b, text, o->e);
    }
}

static void put_slice(struct out *o, struct slice s)
{
    if (o->rc == 0) {
        o->rc = buf_append(o->b, s, o->e);
    }
}

static void style(struct out *o, const char *code)
{
    if (o->colour) {
        put(o, code);
    }
}

#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define GREEN "\033[32m"
#define RED   "\033[31m"
#define PLAIN "\033[0m"

static void spaces(struct out *o, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(o, " ");
    }
}

/* Left-aligned in `width` columns, cut with dots when longer. */
static void left(struct out *o, struct slice s, size_t width)
{
    size_t n = text_columns(s);
    size_t bytes = 0;
    size_t shown = 0;

    if (n <= width) {
        put_slice(o, s);
        spaces(o, width - n);
        return;
    }
    while (bytes < s.len) {
        size_t columns;
        size_t step = text_step(s, bytes, &columns);

        if (shown + columns + 2 > width) {
            break;
        }
        bytes += step;
        shown += columns;
    }
    put_slice(o, (struct slice){s.ptr, bytes});
    put(o, "..");
    spaces(o, width > shown + 2 ? width - shown - 2 : 0);
}

void report_grouped(int64_t v, char text[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRId64, v < 0 ? -v : v);
    size_t at = 0;

    if (v < 0) {
        text[at++] = '-';
    }
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

static void right(struct out *o, const char *text, size_t width)
{
    size_t n = strlen(text);

    spaces(o, n < width ? width - n : 0);
    put(o, text);
}

static void right_number(struct out *o, int64_t v, size_t width)
{
    char text[32];

    report_grouped(v, text);
    right(o, text, width);
}

static void stages(struct out *o, const struct report *r)
{
    for (size_t i = 0; i < r->nstages; i++) {
        const struct report_stage *s = &r->stages[i];
        char time[32];

        (void)snprintf(time, sizeof(time), "%.2f s", (double)s->us / US);
        put(o, "  ");
        left(o, slice_of(s->name), 9);
        right_number(o, s->count, 12);
        put(o, " ");
        left(o, slice_of(s->unit), 10);
        right(o, time, 9);
        put(o, "   ");
        style(o, DIM);
        left(o, slice_of(s->note), strlen(s->note) < 52 ? strlen(s->note) : 52);
        style(o, PLAIN);
        put(o, "\n");
    }
    put(o, "\n");
}

static void account_line(struct out *o, const struct account *a, size_t topic)
{
    const int64_t values[] = {a->received < 0 ? a->stored : a->received,
                              a->stored,
                              a->expanded,
                              a->cleaned,
                              a->rejected,
                              a->duplicate};
    put(o, "  ");
    left(o, slice_of(a->topic), topic);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        right_number(o, values[i], 11);
    }
    put(o, "   ");
    style(o, a->closes ? GREEN : RED);
    put(o, a->closes ? (a->pending ? "closes, rest pending" : "closes")
                     : "DOES NOT CLOSE");
    style(o, PLAIN);
    put(o, "\n");
}

static void accounts(struct out *o, const struct report *r)
{
    size_t topic = 5;

    for (size_t i = 0; i < r->naccounts; i++) {
        size_t n = strlen(r->accounts[i].topic);

        topic = r->accounts[i].table && n > topic ? n : topic;
    }
    topic = topic > 20 ? 20 : topic;
    style(o, BOLD);
    put(o, "  ");
    left(o, SLICE("topic"), topic);
    put(o, "   received     stored   expanded    cleaned   rejected  "
           "duplicate   sum\n");
    style(o, PLAIN);
    for (size_t i = 0; i < r->naccounts; i++) {
        if (r->accounts[i].table != NULL) {
            account_line(o, &r->accounts[i], topic);
        }
    }
    put(o, "\n");
}

/* The value as a person writes it: thousands commas, years without. */
static int cell(const struct report_answer *a, size_t col, size_t row,
                struct buf *b, struct err *e)
{
    const struct batch *rows = a->rows;
    bool share = slice_ends(slice_of(rows->defs[col].name), SLICE("share"));
    bool year = slice_ends(slice_of(rows->defs[col].name), SLICE("year"));
    char text[32];
    double v;

    buf_clear(b);
    if (batch_is_null(rows, col, row)) {
        return buf_puts(b, "-", e);
    }
    if (rows->defs[col].type == COL_TEXT) {
        return buf_append(b, batch_text(rows, col, row), e);
    }
    if (share && report_number(rows, (int)col, row, &v)) {
        return buf_putf(b, e, "%.1f %%", v * 100);
    }
    if (report_number(rows, (int)col, row, &v) && !year) {
        int64_t whole = (int64_t)v;

        report_grouped(whole, text);
        if (v - (double)whole != 0.0) {
            return buf_putf(b, e, "%s%s.%02d", v < 0 && whole == 0 ? "-" : "",
                            text, (int)(fabs(v - (double)whole) * 100));
        }
        return buf_puts(b, text, e);
    }
    return report_value(b, rows, col, row, e);
}

/* The columns of the chart's x and series, or all but y when it has none; two
 * blanks between. */
static void label(struct out *o, const struct report_answer *a,
                  const struct report_chart *chart, size_t row)
{
    struct buf b;
    struct buf all;

    buf_init(&b, 65536);
    buf_init(&all, 65536);
    for (size_t c = 0; c < a->rows->columns && o->rc == 0; c++) {
        if ((int)c == chart->y ||
            (chart->x >= 0 && (int)c != chart->x && (int)c != chart->series)) {
            continue;
        }
        o->rc = cell(a, c, row, &b, o->e);
        if (o->rc == 0 && all.len > 0) {
            o->rc = buf_puts(&all, "  ", o->e);
        }
        if (o->rc == 0) {
            o->rc = buf_append(&all, buf_slice(&b), o->e);
        }
    }
    left(o, buf_slice(&all), LABEL_MAX);
    buf_release(&all);
    buf_release(&b);
}

static int bar_length(double v, double max)
{
    return max > 0 ? (int)(v / max * (double)BAR_WIDTH + 0.5) : 0;
}

static void bar(struct out *o, double v, double max)
{
    int n = bar_length(v, max);

    style(o, RED);
    for (int i = 0; i < n; i++) {
        put(o, o->colour ? "\xe2\x96\x87" : "#");
    }
    style(o, PLAIN);
}

static void line(struct out *o, const struct report_answer *a,
                 const struct report_chart *chart, size_t row, double max)
{
    int y = chart->y;
    struct buf b;
    double v;

    put(o, "      ");
    label(o, a, chart, row);
    if (y < 0) {
        put(o, "\n");
        return;
    }
    buf_init(&b, 65536);
    if (o->rc == 0) {
        o->rc = cell(a, (size_t)y, row, &b, o->e);
    }
    spaces(o, b.len < VALUE_WIDTH ? VALUE_WIDTH - b.len : 0);
    put_slice(o, buf_slice(&b));
    buf_release(&b);
    if (report_number(a->rows, y, row, &v) && v > 0 && bar_length(v, max) > 0) {
        put(o, "  ");
        bar(o, v, max);
    }
    put(o, "\n");
}

/* The largest by y, the earlier row first among equals. */
static size_t top(const struct report_answer *a, int y, size_t rows[ROWS_TOP])
{
    size_t n = 0;

    for (size_t i = 0; i < a->rows->rows; i++) {
        double v = 0;
        size_t at = n;

        if (y >= 0 && !report_number(a->rows, y, i, &v)) {
            continue;
        }
        for (; at > 0 && y >= 0; at--) {
            double other = 0;

            if (report_number(a->rows, y, rows[at - 1], &other) && other >= v) {
                break;
            }
            if (at < ROWS_TOP) {
                rows[at] = rows[at - 1];
            }
        }
        if (at < ROWS_TOP) {
            rows[at] = i;
            n = n < ROWS_TOP ? n + 1 : n;
        }
    }
    return n;
}

static void answer(struct out *o, const struct report_answer *a)
{
    struct report_chart c = report_chart_of(a);
    size_t rows[ROWS_WHOLE];
    size_t n = a->rows->rows;
    double max = 0;
    char more[64] = "";

    if (n <= ROWS_WHOLE) {
        for (size_t i = 0; i < n; i++) {
            rows[i] = i;
        }
        (void)snprintf(more, sizeof(more), "%s", n == 0 ? "no rows" : "");
    } else {
        (void)snprintf(more, sizeof(more), "%zu rows, the largest", n);
        n = top(a, c.y, rows);
    }
    for (size_t i = 0; i < n && c.y >= 0; i++) {
        double v;

        if (report_number(a->rows, c.y, rows[i], &v) && v > max) {
            max = v;
        }
    }
    put(o, "  ");
    style(o, BOLD);
    left(o, slice_of(a->id), 4);
    left(o, slice_of(a->title), more[0] == '\0' ? strlen(a->title) : 66);
    style(o, PLAIN);
    style(o, DIM);
    put(o, more);
    style(o, PLAIN);
    put(o, "\n");
    for (size_t i = 0; i < n; i++) {
        line(o, a, &c, rows[i], max);
    }
}

static void ending(struct out *o, const struct report *r)
{
    put(o, "\n");
    for (size_t i = 0; i < r->npaths; i++) {
        put(o, "  ");
        left(o, slice_of(r->paths[i].text), 16);
        put(o, r->paths[i].path);
        put(o, "\n");
    }
    for (size_t i = 0; i < ARRAY_LEN(r->next) && r->next[i] != NULL; i++) {
        put(o, i == 0 ? "\n  Next            " : "                  ");
        put(o, r->next[i]);
        put(o, "\n");
    }
}

int report_text(const struct report *r, bool colour, struct buf *b,
                struct err *e)
{
    struct out o = {.b = b, .e = e, .colour = colour};

    style(&o, BOLD);
    put(&o, "pinline ");
    put(&o, r->version);
    style(&o, PLAIN);
    put(&o, "   ");
    put(&o, r->where);
    put(&o, "   answers by ");
    put(&o, r->engine);
    put(&o, "\n\n");
    stages(&o, r);
    accounts(&o, r);
    for (size_t i = 0; i < r->nanswers; i++) {
        answer(&o, &r->answers[i]);
    }
    ending(&o, r);
    return o.rc;
}

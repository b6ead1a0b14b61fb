#include "flow/report.h"

#include <inttypes.h>

#include "core/slice.h"
#include "flow/report_int.h"
#include "record/batch_json.h"
#include "json/json.h"

#define US 1000000.0

int report_value(struct buf *b, const struct batch *rows, size_t col,
                 size_t row, struct err *e)
{
    return batch_json_value(rows, col, row, b, e);
}

static int chart_column(const struct report_answer *a, struct slice name)
{
    for (size_t i = 0; i < a->rows->columns; i++) {
        if (slice_is(name, a->rows->defs[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

struct report_chart report_chart_of(const struct report_answer *a)
{
    struct report_chart c = {.x = -1, .y = -1, .series = -1};
    struct slice rest = slice_of(a->chart);
    struct slice word;
    bool more;

    do {
        struct slice name;

        more = slice_cut(&rest, ' ', &word);
        name = word;
        if (slice_is(word, "line")) {
            c.line = true;
        } else if (slice_cut(&name, '=', &word)) {
            int col = chart_column(a, name);

            if (slice_is(word, "x")) {
                c.x = col;
            } else if (slice_is(word, "y")) {
                c.y = col;
            } else {
                c.series = col;
            }
        }
    } while (more);
    return c;
}

bool report_number(const struct batch *rows, int col, size_t row, double *ret)
{
    const struct column *c = &rows->cols[col];

    if (c->valid[row] == 0) {
        return false;
    }
    if (rows->defs[col].type == COL_INT32) {
        *ret = c->fixed.i32[row];
    } else if (rows->defs[col].type == COL_INT64) {
        *ret = (double)c->fixed.i64[row];
    } else if (rows->defs[col].type == COL_DOUBLE) {
        *ret = c->fixed.f64[row];
    } else {
        return false;
    }
    return true;
}

static int put_accounts(const struct report *r, struct buf *b, struct err *e)
{
    bool first = true;

    for (size_t i = 0; i < r->naccounts; i++) {
        const struct account *a = &r->accounts[i];

        if (a->table == NULL) {
            continue;
        }
        if ((!first && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(a->table), e) < 0 ||
            buf_puts(b, ":{\"topic\":", e) < 0 ||
            json_print_text(b, slice_of(a->topic), e) < 0 ||
            buf_putf(b, e,
                     ",\"received\":%" PRId64 ",\"stored\":%" PRId64
                     ",\"expanded\":%" PRId64 ",\"cleaned\":%" PRId64
                     ",\"rejected\":%" PRId64 ",\"duplicate\":%" PRId64
                     ",\"pending\":%" PRId64 ",\"closes\":%s}",
                     a->received < 0 ? a->stored : a->received, a->stored,
                     a->expanded, a->cleaned, a->rejected, a->duplicate,
                     a->pending, a->closes ? "true" : "false") < 0) {
            return -1;
        }
        first = false;
    }
    return 0;
}

static int put_answers(const struct report *r, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < r->nanswers; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(r->answers[i].id), e) < 0 ||
            buf_putc(b, ':', e) < 0 ||
            batch_json_rows(r->answers[i].rows, b, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_tail(const struct report *r, struct buf *b, struct err *e)
{
    if (buf_puts(b, "},\"paths\":{", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->npaths; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(r->paths[i].name), e) < 0 ||
            buf_putc(b, ':', e) < 0 ||
            json_print_text(b, slice_of(r->paths[i].path), e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "},\"seconds\":{", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->nstages; i++) {
        if (buf_putf(b, e, "%s\"%s\":%.6f", i ? "," : "", r->stages[i].name,
                     (double)r->stages[i].us / US) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}}\n", e);
}

int report_json(const struct report *r, struct buf *b, struct err *e)
{
    if (buf_puts(b, "{\"accounting\":{", e) < 0 || put_accounts(r, b, e) < 0 ||
        buf_puts(b, "},\"answers\":{", e) < 0 || put_answers(r, b, e) < 0) {
        return -1;
    }
    return put_tail(r, b, e);
}

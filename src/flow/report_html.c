/* report_html.c - web/report.html with the facts put in as one JSON text. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/embed.h"
#include "flow/report.h"
#include "flow/report_int.h"
#include "json/json.h"

extern const struct embed_file flow_web[];

enum {
    DATA_BYTES_MAX = 256 << 20
};

#define US    1000000.0
#define PLACE "@DATA@"

static int put_pair(struct buf *b, const char *key, const char *value,
                    struct err *e)
{
    return buf_putf(b, e, "\"%s\":", key) < 0 ||
                   json_print_text(b, slice_of(value ? value : ""), e) < 0 ||
                   buf_putc(b, ',', e) < 0
               ? -1
               : 0;
}

static int put_about(const struct report *r, struct buf *b, struct err *e)
{
    char text[400];
    char when[CLOCK_TEXT_MAX];

    (void)clock_iso(r->made_us / 1000000 * 1000000, when);
    (void)snprintf(text, sizeof(text), "%s; answers by %s over %s", r->where,
                   r->engine, r->scope);
    if (put_pair(b, "title", r->title, e) < 0 ||
        put_pair(b, "about", text, e) < 0) {
        return -1;
    }
    (void)snprintf(text, sizeof(text), "Made by pinline %s at %s.", r->version,
                   when);
    return put_pair(b, "footer", text, e);
}

static int put_stages(const struct report *r, struct buf *b, struct err *e)
{
    if (buf_puts(b, "\"stages\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->nstages; i++) {
        const struct report_stage *s = &r->stages[i];

        if (buf_puts(b, i ? ",{" : "{", e) < 0 ||
            put_pair(b, "name", s->name, e) < 0 ||
            put_pair(b, "unit", s->unit, e) < 0 ||
            put_pair(b, "note", s->note, e) < 0 ||
            buf_putf(b, e, "\"count\":%" PRId64 ",\"seconds\":%.6f}", s->count,
                     (double)s->us / US) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "],", e);
}

static int put_accounts(const struct report *r, struct buf *b, struct err *e)
{
    bool first = true;

    if (buf_puts(b,
                 "\"accounting\":{\"columns\":[\"topic\",\"received\","
                 "\"stored\",\"expanded\",\"cleaned\",\"rejected\","
                 "\"duplicate\",\"pending\",\"sum\"],\"rows\":[",
                 e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->naccounts; i++) {
        const struct account *a = &r->accounts[i];

        if (a->table == NULL) {
            continue;
        }
        if (buf_puts(b, first ? "[" : ",[", e) < 0 ||
            json_print_text(b, slice_of(a->topic), e) < 0 ||
            buf_putf(b, e,
                     ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                     ",%" PRId64 ",%" PRId64 ",\"%s\"]",
                     a->received < 0 ? a->stored : a->received, a->stored,
                     a->expanded, a->cleaned, a->rejected, a->duplicate,
                     a->pending, a->closes ? "closes" : "OPEN") < 0) {
            return -1;
        }
        first = false;
    }
    return buf_puts(b, "]},", e);
}

static int put_rows(const struct batch *rows, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < rows->rows; i++) {
        if (buf_puts(b, i ? ",[" : "[", e) < 0) {
            return -1;
        }
        for (size_t k = 0; k < rows->columns; k++) {
            if ((k > 0 && buf_putc(b, ',', e) < 0) ||
                report_value(b, rows, k, i, e) < 0) {
                return -1;
            }
        }
        if (buf_putc(b, ']', e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_answer(const struct report_answer *a, struct buf *b,
                      struct err *e)
{
    if (buf_putc(b, '{', e) < 0 || put_pair(b, "id", a->id, e) < 0 ||
        put_pair(b, "title", a->title, e) < 0 ||
        put_pair(b, "question", a->question, e) < 0 ||
        put_pair(b, "definition", a->definition, e) < 0 ||
        put_pair(b, "note", a->note, e) < 0 ||
        put_pair(b, "chart", a->chart, e) < 0 ||
        buf_puts(b, "\"columns\":[", e) < 0) {
        return -1;
    }
    for (size_t k = 0; k < a->rows->columns; k++) {
        if ((k > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(a->rows->defs[k].name), e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "],\"rows\":[", e) < 0 || put_rows(a->rows, b, e) < 0 ||
                   buf_puts(b, "]}", e) < 0
               ? -1
               : 0;
}

static int put_answers(const struct report *r, struct buf *b, struct err *e)
{
    if (buf_puts(b, "\"answers\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->nanswers; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            put_answer(&r->answers[i], b, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "],", e);
}

/* ["pin","title","NULL","placeholder",36] */
static int put_rule(struct buf *b, bool *first, const char *const text[4],
                    int64_t n, struct err *e)
{
    if (n == 0) {
        return 0;
    }
    if (buf_puts(b, *first ? "[" : ",[", e) < 0) {
        return -1;
    }
    *first = false;
    for (int i = 0; i < 4; i++) {
        if (text[i] != NULL && (json_print_text(b, slice_of(text[i]), e) < 0 ||
                                buf_putc(b, ',', e) < 0)) {
            return -1;
        }
    }
    return buf_putf(b, e, "%" PRId64 "]", n);
}

static int put_table_rules(const struct flow_batch_table *t, struct buf *b,
                           bool *first, struct err *e)
{
    const struct clean_counts *c = &t->clean;

    for (size_t k = 0; k < c->ncolumns; k++) {
        const char *column = t->table->columns[k].name;

        if (put_rule(b, first,
                     (const char *const[]){t->table->name, column, "rejected",
                                           "required and absent"},
                     c->rejects[k][CLEAN_RULES], e) < 0) {
            return -1;
        }
        for (int r = 0; r < CLEAN_RULES; r++) {
            const char *word = clean_rule_word((enum clean_rule)r);

            if (put_rule(b, first,
                         (const char *const[]){t->table->name, column,
                                               "made NULL", word},
                         c->nulled[k][r], e) < 0 ||
                put_rule(b, first,
                         (const char *const[]){t->table->name, column,
                                               "rejected", word},
                         c->rejects[k][r], e) < 0) {
                return -1;
            }
        }
    }
    for (int k = 0; k < DECODE_REJECTS; k++) {
        if (put_rule(b, first,
                     (const char *const[]){
                         t->table->name, "–", "rejected",
                         decode_reject_word((enum decode_reject)k)},
                     c->undecoded[k], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_rules(const struct report *r, struct buf *b, struct err *e)
{
    bool first = true;

    if (buf_puts(b, "\"rules\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; r->batch != NULL && i < r->batch->n; i++) {
        if (put_table_rules(&r->batch->tables[i], b, &first, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "],", e);
}

static int put_decoded(const struct report *r, struct buf *b, struct err *e)
{
    bool first = true;

    if (buf_puts(b, "\"decoded\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; r->batch != NULL && i < r->batch->n; i++) {
        const struct flow_batch_table *t = &r->batch->tables[i];

        for (int k = 0; k < DECODE_HOWS; k++) {
            if (put_rule(b, &first,
                         (const char *const[]){
                             t->table->name,
                             decode_how_word((enum decode_how)k), NULL, NULL},
                         t->clean.how[k], e) < 0) {
                return -1;
            }
        }
    }
    return buf_puts(b, "],", e);
}

static int put_table_drift(const struct flow_batch_table *t, struct buf *b,
                           bool *first, struct err *e)
{
    for (size_t k = 0; k < t->clean.ndrift; k++) {
        const struct clean_drift *d = &t->clean.drift[k];

        if (put_rule(b, first,
                     (const char *const[]){t->table->name, d->field,
                                           clean_drift_word(d->kind), NULL},
                     d->count, e) < 0) {
            return -1;
        }
        if (d->count > 0) { /* one more column in that row */
            b->len--;
            if (buf_putf(b, e, ",%" PRId64 "]", d->first) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int put_drift(const struct report *r, struct buf *b, struct err *e)
{
    bool first = true;

    if (buf_puts(b, "\"drift\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; r->batch != NULL && i < r->batch->n; i++) {
        if (put_table_drift(&r->batch->tables[i], b, &first, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "],", e);
}

static int put_paths(const struct report *r, struct buf *b, struct err *e)
{
    if (buf_puts(b, "\"paths\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->npaths; i++) {
        if (buf_puts(b, i ? ",[" : "[", e) < 0 ||
            json_print_text(b, slice_of(r->paths[i].text), e) < 0 ||
            buf_putc(b, ',', e) < 0 ||
            json_print_text(b, slice_of(r->paths[i].path), e) < 0 ||
            buf_putc(b, ']', e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "]}", e);
}

/* In a script element "</" would end it. */
static int escape_script(struct slice s, struct buf *b, struct err *e)
{
    struct slice part;

    while (slice_cut(&s, '<', &part)) {
        if (buf_append(b, part, e) < 0 || buf_puts(b, "\\u003c", e) < 0) {
            return -1;
        }
    }
    return buf_append(b, part, e);
}

static int put_data(const struct report *r, struct buf *b, struct err *e)
{
    struct buf data;
    int rc = -1;

    buf_init(&data, DATA_BYTES_MAX);
    if (buf_putc(&data, '{', e) == 0 && put_about(r, &data, e) == 0 &&
        put_stages(r, &data, e) == 0 && put_accounts(r, &data, e) == 0 &&
        put_answers(r, &data, e) == 0 && put_rules(r, &data, e) == 0 &&
        put_decoded(r, &data, e) == 0 && put_drift(r, &data, e) == 0 &&
        put_paths(r, &data, e) == 0) {
        rc = escape_script(buf_slice(&data), b, e);
    }
    buf_release(&data);
    return rc;
}

int report_html(const struct report *r, struct buf *b, struct err *e)
{
    struct slice page;
    const char *at;

    if (!embed_find(flow_web, "report.html", &page)) {
        return err_set(e, ERR_CORRUPT, "the program lacks its report page");
    }
    at = strstr(page.ptr, PLACE);
    if (at == NULL) {
        return err_set(e, ERR_CORRUPT, "the report page has no %s", PLACE);
    }
    if (buf_append(b, (struct slice){page.ptr, (size_t)(at - page.ptr)}, e) <
            0 ||
        put_data(r, b, e) < 0) {
        return -1;
    }
    return buf_puts(b, at + strlen(PLACE), e);
}

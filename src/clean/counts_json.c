#include "clean/counts_json.h"

#include <inttypes.h>
#include <string.h>

#include "json/json.h"

/* `"name":` with a comma before all but the first. */
static int put_key(struct buf *b, bool *any, const char *name, struct err *e)
{
    if (*any && buf_putc(b, ',', e) != 0) {
        return -1;
    }
    *any = true;
    return json_print_text(b, slice_of(name), e) != 0 ? -1
                                                      : buf_putc(b, ':', e);
}

static int put_count(struct buf *b, bool *any, const char *name, int64_t n,
                     struct err *e)
{
    if (n == 0) {
        return 0;
    }
    return put_key(b, any, name, e) != 0 ? -1 : buf_putf(b, e, "%" PRId64, n);
}

static int put_nulled(const struct clean_counts *s, const struct spec_table *t,
                      struct buf *b, struct err *e)
{
    bool columns = false;

    for (size_t c = 0; c < s->ncolumns; c++) {
        bool rules = false;
        int64_t sum = 0;

        for (size_t r = 0; r < CLEAN_RULES; r++) {
            sum += s->nulled[c][r];
        }
        if (sum == 0) {
            continue;
        }
        if (put_key(b, &columns, t->columns[c].name, e) != 0 ||
            buf_putc(b, '{', e) != 0) {
            return -1;
        }
        for (size_t r = 0; r < CLEAN_RULES; r++) {
            if (put_count(b, &rules, clean_rule_word((enum clean_rule)r),
                          s->nulled[c][r], e) != 0) {
                return -1;
            }
        }
        if (buf_putc(b, '}', e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_rejects(const struct clean_counts *s, struct buf *b,
                       struct err *e)
{
    bool any = false;

    for (size_t r = 0; r < DECODE_REJECTS; r++) {
        int64_t n = s->undecoded[r];

        for (size_t c = 0; r == DECODE_REJECT_NO_KEY && c < s->ncolumns; c++) {
            n += s->rejects[c][CLEAN_RULES];
        }
        if (put_count(b, &any, decode_reject_word((enum decode_reject)r), n,
                      e) != 0) {
            return -1;
        }
    }
    for (size_t r = 0; r < CLEAN_RULES; r++) {
        int64_t n = 0;

        for (size_t c = 0; c < s->ncolumns; c++) {
            n += s->rejects[c][r];
        }
        if (put_count(b, &any, clean_rule_word((enum clean_rule)r), n, e) !=
            0) {
            return -1;
        }
    }
    return 0;
}

static int put_decoded(const struct clean_counts *s, struct buf *b,
                       struct err *e)
{
    bool any = false;

    for (size_t h = 0; h < DECODE_HOWS; h++) {
        if (put_count(b, &any, decode_how_word((enum decode_how)h), s->how[h],
                      e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_drift(const struct clean_counts *s, struct buf *b, struct err *e)
{
    bool kinds = false;

    for (size_t k = 0; k < CLEAN_DRIFTS; k++) {
        bool fields = false;

        for (size_t i = 0; i < s->ndrift; i++) {
            const struct clean_drift *d = &s->drift[i];

            if ((size_t)d->kind != k || d->count == 0) {
                continue;
            }
            if (!fields &&
                (put_key(b, &kinds, clean_drift_word(d->kind), e) != 0 ||
                 buf_putc(b, '{', e) != 0)) {
                return -1;
            }
            if (put_key(b, &fields, d->field, e) != 0 ||
                buf_putf(b, e, "{\"count\":%" PRId64 ",\"first\":%" PRId64 "}",
                         d->count, d->first) != 0) {
                return -1;
            }
        }
        if (fields && buf_putc(b, '}', e) != 0) {
            return -1;
        }
    }
    return 0;
}

int counts_json(const struct clean_counts *s, const struct spec_table *t,
                int64_t duplicates, struct buf *b, struct err *e)
{
    if (buf_putf(b, e,
                 "{\"rows\":%" PRId64 ",\"cleaned\":%" PRId64
                 ",\"duplicate\":%" PRId64 ",\"rejected\":%" PRId64
                 ",\"messages\":%" PRId64 ",\"expanded\":%" PRId64
                 ",\"nulled\":{",
                 s->records, s->rows - duplicates, duplicates, s->rejected,
                 s->messages, s->records - s->messages) != 0 ||
        put_nulled(s, t, b, e) != 0 || buf_puts(b, "},\"rejects\":{", e) != 0 ||
        put_rejects(s, b, e) != 0 || buf_puts(b, "},\"decoded\":{", e) != 0 ||
        put_decoded(s, b, e) != 0 || buf_puts(b, "},\"drift\":{", e) != 0 ||
        put_drift(s, b, e) != 0) {
        return -1;
    }
    return buf_puts(b, "}}\n", e);
}

#include <string.h>

#include "clean/clean_int.h"
#include "core/mem.h"

const char *clean_rule_word(enum clean_rule r)
{
    static const char *const words[] = {
#define XX(name, word, error) word,
        CLEAN_RULE_MAP(XX)
#undef XX
    };

    return (size_t)r < ARRAY_LEN(words) ? words[r] : "";
}

const char *clean_drift_word(enum clean_drift_kind k)
{
    static const char *const words[] = {"unknown", "missing", "retyped",
                                        "repeated"};

    return (size_t)k < ARRAY_LEN(words) ? words[k] : "";
}

int clean_counts_init(struct clean_counts *s, const struct spec_table *t,
                      struct err *e)
{
    memset(s, 0, sizeof(*s));
    s->ncolumns = t->ncolumns;
    s->nulled = mem_zero(t->ncolumns, sizeof(*s->nulled));
    s->rejects = mem_zero(t->ncolumns, sizeof(*s->rejects));
    if (s->nulled == NULL || s->rejects == NULL) {
        clean_counts_release(s);
        return err_nomem(e, t->ncolumns * sizeof(*s->rejects));
    }
    return 0;
}

void clean_counts_release(struct clean_counts *s)
{
    for (size_t i = 0; i < s->ndrift; i++) {
        mem_free(s->drift[i].field);
    }
    mem_free(s->drift);
    mem_free(s->nulled);
    mem_free(s->rejects);
    memset(s, 0, sizeof(*s));
}

int clean_drift_new(struct clean_counts *s, enum clean_drift_kind kind,
                    struct slice field, size_t *ret, struct err *e)
{
    char *name;

    if (s->ndrift == s->drift_cap) {
        size_t cap = s->drift_cap * 2 + 32;
        struct clean_drift *d = mem_resize(s->drift, cap, sizeof(*d));

        if (d == NULL) {
            return err_nomem(e, cap * sizeof(*d));
        }
        s->drift = d;
        s->drift_cap = cap;
    }
    name = mem_text(field.ptr, field.len);
    if (name == NULL) {
        return err_nomem(e, field.len);
    }
    s->drift[s->ndrift] = (struct clean_drift){.kind = kind, .field = name};
    *ret = s->ndrift++;
    return 0;
}

void clean_drift_add(struct clean_counts *s, size_t at, int64_t offset)
{
    struct clean_drift *d = &s->drift[at];

    if (d->count++ == 0 || offset < d->first) {
        d->first = offset;
    }
}

static int add_drift(struct clean_counts *into, const struct clean_drift *d,
                     struct err *e)
{
    size_t at = 0;

    while (at < into->ndrift &&
           (into->drift[at].kind != d->kind ||
            strcmp(into->drift[at].field, d->field) != 0)) {
        at++;
    }
    if (at == into->ndrift &&
        clean_drift_new(into, d->kind, slice_of(d->field), &at, e) != 0) {
        return -1;
    }
    if (into->drift[at].count == 0 || d->first < into->drift[at].first) {
        into->drift[at].first = d->first;
    }
    into->drift[at].count += d->count;
    return 0;
}

int clean_counts_add(struct clean_counts *into, const struct clean_counts *from,
                     struct err *e)
{
    for (size_t i = 0; i < from->ndrift; i++) {
        if (from->drift[i].count > 0 &&
            add_drift(into, &from->drift[i], e) != 0) {
            return -1;
        }
    }
    into->messages += from->messages;
    into->records += from->records;
    into->rows += from->rows;
    into->rejected += from->rejected;
    for (size_t i = 0; i < DECODE_HOWS; i++) {
        into->how[i] += from->how[i];
    }
    for (size_t i = 0; i < DECODE_REJECTS; i++) {
        into->undecoded[i] += from->undecoded[i];
    }
    for (size_t c = 0; c < from->ncolumns; c++) {
        for (size_t r = 0; r < CLEAN_RULES; r++) {
            into->nulled[c][r] += from->nulled[c][r];
        }
        for (size_t r = 0; r <= CLEAN_RULES; r++) {
            into->rejects[c][r] += from->rejects[c][r];
        }
    }
    return 0;
}

int clean_counts_check(const struct clean_counts *s, const struct spec_table *t,
                       struct err *e)
{
    double share =
        s->records > 0 ? (double)s->rejected / (double)s->records : 0;

    if (t->max_rejects >= 0 && s->rejected > t->max_rejects) {
        return err_set(e, ERR_DATA,
                       "table \"%s\": %lld records were rejected, max_rejects "
                       "allows %lld; see the rejects, or raise it",
                       t->name, (long long)s->rejected,
                       (long long)t->max_rejects);
    }
    if (share > t->max_reject_share) {
        return err_set(e, ERR_DATA,
                       "table \"%s\": %.2f%% of the records were rejected, "
                       "max_rejects allows %.2f%%; see the rejects, or raise "
                       "it",
                       t->name, share * 100, t->max_reject_share * 100);
    }
    return 0;
}

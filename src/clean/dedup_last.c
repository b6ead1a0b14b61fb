#include <string.h>

#include "clean/dedup.h"
#include "core/mem.h"

/* One open table of hash and place, doubled when three quarters are taken. */
struct entry {
    struct hash128 h;
    int64_t place; /* 0: empty; else the place + 1 */
};

struct dedup_last {
    struct entry *entries;
    size_t cap; /* a power of two */
    size_t used;
    int64_t max_rows;
};

int dedup_last_new(struct dedup_last **ret, int64_t max_rows, struct err *e)
{
    struct dedup_last *d = mem_zero(1, sizeof(*d));

    if (d == NULL) {
        return err_nomem(e, sizeof(*d));
    }
    d->max_rows = max_rows;
    *ret = d;
    return 0;
}

void dedup_last_free(struct dedup_last *d)
{
    if (d != NULL) {
        mem_free(d->entries);
        mem_free(d);
    }
}

static struct entry *find(const struct dedup_last *d, struct hash128 h)
{
    size_t i = (size_t)h.a & (d->cap - 1);

    while (d->entries[i].place != 0 && !hash_eq(d->entries[i].h, h)) {
        i = (i + 1) & (d->cap - 1);
    }
    return &d->entries[i];
}

static int grow(struct dedup_last *d, struct err *e)
{
    struct dedup_last bigger = *d;

    bigger.cap = d->cap > 0 ? d->cap * 2 : 1024;
    bigger.entries = mem_zero(bigger.cap, sizeof(*d->entries));
    if (bigger.entries == NULL) {
        return err_nomem(e, bigger.cap * sizeof(*d->entries));
    }
    for (size_t i = 0; i < d->cap; i++) {
        if (d->entries[i].place != 0) {
            *find(&bigger, d->entries[i].h) = d->entries[i];
        }
    }
    mem_free(d->entries);
    *d = bigger;
    return 0;
}

int dedup_last_note(struct dedup_last *d, struct hash128 h, int64_t place,
                    struct err *e)
{
    struct entry *at;

    if (d->used >= d->cap / 4 * 3 && grow(d, e) != 0) {
        return -1;
    }
    at = find(d, h);
    if (at->place == 0) {
        if ((int64_t)d->used >= d->max_rows) {
            return err_set(e, ERR_LIMIT,
                           "more than %lld distinct keys to deduplicate",
                           (long long)d->max_rows);
        }
        d->used++;
        at->h = h;
    }
    at->place = place + 1;
    return 0;
}

bool dedup_last_is(const struct dedup_last *d, struct hash128 h, int64_t place)
{
    return d->cap > 0 && find(d, h)->place == place + 1;
}

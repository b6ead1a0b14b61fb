#include "clean/dedup.h"

#include <string.h>

#include "core/mem.h"

/*
 * A hash goes to the shard of its top byte of lane b, and there to the place
 * lane a * capacity >> 64: places keep the order of lane a, so that growing is
 * one pass over both tables.  Capacities are not powers of two: a shard grows
 * by 1.45 when three quarters are taken, so that it is at least 0.517 full
 * after growing and a row costs at most 31 bytes.  An empty slot is all 0.
 */
enum {
    SHARDS = 256,
    FIRST_CAP = 64,
    AHEAD = 16 /* rows whose slots are fetched before they are looked at */
};

struct shard {
    struct hash128 *slots;
    size_t cap, used;
};

struct dedup {
    struct hash_key key;
    int64_t max_rows, rows;
    struct shard shards[SHARDS];
};

static struct hash128 not_empty(struct hash128 h)
{
    if (h.a == 0 && h.b == 0) {
        h.a = 1;
    }
    return h;
}

static size_t place(uint64_t a, size_t cap)
{
    __extension__ typedef unsigned __int128 wide;

    return (size_t)(((wide)a * cap) >> 64);
}

/* The slot that holds h, or the empty one where it belongs. */
static struct hash128 *find(const struct shard *s, struct hash128 h)
{
    size_t i = place(h.a, s->cap);

    while (!hash_eq(s->slots[i], h) &&
           (s->slots[i].a != 0 || s->slots[i].b != 0)) {
        i = i + 1 == s->cap ? 0 : i + 1;
    }
    return &s->slots[i];
}

static int grow(struct shard *s, struct err *e)
{
    size_t cap = s->cap == 0 ? FIRST_CAP : s->cap + s->cap / 20 * 9 + 1;
    struct shard bigger = {mem_zero(cap, sizeof(*s->slots)), cap, s->used};

    if (bigger.slots == NULL) {
        return err_nomem(e, cap * sizeof(*s->slots));
    }
    for (size_t i = 0; i < s->cap; i++) {
        if (s->slots[i].a != 0 || s->slots[i].b != 0) {
            *find(&bigger, s->slots[i]) = s->slots[i];
        }
    }
    mem_free(s->slots);
    *s = bigger;
    return 0;
}

int dedup_new(struct dedup **ret, const struct hash_key *key, int64_t max_rows,
              struct err *e)
{
    struct dedup *d = mem_zero(1, sizeof(*d));

    if (d == NULL) {
        return err_nomem(e, sizeof(*d));
    }
    d->key = *key;
    d->max_rows = max_rows;
    *ret = d;
    return 0;
}

void dedup_free(struct dedup *d)
{
    if (d == NULL) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        mem_free(d->shards[i].slots);
    }
    mem_free(d);
}

static int add_one(struct dedup *d, struct hash128 h, uint8_t *ret_new,
                   struct err *e)
{
    struct shard *s = &d->shards[h.b >> 56];
    struct hash128 *slot;

    if (s->used >= s->cap / 4 * 3 && grow(s, e) != 0) {
        return -1;
    }
    slot = find(s, h);
    if (hash_eq(*slot, h)) {
        *ret_new = 0;
        return 0;
    }
    if (d->rows >= d->max_rows) {
        return err_set(e, ERR_LIMIT,
                       "more than %lld distinct rows to deduplicate",
                       (long long)d->max_rows);
    }
    *slot = h;
    s->used++;
    d->rows++;
    *ret_new = 1;
    return 0;
}

static void fetch(const struct dedup *d, struct hash128 h)
{
    const struct shard *s = &d->shards[h.b >> 56];

    if (s->cap > 0) {
        __builtin_prefetch(&s->slots[place(h.a, s->cap)]);
    }
}

int dedup_add(struct dedup *d, const struct hash128 *h, size_t n, uint8_t *keep,
              size_t *ret_new, struct err *e)
{
    size_t news = 0;

    for (size_t i = 0; i < n && i < AHEAD; i++) {
        fetch(d, h[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            fetch(d, h[i + AHEAD]);
        }
        if (add_one(d, not_empty(h[i]), &keep[i], e) != 0) {
            return -1;
        }
        news += keep[i];
    }
    *ret_new = news;
    return 0;
}

/* Move the entries behind the hole forward where their chain needs it. */
static void remove_at(struct shard *s, size_t hole)
{
    size_t i = hole;

    for (;;) {
        size_t home;

        i = i + 1 == s->cap ? 0 : i + 1;
        if (s->slots[i].a == 0 && s->slots[i].b == 0) {
            break;
        }
        home = place(s->slots[i].a, s->cap);
        if ((i > hole && (home <= hole || home > i)) ||
            (i < hole && home <= hole && home > i)) {
            s->slots[hole] = s->slots[i];
            hole = i;
        }
    }
    s->slots[hole] = (struct hash128){0, 0};
    s->used--;
}

void dedup_remove(struct dedup *d, const struct hash128 *h, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct hash128 v = not_empty(h[i]);
        struct shard *s = &d->shards[v.b >> 56];
        struct hash128 *slot = s->cap > 0 ? find(s, v) : NULL;

        if (slot != NULL && hash_eq(*slot, v)) {
            remove_at(s, (size_t)(slot - s->slots));
            d->rows--;
        }
    }
}

bool dedup_has(const struct dedup *d, struct hash128 h)
{
    const struct shard *s;

    h = not_empty(h);
    s = &d->shards[h.b >> 56];
    return s->cap > 0 && hash_eq(*find(s, h), h);
}

int64_t dedup_rows(const struct dedup *d)
{
    return d->rows;
}

size_t dedup_bytes(const struct dedup *d)
{
    size_t n = sizeof(*d);

    for (size_t i = 0; i < SHARDS; i++) {
        n += d->shards[i].cap * sizeof(struct hash128);
    }
    return n;
}

const struct hash_key *dedup_key(const struct dedup *d)
{
    return &d->key;
}

int dedup_each(const struct dedup *d,
               int (*fn)(void *arg, const struct hash128 *h, size_t n,
                         struct err *e),
               void *arg, struct err *e)
{
    struct hash128 some[512];
    size_t n = 0;

    for (size_t i = 0; i < SHARDS; i++) {
        const struct shard *s = &d->shards[i];

        for (size_t k = 0; k < s->cap; k++) {
            if (s->slots[k].a == 0 && s->slots[k].b == 0) {
                continue;
            }
            if (n == ARRAY_LEN(some) && fn(arg, some, n, e) != 0) {
                return -1;
            }
            n %= ARRAY_LEN(some);
            some[n++] = s->slots[k];
        }
    }
    return n > 0 ? fn(arg, some, n, e) : 0;
}

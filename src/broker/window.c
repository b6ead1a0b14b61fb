#include "broker/window.h"

#include <string.h>

#include "core/digest.h"
#include "core/mem.h"

enum {
    NONE = 0, /* links count from 1, so that zeroed memory is empty */
    FIRST_CAP = 256
};

/*
 * Entries stand in a ring in the order they came, so that the oldest leaves
 * first; a table of chains finds them.  The table has as many chains as the
 * ring has places; both double until `max` is reached.
 */
struct window {
    struct window_entry *ring;
    uint32_t *chains;
    size_t cap; /* a power of two */
    size_t head, count;
    size_t max;
    int64_t keep_us;
};

static size_t chain_of(const struct window *w, const uint8_t *hash)
{
    uint64_t h;

    memcpy(&h, hash, sizeof(h));
    return (size_t)h & (w->cap - 1);
}

static int resize(struct window *w, size_t cap, struct err *e)
{
    struct window_entry *ring = mem_zero(cap, sizeof(*ring));
    uint32_t *chains = mem_zero(cap, sizeof(*chains));
    struct window old = *w;

    if (ring == NULL || chains == NULL) {
        mem_free(ring);
        mem_free(chains);
        return err_nomem(e, cap * sizeof(*ring));
    }
    w->ring = ring;
    w->chains = chains;
    w->cap = cap;
    w->head = 0;
    for (size_t i = 0; i < old.count; i++) {
        size_t c;

        ring[i] = old.ring[(old.head + i) & (old.cap - 1)];
        c = chain_of(w, ring[i].hash);
        ring[i].link = chains[c];
        chains[c] = (uint32_t)i + 1;
    }
    mem_free(old.ring);
    mem_free(old.chains);
    return 0;
}

void window_hash(int64_t epoch, struct slice principal, struct slice key,
                 uint8_t ret[CODEC_KEY_HASH])
{
    uint8_t parts[8 + 2 * DIGEST_SHA256];
    uint8_t sum[DIGEST_SHA256];

    for (unsigned i = 0; i < 8; i++) {
        parts[i] = (uint8_t)((uint64_t)epoch >> 8 * i & 0xff);
    }
    digest_sha256(principal, parts + 8);
    digest_sha256(key, parts + 8 + DIGEST_SHA256);
    digest_sha256((struct slice){(const char *)parts, sizeof(parts)}, sum);
    memcpy(ret, sum, CODEC_KEY_HASH);
}

int window_open(struct window **ret, int64_t keep_us, int64_t max,
                struct err *e)
{
    struct window *w = mem_zero(1, sizeof(*w));

    if (w == NULL) {
        return err_nomem(e, sizeof(*w));
    }
    w->keep_us = keep_us;
    w->max = (size_t)max;
    if (resize(w, FIRST_CAP, e) < 0) {
        mem_free(w);
        return -1;
    }
    *ret = w;
    return 0;
}

static void drop(struct window *w, size_t place)
{
    struct window_entry *en = &w->ring[place];
    uint32_t *at = &w->chains[chain_of(w, en->hash)];

    while (*at != place + 1) {
        at = &w->ring[*at - 1].link;
    }
    *at = en->link;
    if (en->runs > 1) {
        mem_free(en->many);
    }
    w->count--;
}

static void drop_oldest(struct window *w)
{
    drop(w, w->head);
    w->head = (w->head + 1) & (w->cap - 1);
}

void window_clear(struct window *w)
{
    while (w->count > 0) {
        drop_oldest(w);
    }
}

void window_close(struct window *w)
{
    if (w) {
        window_clear(w);
        mem_free(w->ring);
        mem_free(w->chains);
        mem_free(w);
    }
}

const struct window_entry *window_find(struct window *w,
                                       const uint8_t hash[CODEC_KEY_HASH])
{
    uint32_t i = w->chains[chain_of(w, hash)];

    while (i != NONE &&
           memcmp(w->ring[i - 1].hash, hash, CODEC_KEY_HASH) != 0) {
        i = w->ring[i - 1].link;
    }
    return i == NONE ? NULL : &w->ring[i - 1];
}

int window_add(struct window *w, const struct codec_key *k,
               const struct codec_run *runs, int64_t at_us, struct err *e)
{
    struct window_entry en = {.at_us = at_us, .runs = k->runs};
    size_t place;
    size_t c;

    if (w->count >= w->max) {
        drop_oldest(w);
    } else if (w->count == w->cap && resize(w, w->cap * 2, e) < 0) {
        return -1;
    }
    if (k->runs == 1) {
        en.one = runs ? runs[0] : codec_get_run(k, 0);
    } else if (k->runs > 1) {
        en.many = mem_resize(NULL, k->runs, sizeof(*runs));
        if (en.many == NULL) {
            return err_nomem(e, k->runs * sizeof(*runs));
        }
        for (uint32_t i = 0; i < k->runs; i++) {
            en.many[i] = runs ? runs[i] : codec_get_run(k, i);
        }
    }
    memcpy(en.hash, k->hash, sizeof(en.hash));
    memcpy(en.digest, k->digest, sizeof(en.digest));
    place = (w->head + w->count) & (w->cap - 1);
    c = chain_of(w, en.hash);
    en.link = w->chains[c];
    w->chains[c] = (uint32_t)place + 1;
    w->ring[place] = en;
    w->count++;
    return 0;
}

void window_pop(struct window *w)
{
    drop(w, (w->head + w->count - 1) & (w->cap - 1));
}

void window_expire(struct window *w, int64_t now_us)
{
    while (w->count > 0 && w->ring[w->head].at_us < now_us - w->keep_us) {
        drop_oldest(w);
    }
}

size_t window_count(const struct window *w)
{
    return w->count;
}

void window_answer(const struct window_entry *en, struct broker_report *reports,
                   size_t n)
{
    const struct codec_run *runs = en->runs > 1 ? en->many : &en->one;
    size_t i = 0;

    for (uint32_t r = 0; r < en->runs; r++) {
        for (uint32_t k = 0; k < runs[r].count && i < n; k++, i++) {
            if (runs[r].partition < 0) {
                reports[i] = (struct broker_report){
                    -1, -1, (enum err_code) - runs[r].partition};
            } else {
                reports[i] = (struct broker_report){
                    runs[r].partition, runs[r].first + k, ERR_NONE};
            }
        }
    }
}

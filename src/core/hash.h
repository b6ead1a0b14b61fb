/*
 * hash.h - a fast keyed 128-bit hash: two multiply-mix lanes.
 *
 * Values are fed one by one, each with a tag of its kind, so that NULL, "",
 * 0 and 0.0 differ and ("ab","c") is not ("a","bc").  Equal values under an
 * equal key give equal hashes on every machine (little endian is assumed).
 * Not for secrets; with a random key nobody can aim for collisions.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include <string.h>

#include "core/slice.h"

struct hash128 {
    uint64_t a, b;
};

struct hash_key {
    uint64_t k[4];
};

/* From a seed, the same every time; hash_key_random() asks the system. */
void hash_key_seed(struct hash_key *ret, uint64_t seed);
void hash_key_random(struct hash_key *ret);

struct hash {
    uint64_t a, b;
    uint64_t k[4];
};

struct hash128 hash_bytes(const struct hash_key *key, struct slice s);

static inline uint64_t hash_mix(uint64_t x, uint64_t y)
{
    __extension__ typedef unsigned __int128 wide;
    wide r = (wide)x * y;

    return (uint64_t)r ^ (uint64_t)(r >> 64);
}

static inline void hash_start(struct hash *h, const struct hash_key *key)
{
    memcpy(h->k, key->k, sizeof(h->k));
    h->a = key->k[0] ^ 0x9e3779b97f4a7c15ULL;
    h->b = key->k[1] ^ 0xc2b2ae3d27d4eb4fULL;
}

/* 16 bytes into both lanes; the lanes see the words crosswise. */
static inline void hash_words(struct hash *h, uint64_t x, uint64_t y)
{
    h->a = hash_mix(h->a ^ x, h->k[2] ^ y) + y;
    h->b = hash_mix(h->b ^ y, h->k[3] ^ x) + x;
}

/* A number with its kind; an absent value is a kind of its own. */
static inline void hash_put_u64(struct hash *h, unsigned tag, uint64_t v)
{
    hash_words(h, v, (uint64_t)tag << 56);
}

void hash_put_double(struct hash *h, unsigned tag, double v); /* -0.0 = 0.0 */

static inline void hash_put_bytes(struct hash *h, unsigned tag, struct slice s)
{
    const char *p = s.ptr;
    size_t n = s.len;
    uint64_t x = 0, y = 0;

    hash_words(h, (uint64_t)s.len, (uint64_t)tag << 56);
    for (; n >= 16; n -= 16, p += 16) {
        memcpy(&x, p, 8);
        memcpy(&y, p + 8, 8);
        hash_words(h, x, y);
    }
    if (n == 0) {
        return;
    }
    x = y = 0;
    if (s.len >= 16) {
        /* the last 16 bytes, some of them seen before: the length tells */
        memcpy(&x, p + n - 16, 8);
        memcpy(&y, p + n - 8, 8);
    } else if (n >= 8) {
        memcpy(&x, p, 8);
        memcpy(&y, p + n - 8, 8);
    } else if (n >= 4) {
        uint32_t lo, hi;

        memcpy(&lo, p, 4);
        memcpy(&hi, p + n - 4, 4);
        x = (uint64_t)lo << 32 | hi;
    } else {
        x = (uint64_t)(unsigned char)p[0] << 16 |
            (uint64_t)(unsigned char)p[n / 2] << 8 |
            (uint64_t)(unsigned char)p[n - 1];
    }
    hash_words(h, x, y);
}

static inline struct hash128 hash_end(const struct hash *h)
{
    struct hash128 r;

    r.a = hash_mix(h->a ^ h->k[1], h->b ^ 0x9e3779b97f4a7c15ULL);
    r.b = hash_mix(h->b ^ h->k[0], h->a ^ 0xd6e8feb86659fd93ULL);
    return r;
}

static inline bool hash_eq(struct hash128 x, struct hash128 y)
{
    return x.a == y.a && x.b == y.b;
}

#endif

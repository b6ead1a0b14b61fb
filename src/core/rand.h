/*
 * rand.h - seeded random numbers, integers only, the same on every machine.
 *
 * rand_mix() is a hash for random access: the same input gives the same
 * output, so that row n of a table needs no history.  `struct rand` is
 * xoshiro256** for streams of draws.  `struct rand_mt` is the Mersenne Twister
 * with the seeding and the range reduction of CPython's `random` module, so
 * that a Python script's draws can be repeated.  None of them is for secrets.
 * A generator belongs to one thread.
 */
#ifndef CORE_RAND_H
#define CORE_RAND_H

#include "core/base.h"

/* The finaliser of splitmix64: a bijection that spreads every input bit. */
static inline uint64_t rand_mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

struct rand {
    uint64_t s[4];
};

void rand_seed(struct rand *r, uint64_t seed);
uint64_t rand_u64(struct rand *r);
/* Uniform in 0..n-1 (n > 0), without bias. */
uint64_t rand_below(struct rand *r, uint64_t n);

enum {
    RAND_MT_WORDS = 624
};

struct rand_mt {
    uint32_t word[RAND_MT_WORDS];
    size_t at;
};

/* As Python's random.seed(int) for 0 <= seed < 2**64. */
void rand_mt_seed(struct rand_mt *r, uint64_t seed);
/* getrandbits(k), 1 <= k <= 64. */
uint64_t rand_mt_bits(struct rand_mt *r, unsigned k);
/* randrange(from, to) with from < to; randint(a, b) is randrange(a, b + 1). */
int64_t rand_mt_range(struct rand_mt *r, int64_t from, int64_t to);

#endif

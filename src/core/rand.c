#include "core/rand.h"

static uint64_t rotate(uint64_t x, unsigned k)
{
    return (x << k) | (x >> (64 - k));
}

void rand_seed(struct rand *r, uint64_t seed)
{
    for (size_t i = 0; i < ARRAY_LEN(r->s); i++) {
        r->s[i] = rand_mix(seed);
        seed += 0x9E3779B97F4A7C15u;
    }
}

uint64_t rand_u64(struct rand *r)
{
    uint64_t result = rotate(r->s[1] * 5, 7) * 9;
    uint64_t t = r->s[1] << 17;

    r->s[2] ^= r->s[0];
    r->s[3] ^= r->s[1];
    r->s[1] ^= r->s[2];
    r->s[0] ^= r->s[3];
    r->s[2] ^= t;
    r->s[3] = rotate(r->s[3], 45);
    return result;
}

uint64_t rand_below(struct rand *r, uint64_t n)
{
    uint64_t limit;
    uint64_t x;

    assert(n > 0);
    limit = (0 - n) % n; /* 2**64 mod n: what would be one lap too many */
    do {
        x = rand_u64(r);
    } while (x < limit);
    return x % n;
}

enum {
    MT_SHIFT = 397
};

static void mt_init(struct rand_mt *r, uint32_t seed)
{
    r->word[0] = seed;
    for (uint32_t i = 1; i < RAND_MT_WORDS; i++) {
        uint32_t before = r->word[i - 1];

        r->word[i] = 1812433253u * (before ^ (before >> 30)) + i;
    }
    r->at = RAND_MT_WORDS;
}

/* init_by_array() of the reference: Python seeds with the absolute value's
 * 32-bit words, lowest first, at least one of them. */
void rand_mt_seed(struct rand_mt *r, uint64_t seed)
{
    uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    size_t keys = key[1] != 0 ? 2 : 1;
    size_t i = 1;
    size_t j = 0;

    mt_init(r, 19650218u);
    for (size_t k = RAND_MT_WORDS; k > 0; k--) {
        uint32_t before = r->word[i - 1];

        r->word[i] = (r->word[i] ^ ((before ^ (before >> 30)) * 1664525u)) +
                     key[j] + (uint32_t)j;
        j = j + 1 < keys ? j + 1 : 0;
        if (++i == RAND_MT_WORDS) {
            r->word[0] = r->word[RAND_MT_WORDS - 1];
            i = 1;
        }
    }
    for (size_t k = RAND_MT_WORDS - 1; k > 0; k--) {
        uint32_t before = r->word[i - 1];

        r->word[i] = (r->word[i] ^ ((before ^ (before >> 30)) * 1566083941u)) -
                     (uint32_t)i;
        if (++i == RAND_MT_WORDS) {
            r->word[0] = r->word[RAND_MT_WORDS - 1];
            i = 1;
        }
    }
    r->word[0] = 0x80000000u;
}

static void mt_refill(struct rand_mt *r)
{
    for (size_t i = 0; i < RAND_MT_WORDS; i++) {
        uint32_t next = r->word[(i + 1) % RAND_MT_WORDS];
        uint32_t y = (r->word[i] & 0x80000000u) | (next & 0x7FFFFFFFu);
        uint32_t twist = (y & 1u) != 0 ? 0x9908B0DFu : 0;

        r->word[i] = r->word[(i + MT_SHIFT) % RAND_MT_WORDS] ^ (y >> 1) ^ twist;
    }
    r->at = 0;
}

static uint32_t mt_u32(struct rand_mt *r)
{
    uint32_t y;

    if (r->at >= RAND_MT_WORDS) {
        mt_refill(r);
    }
    y = r->word[r->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    return y ^ (y >> 18);
}

uint64_t rand_mt_bits(struct rand_mt *r, unsigned k)
{
    uint64_t low;

    assert(k >= 1 && k <= 64);
    if (k <= 32) {
        return mt_u32(r) >> (32 - k);
    }
    low = mt_u32(r);
    return low | (uint64_t)(mt_u32(r) >> (64 - k)) << 32;
}

/* _randbelow_with_getrandbits(): k = n.bit_length(), draw until below n. */
int64_t rand_mt_range(struct rand_mt *r, int64_t from, int64_t to)
{
    uint64_t n;
    uint64_t x;
    unsigned k = 0;

    assert(from < to);
    n = (uint64_t)to - (uint64_t)from;
    while (k < 64 && n >> k != 0) {
        k++;
    }
    do {
        x = rand_mt_bits(r, k);
    } while (x >= n);
    return (int64_t)((uint64_t)from + x);
}

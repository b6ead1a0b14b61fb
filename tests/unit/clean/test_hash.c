/* test_hash.c - the keyed hash: kinds, lengths, keys. */
#include "core/hash.h"

#include "core/rand.h"
#include "test.h"

static struct hash128 of(unsigned tag, struct slice s)
{
    struct hash_key k;
    struct hash h;

    hash_key_seed(&k, 1);
    hash_start(&h, &k);
    hash_put_bytes(&h, tag, s);
    return hash_end(&h);
}

static void kinds_differ(void)
{
    CHECK(!hash_eq(of(1, SLICE("a")), of(2, SLICE("a"))));
    CHECK(!hash_eq(of(1, SLICE("")), of(1, SLICE("\0"))));
    CHECK(hash_eq(of(1, SLICE("same")), of(1, SLICE("same"))));
}

static void every_byte_counts(void)
{
    char text[80] = {0};

    for (size_t n = 1; n < sizeof(text); n++) {
        struct hash128 base = of(0, (struct slice){text, n});

        for (size_t i = 0; i < n; i++) {
            text[i] = 1;
            CHECK(!hash_eq(base, of(0, (struct slice){text, n})));
            text[i] = 0;
        }
        CHECK(!hash_eq(base, of(0, (struct slice){text, n - 1})));
    }
}

static void zeros_are_one(void)
{
    struct hash_key k;
    struct hash a, b;

    hash_key_seed(&k, 1);
    hash_start(&a, &k);
    hash_start(&b, &k);
    hash_put_double(&a, 3, 0.0);
    hash_put_double(&b, 3, -0.0);
    CHECK(hash_eq(hash_end(&a), hash_end(&b)));
}

static void keys_matter(void)
{
    struct hash_key a, b;

    hash_key_seed(&a, 1);
    hash_key_seed(&b, 2);
    CHECK(!hash_eq(hash_bytes(&a, SLICE("x")), hash_bytes(&b, SLICE("x"))));
    hash_key_random(&a);
    hash_key_random(&b);
    CHECK(memcmp(&a, &b, sizeof(a)) != 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"kinds of values differ", kinds_differ},
        {"every byte and the length count", every_byte_counts},
        {"both zeros hash alike", zeros_are_one},
        {"another key gives another hash", keys_matter},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

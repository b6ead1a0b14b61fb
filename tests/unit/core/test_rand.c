#include "core/rand.h"

#include "test.h"

static void the_emulator_script_draws_the_known_rows(void)
{
    static const int64_t with_sleep[] = {7528, 2863,  5730, 8304, 8731, 1313,
                                         4315, 10794, 5494, 5069, 2923, 3089};
    static const int64_t without[] = {2386, 7528, 7453};
    struct rand_mt r;

    rand_mt_seed(&r, 100);
    for (size_t i = 0; i < ARRAY_LEN(with_sleep); i++) {
        int64_t pause = rand_mt_range(&r, 0, 2);

        CHECK(pause == 0 || pause == 1);
        CHECK_INT(rand_mt_range(&r, 0, 11000 + 1), with_sleep[i]);
    }
    rand_mt_seed(&r, 100);
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        CHECK_INT(rand_mt_range(&r, 0, 11001), without[i]);
    }
}

/* Expected values printed by CPython 3.11. */
static void wide_seeds_and_ranges_follow_python(void)
{
    struct rand_mt r;

    rand_mt_seed(&r, (UINT64_C(1) << 40) + 12345);
    CHECK_INT(rand_mt_bits(&r, 1), 0);
    CHECK_INT(rand_mt_bits(&r, 5), 11);
    CHECK_INT(rand_mt_bits(&r, 32), 493462063);
    CHECK_INT(rand_mt_bits(&r, 33), 4311705962);
    CHECK_INT(rand_mt_bits(&r, 40), 223935612730);
    CHECK(rand_mt_bits(&r, 64) == UINT64_C(14966593939063139906));
    CHECK_INT(rand_mt_range(&r, -5, 1000000000000), 97356581820);
    rand_mt_seed(&r, 0);
    CHECK_INT(rand_mt_range(&r, 0, INT64_MAX), 3553260803050964941);
    CHECK_INT(rand_mt_range(&r, 0, INT64_MAX), 8211050864078048428);
}

static void streams_repeat_and_stay_in_range(void)
{
    struct rand a;
    struct rand b;
    int64_t seen[7] = {0};

    rand_seed(&a, 42);
    rand_seed(&b, 42);
    for (int i = 0; i < 7000; i++) {
        uint64_t x = rand_below(&a, 7);

        CHECK(x < 7 && x == rand_below(&b, 7));
        seen[x % 7]++;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        CHECK(seen[i] > 850 && seen[i] < 1150);
    }
    rand_seed(&b, 43);
    CHECK(rand_u64(&a) != rand_u64(&b));
    CHECK(rand_below(&a, 1) == 0);
}

/* First outputs of splitmix64 seeded with 0, from its reference code. */
static void mixing_is_splitmix64(void)
{
    CHECK(rand_mix(0) == UINT64_C(0xE220A8397B1DCDAF));
    CHECK(rand_mix(UINT64_C(0x9E3779B97F4A7C15)) ==
          UINT64_C(0x6E789E6AA1B965F4));
}

static const struct test tests[] = {
    {"the emulator script draws the known rows",
     the_emulator_script_draws_the_known_rows},
    {"wide seeds and ranges follow Python",
     wide_seeds_and_ranges_follow_python},
    {"streams repeat and stay in range", streams_repeat_and_stay_in_range},
    {"mixing is splitmix64", mixing_is_splitmix64},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

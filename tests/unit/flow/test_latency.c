/* Durations are counted in steps and given back to one part in ten. */
#include "flow/latency.h"

#include "test.h"

static void quantiles_are_right_to_one_part_in_ten(void)
{
    struct latency l = {0};

    CHECK_INT(latency_quantile(&l, 0.99), 0);
    for (int64_t i = 1; i <= 1000; i++) {
        latency_add(&l, i * 1000, 1);
    }
    CHECK_INT(l.n, 1000);
    for (int i = 1; i < 10; i++) {
        int64_t want = (int64_t)i * 100000;
        int64_t got = latency_quantile(&l, i / 10.0);

        CHECK(got >= want && got <= want + want / 8);
    }
    CHECK_INT(latency_quantile(&l, 1.0), 1000000);
    CHECK_INT(l.most_us, 1000000);
}

static void odd_durations_are_counted_too(void)
{
    struct latency l = {0};

    latency_add(&l, -5, 3); /* clocks that differ */
    CHECK_INT(latency_quantile(&l, 0.5), 0);
    latency_add(&l, INT64_MAX, 1);
    CHECK_INT(latency_quantile(&l, 1.0), INT64_MAX);
    for (int64_t v = 0; v < 70; v++) {
        struct latency one = {0};

        latency_add(&one, v, 1);
        CHECK_INT(latency_quantile(&one, 0.5), v);
    }
}

int main(void)
{
    static const struct test tests[] = {
        {"quantiles are right to one part in ten",
         quantiles_are_right_to_one_part_in_ten},
        {"odd durations are counted too", odd_durations_are_counted_too},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

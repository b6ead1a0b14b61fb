#include "core/clock.h"

#include "test.h"

static void civil_and_microseconds_are_inverse(void)
{
    for (int64_t day = -719162; day < 2932896; day += 97) {
        int64_t us = day * 86400000000LL + 86399999999LL;
        struct clock_civil c;
        int64_t back = 0;

        clock_to_civil(us, &c);
        CHECK(clock_from_civil(&c, &back) && back == us);
    }
}

static void impossible_dates_are_refused(void)
{
    int64_t us = 0;

    CHECK(!clock_from_civil(
        &(struct clock_civil){.year = 2019, .month = 2, .day = 29}, &us));
    CHECK(clock_from_civil(
        &(struct clock_civil){.year = 2020, .month = 2, .day = 29}, &us));
    CHECK_INT(us, 1582934400000000LL);
    CHECK(!clock_from_civil(
        &(struct clock_civil){.year = 2020, .month = 1, .day = 1, .hour = 24},
        &us));
}

static const struct test tests[] = {
    {"civil and microseconds are inverse", civil_and_microseconds_are_inverse},
    {"impossible dates are refused", impossible_dates_are_refused},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

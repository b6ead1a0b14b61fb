#include "core/clock.h"

#include <stdio.h>

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

static bool parsed(const char *text, const char *shape, int64_t *us)
{
    *us = 7;
    return clock_parse(slice_of(text), shape, us);
}

static void texts_are_read_by_their_shape(void)
{
    static const char http[] = "???, DD BBB YYYY hh:mm:ss GMT";
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    int64_t us;

    CHECK(parsed("1970-01-02T00:00:03", "YYYY-NN-DDThh:mm:ss", &us));
    CHECK_INT(us, 86403000000LL);
    CHECK(parsed("20200229T123456Z", "YYYYNNDDThhmmssZ", &us));
    CHECK_INT(us, 1582979696000000LL);
    CHECK(parsed("Sat, 29 Feb 2020 12:34:56 GMT", http, &us));
    CHECK_INT(us, 1582979696000000LL);
    for (int i = 0; i < 12; i++) {
        struct clock_civil c;
        char text[32];

        (void)snprintf(text, sizeof(text), "Sun, 02 %s 2020 00:00:00 GMT",
                       months[i]);
        CHECK(parsed(text, http, &us));
        clock_to_civil(us, &c);
        CHECK_INT(c.month, i + 1);
    }
}

static void texts_of_another_shape_are_refused(void)
{
    static const char iso[] = "YYYY-NN-DDThh:mm:ss";
    static const char http[] = "???, DD BBB YYYY hh:mm:ss GMT";
    static const struct {
        const char *text, *shape;
    } cases[] = {
        {"", iso},
        {"2020-02-29T12:34:5", iso},
        {"2020-02-29T12:34:567", iso},
        {"2020-02-29 12:34:56", iso},
        {"2020-02-29T12:34:5 ", iso},
        {"2020-02-29T-1:34:56", iso},
        {"2020-02-30T12:34:56", iso},
        {"2020-00-29T12:34:56", iso},
        {"Sat, 29 feb 2020 12:34:56 GMT", http},
        {"Sat, 29 anF 2020 12:34:56 GMT", http},
        {"Sat, 29 Feb 2020 12:34:56 CET", http},
        {"Sat, 9 Feb 2020 12:34:56 GMT", http},
        {"Jan", "BBB"},
        {"Jan", "BB"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t us;

        CHECK(!parsed(cases[i].text, cases[i].shape, &us));
        CHECK_INT(us, 7);
    }
}

static const struct test tests[] = {
    {"civil and microseconds are inverse", civil_and_microseconds_are_inverse},
    {"impossible dates are refused", impossible_dates_are_refused},
    {"texts are read by their shape", texts_are_read_by_their_shape},
    {"texts of another shape are refused", texts_of_another_shape_are_refused},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

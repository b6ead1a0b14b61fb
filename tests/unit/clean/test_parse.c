/* test_parse.c - counts, whole numbers, numbers and times from text. */
#include "clean/parse.h"
#include "core/clock.h"
#include "test.h"

enum {
    NONE = -1
};

static const struct {
    const char *text;
    int64_t want;
} counts[] = {
    {"0", 0},
    {"5k", 5000},
    {"1.2k", 1200},
    {"942k", 942000},
    {"5M", 5000000},
    {"3,456", 3456},
    {"12,345,678", 12345678},
    {"1,234.5k", 1234500},
    {"1.2345k", 1234},
    {"1.9999", 1},
    {"5 K", 5000},
    {"5\t\n m", 5000000},
    {"2b", 2000000000},
    {"2.147483647B", 2147483647},
    {"2.1474836479b", 2147483647},
    {"2.147483648b", NONE},
    {"2147483647", 2147483647},
    {"2147483648", NONE},
    {"3b", NONE},
    {"0000000000000000000005", 5},
    {"99999999999999999999999999999999999", NONE},
    {"0.0000000009b", 0},
    {"", NONE},
    {"-5", NONE},
    {"+5", NONE},
    {"1,23", NONE},
    {"1234,567", NONE},
    {",123", NONE},
    {"1,234,", NONE},
    {"1,,234", NONE},
    {"k", NONE},
    {"5 kk", NONE},
    {".5k", NONE},
    {"5.k", NONE},
    {"5k ", NONE},
    {"5kb", NONE},
    {"1e3", NONE},
    {"5\xC2\xA0k", NONE},
};

static void counts_are_exact(void)
{
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        int32_t got = NONE;

        if (parse_count(slice_of(counts[i].text), &got) !=
            (counts[i].want != NONE)) {
            test_fail(__FILE__, __LINE__, "\"%s\"", counts[i].text);
        }
        CHECK_INT(got, counts[i].want);
    }
}

static const struct {
    const char *text;
    const char *want; /* NULL: no time */
} times[] = {
    {"2019-11-09 07:45:20", "2019-11-09T07:45:20Z"},
    {"2019-11-09T07:45:20", "2019-11-09T07:45:20Z"},
    {"2019-11-09T07:45:20Z", "2019-11-09T07:45:20Z"},
    {"2019-11-09 07:45:20.5", "2019-11-09T07:45:20.500000Z"},
    {"2019-11-09 07:45:20.1234569", "2019-11-09T07:45:20.123456Z"},
    {"2021-03-28T14:54:07.000+0000", "2021-03-28T14:54:07Z"},
    {"2019-11-09T07:45:20+02:00", "2019-11-09T05:45:20Z"},
    {"2019-11-09T07:45:20-0230", "2019-11-09T10:15:20Z"},
    {"2019-11-09", "2019-11-09T00:00:00Z"},
    {"11/09/2019, 07:45:20", "2019-11-09T07:45:20Z"},
    {"2019:11:09 07:45:20", "2019-11-09T07:45:20Z"},
    {"0", "1970-01-01T00:00:00Z"},
    {"-1", "1969-12-31T23:59:59Z"},
    {"1573285520", "2019-11-09T07:45:20Z"},
    {"+1573285520", "2019-11-09T07:45:20Z"},
    {"1573285520123", "2019-11-09T07:45:20.123000Z"},
    {"99999999999", "5138-11-16T09:46:39Z"},
    {"100000000000", "1973-03-03T09:46:40Z"},
    {"253402300799999", "9999-12-31T23:59:59.999000Z"},
    {"253402300800000", NULL},
    {"0001-01-01", "0001-01-01T00:00:00Z"},
    {"0001-01-01T00:00:00+00:01", NULL},
    {"9999-12-31T23:59:59-00:01", NULL},
    {"2020-02-29", "2020-02-29T00:00:00Z"},
    {"2019-02-29", NULL},
    {"1900-02-29", NULL},
    {"2000-02-29", "2000-02-29T00:00:00Z"},
    {"0000-00-00", NULL},
    {"2019-13-01", NULL},
    {"2019-00-01", NULL},
    {"2019-11-31", NULL},
    {"2019-11-09 24:00:00", NULL},
    {"2019-11-09 23:60:00", NULL},
    {"2019-11-09 23:59:60", NULL},
    {"2019-11-09 07:45", NULL},
    {"2019-11-09 07:45:20.", NULL},
    {"2019-11-09 07:45:20 +02:00", NULL},
    {"2019-11-09 07:45:20+2", NULL},
    {"2019-11-09 07:45:20+24:00", NULL},
    {"2019-11-09 07:45:20+02:60", NULL},
    {"2019-11-09 07:45:20 UTC", NULL},
    {"2019-11-09T07:45:20z", NULL},
    {"2019-11-09 ", NULL},
    {"2019-11-9", NULL},
    {"09/11/2019 07:45:20", NULL},
    {"13/09/2019, 07:45:20", NULL},
    {"2019:11:09 07:45:20Z", NULL},
    {"", NULL},
    {"soon", NULL},
    {"12.5", NULL},
};

static void times_in_every_spelling(void)
{
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        char text[CLOCK_TEXT_MAX];
        int64_t us = 0;
        bool got = parse_time(slice_of(times[i].text), &us);

        if (got != (times[i].want != NULL)) {
            test_fail(__FILE__, __LINE__, "\"%s\"", times[i].text);
        } else if (got) {
            struct slice s = {text, clock_iso(us, text)};

            CHECK_TEXT(s, times[i].want);
        }
    }
}

static void whole_numbers_have_a_range(void)
{
    int64_t v = 7;

    CHECK(parse_int(SLICE("+007"), INT32_MIN, INT32_MAX, &v));
    CHECK_INT(v, 7);
    CHECK(parse_int(SLICE("-2147483648"), INT32_MIN, INT32_MAX, &v));
    CHECK_INT(v, INT32_MIN);
    CHECK(!parse_int(SLICE("2147483648"), INT32_MIN, INT32_MAX, &v));
    CHECK(!parse_int(SLICE("1_000"), INT32_MIN, INT32_MAX, &v));
    CHECK(!parse_int(SLICE("0x10"), INT32_MIN, INT32_MAX, &v));
    CHECK(!parse_int(SLICE("12.0"), INT32_MIN, INT32_MAX, &v));
    CHECK(!parse_int(SLICE(""), INT32_MIN, INT32_MAX, &v));
    CHECK(!parse_int(SLICE("-"), INT32_MIN, INT32_MAX, &v));
    CHECK_INT(v, INT32_MIN);
}

static void numbers_are_finite(void)
{
    double d = 1;
    uint64_t bits;

    CHECK(parse_double(SLICE("-0.0"), &d));
    memcpy(&bits, &d, sizeof(bits));
    CHECK_INT(bits, 0);
    CHECK(parse_double(SLICE("+1.5e3"), &d));
    CHECK_INT(d, 1500);
    CHECK(!parse_double(SLICE("nan"), &d));
    CHECK(!parse_double(SLICE("inf"), &d));
    CHECK(!parse_double(SLICE("1e999"), &d));
    CHECK(!parse_double(SLICE(".5"), &d));
    CHECK(!parse_double(SLICE("5."), &d));
    CHECK(!parse_double(SLICE("0x1p3"), &d));
    CHECK_INT(d, 1500);
}

int main(void)
{
    static const struct test tests[] = {
        {"counts are exact and strict", counts_are_exact},
        {"times are read in every spelling", times_in_every_spelling},
        {"whole numbers have a range", whole_numbers_have_a_range},
        {"numbers are finite and never -0", numbers_are_finite},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

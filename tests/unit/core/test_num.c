#include "core/num.h"

#include "test.h"

static void integers_are_whole_or_nothing(void)
{
    int64_t v = 7;

    CHECK(num_i64(SLICE("-9223372036854775808"), &v) && v == INT64_MIN);
    CHECK(num_i64(SLICE("+12"), &v) && v == 12);
    CHECK(!num_i64(SLICE("9223372036854775808"), &v) && v == 12);
    CHECK(!num_i64(SLICE(""), &v) && !num_i64(SLICE("-"), &v));
    CHECK(!num_i64(SLICE("1 "), &v) && !num_i64(SLICE("0x1"), &v));
}

static void sizes_and_durations_have_units(void)
{
    int64_t v = 0;

    CHECK(num_bytes(SLICE("256MB"), &v) && v == 256000000);
    CHECK(num_bytes(SLICE("4KiB"), &v) && v == 4096);
    CHECK(!num_bytes(SLICE("4 apples"), &v));
    CHECK(num_duration_us(SLICE("500ms"), &v) && v == 500000);
    CHECK(num_duration_us(SLICE("2h"), &v) && v == 7200000000LL);
}

static void doubles_follow_the_grammar(void)
{
    double d = 0;

    CHECK(num_double(SLICE("-1.5e3"), &d) && d == -1500.0);
    CHECK(!num_double(SLICE("nan"), &d) && !num_double(SLICE("1."), &d));
    CHECK(!num_double(SLICE(".5"), &d) && !num_double(SLICE("1e999"), &d));
}

static const struct test tests[] = {
    {"integers are whole or nothing", integers_are_whole_or_nothing},
    {"sizes and durations have units", sizes_and_durations_have_units},
    {"doubles follow the grammar", doubles_follow_the_grammar},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

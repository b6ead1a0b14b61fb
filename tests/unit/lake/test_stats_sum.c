/* What several files hold, from what each says. */
#include "lake/stats_sum.h"

#include "test.h"

#define ONE                                                               \
    "{\"numRecords\":2,\"minValues\":{\"a\":1,\"t\":\"b\"},"              \
    "\"maxValues\":{\"a\":5,\"t\":\"c\"},\"nullCount\":{\"a\":0,\"t\":1," \
    "\"p\":{\"x\":1,\"y\":1}}}"
#define TWO                                                                \
    "{\"numRecords\":3,\"minValues\":{\"a\":-7,\"t\":\"a\"},"              \
    "\"maxValues\":{\"a\":4,\"t\":\"bz\"},\"nullCount\":{\"a\":1,\"t\":0," \
    "\"p\":{\"x\":0,\"y\":0}}}"
/* all NULL: no bounds, and none needed */
#define NONE                                               \
    "{\"numRecords\":4,\"minValues\":{},\"maxValues\":{}," \
    "\"nullCount\":{\"a\":4,\"t\":4,\"p\":{\"x\":4,\"y\":4}}}"
/* values, but no bounds: not known */
#define ODD                                                \
    "{\"numRecords\":1,\"minValues\":{},\"maxValues\":{}," \
    "\"nullCount\":{\"a\":0,\"t\":1,\"p\":{\"x\":0,\"y\":0}}}"

static void check(const char *const *stats, size_t n, const char *want)
{
    struct err e = {0};
    struct buf b;

    buf_init(&b, 4096);
    CHECK_OK(stats_sum(stats, n, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), want);
    buf_release(&b);
}

static void bounds_widen_and_nulls_add_up(void)
{
    static const char *const both[] = {ONE, TWO, NONE};

    check(both, 3,
          "{\"numRecords\":9,\"minValues\":{\"a\":-7,\"t\":\"a\"},"
          "\"maxValues\":{\"a\":5,\"t\":\"c\"},\"nullCount\":{\"a\":5,\"t\":5,"
          "\"p\":{\"x\":5,\"y\":5}}}");
}

static void a_bound_that_one_lacks_is_left_out(void)
{
    static const char *const both[] = {ONE, ODD};

    check(both, 2,
          "{\"numRecords\":3,\"minValues\":{\"t\":\"b\"},"
          "\"maxValues\":{\"t\":\"c\"},\"nullCount\":{\"a\":0,\"t\":2,"
          "\"p\":{\"x\":1,\"y\":1}}}");
}

static void damaged_statistics_are_an_error(void)
{
    static const char *const none[] = {"{}"};
    static const char *const torn[] = {ONE, "{\"numRe"};
    struct err e = {0};
    struct buf b;

    buf_init(&b, 4096);
    CHECK(stats_sum(none, 1, &b, &e) < 0);
    CHECK(stats_sum(torn, 2, &b, &e) < 0);
    buf_release(&b);
}

int main(void)
{
    static const struct test tests[] = {
        {"bounds widen and NULLs add up", bounds_widen_and_nulls_add_up},
        {"a bound that one lacks is left out",
         a_bound_that_one_lacks_is_left_out},
        {"damaged statistics are an error", damaged_statistics_are_an_error},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

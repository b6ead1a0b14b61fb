#include "sched/cron.h"

#include <string.h>

#include "core/clock.h"
#include "test.h"

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct clock_civil c = {year, month, day, hour, minute, 0, 0};
    int64_t us = 0;

    CHECK(clock_from_civil(&c, &us));
    return us;
}

/* The n-th instant behind `from`, as text. */
static void nth(const char *cron, const char *zone, int64_t from, int n,
                const char *want)
{
    char got[CLOCK_TEXT_MAX] = "none";
    struct zone *z = NULL;
    struct cron c;
    struct err e;

    CHECK_OK(zone_load(&z, zone, &e), &e);
    CHECK_OK(cron_parse(&c, cron, &e), &e);
    for (int i = 0; i < n; i++) {
        int64_t next = 0;
        int64_t back = 0;

        if (!cron_next(&c, z, from, &next)) {
            break;
        }
        CHECK(next > from);
        CHECK(cron_last(&c, z, next, &back) && back == next);
        CHECK(!cron_last(&c, z, next - 1, &back) || back <= from);
        from = next;
        (void)clock_iso(from, got);
    }
    CHECK_TEXT(slice_of(got), want);
    zone_free(z);
}

static void expressions_of_the_peers_come_when_they_should(void)
{
    int64_t from = at(2026, 11, 21, 14, 38); /* a Saturday */

    nth("@daily", "UTC", from, 1, "2026-11-22T00:00:00Z");
    nth("0 18 * * *", "UTC", from, 1, "2026-11-21T18:00:00Z");
    nth("09 13 * * *", "UTC", from, 1, "2026-11-22T13:09:00Z");
    nth("@hourly", "UTC", from, 2, "2026-11-21T16:00:00Z");
    nth("*/1 * * * *", "UTC", from, 1, "2026-11-21T14:39:00Z");
    nth("@every 5m", "UTC", from, 1, "2026-11-21T14:40:00Z");
    nth("0 0 29 2 *", "UTC", from, 1, "2028-02-29T00:00:00Z");
    nth("30 6 * * mon-fri", "UTC", from, 1, "2026-11-23T06:30:00Z");
    nth("0 0 1,15 * 1", "UTC", from, 1, "2026-11-23T00:00:00Z");
    nth("0 0 * * 7", "UTC", from, 1, "2026-11-22T00:00:00Z");
    nth("10-50/20 8 * jan *", "UTC", from, 3, "2027-01-01T08:50:00Z");
    nth("@manual", "UTC", from, 1, "none");
    nth("0 0 30 2 *", "UTC", from, 1, "none");
}

static void a_skipped_hour_runs_behind_the_gap_once(void)
{
    int64_t from = at(2026, 3, 28, 12, 0);

    nth("30 2 * * *", "Europe/Berlin", from, 1, "2026-03-29T01:00:00Z");
    nth("30 2 * * *", "Europe/Berlin", from, 2, "2026-03-30T00:30:00Z");
    nth("0 3 * * *", "Europe/Berlin", from, 1, "2026-03-29T01:00:00Z");
}

static void an_hour_that_comes_twice_runs_a_fixed_hour_once(void)
{
    int64_t from = at(2026, 10, 24, 12, 0);

    nth("30 2 * * *", "Europe/Berlin", from, 1, "2026-10-25T00:30:00Z");
    nth("30 2 * * *", "Europe/Berlin", from, 2, "2026-10-26T01:30:00Z");
}

static void an_hourly_one_follows_real_time(void)
{
    int64_t from = at(2026, 10, 24, 23, 45);

    nth("30 * * * *", "Europe/Berlin", from, 1, "2026-10-25T00:30:00Z");
    nth("30 * * * *", "Europe/Berlin", from, 2, "2026-10-25T01:30:00Z");
    nth("30 * * * *", "Europe/Berlin", from, 3, "2026-10-25T02:30:00Z");
    from = at(2026, 3, 28, 23, 45);
    nth("30 * * * *", "Europe/Berlin", from, 2, "2026-03-29T01:30:00Z");
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *text;
        const char *word;
    } cases[] = {
        {"", "has no minute"},
        {"* * * *", "has no day of week"},
        {"* * * * * *", "more than five fields"},
        {"61 * * * *", "\"61\" as minute"},
        {"* 24 * * *", "\"24\" as hour"},
        {"* * 0 * *", "as day of month"},
        {"* * * janu *", "as month"},
        {"* * * * fri-mon", "as day of week"},
        {"*/0 * * * *", "as minute"},
        {"1,,2 * * * *", "as minute"},
        {"@dayly", "@daily"},
        {"@every soon", "@every"},
        {"-5 * * * *", "as minute"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cron c;
        struct err e;

        CHECK(cron_parse(&c, cases[i].text, &e) < 0);
        CHECK(e.code == ERR_INVALID);
        if (strstr(e.msg, cases[i].word) == NULL) {
            test_fail(__FILE__, __LINE__, "\"%s\": %s", cases[i].text, e.msg);
        }
    }
}

static const struct test tests[] = {
    {"expressions of the peers come when they should",
     expressions_of_the_peers_come_when_they_should},
    {"a skipped hour runs behind the gap, once",
     a_skipped_hour_runs_behind_the_gap_once},
    {"an hour that comes twice runs a fixed hour once",
     an_hour_that_comes_twice_runs_a_fixed_hour_once},
    {"an hourly one follows real time", an_hourly_one_follows_real_time},
    {"what is wrong is named", what_is_wrong_is_named},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

#include "core/zone.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/rand.h"
#include "test.h"

#define SECOND ((int64_t)1000000)
#define HOUR   (3600 * SECOND)

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct clock_civil c = {year, month, day, hour, minute, 0, 0};
    int64_t us = 0;

    CHECK(clock_from_civil(&c, &us));
    return us;
}

static struct zone *load(const char *name)
{
    struct zone *z = NULL;
    struct err e;

    CHECK_OK(zone_load(&z, name, &e), &e);
    return z;
}

static void utc_is_itself(void)
{
    struct zone *z = load("");
    int64_t got[2];

    CHECK_TEXT(slice_of(zone_name(z)), "UTC");
    CHECK_INT(zone_to_local(z, 12345), 12345);
    CHECK_INT(zone_instants(z, -12345, got), 1);
    CHECK_INT(got[0], -12345);
    zone_free(z);
}

static void berlin_goes_forward_in_march(void)
{
    struct zone *z = load("Europe/Berlin");
    int64_t got[2];

    /* 2026-03-29 02:00 CET is 03:00 CEST */
    CHECK_INT(zone_to_local(z, at(2026, 3, 29, 0, 59)), at(2026, 3, 29, 1, 59));
    CHECK_INT(zone_to_local(z, at(2026, 3, 29, 1, 0)), at(2026, 3, 29, 3, 0));
    CHECK_INT(zone_instants(z, at(2026, 3, 29, 2, 30), got), 0);
    CHECK_INT(zone_to_utc(z, at(2026, 3, 29, 2, 30)), at(2026, 3, 29, 1, 0));
    CHECK_INT(zone_instants(z, at(2026, 3, 29, 3, 0), got), 1);
    zone_free(z);
}

static void berlin_has_an_hour_twice_in_october(void)
{
    struct zone *z = load("Europe/Berlin");
    int64_t got[2];

    CHECK_INT(zone_instants(z, at(2026, 10, 25, 2, 30), got), 2);
    CHECK_INT(got[0], at(2026, 10, 25, 0, 30));
    CHECK_INT(got[1], at(2026, 10, 25, 1, 30));
    CHECK_INT(zone_to_utc(z, at(2026, 10, 25, 2, 30)), got[0]);
    zone_free(z);
}

static void the_rule_goes_on_behind_the_last_transition(void)
{
    struct zone *z = load("America/New_York");

    CHECK_INT(zone_to_local(z, at(2150, 7, 1, 12, 0)), at(2150, 7, 1, 8, 0));
    CHECK_INT(zone_to_local(z, at(2150, 1, 1, 12, 0)), at(2150, 1, 1, 7, 0));
    zone_free(z);
    z = load("Australia/Sydney"); /* summer over the new year */
    CHECK_INT(zone_to_local(z, at(2150, 7, 1, 12, 0)), at(2150, 7, 1, 22, 0));
    CHECK_INT(zone_to_local(z, at(2150, 1, 1, 12, 0)), at(2150, 1, 1, 23, 0));
    zone_free(z);
}

static void there_and_back_is_the_same_instant(void)
{
    static const char *const names[] = {"Europe/Berlin", "America/St_Johns",
                                        "Asia/Kathmandu", "Australia/Lord_Howe",
                                        "Africa/Casablanca"};
    struct rand r;

    rand_seed(&r, 7);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct zone *z = load(names[i]);

        for (int k = 0; k < 2000; k++) {
            int64_t utc = (int64_t)(rand_below(&r, 4000000000))*SECOND;
            int64_t got[2];
            int n = zone_instants(z, zone_to_local(z, utc), got);

            CHECK(n >= 1 && (got[0] == utc || (n == 2 && got[1] == utc)));
        }
        zone_free(z);
    }
}

static void a_zone_that_is_not_there_is_refused(void)
{
    static const char *const names[] = {"Europe/Berlim", "../../etc/passwd",
                                        "/etc/localtime", "Europe"};
    struct zone *z = NULL;
    struct err e;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CHECK(zone_load(&z, names[i], &e) < 0 && e.code == ERR_INVALID);
        CHECK(strstr(e.msg, names[i]) != NULL);
    }
    CHECK(zone_parse(&z, SLICE("TZif2 and then nothing"), "short", &e) < 0 &&
          e.code == ERR_CORRUPT);
}

static const struct test tests[] = {
    {"UTC is itself", utc_is_itself},
    {"Berlin goes forward in March", berlin_goes_forward_in_march},
    {"Berlin has an hour twice in October",
     berlin_has_an_hour_twice_in_october},
    {"the rule goes on behind the last transition",
     the_rule_goes_on_behind_the_last_transition},
    {"there and back is the same instant", there_and_back_is_the_same_instant},
    {"a zone that is not there is refused",
     a_zone_that_is_not_there_is_refused},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

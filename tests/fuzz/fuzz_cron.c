/* When something is due: of an expression that is taken, what comes next is
 * behind, what came last is not, and each is found again from the other. */
#include <string.h>

#include "fuzz.h"
#include "sched/cron.h"

enum {
    TEXT_MAX = 256
};

/* 2024-02-28T23:59:30Z, the day before a leap day */
static const int64_t now = INT64_C(1709164770000000);

static void check_times(const struct cron *c, const struct zone *z)
{
    int64_t next = now;
    int64_t last = now;
    int64_t again = 0;

    if (cron_next(c, z, now, &next)) {
        require(next > now);
        require(cron_last(c, z, next, &again) && again == next);
    }
    if (cron_last(c, z, now, &last)) {
        require(last <= now);
        require(cron_next(c, z, last - 1, &again) && again == last);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cron c = {0};
    struct zone *z = NULL;
    struct err e = {0};
    char text[TEXT_MAX];

    if (size >= sizeof(text)) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (cron_parse(&c, text, &e) != 0) {
        require(e.msg[0] != '\0');
        return 0;
    }
    require(zone_load(&z, "UTC", &e) == 0);
    check_times(&c, z);
    zone_free(z);
    return 0;
}

/*
 * cron.h - when something is due: cron expressions in a time zone.
 *
 * Five fields (minute hour day-of-month month day-of-week; lists, ranges,
 * steps, names), @yearly @monthly @weekly @daily @hourly, "@every 5m" from a
 * fixed start, "@manual": never by itself.  When both days are restricted
 * one of them is enough, as in Vixie's cron.  A fixed hour that the clock
 * skips runs right behind the gap, one that comes twice runs once; with a
 * starred hour real time counts.  Immutable after cron_parse().
 */
#ifndef SCHED_CRON_H
#define SCHED_CRON_H

#include "core/zone.h"

struct cron {
    uint64_t minutes;
    uint32_t hours, days;
    uint16_t months;
    uint8_t weekdays;
    bool any_hour, any_day, any_weekday;
    int64_t every_us, start_us; /* @every */
    bool manual;
};

/* ERR_INVALID says which field and what it may hold. */
int cron_parse(struct cron *ret, const char *text, struct err *e) MUST_USE;
/* The first instant behind `utc_us`, or the last one at or before it; false
 * when there is none within 30 years. */
bool cron_next(const struct cron *c, const struct zone *z, int64_t utc_us,
               int64_t *ret);
bool cron_last(const struct cron *c, const struct zone *z, int64_t utc_us,
               int64_t *ret);

#endif

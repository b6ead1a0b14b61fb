/*
 * clock.h - now, and the proleptic Gregorian calendar in UTC.
 *
 * Times are microseconds since 1970-01-01T00:00:00Z (suffix _us).
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include "core/slice.h"

struct clock_civil {
    int year, month, day; /* month 1..12, day 1..31 */
    int hour, minute, second;
    int us; /* 0..999999 */
};

enum {
    CLOCK_TEXT_MAX = 40 /* bytes that clock_iso() may need */
};

int64_t clock_wall_us(void);
int64_t clock_mono_us(void); /* for durations only */
void clock_sleep_us(int64_t us);

/* Days since the epoch of a valid date; no check. */
int64_t clock_days(int year, int month, int day);
int clock_days_in_month(int year, int month);
/* False when any field is out of range; years 1..9999, hours 0..23. */
bool clock_from_civil(const struct clock_civil *c, int64_t *ret_us);
void clock_to_civil(int64_t us, struct clock_civil *ret);
/*
 * The time in UTC of a text of exactly one shape: Y N D h m s stand for a digit
 * of that field, BBB for the month ("Jan"), ? for any byte, every other byte
 * for itself.  False, with *ret_us untouched, for any other
 * text and for dates that are none.
 */
bool clock_parse(struct slice text, const char *shape, int64_t *ret_us);
/* "YYYY-MM-DDTHH:MM:SSZ", with ".ffffff" only when not zero; returns length. */
size_t clock_iso(int64_t us, char text[CLOCK_TEXT_MAX]);

#endif

#include "core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    US = 1000000
};
#define DAY_US (86400LL * US)

static int64_t read_clock(clockid_t id)
{
    struct timespec t;

    (void)clock_gettime(id, &t);
    return (int64_t)t.tv_sec * US + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep_us(int64_t us)
{
    struct timespec t = {.tv_sec = us / US, .tv_nsec = us % US * 1000};

    if (us > 0) {
        (void)nanosleep(&t, NULL);
    }
}

/* Counts in eras of 400 years that begin on 1 March, so that the leap day is
 * the last of its year. */
int64_t clock_days(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 -
           year_of_era / 100 + day_of_year - 719468;
}

int clock_days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    assert(month >= 1 && month <= 12);
    return month == 2 && leap ? 29 : days[month - 1];
}

bool clock_from_civil(const struct clock_civil *c, int64_t *ret_us)
{
    if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 ||
        c->day < 1 || c->day > clock_days_in_month(c->year, c->month) ||
        c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
        c->second < 0 || c->second > 59 || c->us < 0 || c->us >= US) {
        return false;
    }
    *ret_us = clock_days(c->year, c->month, c->day) * DAY_US +
              ((c->hour * 60LL + c->minute) * 60 + c->second) * US + c->us;
    return true;
}

void clock_to_civil(int64_t us, struct clock_civil *ret)
{
    int64_t days = us / DAY_US - (us % DAY_US < 0);
    int64_t rest = us - days * DAY_US;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
                           day_of_era / 146096) /
                          365;
    int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;

    ret->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    ret->month = (int)(month_from_march < 10 ? month_from_march + 3
                                             : month_from_march - 9);
    ret->year = (int)(year_of_era + era * 400 + (ret->month <= 2));
    ret->us = (int)(rest % US);
    rest /= US;
    ret->second = (int)(rest % 60);
    ret->minute = (int)(rest / 60 % 60);
    ret->hour = (int)(rest / 3600);
}

static int *field_of(struct clock_civil *c, char mark)
{
    switch (mark) {
    case 'Y':
        return &c->year;
    case 'N':
        return &c->month;
    case 'D':
        return &c->day;
    case 'h':
        return &c->hour;
    case 'm':
        return &c->minute;
    case 's':
        return &c->second;
    default:
        return NULL;
    }
}

/* The number of the month that the text begins with, or 0. */
static int month_named(struct slice text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (size_t i = 0; i < 12; i++) {
        if (slice_starts(text, (struct slice){names + 3 * i, 3})) {
            return (int)i + 1;
        }
    }
    return 0;
}

bool clock_parse(struct slice text, const char *shape, int64_t *ret_us)
{
    struct clock_civil c = {0};

    if (text.len != strlen(shape)) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        int *field = field_of(&c, shape[i]);

        if (shape[i] == 'B') { /* three of them: one name */
            c.month = month_named(slice_from(text, i));
            i += 2;
        } else if (field != NULL) {
            if (text.ptr[i] < '0' || text.ptr[i] > '9') {
                return false;
            }
            *field = *field * 10 + (text.ptr[i] - '0');
        } else if (shape[i] != '?' && shape[i] != text.ptr[i]) {
            return false;
        }
    }
    return clock_from_civil(&c, ret_us);
}

size_t clock_iso(int64_t us, char text[CLOCK_TEXT_MAX])
{
    struct clock_civil c;
    int n;

    clock_to_civil(us, &c);
    n = snprintf(text, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", c.year,
                 c.month, c.day, c.hour, c.minute, c.second);
    if (c.us != 0) {
        n += snprintf(text + n, CLOCK_TEXT_MAX - (size_t)n, ".%06d", c.us);
    }
    n += snprintf(text + n, CLOCK_TEXT_MAX - (size_t)n, "Z");
    return (size_t)n;
}

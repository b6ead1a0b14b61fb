#include "api/timestamp.h"

#include "core/clock.h"
#include "core/num.h"

enum {
    SECOND_US = 1000000
};

/* n digits off the front of s. */
static bool digits(struct slice *s, size_t n, int *ret)
{
    int v = 0;

    if (s->len < n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9') {
            return false;
        }
        v = v * 10 + (s->ptr[i] - '0');
    }
    *s = slice_from(*s, n);
    *ret = v;
    return true;
}

static bool mark(struct slice *s, char a, char b)
{
    if (s->len == 0 || (s->ptr[0] != a && s->ptr[0] != b)) {
        return false;
    }
    *s = slice_from(*s, 1);
    return true;
}

/* Digits past the sixth are dropped. */
static bool fraction(struct slice *s, int *ret)
{
    int us = 0;
    int n = 0;

    while (s->len > 0 && s->ptr[0] >= '0' && s->ptr[0] <= '9') {
        us = n < 6 ? us * 10 + (s->ptr[0] - '0') : us;
        n++;
        *s = slice_from(*s, 1);
    }
    for (int i = n; i < 6; i++) {
        us *= 10;
    }
    *ret = us;
    return n > 0;
}

/* "Z", "+01:00", "+0100" or nothing. */
static bool zone(struct slice s, int64_t *ret_us)
{
    int sign = s.len > 0 && s.ptr[0] == '-' ? -1 : 1;
    int hours;
    int minutes;

    *ret_us = 0;
    if (s.len == 0 || (s.len == 1 && mark(&s, 'Z', 'z'))) {
        return true;
    }
    if (!mark(&s, '+', '-') || !digits(&s, 2, &hours)) {
        return false;
    }
    (void)mark(&s, ':', ':');
    if (!digits(&s, 2, &minutes) || s.len > 0 || hours > 18 || minutes > 59) {
        return false;
    }
    *ret_us = sign * (hours * 3600LL + minutes * 60LL) * SECOND_US;
    return true;
}

static bool iso(struct slice s, int64_t *ret_us)
{
    struct clock_civil c = {.us = 0};
    int64_t away;

    if (!digits(&s, 4, &c.year) || !mark(&s, '-', '-') ||
        !digits(&s, 2, &c.month) || !mark(&s, '-', '-') ||
        !digits(&s, 2, &c.day) || !mark(&s, 'T', ' ') ||
        !digits(&s, 2, &c.hour) || !mark(&s, ':', ':') ||
        !digits(&s, 2, &c.minute)) {
        return false;
    }
    if (mark(&s, ':', ':') && (!digits(&s, 2, &c.second) ||
                               (mark(&s, '.', ',') && !fraction(&s, &c.us)))) {
        return false;
    }
    if (!zone(s, &away) || !clock_from_civil(&c, ret_us)) {
        return false;
    }
    *ret_us -= away;
    return true;
}

bool timestamp_parse(struct slice s, int64_t *ret_us)
{
    double v;

    if (num_double(s, &v)) {
        v *= v >= 1e11 ? 1e3 : 1e6;
        if (v < 0 || v > 9e17) {
            return false;
        }
        *ret_us = (int64_t)v;
        return true;
    }
    return iso(s, ret_us);
}

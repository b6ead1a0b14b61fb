#include "clean/parse.h"
#include "core/clock.h"

static const int64_t second_us = 1000000;
static const int64_t first_us = -62135596800LL * 1000000; /* 0001-01-01 */
static const int64_t end_us = 253402300800LL * 1000000;   /* 10000-01-01 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Match s against a pattern from *at on: '0' stands for a digit, which goes to
 * digits[] in turn, anything else for itself.
 */
static bool match(struct slice s, size_t *at, const char *pattern, int *digits)
{
    size_t i = *at;

    for (; *pattern != '\0'; pattern++, i++) {
        if (i >= s.len) {
            return false;
        }
        if (*pattern == '0') {
            if (!is_digit(s.ptr[i])) {
                return false;
            }
            *digits++ = s.ptr[i] - '0';
        } else if (s.ptr[i] != *pattern) {
            return false;
        }
    }
    *at = i;
    return true;
}

static int two(const int *d)
{
    return d[0] * 10 + d[1];
}

static int four(const int *d)
{
    return d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3];
}

static void fraction(struct slice s, size_t *at, int *ret_us)
{
    size_t i = *at;
    int unit = 100000;

    if (i + 1 >= s.len || s.ptr[i] != '.' || !is_digit(s.ptr[i + 1])) {
        return;
    }
    for (i++; i < s.len && is_digit(s.ptr[i]); i++) {
        *ret_us += unit * (s.ptr[i] - '0');
        unit /= 10;
    }
    *at = i;
}

/* Z, +hh:mm, +hhmm or nothing up to the end of s; seconds east of UTC. */
static bool zone(struct slice s, size_t at, int64_t *ret)
{
    int d[4];
    char sign;

    if (at == s.len) {
        *ret = 0;
        return true;
    }
    sign = s.ptr[at++];
    if (sign == 'Z') {
        *ret = 0;
        return at == s.len;
    }
    if (sign != '+' && sign != '-') {
        return false;
    }
    if (!match(s, &at, s.len - at == 5 ? "00:00" : "0000", d) || at != s.len ||
        two(d) > 23 || two(d + 2) > 59) {
        return false;
    }
    *ret = (int64_t)(two(d) * 60 + two(d + 2)) * (sign == '+' ? 60 : -60);
    return true;
}

static bool civil(const struct clock_civil *c, int64_t east, int64_t *ret)
{
    int64_t us;

    if (!clock_from_civil(c, &us)) {
        return false;
    }
    us -= east * second_us;
    if (us < first_us || us >= end_us) {
        return false;
    }
    *ret = us;
    return true;
}

/* YYYY-MM-DD, alone or with a time after a blank or T. */
static bool iso(struct slice s, int64_t *ret)
{
    struct clock_civil c = {0};
    size_t at = 0;
    int64_t east;
    int d[8], t[6];

    if (!match(s, &at, "0000-00-00", d)) {
        return false;
    }
    c.year = four(d);
    c.month = two(d + 4);
    c.day = two(d + 6);
    if (at == s.len) {
        return civil(&c, 0, ret);
    }
    if (!match(s, &at, s.ptr[at] == 'T' ? "T00:00:00" : " 00:00:00", t)) {
        return false;
    }
    c.hour = two(t);
    c.minute = two(t + 2);
    c.second = two(t + 4);
    fraction(s, &at, &c.us);
    return zone(s, at, &east) && civil(&c, east, ret);
}

static bool american(struct slice s, int64_t *ret)
{
    struct clock_civil c = {0};
    size_t at = 0;
    int d[14];

    if (!match(s, &at, "00/00/0000, 00:00:00", d) || at != s.len) {
        return false;
    }
    c.month = two(d);
    c.day = two(d + 2);
    c.year = four(d + 4);
    c.hour = two(d + 8);
    c.minute = two(d + 10);
    c.second = two(d + 12);
    return civil(&c, 0, ret);
}

static bool colons(struct slice s, int64_t *ret)
{
    struct clock_civil c = {0};
    size_t at = 0;
    int d[14];

    if (!match(s, &at, "0000:00:00 00:00:00", d) || at != s.len) {
        return false;
    }
    c.year = four(d);
    c.month = two(d + 4);
    c.day = two(d + 6);
    c.hour = two(d + 8);
    c.minute = two(d + 10);
    c.second = two(d + 12);
    return civil(&c, 0, ret);
}

bool parse_epoch(int64_t v, int64_t *ret)
{
    const int64_t seconds_below = 100000000000LL;
    bool seconds = v > -seconds_below && v < seconds_below;
    int64_t unit = seconds ? second_us : 1000;

    if (v < first_us / unit || v >= end_us / unit) {
        return false;
    }
    *ret = v * unit;
    return true;
}

bool parse_time(struct slice s, int64_t *ret)
{
    int64_t v;

    if (s.len > 4 && s.ptr[4] == '-') {
        return iso(s, ret);
    }
    if (s.len > 4 && s.ptr[4] == ':') {
        return colons(s, ret);
    }
    if (s.len > 2 && s.ptr[2] == '/') {
        return american(s, ret);
    }
    return parse_int(s, INT64_MIN, INT64_MAX, &v) && parse_epoch(v, ret);
}

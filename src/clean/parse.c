#include "clean/parse.h"

#include "core/num.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool parse_int(struct slice s, int64_t min, int64_t max, int64_t *ret)
{
    int64_t v;

    if (!num_i64(s, &v) || v < min || v > max) {
        return false;
    }
    *ret = v;
    return true;
}

bool parse_double(struct slice s, double *ret)
{
    double v;

    if (!num_double(s, &v)) {
        return false;
    }
    *ret = v + 0.0; /* -0.0 + 0.0 is 0.0 */
    return true;
}

/* The whole part into *v; false when the commas are not at thousands.  Over
 * the limit *v stays there. */
static bool whole_part(struct slice s, size_t *at, int64_t *v)
{
    const int64_t limit = 10000000000LL;
    size_t i = *at, group = 0;
    bool commas = false;

    for (; i < s.len && (is_digit(s.ptr[i]) || s.ptr[i] == ','); i++) {
        if (s.ptr[i] == ',') {
            if (group == 0 || group > 3 || (commas && group != 3)) {
                return false;
            }
            commas = true;
            group = 0;
        } else {
            *v = *v * 10 + (s.ptr[i] - '0');
            *v = *v > limit ? limit : *v;
            group++;
        }
    }
    *at = i;
    return group > 0 && (!commas || group == 3);
}

static int suffix_zeros(char c)
{
    switch (c) {
    case 'k':
    case 'K':
        return 3;
    case 'm':
    case 'M':
        return 6;
    case 'b':
    case 'B':
        return 9;
    default:
        return -1;
    }
}

bool parse_count(struct slice s, int32_t *ret)
{
    const char *fraction;
    size_t i = 0, nfraction = 0;
    int64_t v = 0;
    int zeros = 0;

    if (!whole_part(s, &i, &v)) {
        return false;
    }
    fraction = s.ptr + i;
    if (i < s.len && s.ptr[i] == '.') {
        fraction = s.ptr + ++i;
        for (; i < s.len && is_digit(s.ptr[i]); i++) {
            nfraction++;
        }
        if (nfraction == 0) {
            return false;
        }
    }
    while (i < s.len && is_blank(s.ptr[i])) {
        i++;
    }
    if (i < s.len) {
        zeros = suffix_zeros(s.ptr[i++]);
    }
    if (i != s.len || zeros < 0) {
        return false;
    }
    for (int k = 0; k < zeros && v <= INT32_MAX; k++) {
        v = v * 10 + ((size_t)k < nfraction ? fraction[k] - '0' : 0);
    }
    if (v > INT32_MAX) {
        return false;
    }
    *ret = (int32_t)v;
    return true;
}

#include "core/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

enum {
    DOUBLE_USUAL = 64 /* bytes; a longer number is copied into memory */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool num_u64(struct slice s, uint64_t *ret)
{
    uint64_t v = 0;

    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint64_t d;

        if (!is_digit(s.ptr[i])) {
            return false;
        }
        d = (uint64_t)(s.ptr[i] - '0');
        if (v > (UINT64_MAX - d) / 10) {
            return false;
        }
        v = v * 10 + d;
    }
    *ret = v;
    return true;
}

bool num_i64(struct slice s, int64_t *ret)
{
    bool minus = s.len > 0 && s.ptr[0] == '-';
    uint64_t v;

    if (s.len > 0 && (minus || s.ptr[0] == '+')) {
        s = slice_from(s, 1);
    }
    if (!num_u64(s, &v) || v > (uint64_t)INT64_MAX + (minus ? 1 : 0)) {
        return false;
    }
    *ret = minus ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static size_t skip_digits(struct slice s, size_t i)
{
    while (i < s.len && is_digit(s.ptr[i])) {
        i++;
    }
    return i;
}

static bool double_shape(struct slice s)
{
    size_t i = s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;
    size_t start = i;

    i = skip_digits(s, i);
    if (i == start) {
        return false;
    }
    if (i < s.len && s.ptr[i] == '.') {
        start = ++i;
        i = skip_digits(s, i);
        if (i == start) {
            return false;
        }
    }
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+')) {
            i++;
        }
        start = i;
        i = skip_digits(s, i);
        if (i == start) {
            return false;
        }
    }
    return i == s.len;
}

bool num_double(struct slice s, double *ret)
{
    char small[DOUBLE_USUAL];
    char *text = small;
    double v;

    if (!double_shape(s)) {
        return false;
    }
    if (s.len >= sizeof(small)) {
        text = mem_resize(NULL, s.len + 1, 1);
        if (text == NULL) {
            return false;
        }
    }
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    v = strtod(text, NULL); /* the program never calls setlocale() */
    if (text != small) {
        mem_free(text);
    }
    if (!isfinite(v)) {
        return false;
    }
    *ret = v;
    return true;
}

struct unit {
    const char *name;
    int64_t factor;
};

static bool with_unit(struct slice s, const struct unit *units, size_t n,
                      int64_t *ret)
{
    size_t i = skip_digits(s, 0);
    int64_t v;

    if (!num_i64((struct slice){s.ptr, i}, &v)) {
        return false;
    }
    s = slice_trim(slice_from(s, i));
    for (size_t u = 0; u < n; u++) {
        if (text_ascii_ieq(s, slice_of(units[u].name))) {
            if (v > INT64_MAX / units[u].factor) {
                return false;
            }
            *ret = v * units[u].factor;
            return true;
        }
    }
    return false;
}

bool num_bytes(struct slice s, int64_t *ret)
{
    static const struct unit units[] = {
        {"", 1},
        {"b", 1},
        {"kb", 1000},
        {"k", 1000},
        {"mb", 1000000},
        {"m", 1000000},
        {"gb", 1000000000},
        {"g", 1000000000},
        {"tb", 1000000000000},
        {"kib", 1024},
        {"mib", 1048576},
        {"gib", 1073741824},
    };

    return with_unit(s, units, ARRAY_LEN(units), ret);
}

bool num_duration_us(struct slice s, int64_t *ret)
{
    static const struct unit units[] = {
        {"us", 1},           {"ms", 1000},         {"s", 1000000},
        {"", 1000000},       {"m", 60000000},      {"min", 60000000},
        {"h", 3600000000LL}, {"d", 86400000000LL},
    };

    return with_unit(s, units, ARRAY_LEN(units), ret);
}

bool num_bool(struct slice s, bool *ret)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (text_ascii_ieq(s, slice_of(yes[i]))) {
            *ret = true;
            return true;
        }
        if (text_ascii_ieq(s, slice_of(no[i]))) {
            *ret = false;
            return true;
        }
    }
    return false;
}

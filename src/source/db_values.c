/* db_values.c - values of databases in the spelling of Python's json. */
#include <math.h>
#include <string.h>

#include "source/db_int.h"
#include "json/json.h"

enum {
    DATE_LEN = 10,   /* 2018-11-03 */
    SECOND_LEN = 19, /* 2018-11-03 16:20:09 */
    FRACTION = 6,
};

static bool digits(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return false;
        }
    }
    return true;
}

static bool is_datetime(struct slice s)
{
    const char *p = s.ptr;

    return s.len >= SECOND_LEN && digits(p, 4) && p[4] == '-' &&
           digits(p + 5, 2) && p[7] == '-' && digits(p + 8, 2) &&
           (p[DATE_LEN] == ' ' || p[DATE_LEN] == 'T') && digits(p + 11, 2) &&
           p[13] == ':' && digits(p + 14, 2) && p[16] == ':' &&
           digits(p + 17, 2);
}

int db_put_datetime(struct buf *b, struct slice text,
                    enum source_datetimes spelling, struct err *e)
{
    char six[FRACTION + 1] = "000000";
    struct slice rest;
    size_t n = 0;

    if (!is_datetime(text) || text.len > 40) {
        return json_print_text(b, text, e); /* infinity, 0044-03-15 BC */
    }
    rest = slice_from(text, SECOND_LEN);
    if (rest.len > 0 && rest.ptr[0] == '.') {
        rest = slice_from(rest, 1);
        while (n < rest.len && n < FRACTION && digits(rest.ptr + n, 1)) {
            six[n] = rest.ptr[n];
            n++;
        }
        rest = slice_from(rest, n);
    }
    if (buf_putf(b, e, "\"%.10s%c%.8s", text.ptr,
                 spelling == SOURCE_DATETIMES_STR ? ' ' : 'T',
                 text.ptr + DATE_LEN + 1) < 0) {
        return -1;
    }
    if (spelling == SOURCE_DATETIMES_MILLISECONDS) {
        return buf_putf(b, e, ".%.3s\"", six);
    }
    if (strcmp(six, "000000") != 0 && buf_putf(b, e, ".%s", six) < 0) {
        return -1;
    }
    if (spelling == SOURCE_DATETIMES_UTC) {
        return buf_puts(b, "Z\"", e);
    }
    /* +00 is +00:00 in Python */
    return buf_putf(b, e, "%.*s%s\"", SLICE_FMT(rest),
                    rest.len == 3 ? ":00" : "");
}

int db_put_double(struct buf *b, double v, struct err *e)
{
    size_t from = b->len;

    if (!isfinite(v)) {
        return buf_puts(b, "null", e); /* JSON has no infinity */
    }
    if (json_print_double(b, v, e) < 0) {
        return -1;
    }
    for (size_t i = from; i < b->len; i++) {
        if (strchr(".eE", b->ptr[i]) != NULL) {
            return 0;
        }
    }
    return buf_puts(b, ".0", e);
}

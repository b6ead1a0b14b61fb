/* What the parsers of counts and times read is in range and is read again
 * from its plain spelling; what they refuse leaves the result alone. */
#include <inttypes.h>
#include <stdio.h>

#include "clean/parse.h"
#include "core/clock.h"
#include "fuzz.h"

static void check_count(struct slice s)
{
    char text[32];
    int32_t n = -7, again = -7;

    if (!parse_count(s, &n)) {
        require(n == -7);
        return;
    }
    require(n >= 0);
    (void)snprintf(text, sizeof(text), "%" PRId32, n);
    require(parse_count(slice_of(text), &again) && again == n);
}

static void check_time(struct slice s)
{
    char text[CLOCK_TEXT_MAX];
    int64_t us = -7, again = -7;
    struct slice iso;

    if (!parse_time(s, &us)) {
        require(us == -7);
        return;
    }
    iso = (struct slice){text, clock_iso(us, text)};
    require(iso.len >= 20 && text[4] == '-');
    require(parse_time(iso, &again) && again == us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};
    int64_t n = -7;
    double d = -7;

    check_count(s);
    check_time(s);
    if (!parse_int(s, -100, 100, &n)) {
        require(n == -7);
    } else {
        require(n >= -100 && n <= 100);
    }
    if (parse_double(s, &d)) {
        require(d - d == 0);
    }
    return 0;
}

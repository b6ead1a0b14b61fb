/* A data interval that is taken begins before it ends, and both times written
 * out are the same interval. */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "flow/interval.h"
#include "fuzz.h"

enum {
    TEXT_MAX = 256
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct interval i = {0};
    struct interval again = {0};
    char from[CLOCK_TEXT_MAX];
    char to[CLOCK_TEXT_MAX];
    char text[TEXT_MAX];
    struct err e = {0};

    if (size >= sizeof(text)) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (interval_parse(&i, text, &e) != 0) {
        require(e.msg[0] != '\0');
        return 0;
    }
    require(i.from_us < i.to_us);
    (void)clock_iso(i.from_us, from);
    (void)clock_iso(i.to_us, to);
    (void)snprintf(text, sizeof(text), "%s/%s", from, to);
    require(interval_parse(&again, text, &e) == 0);
    require(again.from_us == i.from_us && again.to_us == i.to_us);
    return 0;
}

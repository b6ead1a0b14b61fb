/* A number that num_* reads is the number that printing it gives back, and
 * what it refuses leaves the result alone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/num.h"
#include "fuzz.h"

static void check_int(struct slice s)
{
    char text[32];
    int64_t i = 77;
    int64_t again = 0;

    if (!num_i64(s, &i)) {
        require(i == 77);
        return;
    }
    (void)snprintf(text, sizeof(text), "%" PRId64, i);
    require(num_i64(slice_of(text), &again) && again == i);
}

static void check_double(struct slice s)
{
    char text[64];
    double d = 77;
    double again = 0;

    if (!num_double(s, &d)) {
        require(memcmp(&d, &(double){77}, sizeof(d)) == 0);
        return;
    }
    require(d - d == 0);
    (void)snprintf(text, sizeof(text), "%.17g", d);
    require(num_double(slice_of(text), &again));
    require(memcmp(&d, &again, sizeof(d)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};
    uint64_t u = 0;
    int64_t n = 0;
    bool b = false;

    check_int(s);
    check_double(s);
    if (num_u64(s, &u) && u <= INT64_MAX) {
        require(num_i64(s, &n) && (uint64_t)n == u);
    }
    if (num_bytes(s, &n)) {
        require(n >= 0);
    }
    if (num_duration_us(s, &n)) {
        require(n >= 0);
    }
    (void)num_bool(s, &b);
    return 0;
}

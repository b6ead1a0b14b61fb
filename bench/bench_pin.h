/* bench_pin.h - the records of the Kafka benchmarks, and their result line. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PIN_BYTES = 744,
    PIN_POOL = 4096, /* different ones */
};

/* PIN_POOL records one behind the other; free() ends them.  Their text is
 * pseudo-random: it does not compress like zeros. */
static inline char *pin_pool(void)
{
    char *pool = malloc((size_t)PIN_POOL * PIN_BYTES + 1);
    uint32_t dice = 12345;

    if (pool == NULL) {
        exit(1);
    }
    for (int i = 0; i < PIN_POOL; i++) {
        char *p = pool + (size_t)i * PIN_BYTES;
        int at = snprintf(p, PIN_BYTES + 1,
                          "{\"index\":%d,\"category\":\"art\","
                          "\"follower_count\":\"%uk\",\"title\":\"",
                          i, (unsigned)i * 7919U % 997U);
        while (at < PIN_BYTES - 2) {
            dice = dice * 1103515245U + 12345U;
            p[at++] = (dice >> 16) % 6 ? (char)('a' + (dice >> 20) % 26) : ' ';
        }
        p[at++] = '"';
        p[at] = '}';
    }
    return pool;
}

static inline void pin_report(int64_t records, int64_t us)
{
    printf("{\"records\":%" PRId64 ",\"seconds\":%.6f,\"rate\":%.0f}\n",
           records, (double)us / 1e6, (double)records * 1e6 / (double)us);
    (void)fflush(stdout);
}

#endif

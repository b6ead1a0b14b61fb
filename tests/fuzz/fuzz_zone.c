/* A zone file: of one that is taken every instant is among those at which the
 * wall shows its local time, and those come in order. */
#include "core/zone.h"
#include "fuzz.h"

static void check_instant(const struct zone *z, int64_t utc)
{
    int64_t local = zone_to_local(z, utc);
    int64_t at[2] = {0, 0};
    int n = zone_instants(z, local, at);

    require(n >= 0 && n <= 2 && (n < 2 || at[0] < at[1]));
    for (int i = 0; i < n; i++) {
        require(zone_to_local(z, at[i]) == local);
    }
    (void)zone_to_utc(z, local);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice file = {(const char *)data, size};
    struct zone *z = NULL;
    struct err e = {0};

    if (zone_parse(&z, file, "Fuzz/Zone", &e) != 0) {
        require(z == NULL && e.msg[0] != '\0');
        return 0;
    }
    for (int64_t day = -40000; day < 80000; day += 37) {
        check_instant(z, day * INT64_C(86400000000) + day * 7919);
    }
    zone_free(z);
    return 0;
}

/* The line of a log that says why lies in the log, is no line of a stack (but
 * may be a cause that is worded like one) and fits into an error. */
#include <string.h>

#include "engine/spark_int.h"
#include "fuzz.h"

static bool is_cause(struct slice log, struct slice why)
{
    static const char caused[] = "Caused by: ";
    size_t n = sizeof(caused) - 1;

    return (size_t)(why.ptr - log.ptr) >= n &&
           memcmp(why.ptr - n, caused, n) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice log = {(const char *)data, size};
    struct slice why = spark_reason(log);

    require(why.len <= log.len && why.len <= sizeof(((struct err *)0)->msg));
    if (why.len > 0) {
        require(why.ptr >= log.ptr && why.ptr + why.len <= log.ptr + log.len);
        require(!slice_starts(why, SLICE("at ")) || is_cause(log, why));
    }
    return 0;
}

/* The line of a log that says why lies in the log, is no line of a stack and
 * fits into an error. */
#include <stdint.h>
#include <stdlib.h>

#include "engine/spark_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice log = {(const char *)data, size};
    struct slice why = spark_reason(log);

    require(why.len <= log.len && why.len <= sizeof(((struct err *)0)->msg));
    if (why.len > 0) {
        require(why.ptr >= log.ptr && why.ptr + why.len <= log.ptr + log.len);
        require(!slice_starts(why, SLICE("at ")));
    }
    return 0;
}

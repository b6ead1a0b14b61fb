/*
 * fuzz.h - what every fuzz target shares: its entry, which libFuzzer or
 * replay.c calls, and how it says that its property does not hold.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Always 0: a property that fails aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

#endif

/*
 * num.h - text to numbers, whole or not at all.
 *
 * Each parser takes the whole slice (no blanks, no rest) and returns false,
 * with *ret untouched, when it is not such a number or out of range.
 */
#ifndef CORE_NUM_H
#define CORE_NUM_H

#include "core/slice.h"

bool num_i64(struct slice s, int64_t *ret);  /* [+-]?[0-9]+ */
bool num_u64(struct slice s, uint64_t *ret); /* [0-9]+ */
/* [+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?, finite; correctly rounded. */
bool num_double(struct slice s, double *ret);
/* "1500", "64kB", "256MB", "1GB" (powers of 1,000), "KiB".. (1,024). */
bool num_bytes(struct slice s, int64_t *ret);
/* "500ms", "10s", "5m", "2h", "7d" in microseconds; a bare number: seconds. */
bool num_duration_us(struct slice s, int64_t *ret);
/* true/false, yes/no, on/off, 1/0 in any case. */
bool num_bool(struct slice s, bool *ret);

#endif

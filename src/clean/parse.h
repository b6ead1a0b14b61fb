/*
 * parse.h - text to numbers and times by the small grammar of the cleaning
 * rules, which the generated SQL follows too.
 *
 * Each takes a text without outer blanks, whole, and returns false with *ret
 * untouched when it is no such value.  No state, no allocation.
 */
#ifndef CLEAN_PARSE_H
#define CLEAN_PARSE_H

#include "core/slice.h"

bool parse_int(struct slice s, int64_t min, int64_t max, int64_t *ret);
/* digits or digits with thousands commas, fraction, blanks, k m b in any case;
 * exact, fractions cut; 0..2147483647 */
bool parse_count(struct slice s, int32_t *ret);
/* Any length; finite; never -0.0. */
bool parse_double(struct slice s, double *ret);
/* The spellings of a time stamp, or an epoch number; microseconds UTC. */
bool parse_time(struct slice s, int64_t *ret);
/* Below 100,000,000,000 in size seconds, else milliseconds. */
bool parse_epoch(int64_t v, int64_t *ret);

#endif

/*
 * stats_sum.h - what several data files hold together, from what each holds.
 */
#ifndef LAKE_STATS_SUM_H
#define LAKE_STATS_SUM_H

#include "core/buf.h"

/* Append the JSON of the sum of n statistics as stats_json() writes them.  A
 * bound that one of them lacks although it has values is left out. */
int stats_sum(const char *const *stats, size_t n, struct buf *b,
              struct err *e) MUST_USE;

#endif

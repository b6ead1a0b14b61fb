/*
 * latency.h - how long things took: counts in steps of an eighth of a power
 * of two, and quantiles from them (right to one part in ten).
 */
#ifndef FLOW_LATENCY_H
#define FLOW_LATENCY_H

#include "core/base.h"

enum {
    LATENCY_STEPS = 8 * 64
};

struct latency {
    int64_t counts[LATENCY_STEPS];
    int64_t n;
    int64_t most_us;
};

/* n times the same; below zero (clocks that differ) counts as zero. */
void latency_add(struct latency *l, int64_t us, int64_t n);
/* What `share` (0..1) of all stayed under, microseconds; 0 without any. */
int64_t latency_quantile(const struct latency *l, double share);

#endif

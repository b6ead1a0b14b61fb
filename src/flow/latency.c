#include "flow/latency.h"

/* The step of a duration: its highest bit and the three below. */
static size_t step_of(int64_t us)
{
    uint64_t v = (uint64_t)us;
    size_t high = 3;

    if (v < 8) {
        return (size_t)v;
    }
    while (v >> high > 1) {
        high++;
    }
    return 8 * (high - 2) + (size_t)((v >> (high - 3)) & 7);
}

/* The largest duration of a step. */
static int64_t step_end(size_t step)
{
    size_t high = step / 8 + 2;

    if (step < 8) {
        return (int64_t)step;
    }
    return (int64_t)(((uint64_t)(8 + step % 8 + 1) << (high - 3)) - 1);
}

void latency_add(struct latency *l, int64_t us, int64_t n)
{
    us = us > 0 ? us : 0;
    l->counts[step_of(us)] += n;
    l->n += n;
    l->most_us = us > l->most_us ? us : l->most_us;
}

int64_t latency_quantile(const struct latency *l, double share)
{
    int64_t want = (int64_t)((double)l->n * share);
    int64_t seen = 0;

    for (size_t i = 0; i < LATENCY_STEPS && l->n > 0; i++) {
        seen += l->counts[i];
        if (seen > want || seen == l->n) {
            return step_end(i) < l->most_us ? step_end(i) : l->most_us;
        }
    }
    return 0;
}

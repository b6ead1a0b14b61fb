/*
 * retry.h - whether to try again, and when.
 *
 *     retry_init(&r, &policy, seed);
 *     while (attempt(&e) < 0) {
 *         if (!retry_wait(&r, e.code)) {
 *             return -1;
 *         }
 *     }
 *
 * Waits double from policy.first_us to policy.most_us; each is drawn between
 * half of it and all of it.  One thread at a time.
 */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include "core/err.h"

struct retry_policy {
    int64_t first_us;    /* 0: 100 ms */
    int64_t most_us;     /* 0: 10 s */
    int64_t deadline_us; /* from the first attempt on; 0: none */
    unsigned attempts;   /* in all; 0: no limit */
};

struct retry {
    struct retry_policy policy;
    uint64_t state;
    unsigned failed; /* attempts so far */
    int64_t started_us;
};

/* NULL policy: the defaults.  The first attempt starts now. */
void retry_init(struct retry *r, const struct retry_policy *policy,
                uint64_t seed);
/* After a failure: false when it is for good (the code is not worth a retry,
 * attempts or deadline are used up); else how long to wait. */
bool retry_next(struct retry *r, enum err_code code, int64_t *ret_us);
/* The same, waiting that long; false also when asked to stop meanwhile. */
bool retry_wait(struct retry *r, enum err_code code);
/* A far side that named its own wait (Retry-After): as retry_wait, but not
 * sooner than at_least_us. */
bool retry_wait_at_least(struct retry *r, enum err_code code,
                         int64_t at_least_us);

#endif

#include "core/retry.h"

#include "core/clock.h"
#include "core/rand.h"
#include "core/stop.h"

enum {
    FIRST_US = 100000,
    MOST_US = 10000000
};

void retry_init(struct retry *r, const struct retry_policy *policy,
                uint64_t seed)
{
    *r = (struct retry){.state = seed, .started_us = clock_mono_us()};
    if (policy != NULL) {
        r->policy = *policy;
    }
    if (r->policy.first_us <= 0) {
        r->policy.first_us = FIRST_US;
    }
    if (r->policy.most_us <= 0) {
        r->policy.most_us = MOST_US;
    }
}

bool retry_next(struct retry *r, enum err_code code, int64_t *ret_us)
{
    const struct retry_policy *p = &r->policy;
    int64_t wait = p->first_us;

    r->failed++;
    if (!err_retriable(code) || (p->attempts > 0 && r->failed >= p->attempts)) {
        return false;
    }
    for (unsigned i = 1; i < r->failed && wait < p->most_us; i++) {
        wait *= 2;
    }
    wait = wait < p->most_us ? wait : p->most_us;
    r->state = rand_mix(r->state + r->failed);
    wait = wait / 2 + (int64_t)(r->state % (uint64_t)(wait / 2 + 1));
    if (p->deadline_us > 0 &&
        clock_mono_us() - r->started_us + wait > p->deadline_us) {
        return false;
    }
    *ret_us = wait;
    return true;
}

bool retry_wait(struct retry *r, enum err_code code)
{
    return retry_wait_at_least(r, code, 0);
}

bool retry_wait_at_least(struct retry *r, enum err_code code,
                         int64_t at_least_us)
{
    int64_t wait;

    if (!retry_next(r, code, &wait)) {
        return false;
    }
    return !stop_wait(wait > at_least_us ? wait : at_least_us);
}

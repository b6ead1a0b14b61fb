/* bench_crowd.h - callers that keep one request each under way: the answer of
 * one sets it off again, until all have been sent. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "broker/broker.h"
#include "core/thread.h"

struct crowd {
    struct broker *b;
    struct mutex lock;
    struct cond idle;
    int64_t left; /* to be started */
    int64_t under_way;
    int64_t failed;
};

static inline void crowd_init(struct crowd *c, struct broker *b,
                              int64_t callers, int64_t requests)
{
    *c = (struct crowd){
        .b = b, .left = requests - callers, .under_way = callers};
    mutex_init(&c->lock);
    cond_init(&c->idle);
}

/* The `done` of every request; its `arg` is the crowd. */
static inline void crowd_answered(struct broker_produce *p)
{
    struct crowd *all = p->arg;
    struct err why;
    bool again;

    mutex_lock(&all->lock);
    all->failed += p->error.code != ERR_NONE;
    again = all->left > 0;
    all->left -= again;
    mutex_unlock(&all->lock);
    if (again && broker_produce_start(all->b, p, &why) == 0) {
        return;
    }
    mutex_lock(&all->lock);
    all->failed += again;
    all->under_way--;
    cond_signal(&all->idle);
    mutex_unlock(&all->lock);
}

/* Until nothing is under way. */
static inline void crowd_wait(struct crowd *c)
{
    mutex_lock(&c->lock);
    while (c->under_way > 0) {
        cond_wait(&c->idle, &c->lock);
    }
    mutex_unlock(&c->lock);
}

#endif

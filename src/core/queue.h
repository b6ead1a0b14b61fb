/*
 * queue.h - a bounded queue of pointers between threads.
 *
 * What the pointers point to belongs to the queue's users: to the pusher
 * until queue_push() returns true, to the popper after queue_pop() did.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/thread.h"

struct queue {
    struct mutex lock;
    struct cond changed;
    void **items;
    size_t cap, head, count;
    bool closed;
};

/* At most cap (> 0) items wait. */
int queue_init(struct queue *q, size_t cap, struct err *e) MUST_USE;
void queue_release(struct queue *q); /* empty, nobody waits */
/* Wait for room; false when the queue was closed. */
bool queue_push(struct queue *q, void *item);
/* False when full or closed. */
bool queue_try_push(struct queue *q, void *item);
/* Wait for an item; false when closed and empty. */
bool queue_pop(struct queue *q, void **ret);
/* The same for at most wait_us; 0 does not wait. */
bool queue_pop_within(struct queue *q, int64_t wait_us, void **ret);
/* No more pushes; what waits can still be popped; all waiters wake. */
void queue_close(struct queue *q);
size_t queue_count(struct queue *q);

#endif

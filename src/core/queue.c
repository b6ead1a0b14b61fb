#include "core/queue.h"

#include "core/clock.h"
#include "core/mem.h"

int queue_init(struct queue *q, size_t cap, struct err *e)
{
    void **items;

    assert(cap > 0);
    items = mem_zero(cap, sizeof(*items));
    if (items == NULL) {
        return err_nomem(e, cap * sizeof(*items));
    }
    *q = (struct queue){.items = items, .cap = cap};
    mutex_init(&q->lock);
    cond_init(&q->changed);
    return 0;
}

void queue_release(struct queue *q)
{
    if (q->items != NULL) {
        mem_free(q->items);
        cond_release(&q->changed);
        mutex_release(&q->lock);
        q->items = NULL;
    }
}

/* Locked; there is room. */
static void put(struct queue *q, void *item)
{
    q->items[(q->head + q->count) % q->cap] = item;
    q->count++;
    cond_broadcast(&q->changed);
}

bool queue_push(struct queue *q, void *item)
{
    bool open;

    mutex_lock(&q->lock);
    while (!q->closed && q->count == q->cap) {
        cond_wait(&q->changed, &q->lock);
    }
    open = !q->closed;
    if (open) {
        put(q, item);
    }
    mutex_unlock(&q->lock);
    return open;
}

bool queue_try_push(struct queue *q, void *item)
{
    bool room;

    mutex_lock(&q->lock);
    room = !q->closed && q->count < q->cap;
    if (room) {
        put(q, item);
    }
    mutex_unlock(&q->lock);
    return room;
}

static bool take(struct queue *q, void **ret)
{
    if (q->count == 0) {
        return false;
    }
    *ret = q->items[q->head];
    q->head = (q->head + 1) % q->cap;
    q->count--;
    cond_broadcast(&q->changed);
    return true;
}

bool queue_pop(struct queue *q, void **ret)
{
    bool got;

    mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed) {
        cond_wait(&q->changed, &q->lock);
    }
    got = take(q, ret);
    mutex_unlock(&q->lock);
    return got;
}

bool queue_pop_within(struct queue *q, int64_t wait_us, void **ret)
{
    int64_t until = clock_mono_us() + wait_us;
    bool in_time = wait_us > 0;
    bool got;

    mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed && in_time) {
        in_time = cond_wait_until(&q->changed, &q->lock, until);
    }
    got = take(q, ret);
    mutex_unlock(&q->lock);
    return got;
}

void queue_close(struct queue *q)
{
    mutex_lock(&q->lock);
    q->closed = true;
    cond_broadcast(&q->changed);
    mutex_unlock(&q->lock);
}

size_t queue_count(struct queue *q)
{
    size_t n;

    mutex_lock(&q->lock);
    n = q->count;
    mutex_unlock(&q->lock);
    return n;
}

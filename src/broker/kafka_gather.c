/*
 * Requests to a topic go in groups: while one is under way, those that come
 * wait for its answers and go together, as they would wait for one commit.  So
 * 64 callers make a few batches a millisecond instead of 64, and one caller
 * waits for nobody.  Where much waits a second group flies beside the first,
 * so that neither we nor the cluster are idle; no more than that, since
 * librdkafka spins while it holds batches beyond those it may send.
 */
#include "broker/kafka_produce_int.h"
#include "core/clock.h"

enum {
    MUCH = 256 << 10,      /* bytes that are worth a second group */
    GROUP_BYTES = 2 << 20, /* of one group: two batches or three */
    HOLD_US = 20000,       /* at most, should the cluster be slow */
};

/* The group that the next ones may be; -1: none yet.  Under the lock. */
static int free_group(const struct kafka_topic *t)
{
    int n = 0;
    int ret = -1;

    for (int i = 0; i < KAFKA_GROUPS; i++) {
        n += t->flying[i] > 0;
        ret = t->flying[i] == 0 ? i : ret;
    }
    return n == 0 || t->held_bytes >= MUCH ? ret : -1;
}

/* Take of those that wait what makes a group.  Under the lock. */
static struct kafka_request *take(struct kafka_topic *t, int group)
{
    struct kafka_request *list = t->held;
    struct kafka_request **at = &list;
    size_t bytes = 0;

    while (*at != NULL && bytes < GROUP_BYTES) {
        bytes += (*at)->bytes;
        (*at)->group = group;
        t->flying[group]++;
        at = &(*at)->next;
    }
    t->held = *at;
    *at = NULL;
    t->held_bytes -= bytes;
    t->went_us = clock_mono_us();
    return list;
}

static void send_list(struct kafka *k, struct kafka_request *list)
{
    while (list != NULL) {
        struct kafka_request *r = list;

        list = r->next;
        kafka_produce_send(k, r);
    }
}

void kafka_gather(struct kafka *k, struct kafka_request *r)
{
    struct kafka_topic *t = r->topic;
    struct kafka_request *list;
    int group;

    mutex_lock(&k->lock);
    r->next = NULL;
    t->held_end = t->held ? t->held_end : &t->held;
    *t->held_end = r;
    t->held_end = &r->next;
    t->held_bytes += r->bytes;
    group = free_group(t);
    list = group >= 0 ? take(t, group) : NULL;
    mutex_unlock(&k->lock);
    send_list(k, list);
}

void kafka_gather_done(struct kafka *k, struct kafka_topic *t, int group)
{
    struct kafka_request *list = NULL;

    mutex_lock(&k->lock);
    if (--t->flying[group] == 0 && t->held != NULL) {
        group = free_group(t);
        list = group >= 0 ? take(t, group) : NULL;
    }
    mutex_unlock(&k->lock);
    send_list(k, list);
}

void kafka_gather_hurry(struct kafka *k)
{
    struct kafka_request *list = NULL;

    mutex_lock(&k->lock);
    for (struct kafka_topic *t = k->topics; t && !list; t = t->next) {
        if (t->held != NULL && clock_mono_us() > t->went_us + HOLD_US) {
            list = take(t, 0);
        }
    }
    mutex_unlock(&k->lock);
    send_list(k, list);
}

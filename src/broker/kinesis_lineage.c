/*
 * kinesis_lineage.c - the parents of a shard come before it.
 *
 * A split or a merge closes shards and opens others.  A child is told of
 * (broker_offsets) once the ends of its parents are known, and given
 * (broker_fetch) once they were read to those ends.  So whoever asks for the
 * partitions in order, and reads each up to what was told, reads a key's
 * records in order and leaves none out.
 */
#include <inttypes.h>
#include <stdio.h>

#include "broker/kinesis_known_int.h"
#include "broker/kinesis_meta_int.h"
#include "core/clock.h"

enum {
    LAST_TRIES = 12,
    LAST_PAUSE_US = 100000,
};

struct lineage {
    struct kinesis *k;
    const struct kinesis_cursor *at; /* any of the stream */
    const struct kinesis_shard *shards;
    size_t n;
};

static int ask_parents(const struct lineage *l, const struct kinesis_shard *s,
                       struct kinesis_parents *ret, struct err *e);

/*
 * Where a shard ends that Kinesis says is closed.  A look may see its last
 * record, and not yet that none follows: it is asked until that is told, or a
 * reader that only reads what is there would leave out the children.  A server
 * that never tells costs the pauses, and its children wait as before.
 */
static int find_last(const struct lineage *l, struct kinesis_cursor *c,
                     int64_t *ret_end, struct err *e)
{
    int rc = kinesis_find_end(l->k, c, ret_end, e);

    for (int i = 0; rc == 0 && !c->closed && i < LAST_TRIES; i++) {
        clock_sleep_us(i > 0 ? LAST_PAUSE_US : 0);
        kinesis_end_forget(l->k, c->stream);
        rc = kinesis_find_end(l->k, c, ret_end, e);
    }
    return rc;
}

/* *ret stays as it is when the parent p is no obstacle.  Numbers of parents
 * are lower than those of their children: this ends. */
static int ask_parent(const struct lineage *l, const struct kinesis_shard *p,
                      struct kinesis_parents *ret, struct err *e)
{
    struct kinesis_cursor c = {.epoch = l->at->epoch, .shard = p->number};
    struct kinesis_parents own;
    int64_t reached = 0;
    int64_t end = 0;
    bool drained = false;

    (void)snprintf(c.stream, sizeof(c.stream), "%s", l->at->stream);
    if (kinesis_drained_get(l->k, &c, &drained, e) != 0) {
        return -1;
    }
    if (drained) {
        return 0;
    }
    if (p->open) {
        *ret = (struct kinesis_parents){.ended = false};
        return 0;
    }
    if (ask_parents(l, p, &own, e) != 0 || find_last(l, &c, &end, e) != 0 ||
        kinesis_reached_get(l->k, &c, &reached, e) != 0) {
        return -1;
    }
    own.ended = own.ended && c.closed;
    own.read = own.read && c.closed && reached >= end;
    ret->ended = ret->ended && own.ended;
    ret->read = ret->read && own.read;
    return own.read ? kinesis_drained_set(l->k, &c, e) : 0;
}

static int ask_parents(const struct lineage *l, const struct kinesis_shard *s,
                       struct kinesis_parents *ret, struct err *e)
{
    int rc = 0;

    *ret = (struct kinesis_parents){.ended = true, .read = true};
    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        int32_t number = l->shards[i].number;

        if (number < s->number &&
            (number == s->parents[0] || number == s->parents[1])) {
            rc = ask_parent(l, &l->shards[i], ret, e);
        }
    }
    return rc;
}

int kinesis_lineage_begin(struct kinesis *k, const char *topic,
                          int32_t partition, struct kinesis_cursor *c,
                          struct kinesis_parents *ret, struct err *e)
{
    const struct kinesis_known *x;
    const struct kinesis_shard *own = NULL;
    struct lineage l = {.k = k, .at = c};
    int rc = 0;

    if (kinesis_known_get(k, topic, partition, &x, e) != 0) {
        return -1;
    }
    l.shards = x->shards;
    l.n = x->n;
    *c = (struct kinesis_cursor){.epoch = x->topic.epoch, .shard = partition};
    (void)snprintf(c->stream, sizeof(c->stream), "%s", topic);
    *ret = (struct kinesis_parents){.ended = true, .read = true};
    for (size_t i = 0; i < l.n; i++) {
        own = l.shards[i].number == partition ? &l.shards[i] : own;
    }
    if (partition < 0 || partition >= x->topic.partitions) {
        rc = err_set(e, ERR_NOTFOUND, "topic \"%s\" has no partition %" PRId32,
                     topic, partition);
    } else if (own != NULL) {
        rc = ask_parents(&l, own, ret, e);
    } else {
        c->closed = true; /* its records are all gone */
    }
    return rc;
}

/*
 * The last records of a topic, for their idempotency keys.
 *
 * A leader shows what every replica in sync has; what it was given a moment
 * ago, by a process that was killed then, it may hold without showing.  So
 * before its end is asked, every replica in sync must have answered for a
 * while: one that lives has fetched by then, one that does not leaves those in
 * sync soon.  Where fewer than min.insync.replicas are in sync, as after they
 * all hung, nothing is stored and nothing that was is shown: that is waited out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/kafka_keys_int.h"
#include "broker/kafka_read_int.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    RECORDS_MAX = 1000000, /* of a topic that are read at the most */
    FETCH_BYTES = 4 << 20,
    PING_MS = 2000,
    SETTLE_US = 30000000, /* for the replicas that are in sync to answer */
    AGAIN_US = 200000,
    AWAKE_US = 2000000,  /* of a follower, until it has fetched */
    HEARD_US = 10000000, /* so long ago says that it still is */
};

/* Does a server answer?  No matter what, be it that we may not ask. */
static bool answers(struct kafka *k, int32_t node)
{
    struct err e = {.code = ERR_NONE};
    struct kafka_call call;
    char why[128];
    bool spoke;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, &e) < 0) {
        return false;
    }
    (void)k->rd->AdminOptions_set_request_timeout(call.options, PING_MS, why,
                                                  sizeof(why));
    kafka_node_ask(k, k->admin, node, call.options, call.queue);
    spoke = kafka_call_wait(k, &call, "ask a broker for its settings", &e) == 0;
    if (!spoke && call.event != NULL) {
        spoke = kafka_node_spoke(k->rd->event_error(call.event));
    }
    kafka_call_end(k, &call);
    return spoke;
}

/* Note whether it answered; since when it does. */
static int64_t hear(struct kafka *k, int32_t node, bool answered)
{
    int64_t now = clock_mono_us();
    struct kafka_heard *h = &k->heard[0];

    for (size_t i = 0; i < KAFKA_HEARD_MAX; i++) {
        if (k->heard[i].last_us != 0 && k->heard[i].node == node) {
            h = &k->heard[i];
            break;
        }
        h = k->heard[i].last_us < h->last_us ? &k->heard[i] : h;
    }
    if (!answered || h->node != node || now - h->last_us > HEARD_US) {
        *h = (struct kafka_heard){.node = node, .since_us = now};
    }
    h->last_us = answered ? now : 0;
    return h->since_us;
}

static bool listed(const int32_t *list, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == id) {
            return true;
        }
    }
    return false;
}

/* The followers in sync of all partitions, each once. */
static int followers(const struct cluster_place *places, size_t n,
                     int32_t **ret, size_t *ret_n, struct err *e)
{
    int32_t *list = mem_zero(n + 1, CLUSTER_REPLICAS_MAX * sizeof(*list));
    size_t count = 0;

    if (list == NULL) {
        return err_nomem(e, (n + 1) * CLUSTER_REPLICAS_MAX * sizeof(*list));
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < places[i].n; r++) {
            const struct cluster_replica *one = &places[i].replicas[r];

            if (one->in_sync && one->node != places[i].leader &&
                !listed(list, count, one->node)) {
                list[count++] = one->node;
            }
        }
    }
    *ret = list;
    *ret_n = count;
    return 0;
}

/* What is known of a topic's replicas. */
struct sync_state {
    int64_t least;    /* so many must be in sync */
    bool few;         /* a partition has fewer, now */
    int32_t silent;   /* a follower in sync that does not answer; -1: all do */
    int64_t since_us; /* since then none was silent and there were not few */
};

/* min.insync.replicas; 1 where we may not ask. */
static int ask_least(struct kafka *k, const char *topic, int64_t *ret,
                     struct err *e)
{
    struct cluster_setting *list = NULL;
    size_t n = 0;
    struct err own;

    *ret = 1;
    if (kafka_cluster.settings(&k->base, topic, &list, &n, &own) < 0) {
        if (own.code != ERR_DENIED) {
            *e = own;
            return -1;
        }
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i].name, "min.insync.replicas") == 0 &&
            (!num_i64(slice_of(list[i].value), ret) || *ret < 1)) {
            *ret = 1;
        }
    }
    mem_free(list);
    return 0;
}

static bool any_few(const struct cluster_place *places, size_t n, int64_t least)
{
    for (size_t i = 0; i < n; i++) {
        int64_t in_sync = 0;

        for (size_t r = 0; r < places[i].n; r++) {
            in_sync += places[i].replicas[r].in_sync;
        }
        if (in_sync < least) {
            return true;
        }
    }
    return false;
}

static int ask_all(struct kafka *k, const char *topic, struct sync_state *s,
                   struct err *e)
{
    struct cluster_place *places = NULL;
    int32_t *list = NULL;
    size_t n = 0;
    int rc;

    s->silent = -1;
    if (kafka_cluster.places(&k->base, topic, &places, &n, e) < 0) {
        return -1;
    }
    s->few = any_few(places, n, s->least);
    if (s->few) {
        s->since_us = clock_mono_us();
    }
    rc = followers(places, n, &list, &n, e);
    for (size_t i = 0; rc == 0 && i < n && s->silent < 0; i++) {
        bool there = answers(k, list[i]);
        int64_t since = hear(k, list[i], there);

        s->since_us = since > s->since_us ? since : s->since_us;
        s->silent = there ? -1 : list[i];
    }
    mem_free(places);
    mem_free(list);
    return rc;
}

static int never_settles(const char *topic, const struct sync_state *s,
                         struct err *e)
{
    char why[96];

    if (s->silent >= 0) {
        (void)snprintf(why, sizeof(why),
                       "broker %" PRId32
                       ", which has a replica in sync, does not answer",
                       s->silent);
    } else {
        (void)snprintf(why, sizeof(why),
                       "fewer than %" PRId64
                       " replicas (min.insync.replicas) are in sync",
                       s->least);
    }
    return err_set(e, ERR_CONNECT,
                   "could not find out what topic \"%s\" holds: %s", topic,
                   why);
}

static int settle(struct kafka *k, const char *topic,
                  const struct kafka_tail *what, struct err *e)
{
    int64_t until = clock_mono_us() + SETTLE_US;
    struct sync_state s = {.silent = -1};

    if (ask_least(k, topic, &s.least, e) < 0) {
        return -1;
    }
    for (;;) {
        if (what->stop(what->arg)) {
            return err_set(e, ERR_INTERRUPTED, "the broker is being closed");
        }
        if (ask_all(k, topic, &s, e) < 0) {
            return -1;
        }
        if (s.silent < 0 && !s.few &&
            clock_mono_us() - s.since_us >= AWAKE_US) {
            return 0;
        }
        if ((s.silent >= 0 || s.few) && clock_mono_us() > until) {
            return never_settles(topic, &s, e);
        }
        clock_sleep_us(AGAIN_US);
    }
}

static int read_partition(struct kafka *k, const struct broker_topic *t,
                          int32_t partition, const struct kafka_tail *what,
                          struct err *e)
{
    struct broker *b = &k->base;
    struct broker_fetch f = {0};
    int64_t most = RECORDS_MAX / t->partitions;
    int64_t begin;
    int64_t end;
    int64_t at;
    int rc;

    if (kafka_ends(k, t->name, partition, &begin, &end, e) < 0 ||
        kafka_topic_op_offset_at(b, t->name, partition, what->since_us, &at,
                                 e) < 0) {
        return -1;
    }
    at = at < end - most ? end - most : at;
    rc = at < end ? kafka_fetch_watch(&f, what->keys, e) : 0;
    while (rc == 0 && at < end) {
        rc =
            what->stop(what->arg)
                ? err_set(e, ERR_INTERRUPTED, "the broker is being closed")
                : kafka_fetch_op(b, t->name, partition, at, FETCH_BYTES, &f, e);
        if (rc == 0 && f.n == 0) {
            break;
        }
        at = f.next;
    }
    kafka_fetch_release(b, &f);
    return rc;
}

int kafka_tail_read(struct kafka *k, const struct broker_topic *t,
                    const struct kafka_tail *what, struct err *e)
{
    int rc = settle(k, t->name, what, e);

    for (int32_t p = 0; rc == 0 && p < t->partitions; p++) {
        rc = read_partition(k, t, p, what, e);
    }
    return rc;
}

/* ---- which were read ---- */

struct kafka_tail_done {
    char name[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    struct kafka_tail_done *next;
};

bool kafka_tails_read(const struct kafka_tails *s, const char *topic,
                      int64_t epoch)
{
    const struct kafka_tail_done *t = s->list;

    while (t != NULL && (t->epoch != epoch || strcmp(t->name, topic) != 0)) {
        t = t->next;
    }
    return t != NULL;
}

int kafka_tails_add(struct kafka_tails *s, const char *topic, int64_t epoch,
                    uint64_t forgets, struct err *e)
{
    struct kafka_tail_done *t;

    if (s->forgets != forgets) {
        return 0;
    }
    t = mem_zero(1, sizeof(*t));
    if (t == NULL) {
        return err_nomem(e, sizeof(*t));
    }
    (void)snprintf(t->name, sizeof(t->name), "%s", topic);
    t->epoch = epoch;
    t->next = s->list;
    s->list = t;
    return 0;
}

void kafka_tails_forget(struct kafka_tails *s, const char *topic)
{
    struct kafka_tail_done **at = &s->list;

    s->forgets++;
    while (*at != NULL) {
        struct kafka_tail_done *t = *at;

        if (topic == NULL || strcmp(t->name, topic) == 0) {
            *at = t->next;
            mem_free(t);
        } else {
            at = &t->next;
        }
    }
}

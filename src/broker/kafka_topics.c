/*
 * What topics there are: metadata, with what the topics' settings say.
 *
 * A topic's epoch is the time it was made, kept in a setting of the topic so
 * that it comes and goes with it (docs/decisions/0101): flush.messages, whose
 * value then means "never" as its default does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    FRESH_US = 5000000, /* one topic */
    LIST_US = 1000000,  /* all */
    LOOK_US = 300000,   /* at most for news of a topic that is known */
    AGAIN_US = 1000000, /* when there were none */
    ENDS_PAUSE_US = 100000,
};

/* ---- asking the cluster ---- */

struct seen {
    struct broker_topic info;
    int64_t max_bytes;
};

static void take_setting(struct seen *t, const char *name, const char *text,
                         bool own)
{
    int64_t v;

    if (!num_i64(slice_of(text), &v)) {
        return;
    }
    if (strcmp(name, "flush.messages") == 0 && own && v < INT64_MAX) {
        t->info.epoch = v;
        t->info.created_us = v;
    } else if (strcmp(name, "retention.ms") == 0) {
        t->info.retention_us = v < 0 || v > INT64_MAX / 1000 ? -1 : v * 1000;
    } else if (strcmp(name, "retention.bytes") == 0) {
        t->info.retention_bytes = v < 0 ? -1 : v;
    } else if (strcmp(name, "max.message.bytes") == 0) {
        t->max_bytes = v;
    }
}

static void take_settings(struct kafka *k, struct seen *t,
                          const rd_kafka_ConfigResource_t *r)
{
    const rd_kafka_ConfigEntry_t **all;
    size_t n = 0;

    all = k->rd->ConfigResource_configs(r, &n);
    for (size_t i = 0; i < n; i++) {
        const char *value = k->rd->ConfigEntry_value(all[i]);

        if (value != NULL) {
            take_setting(t, k->rd->ConfigEntry_name(all[i]), value,
                         k->rd->ConfigEntry_source(all[i]) ==
                             RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    const struct seen *x = a;
    const struct seen *y = b;

    return strcmp(x->info.name, y->info.name);
}

static int ask_settings(struct kafka *k, struct kafka_call *call,
                        const struct seen *t, size_t n, struct err *e)
{
    rd_kafka_ConfigResource_t **asked = mem_zero(n, sizeof(*asked));

    if (asked == NULL) {
        return err_nomem(e, n * sizeof(*asked));
    }
    for (size_t i = 0; i < n; i++) {
        asked[i] =
            k->rd->ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, t[i].info.name);
    }
    k->rd->DescribeConfigs(k->admin, asked, n, call->options, call->queue);
    k->rd->ConfigResource_destroy_array(asked, n);
    mem_free(asked);
    return kafka_call_wait(k, call, "read the settings of topics", e);
}

/* Fill what the settings say of n topics sorted by name.  One that may not
 * be asked keeps what is assumed. */
static int read_settings(struct kafka *k, struct seen *t, size_t n,
                         struct err *e)
{
    const rd_kafka_ConfigResource_t **got;
    struct kafka_call call;
    size_t count = 0;

    if (n == 0) {
        return 0;
    }
    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, e) < 0) {
        return -1;
    }
    if (ask_settings(k, &call, t, n, e) < 0) {
        kafka_call_end(k, &call);
        return -1;
    }
    got = k->rd->DescribeConfigs_result_resources(
        k->rd->event_DescribeConfigs_result(call.event), &count);
    for (size_t i = 0; i < count; i++) {
        struct seen key = {.max_bytes = 0};
        struct seen *at;

        (void)snprintf(key.info.name, sizeof(key.info.name), "%s",
                       k->rd->ConfigResource_name(got[i]));
        at = bsearch(&key, t, n, sizeof(*t), by_name);
        if (at != NULL &&
            k->rd->ConfigResource_error(got[i]) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            take_settings(k, at, got[i]);
        }
    }
    kafka_call_end(k, &call);
    return 0;
}

static void take_topic(struct seen *t, const struct rd_kafka_metadata_topic *m)
{
    *t = (struct seen){.info = {.epoch = 1,
                                .partitions = m->partition_cnt,
                                .retention_us = -1,
                                .retention_bytes = -1}};
    (void)snprintf(t->info.name, sizeof(t->info.name), "%s", m->topic);
}

/* One topic, or all but Kafka's own when name is NULL. */
static int ask(struct kafka *k, const char *name, struct seen **ret, size_t *n,
               struct err *e)
{
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_topic_t *rkt = NULL;
    struct seen *list = NULL;
    rd_kafka_resp_err_t rc;
    size_t count = 0;
    int ok = 0;

    if (name != NULL) {
        rkt = k->rd->topic_new(k->admin, name, NULL);
        if (rkt == NULL) {
            return kafka_fail(k, e, k->rd->last_error(), NULL,
                              "ask for topic \"%s\"", name);
        }
    }
    rc = k->rd->metadata(k->admin, name == NULL, rkt, &md, kafka_call_ms(k));
    if (rkt != NULL) {
        k->rd->topic_destroy(rkt);
    }
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(k, e, rc, NULL, "read the list of topics");
    }
    kafka_alive(k);
    list = mem_zero((size_t)md->topic_cnt + 1, sizeof(*list));
    if (list == NULL) {
        ok = err_nomem(e, sizeof(*list));
    }
    for (int i = 0; ok == 0 && i < md->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &md->topics[i];

        if (name != NULL && t->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
            ok = err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", name);
        } else if (name != NULL && t->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
                   t->partition_cnt == 0) {
            ok = kafka_fail(k, e, t->err, NULL, "read topic \"%s\"", name);
        } else if (t->partition_cnt > 0 &&
                   (name != NULL || strncmp(t->topic, "__", 2) != 0)) {
            take_topic(&list[count++], t);
        }
    }
    k->rd->metadata_destroy(md);
    if (ok == 0 && name != NULL && count == 0) {
        ok = err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", name);
    }
    if (ok == 0) {
        qsort(list, count, sizeof(*list), by_name);
        ok = read_settings(k, list, count, e);
    }
    if (ok < 0) {
        mem_free(list);
        return -1;
    }
    *ret = list;
    *n = count;
    return 0;
}

/* ---- the topics seen lately; under the lock ---- */

static void unref(struct kafka *k, struct kafka_topic *t)
{
    if (--t->refs == 0) {
        if (t->rkt != NULL) {
            k->rd->topic_destroy(t->rkt);
        }
        mem_free(t);
    }
}

static void drop(struct kafka *k, struct kafka_topic **at)
{
    struct kafka_topic *t = *at;

    *at = t->next;
    t->dropped = true;
    unref(k, t);
}

static struct kafka_topic **find(struct kafka *k, const char *name)
{
    struct kafka_topic **at = &k->topics;

    while (*at != NULL && strcmp((*at)->info.name, name) != 0) {
        at = &(*at)->next;
    }
    return at;
}

/* Keep what was seen; the topic with a reference for the caller. */
static struct kafka_topic *keep(struct kafka *k, const struct seen *s)
{
    struct kafka_topic **at = find(k, s->info.name);
    struct kafka_topic *t = *at;

    if (t != NULL && t->info.epoch != s->info.epoch) {
        drop(k, at);
        t = NULL;
    }
    if (t == NULL) {
        t = mem_zero(1, sizeof(*t));
        if (t == NULL) {
            return NULL;
        }
        t->refs = 1;
        t->next = k->topics;
        k->topics = t;
    }
    t->info = s->info;
    t->max_bytes = s->max_bytes;
    t->seen_us = clock_mono_us();
    t->refs++;
    return t;
}

/*
 * What is known of a topic, with a reference; NULL: nothing.  Old news are
 * looked at again by a thread of its own, for which callers wait a moment:
 * a broker that hangs holds up nobody.  While nobody answers, what was seen
 * last is as good as it gets.
 */
static struct kafka_topic *known(struct kafka *k, const char *name)
{
    struct kafka_topic *t = *find(k, name);
    int64_t now = clock_mono_us();

    if (t == NULL) {
        return NULL;
    }
    t->refs++;
    if (!k->health.ok || now - t->seen_us <= FRESH_US) {
        return t;
    }
    if (!t->stale) {
        t->stale = true;
        t->wanted_us = now;
        cond_signal(&k->stale);
    }
    while (t->stale && !t->dropped &&
           clock_mono_us() < t->wanted_us + LOOK_US &&
           !atomic_load(&k->stopping)) {
        (void)cond_wait_until(&k->seen, &k->lock, t->wanted_us + LOOK_US);
    }
    if (t->dropped) { /* or made anew */
        unref(k, t);
        return NULL;
    }
    return t;
}

/* Ask the cluster; the topic with a reference. */
static int look(struct kafka *k, const char *name, struct kafka_topic **ret,
                struct err *e)
{
    struct seen *s = NULL;
    size_t n = 0;

    if (ask(k, name, &s, &n, e) < 0) {
        if (e == NULL || e->code == ERR_NOTFOUND) {
            kafka_topic_forget(k, name);
        }
        return -1;
    }
    mutex_lock(&k->lock);
    *ret = keep(k, &s[0]);
    mutex_unlock(&k->lock);
    mem_free(s);
    return *ret != NULL ? 0 : err_nomem(e, sizeof(**ret));
}

static struct kafka_topic *next_stale(struct kafka *k)
{
    struct kafka_topic *t = k->topics;

    while (t != NULL && !t->stale) {
        t = t->next;
    }
    return t;
}

void kafka_topics_look(void *arg)
{
    struct kafka *k = arg;

    mutex_lock(&k->lock);
    while (!atomic_load(&k->stopping)) {
        struct kafka_topic *t = next_stale(k);
        struct kafka_topic *now = NULL;
        struct err e = {.code = ERR_NONE};
        char name[TOPIC_NAME_MAX + 1];

        if (t == NULL) {
            cond_wait(&k->stale, &k->lock);
            continue;
        }
        t->refs++;
        memcpy(name, t->info.name, sizeof(name));
        mutex_unlock(&k->lock);
        if (look(k, name, &now, &e) == 0) {
            kafka_topic_put(k, now);
        }
        mutex_lock(&k->lock);
        t->stale = false;
        if (now == NULL) { /* what is known holds a little longer */
            t->seen_us = clock_mono_us() - FRESH_US + AGAIN_US;
        }
        unref(k, t);
        cond_broadcast(&k->seen);
    }
    mutex_unlock(&k->lock);
}

int kafka_topic_get(struct kafka *k, const char *name, struct kafka_topic **ret,
                    struct err *e)
{
    mutex_lock(&k->lock);
    *ret = known(k, name);
    mutex_unlock(&k->lock);
    return *ret != NULL ? 0 : look(k, name, ret, e);
}

void kafka_topic_put(struct kafka *k, struct kafka_topic *t)
{
    if (t != NULL) {
        mutex_lock(&k->lock);
        unref(k, t);
        mutex_unlock(&k->lock);
    }
}

void kafka_topic_forget(struct kafka *k, const char *name)
{
    struct kafka_topic **at;

    mutex_lock(&k->lock);
    at = find(k, name);
    if (*at != NULL) {
        drop(k, at);
    }
    k->list_us = 0;
    mutex_unlock(&k->lock);
}

void kafka_topics_free(struct kafka *k)
{
    while (k->topics != NULL) {
        drop(k, &k->topics);
    }
}

/* ---- ops ---- */

int kafka_topic_op_get(struct broker *b, const char *name,
                       struct broker_topic *ret, struct err *e)
{
    struct kafka *k = kafka_of(b);
    struct kafka_topic *t;

    if (kafka_topic_get(k, name, &t, e) < 0) {
        return -1;
    }
    mutex_lock(&k->lock);
    *ret = t->info;
    unref(k, t);
    mutex_unlock(&k->lock);
    return 0;
}

static int copy_list(struct kafka *k, struct broker_topic **ret, size_t *n,
                     struct err *e)
{
    struct broker_topic *copy = mem_zero(k->nlist + 1, sizeof(*copy));

    if (copy == NULL) {
        return err_nomem(e, sizeof(*copy));
    }
    if (k->nlist > 0) {
        memcpy(copy, k->list, k->nlist * sizeof(*copy));
    }
    *n = k->nlist;
    *ret = copy;
    return 0;
}

int kafka_topic_op_list(struct broker *b, struct broker_topic **ret, size_t *n,
                        struct err *e)
{
    struct kafka *k = kafka_of(b);
    struct broker_topic *list;
    struct seen *s = NULL;
    size_t count = 0;
    int rc = -1;
    bool fresh;

    mutex_lock(&k->lock);
    fresh = k->list_us != 0 && clock_mono_us() - k->list_us < LIST_US;
    rc = fresh ? copy_list(k, ret, n, e) : 0;
    mutex_unlock(&k->lock);
    if (fresh || ask(k, NULL, &s, &count, e) < 0) {
        return fresh ? rc : -1;
    }
    list = mem_zero(count + 1, sizeof(*list));
    if (list == NULL) {
        mem_free(s);
        return err_nomem(e, sizeof(*list));
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = s[i].info;
    }
    mem_free(s);
    mutex_lock(&k->lock);
    mem_free(k->list);
    k->list = list;
    k->nlist = count;
    k->list_us = clock_mono_us();
    rc = copy_list(k, ret, n, e);
    mutex_unlock(&k->lock);
    return rc;
}

static int check_partition(struct kafka *k, const char *topic,
                           int32_t partition, struct err *e)
{
    struct broker_topic t;

    if (kafka_topic_op_get(&k->base, topic, &t, e) < 0) {
        return -1;
    }
    if (partition < 0 || partition >= t.partitions) {
        return err_set(e, ERR_NOTFOUND,
                       "topic \"%s\" has no partition %" PRId32, topic,
                       partition);
    }
    return 0;
}

/*
 * The offset of the first record at or after a time in milliseconds (BEGINNING
 * and END are times too); -1: none.  query_watermark_offsets() would ask for
 * both ends at once, but waits for a broker that hangs, however long.
 */
static rd_kafka_resp_err_t ask_offset(struct kafka *k, const char *topic,
                                      int32_t partition, int64_t at,
                                      int64_t until_us, int64_t *ret)
{
    int64_t left_ms = (until_us - clock_mono_us()) / 1000;
    rd_kafka_topic_partition_list_t *l = k->rd->topic_partition_list_new(1);
    rd_kafka_resp_err_t rc;

    k->rd->topic_partition_list_add(l, topic, partition)->offset = at;
    rc = k->rd->offsets_for_times(k->admin, l, left_ms > 1 ? (int)left_ms : 1);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rc = l->elems[0].err;
    }
    *ret = l->elems[0].offset;
    k->rd->topic_partition_list_destroy(l);
    return rc;
}

/* A new topic's brokers may not know yet who leads it, and a leader that went
 * away needs a successor: asked again until the time is up. */
int kafka_ends(struct kafka *k, const char *topic, int32_t partition,
               int64_t *ret_begin, int64_t *ret_end, struct err *e)
{
    int64_t until = clock_mono_us() + kafka_call_ms(k) * INT64_C(1000);
    rd_kafka_resp_err_t rc;
    int64_t begin = 0;
    int64_t end = 0;

    for (;;) {
        rc = ask_offset(k, topic, partition, RD_KAFKA_OFFSET_BEGINNING, until,
                        &begin);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rc = ask_offset(k, topic, partition, RD_KAFKA_OFFSET_END, until,
                            &end);
        }
        if (kafka_code(rc) != ERR_CONNECT ||
            clock_mono_us() + ENDS_PAUSE_US > until ||
            atomic_load(&k->stopping)) {
            break;
        }
        clock_sleep_us(ENDS_PAUSE_US);
    }
    if (rc == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
        rc == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        kafka_topic_forget(k, topic);
    }
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(k, e, rc, NULL,
                          "read the offsets of topic \"%s\" partition %" PRId32,
                          topic, partition);
    }
    kafka_alive(k);
    *ret_begin = begin;
    *ret_end = end;
    return 0;
}

int kafka_topic_op_offsets(struct broker *b, const char *topic,
                           int32_t partition, int64_t *ret_begin,
                           int64_t *ret_end, struct err *e)
{
    struct kafka *k = kafka_of(b);

    return check_partition(k, topic, partition, e) < 0
               ? -1
               : kafka_ends(k, topic, partition, ret_begin, ret_end, e);
}

int kafka_topic_op_offset_at(struct broker *b, const char *topic,
                             int32_t partition, int64_t time_us, int64_t *ret,
                             struct err *e)
{
    struct kafka *k = kafka_of(b);
    rd_kafka_resp_err_t rc;
    int64_t begin;
    int64_t found;

    if (check_partition(k, topic, partition, e) < 0) {
        return -1;
    }
    /* whole milliseconds, not before the time that is asked for */
    rc = ask_offset(k, topic, partition,
                    time_us <= 0 ? 0 : (time_us - 1) / 1000 + 1,
                    clock_mono_us() + kafka_call_ms(k) * INT64_C(1000), &found);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(k, e, rc, NULL,
                          "find a time in topic \"%s\" partition %" PRId32,
                          topic, partition);
    }
    if (found >= 0) {
        *ret = found;
        return 0;
    }
    return kafka_ends(k, topic, partition, &begin, ret, e);
}

#include "broker/broker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/broker_ops.h"
#include "broker/coordinator.h"
#include "core/thread.h"

enum {
    PARTITIONS_MAX = 1024,
    REQUEST_RECORDS_MAX = 1000000,
    LIST_MAX = 16
};

/* Every broker, in alphabetical order. */
static const struct broker_ops *const brokers[] = {
    &broker_embedded,
    &broker_kafka,
    &broker_kinesis,
    &broker_memory,
};

/* "kafka" of "kafka://host:9092", "kinesis" of "kinesis+http://host". */
static struct slice kind_of(const char *url)
{
    struct slice rest = slice_of(url ? url : "embedded");
    struct slice kind;

    struct slice scheme;

    (void)slice_cut(&rest, ':', &scheme);
    (void)slice_cut(&scheme, '+', &kind);
    return kind;
}

static int open_one(const struct broker_ops *ops, struct broker **ret,
                    const struct broker_conf *conf, struct err *e)
{
    struct broker *b = NULL;

    if (ops->open(&b, conf, e) != 0) {
        return -1;
    }
    if (ops->members == NULL && coordinator_new(&b->coordinator, b, e) != 0) {
        ops->close(b);
        return -1;
    }
    *ret = b;
    return 0;
}

int broker_open(struct broker **ret, const struct broker_conf *conf,
                struct err *e)
{
    struct slice kind = kind_of(conf->url);

    for (size_t i = 0; i < ARRAY_LEN(brokers); i++) {
        if (!slice_is(kind, brokers[i]->name)) {
            continue;
        }
        if (brokers[i]->absent) {
            return err_set(e, ERR_UNAVAILABLE, "cannot use broker \"%s\": %s",
                           brokers[i]->name, brokers[i]->absent);
        }
        return open_one(brokers[i], ret, conf, e);
    }
    return err_set(e, ERR_INVALID,
                   "there is no broker \"%.*s\": it is embedded, kafka://..., "
                   "kinesis://... or memory",
                   SLICE_FMT(kind));
}

bool broker_is_here(const char *url)
{
    struct slice kind = kind_of(url);

    return slice_is(kind, "embedded") || slice_is(kind, "memory");
}

void broker_url_plain(const char *url, char *ret, size_t size)
{
    struct slice rest = slice_of(url ? url : "embedded");
    struct slice head;
    bool more = slice_cut(&rest, '?', &head);

    (void)snprintf(ret, size, "%.*s%s", SLICE_FMT(head), more ? "?..." : "");
}

void broker_close(struct broker *b)
{
    if (b) {
        coordinator_free(b->coordinator);
        b->ops->close(b);
    }
}

bool broker_topic_name_ok(struct slice name)
{
    if (name.len == 0 || name.len > TOPIC_NAME_MAX || slice_is(name, ".") ||
        slice_is(name, "..")) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
}

int broker_topic_create(struct broker *b, const struct broker_topic *t,
                        struct err *e)
{
    struct slice name = {t->name, 0};

    while (name.len < sizeof(t->name) && t->name[name.len] != '\0') {
        name.len++;
    }
    if (!broker_topic_name_ok(name)) {
        return err_set(e, ERR_INVALID,
                       "cannot create topic \"%.*s\": a name has 1 to %d of "
                       "the characters a-z, A-Z, 0-9, '.', '_' and '-'",
                       name.len > 100 ? 100 : (int)name.len, name.ptr,
                       TOPIC_NAME_MAX);
    }
    if (t->partitions < 1 || t->partitions > PARTITIONS_MAX) {
        return err_set(e, ERR_INVALID,
                       "cannot create topic \"%s\" with %" PRId32
                       " partitions: 1 to %d are allowed",
                       t->name, t->partitions, PARTITIONS_MAX);
    }
    return b->ops->topic_create(b, t, e);
}

int broker_topic_delete(struct broker *b, const char *name, struct err *e)
{
    return b->ops->topic_delete(b, name, e);
}

int broker_topic_get(struct broker *b, const char *name,
                     struct broker_topic *ret, struct err *e)
{
    return b->ops->topic_get(b, name, ret, e);
}

int broker_topic_list(struct broker *b, struct broker_topic **ret, size_t *n,
                      struct err *e)
{
    return b->ops->topic_list(b, ret, n, e);
}

int broker_offsets(struct broker *b, const char *topic, int32_t partition,
                   int64_t *ret_begin, int64_t *ret_end, struct err *e)
{
    return b->ops->offsets(b, topic, partition, ret_begin, ret_end, e);
}

int broker_offset_at(struct broker *b, const char *topic, int32_t partition,
                     int64_t time_us, int64_t *ret, struct err *e)
{
    return b->ops->offset_at(b, topic, partition, time_us, ret, e);
}

int broker_produce_start(struct broker *b, struct broker_produce *p,
                         struct err *e)
{
    if (p->n == 0 || p->n > REQUEST_RECORDS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "cannot store %zu records at once: 1 to %d are allowed",
                       p->n, REQUEST_RECORDS_MAX);
    }
    p->error = (struct err){.code = ERR_NONE};
    p->repeated = false;
    p->next = NULL;
    p->state = NULL;
    return b->ops->produce(b, p, e);
}

/* Waiting for done(). */
struct waiter {
    struct mutex lock;
    struct cond woken;
    bool done;
};

static void wake(struct broker_produce *p)
{
    struct waiter *w = p->arg;

    mutex_lock(&w->lock);
    w->done = true;
    cond_signal(&w->woken);
    mutex_unlock(&w->lock);
}

int broker_produce(struct broker *b, struct broker_produce *p, struct err *e)
{
    struct waiter w = {.done = false};
    int rc;

    mutex_init(&w.lock);
    cond_init(&w.woken);
    p->done = wake;
    p->arg = &w;
    rc = broker_produce_start(b, p, e);
    if (rc == 0) {
        mutex_lock(&w.lock);
        while (!w.done) {
            cond_wait(&w.woken, &w.lock);
        }
        mutex_unlock(&w.lock);
        if (p->error.code != ERR_NONE) {
            if (e) {
                *e = p->error;
            }
            rc = -1;
        }
    }
    mutex_release(&w.lock);
    cond_release(&w.woken);
    p->done = NULL;
    p->arg = NULL;
    return rc;
}

int broker_fetch(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e)
{
    return b->ops->fetch(b, topic, partition, offset < 0 ? 0 : offset,
                         max_bytes, f, e);
}

void broker_fetch_release(struct broker *b, struct broker_fetch *f)
{
    b->ops->fetch_release(b, f);
}

bool broker_wait(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, int64_t timeout_us)
{
    return b->ops->wait(b, topic, partition, offset, timeout_us);
}

static int check_group(const char *group, struct err *e)
{
    size_t n = strlen(group);

    if (n == 0 || n > TOPIC_NAME_MAX) {
        return err_set(e, ERR_INVALID,
                       "a group's name has 1 to %d bytes, and not %zu",
                       TOPIC_NAME_MAX, n);
    }
    return 0;
}

int broker_group_commit(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e)
{
    if (check_group(group, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i].offset < 0 || p[i].partition < 0) {
            return err_set(e, ERR_INVALID,
                           "cannot store offset %" PRId64 " of partition "
                           "%" PRId32 " for group \"%s\"",
                           p[i].offset, p[i].partition, group);
        }
    }
    return b->ops->group_commit(b, group, p, n, expect, e);
}

int broker_group_get(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e)
{
    return b->ops->group_get(b, group, topic, partition, ret, e);
}

int broker_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e)
{
    return b->ops->group_list(b, ret, n, e);
}

int broker_group_positions(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e)
{
    return b->ops->group_positions(b, group, ret, n, e);
}

int broker_group_delete(struct broker *b, const char *group, struct err *e)
{
    return b->ops->group_delete(b, group, e);
}

int broker_retain(struct broker *b, struct broker_retention *r, struct err *e)
{
    r->expired = 0;
    r->segments = 0;
    return b->ops->retain != NULL ? b->ops->retain(b, r, e) : 0;
}

void broker_stats(struct broker *b, struct broker_stats *ret)
{
    b->ops->stats(b, ret);
}

void broker_health(struct broker *b, struct broker_health *ret)
{
    *ret = (struct broker_health){.ok = true};
    if (b->ops->health) {
        b->ops->health(b, ret);
    }
}

size_t broker_nodes(struct broker *b, struct broker_node *ret, size_t max)
{
    return b->ops->nodes != NULL ? b->ops->nodes(b, ret, max) : 0;
}

/* Topics in memory: for tests, and the shortest broker that can be. */
#include <inttypes.h>
#include <string.h>

#include "broker/broker_ops.h"
#include "broker/partition.h"
#include "broker/positions.h"
#include "broker/window.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    TOPICS_MAX = 10000,
    RECORD_MAX = 64 << 20
};

struct log {
    struct message *messages; /* key, value, headers: one block, at key.ptr */
    size_t n, cap;
};

struct topic {
    struct broker_topic info;
    struct log *logs;
    struct partition_sticky sticky;
};

struct memory {
    struct broker base;
    struct mutex lock;
    struct cond moved;
    struct topic *topics; /* sorted by name */
    size_t ntopics;
    int64_t epochs;
    struct positions positions;
    struct window *window;
    struct broker_stats stats;
};

static struct memory *memory_of(struct broker *b)
{
    return (struct memory *)b;
}

static struct topic *find(struct memory *m, const char *name, struct err *e)
{
    for (size_t i = 0; i < m->ntopics; i++) {
        if (strcmp(m->topics[i].info.name, name) == 0) {
            return &m->topics[i];
        }
    }
    (void)err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", name);
    return NULL;
}

static struct log *find_log(struct memory *m, const char *name,
                            int32_t partition, struct err *e)
{
    struct topic *t = find(m, name, e);

    if (t && (partition < 0 || partition >= t->info.partitions)) {
        (void)err_set(e, ERR_NOTFOUND, "topic \"%s\" has no partition %" PRId32,
                      name, partition);
        return NULL;
    }
    return t ? &t->logs[partition] : NULL;
}

static void free_topic(struct topic *t)
{
    for (int32_t p = 0; p < t->info.partitions; p++) {
        for (size_t i = 0; i < t->logs[p].n; i++) {
            union {
                const char *given;
                void *own;
            } block = {t->logs[p].messages[i].key.ptr};

            mem_free(block.own);
        }
        mem_free(t->logs[p].messages);
    }
    mem_free(t->logs);
}

static int topic_create(struct broker *b, const struct broker_topic *t,
                        struct err *e)
{
    struct memory *m = memory_of(b);
    struct topic *list = NULL;
    struct topic new = {.info = *t};
    size_t at = 0;
    int rc = 0;

    mutex_lock(&m->lock);
    if (find(m, t->name, NULL)) {
        rc = err_set(e, ERR_EXISTS, "there is a topic \"%s\" already", t->name);
    } else if (m->ntopics >= TOPICS_MAX) {
        rc = err_set(e, ERR_LIMIT, "there are %d topics already", TOPICS_MAX);
    } else {
        new.logs = mem_zero((size_t)t->partitions, sizeof(*new.logs));
        list = mem_resize(m->topics, m->ntopics + 1, sizeof(*list));
        m->topics = list ? list : m->topics;
        if (new.logs == NULL || list == NULL) {
            mem_free(new.logs);
            rc = err_nomem(e, sizeof(*list));
        }
    }
    if (rc == 0) {
        while (at < m->ntopics && strcmp(list[at].info.name, t->name) < 0) {
            at++;
        }
        memmove(&list[at + 1], &list[at], (m->ntopics - at) * sizeof(*list));
        new.info.epoch = ++m->epochs;
        new.info.created_us = clock_wall_us();
        list[at] = new;
        m->ntopics++;
    }
    mutex_unlock(&m->lock);
    return rc;
}

static int topic_delete(struct broker *b, const char *name, struct err *e)
{
    struct memory *m = memory_of(b);
    struct topic *t;

    mutex_lock(&m->lock);
    t = find(m, name, e);
    if (t) {
        (void)positions_drop(&m->positions, NULL, name);
        free_topic(t);
        m->ntopics--;
        memmove(t, t + 1, (size_t)(m->topics + m->ntopics - t) * sizeof(*t));
    }
    mutex_unlock(&m->lock);
    return t ? 0 : -1;
}

static int topic_get(struct broker *b, const char *name,
                     struct broker_topic *ret, struct err *e)
{
    struct memory *m = memory_of(b);
    struct topic *t;

    mutex_lock(&m->lock);
    t = find(m, name, e);
    if (t) {
        *ret = t->info;
    }
    mutex_unlock(&m->lock);
    return t ? 0 : -1;
}

static int topic_list(struct broker *b, struct broker_topic **ret, size_t *n,
                      struct err *e)
{
    struct memory *m = memory_of(b);
    struct broker_topic *list;

    mutex_lock(&m->lock);
    list = mem_zero(m->ntopics + 1, sizeof(*list));
    for (size_t i = 0; list && i < m->ntopics; i++) {
        list[i] = m->topics[i].info;
    }
    if (list) {
        *n = m->ntopics;
        *ret = list;
    }
    mutex_unlock(&m->lock);
    return list ? 0 : err_nomem(e, sizeof(*list));
}

static int offsets(struct broker *b, const char *topic, int32_t partition,
                   int64_t *ret_begin, int64_t *ret_end, struct err *e)
{
    struct memory *m = memory_of(b);
    struct log *log;

    mutex_lock(&m->lock);
    log = find_log(m, topic, partition, e);
    if (log) {
        *ret_begin = 0;
        *ret_end = (int64_t)log->n;
    }
    mutex_unlock(&m->lock);
    return log ? 0 : -1;
}

static int offset_at(struct broker *b, const char *topic, int32_t partition,
                     int64_t time_us, int64_t *ret, struct err *e)
{
    struct memory *m = memory_of(b);
    struct log *log;
    size_t i = 0;

    mutex_lock(&m->lock);
    log = find_log(m, topic, partition, e);
    while (log && i < log->n && log->messages[i].time_us < time_us) {
        i++;
    }
    mutex_unlock(&m->lock);
    if (log == NULL) {
        return -1;
    }
    *ret = (int64_t)i;
    return 0;
}

/* A copy of the record as the next message of a partition. */
static int append(struct log *log, const struct broker_record *r, struct err *e)
{
    size_t size = r->key.len + r->value.len + r->headers.len;
    struct message msg = {.offset = (int64_t)log->n,
                          .time_us = r->time_us ? r->time_us : clock_wall_us(),
                          .has_key = r->has_key,
                          .has_value = r->has_value};
    char *mem = mem_zero(1, size + 1);

    if (mem && log->n == log->cap) {
        size_t cap = log->cap ? log->cap * 2 : 16;
        void *list = mem_resize(log->messages, cap, sizeof(msg));

        if (list == NULL) {
            mem_free(mem);
            return err_nomem(e, cap * sizeof(msg));
        }
        log->messages = list;
        log->cap = cap;
    }
    if (mem == NULL) {
        return err_nomem(e, size);
    }
    msg.key = (struct slice){mem, r->key.len};
    msg.value = (struct slice){mem + r->key.len, r->value.len};
    msg.headers = (struct slice){msg.value.ptr + r->value.len, r->headers.len};
    if (r->key.len > 0) {
        memcpy(mem, r->key.ptr, r->key.len);
    }
    if (r->value.len > 0) {
        memcpy(mem + r->key.len, r->value.ptr, r->value.len);
    }
    if (r->headers.len > 0) {
        memcpy(mem + r->key.len + r->value.len, r->headers.ptr, r->headers.len);
    }
    log->messages[log->n++] = msg;
    return 0;
}

static struct broker_report
store_one(struct topic *t, const struct broker_record *r, int32_t sticky)
{
    struct broker_report rep = {r->partition, -1, ERR_NONE};
    struct err e = {.code = ERR_NONE};

    if (r->partition < 0) {
        rep.partition =
            r->has_key ? partition_of_key(r->key, t->info.partitions) : sticky;
    }
    if (r->partition < -1 || r->partition >= t->info.partitions) {
        rep.code = ERR_NOTFOUND;
    } else if (r->key.len + r->value.len + r->headers.len > RECORD_MAX) {
        rep.code = ERR_LIMIT;
    } else if (append(&t->logs[rep.partition], r, &e) < 0) {
        rep.code = e.code;
    } else {
        rep.offset = (int64_t)t->logs[rep.partition].n - 1;
        return rep;
    }
    rep.partition = -1;
    return rep;
}

/* Every record is a run of its own: simple, and only memory is at stake. */
static int remember(struct memory *m, const struct broker_produce *p,
                    struct codec_key *k, struct err *e)
{
    struct codec_run *runs = mem_zero(p->n, sizeof(*runs));
    int rc;

    if (runs == NULL) {
        return err_nomem(e, p->n * sizeof(*runs));
    }
    for (size_t i = 0; i < p->n; i++) {
        runs[i] = (struct codec_run){p->reports[i].partition, 1,
                                     p->reports[i].offset};
        if (p->reports[i].code != ERR_NONE) {
            runs[i].partition = -(int32_t)p->reports[i].code;
        }
    }
    k->runs = (uint32_t)p->n;
    rc = window_add(m->window, k, runs, clock_wall_us(), e);
    mem_free(runs);
    return rc;
}

static void store(struct memory *m, struct topic *t, struct broker_produce *p)
{
    struct codec_key k = {.runs = 0};
    const struct window_entry *en = NULL;
    int32_t sticky = partition_without_key(&t->sticky, p->records[0].value.len,
                                           t->info.partitions);

    window_expire(m->window, clock_wall_us());
    if (p->idempotency_key.len > 0) {
        window_hash(t->info.epoch, p->principal, p->idempotency_key, k.hash);
        memcpy(k.digest, p->body_digest, sizeof(k.digest));
        en = window_find(m->window, k.hash);
    }
    if (en && memcmp(en->digest, k.digest, sizeof(k.digest)) != 0) {
        (void)err_set(&p->error, ERR_CONFLICT,
                      "idempotency key was used before with another body");
        return;
    }
    if (en) {
        window_answer(en, p->reports, p->n);
        p->repeated = true;
        m->stats.repeats++;
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        p->reports[i] = store_one(t, &p->records[i], sticky);
    }
    if (p->idempotency_key.len > 0) {
        (void)remember(m, p, &k, &p->error);
    }
    m->stats.commits++;
    m->stats.records += (int64_t)p->n;
    cond_broadcast(&m->moved);
}

static int produce(struct broker *b, struct broker_produce *p, struct err *e)
{
    struct memory *m = memory_of(b);
    struct topic *t;

    mutex_lock(&m->lock);
    t = find(m, p->topic, e);
    if (t) {
        store(m, t, p);
    }
    mutex_unlock(&m->lock);
    if (t == NULL) {
        return -1;
    }
    p->done(p);
    return 0;
}

/* Messages never move once they are stored but their array may: it is copied
 * under the lock. */
static int fetch(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e)
{
    struct memory *m = memory_of(b);
    struct log *log;
    size_t bytes = 0;
    size_t n = 0;
    int rc = -1;

    mutex_lock(&m->lock);
    log = find_log(m, topic, partition, e);
    if (log && offset > (int64_t)log->n) {
        rc = err_set(e, ERR_INVALID,
                     "offset %" PRId64 " is past the end, which is %zu", offset,
                     log->n);
    } else if (log) {
        const struct message *from = &log->messages[offset];
        void *copy;

        while (offset + (int64_t)n < (int64_t)log->n &&
               (n == 0 || bytes < max_bytes)) {
            bytes += from[n].key.len + from[n].value.len + 16;
            n++;
        }
        copy = mem_resize(f->state, n + 1, sizeof(*f->messages));
        rc = copy ? 0 : err_nomem(e, n * sizeof(*f->messages));
        if (copy) {
            f->state = copy;
            f->messages = copy;
            f->n = n;
            f->next = offset + (int64_t)n;
            f->end = (int64_t)log->n;
            if (n > 0) {
                memcpy(copy, from, n * sizeof(*from));
            }
        }
    }
    mutex_unlock(&m->lock);
    return rc;
}

static void fetch_release(struct broker *b, struct broker_fetch *f)
{
    (void)b;
    mem_free(f->state);
    *f = (struct broker_fetch){0};
}

static bool wait_for(struct broker *b, const char *topic, int32_t partition,
                     int64_t offset, int64_t timeout_us)
{
    struct memory *m = memory_of(b);
    int64_t until = clock_mono_us() + timeout_us;
    bool there = false;
    bool late = false;

    mutex_lock(&m->lock);
    while (!there && !late) {
        struct log *log = find_log(m, topic, partition, NULL);

        there = log && (int64_t)log->n > offset;
        late = !there && !cond_wait_until(&m->moved, &m->lock, until);
    }
    mutex_unlock(&m->lock);
    return there;
}

static int commit_one(struct memory *m, const char *group,
                      const struct broker_position *p, const int64_t *expect,
                      struct err *e)
{
    struct topic *t = find(m, p->topic, e);
    const struct broker_position *old =
        positions_find(&m->positions, group, p->topic, p->partition);

    if (t == NULL) {
        return -1;
    }
    if (p->epoch != 0 && p->epoch != t->info.epoch) {
        return err_set(e, ERR_NOTFOUND, "topic \"%s\" was deleted", p->topic);
    }
    if (expect && *expect != (old ? old->offset : -1)) {
        return err_set(e, ERR_FENCED,
                       "position of group \"%s\" in \"%s\" partition %" PRId32
                       " is not %" PRId64,
                       group, p->topic, p->partition, *expect);
    }
    return 0;
}

/* All are checked before the first is stored. */
static int group_commit(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e)
{
    struct memory *m = memory_of(b);
    int rc = 0;

    mutex_lock(&m->lock);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = commit_one(m, group, &p[i], expect ? &expect[i] : NULL, e);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct topic *t = find(m, p[i].topic, e);
        struct broker_position own = p[i];

        own.epoch = t ? t->info.epoch : 0;
        rc = t ? positions_set(&m->positions, group, &own, e) : -1;
    }
    mutex_unlock(&m->lock);
    return rc;
}

static int group_get(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e)
{
    struct memory *m = memory_of(b);
    const struct broker_position *p;

    mutex_lock(&m->lock);
    p = positions_find(&m->positions, group, topic, partition);
    if (p) {
        *ret = *p;
    }
    mutex_unlock(&m->lock);
    return p ? 0
             : err_set(e, ERR_NOTFOUND,
                       "group \"%s\" has no position in \"%s\" partition "
                       "%" PRId32,
                       group, topic, partition);
}

static int group_list(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e)
{
    struct memory *m = memory_of(b);
    int rc;

    mutex_lock(&m->lock);
    rc = positions_groups(&m->positions, ret, n, e);
    mutex_unlock(&m->lock);
    return rc;
}

static int group_positions(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e)
{
    struct memory *m = memory_of(b);
    int rc;

    mutex_lock(&m->lock);
    rc = positions_of(&m->positions, group, ret, n, e);
    mutex_unlock(&m->lock);
    return rc;
}

static int group_delete(struct broker *b, const char *group, struct err *e)
{
    struct memory *m = memory_of(b);
    size_t n;

    mutex_lock(&m->lock);
    n = positions_drop(&m->positions, group, NULL);
    mutex_unlock(&m->lock);
    return n > 0 ? 0
                 : err_set(e, ERR_NOTFOUND, "there is no group \"%s\"", group);
}

static void count_all(struct broker *b, struct broker_stats *ret)
{
    struct memory *m = memory_of(b);

    mutex_lock(&m->lock);
    *ret = m->stats;
    mutex_unlock(&m->lock);
}

static void close_memory(struct broker *b)
{
    struct memory *m = memory_of(b);

    for (size_t i = 0; i < m->ntopics; i++) {
        free_topic(&m->topics[i]);
    }
    mem_free(m->topics);
    positions_release(&m->positions);
    window_close(m->window);
    mutex_release(&m->lock);
    cond_release(&m->moved);
    mem_free(m);
}

static int open_memory(struct broker **ret, const struct broker_conf *conf,
                       struct err *e)
{
    struct memory *m = mem_zero(1, sizeof(*m));
    int64_t us = conf->idempotency_us ? conf->idempotency_us : 600000000;
    int64_t keys = conf->idempotency_keys ? conf->idempotency_keys : 1000000;

    if (m == NULL) {
        return err_nomem(e, sizeof(*m));
    }
    m->base.ops = &broker_memory;
    mutex_init(&m->lock);
    cond_init(&m->moved);
    if (window_open(&m->window, us, keys, e) < 0) {
        close_memory(&m->base);
        return -1;
    }
    *ret = &m->base;
    return 0;
}

const struct broker_ops broker_memory = {
    .name = "memory",
    .help = "topics in memory, for tests: gone when the program ends",
    .open = open_memory,
    .close = close_memory,
    .topic_create = topic_create,
    .topic_delete = topic_delete,
    .topic_get = topic_get,
    .topic_list = topic_list,
    .offsets = offsets,
    .offset_at = offset_at,
    .produce = produce,
    .fetch = fetch,
    .fetch_release = fetch_release,
    .wait = wait_for,
    .group_commit = group_commit,
    .group_get = group_get,
    .group_list = group_list,
    .group_positions = group_positions,
    .group_delete = group_delete,
    .stats = count_all,
};

#include "fake_broker.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "broker/cluster.h"
#include "broker/member.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    TOPICS = 64,
    PARTITIONS = 8,
    RECORDS = 4096,
    KEYS = 1024,
};

struct log {
    struct message messages[RECORDS];
    int64_t n;
    int64_t position; /* of the one group */
};

struct fake_topic {
    struct broker_topic t;
    struct log logs[PARTITIONS];
};

struct key {
    struct slice key;
    uint8_t digest[16];
    struct broker_report report; /* of its first record */
};

struct broker {
    struct mutex lock;
    struct cond change;
    struct fake_conf conf;
    atomic_llong ask_us;
    struct fake_topic *topics[TOPICS];
    size_t n;
    struct key keys[KEYS];
    size_t n_keys;
    struct broker_produce *queue;
    struct arena arena;
    struct thread thread;
    bool stop;
};

static struct fake_topic *find(struct broker *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++) {
        if (strcmp(b->topics[i]->t.name, name) == 0) {
            return b->topics[i];
        }
    }
    return NULL;
}

/* The api asks only for what it has found. */
static struct log *log_of(struct broker *b, const char *topic,
                          int32_t partition)
{
    struct fake_topic *t = find(b, topic);

    if (t == NULL || partition < 0 || partition >= PARTITIONS) {
        abort();
    }
    return &t->logs[partition];
}

static struct slice keep(struct broker *b, struct slice s)
{
    struct slice copy = {NULL, 0};

    (void)!arena_copy(&b->arena, s, &copy, NULL);
    return copy;
}

static void store(struct broker *b, struct broker_produce *p, size_t i)
{
    struct fake_topic *t = find(b, p->topic);
    const struct broker_record *r = &p->records[i];
    int32_t partition = r->partition < 0 ? 0 : r->partition;
    struct log *log;

    p->reports[i] = (struct broker_report){.code = ERR_NOTFOUND};
    if (t == NULL) {
        return;
    }
    if (i + 1 == p->n && b->conf.fail_record != ERR_NONE) {
        p->reports[i].code = b->conf.fail_record;
        return;
    }
    if (partition >= t->t.partitions || t->logs[partition].n == RECORDS) {
        return;
    }
    log = &t->logs[partition];
    log->messages[log->n] = (struct message){.offset = log->n,
                                             .key = keep(b, r->key),
                                             .value = keep(b, r->value),
                                             .has_key = r->has_key,
                                             .has_value = r->has_value};
    p->reports[i] =
        (struct broker_report){.partition = partition, .offset = log->n++};
}

static bool repeat(struct broker *b, struct broker_produce *p)
{
    for (size_t i = 0; i < b->n_keys; i++) {
        if (slice_eq(b->keys[i].key, p->idempotency_key)) {
            p->repeated = true;
            p->reports[0] = b->keys[i].report;
            if (memcmp(b->keys[i].digest, p->body_digest, 16) != 0) {
                (void)err_set(&p->error, ERR_CONFLICT, "another body");
            }
            return true;
        }
    }
    return false;
}

static void run(struct broker *b, struct broker_produce *p)
{
    p->error = (struct err){.code = ERR_NONE};
    if (b->conf.fail != ERR_NONE) {
        (void)err_set(&p->error, b->conf.fail, "the fake fails as told");
        return;
    }
    if (p->idempotency_key.len > 0 && repeat(b, p)) {
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        store(b, p, i);
    }
    if (p->idempotency_key.len > 0 && b->n_keys < KEYS) {
        struct key *k = &b->keys[b->n_keys++];

        k->key = keep(b, p->idempotency_key);
        memcpy(k->digest, p->body_digest, 16);
        k->report = p->reports[0];
    }
}

static void work(void *arg)
{
    struct broker *b = arg;

    mutex_lock(&b->lock);
    while (!b->stop || b->queue != NULL) {
        struct broker_produce *p = b->queue;

        if (p == NULL || (b->conf.hold && !b->stop)) {
            cond_wait(&b->change, &b->lock);
            continue;
        }
        b->queue = p->next;
        if (b->conf.delay_us > 0) {
            mutex_unlock(&b->lock);
            clock_sleep_us(b->conf.delay_us);
            mutex_lock(&b->lock);
        }
        run(b, p);
        mutex_unlock(&b->lock);
        p->done(p);
        mutex_lock(&b->lock);
    }
    mutex_unlock(&b->lock);
}

struct broker *fake_broker_new(void)
{
    struct broker *b = mem_zero(1, sizeof(*b));

    if (b == NULL) {
        return NULL;
    }
    mutex_init(&b->lock);
    cond_init(&b->change);
    arena_init(&b->arena, (size_t)1 << 30);
    if (thread_start(&b->thread, "fake-broker", work, b, NULL) != 0) {
        fake_broker_free(b);
        return NULL;
    }
    return b;
}

void fake_broker_free(struct broker *b)
{
    if (b == NULL) {
        return;
    }
    mutex_lock(&b->lock);
    b->stop = true;
    cond_broadcast(&b->change);
    mutex_unlock(&b->lock);
    thread_join(&b->thread);
    for (size_t i = 0; i < b->n; i++) {
        mem_free(b->topics[i]);
    }
    arena_release(&b->arena);
    cond_release(&b->change);
    mutex_release(&b->lock);
    mem_free(b);
}

void fake_broker_set(struct broker *b, const struct fake_conf *c)
{
    mutex_lock(&b->lock);
    b->conf = *c;
    atomic_store(&b->ask_us, c->ask_us);
    cond_broadcast(&b->change);
    mutex_unlock(&b->lock);
}

void fake_let_go(struct broker *b)
{
    struct fake_conf none = {.fail = ERR_NONE};

    fake_broker_set(b, &none);
}

int fake_broker_waiting(struct broker *b)
{
    int n = 0;

    mutex_lock(&b->lock);
    for (struct broker_produce *p = b->queue; p != NULL; p = p->next) {
        n++;
    }
    mutex_unlock(&b->lock);
    return n;
}

bool fake_broker_value(struct broker *b, const char *topic, int32_t partition,
                       int64_t offset, struct slice *ret)
{
    struct fake_topic *t;
    bool found;

    mutex_lock(&b->lock);
    t = find(b, topic);
    found = t != NULL && offset < t->logs[partition].n;
    if (found) {
        *ret = t->logs[partition].messages[offset].value;
    }
    mutex_unlock(&b->lock);
    return found;
}

/* What a question takes; fake_let_go() ends it. */
static void take_time(struct broker *b)
{
    int64_t until = clock_mono_us() + atomic_load(&b->ask_us);

    while (atomic_load(&b->ask_us) > 0 && clock_mono_us() < until) {
        clock_sleep_us(1000);
    }
}

/* ---- broker/broker.h ---- */

bool broker_topic_name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c <= ' ' || c > 'z' || c == '/' || c == '%') {
            return false;
        }
    }
    return name.len > 0 && name.len <= TOPIC_NAME_MAX && !slice_is(name, ".") &&
           !slice_is(name, "..");
}

int broker_topic_create(struct broker *b, const struct broker_topic *t,
                        struct err *e)
{
    int rc = 0;

    mutex_lock(&b->lock);
    if (find(b, t->name) != NULL) {
        rc = err_set(e, ERR_EXISTS, "topic \"%s\" exists already", t->name);
    } else if (b->n == TOPICS) {
        rc = err_set(e, ERR_LIMIT, "too many topics");
    } else {
        b->topics[b->n] = mem_zero(1, sizeof(struct fake_topic));
        if (b->topics[b->n] == NULL) {
            rc = err_nomem(e, sizeof(struct fake_topic));
        } else {
            b->topics[b->n++]->t = *t;
            for (size_t i = b->n - 1; i > 0; i--) { /* by name */
                struct fake_topic *last = b->topics[i];

                if (strcmp(last->t.name, b->topics[i - 1]->t.name) < 0) {
                    b->topics[i] = b->topics[i - 1];
                    b->topics[i - 1] = last;
                }
            }
        }
    }
    mutex_unlock(&b->lock);
    return rc;
}

int broker_topic_get(struct broker *b, const char *name,
                     struct broker_topic *ret, struct err *e)
{
    struct fake_topic *t;

    take_time(b);
    mutex_lock(&b->lock);
    t = find(b, name);
    if (t != NULL) {
        *ret = t->t;
    }
    mutex_unlock(&b->lock);
    return t != NULL ? 0
                     : err_set(e, ERR_NOTFOUND, "topic \"%s\" not found", name);
}

int broker_topic_list(struct broker *b, struct broker_topic **ret, size_t *n,
                      struct err *e)
{
    struct broker_topic *list = mem_zero(b->n + 1, sizeof(*list));

    if (list == NULL) {
        return err_nomem(e, sizeof(*list));
    }
    take_time(b);
    mutex_lock(&b->lock);
    for (size_t i = 0; i < b->n; i++) {
        list[i] = b->topics[i]->t;
    }
    *n = b->n;
    mutex_unlock(&b->lock);
    *ret = list;
    return 0;
}

int broker_offsets(struct broker *b, const char *topic, int32_t partition,
                   int64_t *ret_begin, int64_t *ret_end, struct err *e)
{
    (void)e;
    mutex_lock(&b->lock);
    *ret_begin = 0;
    *ret_end = log_of(b, topic, partition)->n;
    mutex_unlock(&b->lock);
    return 0;
}

int broker_produce_start(struct broker *b, struct broker_produce *p,
                         struct err *e)
{
    struct broker_produce **last;

    (void)e;
    p->next = NULL;
    mutex_lock(&b->lock);
    for (last = &b->queue; *last != NULL; last = &(*last)->next) {
    }
    *last = p;
    cond_broadcast(&b->change);
    mutex_unlock(&b->lock);
    return 0;
}

int broker_fetch(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e)
{
    struct log *log;

    (void)e;
    (void)max_bytes;
    mutex_lock(&b->lock);
    log = log_of(b, topic, partition);
    f->n = offset < log->n ? 1 : 0;
    f->messages = &log->messages[offset];
    mutex_unlock(&b->lock);
    return 0;
}

void broker_fetch_release(struct broker *b, struct broker_fetch *f)
{
    (void)b;
    f->n = 0;
}

int broker_group_get(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e)
{
    (void)group;
    (void)e;
    mutex_lock(&b->lock);
    ret->offset = log_of(b, topic, partition)->position;
    mutex_unlock(&b->lock);
    return 0;
}

int broker_group_commit(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e)
{
    (void)group;
    (void)expect;
    (void)e;
    mutex_lock(&b->lock);
    for (size_t i = 0; i < n; i++) {
        log_of(b, p[i].topic, p[i].partition)->position = p[i].offset;
    }
    mutex_unlock(&b->lock);
    return 0;
}

void broker_stats(struct broker *b, struct broker_stats *ret)
{
    (void)b;
    *ret = (struct broker_stats){.commits = 0};
}

/* ---- what only consumers and v3 ask for: cases of those run on memory ---- */

static int not_here(struct err *e)
{
    return err_set(e, ERR_UNAVAILABLE, "the fake broker does not do that");
}

int broker_topic_delete(struct broker *b, const char *name, struct err *e)
{
    (void)b;
    (void)name;
    return not_here(e);
}

int broker_offset_at(struct broker *b, const char *topic, int32_t partition,
                     int64_t time_us, int64_t *ret, struct err *e)
{
    (void)b;
    (void)topic;
    (void)partition;
    (void)time_us;
    (void)ret;
    return not_here(e);
}

int broker_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e)
{
    (void)b;
    (void)ret;
    (void)n;
    return not_here(e);
}

int broker_group_positions(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e)
{
    (void)b;
    (void)group;
    (void)ret;
    (void)n;
    return not_here(e);
}

int member_join(struct member **ret, struct broker *b,
                const struct member_conf *conf, struct err *e)
{
    (void)ret;
    (void)b;
    (void)conf;
    return not_here(e);
}

void member_leave(struct member *m)
{
    (void)m;
}

int member_poll(struct member *m, int64_t timeout_us, struct member_change *ret,
                struct err *e)
{
    (void)m;
    (void)timeout_us;
    (void)ret;
    return not_here(e);
}

int member_subscribe(struct member *m, const struct member_conf *conf,
                     struct err *e)
{
    (void)m;
    (void)conf;
    return not_here(e);
}

int member_commit(struct member *m, const struct broker_position *p, size_t n,
                  struct err *e)
{
    (void)m;
    (void)p;
    (void)n;
    return not_here(e);
}

int member_fetch(struct member *m, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e)
{
    (void)m;
    (void)topic;
    (void)partition;
    (void)offset;
    (void)max_bytes;
    (void)f;
    return not_here(e);
}

void member_fetch_release(struct member *m, struct broker_fetch *f)
{
    (void)m;
    (void)f;
}

int member_list(struct broker *b, const char *group, struct member_owner **ret,
                size_t *n, struct err *e)
{
    (void)b;
    (void)group;
    (void)ret;
    (void)n;
    return not_here(e);
}

void broker_health(struct broker *b, struct broker_health *ret)
{
    *ret = (struct broker_health){.ok = true};
    if (b->conf.sick) {
        *ret = (struct broker_health){.brokers = 1,
                                      .away = 2,
                                      .waiting = 3,
                                      .reason = "a \"far\" side is away"};
    }
}

size_t broker_nodes(struct broker *b, struct broker_node *ret, size_t max)
{
    static const struct broker_node nodes[] = {{"far", 1, true},
                                               {"further", 2, false}};
    size_t n;

    for (n = 0; b->conf.sick && n < ARRAY_LEN(nodes) && n < max; n++) {
        ret[n] = nodes[n];
    }
    return n;
}

int broker_produce(struct broker *b, struct broker_produce *p, struct err *e)
{
    (void)b;
    (void)p;
    return not_here(e);
}

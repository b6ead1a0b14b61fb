#include "broker/kafka_keys_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/window.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    CHAINS = 4096,
    PARTS_MAX = 10000,     /* requests remembered that are done in part */
    RECORDS_MAX = 1000000, /* of one request */
    HELD_MAX = 10000,      /* requests that wait for earlier ones */
    HELD_BYTES = 64 << 20, /* one of them is always let in */
};
/* A record that is not known to be stored. */
#define MISSING ERR_INTERRUPTED

struct kafka_asked {
    uint8_t hash[CODEC_KEY_HASH], digest[CODEC_KEY_HASH];
    size_t n;
    int64_t at_us;
    bool under_way;
    bool unsure; /* some may be stored although nobody said so */
    bool sought; /* offsets that nobody told are looked for in the topic */
    struct broker_produce *same; /* asked meanwhile; by .next */
    struct kafka_asked *next;    /* of its chain */
    struct broker_report reports[];
};

struct kafka_keys {
    struct kafka *k;
    struct mutex lock;
    struct cond woken;
    struct window *window;
    struct kafka_asked *chains[CHAINS];
    size_t parts; /* in the chains, not under way */
    int64_t keep_us;
    struct kafka_tails tails;
    size_t held; /* requests in `later` and in all `same` */
    size_t held_bytes;
    struct broker_produce *later; /* until the tail of their topic was read */
    struct thread thread;
    bool stopping;
};

/* ---- what is known; under the lock ---- */

static struct kafka_asked **find(struct kafka_keys *s, const uint8_t *hash)
{
    uint32_t c;
    struct kafka_asked **at;

    memcpy(&c, hash, sizeof(c));
    at = &s->chains[c % CHAINS];
    while (*at != NULL && memcmp((*at)->hash, hash, CODEC_KEY_HASH) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(struct kafka_keys *s, struct kafka_asked **at)
{
    struct kafka_asked *a = *at;

    *at = a->next;
    s->parts -= !a->under_way;
    mem_free(a);
}

/* Old ones leave; when there are too many, all that nobody works on.  What may be
 * stored of those is found in the topics. */
static void expire(struct kafka_keys *s, int64_t now)
{
    int64_t old = now - s->keep_us;
    int64_t before = s->parts > PARTS_MAX ? INT64_MAX : old;
    bool lost = false;

    window_expire(s->window, now);
    for (size_t c = 0; s->parts > 0 && c < CHAINS; c++) {
        struct kafka_asked **at = &s->chains[c];

        while (*at != NULL) {
            if (!(*at)->under_way && (*at)->at_us < before) {
                lost = lost || ((*at)->unsure && (*at)->at_us >= old);
                drop(s, at);
            } else {
                at = &(*at)->next;
            }
        }
    }
    if (lost) {
        kafka_tails_forget(&s->tails, NULL);
    }
}

static struct kafka_asked *add(struct kafka_keys *s, const uint8_t *hash,
                               const uint8_t *digest, size_t n, int64_t at_us)
{
    struct kafka_asked *a =
        mem_resize(NULL, 1, sizeof(*a) + n * sizeof(a->reports[0]));
    struct kafka_asked **at = find(s, hash);

    if (a == NULL) {
        return NULL;
    }
    *a = (struct kafka_asked){.n = n, .at_us = at_us, .next = *at};
    memcpy(a->hash, hash, CODEC_KEY_HASH);
    memcpy(a->digest, digest, CODEC_KEY_HASH);
    for (size_t i = 0; i < n; i++) {
        a->reports[i] = (struct broker_report){-1, -1, MISSING};
    }
    *at = a;
    s->parts++;
    return a;
}

/* Nothing of it can change any more: into the window, as runs. */
static int settle(struct kafka_keys *s, const struct kafka_asked *a)
{
    struct codec_run *runs = mem_zero(a->n, sizeof(*runs));
    struct codec_key key = {.runs = 0};
    struct err e;
    int rc;

    if (runs == NULL) {
        return -1;
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct broker_report *r = &a->reports[i];
        struct codec_run *last = key.runs > 0 ? &runs[key.runs - 1] : NULL;
        int32_t part = r->code == ERR_NONE ? r->partition : -(int32_t)r->code;

        if (last != NULL && last->partition == part &&
            (part < 0 || (r->offset >= 0 &&
                          last->first + (int64_t)last->count == r->offset))) {
            last->count++;
        } else {
            runs[key.runs++] = (struct codec_run){part, 1, r->offset};
        }
    }
    memcpy(key.hash, a->hash, sizeof(key.hash));
    memcpy(key.digest, a->digest, sizeof(key.digest));
    rc = window_add(s->window, &key, runs, a->at_us, &e);
    mem_free(runs);
    return rc;
}

static size_t missing(const struct kafka_asked *a)
{
    size_t n = 0;

    for (size_t i = 0; i < a->n; i++) {
        n += a->reports[i].code == MISSING;
    }
    return n;
}

/* Stored, and Kafka did not say where: it knew a record it was sent again. */
static bool unplaced(const struct broker_report *r)
{
    return r->code == ERR_NONE && r->offset < 0;
}

static uint32_t get_u32(const char *p)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4; i++) {
        v |= (uint32_t)(unsigned char)p[i] << 8 * i;
    }
    return v;
}

void kafka_keys_seen(struct kafka_keys *s, const rd_kafka_message_t *m,
                     int64_t time_us, struct slice header)
{
    const uint8_t *hash = (const uint8_t *)header.ptr;
    struct kafka_asked *a;
    uint32_t i;
    uint32_t n;

    if (header.len != KAFKA_KEY_BYTES) {
        return;
    }
    i = get_u32(header.ptr + 32);
    n = get_u32(header.ptr + 36);
    mutex_lock(&s->lock);
    a = *find(s, hash);
    if (window_find(s->window, hash) == NULL && n <= RECORDS_MAX && i < n) {
        a = a ? a : add(s, hash, hash + CODEC_KEY_HASH, n, time_us);
        if (a != NULL && a->n == n && (!a->under_way || a->sought) &&
            (a->reports[i].code == MISSING || unplaced(&a->reports[i]))) {
            a->reports[i] =
                (struct broker_report){m->partition, m->offset, ERR_NONE};
            if (i == n - 1 && !a->under_way && missing(a) == 0 &&
                settle(s, a) == 0) {
                drop(s, find(s, hash));
            }
        }
    }
    mutex_unlock(&s->lock);
}

/* ---- the tail of a topic ---- */

static bool stopping(void *arg)
{
    struct kafka_keys *s = arg;
    bool yes;

    mutex_lock(&s->lock);
    yes = s->stopping;
    mutex_unlock(&s->lock);
    return yes;
}

static int read_tail(struct kafka_keys *s, const char *topic, struct err *e)
{
    const struct kafka_tail what = {s, clock_wall_us() - s->keep_us, stopping,
                                    s};
    struct broker_topic t;
    uint64_t forgets;
    bool read;
    int rc;

    if (kafka_topic_op_get(&s->k->base, topic, &t, e) < 0) {
        return -1;
    }
    mutex_lock(&s->lock);
    read = kafka_tails_read(&s->tails, topic, t.epoch);
    forgets = s->tails.forgets;
    mutex_unlock(&s->lock);
    if (read) {
        return 0;
    }
    if (kafka_tail_read(s->k, &t, &what, e) < 0) {
        return -1;
    }
    mutex_lock(&s->lock);
    rc = kafka_tails_add(&s->tails, topic, t.epoch, forgets, e);
    mutex_unlock(&s->lock);
    return rc;
}

/* ---- requests that wait here; under the lock ---- */

static int hold(struct kafka_keys *s, const struct broker_produce *p,
                struct err *e)
{
    size_t bytes = kafka_produce_bytes(p);

    if (s->held > 0 &&
        (s->held >= HELD_MAX || s->held_bytes + bytes > HELD_BYTES)) {
        return err_set(e, ERR_BUSY,
                       "%zu requests wait for what came of earlier ones: try "
                       "again later",
                       s->held);
    }
    s->held++;
    s->held_bytes += bytes;
    return 0;
}

static void let_go(struct kafka_keys *s, const struct broker_produce *p)
{
    s->held--;
    s->held_bytes -= kafka_produce_bytes(p);
}

/* Done but for offsets that nobody told: they stand in the topic. */
static void place(struct kafka_keys *s, struct broker_produce *p)
{
    struct kafka_asked *a = p->state;
    struct err e;

    p->state = NULL;
    (void)!read_tail(s, p->topic, &e);
    mutex_lock(&s->lock);
    for (size_t i = 0; i < a->n; i++) {
        if (unplaced(&p->reports[i])) {
            p->reports[i] = a->reports[i];
        }
    }
    mutex_unlock(&s->lock);
    (void)kafka_keys_end(s->k, a, p);
    p->done(p);
}

static void work(void *arg)
{
    struct kafka_keys *s = arg;

    mutex_lock(&s->lock);
    while (!s->stopping || s->later != NULL) {
        struct broker_produce *p = s->later;
        struct err e = {.code = ERR_NONE};

        if (p == NULL) {
            cond_wait(&s->woken, &s->lock);
            continue;
        }
        s->later = p->next;
        if (p->state != NULL) {
            mutex_unlock(&s->lock);
            place(s, p);
            mutex_lock(&s->lock);
            continue;
        }
        let_go(s, p);
        mutex_unlock(&s->lock);
        if (read_tail(s, p->topic, &e) < 0 ||
            kafka_produce_start(&s->k->base, p, &e) < 0) {
            p->error = e;
            p->done(p);
        }
        mutex_lock(&s->lock);
    }
    mutex_unlock(&s->lock);
}

/* ---- a request; under the lock ---- */

/* The thread runs, and will. */
static int ready(struct kafka_keys *s, struct err *e)
{
    if (s->stopping) {
        return err_set(e, ERR_INTERRUPTED, "the broker is being closed");
    }
    return s->thread.running
               ? 0
               : thread_start(&s->thread, "kafka-keys", work, s, e);
}

static void queue(struct kafka_keys *s, struct broker_produce *p)
{
    struct broker_produce **end = &s->later;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    p->next = NULL;
    *end = p;
    cond_signal(&s->woken);
}

static enum kafka_keys_next put_off(struct kafka_keys *s,
                                    struct broker_produce *p, struct err *e)
{
    if (ready(s, e) < 0) {
        return KAFKA_KEYS_ERROR;
    }
    if (hold(s, p, e) < 0) {
        return KAFKA_KEYS_ERROR;
    }
    queue(s, p);
    return KAFKA_KEYS_LATER;
}

static enum kafka_keys_next conflict(struct broker_produce *p)
{
    (void)err_set(&p->error, ERR_CONFLICT,
                  "idempotency key was used before with another body");
    return KAFKA_KEYS_ANSWER;
}

static enum kafka_keys_next begin(struct kafka_keys *s,
                                  struct broker_produce *p, int64_t epoch,
                                  struct kafka_asked **ret, struct err *e)
{
    const struct window_entry *en;
    struct kafka_asked *a;
    uint8_t hash[CODEC_KEY_HASH];

    window_hash(epoch, p->principal, p->idempotency_key, hash);
    expire(s, clock_wall_us());
    en = window_find(s->window, hash);
    if (en != NULL) {
        if (memcmp(en->digest, p->body_digest, CODEC_KEY_HASH) != 0) {
            return conflict(p);
        }
        window_answer(en, p->reports, p->n);
        p->repeated = true;
        return KAFKA_KEYS_ANSWER;
    }
    a = *find(s, hash);
    if (a != NULL && (a->n != p->n ||
                      memcmp(a->digest, p->body_digest, CODEC_KEY_HASH) != 0)) {
        return conflict(p);
    }
    if (a != NULL && a->under_way) {
        if (hold(s, p, e) < 0) {
            return KAFKA_KEYS_ERROR;
        }
        p->next = a->same;
        a->same = p;
        return KAFKA_KEYS_LATER;
    }
    if (a != NULL && a->unsure) {
        a->unsure = false;
        kafka_tails_forget(&s->tails, p->topic);
    }
    if (!kafka_tails_read(&s->tails, p->topic, epoch)) {
        return put_off(s, p, e);
    }
    if (a == NULL) {
        a = add(s, hash, p->body_digest, p->n, clock_wall_us());
    }
    if (a == NULL) {
        (void)err_nomem(e, sizeof(*a));
        return KAFKA_KEYS_ERROR;
    }
    a->under_way = true;
    s->parts--;
    *ret = a;
    return KAFKA_KEYS_SEND;
}

enum kafka_keys_next kafka_keys_begin(struct kafka *k, struct broker_produce *p,
                                      int64_t epoch, struct kafka_asked **ret,
                                      struct err *e)
{
    enum kafka_keys_next next;

    mutex_lock(&k->keys->lock);
    next = begin(k->keys, p, epoch, ret, e);
    mutex_unlock(&k->keys->lock);
    return next;
}

bool kafka_keys_known(const struct kafka_asked *a, size_t i,
                      struct broker_report *ret)
{
    if (a->reports[i].code == MISSING) {
        return false;
    }
    *ret = a->reports[i];
    return true;
}

static void put_u32(char *at, size_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (char)(v >> 8 * i & 0xff);
    }
}

void kafka_keys_header(const struct kafka_asked *a, size_t i,
                       char ret[KAFKA_KEY_BYTES])
{
    memcpy(ret, a->hash, CODEC_KEY_HASH);
    memcpy(ret + CODEC_KEY_HASH, a->digest, CODEC_KEY_HASH);
    put_u32(ret + 32, i);
    put_u32(ret + 36, a->n);
}

/* What was refused for good stays so; the rest may be tried again. */
static void note(struct kafka_asked *a, const struct broker_produce *p)
{
    for (size_t i = 0; i < a->n; i++) {
        const struct broker_report *r = &p->reports[i];

        if (r->code == ERR_NONE ||
            (!err_retriable(r->code) && r->code != MISSING)) {
            a->reports[i] = *r;
        } else {
            a->reports[i].code = MISSING;
            a->unsure = a->unsure || r->code != ERR_BUSY;
        }
    }
}

/* Look for offsets in the topic, once. */
static bool seek(struct kafka_keys *s, struct kafka_asked *a,
                 struct broker_produce *p)
{
    size_t i = 0;

    while (i < a->n && !unplaced(&p->reports[i])) {
        i++;
    }
    if (i == a->n || a->sought || p->error.code != ERR_NONE ||
        ready(s, NULL) < 0) {
        a->sought = false;
        return false;
    }
    a->sought = true;
    kafka_tails_forget(&s->tails, p->topic);
    p->state = a;
    queue(s, p);
    return true;
}

bool kafka_keys_end(struct kafka *k, struct kafka_asked *a,
                    struct broker_produce *p)
{
    struct kafka_keys *s = k->keys;
    struct broker_produce *same;

    mutex_lock(&s->lock);
    note(a, p);
    if (seek(s, a, p)) {
        mutex_unlock(&s->lock);
        return false;
    }
    same = a->same;
    for (struct broker_produce *q = same; q != NULL; q = q->next) {
        let_go(s, q);
    }
    a->same = NULL;
    a->under_way = false;
    a->at_us = clock_wall_us(); /* it may have been long under way */
    s->parts++;
    if (missing(a) == 0 && settle(s, a) == 0) {
        drop(s, find(s, a->hash));
    }
    mutex_unlock(&s->lock);
    while (same != NULL) {
        struct broker_produce *q = same;

        same = q->next;
        q->next = NULL;
        memcpy(q->reports, p->reports, p->n * sizeof(p->reports[0]));
        q->error = p->error;
        q->repeated = true;
        q->done(q);
    }
    return true;
}

int kafka_keys_open(struct kafka_keys **ret, struct kafka *k,
                    const struct broker_conf *conf, struct err *e)
{
    struct kafka_keys *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->k = k;
    s->keep_us = conf->idempotency_us ? conf->idempotency_us : 600000000;
    if (window_open(&s->window, s->keep_us,
                    conf->idempotency_keys ? conf->idempotency_keys : 1000000,
                    e) < 0) {
        mem_free(s);
        return -1;
    }
    mutex_init(&s->lock);
    cond_init(&s->woken);
    *ret = s;
    return 0;
}

void kafka_keys_stop(struct kafka_keys *s)
{
    if (s != NULL) {
        mutex_lock(&s->lock);
        s->stopping = true;
        cond_signal(&s->woken);
        mutex_unlock(&s->lock);
        thread_join(&s->thread);
    }
}

void kafka_keys_close(struct kafka_keys *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t c = 0; c < CHAINS; c++) {
        while (s->chains[c] != NULL) {
            drop(s, &s->chains[c]);
        }
    }
    kafka_tails_forget(&s->tails, NULL);
    window_close(s->window);
    mutex_release(&s->lock);
    cond_release(&s->woken);
    mem_free(s);
}

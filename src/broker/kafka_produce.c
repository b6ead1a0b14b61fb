/*
 * Records go to the cluster by an idempotent producer with acks=all; a
 * request is done when each of its records was acknowledged or refused.
 *
 * A record's `opaque` is its slot in the request, so that its delivery report
 * finds both.  Payloads are not copied: the caller keeps them until done().
 */
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/kafka_keys_int.h"
#include "broker/kafka_produce_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    WAITING_MAX = 1000000,     /* records */
    WAITING_BYTES = 256 << 20, /* of all requests under way */
    OVERHEAD = 128,            /* of a record and its batch on the wire */
    FLUSH_STEP_MS = 100,
    HEADER_NAME_MAX = 1 << 16,
    AWAY_US = 60000000, /* no broker for so long: nothing is taken any more */
};

static struct kafka_request *request_of(const struct kafka_slot *s)
{
    return s->request;
}

static void add_counts(struct kafka *k, const struct kafka_request *r)
{
    int64_t us = clock_mono_us() - r->began_us;

    mutex_lock(&k->lock);
    k->stats.commits++;
    k->stats.records += (int64_t)r->asked->n;
    k->stats.bytes += (int64_t)r->bytes;
    k->stats.commit_us_total += us;
    if (us > k->stats.commit_us_max) {
        k->stats.commit_us_max = us;
    }
    if (r->first_error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka_answered(k);
    }
    cond_broadcast(&k->moved);
    mutex_unlock(&k->lock);
}

/* All of it failed for one reason: then the request did. */
static void judge(struct kafka *k, struct kafka_request *r)
{
    struct broker_produce *p = r->asked;

    for (size_t i = 0; i < p->n; i++) {
        if (p->reports[i].code == ERR_NONE) {
            return;
        }
    }
    if (r->first_error != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)kafka_fail(k, &p->error, r->first_error, NULL,
                         "store records in topic \"%s\"", p->topic);
    }
}

static void finish(struct kafka *k, struct kafka_request *r)
{
    struct broker_produce *p = r->asked;
    long long n = (long long)p->n; /* p may be gone soon */
    bool done;

    kafka_gather_done(k, r->topic, r->group);
    judge(k, r);
    add_counts(k, r);
    done = r->asked_before == NULL || kafka_keys_end(k, r->asked_before, p);
    kafka_topic_put(k, r->topic);
    atomic_fetch_sub(&k->waiting, n);
    atomic_fetch_sub(&k->waiting_bytes, (long long)r->bytes);
    mem_free(r);
    if (done) {
        p->done(p);
    }
}

static void drop_one(struct kafka *k, struct kafka_request *r)
{
    if (atomic_fetch_sub(&r->left, 1) == 1) {
        finish(k, r);
    }
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    const struct kafka_slot *s = m->_private;
    struct kafka *k = opaque;
    struct kafka_request *r = request_of(s);
    struct broker_report *rep = &r->asked->reports[s - r->slots];
    rd_kafka_resp_err_t err = m->err;

    (void)rk;
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        *rep = (struct broker_report){
            m->partition, m->offset >= 0 ? m->offset : -1, ERR_NONE};
    } else {
        /* never sent: what ended the producer is what was wrong */
        if (err == RD_KAFKA_RESP_ERR__PURGE_QUEUE &&
            k->broken_by != RD_KAFKA_RESP_ERR_NO_ERROR) {
            err = k->broken_by;
        }
        r->first_error = err;
        *rep = (struct broker_report){-1, -1, kafka_code(err)};
    }
    drop_one(k, r);
}

/* ---- the producer ---- */

static int make_producer(struct kafka *k, struct err *e)
{
    static const struct kafka_pair base[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"partitioner", "murmur2_random"},
        {"linger.ms", "0"}, /* requests are gathered here, not there */
        {"batch.size", "1000000"},
        {"batch.num.messages", "10000"},
        {"message.max.bytes", "100000000"},
        /* A record that was sent and not answered is sent again with its
         * number until it is: who gives one up has the producer begin a new
         * row of numbers, under which others are stored twice. */
        {"message.timeout.ms", "0"},
        {"request.timeout.ms", "10000"}, /* of replicas; then once more */
        {"queue.buffering.max.messages", "4000000"},
        {"queue.buffering.max.kbytes", "1048576"},
    };
    rd_kafka_conf_t *c = kafka_conf_make(k, base, ARRAY_LEN(base), e);
    rd_kafka_t *rk;

    if (c == NULL) {
        return -1;
    }
    k->rd->conf_set_dr_msg_cb(c, delivered);
    rk = kafka_conf_client(k, RD_KAFKA_PRODUCER, c, e);
    if (rk == NULL) {
        return -1;
    }
    k->producer = rk;
    k->producers++;
    k->broken_by = RD_KAFKA_RESP_ERR_NO_ERROR;
    cond_broadcast(&k->moved); /* its reports are wanted */
    return 0;
}

/* Enter with a producer and the topic's handle of it. */
static int enter(struct kafka *k, struct kafka_topic *t, struct err *e)
{
    int rc = 0;

    mutex_lock(&k->lock);
    if (k->broken) {
        rc = err_set(e, ERR_BUSY, "the producer is being made anew");
    } else if (k->producer == NULL) {
        rc = make_producer(k, e);
    }
    if (rc == 0 && (t->rkt == NULL || t->made_by != k->producers)) {
        t->rkt = k->rd->topic_new(k->producer, t->info.name, NULL);
        t->made_by = k->producers;
        rc = t->rkt ? 0 : err_nomem(e, sizeof(*t));
    }
    k->users += rc == 0;
    mutex_unlock(&k->lock);
    return rc;
}

static void leave(struct kafka *k)
{
    mutex_lock(&k->lock);
    k->users--;
    mutex_unlock(&k->lock);
}

/* Nobody sends and every report has come: it can be replaced. */
static void replace(struct kafka *k)
{
    rd_kafka_t *old = NULL;

    mutex_lock(&k->lock);
    if (k->broken && k->users == 0 && atomic_load(&k->waiting) == 0) {
        for (struct kafka_topic *t = k->topics; t != NULL; t = t->next) {
            if (t->rkt != NULL) {
                k->rd->topic_destroy(t->rkt);
                t->rkt = NULL;
            }
        }
        old = k->producer;
        k->producer = NULL;
        k->broken = false;
    }
    mutex_unlock(&k->lock);
    if (old != NULL) {
        k->rd->destroy(old);
    }
}

void kafka_produce_serve(struct kafka *k, int wait_ms)
{
    rd_kafka_t *rk;
    bool broken;

    mutex_lock(&k->lock);
    if (k->producer == NULL) {
        (void)cond_wait_until(&k->moved, &k->lock,
                              clock_mono_us() + (int64_t)wait_ms * 1000);
    }
    rk = k->producer; /* only this thread replaces it */
    broken = k->broken;
    mutex_unlock(&k->lock);
    if (rk == NULL) {
        return;
    }
    (void)k->rd->poll(rk, wait_ms);
    kafka_gather_hurry(k);
    if (broken) {
        (void)k->rd->purge(rk,
                           RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        replace(k);
    }
}

void kafka_produce_stop(struct kafka *k, int timeout_ms)
{
    int64_t until = clock_mono_us() + (int64_t)timeout_ms * 1000;

    if (k->producer == NULL) {
        return;
    }
    while (atomic_load(&k->waiting) > 0 && clock_mono_us() < until) {
        (void)k->rd->flush(k->producer, FLUSH_STEP_MS);
    }
    while (atomic_load(&k->waiting) > 0) {
        (void)k->rd->purge(k->producer,
                           RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)k->rd->poll(k->producer, FLUSH_STEP_MS);
    }
    for (struct kafka_topic *t = k->topics; t != NULL; t = t->next) {
        if (t->rkt != NULL) {
            k->rd->topic_destroy(t->rkt);
            t->rkt = NULL;
        }
    }
    k->rd->destroy(k->producer);
    k->producer = NULL;
}

/* ---- sending ---- */

static uint32_t take_u32(struct slice *s)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < 4 && i < s->len; i++) {
        v |= (uint32_t)(unsigned char)s->ptr[i] << 8 * i;
    }
    *s = slice_from(*s, 4);
    return v;
}

/* Our headers (record/message.h) as librdkafka's; NULL: none. */
static rd_kafka_headers_t *headers_of(struct kafka *k, struct slice s,
                                      bool always)
{
    rd_kafka_headers_t *h = always || s.len > 0 ? k->rd->headers_new(4) : NULL;

    while (h != NULL && s.len >= 8) {
        uint32_t n = take_u32(&s);
        struct slice name = {s.ptr, n < s.len ? n : s.len};
        struct slice value;
        bool there;

        s = slice_from(s, name.len);
        n = take_u32(&s);
        there = n != UINT32_MAX;
        value = (struct slice){s.ptr, !there ? 0 : n < s.len ? n : s.len};
        s = slice_from(s, value.len);
        (void)k->rd->header_add(h, name.ptr, (ssize_t)name.len,
                                there ? value.ptr : NULL, (ssize_t)value.len);
    }
    return h;
}

static rd_kafka_resp_err_t send_one(struct kafka *k, struct kafka_request *r,
                                    size_t i, int32_t partition)
{
    const struct broker_record *rec = &r->asked->records[i];
    void *value = kafka_lend(rec->has_value, rec->value);
    void *key = kafka_lend(rec->has_key, rec->key);
    rd_kafka_headers_t *h;
    rd_kafka_resp_err_t rc;
    char mark[KAFKA_KEY_BYTES];

    if (rec->time_us == 0 && rec->headers.len == 0 && r->asked_before == NULL) {
        return k->rd->produce(r->topic->rkt, partition, 0, value,
                              rec->value.len, key, rec->key.len,
                              &r->slots[i]) == 0
                   ? RD_KAFKA_RESP_ERR_NO_ERROR
                   : k->rd->last_error();
    }
    h = headers_of(k, rec->headers, r->asked_before != NULL);
    if (h != NULL && r->asked_before != NULL) {
        kafka_keys_header(r->asked_before, i, mark);
        (void)k->rd->header_add(h, KAFKA_KEY_HEADER, -1, mark, sizeof(mark));
    }
    rc = k->rd->producev(
        k->producer, RD_KAFKA_V_RKT(r->topic->rkt),
        RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_VALUE(value, rec->value.len),
        RD_KAFKA_V_KEY(key, rec->key.len),
        RD_KAFKA_V_TIMESTAMP(rec->time_us / 1000),
        RD_KAFKA_V_OPAQUE(&r->slots[i]), RD_KAFKA_V_HEADERS(h), RD_KAFKA_V_END);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR && h != NULL) {
        k->rd->headers_destroy(h);
    }
    return rc;
}

static enum err_code place(const struct kafka_request *r,
                           const struct broker_record *rec, int32_t sticky,
                           int32_t *ret)
{
    const struct kafka_topic *t = r->topic;
    size_t bytes = rec->key.len + rec->value.len + rec->headers.len + OVERHEAD;

    *ret = rec->partition;
    if (rec->partition < 0) {
        *ret = rec->has_key ? partition_of_key(rec->key, t->info.partitions)
                            : sticky;
    }
    if (rec->partition < -1 || rec->partition >= t->info.partitions) {
        return ERR_NOTFOUND;
    }
    return t->max_bytes > 0 && bytes > (size_t)t->max_bytes ? ERR_LIMIT
                                                            : ERR_NONE;
}

void kafka_produce_send(struct kafka *k, struct kafka_request *r)
{
    struct broker_produce *p = r->asked;
    struct kafka_topic *t = r->topic;
    int32_t sticky;

    mutex_lock(&k->lock);
    sticky = partition_without_key(&t->sticky, r->bytes, t->info.partitions);
    mutex_unlock(&k->lock);
    for (size_t i = 0; i < p->n; i++) {
        int32_t partition;
        enum err_code code = place(r, &p->records[i], sticky, &partition);
        rd_kafka_resp_err_t err;

        r->slots[i].request = r;
        if (r->asked_before != NULL &&
            kafka_keys_known(r->asked_before, i, &p->reports[i])) {
            (void)atomic_fetch_sub(&r->left, 1);
            continue;
        }
        p->reports[i] = (struct broker_report){-1, -1, code};
        if (code == ERR_NONE) {
            err = send_one(k, r, i, partition);
            if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
                continue; /* the rest is delivered()'s, which may be done */
            }
            p->reports[i].code = kafka_code(err);
            r->first_error = err;
        }
        (void)atomic_fetch_sub(&r->left, 1);
    }
    leave(k);
    drop_one(k, r);
}

/* Room for a request among those under way; one is always let in. */
static int reserve(struct kafka *k, struct kafka_request *r, struct err *e)
{
    long long n = (long long)r->asked->n;
    long long before = atomic_fetch_add(&k->waiting, n);
    long long bytes = atomic_fetch_add(&k->waiting_bytes, (long long)r->bytes);

    if (before > 0 && (before + n > WAITING_MAX ||
                       bytes + (long long)r->bytes > WAITING_BYTES)) {
        (void)atomic_fetch_sub(&k->waiting, n);
        (void)atomic_fetch_sub(&k->waiting_bytes, (long long)r->bytes);
        return err_set(
            e, ERR_BUSY,
            "%lld records wait to be stored already: try again later", before);
    }
    return 0;
}

/* It cannot even begin: who asked the same hears so too. */
static void give_up(struct kafka *k, struct kafka_asked *asked,
                    struct broker_produce *p, const struct err *e)
{
    for (size_t i = 0; i < p->n; i++) {
        if (!kafka_keys_known(asked, i, &p->reports[i])) {
            p->reports[i] = (struct broker_report){-1, -1, ERR_BUSY};
        }
    }
    p->error = *e;
    (void)kafka_keys_end(k, asked, p);
    p->error = (struct err){.code = ERR_NONE};
}

static void count_repeat(struct kafka *k)
{
    mutex_lock(&k->lock);
    k->stats.repeats++;
    mutex_unlock(&k->lock);
}

size_t kafka_produce_bytes(const struct broker_produce *p)
{
    size_t bytes = 0;

    for (size_t i = 0; i < p->n; i++) {
        bytes += p->records[i].key.len + p->records[i].value.len +
                 p->records[i].headers.len;
    }
    return bytes;
}

/* What is taken is stored some day: when nobody knows which, it is better to
 * say so. */
static int check_there(struct kafka *k, const char *topic, struct err *e)
{
    int64_t away;

    mutex_lock(&k->lock);
    away = k->down_us > 0 ? clock_mono_us() - k->down_us : 0;
    mutex_unlock(&k->lock);
    return away < AWAY_US
               ? 0
               : err_set(e, ERR_CONNECT,
                         "could not store records in topic \"%s\": no broker "
                         "has answered for %lld s",
                         topic, (long long)(away / 1000000));
}

static int begin(struct kafka *k, struct broker_produce *p,
                 struct kafka_topic *t, struct kafka_asked *asked,
                 struct err *e)
{
    struct kafka_request *r;

    if (check_there(k, p->topic, e) < 0) {
        return -1;
    }
    r = mem_resize(NULL, 1, sizeof(*r) + p->n * sizeof(r->slots[0]));
    if (r == NULL) {
        return err_nomem(e, p->n * sizeof(r->slots[0]));
    }
    *r = (struct kafka_request){.asked = p,
                                .topic = t,
                                .began_us = clock_mono_us(),
                                .asked_before = asked};
    atomic_init(&r->left, p->n + 1);
    r->bytes = kafka_produce_bytes(p);
    if (reserve(k, r, e) < 0) {
        mem_free(r);
        return -1;
    }
    if (enter(k, t, e) < 0) {
        (void)atomic_fetch_sub(&k->waiting, (long long)p->n);
        (void)atomic_fetch_sub(&k->waiting_bytes, (long long)r->bytes);
        mem_free(r);
        return -1;
    }
    kafka_gather(k, r);
    return 0;
}

int kafka_produce_start(struct broker *b, struct broker_produce *p,
                        struct err *e)
{
    struct kafka *k = kafka_of(b);
    struct kafka_asked *asked = NULL;
    struct kafka_topic *t;
    struct err own = {.code = ERR_NONE};

    e = e ? e : &own;

    if (kafka_topic_get(k, p->topic, &t, e) < 0) {
        return -1;
    }
    if (p->idempotency_key.len > 0) {
        enum kafka_keys_next next =
            kafka_keys_begin(k, p, t->info.epoch, &asked, e);

        if (next != KAFKA_KEYS_SEND) {
            kafka_topic_put(k, t);
            if (next == KAFKA_KEYS_ANSWER) {
                count_repeat(k);
                p->done(p);
            }
            return next == KAFKA_KEYS_ERROR ? -1 : 0;
        }
    }
    if (begin(k, p, t, asked, e) == 0) {
        return 0;
    }
    if (asked != NULL) {
        give_up(k, asked, p, e);
    }
    kafka_topic_put(k, t);
    return -1;
}

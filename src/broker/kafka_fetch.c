/*
 * Reading: a reader follows one partition and prefetches; it is the state of
 * a broker_fetch.  Readers share clients (librdkafka gives one client one
 * position in a partition), of which there are at most KAFKA_CONNS_MAX.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/kafka_read_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    LOOK_US = 50000,
};

struct kafka_conn {
    rd_kafka_t *rk;
    struct reader *readers;
    struct kafka_conn *next;
};

struct reader {
    struct kafka_reader base;
    struct kafka_conn *conn;
    struct reader *next; /* of the client */
    rd_kafka_topic_t *rkt;
    char topic[TOPIC_NAME_MAX + 1];
    int32_t partition;
    bool started;
};

/* ---- the pool; under conn_lock ---- */

static bool is_free(const struct kafka_conn *c, const char *topic,
                    int32_t partition)
{
    for (const struct reader *r = c->readers; r != NULL; r = r->next) {
        if (r->partition == partition && strcmp(r->topic, topic) == 0) {
            return false;
        }
    }
    return true;
}

static struct kafka_conn *new_conn(struct kafka *k, struct err *e)
{
    static const struct kafka_pair base[] = {
        {"auto.offset.reset", "error"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"enable.partition.eof", "true"},
        {"fetch.error.backoff.ms", "50"},
        {"fetch.message.max.bytes", "4194304"},
        {"fetch.wait.max.ms", "100"},
        {"queued.max.messages.kbytes", "16384"},
        {"queued.min.messages", "100000"},
    };
    rd_kafka_conf_t *conf;
    struct kafka_conn *c;

    if (k->nconns >= KAFKA_CONNS_MAX) {
        (void)err_set(e, ERR_BUSY,
                      "%d readers of one partition are the most at a time",
                      KAFKA_CONNS_MAX);
        return NULL;
    }
    c = mem_zero(1, sizeof(*c));
    conf = c ? kafka_conf_make(k, base, ARRAY_LEN(base), e) : NULL;
    if (c != NULL && conf != NULL) {
        c->rk = kafka_conf_client(k, RD_KAFKA_CONSUMER, conf, e);
    }
    if (c == NULL || c->rk == NULL) {
        if (c == NULL) {
            (void)err_nomem(e, sizeof(*c));
        }
        mem_free(c);
        return NULL;
    }
    c->next = k->conns;
    k->conns = c;
    k->nconns++;
    return c;
}

static int take_conn(struct kafka *k, struct reader *r, struct err *e)
{
    struct kafka_conn *c;

    mutex_lock(&k->conn_lock);
    c = k->conns;
    while (c != NULL && !is_free(c, r->topic, r->partition)) {
        c = c->next;
    }
    if (c == NULL) {
        c = new_conn(k, e);
    }
    if (c != NULL) {
        r->conn = c;
        r->next = c->readers;
        c->readers = r;
    }
    mutex_unlock(&k->conn_lock);
    return c ? 0 : -1;
}

static void leave_conn(struct kafka *k, struct reader *r)
{
    struct reader **at;

    if (r->conn == NULL) {
        return;
    }
    mutex_lock(&k->conn_lock);
    at = &r->conn->readers;
    while (*at != r) {
        at = &(*at)->next;
    }
    *at = r->next;
    r->conn = NULL;
    mutex_unlock(&k->conn_lock);
}

/* Errors that the clients tell must be taken, else they pile up. */
void kafka_fetch_serve(struct kafka *k)
{
    mutex_lock(&k->conn_lock);
    for (struct kafka_conn *c = k->conns; c != NULL; c = c->next) {
        (void)k->rd->poll(c->rk, 0);
    }
    mutex_unlock(&k->conn_lock);
}

void kafka_fetch_stop(struct kafka *k)
{
    while (k->conns != NULL) {
        struct kafka_conn *c = k->conns;

        k->conns = c->next;
        k->rd->destroy(c->rk);
        mem_free(c);
    }
}

/* ---- one reader ---- */

static void stop(struct kafka *k, struct reader *r)
{
    if (r->started) {
        (void)k->rd->consume_stop(r->rkt, r->partition);
        r->started = false;
    }
    kafka_read_reset(k, &r->base);
    if (r->base.queue != NULL) {
        k->rd->queue_destroy(r->base.queue);
        r->base.queue = NULL;
    }
}

static int start(struct kafka *k, struct reader *r, int64_t offset,
                 struct err *e)
{
    stop(k, r);
    r->base.queue = k->rd->queue_new(r->conn->rk);
    if (r->base.queue == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    if (k->rd->consume_start_queue(r->rkt, r->partition, offset,
                                   r->base.queue) != 0) {
        return kafka_fail(k, e, k->rd->last_error(), NULL,
                          "read topic \"%s\" partition %" PRId32, r->topic,
                          r->partition);
    }
    r->started = true;
    r->base.next = offset;
    return 0;
}

static void leave(struct kafka *k, struct reader *r)
{
    stop(k, r);
    if (r->rkt != NULL) {
        k->rd->topic_destroy(r->rkt);
        r->rkt = NULL;
    }
    leave_conn(k, r);
}

/* Be a reader of that partition. */
static int settle(struct kafka *k, struct reader *r, const char *topic,
                  int32_t partition, struct err *e)
{
    if (r->rkt != NULL && r->partition == partition &&
        strcmp(r->topic, topic) == 0) {
        return 0;
    }
    leave(k, r);
    (void)snprintf(r->topic, sizeof(r->topic), "%s", topic);
    r->partition = partition;
    if (take_conn(k, r, e) < 0) {
        return -1;
    }
    r->rkt = k->rd->topic_new(r->conn->rk, topic, NULL);
    return r->rkt ? 0
                  : kafka_fail(k, e, k->rd->last_error(), NULL,
                               "read topic \"%s\"", topic);
}

static int check(struct kafka *k, const char *topic, int32_t partition,
                 struct err *e)
{
    struct broker_topic t;

    if (kafka_topic_op_get(&k->base, topic, &t, e) < 0) {
        return -1;
    }
    return partition >= 0 && partition < t.partitions
               ? 0
               : err_set(e, ERR_NOTFOUND,
                         "topic \"%s\" has no partition %" PRId32, topic,
                         partition);
}

/* The offset is not held (any more, or yet): from where then? */
static int move_inside(struct kafka *k, const struct reader *r, int64_t *offset,
                       struct err *e)
{
    int64_t begin;
    int64_t end;

    if (kafka_ends(k, r->topic, r->partition, &begin, &end, e) < 0) {
        return -1;
    }
    if (*offset > end) {
        return err_set(e, ERR_INVALID,
                       "offset %" PRId64 " is past the end, which is %" PRId64,
                       *offset, end);
    }
    *offset = *offset < begin ? begin : *offset;
    return 0;
}

int kafka_fetch_watch(struct broker_fetch *f, struct kafka_keys *keys,
                      struct err *e)
{
    struct reader *r = mem_zero(1, sizeof(*r));

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    kafka_read_init(&r->base);
    r->base.keys = keys;
    f->state = r;
    return 0;
}

int kafka_fetch_op(struct broker *b, const char *topic, int32_t partition,
                   int64_t offset, size_t max_bytes, struct broker_fetch *f,
                   struct err *e)
{
    struct kafka *k = kafka_of(b);
    struct kafka_read read = {topic, partition, offset, max_bytes, false};
    struct reader *r = f->state;
    int rc = 0;

    if (r == NULL) {
        if (check(k, topic, partition, e) < 0) {
            return -1;
        }
        r = mem_zero(1, sizeof(*r));
        if (r == NULL) {
            return err_nomem(e, sizeof(*r));
        }
        kafka_read_init(&r->base);
        f->state = r;
    }
    if (settle(k, r, topic, partition, e) < 0) {
        return -1;
    }
    for (int tries = 0; tries < 2; tries++) {
        if (!r->started || !kafka_read_skip(k, &r->base, read.offset)) {
            if (!r->started && check(k, topic, partition, e) < 0) {
                return -1;
            }
            rc = start(k, r, read.offset, e);
        }
        rc = rc < 0 ? rc : kafka_read(k, &r->base, r->conn->rk, &read, f, e);
        if (rc >= 0) {
            return 0;
        }
        stop(k, r);
        if (!r->base.outside || move_inside(k, r, &read.offset, e) < 0) {
            return -1;
        }
        rc = 0;
    }
    return err_set(e, ERR_CONFLICT,
                   "the beginning of topic \"%s\" partition %" PRId32
                   " moves away: try again",
                   topic, partition);
}

void kafka_fetch_release(struct broker *b, struct broker_fetch *f)
{
    struct kafka *k = kafka_of(b);
    struct reader *r = f->state;

    if (r != NULL) {
        leave(k, r);
        kafka_read_release(k, &r->base);
        mem_free(r);
    }
    *f = (struct broker_fetch){0};
}

bool kafka_fetch_wait(struct broker *b, const char *topic, int32_t partition,
                      int64_t offset, int64_t timeout_us)
{
    struct kafka *k = kafka_of(b);
    int64_t until = clock_mono_us() + timeout_us;

    if (check(k, topic, partition, NULL) < 0) {
        return false;
    }
    for (;;) {
        int64_t begin = 0;
        int64_t end = 0;
        int64_t now;
        int64_t look;

        if (kafka_ends(k, topic, partition, &begin, &end, NULL) == 0 &&
            end > offset) {
            return true;
        }
        now = clock_mono_us();
        if (now >= until || atomic_load(&k->stopping)) {
            return false;
        }
        look = now + LOOK_US < until ? now + LOOK_US : until;
        mutex_lock(&k->lock);
        (void)cond_wait_until(&k->moved, &k->lock, look);
        mutex_unlock(&k->lock);
    }
}

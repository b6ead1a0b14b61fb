/*
 * Transactions of Kafka: records and a group's positions in one.
 *
 * Each outbox is a producer of its own.  Its transactional.id is the outbox's
 * name, so the cluster lets only the one that was opened last go on.  A
 * transaction begins with the first record and is short: everything waits
 * elsewhere until it is to be committed.
 */
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/kafka_produce_int.h"
#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/stop.h"

enum {
    STEP_MS = 500,
    AGAIN_US = 50000,
    PATIENCE_US = 30000000, /* for a cluster that does not answer */
    STOPPING_US = 3000000,  /* and when we are asked to end */
    ABORT_US = 3000000,
};

struct box {
    struct outbox base;
    struct kafka *k;
    rd_kafka_t *rk;
    rd_kafka_topic_t *rkt; /* of the topic put to last */
    char topic[TOPIC_NAME_MAX + 1];
    char name[TOPIC_NAME_MAX + 1];
    char group[TOPIC_NAME_MAX + 1];
    bool begun;
    rd_kafka_resp_err_t failed; /* the first record that was refused */
};

static struct box *box_of(struct outbox *o)
{
    return (struct box *)o;
}

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    struct box *b = m->_private;

    (void)rk;
    (void)opaque;
    if (b->failed == RD_KAFKA_RESP_ERR_NO_ERROR) {
        b->failed = m->err;
    }
}

/* ---- errors ---- */

static bool in_time(int64_t began)
{
    int64_t us = clock_mono_us() - began;

    return us < (stop_asked() ? STOPPING_US : PATIENCE_US);
}

/* What happened to the producer is in words of its last breath: when another
 * one has its name, nothing else matters. */
static rd_kafka_resp_err_t ended_by(const struct box *b,
                                    rd_kafka_resp_err_t err)
{
    char text[256];
    rd_kafka_resp_err_t fatal =
        b->k->rd->fatal_error(b->rk, text, sizeof(text));

    return fatal != RD_KAFKA_RESP_ERR_NO_ERROR ? fatal : err;
}

static void forget_transaction(struct box *b)
{
    int64_t until = clock_mono_us() + ABORT_US;

    while (b->begun) {
        rd_kafka_error_t *bad = b->k->rd->abort_transaction(b->rk, STEP_MS);
        bool more = bad != NULL && b->k->rd->error_is_retriable(bad) &&
                    clock_mono_us() < until;

        if (bad != NULL) {
            b->k->rd->error_destroy(bad);
        }
        b->begun = more;
    }
}

/* Fill *e from what librdkafka says, which is freed.  What can be taken back
 * is: that also tells whether we are still the one to go on. */
static int fail(struct box *b, rd_kafka_error_t *bad, const char *what,
                struct err *e)
{
    const struct kafka_api *rd = b->k->rd;
    rd_kafka_resp_err_t err = rd->error_code(bad);
    char why[256];

    (void)snprintf(why, sizeof(why), "%s", rd->error_string(bad));
    if (rd->error_txn_requires_abort(bad)) {
        forget_transaction(b);
    }
    rd->error_destroy(bad);
    err = ended_by(b, err);
    if (kafka_code(err) == ERR_FENCED) {
        return err_set(e, ERR_FENCED,
                       "another process has taken over \"%s\": one at a time "
                       "writes, the one that began last",
                       b->name);
    }
    if (b->failed == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        return err_set(e, ERR_LIMIT,
                       "topic \"%s\" does not take a record of this size; "
                       "raise its max.message.bytes",
                       b->topic);
    }
    if (kafka_code(err) == ERR_INTERRUPTED) {
        err = RD_KAFKA_RESP_ERR__FAIL; /* a new producer goes on */
    }
    return kafka_fail(b->k, e, err, why, "%s", what);
}

/* Whether to call once more; frees what will not be looked at. */
static bool again(const struct box *b, rd_kafka_error_t *bad, int64_t began)
{
    if (bad == NULL || !b->k->rd->error_is_retriable(bad) || !in_time(began)) {
        return false;
    }
    b->k->rd->error_destroy(bad);
    clock_sleep_us(AGAIN_US);
    return true;
}

/* ---- open and close ---- */

static void close_box(struct outbox *o)
{
    struct box *b = box_of(o);

    if (b->rk != NULL) {
        forget_transaction(b);
        (void)b->k->rd->purge(b->rk, RD_KAFKA_PURGE_F_QUEUE |
                                         RD_KAFKA_PURGE_F_INFLIGHT);
        (void)b->k->rd->poll(b->rk, 0);
        if (b->rkt != NULL) {
            b->k->rd->topic_destroy(b->rkt);
        }
        b->k->rd->destroy(b->rk);
    }
    mem_free(b);
}

static int make(struct box *b, struct err *e)
{
    const struct kafka_pair base[] = {
        {"transactional.id", b->name},
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"partitioner", "murmur2_random"},
        {"linger.ms", "5"},
        {"batch.size", "1000000"},
        {"message.max.bytes", "100000000"},
        {"queue.buffering.max.kbytes", "65536"},
        /* a process that is put to sleep for longer within a commit has to
         * begin anew */
        {"transaction.timeout.ms", "300000"},
    };
    rd_kafka_conf_t *c = kafka_conf_make(b->k, base, ARRAY_LEN(base), e);

    if (c == NULL) {
        return -1;
    }
    b->k->rd->conf_set_dr_msg_cb(c, delivered);
    b->rk = kafka_conf_client(b->k, RD_KAFKA_PRODUCER, c, e);
    return b->rk == NULL ? -1 : 0;
}

static int open_box(struct outbox **ret, struct broker *broker,
                    const struct outbox_conf *conf, struct err *e)
{
    struct box *b = mem_zero(1, sizeof(*b));
    int64_t began = clock_mono_us();
    rd_kafka_error_t *bad;

    if (b == NULL) {
        return err_nomem(e, sizeof(*b));
    }
    b->base.ops = &kafka_outbox;
    b->k = kafka_of(broker);
    (void)snprintf(b->name, sizeof(b->name), "%s", conf->name);
    (void)snprintf(b->group, sizeof(b->group), "%s", conf->group);
    if (make(b, e) < 0) {
        close_box(&b->base);
        return -1;
    }
    do {
        bad = b->k->rd->init_transactions(b->rk, STEP_MS);
    } while (again(b, bad, began));
    if (bad != NULL) {
        char what[320];

        (void)snprintf(what, sizeof(what), "begin transactions as \"%.250s\"",
                       b->name);
        (void)fail(b, bad, what, e);
        close_box(&b->base);
        return -1;
    }
    kafka_alive(b->k);
    *ret = &b->base;
    return 0;
}

/* ---- records ---- */

static int begin(struct box *b, struct err *e)
{
    rd_kafka_error_t *bad;

    if (b->begun) {
        return 0;
    }
    bad = b->k->rd->begin_transaction(b->rk);
    if (bad != NULL) {
        return fail(b, bad, "begin a transaction", e);
    }
    b->begun = true;
    b->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    return 0;
}

static int use_topic(struct box *b, const char *topic, struct err *e)
{
    if (b->rkt != NULL && strcmp(b->topic, topic) == 0) {
        return 0;
    }
    if (b->rkt != NULL) {
        b->k->rd->topic_destroy(b->rkt);
    }
    (void)snprintf(b->topic, sizeof(b->topic), "%s", topic);
    b->rkt = b->k->rd->topic_new(b->rk, topic, NULL);
    return b->rkt == NULL ? err_nomem(e, sizeof(*b)) : 0;
}

static int put_one(struct box *b, const struct broker_record *r, struct err *e)
{
    int64_t began = clock_mono_us();
    rd_kafka_resp_err_t err;

    do {
        err = RD_KAFKA_RESP_ERR_NO_ERROR;
        if (b->k->rd->produce(b->rkt, r->partition, RD_KAFKA_MSG_F_COPY,
                              kafka_lend(r->has_value, r->value), r->value.len,
                              kafka_lend(r->has_key, r->key), r->key.len,
                              b) != 0) {
            err = b->k->rd->last_error();
            (void)b->k->rd->poll(b->rk, STEP_MS / 5);
        }
    } while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && in_time(began));
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return 0;
    }
    err = ended_by(b, err);
    return kafka_fail(b->k, e, err, NULL, "put records to topic \"%s\"",
                      b->topic);
}

static int put(struct outbox *o, const char *topic,
               const struct broker_record *records, size_t n, struct err *e)
{
    struct box *b = box_of(o);

    if (n == 0) {
        return 0;
    }
    if (begin(b, e) < 0 || use_topic(b, topic, e) < 0) {
        return -1;
    }
    INJECT(kafka_before_put);
    for (size_t i = 0; i < n; i++) {
        if (put_one(b, &records[i], e) < 0) {
            return -1;
        }
    }
    (void)b->k->rd->poll(b->rk, 0);
    return 0;
}

/* ---- commit ---- */

static int positions(struct box *b, const struct broker_position *p, size_t n,
                     rd_kafka_topic_partition_list_t **ret, struct err *e)
{
    rd_kafka_topic_partition_list_t *l =
        b->k->rd->topic_partition_list_new((int)n);

    for (size_t i = 0; i < n; i++) {
        rd_kafka_topic_partition_t *to =
            b->k->rd->topic_partition_list_add(l, p[i].topic, p[i].partition);

        to->offset = p[i].offset;
        if (kafka_group_metadata(to, &p[i], p[i].epoch, e) < 0) {
            b->k->rd->topic_partition_list_destroy(l);
            return -1;
        }
    }
    *ret = l;
    return 0;
}

/* All records are with the cluster, or the reason is known. */
static void settle_records(struct box *b)
{
    int64_t began = clock_mono_us();

    while (b->k->rd->flush(b->rk, STEP_MS) != RD_KAFKA_RESP_ERR_NO_ERROR &&
           b->failed == RD_KAFKA_RESP_ERR_NO_ERROR && in_time(began)) {
        ;
    }
}

static int send_positions(struct box *b, const struct broker_position *p,
                          size_t n, struct err *e)
{
    rd_kafka_consumer_group_metadata_t *group =
        b->k->rd->consumer_group_metadata_new(b->group);
    rd_kafka_topic_partition_list_t *l;
    rd_kafka_error_t *bad = NULL;
    int64_t began = clock_mono_us();
    int rc = positions(b, p, n, &l, e);

    if (rc == 0) {
        do {
            bad =
                b->k->rd->send_offsets_to_transaction(b->rk, l, group, STEP_MS);
        } while (again(b, bad, began));
        b->k->rd->topic_partition_list_destroy(l);
    }
    b->k->rd->consumer_group_metadata_destroy(group);
    return bad != NULL ? fail(b, bad, "store positions with records", e) : rc;
}

static int commit(struct outbox *o, const struct broker_position *p, size_t n,
                  struct err *e)
{
    struct box *b = box_of(o);
    int64_t began = clock_mono_us();
    rd_kafka_error_t *bad;

    if (begin(b, e) < 0) {
        return -1;
    }
    settle_records(b);
    INJECT(kafka_after_put);
    if (send_positions(b, p, n, e) < 0) {
        return -1;
    }
    INJECT(kafka_before_commit);
    do {
        bad = b->k->rd->commit_transaction(b->rk, STEP_MS);
    } while (again(b, bad, began));
    if (bad != NULL) {
        return fail(b, bad, "commit a transaction", e);
    }
    INJECT(kafka_after_commit);
    b->begun = false;
    kafka_alive(b->k);
    return 0;
}

const struct outbox_ops kafka_outbox = {
    .open = open_box,
    .put = put,
    .commit = commit,
    .close = close_box,
};

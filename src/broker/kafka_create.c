/* Topics are made and deleted, and seen to be there or gone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "core/clock.h"
#include "core/num.h"
#include "core/stop.h"

enum {
    SEEN_US = 30000000, /* until a change is visible, also on slow disks */
    LOOK_US = 20000,
};

static int set_config(struct kafka *k, rd_kafka_NewTopic_t *t, const char *name,
                      const char *value, struct err *e)
{
    rd_kafka_resp_err_t rc = k->rd->NewTopic_set_config(t, name, value);

    return rc == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : kafka_fail(k, e, rc, NULL, "set \"%s\" of a topic", name);
}

static int set_number(struct kafka *k, rd_kafka_NewTopic_t *t, const char *name,
                      int64_t v, struct err *e)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, v);
    return set_config(k, t, name, text, e);
}

/* What is asked for beside the topic; all zero but for replication: nothing. */
struct more {
    int replication; /* -1: as configured */
    const struct cluster_setting *settings;
    size_t n;
    bool only_check;
};

/* Retention, the epoch, what the user wants of every topic and of this. */
static int set_configs(struct kafka *k, rd_kafka_NewTopic_t *t,
                       const struct broker_topic *want, const struct more *more,
                       int64_t epoch, struct err *e)
{
    int64_t ms = want->retention_us > 0 ? want->retention_us / 1000 : -1;

    if (set_number(k, t, "retention.ms", ms == 0 ? 1 : ms, e) < 0 ||
        (want->retention_bytes > 0 &&
         set_number(k, t, "retention.bytes", want->retention_bytes, e) < 0) ||
        (epoch > 0 && set_number(k, t, "flush.messages", epoch, e) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < k->set.ncreates; i++) {
        const struct kafka_pair *p = &k->set.creates[i];

        if (strcmp(p->name, "replication.factor") != 0 &&
            set_config(k, t, p->name, p->value, e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < more->n; i++) { /* the last one of a name counts */
        if (set_config(k, t, more->settings[i].name, more->settings[i].value,
                       e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int replication(const struct kafka *k)
{
    int64_t n = -1; /* as the cluster is configured */

    for (size_t i = 0; i < k->set.ncreates; i++) {
        if (strcmp(k->set.creates[i].name, "replication.factor") == 0) {
            (void)num_i64(slice_of(k->set.creates[i].value), &n);
        }
    }
    return n >= -1 && n < 1000 ? (int)n : 0; /* 0: Kafka says what is wrong */
}

static int check_only(struct kafka *k, struct kafka_call *call, struct err *e)
{
    char why[128] = "";

    return k->rd->AdminOptions_set_validate_only(
               call->options, 1, why, sizeof(why)) == RD_KAFKA_RESP_ERR_NO_ERROR
               ? 0
               : err_set(e, ERR_INVALID, "cannot ask Kafka: %s", why);
}

static int create(struct kafka *k, const struct broker_topic *want,
                  const struct more *more, int64_t epoch, struct err *e)
{
    const rd_kafka_topic_result_t **got;
    rd_kafka_NewTopic_t *t;
    struct kafka_call call;
    char why[200] = "";
    size_t n = 0;
    int rc = -1;

    t = k->rd->NewTopic_new(want->name, want->partitions,
                            more->replication != -1 ? more->replication
                                                    : replication(k),
                            why, sizeof(why));
    if (t == NULL) {
        return err_set(e, ERR_INVALID, "could not create topic \"%s\": %s",
                       want->name, why);
    }
    if (set_configs(k, t, want, more, epoch, e) < 0 ||
        kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_CREATETOPICS, e) < 0) {
        k->rd->NewTopic_destroy(t);
        return -1;
    }
    if (more->only_check && check_only(k, &call, e) < 0) {
        k->rd->NewTopic_destroy(t);
        kafka_call_end(k, &call);
        return -1;
    }
    k->rd->CreateTopics(k->admin, &t, 1, call.options, call.queue);
    k->rd->NewTopic_destroy(t);
    (void)snprintf(why, sizeof(why), "create topic \"%.150s\"", want->name);
    if (kafka_call_wait(k, &call, why, e) == 0) {
        got = k->rd->CreateTopics_result_topics(
            k->rd->event_CreateTopics_result(call.event), &n);
        rc = n == 1 ? 0 : err_set(e, ERR_IO, "Kafka gave no answer to it");
        if (n == 1 && k->rd->topic_result_error(got[0]) ==
                          RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
            rc = err_set(e, ERR_EXISTS, "there is a topic \"%s\" already",
                         want->name);
        } else if (n == 1 && k->rd->topic_result_error(got[0]) !=
                                 RD_KAFKA_RESP_ERR_NO_ERROR) {
            rc =
                kafka_fail(k, e, k->rd->topic_result_error(got[0]),
                           k->rd->topic_result_error_string(got[0]), "%s", why);
        }
    }
    kafka_call_end(k, &call);
    return rc;
}

/* Brokers learn of a change a moment after it was made. */
static int see(struct kafka *k, const char *name, bool there, struct err *e)
{
    int64_t until = clock_mono_us() + SEEN_US;

    for (;;) {
        struct kafka_topic *t = NULL;
        int64_t begin;
        int64_t end;
        int rc;

        kafka_topic_forget(k, name);
        rc = kafka_topic_get(k, name, &t, e);
        if (rc == 0 && there) {
            for (int32_t p = 0; rc == 0 && p < t->info.partitions; p++) {
                rc = p > 0 && p < t->info.partitions - 1
                         ? 0
                         : kafka_ends(k, name, p, &begin, &end, e);
            }
        }
        kafka_topic_put(k, t);
        if (there ? rc == 0 : rc < 0 && e->code == ERR_NOTFOUND) {
            return 0;
        }
        if (clock_mono_us() > until || stop_asked()) {
            return err_set(e, ERR_TIMEOUT,
                           "topic \"%s\" is not %s yet: try again", name,
                           there ? "ready" : "gone");
        }
        clock_sleep_us(LOOK_US);
    }
}

static int make(struct kafka *k, const struct broker_topic *t,
                const struct more *more, struct err *e)
{
    int64_t epoch = clock_wall_us();
    struct err why;

    if (create(k, t, more, epoch, &why) < 0) {
        /* a cluster whose policy does not let us keep the epoch there */
        bool again = why.code == ERR_INVALID &&
                     strstr(why.msg, "flush.messages") != NULL;

        if (!again || create(k, t, more, 0, &why) < 0) {
            if (e) {
                *e = why;
            }
            return -1;
        }
    }
    return more->only_check ? 0 : see(k, t->name, true, e ? e : &why);
}

int kafka_topic_op_create(struct broker *b, const struct broker_topic *t,
                          struct err *e)
{
    static const struct more nothing = {.replication = -1};

    return make(kafka_of(b), t, &nothing, e);
}

int kafka_topic_make(struct broker *b, const struct broker_topic *t, int copies,
                     const struct cluster_setting *s, size_t n, bool only_check,
                     struct err *e)
{
    const struct more more = {copies, s, n, only_check};

    return make(kafka_of(b), t, &more, e);
}

int kafka_topic_op_delete(struct broker *b, const char *name, struct err *e)
{
    struct kafka *k = kafka_of(b);
    rd_kafka_DeleteTopic_t *t = k->rd->DeleteTopic_new(name);
    const rd_kafka_topic_result_t **got;
    rd_kafka_resp_err_t err;
    struct kafka_call call;
    char what[300];
    struct err why;
    size_t n = 0;
    int rc = -1;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_DELETETOPICS, e) < 0) {
        k->rd->DeleteTopic_destroy(t);
        return -1;
    }
    k->rd->DeleteTopics(k->admin, &t, 1, call.options, call.queue);
    k->rd->DeleteTopic_destroy(t);
    (void)snprintf(what, sizeof(what), "delete topic \"%.250s\"", name);
    if (kafka_call_wait(k, &call, what, e) == 0) {
        got = k->rd->DeleteTopics_result_topics(
            k->rd->event_DeleteTopics_result(call.event), &n);
        err = n == 1 ? k->rd->topic_result_error(got[0])
                     : RD_KAFKA_RESP_ERR__FAIL;
        rc = err == RD_KAFKA_RESP_ERR_NO_ERROR ? 0
             : err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                 ? err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", name)
                 : kafka_fail(k, e, err,
                              n == 1 ? k->rd->topic_result_error_string(got[0])
                                     : NULL,
                              "%s", what);
    }
    kafka_call_end(k, &call);
    return rc == 0 ? see(k, name, false, e ? e : &why) : -1;
}

/* Apache Kafka through librdkafka: the handle, its thread and its errors. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "broker/kafka_keys_int.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    SERVE_MS = 50,
    REACH_MS = 500,
    SCRAM_VERSION = 0x02060100,
    CLOSE_MS = 2000, /* who waits for an answer has waited before */
};

/* What each of librdkafka's codes means to us; the rest is ERR_IO. */
static const struct {
    rd_kafka_resp_err_t err;
    enum err_code code;
} codes[] = {
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, ERR_DENIED},
    {RD_KAFKA_RESP_ERR__FATAL, ERR_INTERRUPTED}, /* of this producer */
    {RD_KAFKA_RESP_ERR__FENCED, ERR_FENCED},
    {RD_KAFKA_RESP_ERR__INVALID_ARG, ERR_INVALID},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, ERR_TIMEOUT},
    {RD_KAFKA_RESP_ERR__NODE_UPDATE, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR__PURGE_INFLIGHT, ERR_INTERRUPTED},
    {RD_KAFKA_RESP_ERR__PURGE_QUEUE, ERR_INTERRUPTED},
    {RD_KAFKA_RESP_ERR__QUEUE_FULL, ERR_BUSY},
    {RD_KAFKA_RESP_ERR__RESOLVE, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR__SSL, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, ERR_TIMEOUT},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, ERR_TIMEOUT},
    {RD_KAFKA_RESP_ERR__TRANSPORT, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, ERR_NOTFOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, ERR_NOTFOUND},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, ERR_NOTFOUND},
    {RD_KAFKA_RESP_ERR__WAIT_COORD, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, ERR_DENIED},
    {RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, ERR_FENCED},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, ERR_DENIED},
    {RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, ERR_NOTFOUND},
    {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, ERR_FENCED},
    {RD_KAFKA_RESP_ERR_INVALID_CONFIG, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_PARTITIONS, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_FENCED},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, ERR_IO},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_LIMIT},
    {RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, ERR_BUSY},
    {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ERR_CONNECT},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_PRODUCER_FENCED, ERR_FENCED},
    {RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, ERR_FENCED},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, ERR_LIMIT},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ERR_TIMEOUT},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, ERR_DENIED},
    {RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, ERR_EXISTS},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_DENIED},
    {RD_KAFKA_RESP_ERR_TOPIC_DELETION_DISABLED, ERR_DENIED},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, ERR_INVALID},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, ERR_DENIED},
    {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, ERR_FENCED},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ERR_NOTFOUND},
    {RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, ERR_CONNECT},
};

enum err_code kafka_code(rd_kafka_resp_err_t err)
{
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        return ERR_NONE;
    }
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i].err == err) {
            return codes[i].code;
        }
    }
    return ERR_IO;
}

int kafka_fail(struct kafka *k, struct err *e, rd_kafka_resp_err_t err,
               const char *why, const char *fmt, ...)
{
    enum err_code code = kafka_code(err);
    struct broker_health h;
    char what[300];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (why == NULL || why[0] == '\0') {
        why = k->rd->err2str(err);
    }
    if (code == ERR_CONNECT || code == ERR_TIMEOUT) {
        mutex_lock(&k->lock);
        h = k->health;
        mutex_unlock(&k->lock);
        if (!h.ok && h.reason[0] != '\0') {
            return err_set(e, ERR_CONNECT, "could not %s: %s (%s)", what, why,
                           h.reason);
        }
    }
    return err_set(e, code, "could not %s: %s", what, why);
}

static void serve(void *arg)
{
    struct kafka *k = arg;

    while (!atomic_load(&k->stopping)) {
        kafka_produce_serve(k, SERVE_MS);
        (void)k->rd->poll(k->admin, 0);
        kafka_fetch_serve(k);
    }
}

/* Why opening failed so far, under the lock.  Kafka 4 refuses how librdkafka
 * before 2.6.1 does SCRAM (its pull request 4895) as if the password was
 * wrong. */
static void explain(const struct kafka *k, char *ret, size_t size)
{
    bool old =
        strstr(k->failed, "SCRAM") != NULL && k->rd->version() < SCRAM_VERSION;

    (void)snprintf(ret, size, "no broker answers%s%s%s%s%s%s",
                   k->failed[0] ? " (" : "", k->failed, k->failed[0] ? ")" : "",
                   old ? "; librdkafka " : "", old ? k->rd->version_str() : "",
                   old ? " cannot use SCRAM with Kafka 4, 2.6.1 can" : "");
}

/* A wrong address should be told soon, a slow start waited for. */
static int reach(struct kafka *k, struct err *e)
{
    int64_t began = clock_mono_us();
    char why[400];

    while (!kafka_nodes_list(k, k->admin, REACH_MS)) {
        int64_t waited = clock_mono_us() - began;
        bool refused;

        (void)k->rd->poll(k->admin, 0);
        mutex_lock(&k->lock);
        refused = k->refused;
        explain(k, why, sizeof(why));
        mutex_unlock(&k->lock);
        if (waited > (refused ? KAFKA_OPEN_US / 5 : KAFKA_OPEN_US)) {
            return kafka_fail(k, e, RD_KAFKA_RESP_ERR__TRANSPORT, why,
                              "reach Kafka at \"%s\"", k->set.bootstrap);
        }
    }
    return 0;
}

static void close_kafka(struct broker *b)
{
    struct kafka *k = kafka_of(b);

    kafka_keys_stop(k->keys);
    mutex_lock(&k->lock);
    atomic_store(&k->stopping, true);
    cond_broadcast(&k->stale);
    cond_broadcast(&k->seen);
    mutex_unlock(&k->lock);
    thread_join(&k->looker);
    thread_join(&k->watcher);
    thread_join(&k->thread);
    if (k->rd != NULL) {
        kafka_produce_stop(k, CLOSE_MS);
        kafka_fetch_stop(k);
        kafka_topics_free(k);
        if (k->admin != NULL) {
            k->rd->destroy(k->admin);
        }
    }
    arena_release(&k->set.arena);
    kafka_keys_close(k->keys);
    mem_free(k->list);
    mutex_release(&k->lock);
    mutex_release(&k->conn_lock);
    cond_release(&k->moved);
    cond_release(&k->stale);
    cond_release(&k->seen);
    mem_free(k->rd_own);
    mem_free(k);
}

static int open_kafka(struct broker **ret, const struct broker_conf *conf,
                      struct err *e)
{
    /* It joins no group, but has one: librdkafka asks the client's group for
     * a coordinator that has moved, and crashes without (its issue 5040). */
    static const struct kafka_pair asks[] = {{"group.id", "pinline"},
                                             {"enable.auto.commit", "false"},
                                             {"socket.timeout.ms", "5000"}};
    struct kafka *k = mem_zero(1, sizeof(*k));
    struct kafka_api *api = mem_zero(1, sizeof(*api));
    rd_kafka_conf_t *c;

    if (k == NULL || api == NULL) {
        mem_free(k);
        mem_free(api);
        return err_nomem(e, sizeof(*k));
    }
    k->base.ops = &broker_kafka;
    k->rd_own = api;
    k->health.ok = true;
    mutex_init(&k->lock);
    mutex_init(&k->conn_lock);
    cond_init(&k->moved);
    cond_init(&k->stale);
    cond_init(&k->seen);
    if (kafka_api_load(api, e) < 0) {
        goto fail;
    }
    k->rd = api;
    if (kafka_conf_read(k, conf, e) < 0 ||
        kafka_keys_open(&k->keys, k, conf, e) < 0) {
        goto fail;
    }
    c = kafka_conf_make(k, asks, ARRAY_LEN(asks), e);
    k->admin = c ? kafka_conf_client(k, RD_KAFKA_CONSUMER, c, e) : NULL;
    if (k->admin == NULL || reach(k, e) < 0 ||
        thread_start(&k->thread, "kafka", serve, k, e) < 0 ||
        thread_start(&k->watcher, "kafka-watch", kafka_nodes_watch, k, e) < 0 ||
        thread_start(&k->looker, "kafka-topics", kafka_topics_look, k, e) < 0) {
        goto fail;
    }
    *ret = &k->base;
    return 0;

fail:
    close_kafka(&k->base);
    return -1;
}

static void stats(struct broker *b, struct broker_stats *ret)
{
    struct kafka *k = kafka_of(b);

    mutex_lock(&k->lock);
    *ret = k->stats;
    mutex_unlock(&k->lock);
}

const struct broker_ops broker_kafka = {
    .name = "kafka",
    .help = "Apache Kafka: kafka://host:9092,host2:9092",
    .open = open_kafka,
    .close = close_kafka,
    .topic_create = kafka_topic_op_create,
    .topic_delete = kafka_topic_op_delete,
    .topic_get = kafka_topic_op_get,
    .topic_list = kafka_topic_op_list,
    .offsets = kafka_topic_op_offsets,
    .offset_at = kafka_topic_op_offset_at,
    .produce = kafka_produce_start,
    .fetch = kafka_fetch_op,
    .fetch_release = kafka_fetch_release,
    .wait = kafka_fetch_wait,
    .group_commit = kafka_group_commit,
    .group_get = kafka_group_get,
    .group_list = kafka_group_list,
    .group_positions = kafka_group_positions,
    .group_delete = kafka_group_delete,
    .stats = stats,
    .health = kafka_health,
    .nodes = kafka_nodes,
    .members = &kafka_members,
    .cluster = &kafka_cluster,
    .outbox = &kafka_outbox,
};

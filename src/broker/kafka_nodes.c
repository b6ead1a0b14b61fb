/*
 * Which brokers of the cluster answer.
 *
 * Each one is asked by itself, again and again, for one setting: that question
 * goes to the broker it is about, and any answer will do, be it that we
 * may not ask.  The client that asks does nothing else, since a broker
 * serves what comes by one connection in turn.  A broker is judged by how long
 * it has been silent while we listened, not by how many time limits were met:
 * what comes late on a slow machine is an answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/kafka_api_int.h"
#include "core/clock.h"

enum {
    STEP_MS = 100,
    BEGIN_US = 1000000, /* commands that are over sooner need no watch */
    ASK_US = 1000000,   /* so often those that answer are asked */
    ASK_MS = 10000,     /* after which one is asked anew */
    LIST_US = 3000000,
    LIST_MS = 500,
    HEAR_US = 1000000, /* of a step at most: longer, it was us who hung */
    PAUSE_US = 100000, /* before each connection */
    AWAY_US = 4000000,
    DOWN_US = 10000000,
};

void kafka_answered(struct kafka *k)
{
    k->answered_us = clock_mono_us();
    if (!k->health.ok) {
        k->health.ok = true;
        k->down_us = 0;
        k->health.reason[0] = '\0';
    }
}

void kafka_alive(struct kafka *k)
{
    mutex_lock(&k->lock);
    kafka_answered(k);
    mutex_unlock(&k->lock);
}

/* ---- who they are ---- */

static struct kafka_node *find(struct kafka *k, int32_t id)
{
    for (size_t i = 0; i < k->nnodes; i++) {
        if (k->nodes[i].id == id) {
            return &k->nodes[i];
        }
    }
    return NULL;
}

/* A place for one that is new: that of one which it replaced, or another. */
static struct kafka_node *add(struct kafka *k, int32_t id)
{
    struct kafka_node *to = NULL;

    for (size_t i = 0; i < k->nnodes && to == NULL; i++) {
        to = !k->nodes[i].listed && !k->nodes[i].asked ? &k->nodes[i] : NULL;
    }
    if (to == NULL && k->nnodes < KAFKA_NODES_MAX) {
        to = &k->nodes[k->nnodes++];
    }
    if (to != NULL) {
        *to = (struct kafka_node){.id = id};
    }
    return to;
}

static void count(struct kafka *k)
{
    int away = 0;

    for (size_t i = 0; i < k->nnodes; i++) {
        away += !k->nodes[i].listed || k->nodes[i].silent_us >= AWAY_US;
    }
    k->health.away = away;
    k->health.brokers = (int)k->nnodes - away;
}

static void take(struct kafka *k, const struct rd_kafka_metadata *md)
{
    for (size_t i = 0; i < k->nnodes; i++) {
        k->nodes[i].listed = false;
    }
    for (int i = 0; i < md->broker_cnt; i++) {
        struct kafka_node *n = find(k, md->brokers[i].id);

        if (n != NULL) {
            n->listed = true;
        }
    }
    for (int i = 0; i < md->broker_cnt; i++) {
        struct kafka_node *n = find(k, md->brokers[i].id);

        n = n != NULL ? n : add(k, md->brokers[i].id);
        if (n != NULL) {
            n->listed = true;
            n->port = md->brokers[i].port;
            (void)snprintf(n->host, sizeof(n->host), "%s", md->brokers[i].host);
        }
    }
    count(k);
}

bool kafka_nodes_list(struct kafka *k, rd_kafka_t *rk, int ms)
{
    const struct rd_kafka_metadata *md = NULL;

    if (k->rd->metadata(rk, 0, NULL, &md, ms) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    mutex_lock(&k->lock);
    kafka_answered(k);
    if (md->broker_cnt > 0) {
        take(k, md);
    }
    mutex_unlock(&k->lock);
    k->rd->metadata_destroy(md);
    return true;
}

/* ---- asking ---- */

void kafka_node_ask(struct kafka *k, rd_kafka_t *rk, int32_t node,
                    const rd_kafka_AdminOptions_t *options,
                    rd_kafka_queue_t *answers)
{
    rd_kafka_ConfigResource_t *asked;
    char id[16];

    (void)snprintf(id, sizeof(id), "%" PRId32, node);
    asked = k->rd->ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, id);
    (void)k->rd->ConfigResource_set_config(asked, "broker.id", "");
    k->rd->DescribeConfigs(rk, &asked, 1, options, answers);
    k->rd->ConfigResource_destroy_array(&asked, 1);
}

bool kafka_node_spoke(rd_kafka_resp_err_t err)
{
    bool local = err > RD_KAFKA_RESP_ERR__BEGIN && err < RD_KAFKA_RESP_ERR__END;

    return !local || err == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
}

/* Of the watching thread. */
struct watch {
    struct kafka *k;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int64_t stepped_us, listed_us;
};

/* While a question waits for its broker, librdkafka 2.0 connects anew as soon as
 * a connection was refused, thousands of times a second; so each one waits
 * here, on the broker's own thread. */
static int open_socket(int domain, int type, int protocol, void *opaque)
{
    (void)opaque;
    clock_sleep_us(PAUSE_US);
    return socket(domain, type | SOCK_CLOEXEC, protocol);
}

static int begin(struct watch *w, struct err *e)
{
    static const struct kafka_pair base[] = {
        {"socket.connection.setup.timeout.ms", "10000"},
    };
    struct kafka *k = w->k;
    rd_kafka_conf_t *c = kafka_conf_make(k, base, ARRAY_LEN(base), e);

    if (c == NULL) {
        return -1;
    }
    k->rd->conf_set_socket_cb(c, open_socket);
    w->rk = kafka_conf_client(k, RD_KAFKA_PRODUCER, c, e);
    if (w->rk == NULL) {
        return -1;
    }
    w->queue = k->rd->queue_new(w->rk);
    w->stepped_us = clock_mono_us();
    return w->queue != NULL ? 0 : err_nomem(e, sizeof(*w));
}

static void end(struct watch *w)
{
    if (w->queue != NULL) {
        w->k->rd->queue_destroy(w->queue);
    }
    if (w->rk != NULL) {
        w->k->rd->destroy(w->rk);
    }
}

static void ask(struct watch *w, struct kafka_node *n)
{
    struct kafka *k = w->k;
    rd_kafka_AdminOptions_t *o =
        k->rd->AdminOptions_new(w->rk, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    char why[128];

    if (o == NULL) {
        return;
    }
    (void)k->rd->AdminOptions_set_request_timeout(o, ASK_MS, why, sizeof(why));
    k->rd->AdminOptions_set_opaque(o, n);
    kafka_node_ask(k, w->rk, n->id, o, w->queue);
    k->rd->AdminOptions_destroy(o);
    n->asked = true;
    n->asked_us = clock_mono_us();
}

/* Answers that have come; waits for the first. */
static void hear(struct watch *w)
{
    struct kafka *k = w->k;
    rd_kafka_event_t *ev = k->rd->queue_poll(w->queue, STEP_MS);

    while (ev != NULL) {
        struct kafka_node *n = k->rd->event_opaque(ev);

        mutex_lock(&k->lock);
        if (n != NULL) {
            n->asked = false;
            n->missed = !kafka_node_spoke(k->rd->event_error(ev));
        }
        if (n != NULL && !n->missed) {
            n->silent_us = 0;
            kafka_answered(k);
        }
        mutex_unlock(&k->lock);
        k->rd->event_destroy(ev);
        ev = k->rd->queue_poll(w->queue, 0);
    }
}

/* ---- what it means ---- */

static void tell_away(struct kafka *k)
{
    const char *then = ":";
    char *to = k->health.reason;
    size_t size = sizeof(k->health.reason);
    int n;

    to[0] = '\0';
    if (k->health.away == 0) {
        return;
    }
    n = snprintf(to, size, "%d of %d brokers away", k->health.away,
                 k->health.away + k->health.brokers);
    for (size_t i = 0; i < k->nnodes && n > 0 && (size_t)n < size; i++) {
        const struct kafka_node *one = &k->nodes[i];
        const char *why = one->silent_us >= AWAY_US ? "does not answer"
                          : one->listed             ? NULL
                                                    : "is not in the cluster";

        if (why != NULL) {
            n += snprintf(to + n, size - (size_t)n, "%s %s:%d %s", then,
                          one->host, one->port, why);
            then = ",";
        }
    }
}

static void down(struct kafka *k)
{
    if (k->health.ok) {
        k->health.ok = false;
        k->down_us = k->answered_us;
    }
    (void)snprintf(k->health.reason, sizeof(k->health.reason),
                   "no broker answers%s%.220s", k->failed[0] ? ": " : "",
                   k->failed);
}

static void judge(struct kafka *k, int64_t now, int64_t heard_us)
{
    bool silent = k->nnodes > 0 && now - k->answered_us >= DOWN_US;

    for (size_t i = 0; i < k->nnodes; i++) {
        struct kafka_node *n = &k->nodes[i];

        n->silent_us += n->asked || n->missed ? heard_us : 0;
        silent = silent && n->silent_us >= DOWN_US;
    }
    count(k);
    if (silent) {
        down(k);
    } else if (k->health.ok) {
        tell_away(k);
    }
}

static void step(struct watch *w)
{
    struct kafka *k = w->k;
    int64_t now;

    hear(w);
    (void)k->rd->poll(w->rk, 0);
    now = clock_mono_us();
    mutex_lock(&k->lock);
    judge(k, now,
          now - w->stepped_us < HEAR_US ? now - w->stepped_us : HEAR_US);
    mutex_unlock(&k->lock);
    w->stepped_us = now;
    /* the table grows by this thread alone */
    for (size_t i = 0; i < k->nnodes; i++) {
        struct kafka_node *n = &k->nodes[i];

        if (!n->asked && (n->missed || now - n->asked_us >= ASK_US)) {
            ask(w, n);
        }
    }
    if (now - w->listed_us >= LIST_US) {
        w->listed_us = now;
        (void)kafka_nodes_list(k, w->rk, LIST_MS);
    }
}

void kafka_nodes_watch(void *arg)
{
    struct watch w = {.k = arg};
    int64_t from = clock_mono_us() + BEGIN_US;
    struct err e = {.code = ERR_NONE};

    while (!atomic_load(&w.k->stopping)) {
        if (w.queue != NULL) {
            step(&w);
        } else if (clock_mono_us() >= from && begin(&w, &e) < 0) {
            end(&w);
            w = (struct watch){.k = arg};
            from = clock_mono_us() + BEGIN_US;
        } else {
            clock_sleep_us(STEP_MS * INT64_C(500));
        }
    }
    end(&w);
}

void kafka_health(struct broker *b, struct broker_health *ret)
{
    struct kafka *k = kafka_of(b);

    mutex_lock(&k->lock);
    *ret = k->health;
    mutex_unlock(&k->lock);
    ret->waiting = atomic_load(&k->waiting);
}

size_t kafka_nodes(struct broker *b, struct broker_node *ret, size_t max)
{
    struct kafka *k = kafka_of(b);
    size_t n;

    mutex_lock(&k->lock);
    for (n = 0; n < k->nnodes && n < max; n++) {
        const struct kafka_node *from = &k->nodes[n];

        ret[n] = (struct broker_node){
            .port = from->port,
            .up = from->listed && from->silent_us < AWAY_US,
        };
        (void)snprintf(ret[n].host, sizeof(ret[n].host), "%s", from->host);
    }
    mutex_unlock(&k->lock);
    return n;
}

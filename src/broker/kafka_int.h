/*
 * kafka_int.h - the inside of the connector to Apache Kafka.
 *
 * One `struct kafka` is a broker handle.  `admin` is a client without a group
 * that asks for metadata, offsets and changes; the producer is made when
 * the first record is stored; readers live on a small pool of clients
 * (kafka_fetch.c).  One thread serves their events: it runs every done().
 */
#ifndef BROKER_KAFKA_INT_H
#define BROKER_KAFKA_INT_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "broker/broker_ops.h"
#include "broker/kafka_types_int.h"
#include "core/dynlib.h"
#include "core/thread.h"

enum {
    KAFKA_OPEN_US = 10000000, /* to reach it when opening */
    KAFKA_CONNS_MAX = 16,     /* clients that read */
    KAFKA_HEARD_MAX = 64,
};

/* The header of a record that carries an idempotency key. */
#define KAFKA_KEY_HEADER "pinline.key"

struct kafka_api; /* kafka_api_int.h */
int kafka_api_load(struct kafka_api *api, struct err *e) MUST_USE;

struct kafka_conn;
struct kafka_member;
struct kafka_keys;

struct kafka {
    struct broker base;
    struct kafka_api *rd_own;
    const struct kafka_api *rd; /* NULL: not loaded */
    struct kafka_settings set;
    rd_kafka_t *admin;
    struct thread thread, watcher, looker;
    atomic_bool stopping;

    struct mutex lock;          /* of the rest but for atomics */
    struct cond moved;          /* records stored here; a producer made */
    struct cond stale, seen;    /* a topic is; was looked at */
    struct kafka_topic *topics; /* seen lately */
    struct broker_topic *list;  /* of all, sorted */
    size_t nlist;
    int64_t list_us;

    rd_kafka_t *producer;
    uint64_t producers;            /* made so far */
    int users;                     /* threads in kafka_send() */
    bool broken;                   /* the producer must be replaced */
    rd_kafka_resp_err_t broken_by; /* the last one; of the serving thread */
    atomic_llong waiting, waiting_bytes;

    struct kafka_conn *conns; /* that read; also under conn_lock */
    struct mutex conn_lock;
    int nconns;
    struct kafka_keys *keys;
    struct kafka_heard heard[KAFKA_HEARD_MAX]; /* of the keys' thread */
    struct kafka_member *members;

    struct broker_stats stats;
    struct broker_health health;
    int64_t down_us;     /* monotonic, since when !health.ok; 0: it is */
    int64_t answered_us; /* monotonic, of the last answer */
    bool refused;        /* all that we were told to ask, when opening */
    char failed[256];    /* what went wrong last; "" nothing */
    struct kafka_node nodes[KAFKA_NODES_MAX]; /* seen so far */
    size_t nnodes;
};

static inline struct kafka *kafka_of(struct broker *b)
{
    return (struct kafka *)b;
}

/* ---- kafka_conf.c ---- */

int kafka_conf_read(struct kafka *k, const struct broker_conf *conf,
                    struct err *e) MUST_USE;
/* A configuration with `base`, then the user's; NULL with *e set. */
rd_kafka_conf_t *kafka_conf_make(struct kafka *k, const struct kafka_pair *base,
                                 size_t n, struct err *e) MUST_USE;
/* A client; takes the configuration.  NULL with *e set. */
rd_kafka_t *kafka_conf_client(struct kafka *k, rd_kafka_type_t type,
                              rd_kafka_conf_t *conf, struct err *e) MUST_USE;

/* ---- kafka.c ---- */

enum err_code kafka_code(rd_kafka_resp_err_t err);
/* Fill *e: "could not <what>: <why>"; -1. */
int kafka_fail(struct kafka *k, struct err *e, rd_kafka_resp_err_t err,
               const char *why, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* ---- kafka_nodes.c: which brokers answer ---- */

/* Something was answered: the cluster is there.  The first under the lock. */
void kafka_answered(struct kafka *k);
void kafka_alive(struct kafka *k);
/* Ask a client for the cluster's brokers; false: not answered within ms. */
bool kafka_nodes_list(struct kafka *k, rd_kafka_t *rk, int ms);
/* Ask a broker something; the event comes to the queue. */
void kafka_node_ask(struct kafka *k, rd_kafka_t *rk, int32_t node,
                    const rd_kafka_AdminOptions_t *options,
                    rd_kafka_queue_t *answers);
/* Whether the error of that event came from the broker. */
bool kafka_node_spoke(rd_kafka_resp_err_t err);
void kafka_nodes_watch(void *arg); /* a thread: who answers */

/* ---- kafka_topics.c ---- */

/* The topic, lately seen; ERR_NOTFOUND.  kafka_topic_put() gives it back. */
int kafka_topic_get(struct kafka *k, const char *name, struct kafka_topic **ret,
                    struct err *e) MUST_USE;
void kafka_topic_put(struct kafka *k, struct kafka_topic *t);
void kafka_topic_forget(struct kafka *k, const char *name);
void kafka_topics_free(struct kafka *k);
void kafka_topics_look(void *arg); /* a thread: at topics that are stale */
/* Ends of a partition that exists, asked from the cluster. */
int kafka_ends(struct kafka *k, const char *topic, int32_t partition,
               int64_t *ret_begin, int64_t *ret_end, struct err *e) MUST_USE;

#include "broker/kafka_ops_int.h"

#endif

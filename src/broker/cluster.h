/*
 * cluster.h - the servers of a broker, where partitions live, what topics are
 * set to.  A broker without servers (embedded, memory) is one with id 1.
 *
 * Lists are the caller's (mem_free).
 */
#ifndef BROKER_CLUSTER_H
#define BROKER_CLUSTER_H

#include "broker/broker.h"

enum {
    CLUSTER_REPLICAS_MAX = 32
};

struct cluster_node {
    int32_t id;
    int port;
    char host[256];
};

struct cluster_info {
    char id[64];
};

/* *ret_nodes sorted by id. */
int cluster_describe(struct broker *b, struct cluster_info *ret,
                     struct cluster_node **ret_nodes, size_t *ret_n,
                     struct err *e) MUST_USE;

struct cluster_replica {
    int32_t node;
    bool in_sync;
};

struct cluster_place {
    int32_t partition;
    int32_t leader; /* -1: none */
    size_t n;
    struct cluster_replica replicas[CLUSTER_REPLICAS_MAX];
};

/* Every partition of a topic, in order; ERR_NOTFOUND. */
int cluster_places(struct broker *b, const char *topic,
                   struct cluster_place **ret, size_t *ret_n,
                   struct err *e) MUST_USE;

struct cluster_setting {
    char name[128];
    char value[384]; /* cut if longer; "" of a secret */
    bool standard;   /* nobody set it */
};

/* What a topic is set to, by name; ERR_NOTFOUND. */
int cluster_settings(struct broker *b, const char *topic,
                     struct cluster_setting **ret, size_t *ret_n,
                     struct err *e) MUST_USE;

/* Create a topic with settings of its own beside those of *t.  Brokers without
 * servers know retention.ms, retention.bytes and cleanup.policy=delete, and
 * a replication of 1 (-1: as the broker does). ERR_INVALID names what is not
 * known.  With `only_check` nothing is made. */
int cluster_topic_create(struct broker *b, const struct broker_topic *t,
                         int replication, const struct cluster_setting *s,
                         size_t n, bool only_check, struct err *e) MUST_USE;

/* What a connector with servers implements; the contracts are those above. */
struct cluster_ops {
    int (*describe)(struct broker *b, struct cluster_info *ret,
                    struct cluster_node **ret_nodes, size_t *ret_n,
                    struct err *e);
    int (*places)(struct broker *b, const char *topic,
                  struct cluster_place **ret, size_t *ret_n, struct err *e);
    int (*settings)(struct broker *b, const char *topic,
                    struct cluster_setting **ret, size_t *ret_n, struct err *e);
    int (*create)(struct broker *b, const struct broker_topic *t,
                  int replication, const struct cluster_setting *s, size_t n,
                  bool only_check, struct err *e);
};

#endif

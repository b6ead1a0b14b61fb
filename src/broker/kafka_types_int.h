/*
 * kafka_types_int.h - what a `struct kafka` (kafka_int.h) is made of.
 */
#ifndef BROKER_KAFKA_TYPES_INT_H
#define BROKER_KAFKA_TYPES_INT_H

#include <librdkafka/rdkafka.h>

#include "broker/broker.h"
#include "broker/partition.h"
#include "core/arena.h"

struct kafka_request; /* kafka_produce_int.h */

enum {
    KAFKA_GROUPS = 2,
    KAFKA_NODES_MAX = BROKER_NODES_MAX, /* that are watched */
};

/* Of librdkafka, or a topic. */
struct kafka_pair {
    const char *name, *value;
};

/* The url and the options. */
struct kafka_settings {
    struct arena arena;
    const char *bootstrap;
    struct kafka_pair *pairs; /* of the user, for librdkafka */
    size_t n;
    struct kafka_pair *creates; /* "create.NAME": of topics that are made */
    size_t ncreates;
};

/* A topic as last seen; kept by name while it is used. */
struct kafka_topic {
    struct broker_topic info;
    int64_t max_bytes; /* of a message; 0: not known */
    int64_t seen_us;   /* monotonic */
    bool stale;        /* somebody wants to know what it is by now */
    int64_t wanted_us; /* since when */
    int refs;
    bool dropped; /* not in the list any more */
    rd_kafka_topic_t *rkt;
    uint64_t made_by; /* kafka.producers when rkt was made */
    struct partition_sticky sticky;
    /* kafka_gather.c: requests of each group under way; those that wait */
    int flying[KAFKA_GROUPS];
    int64_t went_us; /* the last group */
    struct kafka_request *held, **held_end;
    size_t held_bytes;
    struct kafka_topic *next;
};

/* A broker of the cluster; of the watching thread, told under the lock. */
struct kafka_node {
    int32_t id;
    int port;
    char host[256];
    bool listed; /* by the cluster, when it was asked last */
    bool asked;  /* and has not answered yet */
    bool missed; /* the last question was in vain */
    int64_t asked_us;
    int64_t silent_us; /* how long we have waited for an answer */
};

/* Since when a server answers, as kafka_tail.c saw it. */
struct kafka_heard {
    int32_t node;
    int64_t since_us, last_us; /* monotonic */
};

#endif

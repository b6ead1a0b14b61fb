/*
 * broker_ops.h - what a connector of topics implements.
 *
 * broker.c checks names and limits before it calls, so that every connector
 * is asked only for what may exist.  An op that is NULL is answered with
 * ERR_UNAVAILABLE.  Each op may be called by several threads at once but for
 * open and close; the contract of each is the one in broker.h under its name.
 * `produce` keeps the request and calls done() once.
 */
#ifndef BROKER_BROKER_OPS_H
#define BROKER_BROKER_OPS_H

#include "broker/broker.h"
#include "broker/cluster.h"
#include "broker/member.h"
#include "broker/outbox.h"

/* Members of consumer groups; the contract of each is the one in member.h. */
struct member_ops {
    int (*join)(struct member **ret, struct broker *b,
                const struct member_conf *conf, struct err *e);
    void (*leave)(struct member *m);
    int (*poll)(struct member *m, int64_t timeout_us, struct member_change *ret,
                struct err *e);
    int (*subscribe)(struct member *m, const struct member_conf *conf,
                     struct err *e);
    int (*commit)(struct member *m, const struct broker_position *p, size_t n,
                  struct err *e);
    int (*fetch)(struct member *m, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e); /* NULL: broker_fetch() */
    void (*fetch_release)(struct member *m, struct broker_fetch *f);
    int (*list)(struct broker *b, const char *group, struct member_owner **ret,
                size_t *n, struct err *e);
};

/* The first member of every connector's own struct; join() fills in both. */
struct member {
    const struct member_ops *ops;
    struct broker *broker;
};

/* Records and positions in one; the contract of each is the one in outbox.h. */
struct outbox_ops {
    int (*open)(struct outbox **ret, struct broker *b,
                const struct outbox_conf *conf, struct err *e);
    int (*put)(struct outbox *o, const char *topic,
               const struct broker_record *records, size_t n, struct err *e);
    int (*commit)(struct outbox *o, const struct broker_position *p, size_t n,
                  struct err *e);
    void (*close)(struct outbox *o);
};

/* The first member of every connector's own struct; open() fills it in. */
struct outbox {
    const struct outbox_ops *ops;
};

struct broker_ops {
    const char *name; /* what stands before ':' in the url, or all of it */
    const char *help;
    const char *absent; /* why this build cannot, else NULL */
    int (*open)(struct broker **ret, const struct broker_conf *conf,
                struct err *e);
    void (*close)(struct broker *b);
    int (*topic_create)(struct broker *b, const struct broker_topic *t,
                        struct err *e);
    int (*topic_delete)(struct broker *b, const char *name, struct err *e);
    int (*topic_get)(struct broker *b, const char *name,
                     struct broker_topic *ret, struct err *e);
    int (*topic_list)(struct broker *b, struct broker_topic **ret, size_t *n,
                      struct err *e);
    int (*offsets)(struct broker *b, const char *topic, int32_t partition,
                   int64_t *ret_begin, int64_t *ret_end, struct err *e);
    int (*offset_at)(struct broker *b, const char *topic, int32_t partition,
                     int64_t time_us, int64_t *ret, struct err *e);
    int (*produce)(struct broker *b, struct broker_produce *p, struct err *e);
    int (*fetch)(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e);
    void (*fetch_release)(struct broker *b, struct broker_fetch *f);
    bool (*wait)(struct broker *b, const char *topic, int32_t partition,
                 int64_t offset, int64_t timeout_us);
    int (*group_commit)(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e);
    int (*group_get)(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e);
    int (*group_list)(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e);
    int (*group_positions)(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e);
    int (*group_delete)(struct broker *b, const char *group, struct err *e);
    /* NULL: the far side forgets by itself, or nothing is forgotten */
    int (*retain)(struct broker *b, struct broker_retention *r, struct err *e);
    void (*stats)(struct broker *b, struct broker_stats *ret);
    const struct member_ops *members;  /* NULL: those of coordinator.h */
    const struct cluster_ops *cluster; /* NULL: it has no servers */
    const struct outbox_ops *outbox;   /* NULL: it has no transactions */
    void (*health)(struct broker *b,
                   struct broker_health *ret); /* NULL: well */
    size_t (*nodes)(struct broker *b, struct broker_node *ret,
                    size_t max); /* NULL: it has none */
};

/* The first member of every connector's own struct. */
struct broker {
    const struct broker_ops *ops;
    struct coordinator *coordinator; /* broker.c's; NULL with members */
};

extern const struct broker_ops broker_embedded;
extern const struct broker_ops broker_kafka;
extern const struct broker_ops broker_kinesis;
extern const struct broker_ops broker_memory;

#endif

/*
 * kafka_ops_int.h - the rest of kafka_int.h: the ops of each file.  Include
 * kafka_int.h.
 */
#ifndef BROKER_KAFKA_OPS_INT_H
#define BROKER_KAFKA_OPS_INT_H

#include <librdkafka/rdkafka.h>

#include "broker/broker_ops.h"

struct kafka;
extern const struct cluster_ops kafka_cluster; /* kafka_cluster.c */

/* ---- kafka_call.c: requests of the admin client ---- */

struct kafka_call {
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_event_t *event;
    int ms;      /* to wait for the event */
    int more_ms; /* and then, while the cluster is there and we go on */
};
/* Whether we are asked to end while no broker answers. */
bool kafka_pointless(struct kafka *k);
/* What a request may take: 10 s, and 1 s where it is pointless. */
int kafka_call_ms(struct kafka *k);
int kafka_call_begin(struct kafka *k, struct kafka_call *c,
                     rd_kafka_admin_op_t op, struct err *e) MUST_USE;
/* Wait for the answer; `what` as in "could not <what>". */
int kafka_call_wait(struct kafka *k, struct kafka_call *c, const char *what,
                    struct err *e) MUST_USE;
void kafka_call_end(struct kafka *k, struct kafka_call *c);

/* ---- kafka_nodes.c ---- */
void kafka_health(struct broker *b, struct broker_health *ret);
size_t kafka_nodes(struct broker *b, struct broker_node *ret, size_t max);

/* ---- kafka_topics.c, kafka_create.c ---- */
int kafka_topic_op_create(struct broker *b, const struct broker_topic *t,
                          struct err *e) MUST_USE;
/* cluster_topic_create() of cluster.h. */
int kafka_topic_make(struct broker *b, const struct broker_topic *t, int copies,
                     const struct cluster_setting *s, size_t n, bool only_check,
                     struct err *e) MUST_USE;
int kafka_topic_op_delete(struct broker *b, const char *name,
                          struct err *e) MUST_USE;
int kafka_topic_op_get(struct broker *b, const char *name,
                       struct broker_topic *ret, struct err *e) MUST_USE;
int kafka_topic_op_list(struct broker *b, struct broker_topic **ret, size_t *n,
                        struct err *e) MUST_USE;
int kafka_topic_op_offsets(struct broker *b, const char *topic,
                           int32_t partition, int64_t *ret_begin,
                           int64_t *ret_end, struct err *e) MUST_USE;
int kafka_topic_op_offset_at(struct broker *b, const char *topic,
                             int32_t partition, int64_t time_us, int64_t *ret,
                             struct err *e) MUST_USE;

/* ---- kafka_group.c ---- */

/* Give an element of a commit its metadata, with the topic's epoch. */
int kafka_group_metadata(rd_kafka_topic_partition_t *to,
                         const struct broker_position *p, int64_t epoch,
                         struct err *e) MUST_USE;
int kafka_group_commit(struct broker *b, const char *group,
                       const struct broker_position *p, size_t n,
                       const int64_t *expect, struct err *e) MUST_USE;
int kafka_group_get(struct broker *b, const char *group, const char *topic,
                    int32_t partition, struct broker_position *ret,
                    struct err *e) MUST_USE;
int kafka_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                     struct err *e) MUST_USE;
int kafka_group_positions(struct broker *b, const char *group,
                          struct broker_position **ret, size_t *n,
                          struct err *e) MUST_USE;
int kafka_group_delete(struct broker *b, const char *group,
                       struct err *e) MUST_USE;

/* ---- kafka_produce.c ---- */
int kafka_produce_start(struct broker *b, struct broker_produce *p,
                        struct err *e) MUST_USE;
/* Of its keys, values and headers. */
size_t kafka_produce_bytes(const struct broker_produce *p);
/* Send what waits, at most so long; then give the rest up, every done()
 * called. */
void kafka_produce_stop(struct kafka *k, int timeout_ms);
/* A step of the serving thread: delivery reports of at most wait_ms. */
void kafka_produce_serve(struct kafka *k, int wait_ms);

/* ---- kafka_fetch.c ---- */
int kafka_fetch_op(struct broker *b, const char *topic, int32_t partition,
                   int64_t offset, size_t max_bytes, struct broker_fetch *f,
                   struct err *e) MUST_USE;
void kafka_fetch_release(struct broker *b, struct broker_fetch *f);
bool kafka_fetch_wait(struct broker *b, const char *topic, int32_t partition,
                      int64_t offset, int64_t timeout_us);
void kafka_fetch_serve(struct kafka *k); /* events of the reading clients */
void kafka_fetch_stop(struct kafka *k);

/* ---- kafka_outbox.c ---- */
extern const struct outbox_ops kafka_outbox;

/* ---- kafka_member.c, kafka_members.c ---- */
extern const struct member_ops kafka_members;
int kafka_member_list(struct broker *b, const char *group,
                      struct member_owner **ret, size_t *n,
                      struct err *e) MUST_USE;

#endif

/*
 * kafka_read_int.h - messages out of a queue of librdkafka: what
 * broker_fetch() and member_fetch() have in common (kafka_read.c).
 */
#ifndef BROKER_KAFKA_READ_INT_H
#define BROKER_KAFKA_READ_INT_H

#include "broker/kafka_int.h"

/* What is asked for: broker_fetch()'s arguments. */
struct kafka_read {
    const char *topic;
    int32_t partition;
    int64_t offset;
    size_t max_bytes;
    bool brief; /* do not insist: nothing may come although there is more */
};

struct kafka_reader {
    rd_kafka_queue_t *queue;
    rd_kafka_message_t **held; /* taken off the queue */
    size_t n, cap;             /* of held */
    size_t pos;                /* those before it were given to the caller */
    struct message *messages;  /* the caller's view of them */
    size_t messages_cap;
    struct arena headers;    /* of those messages */
    int64_t next;            /* the offset that comes next */
    bool at_end;             /* as far as the queue knows */
    bool outside;            /* the last read failed: no such offset */
    struct kafka_keys *keys; /* tell it of records with a key; NULL: none */
    int64_t key_time_us;
};

void kafka_read_init(struct kafka_reader *r);
void kafka_read_reset(struct kafka *k, struct kafka_reader *r);
void kafka_read_release(struct kafka *k, struct kafka_reader *r);
/* Go forward to an offset that is held already; false: it is not. */
bool kafka_read_skip(struct kafka *k, struct kafka_reader *r, int64_t offset);
/* Fill *f with what comes next, waiting for it unless the end is reached. */
int kafka_read(struct kafka *k, struct kafka_reader *r, rd_kafka_t *rk,
               const struct kafka_read *what, struct broker_fetch *f,
               struct err *e) MUST_USE;

/* ---- kafka_fetch.c ---- */

/* Before the first fetch: tell of records with an idempotency key. */
int kafka_fetch_watch(struct broker_fetch *f, struct kafka_keys *keys,
                      struct err *e) MUST_USE;

#endif

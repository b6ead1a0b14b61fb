/*
 * kafka_produce_int.h - a produce request on its way to Kafka.
 */
#ifndef BROKER_KAFKA_PRODUCE_INT_H
#define BROKER_KAFKA_PRODUCE_INT_H

#include "broker/kafka_int.h"

struct kafka_asked; /* kafka_keys_int.h */

struct kafka_slot {
    struct kafka_request *request;
};

struct kafka_request {
    struct broker_produce *asked;
    struct kafka_topic *topic;
    int64_t began_us;
    size_t bytes;
    atomic_size_t left; /* records on their way, and 1 while they are sent */
    _Atomic rd_kafka_resp_err_t first_error;
    struct kafka_asked *asked_before; /* with an idempotency key, else NULL */
    struct kafka_request *next;       /* of those that are held */
    int group;
    struct kafka_slot slots[]; /* of each record */
};

/* Give its records to librdkafka; it may be done, and gone, before this
 * returns. */
void kafka_produce_send(struct kafka *k, struct kafka_request *r);

/* ---- kafka_gather.c: requests go in groups ---- */

/* Send it, now or with those that wait. */
void kafka_gather(struct kafka *k, struct kafka_request *r);
/* A request of this group is done. */
void kafka_gather_done(struct kafka *k, struct kafka_topic *t, int group);
/* Now and then: nobody waits long. */
void kafka_gather_hurry(struct kafka *k);

/* librdkafka does not write to what it is lent, but does not say so. */
static inline void *kafka_lend(bool there, struct slice s)
{
    union {
        const char *given;
        void *lent;
    } p = {s.ptr != NULL ? s.ptr : ""};

    return there ? p.lent : NULL;
}

#endif

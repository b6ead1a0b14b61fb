/*
 * kafka_keys_int.h - idempotency keys on Kafka (docs/decisions/0102).
 *
 * Each record of a request with a key carries a header (KAFKA_KEY_HEADER):
 * hash and digest of the key, the record's number in the request, and how many
 * there are.  What a key got is remembered for the window's length; for what
 * another process did before, the tail of the topic is read when its first
 * key comes.
 */
#ifndef BROKER_KAFKA_KEYS_INT_H
#define BROKER_KAFKA_KEYS_INT_H

#include "broker/kafka_int.h"

enum {
    KAFKA_KEY_BYTES = 40, /* hash 16, digest 16, number u32le, count u32le */
};

enum kafka_keys_next {
    KAFKA_KEYS_ERROR = -1,
    KAFKA_KEYS_SEND,   /* *ret: what is known of its records */
    KAFKA_KEYS_ANSWER, /* p is filled in: call done() */
    KAFKA_KEYS_LATER,  /* somebody else goes on with it */
};

struct kafka_asked; /* a request with a key, under way or done in part */

int kafka_keys_open(struct kafka_keys **ret, struct kafka *k,
                    const struct broker_conf *conf, struct err *e) MUST_USE;
void kafka_keys_stop(struct kafka_keys *s); /* its thread; NULL is fine */
void kafka_keys_close(struct kafka_keys *s);

enum kafka_keys_next kafka_keys_begin(struct kafka *k, struct broker_produce *p,
                                      int64_t epoch, struct kafka_asked **ret,
                                      struct err *e) MUST_USE;
/* Is record i stored already? */
bool kafka_keys_known(const struct kafka_asked *a, size_t i,
                      struct broker_report *ret);
void kafka_keys_header(const struct kafka_asked *a, size_t i,
                       char ret[KAFKA_KEY_BYTES]);
/* The request is done: remember, and answer those who asked the same.  False:
 * offsets are looked for, and p's done() is called when they are found. */
bool kafka_keys_end(struct kafka *k, struct kafka_asked *a,
                    struct broker_produce *p);
/* A record with a key was read; its time is in us. */
void kafka_keys_seen(struct kafka_keys *s, const rd_kafka_message_t *m,
                     int64_t time_us, struct slice header);

/* ---- kafka_tail.c ---- */

struct kafka_tail {
    struct kafka_keys *keys; /* are told of every record with a key */
    int64_t since_us;        /* where it begins: wall clock */
    bool (*stop)(void *arg); /* asked now and then: give up */
    void *arg;
};

/* Read the topic's last records, up to everything that any leader holds when
 * this is called, also what its followers do not hold yet.  ERR_CONNECT or
 * ERR_TIMEOUT while that cannot be known.  May take as long as it reads. */
int kafka_tail_read(struct kafka *k, const struct broker_topic *t,
                    const struct kafka_tail *what, struct err *e) MUST_USE;

/* The topics whose tails were read; the caller has a lock. */
struct kafka_tails {
    struct kafka_tail_done *list;
    uint64_t forgets; /* how often some were forgotten */
};
bool kafka_tails_read(const struct kafka_tails *s, const char *topic,
                      int64_t epoch);
/* One was read that was begun when s->forgets was so much: if some were
 * forgotten since, it does not count. */
int kafka_tails_add(struct kafka_tails *s, const char *topic, int64_t epoch,
                    uint64_t forgets, struct err *e) MUST_USE;
/* NULL: all. */
void kafka_tails_forget(struct kafka_tails *s, const char *topic);

#endif

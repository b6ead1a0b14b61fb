/*
 * consumer_int.h - a consumer instance's state; consumer.c has what it reads
 * and the group, consumer_read.c the records and positions.
 */
#ifndef API_CONSUMER_INT_H
#define API_CONSUMER_INT_H

#include "api/consumer.h"

struct consumer_part {
    struct member_partition at;
    int64_t next;      /* offset to read next; -1: not known yet */
    int64_t received;  /* everything below counts as received */
    int64_t committed; /* stored by this instance; -1: nothing */
    int64_t end;       /* of the topic, when last looked */
};

/* What one read gave of one partition. */
struct consumer_range {
    char topic[TOPIC_NAME_MAX + 1];
    int32_t partition;
    int64_t from, to;
};

struct consumer {
    struct broker *broker;
    char group[TOPIC_NAME_MAX + 1];
    char name[TOPIC_NAME_MAX + 1];
    struct consumer_conf conf;
    struct member *member; /* when subscribed */
    bool by_pattern;
    bool assigned; /* by the client */
    bool settled;
    char **topics; /* subscribed by name, one block each */
    size_t n_topics;

    struct consumer_part *parts;
    size_t n_parts;
    size_t turn;          /* whose records come first in the next read */
    int64_t committed_us; /* when positions were last stored by themselves */

    struct consumer_range *last; /* of the last read */
    size_t n_last;
    bool given; /* the last read is not received yet */
    char key[CONSUMER_KEY_MAX];
    size_t key_len;
};

struct consumer_part *consumer_find(const struct consumer *c, const char *topic,
                                    int32_t partition);
/* Where to begin: the stored position, else as conf.reset says. */
int consumer_begin(struct consumer *c, struct consumer_part *p,
                   struct err *e) MUST_USE;
/* The last read was received. */
void consumer_confirm(struct consumer *c);
/* Store the received (or all given) positions that are not stored yet; only
 * of the partitions in `some` unless that is NULL. */
int consumer_store(struct consumer *c, bool given,
                   const struct member_partition *some, size_t n,
                   struct err *e) MUST_USE;

#endif

/*
 * consumer_body.h - the JSON bodies of the consumer routes of Kafka REST v2.
 *
 * Texts are NUL-terminated copies in the arena.  What is not understood is
 * refused with status, code and words in *f.
 */
#ifndef API_CONSUMER_BODY_H
#define API_CONSUMER_BODY_H

#include "api/consumer.h"
#include "api/produce_body.h"

struct consumer_body_create {
    const char *name; /* NULL: make one */
    enum media_format format;
    enum consumer_reset reset;
    bool auto_commit;
    int64_t min_bytes;  /* -1: answer as soon as there is a record */
    int64_t timeout_us; /* 0: the default */
};

/* An empty body has every default. */
bool consumer_body_create(struct slice body, struct arena *a,
                          struct consumer_body_create *ret,
                          struct produce_fault *f);
/* {"topics":[...]} or {"topic_pattern":"re"}; group and the like are not set;
 * no topics and no pattern: {"topics":[]}. */
bool consumer_body_subscription(struct slice body, struct arena *a,
                                struct member_conf *ret,
                                struct produce_fault *f);

enum consumer_body_list {
    CONSUMER_BODY_PARTITIONS = 1, /* {"partitions":[{"topic","partition"}]} */
    CONSUMER_BODY_OFFSETS = 2,    /* {"offsets":[{..., "offset"}]} */
    CONSUMER_BODY_TIMESTAMPS = 4, /* {"timestamps":[{..., "timestamp"}]} */
};
/* The lists that `lists` allows, one after the other. */
bool consumer_body_places(struct slice body, unsigned lists, struct arena *a,
                          struct consumer_place **ret, size_t *ret_n,
                          struct produce_fault *f);

#endif

/*
 * span.h - where records stand: topic, epoch, partition, offsets.
 *
 * A topic's epoch changes when it is deleted and created again, so that old
 * positions are never taken for new ones.  A record's position is topic,
 * partition, offset, sub (sub counts the records of one message from 0).
 */
#ifndef RECORD_SPAN_H
#define RECORD_SPAN_H

#include "core/base.h"

enum {
    TOPIC_NAME_MAX = 249 /* bytes, as Kafka */
};

struct span {
    const char *topic; /* borrowed */
    int64_t epoch;
    int32_t partition;
    int64_t from; /* first offset */
    int64_t to;   /* one past the last */
};

#endif

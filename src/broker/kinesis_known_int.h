/*
 * kinesis_known_int.h - what Kinesis said of streams and their shards.
 *
 * Each look at a shard must know the stream's epoch and which shards came from
 * which.  Asking for both takes two calls, and AWS allows few of them, so
 * answers are good for a second.  What may have changed is asked anew before:
 * a partition that is not known, a shard that has just ended, a call that was
 * refused because something is not there, a stream that this handle made or
 * deleted.  A split or a merge is thus seen at once by those who read on
 * behind the end of a parent, and within a second by others; a stream made
 * anew within that second (AWS takes longer) would be taken for the old one.
 *
 * Everything is called under the handle's lock.
 */
#ifndef BROKER_KINESIS_KNOWN_INT_H
#define BROKER_KINESIS_KNOWN_INT_H

#include "broker/kinesis_int.h"

enum {
    KINESIS_KNOWN = 16, /* streams; the one asked longest ago goes */
};

/* One stream; borrowed until the next call of kinesis_known_ask(). */
struct kinesis_known {
    struct broker_topic topic;
    struct kinesis_shard *shards; /* sorted by number */
    size_t n;
    int64_t asked_us;
    bool good; /* may be told without asking */
};

/* Ask now, and keep the answer. */
int kinesis_known_ask(struct kinesis *k, const char *stream,
                      const struct kinesis_known **ret, struct err *e) MUST_USE;
/* What is known for less than a second, and knows this partition (-1: any);
 * else as kinesis_known_ask(). */
int kinesis_known_get(struct kinesis *k, const char *stream, int32_t partition,
                      const struct kinesis_known **ret, struct err *e) MUST_USE;
/* The next one asks; false when it would have anyway. */
bool kinesis_known_forget(struct kinesis *k, const char *stream);
/* Of the whole handle, for its end. */
void kinesis_known_free(struct kinesis *k);

/* kinesis_streams.c: always asks, and keeps nothing: the summary, without
 * partitions; *ret_active: the stream can be used (NULL: not of interest). */
int kinesis_describe(struct kinesis *k, const char *name,
                     struct broker_topic *ret, bool *ret_active,
                     struct err *e) MUST_USE;

#endif

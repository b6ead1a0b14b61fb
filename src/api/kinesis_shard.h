/*
 * kinesis_shard.h - a topic seen as a stream: shards, hash keys, sequence
 * numbers, iterators.
 *
 * Shard i is partition i.  Hash keys 0..2^128-1 are split evenly between the
 * shards; a record goes where the MD5 of its partition key falls.  A sequence
 * number is made of the topic's epoch, the shard and the offset, 56 digits
 * wide, so that numbers grow as offsets do, as numbers and as texts.  Pure
 * functions; nothing is kept.
 */
#ifndef API_KINESIS_SHARD_H
#define API_KINESIS_SHARD_H

#include "core/buf.h"

enum {
    KINESIS_NAME_MAX = 128,
    KINESIS_HASH_TEXT = 40,     /* 39 digits and NUL */
    KINESIS_SHARD_TEXT = 24,    /* "shardId-000000000000" and NUL */
    KINESIS_SEQUENCE_TEXT = 57, /* 56 digits and NUL */
};

__extension__ typedef unsigned __int128 kinesis_hash;

kinesis_hash kinesis_hash_of(struct slice partition_key);
/* Decimal digits below 2^128. */
bool kinesis_hash_parse(struct slice text, kinesis_hash *ret);
void kinesis_hash_print(kinesis_hash h, char text[KINESIS_HASH_TEXT]);
/* The keys of shard i of n. */
void kinesis_range(int32_t i, int32_t n, kinesis_hash *ret_first,
                   kinesis_hash *ret_last);
/* The shard of n that holds the key. */
int32_t kinesis_place(kinesis_hash h, int32_t n);

void kinesis_shard_print(int32_t shard, char text[KINESIS_SHARD_TEXT]);
/* "shardId-" and 1 to 12 digits. */
bool kinesis_shard_parse(struct slice text, int32_t *ret);

/* The number of the record at an offset; offset -1: the shard's first number,
 * below that of any record. */
void kinesis_sequence_print(int64_t epoch, int32_t shard, int64_t offset,
                            char text[KINESIS_SEQUENCE_TEXT]);
enum kinesis_sequence {
    KINESIS_SEQUENCE_GOOD,
    KINESIS_SEQUENCE_BAD,       /* no number of ours */
    KINESIS_SEQUENCE_OTHER,     /* of another stream of that name */
    KINESIS_SEQUENCE_NEIGHBOUR, /* of another shard, see *ret */
};
/* *ret is the offset, or the other shard. */
enum kinesis_sequence kinesis_sequence_parse(struct slice text, int64_t epoch,
                                             int32_t shard, int64_t *ret);

/* What a ShardIterator holds; it is good for 300 s from time_us. */
struct kinesis_iterator {
    char stream[KINESIS_NAME_MAX + 1];
    int64_t epoch;
    int32_t shard;
    int64_t offset; /* of the record to give next */
    int64_t time_us;
};
int kinesis_iterator_print(const struct kinesis_iterator *it, struct buf *b,
                           struct err *e) MUST_USE;
bool kinesis_iterator_parse(struct slice text, struct kinesis_iterator *ret);

#endif

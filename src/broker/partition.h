/*
 * partition.h - which partition a record goes to, as Kafka's own clients do.
 */
#ifndef BROKER_PARTITION_H
#define BROKER_PARTITION_H

#include "core/slice.h"

/* MurmurHash2 with Kafka's seed. */
uint32_t partition_murmur2(struct slice key);
/* toPositive(murmur2(key)) % partitions. */
int32_t partition_of_key(struct slice key, int32_t partitions);

/* Records without a key stay with one partition for a while. */
struct partition_sticky {
    uint32_t next;  /* of partitions, modulo their number */
    uint64_t bytes; /* given to it so far */
};
/* The partition for a batch of that many bytes. */
int32_t partition_without_key(struct partition_sticky *s, size_t bytes,
                              int32_t partitions);

#endif

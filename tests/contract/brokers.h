/*
 * brokers.h - what the contracts of all brokers begin with.
 *
 * A failure is the running test's; where there is no broker the program ends.
 */
#ifndef CONTRACT_BROKERS_H
#define CONTRACT_BROKERS_H

#include "broker/member.h"

enum {
    BROKERS_NAME_MAX = 80
};

/* Whether it outlives its handle, and so what other tests left in it. */
bool brokers_is_cluster(const char *url);
/* For writing: in a folder of its own, or in that of the last call. */
struct broker_conf brokers_conf(const char *url, bool fresh);
struct broker *brokers_open(const char *url, bool fresh);
/* In a folder of its own, without topics and groups. */
struct broker *brokers_empty(const char *url);
/* A topic that is kept for ever. */
void brokers_make(struct broker *b, const char *name, int32_t partitions);
/* A name that no other test used: a far side lives longer than a test. */
const char *brokers_unique(char text[BROKERS_NAME_MAX], const char *what);
struct broker_position brokers_at(const struct member_partition *p,
                                  int64_t offset);

#endif

/*
 * group.h - the rest of broker.h: positions of consumer groups, retention,
 * statistics.  Include broker.h.
 */
#ifndef BROKER_GROUP_H
#define BROKER_GROUP_H

#include "core/err.h"
#include "record/span.h"

struct broker;

/* ---- consumer groups ---- */

enum {
    BROKER_METADATA_MAX = 4096
};

struct broker_position {
    char topic[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t partition;
    int64_t offset; /* next to read */
    char metadata[256];
};

/* Store positions of a group in one transaction.  expect (may be NULL): n
 * offsets that must be stored now (-1: none), else ERR_FENCED. */
int broker_group_commit(struct broker *b, const char *group,
                        const struct broker_position *p, size_t n,
                        const int64_t *expect, struct err *e) MUST_USE;
/* ERR_NOTFOUND when the group has no position there (or of another epoch). */
int broker_group_get(struct broker *b, const char *group, const char *topic,
                     int32_t partition, struct broker_position *ret,
                     struct err *e) MUST_USE;
/* Every group, or the positions of one; *ret is the caller's (mem_free). */
struct broker_group {
    char name[TOPIC_NAME_MAX + 1];
};
int broker_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                      struct err *e) MUST_USE;
int broker_group_positions(struct broker *b, const char *group,
                           struct broker_position **ret, size_t *n,
                           struct err *e) MUST_USE;
int broker_group_delete(struct broker *b, const char *group,
                        struct err *e) MUST_USE;

/* ---- keeping house ---- */

struct broker_retention {
    int64_t now_us;
    /* keep what this group list has not read; NULL-terminated or NULL */
    const char *const *keep_for;
    bool force;       /* expire all the same, and count it */
    int64_t expired;  /* out: messages of keep_for groups that went unread */
    int64_t segments; /* out: segment files removed */
};
int broker_retain(struct broker *b, struct broker_retention *r,
                  struct err *e) MUST_USE;

struct broker_stats {
    int64_t commits, records, bytes; /* since opening */
    int64_t commit_us_total, commit_us_max;
    int64_t repeats; /* answered from the idempotency window */
    int64_t disk_bytes;
};
void broker_stats(struct broker *b, struct broker_stats *ret);

struct broker_health {
    bool ok;          /* records can be stored and read, as far as is known */
    int brokers;      /* servers that answer; 0: it has none */
    int away;         /* servers seen before that are gone */
    int64_t waiting;  /* records on their way */
    char reason[256]; /* what is wrong; "" nothing */
};
/* What was last seen; asks nobody and does not wait. */
void broker_health(struct broker *b, struct broker_health *ret);

enum {
    BROKER_NODES_MAX = 64
};

struct broker_node {
    char host[256];
    int port;
    bool up; /* it answers, and is in the cluster */
};
/* The servers seen so far, at most `max` of them: how many.  Waits no more
 * than broker_health(). */
size_t broker_nodes(struct broker *b, struct broker_node *ret, size_t max);

#endif

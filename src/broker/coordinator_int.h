/*
 * coordinator_int.h - a group's members and seats, and how seats are shared.
 *
 * A seat is a partition of a topic that the group reads.  Its owner may
 * commit for it; its target is who shall have it.  Where they differ the
 * owner is told to give it up, and the target gets it once it is free.
 */
#ifndef BROKER_COORDINATOR_INT_H
#define BROKER_COORDINATOR_INT_H

#include <regex.h>

#include "broker/broker_ops.h"
#include "core/thread.h"

struct local; /* a member */

struct coordinator {
    struct broker *broker;
    struct mutex lock;
    struct cond changed;
    struct room *rooms;
    size_t n_members;
    int64_t ids;
    struct broker_topic *topics; /* as of read_us */
    size_t n_topics;
    int64_t read_us;
    int64_t version; /* +1 when they change */
};

struct seat {
    struct member_partition at;
    struct local *owner, *target;
    bool revoking; /* the owner was told, and gives it up with its next poll */
};

struct room { /* a group */
    struct room *next;
    char name[TOPIC_NAME_MAX + 1];
    struct local *members; /* in the order of joining */
    size_t n_members;
    struct seat *seats; /* sorted by topic and partition */
    size_t n_seats;
    int64_t version; /* of the topics that the seats are of */
    bool dirty;      /* targets must be computed */
};

struct local {
    struct member base;
    struct coordinator *c;
    struct room *room;
    struct local *next;
    char *topics; /* n_topics names, each with its NUL */
    size_t n_topics;
    regex_t pattern;
    bool has_pattern;
    char id[128], client[128];
    int64_t session_us;
    int64_t seen_us; /* its last poll */
    bool committing; /* no time-out meanwhile */
    bool expelled;   /* by time-out; joins again with its next poll */
    bool settled;
    size_t count;                  /* seats it shall have; of the sharing */
    struct member_partition *held; /* what it was told it has */
    size_t n_held;
    struct member_partition *told; /* of the last change */
};

/* Whether m subscribes to the topic. */
bool coordinator_wants(const struct local *m, const char *topic);
/* <0, 0, >0: the order of seats. */
int coordinator_cmp(const struct member_partition *a,
                    const struct member_partition *b);
struct seat *coordinator_find(const struct room *g,
                              const struct member_partition *at);
/* List the topics anew, unless that was just done. */
int coordinator_topics(struct coordinator *c, int64_t now,
                       struct err *e) MUST_USE;
/* The seats of the topics as they are now; owners stay. */
int coordinator_seats(struct coordinator *c, struct room *g,
                      struct err *e) MUST_USE;
/* Give every seat a target: who has it keeps it while shares stay even. */
int coordinator_share(struct room *g, struct err *e) MUST_USE;

/* A pattern that a member may subscribe to, compiled (regfree); ERR_INVALID. */
int coordinator_pattern(regex_t *ret, const char *pattern,
                        struct err *e) MUST_USE;

#endif

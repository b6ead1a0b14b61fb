/*
 * member.h - membership in a consumer group: who reads which partitions.
 *
 * Members of one group share the partitions of their topics; each partition
 * has one owner at a time.  On Kafka this is the cooperative protocol of the
 * cluster; on the other brokers a coordinator inside the broker handle shares
 * them between the members of this process.  A member belongs to one thread,
 * and member_poll() must be called at least every session time-out, else the
 * partitions go to others and the next commit is ERR_FENCED.
 */
#ifndef BROKER_MEMBER_H
#define BROKER_MEMBER_H

#include "broker/broker.h"

struct member; /* opaque */

struct member_conf {
    const char *group;
    const char *const *topics; /* names; NULL-free */
    size_t ntopics;
    const char *pattern; /* POSIX extended regular expression over the whole
                            name, instead of topics; NULL: none */
    const char *client;  /* for people who look at the group; NULL: "pinline" */
    int64_t session_us;  /* 0: 10 s on the embedded topics, Kafka's default */
    size_t prefetch_bytes; /* of member_fetch(); 0: 1 MiB */
};

struct member_partition {
    char topic[TOPIC_NAME_MAX + 1];
    int64_t epoch;
    int32_t partition;
};

/* What changed since the last poll.  `revoked` partitions must not be written
 * for any more: finish or drop their output and commit them (or not) before
 * the next poll, which gives them away.  `lost` ones are gone already. */
struct member_change {
    struct member_partition *assigned, *revoked, *lost;
    size_t nassigned, nrevoked, nlost;
    bool settled; /* the group has given this member its partitions at least
                     once since it joined */
};

int member_join(struct member **ret, struct broker *b,
                const struct member_conf *conf, struct err *e) MUST_USE;
/* Give everything away and leave; what was not committed is read by others
 * again.  NULL is fine. */
void member_leave(struct member *m);
/* Wait at most timeout_us (0: not at all) for a change; *ret is good until the
 * next poll. */
int member_poll(struct member *m, int64_t timeout_us, struct member_change *ret,
                struct err *e) MUST_USE;
/* Change what is subscribed to. */
int member_subscribe(struct member *m, const struct member_conf *conf,
                     struct err *e) MUST_USE;
/* broker_group_commit() as a member: ERR_FENCED when a partition is not this
 * member's any more. */
int member_commit(struct member *m, const struct broker_position *p, size_t n,
                  struct err *e) MUST_USE;
/* broker_fetch() over the member's own connection, one at a time a partition.
 * On Kafka nothing may come for a moment although there is more (n == 0, next
 * below end): the group wants to be polled. */
int member_fetch(struct member *m, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e) MUST_USE;
void member_fetch_release(struct member *m, struct broker_fetch *f);

/* Who reads what in a group: one row a partition that somebody has now. */
struct member_owner {
    char member[128]; /* an id within the group */
    char client[128];
    char topic[TOPIC_NAME_MAX + 1];
    int32_t partition;
};
/* *ret is the caller's (mem_free); a group without members has none. */
int member_list(struct broker *b, const char *group, struct member_owner **ret,
                size_t *n, struct err *e) MUST_USE;

#endif

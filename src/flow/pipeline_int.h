/*
 * pipeline_int.h - a pipeline inside, for the files that make it up.
 *
 * Alone (topics of this machine, sinks of one owner) it reads every partition
 * and stores positions itself.  Shared (Kafka, sinks that can be shared) it
 * is a member of its group: it reads the partitions it is given, and commits
 * as that member, so that who lost a partition is fenced.
 */
#ifndef FLOW_PIPELINE_INT_H
#define FLOW_PIPELINE_INT_H

#include "broker/member.h"
#include "core/lock.h"
#include "flow/pipeline.h"

enum {
    PIPELINE_FETCH_BYTES = 4000000,
    PIPELINE_IDLE_US = 100000,
};

/* A partition that this member has. */
struct pipeline_part {
    struct member_partition at;
    struct broker_fetch fetch;
    int64_t next;  /* offset to read; -1: the sink is to be asked */
    int64_t until; /* once: where it ends; -1: not looked up yet */
};

struct pipeline {
    struct pipeline_conf conf;
    const char *group;
    struct lock lock;
    struct ledger *ledger;
    struct sink *sink;
    struct broker_fetch fetch; /* alone */
    struct pipeline_counts counts;

    struct member *member; /* NULL: alone */
    struct pipeline_part *parts;
    size_t nparts, parts_cap;
    bool settled;
};

/* ---- pipeline_share.c ---- */

int pipeline_share_join(struct pipeline *p, struct err *e) MUST_USE;
void pipeline_share_leave(struct pipeline *p);
int pipeline_share_once(struct pipeline *p, struct err *e) MUST_USE;
int pipeline_share_follow(struct pipeline *p, bool (*stop)(void),
                          struct err *e) MUST_USE;

#endif

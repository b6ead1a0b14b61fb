/* cluster.h - a cluster outlives the handle: its tests begin without topics
 * and groups. */
#ifndef CONTRACT_CLUSTER_H
#define CONTRACT_CLUSTER_H

#include <string.h>

#include "test.h"

#include "broker/broker.h"
#include "core/mem.h"

static inline bool cluster_is(const char *url)
{
    return strncmp(url, "kafka:", 6) == 0;
}

static inline void cluster_wipe(struct broker *b)
{
    struct broker_topic *topics = NULL;
    struct broker_group *groups = NULL;
    struct err e;
    size_t n = 0;

    CHECK_OK(broker_topic_list(b, &topics, &n, &e), &e);
    for (size_t i = 0; topics && i < n; i++) {
        CHECK_OK(broker_topic_delete(b, topics[i].name, &e), &e);
    }
    mem_free(topics);
    CHECK_OK(broker_group_list(b, &groups, &n, &e), &e);
    for (size_t i = 0; groups && i < n; i++) {
        CHECK_OK(broker_group_delete(b, groups[i].name, &e), &e);
    }
    mem_free(groups);
}

#endif

#include "broker/cluster.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/broker_ops.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    ONLY_NODE = 1
};

int cluster_describe(struct broker *b, struct cluster_info *ret,
                     struct cluster_node **ret_nodes, size_t *ret_n,
                     struct err *e)
{
    struct cluster_node *one;

    if (b->ops->cluster != NULL) {
        return b->ops->cluster->describe(b, ret, ret_nodes, ret_n, e);
    }
    one = mem_zero(1, sizeof(*one));
    if (one == NULL) {
        return err_nomem(e, sizeof(*one));
    }
    one->id = ONLY_NODE;
    (void)snprintf(one->host, sizeof(one->host), "localhost");
    *ret = (struct cluster_info){.id = ""};
    (void)snprintf(ret->id, sizeof(ret->id), "pinline");
    *ret_nodes = one;
    *ret_n = 1;
    return 0;
}

int cluster_places(struct broker *b, const char *topic,
                   struct cluster_place **ret, size_t *ret_n, struct err *e)
{
    struct cluster_place *list;
    struct broker_topic t;

    if (b->ops->cluster != NULL) {
        return b->ops->cluster->places(b, topic, ret, ret_n, e);
    }
    if (broker_topic_get(b, topic, &t, e) != 0) {
        return -1;
    }
    list = mem_zero((size_t)t.partitions, sizeof(*list));
    if (list == NULL) {
        return err_nomem(e, (size_t)t.partitions * sizeof(*list));
    }
    for (int32_t p = 0; p < t.partitions; p++) {
        list[p].partition = p;
        list[p].leader = ONLY_NODE;
        list[p].n = 1;
        list[p].replicas[0] = (struct cluster_replica){ONLY_NODE, true};
    }
    *ret = list;
    *ret_n = (size_t)t.partitions;
    return 0;
}

int cluster_settings(struct broker *b, const char *topic,
                     struct cluster_setting **ret, size_t *ret_n, struct err *e)
{
    struct cluster_setting *list;
    struct broker_topic t;
    int64_t ms;

    if (b->ops->cluster != NULL) {
        return b->ops->cluster->settings(b, topic, ret, ret_n, e);
    }
    if (broker_topic_get(b, topic, &t, e) != 0) {
        return -1;
    }
    list = mem_zero(3, sizeof(*list));
    if (list == NULL) {
        return err_nomem(e, 3 * sizeof(*list));
    }
    ms = t.retention_us < 0 ? -1 : t.retention_us / 1000;
    list[0] = (struct cluster_setting){"cleanup.policy", "delete", true};
    list[1] =
        (struct cluster_setting){"retention.bytes", "", t.retention_bytes < 0};
    list[2] = (struct cluster_setting){"retention.ms", "", ms < 0};
    (void)snprintf(list[1].value, sizeof(list[1].value), "%" PRId64,
                   t.retention_bytes);
    (void)snprintf(list[2].value, sizeof(list[2].value), "%" PRId64, ms);
    *ret = list;
    *ret_n = 3;
    return 0;
}

/* One setting of a topic on a broker without servers. */
static int set(struct broker_topic *t, const struct cluster_setting *s,
               struct err *e)
{
    int64_t v = 0;
    bool is_number =
        num_i64(slice_of(s->value), &v) && v >= -1 && v <= INT64_MAX / 1000;

    if (strcmp(s->name, "retention.ms") == 0 && is_number) {
        t->retention_us = v < 0 ? -1 : v * 1000;
        return 0;
    }
    if (strcmp(s->name, "retention.bytes") == 0 && is_number) {
        t->retention_bytes = v;
        return 0;
    }
    if (strcmp(s->name, "cleanup.policy") == 0 &&
        strcmp(s->value, "delete") == 0) {
        return 0;
    }
    return err_set(e, ERR_INVALID,
                   "cannot set \"%s\" of topic \"%s\" to \"%.60s\": want "
                   "retention.ms, retention.bytes or cleanup.policy=delete",
                   s->name, t->name, s->value);
}

int cluster_topic_create(struct broker *b, const struct broker_topic *t,
                         int replication, const struct cluster_setting *s,
                         size_t n, bool only_check, struct err *e)
{
    struct broker_topic own = *t;
    struct broker_topic there;

    if (b->ops->cluster != NULL) {
        return b->ops->cluster->create(b, t, replication, s, n, only_check, e);
    }
    if (replication != -1 && replication != 1) {
        return err_set(e, ERR_INVALID,
                       "cannot create topic \"%s\" with a replication of %d: "
                       "there is 1 server",
                       t->name, replication);
    }
    for (size_t i = 0; i < n; i++) {
        if (set(&own, &s[i], e) != 0) {
            return -1;
        }
    }
    if (!only_check) {
        return broker_topic_create(b, &own, e);
    }
    if (broker_topic_get(b, t->name, &there, NULL) == 0) {
        return err_set(e, ERR_EXISTS, "there is a topic \"%s\" already",
                       t->name);
    }
    return 0;
}

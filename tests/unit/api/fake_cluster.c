/* The one server of the fake broker, and what its topics are set to. */
#include <string.h>

#include "broker/cluster.h"
#include "core/mem.h"

int cluster_describe(struct broker *b, struct cluster_info *ret,
                     struct cluster_node **ret_nodes, size_t *ret_n,
                     struct err *e)
{
    struct cluster_node *one = mem_zero(1, sizeof(*one));

    (void)b;
    (void)e;
    one->id = 1;
    *ret = (struct cluster_info){"fake"};
    *ret_nodes = one;
    *ret_n = 1;
    return 0;
}

int cluster_places(struct broker *b, const char *topic,
                   struct cluster_place **ret, size_t *ret_n, struct err *e)
{
    struct cluster_place *list;
    struct broker_topic t;

    if (broker_topic_get(b, topic, &t, e) != 0) {
        return -1;
    }
    list = mem_zero((size_t)t.partitions, sizeof(*list));
    for (int32_t p = 0; p < t.partitions; p++) {
        list[p].partition = p;
        list[p].leader = 1;
        list[p].n = 1;
        list[p].replicas[0] = (struct cluster_replica){1, true};
    }
    *ret = list;
    *ret_n = (size_t)t.partitions;
    return 0;
}

int cluster_settings(struct broker *b, const char *topic,
                     struct cluster_setting **ret, size_t *ret_n, struct err *e)
{
    static const struct cluster_setting settings[] = {
        {"cleanup.policy", "delete", true},
        {"retention.bytes", "-1", true},
        {"retention.ms", "-1", true}};
    struct cluster_setting *list = mem_zero(3, sizeof(*list));

    (void)b;
    (void)topic;
    (void)e;
    memcpy(list, settings, sizeof(settings));
    *ret = list;
    *ret_n = 3;
    return 0;
}

int cluster_topic_create(struct broker *b, const struct broker_topic *t,
                         int replication, const struct cluster_setting *s,
                         size_t n, bool only_check, struct err *e)
{
    (void)replication;
    (void)s;
    (void)n;
    (void)only_check;
    return broker_topic_create(b, t, e);
}

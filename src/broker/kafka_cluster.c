/* The servers of a cluster, where partitions live, what topics are set to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/cluster.h"
#include "broker/kafka_api_int.h"
#include "core/mem.h"

/* Metadata of one topic, or of the servers alone (NULL). */
static int ask(struct kafka *k, const char *topic,
               const struct rd_kafka_metadata **ret, struct err *e)
{
    rd_kafka_topic_t *rkt = NULL;
    rd_kafka_resp_err_t rc;

    if (topic != NULL) {
        rkt = k->rd->topic_new(k->admin, topic, NULL);
        if (rkt == NULL) {
            (void)kafka_fail(k, e, k->rd->last_error(), NULL,
                             "ask for topic \"%s\"", topic);
            return -1;
        }
    }
    rc = k->rd->metadata(k->admin, 0, rkt, ret, kafka_call_ms(k));
    if (rkt != NULL) {
        k->rd->topic_destroy(rkt);
    }
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)kafka_fail(k, e, rc, NULL, "ask the cluster for its servers");
        return -1;
    }
    kafka_alive(k);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct cluster_node *x = a;
    const struct cluster_node *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static int describe(struct broker *b, struct cluster_info *ret,
                    struct cluster_node **ret_nodes, size_t *ret_n,
                    struct err *e)
{
    struct kafka *k = kafka_of(b);
    const struct rd_kafka_metadata *md = NULL;
    struct cluster_node *list;
    size_t n;
    char *id;

    if (ask(k, NULL, &md, e) != 0) {
        return -1;
    }
    n = md->broker_cnt > 0 ? (size_t)md->broker_cnt : 0;
    list = mem_zero(n + 1, sizeof(*list));
    for (size_t i = 0; list != NULL && i < n; i++) {
        list[i].id = md->brokers[i].id;
        list[i].port = md->brokers[i].port;
        (void)snprintf(list[i].host, sizeof(list[i].host), "%s",
                       md->brokers[i].host);
    }
    k->rd->metadata_destroy(md);
    if (list == NULL) {
        return err_nomem(e, (n + 1) * sizeof(*list));
    }
    qsort(list, n, sizeof(*list), by_id);
    id = k->rd->clusterid(k->admin, kafka_call_ms(k));
    *ret = (struct cluster_info){.id = ""};
    (void)snprintf(ret->id, sizeof(ret->id), "%s", id != NULL ? id : "kafka");
    if (id != NULL) {
        k->rd->mem_free(k->admin, id);
    }
    *ret_nodes = list;
    *ret_n = n;
    return 0;
}

static bool among(int32_t id, const int32_t *list, int n)
{
    for (int i = 0; i < n; i++) {
        if (list[i] == id) {
            return true;
        }
    }
    return false;
}

static void take_place(struct cluster_place *p,
                       const struct rd_kafka_metadata_partition *m)
{
    p->partition = m->id;
    p->leader = m->leader;
    for (int i = 0; i < m->replica_cnt && i < CLUSTER_REPLICAS_MAX; i++) {
        p->replicas[p->n++] = (struct cluster_replica){
            m->replicas[i], among(m->replicas[i], m->isrs, m->isr_cnt)};
    }
}

static int by_partition(const void *a, const void *b)
{
    const struct cluster_place *x = a;
    const struct cluster_place *y = b;

    return x->partition < y->partition ? -1 : x->partition > y->partition;
}

static int places(struct broker *b, const char *topic,
                  struct cluster_place **ret, size_t *ret_n, struct err *e)
{
    struct kafka *k = kafka_of(b);
    const struct rd_kafka_metadata *md = NULL;
    struct cluster_place *list = NULL;
    size_t n = 0;
    int rc = 0;

    if (ask(k, topic, &md, e) != 0) {
        return -1;
    }
    if (md->topic_cnt != 1 || md->topics[0].partition_cnt <= 0) {
        rc = err_set(e, ERR_NOTFOUND, "there is no topic \"%s\"", topic);
    } else {
        n = (size_t)md->topics[0].partition_cnt;
        list = mem_zero(n, sizeof(*list));
        rc = list != NULL ? 0 : err_nomem(e, n * sizeof(*list));
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        take_place(&list[i], &md->topics[0].partitions[i]);
    }
    k->rd->metadata_destroy(md);
    if (rc != 0) {
        return -1;
    }
    qsort(list, n, sizeof(*list), by_partition);
    *ret = list;
    *ret_n = n;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct cluster_setting *x = a;
    const struct cluster_setting *y = b;

    return strcmp(x->name, y->name);
}

static int take_settings(struct kafka *k, const rd_kafka_ConfigResource_t *r,
                         struct cluster_setting **ret, size_t *ret_n,
                         struct err *e)
{
    const rd_kafka_ConfigEntry_t **all;
    struct cluster_setting *list;
    size_t n = 0;

    if (k->rd->ConfigResource_error(r) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return kafka_fail(k, e, k->rd->ConfigResource_error(r), NULL,
                          "read the settings of a topic");
    }
    all = k->rd->ConfigResource_configs(r, &n);
    list = mem_zero(n + 1, sizeof(*list));
    if (list == NULL) {
        return err_nomem(e, (n + 1) * sizeof(*list));
    }
    for (size_t i = 0; i < n; i++) {
        const char *value = k->rd->ConfigEntry_value(all[i]);

        (void)snprintf(list[i].name, sizeof(list[i].name), "%s",
                       k->rd->ConfigEntry_name(all[i]));
        (void)snprintf(list[i].value, sizeof(list[i].value), "%s",
                       value != NULL ? value : "");
        list[i].standard = k->rd->ConfigEntry_source(all[i]) !=
                           RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG;
    }
    qsort(list, n, sizeof(*list), by_name);
    *ret = list;
    *ret_n = n;
    return 0;
}

static int settings(struct broker *b, const char *topic,
                    struct cluster_setting **ret, size_t *ret_n, struct err *e)
{
    struct kafka *k = kafka_of(b);
    rd_kafka_ConfigResource_t *asked =
        k->rd->ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    const rd_kafka_ConfigResource_t **got;
    struct kafka_call call;
    size_t n = 0;
    int rc = -1;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, e) < 0) {
        k->rd->ConfigResource_destroy_array(&asked, 1);
        return -1;
    }
    k->rd->DescribeConfigs(k->admin, &asked, 1, call.options, call.queue);
    k->rd->ConfigResource_destroy_array(&asked, 1);
    if (kafka_call_wait(k, &call, "read the settings of a topic", e) == 0) {
        got = k->rd->DescribeConfigs_result_resources(
            k->rd->event_DescribeConfigs_result(call.event), &n);
        rc = n == 1 ? take_settings(k, got[0], ret, ret_n, e)
                    : err_set(e, ERR_IO, "Kafka gave no answer to it");
    }
    kafka_call_end(k, &call);
    return rc;
}

const struct cluster_ops kafka_cluster = {
    .describe = describe,
    .places = places,
    .settings = settings,
    .create = kafka_topic_make,
};

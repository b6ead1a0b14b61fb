/* Who has which partitions of a group, as its coordinator says. */
#include <stdio.h>

#include "broker/kafka_api_int.h"
#include "core/mem.h"

enum {
    OWNERS_MAX = 1000000,
};

static size_t count(struct kafka *k,
                    const rd_kafka_ConsumerGroupDescription_t *g)
{
    size_t members = k->rd->ConsumerGroupDescription_member_count(g);
    size_t n = 0;

    for (size_t i = 0; i < members; i++) {
        const rd_kafka_MemberAssignment_t *a =
            k->rd->MemberDescription_assignment(
                k->rd->ConsumerGroupDescription_member(g, i));
        const rd_kafka_topic_partition_list_t *l =
            a ? k->rd->MemberAssignment_partitions(a) : NULL;

        n += l ? (size_t)l->cnt : 0;
    }
    return n < OWNERS_MAX ? n : OWNERS_MAX;
}

static void add_owners(struct kafka *k, const rd_kafka_MemberDescription_t *m,
                       struct member_owner *list, size_t max, size_t *n)
{
    const rd_kafka_MemberAssignment_t *a =
        k->rd->MemberDescription_assignment(m);
    const rd_kafka_topic_partition_list_t *l =
        a ? k->rd->MemberAssignment_partitions(a) : NULL;

    for (int i = 0; l != NULL && i < l->cnt && *n < max; i++) {
        struct member_owner *o = &list[(*n)++];

        (void)snprintf(o->member, sizeof(o->member), "%s",
                       k->rd->MemberDescription_consumer_id(m));
        (void)snprintf(o->client, sizeof(o->client), "%s",
                       k->rd->MemberDescription_client_id(m));
        (void)snprintf(o->topic, sizeof(o->topic), "%s", l->elems[i].topic);
        o->partition = l->elems[i].partition;
    }
}

int kafka_member_list(struct broker *b, const char *group,
                      struct member_owner **ret, size_t *n, struct err *e)
{
    struct kafka *k = kafka_of(b);
    const rd_kafka_ConsumerGroupDescription_t **got;
    struct member_owner *list = NULL;
    struct kafka_call call;
    size_t groups = 0;
    size_t max = 0;
    size_t done = 0;
    int rc = -1;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS,
                         e) < 0) {
        return -1;
    }
    k->rd->DescribeConsumerGroups(k->admin, &group, 1, call.options,
                                  call.queue);
    if (kafka_call_wait(k, &call, "describe a group", e) == 0) {
        const rd_kafka_error_t *bad = NULL;

        got = k->rd->DescribeConsumerGroups_result_groups(
            k->rd->event_DescribeConsumerGroups_result(call.event), &groups);
        bad =
            groups == 1 ? k->rd->ConsumerGroupDescription_error(got[0]) : NULL;
        if (bad != NULL && kafka_code(k->rd->error_code(bad)) != ERR_NOTFOUND) {
            (void)kafka_fail(k, e, k->rd->error_code(bad),
                             k->rd->error_string(bad), "describe group \"%s\"",
                             group);
            goto out;
        }
        max = groups == 1 && bad == NULL ? count(k, got[0]) : 0;
        list = mem_zero(max + 1, sizeof(*list));
        rc = list ? 0 : err_nomem(e, sizeof(*list));
        for (size_t i = 0;
             rc == 0 && max > 0 &&
             i < k->rd->ConsumerGroupDescription_member_count(got[0]);
             i++) {
            add_owners(k, k->rd->ConsumerGroupDescription_member(got[0], i),
                       list, max, &done);
        }
    }
out:
    kafka_call_end(k, &call);
    if (rc == 0) {
        *ret = list;
        *n = done;
    }
    return rc;
}

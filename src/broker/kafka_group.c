/*
 * Positions of consumer groups, through the admin client.
 *
 * A position's metadata ends in " epoch=N" (docs/decisions/0101), so that one
 * of a topic that was deleted since is not taken for one of its successor.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/kafka_api_int.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"

#define EPOCH_MARK "epoch="

enum {
    MARK_LEN = sizeof(EPOCH_MARK) - 1,
    RESULT_MAX = 100000,
    AGAIN_US = 100000,
    PATIENCE_US = 10000000,
    SETTLED_US = 3000000,
};

/* "to=9 epoch=5" -> "to=9", 5. */
static void take_metadata(const rd_kafka_topic_partition_t *from,
                          struct broker_position *to, int64_t *ret_epoch)
{
    struct slice s = {from->metadata, from->metadata_size};
    size_t at = s.len;

    while (at > 0 && s.ptr[at - 1] != ' ') {
        at--;
    }
    *ret_epoch = 0;
    if (s.len - at > MARK_LEN &&
        memcmp(s.ptr + at, EPOCH_MARK, MARK_LEN) == 0 &&
        num_i64(slice_from(s, at + MARK_LEN), ret_epoch)) {
        s.len = at > 0 ? at - 1 : 0;
    }
    if (s.len >= sizeof(to->metadata)) {
        s.len = 0; /* not ours */
    }
    if (s.len > 0) {
        memcpy(to->metadata, s.ptr, s.len);
    }
    to->metadata[s.len] = '\0';
}

int kafka_group_metadata(rd_kafka_topic_partition_t *to,
                         const struct broker_position *p, int64_t epoch,
                         struct err *e)
{
    char text[sizeof(p->metadata) + 32];
    int n = snprintf(text, sizeof(text), "%s%s" EPOCH_MARK "%" PRId64,
                     p->metadata, p->metadata[0] ? " " : "", epoch);

    /* librdkafka frees it, with free() as mem_free() does */
    to->metadata = mem_text(text, (size_t)n);
    to->metadata_size = (size_t)n;
    return to->metadata ? 0 : err_nomem(e, (size_t)n);
}

/* The positions in an answer that are of topics as they are now. */
static int take_positions(struct kafka *k,
                          const rd_kafka_topic_partition_list_t *l,
                          struct broker_position **ret, size_t *n,
                          struct err *e)
{
    struct broker_position *list = NULL;
    size_t count = 0;

    list = mem_zero((size_t)(l ? l->cnt : 0) + 1, sizeof(*list));
    if (list == NULL) {
        return err_nomem(e, sizeof(*list));
    }
    for (int i = 0; l != NULL && i < l->cnt; i++) {
        const rd_kafka_topic_partition_t *from = &l->elems[i];
        struct broker_position *p = &list[count];
        struct broker_topic t;
        int64_t epoch;

        if (from->err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
            mem_free(list);
            return kafka_fail(k, e, from->err, NULL,
                              "read a position that a transaction moves");
        }
        if (from->err != RD_KAFKA_RESP_ERR_NO_ERROR || from->offset < 0) {
            continue;
        }
        if (kafka_topic_op_get(&k->base, from->topic, &t, e) < 0) {
            if (e->code != ERR_NOTFOUND) {
                mem_free(list);
                return -1;
            }
            continue;
        }
        take_metadata(from, p, &epoch);
        if (epoch == 0 || epoch == t.epoch) {
            (void)snprintf(p->topic, sizeof(p->topic), "%s", from->topic);
            p->partition = from->partition;
            p->offset = from->offset;
            p->epoch = t.epoch;
            count++;
        }
    }
    *ret = list;
    *n = count;
    return 0;
}

/* A group's coordinator moves, and on a new cluster it is made with the first
 * group: worth another try while brokers answer. */
static bool again(struct kafka *k, const struct err *e, int64_t until)
{
    bool there;

    mutex_lock(&k->lock);
    there = k->health.ok;
    mutex_unlock(&k->lock);
    if (!there || e->code != ERR_CONNECT || clock_mono_us() > until) {
        return false;
    }
    clock_sleep_us(AGAIN_US);
    return true;
}

/* A transaction that moves a position and has ended a moment ago is waited
 * for (settled), one that hangs is not. */
static void want_settled(struct kafka *k, struct kafka_call *call)
{
    rd_kafka_error_t *bad =
        k->rd->AdminOptions_set_require_stable_offsets(call->options, 1);

    if (bad != NULL) {
        k->rd->error_destroy(bad);
    }
}

/* Ask for the positions of a group: those in `only`, or all (NULL). */
static int ask_once(struct kafka *k, const char *group,
                    const rd_kafka_topic_partition_list_t *only, bool settled,
                    struct broker_position **ret, size_t *n, struct err *e)
{
    rd_kafka_ListConsumerGroupOffsets_t *asked;
    const rd_kafka_group_result_t **got;
    struct kafka_call call;
    char what[320];
    size_t count = 0;
    int rc = -1;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS,
                         e) < 0) {
        return -1;
    }
    if (settled) {
        want_settled(k, &call);
    }
    asked = k->rd->ListConsumerGroupOffsets_new(group, only);
    k->rd->ListConsumerGroupOffsets(k->admin, &asked, 1, call.options,
                                    call.queue);
    k->rd->ListConsumerGroupOffsets_destroy(asked);
    (void)snprintf(what, sizeof(what), "read the positions of group \"%.250s\"",
                   group);
    if (kafka_call_wait(k, &call, what, e) == 0) {
        const rd_kafka_error_t *bad = NULL;

        got = k->rd->ListConsumerGroupOffsets_result_groups(
            k->rd->event_ListConsumerGroupOffsets_result(call.event), &count);
        bad = count == 1 ? k->rd->group_result_error(got[0]) : NULL;
        if (count == 1 && bad == NULL) {
            rc = take_positions(k, k->rd->group_result_partitions(got[0]), ret,
                                n, e);
        } else {
            rc = kafka_fail(
                k, e, bad ? k->rd->error_code(bad) : RD_KAFKA_RESP_ERR__FAIL,
                bad ? k->rd->error_string(bad) : NULL, "%s", what);
        }
    }
    kafka_call_end(k, &call);
    return rc;
}

static int ask(struct kafka *k, const char *group,
               const rd_kafka_topic_partition_list_t *only,
               struct broker_position **ret, size_t *n, struct err *e)
{
    int64_t until = clock_mono_us() + PATIENCE_US;
    int64_t settled = clock_mono_us() + SETTLED_US;
    struct err own = {.code = ERR_NONE};
    int rc;

    e = e ? e : &own;
    do {
        rc = ask_once(k, group, only, clock_mono_us() < settled, ret, n, e);
    } while (rc < 0 && again(k, e, until));
    return rc;
}

int kafka_group_get(struct broker *b, const char *group, const char *topic,
                    int32_t partition, struct broker_position *ret,
                    struct err *e)
{
    struct kafka *k = kafka_of(b);
    rd_kafka_topic_partition_list_t *l = k->rd->topic_partition_list_new(1);
    struct broker_position *list = NULL;
    size_t n = 0;
    int rc;

    (void)k->rd->topic_partition_list_add(l, topic, partition);
    rc = ask(k, group, l, &list, &n, e);
    k->rd->topic_partition_list_destroy(l);
    if (rc == 0 && n == 0) {
        rc = err_set(e, ERR_NOTFOUND,
                     "group \"%s\" has no position in \"%s\" partition "
                     "%" PRId32,
                     group, topic, partition);
    }
    if (rc == 0) {
        *ret = list[0];
    }
    mem_free(list);
    return rc;
}

static int by_place(const void *a, const void *b)
{
    const struct broker_position *x = a;
    const struct broker_position *y = b;
    int c = strcmp(x->topic, y->topic);

    return c != 0
               ? c
               : (x->partition > y->partition) - (x->partition < y->partition);
}

static int by_group(const void *a, const void *b)
{
    const struct broker_group *x = a;
    const struct broker_group *y = b;

    return strcmp(x->name, y->name);
}

int kafka_group_positions(struct broker *b, const char *group,
                          struct broker_position **ret, size_t *n,
                          struct err *e)
{
    if (ask(kafka_of(b), group, NULL, ret, n, e) < 0) {
        return -1;
    }
    qsort(*ret, *n, sizeof(**ret), by_place);
    return 0;
}

/* The topics are there, of the epoch that is meant; and the stored positions
 * are the expected ones.  Between this and the commit another process may
 * come: members of a group (member.h) are fenced by Kafka itself. */
static int check_commit(struct kafka *k, const char *group,
                        const struct broker_position *p, const int64_t *expect,
                        int64_t *ret_epoch, struct err *e)
{
    struct broker_position now;
    struct broker_topic t;
    int64_t at = -1;

    if (kafka_topic_op_get(&k->base, p->topic, &t, e) < 0) {
        return -1;
    }
    if (p->epoch != 0 && p->epoch != t.epoch) {
        return err_set(e, ERR_NOTFOUND, "topic \"%s\" was deleted", p->topic);
    }
    *ret_epoch = t.epoch;
    if (expect == NULL) {
        return 0;
    }
    if (kafka_group_get(&k->base, group, p->topic, p->partition, &now, e) ==
        0) {
        at = now.offset;
    } else if (e->code != ERR_NOTFOUND) {
        return -1;
    }
    if (at != *expect) {
        return err_set(e, ERR_FENCED,
                       "position of group \"%s\" in \"%s\" partition %" PRId32
                       " is not %" PRId64,
                       group, p->topic, p->partition, *expect);
    }
    return 0;
}

/* The first failure of an answer, or 0. */
static int check_answer(struct kafka *k, const struct kafka_call *call,
                        const char *what, struct err *e)
{
    const rd_kafka_group_result_t **got;
    const rd_kafka_topic_partition_list_t *l;
    const rd_kafka_error_t *bad;
    size_t n = 0;

    got = k->rd->AlterConsumerGroupOffsets_result_groups(
        k->rd->event_AlterConsumerGroupOffsets_result(call->event), &n);
    bad = n == 1 ? k->rd->group_result_error(got[0]) : NULL;
    if (bad != NULL) {
        return kafka_fail(k, e, k->rd->error_code(bad),
                          k->rd->error_string(bad), "%s", what);
    }
    l = n == 1 ? k->rd->group_result_partitions(got[0]) : NULL;
    for (int i = 0; l != NULL && i < l->cnt; i++) {
        if (l->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            return kafka_fail(k, e, l->elems[i].err, NULL, "%s", what);
        }
    }
    return 0;
}

static int commit(struct kafka *k, const char *group,
                  const rd_kafka_topic_partition_list_t *l, struct err *e)
{
    rd_kafka_AlterConsumerGroupOffsets_t *asked;
    struct kafka_call call;
    char what[320];
    int rc;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS,
                         e) < 0) {
        return -1;
    }
    asked = k->rd->AlterConsumerGroupOffsets_new(group, l);
    k->rd->AlterConsumerGroupOffsets(k->admin, &asked, 1, call.options,
                                     call.queue);
    k->rd->AlterConsumerGroupOffsets_destroy(asked);
    (void)snprintf(what, sizeof(what), "store positions of group \"%.250s\"",
                   group);
    rc = kafka_call_wait(k, &call, what, e);
    if (rc == 0) {
        rc = check_answer(k, &call, what, e);
    }
    kafka_call_end(k, &call);
    return rc;
}

int kafka_group_commit(struct broker *b, const char *group,
                       const struct broker_position *p, size_t n,
                       const int64_t *expect, struct err *e)
{
    struct kafka *k = kafka_of(b);
    rd_kafka_topic_partition_list_t *l;
    struct err own = {.code = ERR_NONE};
    int rc = 0;

    e = e ? e : &own;
    l = k->rd->topic_partition_list_new((int)(n < RESULT_MAX ? n : 0));
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rd_kafka_topic_partition_t *to;
        int64_t epoch = 0;

        rc = check_commit(k, group, &p[i], expect ? &expect[i] : NULL, &epoch,
                          e);
        if (rc == 0) {
            to = k->rd->topic_partition_list_add(l, p[i].topic, p[i].partition);
            to->offset = p[i].offset;
            rc = kafka_group_metadata(to, &p[i], epoch, e);
        }
    }
    if (rc == 0 && n > 0) {
        int64_t until = clock_mono_us() + PATIENCE_US;

        do {
            rc = commit(k, group, l, e);
        } while (rc < 0 && again(k, e, until));
    }
    k->rd->topic_partition_list_destroy(l);
    return rc;
}

int kafka_group_list(struct broker *b, struct broker_group **ret, size_t *n,
                     struct err *e)
{
    struct kafka *k = kafka_of(b);
    const rd_kafka_ConsumerGroupListing_t **got;
    const rd_kafka_ListConsumerGroups_result_t *result;
    struct broker_group *list = NULL;
    struct kafka_call call;
    size_t count = 0;
    int rc = -1;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS, e) <
        0) {
        return -1;
    }
    k->rd->ListConsumerGroups(k->admin, call.options, call.queue);
    if (kafka_call_wait(k, &call, "list the groups", e) == 0) {
        result = k->rd->event_ListConsumerGroups_result(call.event);
        got = k->rd->ListConsumerGroups_result_valid(result, &count);
        list = mem_zero(count + 1, sizeof(*list));
        rc = list ? 0 : err_nomem(e, sizeof(*list));
        for (size_t i = 0; rc == 0 && i < count; i++) {
            (void)snprintf(list[i].name, sizeof(list[i].name), "%s",
                           k->rd->ConsumerGroupListing_group_id(got[i]));
        }
    }
    kafka_call_end(k, &call);
    if (rc == 0) {
        qsort(list, count, sizeof(*list), by_group);
        *ret = list;
        *n = count;
    }
    return rc;
}

int kafka_group_delete(struct broker *b, const char *group, struct err *e)
{
    struct kafka *k = kafka_of(b);
    rd_kafka_DeleteGroup_t *asked = k->rd->DeleteGroup_new(group);
    const rd_kafka_group_result_t **got;
    const rd_kafka_error_t *bad;
    struct kafka_call call;
    char what[300];
    size_t n = 0;
    int rc = -1;

    if (kafka_call_begin(k, &call, RD_KAFKA_ADMIN_OP_DELETEGROUPS, e) < 0) {
        k->rd->DeleteGroup_destroy(asked);
        return -1;
    }
    k->rd->DeleteGroups(k->admin, &asked, 1, call.options, call.queue);
    k->rd->DeleteGroup_destroy(asked);
    (void)snprintf(what, sizeof(what), "delete group \"%.250s\"", group);
    if (kafka_call_wait(k, &call, what, e) == 0) {
        got = k->rd->DeleteGroups_result_groups(
            k->rd->event_DeleteGroups_result(call.event), &n);
        bad = n == 1 ? k->rd->group_result_error(got[0]) : NULL;
        rc = bad == NULL ? 0
             : k->rd->error_code(bad) == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND
                 ? err_set(e, ERR_NOTFOUND, "there is no group \"%s\"", group)
                 : kafka_fail(k, e, k->rd->error_code(bad),
                              k->rd->error_string(bad), "%s", what);
    }
    kafka_call_end(k, &call);
    return rc;
}

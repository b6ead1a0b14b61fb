/* kinesis_stream.c - actions on streams and shards. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/kinesis_int.h"
#include "core/mem.h"

enum {
    SHARDS_MAX = 1024,
    HOURS_MAX = 8760, /* what AWS keeps at most; for ever is told as this */
    ON_DEMAND_SHARDS = 4,
    LIST_STANDARD = 100,
    LIST_MAX = 10000,
};

#define HOUR_US 3600000000

/* ---- one stream ---- */

void kinesis_create_stream(struct kinesis *k)
{
    struct broker_topic t = {.retention_us = -1, .retention_bytes = -1};
    struct err e = {.code = ERR_NONE};
    struct slice mode = {NULL, 0};
    int64_t n;

    (void)json_get_text(json_get(k->body, "StreamModeDetails"), "StreamMode",
                        &mode);
    if (!kinesis_name(k, t.name) ||
        !kinesis_number(k, "ShardCount", 1, SHARDS_MAX,
                        slice_is(mode, "ON_DEMAND") ? ON_DEMAND_SHARDS : 1,
                        &n)) {
        return;
    }
    t.partitions = (int32_t)n;
    t.retention_us = k->a->conf.retention_us > 0 ? k->a->conf.retention_us : -1;
    t.retention_bytes =
        k->a->conf.retention_bytes > 0 ? k->a->conf.retention_bytes : -1;
    if (broker_topic_create(k->a->broker, &t, &e) == 0) {
        (void)kinesis_begin(k->r); /* AWS answers without a body */
    } else if (e.code == ERR_EXISTS) {
        kinesis_fault(k->r, "ResourceInUseException",
                      "Stream %s under account " KINESIS_ACCOUNT
                      " already exists.",
                      t.name);
    } else {
        kinesis_err(k->r, t.name, &e);
    }
}

void kinesis_delete_stream(struct kinesis *k)
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic t;

    if (!kinesis_stream(k, &t)) {
        return;
    }
    if (broker_topic_delete(k->a->broker, t.name, &e) != 0) {
        kinesis_err(k->r, t.name, &e);
        return;
    }
    topics_forget(k->a, t.name);
    (void)kinesis_begin(k->r);
}

static int64_t hours(const struct broker_topic *t)
{
    int64_t n = t->retention_us < 0 ? HOURS_MAX : t->retention_us / HOUR_US;

    return n < 1 ? 1 : n > HOURS_MAX ? HOURS_MAX : n;
}

static int put_arn(struct kinesis *k, struct buf *b, const char *name)
{
    return buf_putf(b, NULL,
                    "\"StreamARN\":\"arn:aws:kinesis:%s:" KINESIS_ACCOUNT
                    ":stream/%s\"",
                    k->region, name);
}

static int put_seconds(struct buf *b, const char *member, int64_t us)
{
    return buf_putf(b, NULL, "\"%s\":%" PRId64 ".%03d", member, us / 1000000,
                    (int)(us / 1000 % 1000));
}

/* What DescribeStream and DescribeStreamSummary share, without the braces. */
static int put_about(struct kinesis *k, struct buf *b,
                     const struct broker_topic *t)
{
    if (buf_putf(b, NULL,
                 "\"StreamName\":\"%s\",\"StreamStatus\":\"ACTIVE\","
                 "\"StreamModeDetails\":{\"StreamMode\":\"PROVISIONED\"},"
                 "\"RetentionPeriodHours\":%" PRId64
                 ",\"EnhancedMonitoring\":[{\"ShardLevelMetrics\":[]}],"
                 "\"EncryptionType\":\"NONE\",",
                 t->name, hours(t)) != 0 ||
        put_arn(k, b, t->name) != 0 || buf_putc(b, ',', NULL) != 0) {
        return -1;
    }
    return put_seconds(b, "StreamCreationTimestamp", t->created_us);
}

static int put_shard(struct buf *b, const struct broker_topic *t, int32_t i)
{
    char id[KINESIS_SHARD_TEXT];
    char first[KINESIS_HASH_TEXT];
    char last[KINESIS_HASH_TEXT];
    char sequence[KINESIS_SEQUENCE_TEXT];
    kinesis_hash from;
    kinesis_hash to;

    kinesis_range(i, t->partitions, &from, &to);
    kinesis_hash_print(from, first);
    kinesis_hash_print(to, last);
    kinesis_shard_print(i, id);
    kinesis_sequence_print(t->epoch, i, -1, sequence);
    return buf_putf(b, NULL,
                    "{\"ShardId\":\"%s\",\"HashKeyRange\":{\"StartingHashKey\":"
                    "\"%s\",\"EndingHashKey\":\"%s\"},\"SequenceNumberRange\":{"
                    "\"StartingSequenceNumber\":\"%s\"}}",
                    id, first, last, sequence);
}

/* "Shards":[...] from shard `at` on, at most `limit`; *ret_next is where the
 * next list begins, or as many as there are. */
static int put_shards(struct buf *b, const struct broker_topic *t, int32_t at,
                      int64_t limit, int32_t *ret_next)
{
    int32_t i = at;
    int rc = buf_puts(b, "\"Shards\":[", NULL);

    for (; rc == 0 && i < t->partitions && i - at < limit; i++) {
        rc = i > at ? buf_putc(b, ',', NULL) : 0;
        rc = rc != 0 ? rc : put_shard(b, t, i);
    }
    *ret_next = i;
    return rc != 0 ? rc : buf_putc(b, ']', NULL);
}

/* The shard behind the one that a member names, 0 without it; false:
 * answered. */
static bool after_shard(struct kinesis *k, yyjson_val *o, const char *member,
                        int32_t *ret)
{
    struct slice text;

    *ret = 0;
    if (!json_get_text(o, member, &text)) {
        return true;
    }
    if (!kinesis_shard_parse(text, ret)) {
        kinesis_fault(k->r, "InvalidArgumentException",
                      "%s is not the id of a shard", member);
        return false;
    }
    *ret += *ret < INT32_MAX ? 1 : 0;
    return true;
}

void kinesis_describe_stream(struct kinesis *k)
{
    struct broker_topic t;
    struct buf *b;
    int64_t limit;
    int32_t at;
    int32_t next;

    if (!kinesis_stream(k, &t) ||
        !kinesis_number(k, "Limit", 1, LIST_MAX, LIST_STANDARD, &limit) ||
        !after_shard(k, k->body, "ExclusiveStartShardId", &at)) {
        return;
    }
    b = kinesis_begin(k->r);
    if (buf_puts(b, "{\"StreamDescription\":{", NULL) != 0 ||
        put_about(k, b, &t) != 0 || buf_putc(b, ',', NULL) != 0 ||
        put_shards(b, &t, at, limit, &next) != 0 ||
        buf_putf(b, NULL, ",\"HasMoreShards\":%s}}",
                 next < t.partitions ? "true" : "false") != 0) {
        answer_broken(k->r);
    }
}

void kinesis_describe_summary(struct kinesis *k)
{
    struct broker_topic t;
    struct buf *b;

    if (!kinesis_stream(k, &t)) {
        return;
    }
    b = kinesis_begin(k->r);
    if (buf_puts(b, "{\"StreamDescriptionSummary\":{", NULL) != 0 ||
        put_about(k, b, &t) != 0 ||
        buf_putf(b, NULL,
                 ",\"OpenShardCount\":%" PRId32 ",\"ConsumerCount\":0}}",
                 t.partitions) != 0) {
        answer_broken(k->r);
    }
}

/* ---- lists ---- */

/* The stream asked for and the shard to begin with; a NextToken, "stream
 * shard", holds both.  False: answered. */
static bool list_from(struct kinesis *k, struct broker_topic *t,
                      int32_t *ret_at)
{
    struct err e = {.code = ERR_NONE};
    char name[KINESIS_NAME_MAX + 1];
    struct slice token;
    struct slice head;

    *ret_at = 0;
    if (!json_get_text(k->body, "NextToken", &token)) {
        return kinesis_stream(k, t);
    }
    (void)slice_cut(&token, ' ', &head);
    if (head.len > KINESIS_NAME_MAX || !broker_topic_name_ok(head) ||
        !kinesis_shard_parse(token, ret_at)) {
        kinesis_fault(k->r, "InvalidArgumentException",
                      "NextToken is not one of this server's");
        return false;
    }
    memcpy(name, head.ptr, head.len);
    name[head.len] = '\0';
    if (broker_topic_get(k->a->broker, name, t, &e) != 0) {
        kinesis_err(k->r, name, &e);
        return false;
    }
    return true;
}

/* Shards here are open from the beginning on, so that all types of filter but
 * one mean all of them. */
void kinesis_list_shards(struct kinesis *k)
{
    yyjson_val *filter = json_get(k->body, "ShardFilter");
    struct slice type = {NULL, 0};
    struct broker_topic t;
    struct buf *b;
    int64_t limit;
    int32_t token;
    int32_t at;
    int32_t next;

    (void)json_get_text(filter, "Type", &type);
    if (!list_from(k, &t, &token) ||
        !kinesis_number(k, "MaxResults", 1, LIST_MAX, LIST_MAX, &limit) ||
        !after_shard(k, k->body, "ExclusiveStartShardId", &at) ||
        (slice_is(type, "AFTER_SHARD_ID") &&
         !after_shard(k, filter, "ShardId", &at))) {
        return;
    }
    b = kinesis_begin(k->r);
    if (buf_putc(b, '{', NULL) != 0 ||
        put_shards(b, &t, token > at ? token : at, limit, &next) != 0 ||
        (next < t.partitions &&
         buf_putf(b, NULL, ",\"NextToken\":\"%s shardId-%012" PRId32 "\"",
                  t.name, next) != 0) ||
        buf_putc(b, '}', NULL) != 0) {
        answer_broken(k->r);
    }
}

/* A topic that is a stream for others. */
static bool listed(const struct broker_topic *t, struct slice after)
{
    return strlen(t->name) <= KINESIS_NAME_MAX &&
           strcmp(t->name, KINESIS_TAGS) != 0 &&
           slice_cmp(slice_of(t->name), after) > 0;
}

static int put_summary(struct kinesis *k, struct buf *b,
                       const struct broker_topic *t)
{
    if (buf_putf(b, NULL,
                 "{\"StreamName\":\"%s\",\"StreamStatus\":\"ACTIVE\","
                 "\"StreamModeDetails\":{\"StreamMode\":\"PROVISIONED\"},",
                 t->name) != 0 ||
        put_arn(k, b, t->name) != 0 || buf_putc(b, ',', NULL) != 0 ||
        put_seconds(b, "StreamCreationTimestamp", t->created_us) != 0) {
        return -1;
    }
    return buf_putc(b, '}', NULL);
}

/* Names or summaries of those behind `after`; *ret_last: the last one told,
 * *ret_more: there are others. */
static int put_streams(struct kinesis *k, struct buf *b,
                       const struct broker_topic *topics, size_t n,
                       int64_t limit, bool summaries)
{
    struct slice after = {NULL, 0};
    const struct broker_topic *last = NULL;
    int64_t told = 0;
    bool more = false;
    int rc = 0;

    if (!json_get_text(k->body, "NextToken", &after)) {
        (void)json_get_text(k->body, "ExclusiveStartStreamName", &after);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!listed(&topics[i], after)) {
            continue;
        }
        if (told == limit) {
            more = true;
            break;
        }
        rc = told++ > 0 ? buf_putc(b, ',', NULL) : 0;
        last = &topics[i];
        if (rc == 0) {
            rc = summaries ? put_summary(k, b, last)
                           : buf_putf(b, NULL, "\"%s\"", last->name);
        }
    }
    if (rc != 0 || !summaries) {
        return rc;
    }
    rc = buf_putf(b, NULL, "],\"HasMoreStreams\":%s", more ? "true" : "false");
    return rc != 0 || !more
               ? rc
               : buf_putf(b, NULL, ",\"NextToken\":\"%s\"", last->name);
}

void kinesis_list_streams(struct kinesis *k)
{
    struct broker_topic *topics = NULL;
    struct err e = {.code = ERR_NONE};
    struct buf *b;
    int64_t limit;
    size_t n = 0;

    if (!kinesis_number(k, "Limit", 1, LIST_MAX, LIST_STANDARD, &limit)) {
        return;
    }
    if (broker_topic_list(k->a->broker, &topics, &n, &e) != 0) {
        kinesis_err(k->r, "", &e);
        return;
    }
    b = kinesis_begin(k->r);
    if (buf_puts(b, "{\"StreamNames\":[", NULL) != 0 ||
        put_streams(k, b, topics, n, limit, false) != 0 ||
        buf_puts(b, "],\"StreamSummaries\":[", NULL) != 0 ||
        put_streams(k, b, topics, n, limit, true) != 0 ||
        buf_putc(b, '}', NULL) != 0) {
        answer_broken(k->r);
    }
    mem_free(topics);
}

/* kinesis_streams.c - streams as topics. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/kinesis_known_int.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    READY_US = 90000000, /* that a stream may take to come or to go */
    LOOK_US = 250000,
    STREAMS_MAX = 10000,
};

#define HOUR_US 3600000000

static struct kinesis *of(struct broker *b)
{
    return (struct kinesis *)b;
}

static bool seconds(yyjson_val *o, const char *member, int64_t *ret_us)
{
    yyjson_val *v = json_get(o, member);
    double d;

    if (!yyjson_is_raw(v) ||
        !num_double((struct slice){yyjson_get_raw(v), yyjson_get_len(v)}, &d) ||
        fabs(d) > 1e11) {
        return false;
    }
    *ret_us = (int64_t)floor(d * 1e6);
    return true;
}

int kinesis_describe(struct kinesis *k, const char *name,
                     struct broker_topic *ret, bool *ret_active, struct err *e)
{
    struct slice status = {NULL, 0};
    struct json_doc doc;
    yyjson_val *d;
    int64_t hours = 24;

    if (kinesis_body(k, name, e) != 0 ||
        kinesis_call(k, "DescribeStreamSummary", &doc, e) != 0) {
        if (e != NULL && e->code == ERR_NOTFOUND) {
            (void)err_set(e, ERR_NOTFOUND, "there is no stream \"%s\"", name);
        }
        return -1;
    }
    d = json_get(doc.root, "StreamDescriptionSummary");
    (void)json_get_text(d, "StreamStatus", &status);
    (void)json_get_i64(d, "RetentionPeriodHours", &hours);
    *ret = (struct broker_topic){.retention_us = hours * HOUR_US,
                                 .retention_bytes = -1};
    (void)snprintf(ret->name, sizeof(ret->name), "%s", name);
    (void)seconds(d, "StreamCreationTimestamp", &ret->created_us);
    ret->epoch = ret->created_us / 1000000;
    if (ret_active != NULL) {
        *ret_active =
            slice_is(status, "ACTIVE") || slice_is(status, "UPDATING");
    }
    json_release(&doc);
    return 0;
}

/* "shardId-000000000003" is 3. */
static int32_t number_of(yyjson_val *o, const char *member)
{
    struct slice text;
    int64_t n;

    if (!json_get_text(o, member, &text) ||
        !slice_starts(text, SLICE("shardId-")) ||
        !num_i64(slice_from(text, 8), &n) || n < 0 || n > INT32_MAX - 1) {
        return -1;
    }
    return (int32_t)n;
}

static void read_shard(yyjson_val *o, struct kinesis_shard *ret)
{
    struct slice hash = {NULL, 0};
    struct slice ending;

    (void)json_get_text(json_get(o, "HashKeyRange"), "StartingHashKey", &hash);
    ret->number = number_of(o, "ShardId");
    ret->parents[0] = number_of(o, "ParentShardId");
    ret->parents[1] = number_of(o, "AdjacentParentShardId");
    ret->open = !json_get_text(json_get(o, "SequenceNumberRange"),
                               "EndingSequenceNumber", &ending);
    (void)snprintf(ret->first_hash, sizeof(ret->first_hash), "%.*s",
                   (int)(hash.len > 40 ? 40 : hash.len), hash.ptr);
}

static int compare(const void *a, const void *b)
{
    const struct kinesis_shard *x = a;
    const struct kinesis_shard *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

/* One page; *token is empty behind the last one. */
static int list_page(struct kinesis *k, const char *stream, struct buf *token,
                     struct kinesis_shard *list, size_t *n, struct err *e)
{
    struct json_doc doc;
    struct slice next = {NULL, 0};
    yyjson_val *shards;
    int rc = 0;

    if (token->len > 0) {
        buf_clear(&k->body);
        rc = buf_puts(&k->body, "{\"NextToken\":", e) != 0
                 ? -1
                 : json_print_text(&k->body, buf_slice(token), e);
    } else {
        rc = kinesis_body(k, stream, e);
    }
    if (rc != 0 || kinesis_call(k, "ListShards", &doc, e) != 0) {
        return -1;
    }
    shards = json_get(doc.root, "Shards");
    for (size_t i = 0; i < yyjson_arr_size(shards) && *n < KINESIS_SHARDS_MAX;
         i++) {
        read_shard(yyjson_arr_get(shards, i), &list[*n]);
        *n += list[*n].number >= 0 && list[*n].number < KINESIS_SHARDS_MAX;
    }
    (void)json_get_text(doc.root, "NextToken", &next);
    buf_clear(token);
    rc = buf_append(token, next, e);
    json_release(&doc);
    return rc;
}

int kinesis_shards(struct kinesis *k, const char *stream,
                   struct kinesis_shard **ret, size_t *ret_n, struct err *e)
{
    struct kinesis_shard *list = mem_zero(KINESIS_SHARDS_MAX, sizeof(*list));
    struct buf token;
    size_t n = 0;
    int rc = 0;

    if (list == NULL) {
        return err_nomem(e, KINESIS_SHARDS_MAX * sizeof(*list));
    }
    buf_init(&token, 1 << 20);
    do {
        rc = list_page(k, stream, &token, list, &n, e);
    } while (rc == 0 && token.len > 0 && n < KINESIS_SHARDS_MAX);
    buf_release(&token);
    if (rc != 0) {
        mem_free(list);
        return -1;
    }
    qsort(list, n, sizeof(*list), compare);
    *ret = list;
    *ret_n = n;
    return 0;
}

int kinesis_topic_get(struct broker *b, const char *name,
                      struct broker_topic *ret, struct err *e)
{
    struct kinesis *k = of(b);
    const struct kinesis_known *x;
    int rc;

    mutex_lock(&k->lock);
    rc = kinesis_known_ask(k, name, &x, e);
    if (rc == 0) {
        *ret = x->topic;
    }
    mutex_unlock(&k->lock);
    return rc;
}

/* Until it can be used (there), or is gone. */
static int settle(struct kinesis *k, const char *name, bool there,
                  struct err *e)
{
    int64_t until = clock_mono_us() + READY_US;
    struct err why = {.code = ERR_NONE};

    while (clock_mono_us() < until) {
        struct broker_topic t;
        bool active = false;
        int rc = kinesis_describe(k, name, &t, &active, &why);

        if (rc == 0 ? there && active : !there && why.code == ERR_NOTFOUND) {
            return 0;
        }
        if (rc != 0 && why.code != ERR_NOTFOUND) {
            if (e != NULL) {
                *e = why;
            }
            return -1;
        }
        clock_sleep_us(LOOK_US);
    }
    return err_set(e, ERR_TIMEOUT, "stream \"%s\" is not %s after %d s", name,
                   there ? "ready" : "gone", READY_US / 1000000);
}

int kinesis_topic_create(struct broker *b, const struct broker_topic *t,
                         struct err *e)
{
    struct kinesis *k = of(b);
    struct json_doc doc;
    int rc = -1;

    mutex_lock(&k->lock);
    (void)kinesis_known_forget(k, t->name);
    if (kinesis_body(k, t->name, e) == 0 &&
        buf_putf(&k->body, e, ",\"ShardCount\":%" PRId32, t->partitions) == 0 &&
        kinesis_call(k, "CreateStream", &doc, e) == 0) {
        json_release(&doc);
        rc = settle(k, t->name, true, e);
    } else if (e != NULL && e->code == ERR_EXISTS) {
        (void)err_set(e, ERR_EXISTS, "stream \"%s\" exists already", t->name);
    }
    mutex_unlock(&k->lock);
    return rc;
}

int kinesis_topic_delete(struct broker *b, const char *name, struct err *e)
{
    struct kinesis *k = of(b);
    struct json_doc doc;
    int rc = -1;

    mutex_lock(&k->lock);
    (void)kinesis_known_forget(k, name);
    if (kinesis_body(k, name, e) == 0 &&
        kinesis_call(k, "DeleteStream", &doc, e) == 0) {
        json_release(&doc);
        rc = settle(k, name, false, e);
    } else if (e != NULL && e->code == ERR_NOTFOUND) {
        (void)err_set(e, ERR_NOTFOUND, "there is no stream \"%s\"", name);
    }
    mutex_unlock(&k->lock);
    return rc;
}

/* ---- all of them ---- */

static int names_page(struct kinesis *k, char (*names)[TOPIC_NAME_MAX + 1],
                      size_t *n, bool *ret_more, struct err *e)
{
    struct json_doc doc;
    yyjson_val *list;
    size_t before = *n;

    buf_clear(&k->body);
    if (buf_puts(&k->body, "{\"Limit\":100", e) != 0 ||
        (*n > 0 && buf_putf(&k->body, e, ",\"ExclusiveStartStreamName\":\"%s\"",
                            names[*n - 1]) != 0) ||
        kinesis_call(k, "ListStreams", &doc, e) != 0) {
        return -1;
    }
    list = json_get(doc.root, "StreamNames");
    for (size_t i = 0; i < yyjson_arr_size(list) && *n < STREAMS_MAX; i++) {
        const char *name = yyjson_get_str(yyjson_arr_get(list, i));

        if (name != NULL && broker_topic_name_ok(slice_of(name))) {
            (void)snprintf(names[(*n)++], sizeof(names[0]), "%s", name);
        }
    }
    *ret_more = yyjson_is_true(json_get(doc.root, "HasMoreStreams")) &&
                *n > before && *n < STREAMS_MAX;
    json_release(&doc);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct broker_topic *x = a;
    const struct broker_topic *y = b;

    return strcmp(x->name, y->name);
}

int kinesis_topic_list(struct broker *b, struct broker_topic **ret,
                       size_t *ret_n, struct err *e)
{
    struct kinesis *k = of(b);
    char(*names)[TOPIC_NAME_MAX + 1] = mem_zero(STREAMS_MAX, sizeof(*names));
    struct broker_topic *list = NULL;
    struct err why = {.code = ERR_NONE};
    bool more = true;
    size_t n = 0;
    size_t got = 0;
    int rc = names == NULL ? err_nomem(e, STREAMS_MAX * sizeof(*names)) : 0;

    mutex_lock(&k->lock);
    while (rc == 0 && more) {
        rc = names_page(k, names, &n, &more, e);
    }
    list = rc == 0 ? mem_zero(n + 1, sizeof(*list)) : NULL;
    if (rc == 0 && list == NULL) {
        rc = err_nomem(e, (n + 1) * sizeof(*list));
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct kinesis_known *x;

        /* one that goes meanwhile is not there */
        if (kinesis_known_get(k, names[i], -1, &x, &why) == 0) {
            list[got++] = x->topic;
        } else if (why.code != ERR_NOTFOUND) {
            rc = err_set(e, why.code, "%s", why.msg);
        }
    }
    mutex_unlock(&k->lock);
    mem_free(names);
    if (rc != 0) {
        mem_free(list);
        return -1;
    }
    qsort(list, got, sizeof(*list), by_name);
    *ret = list;
    *ret_n = got;
    return 0;
}

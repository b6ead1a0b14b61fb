/* kinesis.c - POST /: the actions of Kinesis Data Streams, JSON 1.1. */
#include "api/kinesis_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/text.h"
#include "net/sigv4.h"

#define TARGET "Kinesis_20131202."

/* In alphabetical order. */
static const struct action {
    const char *name;
    void (*run)(struct kinesis *k);
    bool stores; /* it waits for its commit; the others may ask a cluster */
} actions[] = {
    {"AddTagsToStream", kinesis_add_tags, false},
    {"CreateStream", kinesis_create_stream, false},
    {"DeleteStream", kinesis_delete_stream, false},
    {"DescribeStream", kinesis_describe_stream, false},
    {"DescribeStreamSummary", kinesis_describe_summary, false},
    {"GetRecords", kinesis_get_records, false},
    {"GetShardIterator", kinesis_get_iterator, false},
    {"ListShards", kinesis_list_shards, false},
    {"ListStreams", kinesis_list_streams, false},
    {"ListTagsForStream", kinesis_list_tags, false},
    {"PutRecord", kinesis_put_record, true},
    {"PutRecords", kinesis_put_records, true},
    {"RemoveTagsFromStream", kinesis_remove_tags, false},
};

static bool is_gateway(struct http_request *r)
{
    const struct route *route = r->route;

    return route->family == FAMILY_GATEWAY;
}

void kinesis_fault(struct http_request *r, const char *type, const char *fmt,
                   ...)
{
    char text[500];
    struct buf *b;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    b = answer_begin(r, strcmp(type, "InternalFailure") == 0 ? 500 : 400,
                     is_gateway(r) ? MEDIA_JSON : KINESIS_JSON);
    answer_utf8(text);
    if (buf_putf(b, NULL, "{\"__type\":\"%s\",\"message\":", type) != 0 ||
        json_print_text(b, slice_of(text), NULL) != 0 ||
        buf_putc(b, '}', NULL) != 0) {
        answer_broken(r);
    }
}

void kinesis_err(struct http_request *r, const char *stream,
                 const struct err *e)
{
    if (e->code == ERR_NOTFOUND) {
        kinesis_fault(r, "ResourceNotFoundException",
                      "Stream %s under account " KINESIS_ACCOUNT " not found.",
                      stream);
    } else {
        answer_err(r, is_gateway(r) ? FAMILY_GATEWAY : FAMILY_KINESIS, e);
    }
}

struct buf *kinesis_begin(struct http_request *r)
{
    return answer_begin(r, 200, is_gateway(r) ? MEDIA_JSON : KINESIS_JSON);
}

bool kinesis_number(struct kinesis *k, const char *member, int64_t low,
                    int64_t high, int64_t otherwise, int64_t *ret)
{
    *ret = otherwise;
    if (yyjson_is_null(json_get(k->body, member)) ||
        json_get(k->body, member) == NULL) {
        return true;
    }
    if (!json_get_i64(k->body, member, ret)) {
        kinesis_fault(k->r, "SerializationException",
                      "%s must be a whole number", member);
        return false;
    }
    if (*ret < low || *ret > high) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value '%lld' at '%s' "
                      "failed to satisfy constraint: Member must be between "
                      "%lld and %lld",
                      (long long)*ret, member, (long long)low, (long long)high);
        return false;
    }
    return true;
}

bool kinesis_name(struct kinesis *k, char name[KINESIS_NAME_MAX + 1])
{
    struct slice text = {NULL, 0};
    struct slice arn;

    if (!json_get_text(k->body, "StreamName", &text) &&
        json_get_text(k->body, "StreamARN", &arn)) {
        (void)slice_cut(&arn, '/', &text); /* arn:...:stream/NAME */
        text = arn;
    }
    if (text.len > KINESIS_NAME_MAX || !broker_topic_name_ok(text)) {
        kinesis_fault(k->r, "ValidationException",
                      "1 validation error detected: Value '%.*s' at "
                      "'streamName' failed to satisfy constraint: Member must "
                      "satisfy regular expression pattern: "
                      "[a-zA-Z0-9_.-]{1,%d}",
                      (int)(text.len > 150 ? 150 : text.len), text.ptr,
                      KINESIS_NAME_MAX);
        return false;
    }
    memcpy(name, text.ptr, text.len);
    name[text.len] = '\0';
    return true;
}

bool kinesis_stream(struct kinesis *k, struct broker_topic *ret)
{
    struct err e = {.code = ERR_NONE};
    char name[KINESIS_NAME_MAX + 1];

    if (!kinesis_name(k, name)) {
        return false;
    }
    if (broker_topic_get(k->a->broker, name, ret, &e) != 0) {
        kinesis_err(k->r, name, &e);
        return false;
    }
    return true;
}

/* Of the credential, for the names of things; else AWS's first. */
static void set_region(struct kinesis *k)
{
    struct sigv4_auth auth;
    struct slice header;

    (void)snprintf(k->region, sizeof(k->region), "us-east-1");
    if (server_header(k->r, "Authorization", &header) &&
        sigv4_parse(header, &auth, NULL) == 0 && auth.scope.region.len > 0 &&
        auth.scope.region.len < sizeof(k->region) &&
        broker_topic_name_ok(auth.scope.region)) {
        memcpy(k->region, auth.scope.region.ptr, auth.scope.region.len);
        k->region[auth.scope.region.len] = '\0';
    }
}

/* Keys are configured: only who has one is served. */
static bool allowed(struct api *a, struct http_request *r)
{
    struct aws_verdict v;

    if (a->keys.n == 0 || r->principal.len > 0) { /* or it had a token */
        return true;
    }
    aws_check(&a->keys, r, "kinesis", clock_wall_us(), &v);
    if (v.fault != NULL) {
        kinesis_fault(r, v.fault, "%s", v.why.msg);
        return false;
    }
    r->principal = v.access_key;
    return true;
}

static void put_request_id(struct api *a, struct http_request *r)
{
    char text[40];

    (void)snprintf(text, sizeof(text), "%08llx-0000-4000-8000-%012llx",
                   (unsigned long long)(a->started_us / 1000000) & 0xffffffff,
                   (unsigned long long)atomic_fetch_add(&a->ids, 1) + 1);
    answer_header(r, "x-amzn-RequestId", slice_of(text));
}

static const struct action *find_action(struct http_request *r,
                                        struct slice *ret_target)
{
    struct slice prefix = SLICE(TARGET);
    struct slice name;

    *ret_target = (struct slice){NULL, 0};
    if (!server_header(r, "X-Amz-Target", ret_target) ||
        !slice_starts(*ret_target, prefix)) {
        return NULL;
    }
    name = slice_from(*ret_target, prefix.len);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (slice_is(name, actions[i].name)) {
            return &actions[i];
        }
    }
    return NULL;
}

void kinesis_act(struct api *a, struct http_request *r)
{
    struct kinesis k = {.a = a, .r = r};
    const struct action *action;
    struct slice target;
    struct json_doc doc;

    if (json_parse(&doc, r->body, 0, NULL, NULL) != 0) {
        kinesis_fault(r, "SerializationException", "the body is not JSON");
        return;
    }
    action = find_action(r, &target);
    if (!yyjson_is_obj(doc.root)) {
        kinesis_fault(r, "SerializationException",
                      "the body is not a JSON object");
    } else if (action == NULL) {
        kinesis_fault(r, "UnknownOperationException",
                      "%.*s is not an action that this server has",
                      (int)(target.len > 100 ? 100 : target.len), target.ptr);
    } else {
        k.body = doc.root;
        set_region(&k);
        action->run(&k);
    }
    json_release(&doc);
}

void kinesis_post(struct api *a, struct http_request *r)
{
    const struct action *action;
    struct slice type = {NULL, 0};
    struct slice target;

    put_request_id(a, r);
    action = find_action(r, &target);
    if (target.ptr == NULL) {
        kinesis_fault(r, "UnknownOperationException",
                      "the header X-Amz-Target says which action is meant");
        return;
    }
    (void)server_header(r, "Content-Type", &type);
    if (slice_starts(type, SLICE("application/x-amz-cbor"))) {
        kinesis_fault(r, "SerializationException",
                      "send " KINESIS_JSON "; for Java clients set "
                      "AWS_CBOR_DISABLE=true");
        return;
    }
    if (!allowed(a, r)) {
        return;
    }
    if (action != NULL && !action->stores) {
        slow_do(a->slow, r, kinesis_act, NULL);
    } else {
        kinesis_act(a, r);
    }
}

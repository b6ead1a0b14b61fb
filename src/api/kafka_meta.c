/* kafka_meta.c - metadata of the Kafka REST Proxy v2 (GET /topics...). */
#include "api/api_int.h"
#include "core/mem.h"
#include "core/num.h"
#include "json/json.h"

enum {
    BROKER_ID = 1, /* the one there is */
};

static bool accepted(struct http_request *r)
{
    struct slice accept;

    if (server_header(r, "Accept", &accept) && !media_accepts(accept)) {
        answer_status(r, FAMILY_KAFKA, 406);
        return false;
    }
    return true;
}

void kafka_root(struct api *a, struct http_request *r)
{
    (void)a;
    answer_text(r, 200, MEDIA_KAFKA, "{}");
}

void kafka_brokers(struct api *a, struct http_request *r)
{
    (void)a;
    if (accepted(r)) {
        answer_text(r, 200, MEDIA_KAFKA, "{\"brokers\":[1]}");
    }
}

void kafka_topics(struct api *a, struct http_request *r)
{
    struct broker_topic *topics = NULL;
    struct err e = {.code = ERR_NONE};
    struct buf *b;
    size_t n = 0;
    int rc;

    if (!accepted(r)) {
        return;
    }
    if (broker_topic_list(a->broker, &topics, &n, &e) != 0) {
        answer_err(r, FAMILY_KAFKA, &e);
        return;
    }
    b = answer_begin(r, 200, MEDIA_KAFKA);
    rc = buf_putc(b, '[', NULL);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = buf_putf(b, NULL, "%s\"%s\"", i > 0 ? "," : "", topics[i].name);
    }
    if (rc != 0 || buf_putc(b, ']', NULL) != 0) {
        answer_broken(r);
    }
    mem_free(topics);
}

/* The topic of the path; false: answered. Nothing is created by asking. */
static bool get_topic(struct api *a, struct http_request *r,
                      struct broker_topic *ret)
{
    struct err e = {.code = ERR_NONE};
    struct slice name = r->params[0];
    char text[TOPIC_NAME_MAX + 1];

    if (!accepted(r)) {
        return false;
    }
    if (!broker_topic_name_ok(name)) {
        answer_error(r, FAMILY_KAFKA, 404, 40401, "Topic %.*s not found",
                     (int)(name.len > 60 ? 60 : name.len), name.ptr);
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        text[i] = name.ptr[i];
    }
    text[name.len] = '\0';
    if (broker_topic_get(a->broker, text, ret, &e) == 0) {
        return true;
    }
    if (e.code == ERR_NOTFOUND) {
        answer_error(r, FAMILY_KAFKA, 404, 40401, "Topic %s not found", text);
    } else {
        answer_err(r, FAMILY_KAFKA, &e);
    }
    return false;
}

static int put_partition(struct buf *b, int32_t p)
{
    return buf_putf(b, NULL,
                    "{\"partition\":%d,\"leader\":%d,\"replicas\":[{\"broker\":"
                    "%d,\"leader\":true,\"in_sync\":true}]}",
                    (int)p, BROKER_ID, BROKER_ID);
}

static int put_partitions(struct buf *b, const struct broker_topic *t)
{
    int rc = buf_putc(b, '[', NULL);

    for (int32_t p = 0; rc == 0 && p < t->partitions; p++) {
        rc = p > 0 ? buf_putc(b, ',', NULL) : 0;
        rc = rc != 0 ? rc : put_partition(b, p);
    }
    return rc != 0 ? rc : buf_putc(b, ']', NULL);
}

void kafka_topic(struct api *a, struct http_request *r)
{
    struct broker_topic t;
    struct buf *b;

    if (!get_topic(a, r, &t)) {
        return;
    }
    b = answer_begin(r, 200, MEDIA_KAFKA);
    if (buf_putf(
            b, NULL,
            "{\"name\":\"%s\",\"configs\":{\"cleanup.policy\":\"delete\","
            "\"retention.bytes\":\"%lld\",\"retention.ms\":\"%lld\"},"
            "\"partitions\":",
            t.name, (long long)t.retention_bytes,
            (long long)(t.retention_us < 0 ? -1 : t.retention_us / 1000)) !=
            0 ||
        put_partitions(b, &t) != 0 || buf_putc(b, '}', NULL) != 0) {
        answer_broken(r);
    }
}

void kafka_partitions(struct api *a, struct http_request *r)
{
    struct broker_topic t;

    if (get_topic(a, r, &t) &&
        put_partitions(answer_begin(r, 200, MEDIA_KAFKA), &t) != 0) {
        answer_broken(r);
    }
}

static bool get_partition(struct api *a, struct http_request *r,
                          struct broker_topic *t, int32_t *ret)
{
    int64_t n;

    if (!get_topic(a, r, t)) {
        return false;
    }
    if (!num_i64(r->params[1], &n)) {
        answer_status(r, FAMILY_KAFKA, 404);
        return false;
    }
    if (n < 0 || n >= t->partitions) {
        answer_error(r, FAMILY_KAFKA, 404, 40402, "Partition %.*s not found",
                     (int)(r->params[1].len > 20 ? 20 : r->params[1].len),
                     r->params[1].ptr);
        return false;
    }
    *ret = (int32_t)n;
    return true;
}

void kafka_partition(struct api *a, struct http_request *r)
{
    struct broker_topic t;
    int32_t p;

    if (get_partition(a, r, &t, &p) &&
        put_partition(answer_begin(r, 200, MEDIA_KAFKA), p) != 0) {
        answer_broken(r);
    }
}

void kafka_offsets(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic t;
    int64_t begin;
    int64_t end;
    int32_t p;

    if (!get_partition(a, r, &t, &p)) {
        return;
    }
    if (broker_offsets(a->broker, t.name, p, &begin, &end, &e) != 0) {
        answer_err(r, FAMILY_KAFKA, &e);
        return;
    }
    if (buf_putf(answer_begin(r, 200, MEDIA_KAFKA), NULL,
                 "{\"beginning_offset\":%lld,\"end_offset\":%lld}",
                 (long long)begin, (long long)end) != 0) {
        answer_broken(r);
    }
}

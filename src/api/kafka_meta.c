/* kafka_meta.c - metadata of the Kafka REST Proxy v2 (GET /topics...). */
#include "api/api_int.h"
#include "broker/cluster.h"
#include "core/mem.h"
#include "core/num.h"
#include "json/json.h"

void kafka_root(struct api *a, struct http_request *r)
{
    struct slice accept;

    (void)a;
    /* so begin all browsers: who looks by hand is shown the routes */
    if (server_header(r, "Accept", &accept) &&
        slice_starts(accept, SLICE("text/html"))) {
        answer_header(r, "Location", SLICE("docs"));
        answer_text(r, 303, MEDIA_KAFKA, "{}");
        return;
    }
    answer_text(r, 200, MEDIA_KAFKA, "{}");
}

void kafka_brokers(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct cluster_node *nodes = NULL;
    struct cluster_info info;
    struct buf *b;
    size_t n = 0;
    int rc;

    if (!answer_accepts(r, FAMILY_KAFKA)) {
        return;
    }
    if (cluster_describe(a->broker, &info, &nodes, &n, &e) != 0) {
        answer_err(r, FAMILY_KAFKA, &e);
        return;
    }
    b = answer_begin(r, 200, MEDIA_KAFKA);
    rc = buf_puts(b, "{\"brokers\":[", NULL);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = buf_putf(b, NULL, "%s%d", i > 0 ? "," : "", (int)nodes[i].id);
    }
    if (rc != 0 || buf_puts(b, "]}", NULL) != 0) {
        answer_broken(r);
    }
    mem_free(nodes);
}

void kafka_topics(struct api *a, struct http_request *r)
{
    struct broker_topic *topics = NULL;
    struct err e = {.code = ERR_NONE};
    struct buf *b;
    size_t n = 0;
    int rc;

    if (!answer_accepts(r, FAMILY_KAFKA)) {
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

    if (!answer_accepts(r, FAMILY_KAFKA)) {
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

static int put_partition(struct buf *b, const struct cluster_place *p)
{
    int rc = buf_putf(b, NULL, "{\"partition\":%d,\"leader\":%d,\"replicas\":[",
                      (int)p->partition, (int)p->leader);

    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        const struct cluster_replica *one = &p->replicas[i];

        rc = buf_putf(b, NULL, "%s{\"broker\":%d,\"leader\":%s,\"in_sync\":%s}",
                      i > 0 ? "," : "", (int)one->node,
                      one->node == p->leader ? "true" : "false",
                      one->in_sync ? "true" : "false");
    }
    return rc != 0 ? rc : buf_puts(b, "]}", NULL);
}

/* All partitions in brackets, or only one of them (-1: all). */
static void put_partitions(struct api *a, struct http_request *r, struct buf *b,
                           const struct broker_topic *t, int32_t only)
{
    struct err e = {.code = ERR_NONE};
    struct cluster_place *list = NULL;
    size_t n = 0;
    int rc;

    if (cluster_places(a->broker, t->name, &list, &n, &e) != 0) {
        answer_err(r, FAMILY_KAFKA, &e);
        return;
    }
    rc = only < 0 ? buf_putc(b, '[', NULL) : 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (only < 0 && i > 0) {
            rc = buf_putc(b, ',', NULL);
        }
        if (rc == 0 && (only < 0 || list[i].partition == only)) {
            rc = put_partition(b, &list[i]);
        }
    }
    if (rc != 0 || (only < 0 && buf_putc(b, ']', NULL) != 0)) {
        answer_broken(r);
    }
    mem_free(list);
}

static int put_settings(struct api *a, struct buf *b, const char *topic,
                        struct err *e)
{
    struct cluster_setting *list = NULL;
    size_t n = 0;
    int rc;

    if (cluster_settings(a->broker, topic, &list, &n, e) != 0) {
        return -1;
    }
    rc = buf_putc(b, '{', e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = buf_putf(b, e, "%s\"%s\":", i > 0 ? "," : "", list[i].name);
        rc = rc != 0 ? rc : json_print_text(b, slice_of(list[i].value), e);
    }
    mem_free(list);
    return rc != 0 ? rc : buf_putc(b, '}', e);
}

void kafka_topic(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic t;
    struct buf *b;

    if (!get_topic(a, r, &t)) {
        return;
    }
    b = answer_begin(r, 200, MEDIA_KAFKA);
    if (buf_putf(b, &e, "{\"name\":\"%s\",\"configs\":", t.name) != 0 ||
        put_settings(a, b, t.name, &e) != 0 ||
        buf_puts(b, ",\"partitions\":", &e) != 0) {
        answer_err(r, FAMILY_KAFKA, &e);
        return;
    }
    put_partitions(a, r, b, &t, -1);
    if (r->answer.status == 200 && buf_putc(b, '}', NULL) != 0) {
        answer_broken(r);
    }
}

void kafka_partitions(struct api *a, struct http_request *r)
{
    struct broker_topic t;

    if (get_topic(a, r, &t)) {
        put_partitions(a, r, answer_begin(r, 200, MEDIA_KAFKA), &t, -1);
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

    if (get_partition(a, r, &t, &p)) {
        put_partitions(a, r, answer_begin(r, 200, MEDIA_KAFKA), &t, p);
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

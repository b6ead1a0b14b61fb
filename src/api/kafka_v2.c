/* kafka_v2.c - produce of the Kafka REST Proxy v2 (POST /topics/...). */
#include "api/api_int.h"
#include "api/produce_body.h"
#include "core/num.h"
#include "json/json.h"

/* Codes that one record may fail with; the rest of the request goes on. */
static int record_code(enum err_code code)
{
    if (code == ERR_DENIED) {
        return 40301;
    }
    return err_retriable(code) ? 50003 : 50002;
}

static int put_failure(struct buf *b, const struct work *w, size_t i)
{
    const struct broker_report *rep = &w->reports[i];
    int32_t asked = w->records[i].partition;
    struct err e;

    if (rep->code == ERR_NOTFOUND || rep->code == ERR_INVALID) {
        (void)err_set(
            &e, rep->code, "partition %d does not exist: topic \"%s\" has %d",
            (int)asked, w->topic->name, atomic_load(&w->topic->partitions));
    } else {
        (void)err_set(&e, rep->code, "%s", err_text(rep->code));
    }
    return buf_putf(b, NULL,
                    "{\"partition\":null,\"offset\":null,\"error_code\":%d,"
                    "\"error\":",
                    record_code(rep->code)) != 0 ||
                   json_print_text(b, slice_of(e.msg), NULL) != 0 ||
                   buf_putc(b, '}', NULL) != 0
               ? -1
               : 0;
}

static int put_report(struct buf *b, const struct work *w, size_t i)
{
    const struct broker_report *rep = &w->reports[i];

    if (i > 0 && buf_putc(b, ',', NULL) != 0) {
        return -1;
    }
    if (rep->code != ERR_NONE) {
        return put_failure(b, w, i);
    }
    return buf_append(b, SLICE("{\"partition\":"), NULL) != 0 ||
                   json_print_i64(b, rep->partition, NULL) != 0 ||
                   buf_append(b, SLICE(",\"offset\":"), NULL) != 0 ||
                   json_print_i64(b, rep->offset, NULL) != 0 ||
                   buf_append(b, SLICE(",\"error_code\":null,\"error\":null}"),
                              NULL) != 0
               ? -1
               : 0;
}

/* The first record that was not allowed decides; else 200. */
static int status_of(const struct work *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->reports[i].code == ERR_DENIED) {
            return 403;
        }
    }
    return 200;
}

static void answer_reports(struct work *w, struct http_request *r)
{
    struct buf *b = answer_begin(r, status_of(w), MEDIA_KAFKA);
    int rc = buf_reserve(b, 80 + w->n * 72, NULL);

    rc = rc != 0 ? rc : buf_append(b, SLICE("{\"offsets\":["), NULL);
    for (size_t i = 0; rc == 0 && i < w->n; i++) {
        rc = put_report(b, w, i);
    }
    if (rc != 0 ||
        buf_append(b,
                   SLICE("],\"key_schema_id\":null,\"value_schema_id\":null}"),
                   NULL) != 0) {
        answer_broken(r);
    }
}

/* The partition of the path, when there is one; false: answered. */
static bool path_partition(struct api *a, struct http_request *r,
                           struct topic *t, int32_t *ret)
{
    int64_t n;

    *ret = -1;
    if (r->n_params < 2) {
        return true;
    }
    if (!num_i64(r->params[1], &n)) {
        answer_status(r, FAMILY_KAFKA, 404);
        return false;
    }
    if (n >= atomic_load(&t->partitions)) {
        topics_refresh(a, t); /* it may have been made anew, wider */
    }
    if (n < 0 || n >= atomic_load(&t->partitions)) {
        answer_error(r, FAMILY_KAFKA, 404, 40402,
                     "Partition %.*s not found: topic %s has %d",
                     (int)(r->params[1].len > 20 ? 20 : r->params[1].len),
                     r->params[1].ptr, t->name, atomic_load(&t->partitions));
        return false;
    }
    *ret = (int32_t)n;
    return true;
}

static bool negotiate(struct http_request *r, enum media_format *ret)
{
    struct slice text;

    if (!server_header(r, "Content-Type", &text) || !media_kafka(text, ret) ||
        *ret == MEDIA_NO_FORMAT) {
        answer_error(r, FAMILY_KAFKA, 415, 415,
                     "HTTP 415 Unsupported Media Type: send "
                     "application/vnd.kafka.json.v2+json or "
                     "application/vnd.kafka.binary.v2+json");
        return false;
    }
    return answer_accepts(r, FAMILY_KAFKA);
}

/* Everything up to the broker; the tree of the body is gone after it. */
static struct work *prepare(struct api *a, struct http_request *r,
                            struct topic *t, enum media_format format)
{
    struct produce_fault f = {.status = 0};
    struct err e = {.code = ERR_NONE};
    struct produce_body body;
    struct work *w = NULL;
    int32_t partition;

    if (!path_partition(a, r, t, &partition)) {
        return NULL;
    }
    if (!produce_body_parse(&body, r->body, format, (size_t)a->conf.records_max,
                            &f)) {
        answer_fault(r, FAMILY_KAFKA, &f);
        return NULL;
    }
    w = work_new(a, r, body.n, r->body.len, &e);
    if (w != NULL && work_key(w, r, &e) == 0) {
        if (!produce_body_records(&body, format, partition, w->records,
                                  &w->text, &f)) {
            answer_fault(r, FAMILY_KAFKA, &f);
            w = NULL;
        }
    } else {
        answer_err(r, FAMILY_KAFKA, &e);
        w = NULL;
    }
    produce_body_release(&body);
    return w;
}

static struct topic *find_topic(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct topic *t = NULL;

    if (topics_find(a, r->params[0], &t, &e) != 0) {
        answer_err(r, FAMILY_KAFKA, &e);
        return NULL;
    }
    return t;
}

static void meet_topic(struct api *a, struct http_request *r)
{
    (void)find_topic(a, r);
}

void kafka_produce(struct api *a, struct http_request *r)
{
    enum media_format format;
    struct topic *t;
    struct work *w;

    if (!negotiate(r, &format)) {
        return;
    }
    if (!topics_met(a, r->params[0])) {
        slow_do(a->slow, r, meet_topic, kafka_produce);
        return;
    }
    t = find_topic(a, r);
    if (t == NULL) {
        return;
    }
    w = prepare(a, r, t, format);
    if (w == NULL) {
        return;
    }
    w->topic = t;
    w->family = FAMILY_KAFKA;
    w->answer = answer_reports;
    work_start(w, r);
}

/* kafka_consumers.c - the consumer API of Kafka REST v2 (/consumers/...). */
#include <inttypes.h>
#include <string.h>

#include "api/api_int.h"
#include "api/consumer_run.h"
#include "api/links.h"
#include "core/digest.h"
#include "core/num.h"
#include "core/secret.h"
#include "core/text.h"

enum {
    BYTES_MAX = 64 << 20, /* of one read, unless fewer are asked for */
};

/* ---- headers ---- */

/* A body is sent as v2 JSON; a client that says nothing means it. */
static bool takes_body(struct http_request *r)
{
    enum media_format f;
    struct slice text;

    if (server_header(r, "Content-Type", &text) && text.len > 0 &&
        !media_kafka(text, &f) && !media_is_json(text)) {
        answer_error(r, FAMILY_KAFKA, 415, 415,
                     "HTTP 415 Unsupported Media Type: send " MEDIA_KAFKA);
        return false;
    }
    return answer_accepts(r, FAMILY_KAFKA);
}

/* ---- create ---- */

/* "rest-consumer-" and a random UUID. */
static char *make_name(struct arena *a, struct err *e)
{
    uint8_t b[16];
    char hex[33];

    if (secret_random(b, sizeof(b), e) != 0) {
        return NULL;
    }
    b[6] = (uint8_t)((b[6] & 15u) | 64u);
    b[8] = (uint8_t)((b[8] & 63u) | 128u);
    digest_hex(b, sizeof(b), hex);
    return arena_printf(a, e, "rest-consumer-%.8s-%.4s-%.4s-%.4s-%.12s", hex,
                        hex + 8, hex + 12, hex + 16, hex + 20);
}

static void answer_created(struct api *a, struct http_request *r,
                           const struct consumer_conf *conf)
{
    struct buf *b = answer_begin(r, 200, MEDIA_KAFKA);
    struct buf uri;

    buf_init(&uri, 1 << 16);
    if (links_base(a, r, "/consumers/", &uri) != 0 ||
        links_segment(&uri, conf->group) != 0 ||
        buf_puts(&uri, "/instances/", NULL) != 0 ||
        links_segment(&uri, conf->name) != 0 ||
        buf_puts(b, "{\"instance_id\":", NULL) != 0 ||
        json_print_text(b, slice_of(conf->name), NULL) != 0 ||
        buf_puts(b, ",\"base_uri\":", NULL) != 0 ||
        json_print_text(b, buf_slice(&uri), NULL) != 0 ||
        buf_putc(b, '}', NULL) != 0) {
        answer_broken(r);
    }
    buf_release(&uri);
}

/* The group of the path as text; false: answered. */
static bool read_group(struct http_request *r, const char **ret)
{
    struct slice group = r->params[0];
    struct slice copy;
    size_t bad;

    if (group.len > TOPIC_NAME_MAX || memchr(group.ptr, '\0', group.len) ||
        !text_utf8_valid(group, &bad)) {
        answer_error(r, FAMILY_KAFKA, 422, 422,
                     "a group's name has 1 to %d bytes of text",
                     TOPIC_NAME_MAX);
        return false;
    }
    if (arena_copy(&r->arena, group, &copy, NULL) != 0) {
        answer_broken(r);
        return false;
    }
    *ret = copy.ptr;
    return true;
}

void kafka_consumer_create(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct consumer_body_create body;
    struct produce_fault f = {.status = 0};
    struct consumer_conf conf;
    const char *group;

    if (!takes_body(r) || !read_group(r, &group)) {
        return;
    }
    if (!consumer_body_create(r->body, &r->arena, &body, &f)) {
        answer_fault(r, FAMILY_KAFKA, &f);
        return;
    }
    if (body.name == NULL && (body.name = make_name(&r->arena, &e)) == NULL) {
        answer_err(r, FAMILY_KAFKA, &e);
        return;
    }
    conf = (struct consumer_conf){.group = group,
                                  .name = body.name,
                                  .format = body.format,
                                  .reset = body.reset,
                                  .auto_commit = body.auto_commit,
                                  .prefetch_bytes =
                                      (size_t)a->conf.prefetch_bytes};
    if (consumers_create(a->consumers, &conf, &body, &e) == 0) {
        answer_created(a, r, &conf);
    } else if (e.code == ERR_LIMIT || e.code == ERR_BUSY) {
        answer_header(r, "Retry-After", SLICE("1"));
        answer_error(r, FAMILY_KAFKA, 503, e.code == ERR_LIMIT ? 50301 : 50302,
                     "%s", e.msg);
    } else {
        consumer_run_err(r, &e);
    }
}

/* ---- routes ---- */

static struct consumer_job *
begin(struct http_request *r,
      enum consumer_done (*run)(struct consumer_job *j, struct consumer *c))
{
    struct err e = {.code = ERR_NONE};
    struct consumer_job *j;

    if (!takes_body(r)) {
        return NULL;
    }
    j = consumers_job(r, &e);
    if (j == NULL) {
        answer_err(r, FAMILY_KAFKA, &e);
        return NULL;
    }
    j->run = run;
    return j;
}

static void go(struct api *a, struct http_request *r, struct consumer_job *j)
{
    if (j != NULL) {
        consumers_do(a->consumers, r->params[0], r->params[1], j);
    }
}

/* The body's places into *j; without one j is freed and the fault told. */
static struct consumer_job *with_places(struct http_request *r,
                                        struct consumer_job *j, unsigned lists)
{
    struct produce_fault f = {.status = 0};

    if (j != NULL && !consumer_body_places(r->body, lists, &j->arena,
                                           &j->places, &j->n_places, &f)) {
        consumers_job_free(j);
        answer_fault(r, FAMILY_KAFKA, &f);
        return NULL;
    }
    return j;
}

void kafka_consumer_delete(struct api *a, struct http_request *r)
{
    go(a, r, begin(r, consumer_run_delete));
}

void kafka_consumer_subscribe(struct api *a, struct http_request *r)
{
    struct consumer_job *j = begin(r, consumer_run_subscribe);
    struct produce_fault f = {.status = 0};

    if (j != NULL &&
        !consumer_body_subscription(r->body, &j->arena, &j->subscription, &f)) {
        consumers_job_free(j);
        answer_fault(r, FAMILY_KAFKA, &f);
        return;
    }
    go(a, r, j);
}

void kafka_consumer_subscription(struct api *a, struct http_request *r)
{
    go(a, r, begin(r, consumer_run_subscription));
}

void kafka_consumer_unsubscribe(struct api *a, struct http_request *r)
{
    go(a, r, begin(r, consumer_run_unsubscribe));
}

void kafka_consumer_assign(struct api *a, struct http_request *r)
{
    go(a, r,
       with_places(r, begin(r, consumer_run_assign), CONSUMER_BODY_PARTITIONS));
}

void kafka_consumer_assignments(struct api *a, struct http_request *r)
{
    go(a, r, begin(r, consumer_run_assignments));
}

void kafka_consumer_seek(struct api *a, struct http_request *r)
{
    go(a, r,
       with_places(r, begin(r, consumer_run_seek),
                   CONSUMER_BODY_OFFSETS | CONSUMER_BODY_TIMESTAMPS));
}

static void seek_all(struct api *a, struct http_request *r, int64_t offset)
{
    struct consumer_job *j =
        with_places(r, begin(r, consumer_run_seek), CONSUMER_BODY_PARTITIONS);

    if (j != NULL) {
        j->place_offset = offset;
    }
    go(a, r, j);
}

void kafka_consumer_seek_beginning(struct api *a, struct http_request *r)
{
    seek_all(a, r, CONSUMER_BEGINNING);
}

void kafka_consumer_seek_end(struct api *a, struct http_request *r)
{
    seek_all(a, r, CONSUMER_END);
}

void kafka_consumer_commit(struct api *a, struct http_request *r)
{
    struct consumer_job *j = begin(r, consumer_run_commit);

    /* {} is as no body: all that was given */
    if (j != NULL && slice_trim(r->body).len > 2) {
        j = with_places(r, j, CONSUMER_BODY_OFFSETS);
        if (j != NULL) {
            j->listed = true;
        }
    }
    go(a, r, j);
}

void kafka_consumer_offsets(struct api *a, struct http_request *r)
{
    struct consumer_job *j = begin(r, consumer_run_offsets);

    if (j != NULL && slice_trim(r->body).len == 0) {
        consumers_job_free(j);
        answer_error(r, FAMILY_KAFKA, 404, 40402,
                     "Partition not found: send {\"partitions\":[...]} as the "
                     "body");
        return;
    }
    go(a, r, with_places(r, j, CONSUMER_BODY_PARTITIONS));
}

/* A number of the query; false: answered. */
static bool query_number(struct http_request *r, const char *name, int64_t max,
                         int64_t *ret)
{
    struct slice text;
    int64_t n;

    if (!router_query(r->query, name, &r->arena, &text)) {
        return true;
    }
    if (!num_i64(text, &n) || n < -1) {
        answer_error(r, FAMILY_KAFKA, 400, 400,
                     "query parameter %s is not a number", name);
        return false;
    }
    *ret = n < 0 || n > max ? max : n;
    return true;
}

/* The format that Accept asks for, when it asks for one; false: answered. */
static bool read_accept(struct http_request *r, struct consumer_job *j)
{
    bool more = true;
    struct slice text;
    struct slice range;

    if (!answer_accepts(r, FAMILY_KAFKA)) {
        return false;
    }
    if (!server_header(r, "Accept", &text)) {
        return true;
    }
    while (more && !j->has_format) {
        more = slice_cut(&text, ',', &range);
        j->has_format = media_kafka(range, &j->format);
    }
    return true;
}

void kafka_consumer_records(struct api *a, struct http_request *r)
{
    struct consumer_job *j = begin(r, consumer_run_records);
    int64_t bytes = BYTES_MAX;
    int64_t ms = -1;
    struct slice key;

    if (j == NULL) {
        return;
    }
    if (!query_number(r, "timeout", INT32_MAX, &ms) ||
        !query_number(r, "max_bytes", BYTES_MAX, &bytes) ||
        !read_accept(r, j)) {
        consumers_job_free(j);
        return;
    }
    if (server_header(r, "Idempotency-Key", &key)) {
        if (key.len == 0 || key.len > CONSUMER_KEY_MAX) {
            consumers_job_free(j);
            answer_error(r, FAMILY_KAFKA, 400, 400,
                         "Idempotency-Key must be 1 to %d bytes long",
                         CONSUMER_KEY_MAX);
            return;
        }
        j->read.key = key;
    }
    j->read.max_bytes = (size_t)bytes;
    j->has_timeout = ms >= 0;
    j->timeout_us = ms * 1000;
    j->is_read = true;
    go(a, r, j);
}

#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/text.h"
#include "flow/emulator_int.h"
#include "net/aws_json.h"
#include "net/url.h"
#include "json/json.h"

enum {
    KINESIS_RECORDS_MAX = 500, /* of one PutRecords */
};

static int base_url(struct emulator_post *p, const struct emulator_conf *conf,
                    struct err *e)
{
    struct slice base = slice_of(conf->to);

    while (slice_ends(base, SLICE("/"))) {
        base.len--;
    }
    buf_clear(&p->url);
    buf_clear(&p->body);
    return buf_append(&p->url, base, e);
}

static int put_base64(struct buf *b, struct slice row, struct err *e)
{
    if (buf_putc(b, '"', e) != 0 || digest_base64(row, b, e) != 0) {
        return -1;
    }
    return buf_putc(b, '"', e);
}

/* The record as it is, or as base64 text when it is not JSON. */
static int put_value(struct emulator_post *p, size_t i, struct err *e)
{
    struct slice row = emulator_post_row(p, i);

    return p->json ? buf_append(&p->body, row, e)
                   : put_base64(&p->body, row, e);
}

static int finish_url(struct emulator_post *p, struct err *e)
{
    const char *text;

    return buf_text(&p->url, &text, e);
}

/* Kafka REST v2 */

static int compose_v2(struct emulator_post *p, const struct emulator_conf *conf,
                      struct slice cookie, struct err *e)
{
    (void)cookie;
    if (base_url(p, conf, e) != 0 || buf_puts(&p->url, "/topics/", e) != 0 ||
        url_escape(&p->url, slice_of(conf->tables[p->table].topic), e) != 0 ||
        buf_puts(&p->body, "{\"records\":[", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->n; i++) {
        if (buf_puts(&p->body, i > 0 ? ",{\"value\":" : "{\"value\":", e) !=
                0 ||
            put_value(p, i, e) != 0 || buf_putc(&p->body, '}', e) != 0) {
            return -1;
        }
    }
    if (buf_puts(&p->body, "]}", e) != 0) {
        return -1;
    }
    return finish_url(p, e);
}

/* How often `what`, which begins with a quote, occurs. */
static size_t occurrences(struct slice s, struct slice what)
{
    size_t n = 0;

    while (s.len >= what.len) {
        const char *at = memchr(s.ptr, '"', s.len - what.len + 1);

        if (at == NULL) {
            break;
        }
        s = slice_from(s, (size_t)(at - s.ptr));
        if (slice_starts(s, what)) {
            s = slice_from(s, what.len);
            n++;
        } else {
            s = slice_from(s, 1);
        }
    }
    return n;
}

static enum emulator_verdict judge_v2(const struct emulator_post *p,
                                      struct slice answer, uint8_t *bad)
{
    struct json_doc doc;
    yyjson_val *offsets;
    bool mixed = false;

    if (occurrences(answer, SLICE("\"error_code\":null")) == p->n) {
        return VERDICT_TAKEN; /* the usual answer, without reading it all */
    }
    if (json_parse(&doc, answer, JSON_NUMBERS, NULL, NULL) != 0) {
        return VERDICT_TAKEN; /* it said 200 */
    }
    offsets = json_get(doc.root, "offsets");
    for (size_t i = 0; i < p->n; i++) {
        int64_t code = 0;

        bad[i] = 0;
        if (json_get_i64(yyjson_arr_get(offsets, i), "error_code", &code) &&
            code != 0) {
            bad[i] = code == 50003 ? 1 : 2;
            mixed = true;
        }
    }
    json_release(&doc);
    return mixed ? VERDICT_MIXED : VERDICT_TAKEN;
}

/* Kafka REST v3 */

static int prepare_v3(struct http_client *c, const struct emulator_conf *conf,
                      struct buf *cookie, struct err *e)
{
    struct http_request r = {.method = "GET"};
    struct http_answer a;
    struct json_doc doc = {0};
    struct slice id;
    struct buf url;
    int rc = -1;

    buf_init(&url, URL_MAX + 32);
    if (buf_puts(&url, conf->to, e) != 0) {
        goto out;
    }
    while (url.len > 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    if (buf_puts(&url, "/v3/clusters", e) != 0 ||
        buf_text(&url, &r.url, e) != 0 || http_client_do(c, &r, &a, e) != 0) {
        goto out;
    }
    if (a.status != 200 ||
        json_parse(&doc, a.body, JSON_NUMBERS, NULL, NULL) != 0 ||
        !json_get_text(yyjson_arr_get_first(json_get(doc.root, "data")),
                       "cluster_id", &id)) {
        (void)err_set(e, ERR_INVALID,
                      "cannot use contract \"kafka-v3\": \"%s\" names no "
                      "cluster (status %d)",
                      r.url, a.status);
        goto out;
    }
    rc = url_escape(cookie, id, e);
out:
    json_release(&doc);
    buf_release(&url);
    return rc;
}

/* Several records are JSON texts one behind the other. */
static int compose_v3(struct emulator_post *p, const struct emulator_conf *conf,
                      struct slice cookie, struct err *e)
{
    if (base_url(p, conf, e) != 0 ||
        buf_putf(&p->url, e, "/v3/clusters/%.*s/topics/", SLICE_FMT(cookie)) !=
            0 ||
        url_escape(&p->url, slice_of(conf->tables[p->table].topic), e) != 0 ||
        buf_puts(&p->url, "/records", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->n; i++) {
        if (buf_putf(&p->body, e, "{\"value\":{\"type\":\"%s\",\"data\":",
                     p->json ? "JSON" : "BINARY") != 0 ||
            put_value(p, i, e) != 0 || buf_puts(&p->body, "}}", e) != 0) {
            return -1;
        }
    }
    return finish_url(p, e);
}

static enum emulator_verdict judge_v3(const struct emulator_post *p,
                                      struct slice answer, uint8_t *bad)
{
    bool mixed = false;

    for (size_t i = 0; i < p->n; i++) {
        struct json_doc doc;
        int64_t code = 200;

        bad[i] = 0;
        if (json_parse(&doc, answer, JSON_NUMBERS | JSON_PREFIX, NULL, NULL) !=
            0) {
            bad[i] = 1; /* no report for this record */
            mixed = true;
            continue;
        }
        answer = slice_from(answer, doc.read);
        if (json_get_i64(doc.root, "error_code", &code) && code != 200) {
            bad[i] = code == 429 || code == 50003 || code >= 500 ? 1 : 2;
            mixed = true;
        }
        json_release(&doc);
    }
    return mixed ? VERDICT_MIXED : VERDICT_TAKEN;
}

/* One record a request, its JSON text as the body */

static int put_row(struct emulator_post *p, struct err *e)
{
    if (buf_append(&p->body, emulator_post_row(p, 0), e) != 0) {
        return -1;
    }
    return finish_url(p, e);
}

static int compose_send_data(struct emulator_post *p,
                             const struct emulator_conf *conf,
                             struct slice cookie, struct err *e)
{
    (void)cookie;
    if (base_url(p, conf, e) != 0 ||
        buf_puts(&p->url, "/send_data?topic=", e) != 0 ||
        url_escape(&p->url, slice_of(conf->tables[p->table].topic), e) != 0) {
        return -1;
    }
    return put_row(p, e);
}

static int compose_pin(struct emulator_post *p,
                       const struct emulator_conf *conf, struct slice cookie,
                       struct err *e)
{
    (void)cookie;
    if (base_url(p, conf, e) != 0 ||
        buf_putf(&p->url, e, "/%s/", conf->tables[p->table].name) != 0) {
        return -1;
    }
    return put_row(p, e);
}

/* API Gateway in front of a stream */

static int compose_gateway(struct emulator_post *p,
                           const struct emulator_conf *conf,
                           struct slice cookie, struct err *e)
{
    const char *stream = conf->tables[p->table].topic;

    (void)cookie;
    if (base_url(p, conf, e) != 0 || buf_puts(&p->url, "/streams/", e) != 0 ||
        url_escape(&p->url, slice_of(stream), e) != 0 ||
        buf_puts(&p->url, "/record", e) != 0 ||
        buf_puts(&p->body, "{\"StreamName\":", e) != 0 ||
        json_print_text(&p->body, slice_of(stream), e) != 0 ||
        buf_puts(&p->body, ",\"Data\":", e) != 0 || put_value(p, 0, e) != 0 ||
        buf_puts(&p->body, ",\"PartitionKey\":\"partition-1\"}", e) != 0) {
        return -1;
    }
    return finish_url(p, e);
}

/* Kinesis, signed */

static int prepare_kinesis(struct http_client *c,
                           const struct emulator_conf *conf, struct buf *cookie,
                           struct err *e)
{
    struct aws_login login;

    (void)c;
    (void)cookie;
    if (conf->per_request > KINESIS_RECORDS_MAX) {
        return err_set(e, ERR_INVALID,
                       "Kinesis takes at most %d records a request",
                       KINESIS_RECORDS_MAX);
    }
    return aws_login_env(&login, e);
}

static int put_kinesis_record(struct emulator_post *p, size_t i, struct err *e)
{
    return buf_puts(&p->body, "{\"Data\":", e) != 0 ||
                   put_base64(&p->body, emulator_post_row(p, i), e) != 0 ||
                   buf_puts(&p->body, ",\"PartitionKey\":\"partition-1\"}",
                            e) != 0
               ? -1
               : 0;
}

static int compose_kinesis(struct emulator_post *p,
                           const struct emulator_conf *conf,
                           struct slice cookie, struct err *e)
{
    (void)cookie;
    if (base_url(p, conf, e) != 0 || buf_putc(&p->url, '/', e) != 0 ||
        buf_puts(&p->body, "{\"StreamName\":", e) != 0 ||
        json_print_text(&p->body, slice_of(conf->tables[p->table].topic), e) !=
            0 ||
        buf_puts(&p->body, ",\"Records\":[", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < p->n; i++) {
        if ((i > 0 && buf_putc(&p->body, ',', e) != 0) ||
            put_kinesis_record(p, i, e) != 0) {
            return -1;
        }
    }
    return buf_puts(&p->body, "]}", e) != 0 ? -1 : finish_url(p, e);
}

static int sign_kinesis(struct emulator_post *p, struct err *e)
{
    struct aws_login login;
    struct aws_call call = {.login = &login,
                            .service = "kinesis",
                            .target = "Kinesis_20131202.PutRecords",
                            .url = p->url.ptr,
                            .body = buf_slice(&p->body),
                            .now_us = clock_wall_us()};

    return aws_login_env(&login, e) != 0 ? -1
                                         : aws_json_heads(&call, &p->heads, e);
}

static enum emulator_verdict judge_kinesis(const struct emulator_post *p,
                                           struct slice answer, uint8_t *bad)
{
    struct json_doc doc;
    yyjson_val *records;
    bool mixed = false;

    if (json_parse(&doc, answer, JSON_NUMBERS, NULL, NULL) != 0) {
        return VERDICT_TAKEN; /* it said 200 */
    }
    records = json_get(doc.root, "Records");
    for (size_t i = 0; i < p->n; i++) {
        bad[i] = json_get(yyjson_arr_get(records, i), "ErrorCode") != NULL;
        mixed = mixed || bad[i] != 0;
    }
    json_release(&doc);
    return mixed ? VERDICT_MIXED : VERDICT_TAKEN;
}

/* the type is that of those which fill in bad */
/* NOLINTBEGIN(readability-non-const-parameter) */
static enum emulator_verdict judge_any(const struct emulator_post *p,
                                       struct slice answer, uint8_t *bad)
{
    (void)p;
    (void)answer;
    (void)bad;
    return VERDICT_TAKEN;
}

/* NOLINTEND(readability-non-const-parameter) */

#define JSON_TYPE "Content-Type: application/json"

/* Every contract, in alphabetical order. */
static const struct emulator_contract contracts[] = {
    {.name = "gateway",
     .method = "PUT",
     .type = {JSON_TYPE, JSON_TYPE},
     .compose = compose_gateway,
     .judge = judge_any},
    {.name = "kafka-v2",
     .many = true,
     .method = "POST",
     .type = {"Content-Type: application/vnd.kafka.json.v2+json",
              "Content-Type: application/vnd.kafka.binary.v2+json"},
     .accept = "Accept: application/vnd.kafka.v2+json",
     .compose = compose_v2,
     .judge = judge_v2},
    {.name = "kafka-v3",
     .many = true,
     .method = "POST",
     .type = {JSON_TYPE, JSON_TYPE},
     .prepare = prepare_v3,
     .compose = compose_v3,
     .judge = judge_v3},
    {.name = "kinesis",
     .many = true,
     .method = "POST",
     .prepare = prepare_kinesis,
     .compose = compose_kinesis,
     .sign = sign_kinesis,
     .judge = judge_kinesis},
    {.name = "pin",
     .method = "POST",
     .type = {JSON_TYPE, JSON_TYPE},
     .compose = compose_pin,
     .judge = judge_any},
    {.name = "send_data",
     .method = "POST",
     .type = {JSON_TYPE, JSON_TYPE},
     .compose = compose_send_data,
     .judge = judge_any},
};

const char *emulator_contract_at(size_t i, const char **ret_absent)
{
    if (i >= ARRAY_LEN(contracts)) {
        return NULL;
    }
    *ret_absent = contracts[i].absent;
    return contracts[i].name;
}

int emulator_contract_find(const char *name,
                           const struct emulator_contract **ret, struct err *e)
{
    const char *words[ARRAY_LEN(contracts)];
    const char *near;

    for (size_t i = 0; i < ARRAY_LEN(contracts); i++) {
        words[i] = contracts[i].name;
        if (strcmp(name, words[i]) != 0) {
            continue;
        }
        if (contracts[i].absent != NULL) {
            return err_set(e, ERR_UNAVAILABLE, "cannot use contract \"%s\": %s",
                           name, contracts[i].absent);
        }
        *ret = &contracts[i];
        return 0;
    }
    near = text_nearest(slice_of(name), words, ARRAY_LEN(words));
    return err_set(e, ERR_INVALID, "no contract is called \"%s\"%s%s", name,
                   near != NULL ? "; the nearest is " : "",
                   near != NULL ? near : "");
}

/* fastapi.c - POST /<model>/, POST /send_data, GET /get_data. */
#include <string.h>

#include "api/api_int.h"
#include "api/model.h"
#include "api/pyjson.h"
#include "core/digest.h"
#include "core/text.h"

#define GET_DATA_GROUP "get_data"

/* {"detail":[ faults ]} */
static void answer_detail(struct http_request *r, const struct buf *faults)
{
    struct buf *b = answer_begin(r, 422, MEDIA_JSON);

    if (buf_puts(b, "{\"detail\":[", NULL) != 0 ||
        buf_append(b, buf_slice(faults), NULL) != 0 ||
        buf_puts(b, "]}", NULL) != 0) {
        answer_broken(r);
    }
}

static void answer_model_fault(struct http_request *r,
                               const struct model_fault *f)
{
    struct buf faults;

    buf_init(&faults, SIZE_MAX);
    if (model_fault(&faults, f, NULL) == 0) {
        answer_detail(r, &faults);
    } else {
        answer_broken(r);
    }
    buf_release(&faults);
}

static void answer_missing(struct http_request *r, const char *where,
                           const char *field)
{
    struct model_fault f = {.type = "missing",
                            .words = "Field required",
                            .where = where,
                            .field = slice_of(field)};

    answer_model_fault(r, &f);
}

/* In the words and at the place that Python names, if it names one. */
static void answer_no_json(struct http_request *r, const struct err *e)
{
    const char *words = e->msg;
    int64_t at = 0;
    struct buf *b;

    if (!text_utf8_valid(r->body, NULL)) {
        answer_error(r, FAMILY_FASTAPI, 400, 400,
                     "There was an error parsing the body");
        return;
    }
    (void)pyjson_fault(r->body, &at, &words);
    b = answer_begin(r, 422, MEDIA_JSON);
    if (buf_putf(b, NULL,
                 "{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\","
                 "%lld],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":"
                 "{\"error\":",
                 (long long)at) != 0 ||
        json_print_text(b, slice_of(words), NULL) != 0 ||
        buf_puts(b, "}}]}", NULL) != 0) {
        answer_broken(r);
    }
}

/* The body as JSON; false: answered. */
static bool parse(struct http_request *r, struct json_doc *doc)
{
    struct err e = {.code = ERR_NONE};

    if (r->body.len == 0) {
        answer_missing(r, "body", "");
        return false;
    }
    if (json_parse(doc, r->body, 0, NULL, &e) != 0) {
        answer_no_json(r, &e);
        return false;
    }
    if (yyjson_is_null(doc->root)) {
        answer_missing(r, "body", "");
        json_release(doc);
        return false;
    }
    return true;
}

static void answer_echo(struct work *w, struct http_request *r)
{
    struct err e;

    if (w->reports[0].code != ERR_NONE) {
        (void)err_set(&e, w->reports[0].code, "%s",
                      err_text(w->reports[0].code));
        answer_err(r, FAMILY_FASTAPI, &e);
    } else if (buf_append(answer_begin(r, 200, MEDIA_JSON), w->echo, NULL) !=
               0) {
        answer_broken(r);
    }
}

/* One record, whose bytes w->text already holds. */
static void start(struct work *w, struct topic *t, struct http_request *r)
{
    w->records[0] = (struct broker_record){
        .partition = -1, .value = buf_slice(&w->text), .has_value = true};
    w->topic = t;
    w->family = FAMILY_FASTAPI;
    w->answer = answer_echo;
    work_start(w, r);
}

/* ---- POST /pin/ ---- */

static const struct api_model *model_of(struct api *a, struct slice name)
{
    for (size_t i = 0; i < a->conf.n_models; i++) {
        if (slice_is(name, a->conf.models[i].name)) {
            return &a->conf.models[i];
        }
    }
    return NULL;
}

/* Without a JSON type FastAPI takes the body for a string. */
static void answer_untyped(struct http_request *r)
{
    struct buf faults;

    if (r->body.len == 0) {
        answer_missing(r, "body", "");
        return;
    }
    if (!text_utf8_valid(r->body, NULL)) {
        answer_error(r, FAMILY_FASTAPI, 400, 400,
                     "There was an error parsing the body");
        return;
    }
    buf_init(&faults, SIZE_MAX);
    if (buf_puts(&faults,
                 "{\"type\":\"model_attributes_type\",\"loc\":[\"body\"],"
                 "\"msg\":\"Input should be a valid dictionary or object to "
                 "extract fields from\",\"input\":",
                 NULL) != 0 ||
        json_print_text(&faults, r->body, NULL) != 0 ||
        buf_putc(&faults, '}', NULL) != 0) {
        answer_broken(r);
    } else {
        answer_detail(r, &faults);
    }
    buf_release(&faults);
}

/* The checked row into w->text; false: answered. */
static bool check(const struct api_model *m, struct http_request *r,
                  struct work *w, struct model_result *res)
{
    struct model_fault no_object = {
        .type = "model_attributes_type",
        .words = "Input should be a valid dictionary or object to extract "
                 "fields from",
        .where = "body"};
    struct err e = {.code = ERR_NONE};
    struct json_doc doc;
    struct buf faults;
    bool good = false;

    if (!parse(r, &doc)) {
        return false;
    }
    buf_init(&faults, SIZE_MAX);
    if (!yyjson_is_obj(doc.root)) {
        no_object.input = doc.root;
        answer_model_fault(r, &no_object);
    } else if (model_check(m, doc.root, &w->text, &faults, res, &e) != 0) {
        answer_err(r, FAMILY_FASTAPI, &e);
    } else if (res->faults > 0) {
        answer_detail(r, &faults);
    } else {
        good = true;
    }
    buf_release(&faults);
    json_release(&doc);
    return good;
}

/* The topic, perhaps asked from the broker; NULL: answered. */
static struct topic *find_topic(struct api *a, struct http_request *r,
                                struct slice name)
{
    struct err e = {.code = ERR_NONE};
    struct topic *t;

    if (topics_find(a, name, &t, &e) != 0) {
        answer_err(r, FAMILY_FASTAPI, &e);
        return NULL;
    }
    return t;
}

static void meet_model(struct api *a, struct http_request *r)
{
    const struct api_model *m = model_of(a, r->params[0]);

    if (m != NULL) {
        (void)find_topic(a, r, slice_of(m->topic));
    }
}

void fastapi_model(struct api *a, struct http_request *r)
{
    const struct api_model *m = model_of(a, r->params[0]);
    struct model_result res = {.faults = 0};
    struct err e = {.code = ERR_NONE};
    struct slice type;
    struct topic *t;
    struct work *w;

    if (!server_header(r, "Content-Type", &type) || !media_is_json(type)) {
        answer_untyped(r);
        return;
    }
    if (!topics_met(a, slice_of(m->topic))) {
        slow_do(a->slow, r, meet_model, fastapi_model);
        return;
    }
    t = find_topic(a, r, slice_of(m->topic));
    if (t == NULL) {
        return;
    }
    w = work_new(a, r, 1, r->body.len + 16, &e);
    if (w == NULL || work_key(w, r, &e) != 0) {
        answer_err(r, FAMILY_FASTAPI, &e);
        return;
    }
    if (check(m, r, w, &res)) {
        atomic_fetch_add(&t->dropped, (long long)res.dropped);
        w->echo = buf_slice(&w->text);
        start(w, t, r);
    }
}

/* ---- POST /send_data?topic= ---- */

/* The topic's name in the query; false: answered. */
static bool query_name(struct http_request *r, struct slice *ret)
{
    if (!router_query(r->query, "topic", &r->arena, ret)) {
        answer_missing(r, "query", "topic");
        return false;
    }
    return true;
}

/* The topic of the query; NULL: answered. */
static struct topic *query_topic(struct api *a, struct http_request *r)
{
    struct slice name;

    return query_name(r, &name) ? find_topic(a, r, name) : NULL;
}

static void meet_query(struct api *a, struct http_request *r)
{
    (void)query_topic(a, r);
}

static bool print_echo(struct http_request *r, struct work *w,
                       const struct topic *t)
{
    struct err e = {.code = ERR_NONE};
    const char *text;

    text =
        arena_printf(&r->arena, &e,
                     "{\"status\":\"Message sent\",\"topic\":\"%s\"}", t->name);
    if (text == NULL) {
        answer_err(r, FAMILY_FASTAPI, &e);
        return false;
    }
    w->echo = slice_of(text);
    return true;
}

void fastapi_send_data(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct json_doc doc;
    struct slice type;
    struct slice name;
    struct topic *t;
    struct work *w;
    int rc;

    if (server_header(r, "Content-Type", &type) && !media_is_json(type)) {
        answer_error(r, FAMILY_FASTAPI, 415, 415,
                     "Unsupported Media Type: send application/json");
        return;
    }
    if (!query_name(r, &name)) {
        return;
    }
    if (!topics_met(a, name)) {
        slow_do(a->slow, r, meet_query, fastapi_send_data);
        return;
    }
    t = find_topic(a, r, name);
    if (t == NULL || !parse(r, &doc)) {
        return;
    }
    w = work_new(a, r, 1, r->body.len + 16, &e);
    rc = w == NULL ? -1 : work_key(w, r, &e);
    rc = rc != 0 ? rc : json_print(&w->text, doc.root, 0, &e);
    json_release(&doc);
    if (rc != 0) {
        answer_err(r, FAMILY_FASTAPI, &e);
    } else if (print_echo(r, w, t)) {
        start(w, t, r);
    }
}

/* ---- GET /get_data?topic= ---- */

/* JSON as it is; other text as a string; other bytes in base64. */
static int put_data(struct buf *b, const struct message *m, struct err *e)
{
    struct json_doc doc;
    int rc;

    if (!m->has_value) {
        return buf_puts(b, "null", e);
    }
    if (json_parse(&doc, m->value, 0, NULL, e) == 0) {
        rc = json_print(b, doc.root, 0, e);
        json_release(&doc);
        return rc;
    }
    if (text_utf8_valid(m->value, NULL)) {
        return json_print_text(b, m->value, e);
    }
    return buf_putc(b, '"', e) != 0 || digest_base64(m->value, b, e) != 0 ||
                   buf_putc(b, '"', e) != 0
               ? -1
               : 0;
}

static int give(struct api *a, struct http_request *r,
                struct broker_position *pos, const struct message *m,
                struct err *e)
{
    struct buf *b = answer_begin(r, 200, MEDIA_JSON);

    pos->offset = m->offset + 1;
    if (buf_putf(b, e, "{\"topic\":\"%s\",\"data\":", pos->topic) != 0 ||
        put_data(b, m, e) != 0 || buf_putc(b, '}', e) != 0) {
        return -1;
    }
    return broker_group_commit(a->broker, GET_DATA_GROUP, pos, 1, NULL, e);
}

/* 1: answered from this partition, 0: it has nothing new, -1: failed. */
static int try_partition(struct api *a, struct http_request *r,
                         const struct broker_topic *t, int32_t partition,
                         struct err *e)
{
    struct broker_position pos = {.offset = 0};
    struct broker_fetch f = {.state = NULL};
    int rc = 0;

    if (broker_group_get(a->broker, GET_DATA_GROUP, t->name, partition, &pos,
                         e) != 0) {
        if (e->code != ERR_NOTFOUND) {
            return -1;
        }
        pos.offset = 0;
    }
    memcpy(pos.topic, t->name, sizeof(pos.topic));
    pos.epoch = t->epoch;
    pos.partition = partition;
    if (broker_fetch(a->broker, t->name, partition, pos.offset, 1, &f, e) !=
        0) {
        return -1;
    }
    if (f.n > 0) {
        rc = give(a, r, &pos, &f.messages[0], e) == 0 ? 1 : -1;
    }
    broker_fetch_release(a->broker, &f);
    return rc;
}

/* Each message is given once, so one request a topic at a time. */
static void take_next(struct api *a, struct http_request *r, struct topic *t)
{
    struct err e = {.code = ERR_NONE};
    struct broker_topic info;
    int rc;

    rc = broker_topic_get(a->broker, t->name, &info, &e);
    for (int32_t i = 0; rc == 0 && i < info.partitions; i++) {
        int32_t p = (t->turn + i) % info.partitions;

        rc = try_partition(a, r, &info, p, &e);
        if (rc == 1) {
            t->turn = p;
        }
    }
    if (rc == 0) {
        answer_error(r, FAMILY_FASTAPI, 404, 404, "No message in topic %s",
                     t->name);
    } else if (rc < 0) {
        answer_err(r, FAMILY_FASTAPI, &e);
    }
}

void fastapi_get_data(struct api *a, struct http_request *r)
{
    struct slice site;
    struct topic *t;

    /* An image of a foreign page must not eat messages. */
    if (server_header(r, "Sec-Fetch-Site", &site) &&
        slice_is(site, "cross-site")) {
        answer_status(r, FAMILY_FASTAPI, 403);
        return;
    }
    t = query_topic(a, r);
    if (t != NULL) {
        mutex_lock(&t->take);
        take_next(a, r, t);
        mutex_unlock(&t->take);
    }
}

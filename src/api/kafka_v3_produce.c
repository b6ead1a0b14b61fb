/* kafka_v3_produce.c - produce of Kafka REST v3: a stream of records, or a
 * batch with ids. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/kafka_v3_int.h"
#include "api/record_body.h"
#include "core/clock.h"
#include "core/mem.h"

enum {
    ENTRIES_MAX = 10, /* of a batch, as the reference */
};

/* What is remembered until the broker has answered; the work's. */
struct produced {
    struct record_body body;
    struct v3_out o;
    bool batch;
};

static void release_produced(void *extra)
{
    struct produced *p = extra;

    record_body_release(&p->body);
    mem_free(p);
}

/* ---- reports ---- */

static void put_part(struct v3_out *o, const char *name,
                     const struct record_body_part *p)
{
    if (p->given) {
        v3_put(o, ",\"%s\":{\"type\":\"%s\",\"size\":%zu}", name, p->type,
               p->len);
    }
}

/* Milliseconds and a Z, as the reference. */
static void put_time(struct v3_out *o, int64_t us)
{
    struct clock_civil c;

    clock_to_civil(us, &c);
    v3_put(o, ",\"timestamp\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", c.year,
           c.month, c.day, c.hour, c.minute, c.second, c.us / 1000);
}

struct outcome {
    int code; /* 200: stored */
    char words[480];
};

/* What became of a record that was given to the broker. */
static void judge(const struct work *w, size_t at, struct outcome *ret)
{
    const struct broker_report *rep = &w->reports[at];

    ret->code = 200;
    if (rep->code == ERR_NONE) {
        return;
    }
    if (rep->code == ERR_NOTFOUND || rep->code == ERR_INVALID) {
        ret->code = 40402;
        (void)snprintf(ret->words, sizeof(ret->words),
                       "This server does not host this topic-partition: topic "
                       "%s has no partition %d",
                       w->topic->name, (int)w->records[at].partition);
        return;
    }
    ret->code = rep->code == ERR_DENIED    ? 40301
                : rep->code == ERR_LIMIT   ? 413
                : err_retriable(rep->code) ? 50003
                                           : 50002;
    (void)snprintf(ret->words, sizeof(ret->words), "%s", err_text(rep->code));
}

static void put_stored(struct v3_out *o, const struct work *w,
                       const struct record_body_item *it, size_t at)
{
    const struct broker_report *rep = &w->reports[at];

    v3_put(o, "\"error_code\":200,");
    v3_text(o, "cluster_id", o->cluster);
    v3_put(o, ",\"topic_name\":\"%s\",\"partition_id\":%d,\"offset\":%" PRId64,
           w->topic->name, (int)rep->partition, rep->offset);
    put_time(o, w->records[at].time_us);
    put_part(o, "key", &it->key);
    put_part(o, "value", &it->value);
}

static void put_error(struct v3_out *o, const struct outcome *out)
{
    v3_put(o, "\"error_code\":%d,", out->code);
    v3_text(o, "message", out->words);
}

/* Each item with its outcome; *at counts those given to the broker. */
static bool outcome_of(const struct work *w, const struct record_body_item *it,
                       size_t *at, struct outcome *ret)
{
    if (it->code != 0) {
        ret->code = it->code;
        (void)snprintf(ret->words, sizeof(ret->words), "%s", it->words);
        return false;
    }
    judge(w, (*at)++, ret);
    return ret->code == 200;
}

/* One record that failed is the request's failure; of several each has its
 * own line, and the request is 200. */
static bool answered_as_one(const struct work *w, struct http_request *r,
                            const struct produced *p)
{
    struct outcome out;
    size_t at = 0;

    if (p->body.n != 1 || p->batch ||
        outcome_of(w, &p->body.items[0], &at, &out)) {
        return false;
    }
    answer_error(r, FAMILY_PLAIN, out.code < 1000 ? out.code : out.code / 100,
                 out.code, "%s", out.words);
    return true;
}

static void answer_stream(const struct work *w, struct http_request *r,
                          struct produced *p)
{
    struct v3_out *o = &p->o;
    size_t at = 0;

    if (answered_as_one(w, r, p)) {
        return;
    }
    v3_answer(o, 200);
    for (size_t i = 0; i < p->body.n; i++) {
        const struct record_body_item *it = &p->body.items[i];
        struct outcome out;

        v3_put(o, "%s{", i > 0 ? "\n" : "");
        if (outcome_of(w, it, &at, &out)) {
            put_stored(o, w, it, at - 1);
        } else {
            put_error(o, &out);
        }
        v3_put(o, "}");
    }
    v3_end(o);
}

/* The items that were stored, or those that were not. */
static void put_entries(const struct work *w, struct produced *p, bool stored)
{
    struct v3_out *o = &p->o;
    size_t at = 0;
    size_t n = 0;

    for (size_t i = 0; i < p->body.n; i++) {
        const struct record_body_item *it = &p->body.items[i];
        struct outcome out;

        if (outcome_of(w, it, &at, &out) != stored) {
            continue;
        }
        v3_put(o, "%s{", n++ > 0 ? "," : "");
        v3_text(o, "id", it->id);
        v3_put(o, ",");
        if (stored) {
            put_stored(o, w, it, at - 1);
        } else {
            put_error(o, &out);
        }
        v3_put(o, "}");
    }
}

static void answer_batch(const struct work *w, struct produced *p)
{
    v3_answer(&p->o, 207);
    v3_put(&p->o, "{\"successes\":[");
    put_entries(w, p, true);
    v3_put(&p->o, "],\"failures\":[");
    put_entries(w, p, false);
    v3_put(&p->o, "]}");
    v3_end(&p->o);
}

static void answer_produced(struct work *w, struct http_request *r)
{
    struct produced *p = w->extra;

    if (p->batch) {
        answer_batch(w, p);
    } else {
        answer_stream(w, r, p);
    }
}

/* ---- the request ---- */

static bool negotiate(struct http_request *r)
{
    struct slice type;

    if (!server_header(r, "Content-Type", &type) || !media_is_json(type)) {
        answer_error(r, FAMILY_PLAIN, 415, 415,
                     "HTTP 415 Unsupported Media Type: send application/json");
        return false;
    }
    return true;
}

static bool find_topic(struct api *a, struct http_request *r,
                       struct topic **ret)
{
    struct err e = {.code = ERR_NONE};

    if (topics_find(a, r->params[1], ret, &e) == 0) {
        return true;
    }
    if (e.code == ERR_NOTFOUND || e.code == ERR_INVALID) {
        answer_error(r, FAMILY_PLAIN, 404, 40403, "%s", e.msg);
    } else {
        v3_err(r, &e);
    }
    return false;
}

/* The body's records in work of their own; NULL: answered. */
static struct work *prepare(struct api *a, struct http_request *r,
                            struct produced *p)
{
    struct produce_fault f = {.status = 0};
    struct err e = {.code = ERR_NONE};
    struct work *w;
    bool ok = p->batch ? record_body_batch(&p->body, r->body, ENTRIES_MAX, &f)
                       : record_body_stream(&p->body, r->body,
                                            (size_t)a->conf.records_max, &f);

    if (!ok) {
        answer_fault(r, FAMILY_PLAIN, &f);
        return NULL;
    }
    w = work_new(a, r, p->body.n, 0, &e);
    if (w == NULL || work_key(w, r, &e) != 0) {
        v3_err(r, &e);
        return NULL;
    }
    w->n = record_body_records(&p->body, clock_wall_us(), w->records);
    return w;
}

/* What has to be asked from the broker before records can go there. */
static void meet(struct api *a, struct http_request *r)
{
    struct v3_out o;
    struct topic *t;

    if (v3_begin(&o, a, r) && negotiate(r)) {
        (void)find_topic(a, r, &t);
    }
}

static void produce(struct api *a, struct http_request *r, bool batch)
{
    const struct route *route = r->route;
    struct produced *p;
    struct topic *t;
    struct work *w = NULL;

    if (!v3_met(a) || !topics_met(a, r->params[1])) {
        slow_do(a->slow, r, meet, route->handle);
        return;
    }
    p = mem_zero(1, sizeof(*p));
    if (p == NULL) {
        answer_broken(r);
        return;
    }
    p->batch = batch;
    if (v3_begin(&p->o, a, r) && negotiate(r) && find_topic(a, r, &t)) {
        w = prepare(a, r, p);
    }
    if (w == NULL) {
        record_body_release(&p->body);
        mem_free(p);
        return;
    }
    w->topic = t;
    w->family = FAMILY_PLAIN;
    w->answer = answer_produced;
    w->extra = p;
    w->release = release_produced;
    if (w->n > 0) {
        work_start(w, r);
    } else {
        answer_produced(w, r);
    }
}

void kafka_v3_produce(struct api *a, struct http_request *r)
{
    produce(a, r, false);
}

void kafka_v3_produce_batch(struct api *a, struct http_request *r)
{
    produce(a, r, true);
}

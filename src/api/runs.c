/* runs.c - POST /runs and what belongs to it: 202 and a number, then asked
 * for until it has ended, as Airflow's HttpOperator and HttpSensor do. */
#include <inttypes.h>
#include <string.h>

#include "api/jobs.h"
#include "core/clock.h"
#include "core/num.h"
#include "core/text.h"

enum {
    LIST_DEFAULT = 20,
    LIST_MAX = 1000,
    LOG_BYTES = 4 << 20,
};

static int put_time(struct buf *b, const char *key, int64_t us)
{
    char text[CLOCK_TEXT_MAX];

    if (us <= 0) {
        return buf_putf(b, NULL, ",\"%s\":null", key);
    }
    (void)clock_iso(us, text);
    return buf_putf(b, NULL, ",\"%s\":\"%s\"", key, text);
}

static int put_text(struct buf *b, const char *key, const char *text)
{
    return buf_putf(b, NULL, ",\"%s\":", key) < 0
               ? -1
               : json_print_text(b, slice_of(text), NULL);
}

static int put_task(struct buf *b, const struct sched_task *t, bool first)
{
    return buf_puts(b, first ? "{\"task\":" : ",{\"task\":", NULL) < 0 ||
                   json_print_text(b, slice_of(t->name), NULL) < 0 ||
                   put_text(b, "state", sched_state_text(t->state)) < 0 ||
                   buf_putf(b, NULL, ",\"attempt\":%" PRId64, t->attempt) < 0 ||
                   put_time(b, "started", t->started_us) < 0 ||
                   put_time(b, "ended", t->ended_us) < 0 ||
                   put_text(b, "reason", t->reason) < 0 ||
                   buf_putc(b, '}', NULL) < 0
               ? -1
               : 0;
}

static int put_job(struct buf *b, const struct job *j)
{
    const struct sched_run *run = &j->run;
    const char *interval = run->to_us > run->from_us ? run->key : NULL;
    char from[CLOCK_TEXT_MAX];
    char to[CLOCK_TEXT_MAX];

    if (buf_putf(b, NULL, "{\"run_id\":%" PRId64, run->id) < 0 ||
        put_text(b, "schedule", run->schedule) < 0 ||
        put_text(b, "kind", run->kind) < 0 ||
        put_text(b, "state", sched_state_text(run->state)) < 0 ||
        put_text(b, "reason", run->reason) < 0) {
        return -1;
    }
    if (interval == NULL && buf_puts(b, ",\"interval\":null", NULL) < 0) {
        return -1;
    }
    if (interval != NULL) {
        (void)clock_iso(run->from_us, from);
        (void)clock_iso(run->to_us, to);
        if (buf_putf(b, NULL, ",\"interval\":\"%s/%s\"", from, to) < 0) {
            return -1;
        }
    }
    if (put_time(b, "created", run->created_us) < 0 ||
        put_time(b, "started", run->started_us) < 0 ||
        put_time(b, "ended", run->ended_us) < 0 ||
        buf_putf(b, NULL, ",\"conf\":%s,\"tasks\":[", run->conf) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        if (put_task(b, &j->tasks[i], i == 0) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "]}", NULL);
}

static void answer_job(struct api *a, struct http_request *r, int64_t id,
                       int status)
{
    struct job job;
    struct err e;

    if (jobs_get(a, r, id, &job, &e) < 0) {
        answer_err(r, FAMILY_PLAIN, &e);
        return;
    }
    if (put_job(answer_begin(r, status, MEDIA_JSON), &job) < 0) {
        answer_broken(r);
    }
}

/* A text member that may be missing; false: answered. */
static bool take_text(struct http_request *r, yyjson_val *o, const char *key,
                      const char **ret)
{
    yyjson_val *v = json_get(o, key);

    *ret = NULL;
    if (v == NULL || yyjson_is_null(v)) {
        return true;
    }
    if (!yyjson_is_str(v) || yyjson_get_len(v) == 0 ||
        strlen(yyjson_get_str(v)) != yyjson_get_len(v)) {
        answer_error(r, FAMILY_PLAIN, 422, 422,
                     "\"%s\" must be a text that is not empty", key);
        return false;
    }
    *ret = yyjson_get_str(v);
    return true;
}

static bool take_tasks(struct http_request *r, yyjson_val *o,
                       struct jobs_wish *w)
{
    yyjson_val *list = json_get(o, "tasks");
    yyjson_val *v;
    size_t i;
    size_t n;

    if (!take_text(r, o, "task", &w->tasks[0])) {
        return false;
    }
    w->ntasks = w->tasks[0] != NULL;
    if (list == NULL) {
        return true;
    }
    if (!yyjson_is_arr(list) || w->ntasks > 0 ||
        yyjson_arr_size(list) > SCHED_TASKS_MAX) {
        answer_error(r, FAMILY_PLAIN, 422, 422,
                     "\"tasks\" must be an array of at most %d names, without "
                     "\"task\"",
                     SCHED_TASKS_MAX);
        return false;
    }
    yyjson_arr_foreach(list, i, n, v)
    {
        if (!yyjson_is_str(v)) {
            answer_error(r, FAMILY_PLAIN, 422, 422,
                         "\"tasks\" must be an array of names");
            return false;
        }
        w->tasks[w->ntasks++] = yyjson_get_str(v);
    }
    return true;
}

void runs_create(struct api *a, struct http_request *r)
{
    struct jobs_wish w = {.conf = "{}"};
    struct json_doc doc;
    struct buf conf;
    struct err e;
    int64_t id = 0;

    if (!jobs_body(r, FAMILY_PLAIN, &doc)) {
        return;
    }
    buf_init(&conf, 1 << 20);
    if (take_tasks(r, doc.root, &w) &&
        take_text(r, doc.root, "interval", &w.interval) &&
        take_text(r, doc.root, "token", &w.token)) {
        yyjson_val *v = json_get(doc.root, "conf");

        if (v != NULL && !yyjson_is_obj(v)) {
            answer_error(r, FAMILY_PLAIN, 422, 422,
                         "\"conf\" must be an object");
        } else if ((v != NULL && (json_print(&conf, v, 0, &e) < 0 ||
                                  buf_text(&conf, &w.conf, &e) < 0)) ||
                   jobs_add(a, &w, &id, &e) < 0) {
            answer_err(r, FAMILY_PLAIN, &e);
        } else {
            answer_job(a, r, id, 202);
        }
    }
    buf_release(&conf);
    json_release(&doc);
}

void runs_list(struct api *a, struct http_request *r)
{
    struct slice text;
    struct job *jobs = NULL;
    int64_t limit = LIST_DEFAULT;
    size_t n = 0;
    struct buf *b;
    struct err e;
    bool ok;

    if (router_query(r->query, "limit", &r->arena, &text) &&
        (!num_i64(text, &limit) || limit < 1 || limit > LIST_MAX)) {
        answer_error(r, FAMILY_PLAIN, 422, 422, "limit must be 1 to %d",
                     LIST_MAX);
        return;
    }
    if (jobs_list(a, r, limit, &jobs, &n, &e) < 0) {
        answer_err(r, FAMILY_PLAIN, &e);
        return;
    }
    b = answer_begin(r, 200, MEDIA_JSON);
    ok = buf_puts(b, "{\"runs\":[", NULL) == 0;
    for (size_t i = 0; ok && i < n; i++) {
        ok = (i == 0 || buf_putc(b, ',', NULL) == 0) &&
             put_job(b, &jobs[i]) == 0;
    }
    if (!ok || buf_puts(b, "]}", NULL) < 0) {
        answer_broken(r);
    }
}

/* The run of the path; false: answered. */
static bool take_id(struct http_request *r, int64_t *ret)
{
    if (num_i64(r->params[0], ret) && *ret > 0) {
        return true;
    }
    answer_error(r, FAMILY_PLAIN, 404, 404, "there is no run \"%.*s\"",
                 SLICE_FMT(r->params[0]));
    return false;
}

void runs_get(struct api *a, struct http_request *r)
{
    int64_t id;

    if (take_id(r, &id)) {
        answer_job(a, r, id, 200);
    }
}

void runs_cancel(struct api *a, struct http_request *r)
{
    struct err e;
    int64_t id;

    if (!take_id(r, &id)) {
        return;
    }
    if (jobs_cancel(a, id, &e) < 0) {
        answer_err(r, FAMILY_PLAIN, &e);
        return;
    }
    answer_job(a, r, id, 202);
}

void runs_log(struct api *a, struct http_request *r)
{
    struct job job;
    struct err e;
    int64_t id;

    if (!take_id(r, &id)) {
        return;
    }
    if (jobs_get(a, r, id, &job, &e) < 0) {
        answer_err(r, FAMILY_PLAIN, &e);
        return;
    }
    for (size_t i = 0; i < job.n; i++) {
        if (slice_is(r->params[1], job.tasks[i].name)) {
            struct buf *b = answer_begin(r, 200, "text/plain; charset=utf-8");

            if (jobs_log(a, &job.tasks[i], LOG_BYTES, b, &e) < 0) {
                answer_err(r, FAMILY_PLAIN, &e);
            }
            return;
        }
    }
    answer_error(r, FAMILY_PLAIN, 404, 404,
                 "run %" PRId64 " has no task "
                 "\"%.*s\"",
                 id, SLICE_FMT(r->params[1]));
}

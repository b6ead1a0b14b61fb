/*
 * databricks.c - the Jobs API of a Databricks workspace, 2.0 to 2.2, as far as
 * Airflow's operators and the SDK call it: what a notebook path names is a
 * task of this project.
 *
 * A task's own run id is TASK_BASE + run * TASKS + place, so that get-output
 * finds it.  What the request called its tasks is kept in the run's conf.
 */
#include <inttypes.h>
#include <string.h>

#include "api/jobs.h"
#include "core/num.h"
#include "core/text.h"

enum {
    TASKS = 64, /* at least SCHED_TASKS_MAX */
    LIST_MAX = 25,
    OUTPUT_BYTES = 1 << 20,
    CONF_BYTES = 1 << 20,
};

#define TASK_BASE ((int64_t)1 << 40)
#define JOB_ID    1 /* the whole schedule is one job */

static_assert((int)TASKS >= (int)SCHED_TASKS_MAX, "places of tasks");

/* 2.0, 2.1 and 2.2 are answered alike; false: answered. */
bool databricks_version_ok(struct http_request *r)
{
    struct slice v = r->params[0];

    if (slice_is(v, "2.0") || slice_is(v, "2.1") || slice_is(v, "2.2")) {
        return true;
    }
    answer_error(r, FAMILY_DATABRICKS, 404, 404,
                 "there is no version \"%.*s\": it is 2.0, 2.1 or 2.2",
                 SLICE_FMT(v));
    return false;
}

/* ---- asking for a run ---- */

/* The task that a notebook path stands for: "PATH=TASK" of the configuration,
 * else its last part, with or without an extension; NULL when none. */
static const char *task_of(const struct api_schedule *s, struct slice path)
{
    struct slice rest = path;
    struct slice last = path;
    struct slice stem;

    for (size_t i = 0; i < s->n_notebooks; i++) {
        struct slice task = slice_of(s->notebooks[i]);
        struct slice key;

        if (slice_cut(&task, '=', &key) && slice_eq(key, path)) {
            return task.ptr; /* the tail of an item is NUL-terminated */
        }
    }
    while (slice_cut(&rest, '/', &last)) {
    }
    stem = last;
    (void)slice_cut(&last, '.', &stem);
    for (size_t i = 0; i < s->graph->n; i++) {
        if (text_ascii_ieq(stem, slice_of(s->graph->tasks[i].name))) {
            return s->graph->tasks[i].name;
        }
    }
    return NULL;
}

/* What is asked for, while it is put together. */
struct wanted {
    struct api *a;
    struct http_request *r;
    struct jobs_wish wish;
    struct buf conf; /* {"run_name":...,"tasks":[{"task_key","task"}] */
    bool failed;     /* answered */
};

/* "KIND "NAME" WHAT" */
static void refuse(struct wanted *w, int status, const char *kind,
                   struct slice name, const char *what)
{
    answer_error(w->r, FAMILY_DATABRICKS, status, status, "%s \"%.*s\" %s",
                 kind, SLICE_FMT(name), what);
    w->failed = true;
}

static void add_task(struct wanted *w, struct slice key, yyjson_val *notebook)
{
    struct slice path = SLICE("");
    struct slice interval;
    const char *task;

    if (!json_get_text(notebook, "notebook_path", &path)) {
        refuse(w, 400, "task", key, "has no notebook_task.notebook_path");
        return;
    }
    task = task_of(w->a->conf.schedule, path);
    if (task == NULL) {
        refuse(w, 404, "notebook", path,
               "is no task of this project; name one, or map it in the "
               "setting schedule.notebooks (PATH=TASK)");
        return;
    }
    if (w->wish.ntasks == SCHED_TASKS_MAX) {
        refuse(w, 400, "task", key, "is one too many for a run");
        return;
    }
    if (json_get_text(json_get(notebook, "base_parameters"), "interval",
                      &interval)) {
        w->wish.interval = interval.ptr; /* yyjson ends texts with NUL */
    }
    if (buf_puts(&w->conf, w->wish.ntasks > 0 ? ",{" : "{", NULL) < 0 ||
        buf_puts(&w->conf, "\"task_key\":", NULL) < 0 ||
        json_print_text(&w->conf, key, NULL) < 0 ||
        buf_puts(&w->conf, ",\"task\":", NULL) < 0 ||
        json_print_text(&w->conf, slice_of(task), NULL) < 0 ||
        buf_putc(&w->conf, '}', NULL) < 0) {
        refuse(w, 500, "task", key, "found no memory");
        return;
    }
    w->wish.tasks[w->wish.ntasks++] = task;
}

static void add_tasks(struct wanted *w, yyjson_val *body)
{
    yyjson_val *list = json_get(body, "tasks");
    yyjson_val *v;
    size_t i;
    size_t n;

    if (list == NULL) {
        add_task(w, SLICE("main"), json_get(body, "notebook_task"));
        return;
    }
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) == 0) {
        refuse(w, 400, "member", SLICE("tasks"), "must be an array of tasks");
        return;
    }
    yyjson_arr_foreach(list, i, n, v)
    {
        struct slice key = SLICE("main");

        if (!w->failed) {
            (void)json_get_text(v, "task_key", &key);
            add_task(w, key, json_get(v, "notebook_task"));
        }
    }
}

static void answer_id(struct http_request *r, int64_t id)
{
    if (buf_putf(answer_begin(r, 200, MEDIA_JSON), NULL,
                 "{\"run_id\":%" PRId64 ",\"number_in_job\":%" PRId64 "}", id,
                 id) < 0) {
        answer_broken(r);
    }
}

static void begin(struct wanted *w, struct api *a, struct http_request *r,
                  yyjson_val *body)
{
    struct slice name = SLICE("Untitled");
    struct slice token;

    *w = (struct wanted){.a = a, .r = r};
    buf_init(&w->conf, CONF_BYTES);
    if (a->conf.schedule == NULL) {
        refuse(w, 404, "path", r->path,
               "needs a schedule, and this server runs none");
        return;
    }
    (void)json_get_text(body, "run_name", &name);
    if (json_get_text(body, "idempotency_token", &token) && token.len > 0) {
        w->wish.token = token.ptr;
    }
    if (buf_puts(&w->conf, "{\"run_name\":", NULL) < 0 ||
        json_print_text(&w->conf, name, NULL) < 0 ||
        buf_puts(&w->conf, ",\"tasks\":[", NULL) < 0) {
        refuse(w, 500, "run", name, "found no memory");
    }
}

static void finish(struct wanted *w, yyjson_val *params)
{
    struct err e;
    int64_t id = 0;

    if (!w->failed && (buf_putc(&w->conf, ']', &e) < 0 ||
                       (yyjson_is_obj(params) &&
                        (buf_puts(&w->conf, ",\"params\":", &e) < 0 ||
                         json_print(&w->conf, params, 0, &e) < 0)) ||
                       buf_putc(&w->conf, '}', &e) < 0 ||
                       buf_text(&w->conf, &w->wish.conf, &e) < 0 ||
                       jobs_add(w->a, &w->wish, &id, &e) < 0)) {
        answer_err(w->r, FAMILY_DATABRICKS, &e);
        w->failed = true;
    }
    if (!w->failed) {
        answer_id(w->r, id);
    }
    buf_release(&w->conf);
}

void databricks_submit(struct api *a, struct http_request *r)
{
    struct json_doc doc;
    struct wanted w;

    if (!databricks_version_ok(r) || !jobs_body(r, FAMILY_DATABRICKS, &doc)) {
        return;
    }
    begin(&w, a, r, doc.root);
    if (!w.failed) {
        add_tasks(&w, doc.root);
    }
    finish(&w,
           json_get(json_get(doc.root, "notebook_task"), "base_parameters"));
    json_release(&doc);
}

void databricks_run_now(struct api *a, struct http_request *r)
{
    struct json_doc doc;
    struct slice interval;
    struct wanted w;
    int64_t job = 0;

    if (!databricks_version_ok(r) || !jobs_body(r, FAMILY_DATABRICKS, &doc)) {
        return;
    }
    begin(&w, a, r, doc.root);
    if (!w.failed &&
        (!jobs_number(doc.root, "job_id", &job) || job != JOB_ID)) {
        refuse(&w, 400, "the only job is the schedule",
               slice_of(a->conf.schedule->name), "and its job_id is 1");
    }
    if (json_get_text(json_get(doc.root, "notebook_params"), "interval",
                      &interval)) {
        w.wish.interval = interval.ptr;
    }
    finish(&w, json_get(doc.root, "notebook_params"));
    json_release(&doc);
}

/* ---- looking at runs ---- */

static const char *life_cycle(enum sched_state s)
{
    switch (s) {
    case SCHED_QUEUED:
        return "PENDING";
    case SCHED_RUNNING:
    case SCHED_UP_FOR_RETRY:
        return "RUNNING";
    case SCHED_SKIPPED:
        return "SKIPPED";
    case SCHED_SUCCESS:
    case SCHED_FAILED:
    case SCHED_UPSTREAM_FAILED:
    case SCHED_CANCELED:
        break;
    }
    return "TERMINATED";
}

static const char *result(enum sched_state s)
{
    switch (s) {
    case SCHED_SUCCESS:
        return "SUCCESS";
    case SCHED_FAILED:
        return "FAILED";
    case SCHED_UPSTREAM_FAILED:
        return "UPSTREAM_FAILED";
    case SCHED_CANCELED:
        return "CANCELED";
    case SCHED_QUEUED:
    case SCHED_RUNNING:
    case SCHED_UP_FOR_RETRY:
    case SCHED_SKIPPED:
        break;
    }
    return NULL;
}

static int put_state(struct buf *b, enum sched_state s, const char *reason)
{
    const char *end = result(s);

    return buf_putf(b, NULL, "\"state\":{\"life_cycle_state\":\"%s\"",
                    life_cycle(s)) < 0 ||
                   (end != NULL &&
                    buf_putf(b, NULL, ",\"result_state\":\"%s\"", end) < 0) ||
                   buf_puts(b, ",\"user_cancelled_or_timedout\":", NULL) < 0 ||
                   buf_puts(b, s == SCHED_CANCELED ? "true" : "false", NULL) <
                       0 ||
                   buf_puts(b, ",\"state_message\":", NULL) < 0 ||
                   json_print_text(b, slice_of(reason), NULL) < 0 ||
                   buf_putc(b, '}', NULL) < 0
               ? -1
               : 0;
}

/* What the request called a task; its own name when it did not. */
static struct slice key_of(yyjson_val *conf, const char *task)
{
    yyjson_val *v;
    size_t i;
    size_t n;

    yyjson_arr_foreach(json_get(conf, "tasks"), i, n, v)
    {
        struct slice name;
        struct slice key;

        if (json_get_text(v, "task", &name) && slice_is(name, task) &&
            json_get_text(v, "task_key", &key)) {
            return key;
        }
    }
    return slice_of(task);
}

static int put_times(struct buf *b, int64_t start_us, int64_t end_us)
{
    return buf_putf(b, NULL,
                    ",\"start_time\":%" PRId64 ",\"end_time\":%" PRId64
                    ",\"execution_duration\":%" PRId64,
                    start_us / 1000, end_us / 1000,
                    end_us > 0 ? (end_us - start_us) / 1000 : 0);
}

static int put_run(struct http_request *r, struct buf *b, const struct job *j)
{
    struct json_doc conf = {0};
    struct slice host = SLICE("localhost");
    struct slice name = slice_of(j->run.key);
    int rc = -1;

    (void)server_header(r, "Host", &host);
    if (json_parse(&conf, slice_of(j->run.conf), JSON_NUMBERS, NULL, NULL) ==
        0) {
        (void)json_get_text(conf.root, "run_name", &name);
    }
    if (buf_putf(b, NULL,
                 "{\"job_id\":%d,\"run_id\":%" PRId64
                 ",\"run_page_url\":\"http://%.*s/runs/%" PRId64
                 "\",\"run_name\":",
                 JOB_ID, j->run.id, SLICE_FMT(host), j->run.id) < 0 ||
        json_print_text(b, name, NULL) < 0 || buf_putc(b, ',', NULL) < 0 ||
        put_state(b, j->run.state, j->run.reason) < 0 ||
        put_times(b, j->run.started_us, j->run.ended_us) < 0 ||
        buf_puts(b, ",\"run_type\":\"SUBMIT_RUN\",\"tasks\":[", NULL) < 0) {
        goto out;
    }
    for (size_t i = 0; i < j->n; i++) {
        const struct sched_task *t = &j->tasks[i];

        if (buf_putf(b, NULL, "%s{\"run_id\":%" PRId64 ",\"task_key\":",
                     i > 0 ? "," : "",
                     TASK_BASE + j->run.id * TASKS + (int64_t)i) < 0 ||
            json_print_text(b, key_of(conf.root, t->name), NULL) < 0 ||
            buf_putf(b, NULL, ",\"attempt_number\":%" PRId64 ",",
                     t->attempt > 0 ? t->attempt - 1 : 0) < 0 ||
            put_state(b, t->state, t->reason) < 0 ||
            put_times(b, t->started_us, t->ended_us) < 0 ||
            buf_putc(b, '}', NULL) < 0) {
            goto out;
        }
    }
    rc = buf_puts(b, "]}", NULL);
out:
    json_release(&conf);
    return rc;
}

/* run_id of the query, or of a JSON body, as the hook sends it. */
static bool take_id(struct http_request *r, int64_t *ret)
{
    struct slice text;
    struct json_doc doc;
    bool found = router_query(r->query, "run_id", &r->arena, &text) &&
                 num_i64(text, ret);

    if (!found && slice_trim(r->body).len > 0) {
        if (!jobs_body(r, FAMILY_DATABRICKS, &doc)) {
            return false;
        }
        found = jobs_number(doc.root, "run_id", ret);
        json_release(&doc);
    }
    if (!found) {
        answer_error(r, FAMILY_DATABRICKS, 400, 400, "run_id is missing");
    }
    return found;
}

/* The run of a run's or a task's id; *ret_place: the task's, else -1. */
static int find(struct api *a, struct http_request *r, int64_t id,
                struct job *ret, int64_t *ret_place, struct err *e)
{
    *ret_place = -1;
    if (id >= TASK_BASE) {
        *ret_place = (id - TASK_BASE) % TASKS;
        id = (id - TASK_BASE) / TASKS;
    }
    if (jobs_get(a, r, id, ret, e) < 0) {
        return -1;
    }
    if (*ret_place >= (int64_t)ret->n) {
        return err_set(e, ERR_NOTFOUND, "run %" PRId64 " has no such task", id);
    }
    return 0;
}

void databricks_get(struct api *a, struct http_request *r)
{
    int64_t place;
    int64_t id;
    struct job job;
    struct err e;

    if (!databricks_version_ok(r) || !take_id(r, &id)) {
        return;
    }
    if (find(a, r, id, &job, &place, &e) < 0) {
        databricks_no_run(r, id, &e);
    } else if (put_run(r, answer_begin(r, 200, MEDIA_JSON), &job) < 0) {
        answer_broken(r);
    }
}

/* Logs may hold any bytes. */
static void make_utf8(struct buf *b)
{
    size_t bad;

    while (!text_utf8_valid(buf_slice(b), &bad)) {
        b->ptr[bad] = '?';
    }
}

static int put_output(struct http_request *r, struct buf *b,
                      const struct job *j, const struct sched_task *t,
                      const struct buf *log)
{
    bool failed = t->state == SCHED_FAILED || t->state == SCHED_CANCELED ||
                  t->state == SCHED_UPSTREAM_FAILED;

    return buf_puts(b, "{\"metadata\":", NULL) < 0 || put_run(r, b, j) < 0 ||
                   (failed &&
                    (buf_puts(b, ",\"error\":", NULL) < 0 ||
                     json_print_text(b, slice_of(t->reason), NULL) < 0 ||
                     buf_puts(b, ",\"error_trace\":", NULL) < 0 ||
                     json_print_text(b, buf_slice(log), NULL) < 0)) ||
                   buf_puts(b, ",\"notebook_output\":{\"result\":", NULL) < 0 ||
                   json_print_text(b, buf_slice(log), NULL) < 0 ||
                   buf_puts(b, ",\"truncated\":false}}", NULL) < 0
               ? -1
               : 0;
}

void databricks_output(struct api *a, struct http_request *r)
{
    const struct sched_task *t;
    int64_t place;
    int64_t id;
    struct job job;
    struct buf log;
    struct err e;

    if (!databricks_version_ok(r) || !take_id(r, &id)) {
        return;
    }
    if (find(a, r, id, &job, &place, &e) < 0) {
        databricks_no_run(r, id, &e);
        return;
    }
    if (place < 0 && job.n != 1) {
        answer_error(r, FAMILY_DATABRICKS, 400, 400,
                     "run %" PRId64 " has %zu tasks: ask for the output of one "
                     "of their run ids",
                     job.run.id, job.n);
        return;
    }
    t = &job.tasks[place < 0 ? 0 : place];
    buf_init(&log, OUTPUT_BYTES);
    if (jobs_log(a, t, OUTPUT_BYTES / 2, &log, &e) < 0) {
        answer_err(r, FAMILY_DATABRICKS, &e);
    } else {
        make_utf8(&log);
        if (put_output(r, answer_begin(r, 200, MEDIA_JSON), &job, t, &log) <
            0) {
            answer_broken(r);
        }
    }
    buf_release(&log);
}

void databricks_cancel(struct api *a, struct http_request *r)
{
    struct err e;
    int64_t id;

    if (!databricks_version_ok(r) || !take_id(r, &id)) {
        return;
    }
    if (jobs_cancel(a, id >= TASK_BASE ? (id - TASK_BASE) / TASKS : id, &e) <
        0) {
        databricks_no_run(r, id, &e);
        return;
    }
    answer_text(r, 200, MEDIA_JSON, "{}");
}

void databricks_runs(struct api *a, struct http_request *r)
{
    struct job *jobs = NULL;
    struct buf *b;
    struct err e;
    size_t n = 0;
    bool ok;

    if (!databricks_version_ok(r)) {
        return;
    }
    if (jobs_list(a, r, LIST_MAX, &jobs, &n, &e) < 0) {
        answer_err(r, FAMILY_DATABRICKS, &e);
        return;
    }
    b = answer_begin(r, 200, MEDIA_JSON);
    ok = buf_puts(b, "{\"runs\":[", NULL) == 0;
    for (size_t i = 0; ok && i < n; i++) {
        ok = (i == 0 || buf_putc(b, ',', NULL) == 0) &&
             put_run(r, b, &jobs[i]) == 0;
    }
    if (!ok || buf_puts(b, "],\"has_more\":false}", NULL) < 0) {
        answer_broken(r);
    }
}

void databricks_jobs(struct api *a, struct http_request *r)
{
    struct buf *b;

    if (!databricks_version_ok(r)) {
        return;
    }
    if (a->conf.schedule == NULL) {
        answer_text(r, 200, MEDIA_JSON, "{\"jobs\":[],\"has_more\":false}");
        return;
    }
    b = answer_begin(r, 200, MEDIA_JSON);
    if (buf_putf(b, NULL, "{\"jobs\":[{\"job_id\":%d,\"settings\":{\"name\":",
                 JOB_ID) < 0 ||
        json_print_text(b, slice_of(a->conf.schedule->name), NULL) < 0 ||
        buf_puts(b, "}}],\"has_more\":false}", NULL) < 0) {
        answer_broken(r);
    }
}

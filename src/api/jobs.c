#include "api/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"
#include "flow/interval.h"

enum {
    TEXTS_BYTES = 4 << 20
};

bool jobs_body(struct http_request *r, enum family f, struct json_doc *ret)
{
    struct slice body = slice_trim(r->body);
    struct err e;

    if (body.len == 0) {
        body = SLICE("{}");
    }
    if (json_parse(ret, body, JSON_NUMBERS, NULL, &e) < 0) {
        answer_error(r, f, 400, 400, "body is not JSON: %s", e.msg);
        return false;
    }
    if (!yyjson_is_obj(ret->root)) {
        json_release(ret);
        answer_error(r, f, 400, 400, "body must be a JSON object");
        return false;
    }
    return true;
}

bool jobs_number(yyjson_val *o, const char *key, int64_t *ret)
{
    struct slice text;

    return json_get_i64(o, key, ret) ||
           (json_get_text(o, key, &text) && num_i64(text, ret));
}

static int open_journal(struct api *a, struct journal **ret, struct err *e)
{
    if (a->conf.schedule == NULL) {
        return err_set(e, ERR_NOTFOUND, "this server runs no schedule");
    }
    return journal_open(ret, a->conf.schedule->dir, e);
}

/* A run that did not succeed goes on from there; others stay as they are. */
static int take_up(struct journal *j, int64_t id, struct err *e)
{
    struct sched_run run;
    struct arena texts;
    struct err own;
    int rc;

    arena_init(&texts, TEXTS_BYTES);
    rc = journal_run(j, id, &texts, &run, e);
    if (rc == 0 && (run.state == SCHED_FAILED || run.state == SCHED_CANCELED) &&
        journal_again(j, id, false, &own) < 0 && own.code != ERR_BUSY) {
        rc = -1;
        if (e != NULL) {
            *e = own;
        }
    }
    arena_release(&texts);
    return rc;
}

int jobs_add(struct api *a, const struct jobs_wish *w, int64_t *ret_id,
             struct err *e)
{
    const struct api_schedule *s = a->conf.schedule;
    struct sched_wish wish = {.tasks = w->tasks, .ntasks = w->ntasks};
    struct interval interval = {0, 0};
    struct journal *j = NULL;
    struct err own;
    int rc;

    if ((w->interval != NULL &&
         interval_parse(&interval, w->interval, e) < 0) ||
        open_journal(a, &j, e) < 0) {
        return -1;
    }
    wish.run = (struct sched_run){.schedule = s->name,
                                  .kind = "manual",
                                  .state = SCHED_QUEUED,
                                  .created_us = clock_wall_us(),
                                  .from_us = interval.from_us,
                                  .to_us = interval.to_us,
                                  .conf = w->conf,
                                  .token = w->token};
    rc = sched_trigger(j, s->graph, &wish, ret_id, &own);
    if (rc < 0 && own.code == ERR_EXISTS && w->token != NULL) {
        rc = take_up(j, *ret_id, e); /* asked again: the same run */
    } else if (rc < 0 && e != NULL) {
        *e = own;
    }
    journal_close(j);
    INJECT(runs_before_answer);
    return rc;
}

int jobs_again(struct api *a, int64_t id, struct err *e)
{
    struct journal *j = NULL;
    int rc;

    if (open_journal(a, &j, e) < 0) {
        return -1;
    }
    rc = journal_again(j, id, false, e);
    journal_close(j);
    return rc;
}

int jobs_get(struct api *a, struct http_request *r, int64_t id, struct job *ret,
             struct err *e)
{
    struct journal *j = NULL;
    int rc;

    if (open_journal(a, &j, e) < 0) {
        return -1;
    }
    rc = journal_run(j, id, &r->arena, &ret->run, e);
    if (rc == 0) {
        rc = journal_tasks(j, id, &r->arena, &ret->tasks, &ret->n, e);
    } else if (e != NULL && e->code == ERR_NOTFOUND) {
        rc = err_set(e, ERR_NOTFOUND, "there is no run %" PRId64, id);
    }
    journal_close(j);
    return rc;
}

int jobs_list(struct api *a, struct http_request *r, int64_t limit,
              struct job **ret, size_t *n, struct err *e)
{
    struct journal_filter filter = {.limit = limit};
    struct sched_run *runs = NULL;
    struct journal *j = NULL;
    struct job *jobs;
    size_t count = 0;
    int rc;

    if (open_journal(a, &j, e) < 0) {
        return -1;
    }
    rc = journal_runs(j, &filter, &r->arena, &runs, &count, e);
    jobs =
        rc == 0 ? arena_alloc(&r->arena, (count + 1) * sizeof(*jobs), e) : NULL;
    rc = jobs == NULL ? -1 : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        jobs[i].run = runs[i];
        rc = journal_tasks(j, runs[i].id, &r->arena, &jobs[i].tasks, &jobs[i].n,
                           e);
    }
    journal_close(j);
    if (rc == 0) {
        *ret = jobs;
        *n = count;
    }
    return rc;
}

int jobs_cancel(struct api *a, int64_t id, struct err *e)
{
    struct journal *j = NULL;
    int rc;

    if (open_journal(a, &j, e) < 0) {
        return -1;
    }
    rc = journal_cancel(j, id, e);
    journal_close(j);
    return rc;
}

int jobs_log(struct api *a, const struct sched_task *t, size_t max,
             struct buf *b, struct err *e)
{
    char path[FS_PATH_MAX];
    struct fs_map map;
    struct slice tail;
    int rc;

    if (t->log[0] == '\0') {
        return 0;
    }
    if (fs_join(path, a->conf.schedule->dir, t->log, e) < 0 ||
        fs_map(path, &map, e) < 0) {
        return -1;
    }
    tail = map.bytes.len > max ? slice_from(map.bytes, map.bytes.len - max)
                               : map.bytes;
    rc = buf_append(b, tail, e);
    fs_unmap(&map);
    return rc;
}

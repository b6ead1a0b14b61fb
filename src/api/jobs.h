/*
 * jobs.h - the project's runs, as the HTTP contracts ask for them.
 *
 * Runs are added to the schedule's journal; the scheduler, in this process or
 * another, does them.  Every call opens the journal for itself: any thread.
 */
#ifndef API_JOBS_H
#define API_JOBS_H

#include "api/api_int.h"
#include "sched/sched.h"
#include "json/json.h"

/* A run and its tasks; texts in the request's arena. */
struct job {
    struct sched_run run;
    struct sched_task *tasks;
    size_t n;
};

/* The body as a JSON object (an empty one is {}); false: answered. */
bool jobs_body(struct http_request *r, enum family f, struct json_doc *ret);
/* The number in a member, digits in quotes too; false when there is none. */
bool jobs_number(yyjson_val *o, const char *key, int64_t *ret);

/* Add a run of these tasks (0: all); the same token gives the same run, which
 * goes on where it failed or was canceled.  interval and token may be NULL,
 * conf is a JSON object.  ERR_INVALID. */
struct jobs_wish {
    const char *tasks[SCHED_TASKS_MAX];
    size_t ntasks;
    const char *interval, *token, *conf;
};
int jobs_add(struct api *a, const struct jobs_wish *w, int64_t *ret_id,
             struct err *e) MUST_USE;
/* ERR_NOTFOUND. */
int jobs_get(struct api *a, struct http_request *r, int64_t id, struct job *ret,
             struct err *e) MUST_USE;
/* Newest first. */
int jobs_list(struct api *a, struct http_request *r, int64_t limit,
              struct job **ret, size_t *n, struct err *e) MUST_USE;
int jobs_cancel(struct api *a, int64_t id, struct err *e) MUST_USE;
/* Let a run that has ended go on from its first task that did not succeed;
 * ERR_NOTFOUND, ERR_BUSY while it is under way. */
int jobs_again(struct api *a, int64_t id, struct err *e) MUST_USE;
/* The end of a task's log, at most max bytes, behind what is in *b. */
int jobs_log(struct api *a, const struct sched_task *t, size_t max,
             struct buf *b, struct err *e) MUST_USE;

/* What /metrics shows of the schedule. */
int runs_metrics(struct api *a, struct metrics *m, struct err *e) MUST_USE;

void runs_create(struct api *a, struct http_request *r);
void runs_list(struct api *a, struct http_request *r);
void runs_get(struct api *a, struct http_request *r);
void runs_cancel(struct api *a, struct http_request *r);
void runs_log(struct api *a, struct http_request *r);

/* 2.0, 2.1 and 2.2 are answered alike; false: answered. */
bool databricks_version_ok(struct http_request *r);
/* Answer for what jobs_...() said of a run. */
void databricks_no_run(struct http_request *r, int64_t id, const struct err *e);
void databricks_submit(struct api *a, struct http_request *r);
void databricks_run_now(struct api *a, struct http_request *r);
void databricks_get(struct api *a, struct http_request *r);
void databricks_output(struct api *a, struct http_request *r);
void databricks_cancel(struct api *a, struct http_request *r);
void databricks_repair(struct api *a, struct http_request *r);
void databricks_runs(struct api *a, struct http_request *r);
void databricks_jobs(struct api *a, struct http_request *r);
void databricks_cluster(struct api *a, struct http_request *r);
void databricks_versions(struct api *a, struct http_request *r);
void databricks_config(struct api *a, struct http_request *r);
void databricks_execute(struct api *a, struct http_request *r);
void databricks_statement(struct api *a, struct http_request *r);
void databricks_chunk(struct api *a, struct http_request *r);
void databricks_cancel_statement(struct api *a, struct http_request *r);

#endif

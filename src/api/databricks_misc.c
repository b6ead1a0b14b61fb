/* databricks_misc.c - what clients of a workspace look at before they begin,
 * and what they do when a run has failed. */
#include <inttypes.h>

#include "api/jobs.h"
#include "core/clock.h"

void databricks_cluster(struct api *a, struct http_request *r)
{
    struct slice id = SLICE("pinline");
    struct buf *b;

    (void)a;
    if (!databricks_version_ok(r)) {
        return;
    }
    (void)router_query(r->query, "cluster_id", &r->arena, &id);
    b = answer_begin(r, 200, MEDIA_JSON);
    if (buf_puts(b, "{\"cluster_id\":", NULL) < 0 ||
        json_print_text(b, id, NULL) < 0 ||
        buf_puts(b,
                 ",\"cluster_name\":\"pinline\",\"state\":\"RUNNING\","
                 "\"state_message\":\"\"}",
                 NULL) < 0) {
        answer_broken(r);
    }
}

void databricks_versions(struct api *a, struct http_request *r)
{
    (void)a;
    if (databricks_version_ok(r)) {
        answer_text(r, 200, MEDIA_JSON,
                    "{\"versions\":[{\"key\":\"pinline-" PINLINE_VERSION
                    "\",\"name\":\"pinline " PINLINE_VERSION "\"}]}");
    }
}

void databricks_config(struct api *a, struct http_request *r)
{
    (void)a;
    answer_text(r, 200, MEDIA_JSON, "{}");
}

/* As a workspace words it: the SDK makes an error class of the words. */
void databricks_no_run(struct http_request *r, int64_t id, const struct err *e)
{
    if (e->code == ERR_NOTFOUND) {
        answer_error(r, FAMILY_DATABRICKS, 400, 400,
                     "Run %" PRId64 " does not exist.", id);
    } else if (e->code == ERR_BUSY) { /* not 429: waiting will not do */
        answer_error(r, FAMILY_DATABRICKS, 400, 400, "%s", e->msg);
    } else {
        answer_err(r, FAMILY_DATABRICKS, e);
    }
}

/* The id is the time in milliseconds: it only has to grow. */
void databricks_repair(struct api *a, struct http_request *r)
{
    struct json_doc doc;
    struct err e;
    int64_t id = 0;

    if (!databricks_version_ok(r) || !jobs_body(r, FAMILY_DATABRICKS, &doc)) {
        return;
    }
    if (!jobs_number(doc.root, "run_id", &id)) {
        answer_error(r, FAMILY_DATABRICKS, 400, 400, "run_id is missing");
    } else if (json_get(doc.root, "rerun_tasks") != NULL) {
        answer_error(r, FAMILY_DATABRICKS, 400, 400,
                     "rerun_tasks is not served: a repair runs all tasks that "
                     "did not succeed (rerun_all_failed_tasks)");
    } else if (jobs_again(a, id, &e) < 0) {
        databricks_no_run(r, id, &e);
    } else if (buf_putf(answer_begin(r, 200, MEDIA_JSON), NULL,
                        "{\"repair_id\":%" PRId64 "}",
                        clock_wall_us() / 1000) < 0) {
        answer_broken(r);
    }
    json_release(&doc);
}

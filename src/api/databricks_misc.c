/* databricks_misc.c - what clients of a workspace look at before they begin. */
#include "api/jobs.h"

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

/*
 * query_raw.c - the rows that other cleaning would give: the raw objects of
 * the project cleaned again without deduplication, in memory.
 */
#include <stdio.h>

#include "cli/query_int.h"
#include "cli/workspace.h"
#include "core/mem.h"
#include "flow/batch.h"

enum {
    SET_BYTES = 200,
    NAME_BYTES = 128
};

struct query_raw {
    struct workspace w;
    struct flow_batch_result rows;
    struct engine *engine;
};

void query_raw_close(struct query_raw *r)
{
    if (r != NULL) {
        engine_close(r->engine);
        flow_batch_release(&r->rows);
        workspace_close(&r->w);
        mem_free(r);
    }
}

/* The project with TABLE.deduplicate=none for each of its tables. */
static int load(struct query_raw *r, struct cli *c, struct err *e)
{
    char text[SPEC_TABLES_MAX][SET_BYTES];
    const char *sets[SPEC_TABLES_MAX];
    size_t n;

    if (workspace_load(&r->w, c, NULL, 0, e) < 0) {
        return -1;
    }
    n = r->w.spec->ntables;
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(text[i], SET_BYTES, "%s.deduplicate=none",
                       r->w.spec->tables[i].name);
        sets[i] = text[i];
    }
    workspace_close(&r->w);
    return workspace_load(&r->w, c, sets, n, e);
}

static int add_rows(struct query_raw *r, struct err *e)
{
    const struct engine_conf conf = {.kind = "duckdb"};

    if (engine_open(&r->engine, &conf, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < r->rows.n; i++) {
        const struct batch_store *rows = &r->rows.tables[i].rows;
        char name[NAME_BYTES];

        (void)snprintf(name, sizeof(name), "clean_%s",
                       r->rows.tables[i].table->name);
        if (engine_add_batches(r->engine, name, rows->list, rows->n, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int query_raw_open(struct query_raw **ret, struct engine **ret_engine,
                   struct cli *c, struct err *e)
{
    struct query_raw *r = mem_zero(1, sizeof(*r));
    struct flow_batch_conf conf = {0};

    if (r == NULL) {
        return err_nomem(e, sizeof(*r));
    }
    if (load(r, c, e) < 0) { /* which closed it */
        mem_free(r);
        return -1;
    }
    conf.project = &r->w.project;
    conf.spec = r->w.spec;
    if (workspace_broker(&r->w, BROKER_READ, e) < 0) {
        goto fail;
    }
    conf.broker = r->w.broker;
    if (flow_batch_again(&conf, &r->rows, e) < 0 || add_rows(r, e) < 0) {
        goto fail;
    }
    *ret = r;
    *ret_engine = r->engine;
    return 0;
fail:
    query_raw_close(r);
    return -1;
}

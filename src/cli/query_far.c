/* query_far.c - the engine of a query, and answers in one go. */
#include "cli/query_int.h"
#include "core/mem.h"
#include "flow/tables.h"

enum {
    SQL_BYTES = 4 << 20
};

int query_engine(struct engine **ret, struct project *p, const char *kind,
                 const char *tables, int64_t timeout_us, struct err *e)
{
    struct engine_conf conf = {.kind = kind,
                               .far = project_far(p, e),
                               .store = project_store(p, tables, e),
                               .timeout_us = timeout_us};
    struct engine *g;

    if (conf.far == NULL || conf.store == NULL ||
        engine_open(&g, &conf, e) < 0) {
        return -1;
    }
    if (tables_add(g, tables, conf.store, e) < 0) {
        engine_close(g);
        return -1;
    }
    *ret = g;
    return 0;
}

/* Each item's SQL stands alone, with the views it reads. */
static int put_scripts(const struct analyses *all,
                       const struct query_item *items, struct buf *sql,
                       const char **texts, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (analysis_script(all, items[i].a, items[i].choices, items[i].n,
                            &sql[i], e) < 0 ||
            buf_text(&sql[i], &texts[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

int query_far_answers(struct engine *g, const struct analyses *all,
                      struct query_item *items, size_t n, struct err *e)
{
    struct buf *sql = mem_zero(n, sizeof(*sql));
    const char **texts = mem_zero(n, sizeof(*texts));
    struct frame *rows = mem_zero(n, sizeof(*rows));
    int rc = -1;

    if (sql == NULL || texts == NULL || rows == NULL) {
        err_nomem(e, n * sizeof(*sql));
        goto out;
    }
    for (size_t i = 0; i < n; i++) {
        buf_init(&sql[i], SQL_BYTES);
    }
    if (put_scripts(all, items, sql, texts, n, e) == 0) {
        rc = engine_query_many(g, texts, n, ANALYSIS_BYTES_MAX, rows, e);
    }
    for (size_t i = 0; i < n; i++) {
        buf_release(&sql[i]);
        if (rc == 0) {
            items[i].rows = rows[i];
            items[i].asked = true;
        }
    }
out:
    mem_free(sql);
    mem_free(texts);
    mem_free(rows);
    return rc;
}

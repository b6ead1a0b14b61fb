/* batch_again.c - everything once more, for its rows only. */
#include "flow/batch.h"
#include "flow/table_job.h"

static int again(const struct flow_batch_conf *conf, struct flow_batch_table *t,
                 struct err *e)
{
    const struct table_job_conf job = {.project = conf->project,
                                       .spec = conf->spec,
                                       .table = t->table,
                                       .broker = conf->broker,
                                       .from_topics = conf->from_topics,
                                       .keep = &t->rows};

    return table_job_again(&job, &t->clean, e) < 0
               ? err_wrap(e, "table \"%s\"", t->table->name)
               : 0;
}

int flow_batch_again(const struct flow_batch_conf *conf,
                     struct flow_batch_result *ret, struct err *e)
{
    struct flow_batch_result result = {0};
    int rc = 0;

    for (size_t i = 0; i < conf->spec->ntables && rc == 0; i++) {
        struct flow_batch_table *t = &result.tables[result.n];

        t->table = &conf->spec->tables[i];
        result.n++;
        rc = batch_store_add_none(&t->rows, t->table->defs, t->table->ndefs, e);
        if (rc == 0) {
            rc = clean_counts_init(&t->clean, t->table, e);
        }
        if (rc == 0) {
            rc = again(conf, t, e);
        }
    }
    if (rc < 0) {
        flow_batch_release(&result);
        return -1;
    }
    *ret = result;
    return 0;
}

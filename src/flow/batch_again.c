/* batch_again.c - everything once more, for its rows only. */
#include "core/mem.h"
#include "flow/batch_int.h"

struct table_job_conf batch_job_again(const struct flow_batch_conf *conf,
                                      const struct spec_table *t)
{
    return (struct table_job_conf){.project = conf->project,
                                   .spec = conf->spec,
                                   .table = t,
                                   .broker = conf->broker,
                                   .pipeline = "batch",
                                   .sink = "delta",
                                   .full = true,
                                   .from_topics = conf->from_topics,
                                   .dry = true};
}

static int again(const struct flow_batch_conf *conf,
                 const struct broker_topic *topics, size_t n,
                 struct flow_batch_table *ret, struct err *e)
{
    struct table_job_conf job = batch_job_again(conf, ret->table);
    struct table_job *j = NULL;
    int rc = -1;

    job.keep = &ret->rows;
    if (table_job_open(&j, &job, e) == 0 &&
        table_job_look(j, topics, n, -1, e) == 0 &&
        table_job_take(j, INT64_MAX, INT64_MAX, &ret->clean, e) == 0) {
        rc = 0;
    }
    table_job_close(j);
    return rc < 0 ? err_wrap(e, "table \"%s\"", ret->table->name) : 0;
}

int flow_batch_again(const struct flow_batch_conf *conf,
                     struct flow_batch_result *ret, struct err *e)
{
    struct flow_batch_result result = {0};
    struct broker_topic *topics = NULL;
    size_t n;
    int rc = broker_topic_list(conf->broker, &topics, &n, e);

    for (size_t i = 0; i < conf->spec->ntables && rc == 0; i++) {
        struct flow_batch_table *t = &result.tables[result.n];

        t->table = &conf->spec->tables[i];
        result.n++;
        rc = batch_store_add_none(&t->rows, t->table->defs, t->table->ndefs, e);
        if (rc == 0) {
            rc = clean_counts_init(&t->clean, t->table, e);
        }
        if (rc == 0) {
            rc = again(conf, topics, n, t, e);
        }
    }
    mem_free(topics);
    if (rc < 0) {
        flow_batch_release(&result);
        return -1;
    }
    *ret = result;
    return 0;
}

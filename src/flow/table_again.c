/* table_again.c - all raw data of a table once more, for who looks on. */
#include "core/mem.h"
#include "flow/table_job.h"

static int take_all(const struct table_job_conf *conf, struct clean_counts *ret,
                    struct err *e)
{
    struct broker_topic *topics = NULL;
    struct table_job *j = NULL;
    size_t n = 0;
    int rc = -1;

    if (broker_topic_list(conf->broker, &topics, &n, e) == 0 &&
        table_job_open(&j, conf, e) == 0 &&
        table_job_look(j, topics, n, -1, e) == 0) {
        rc = table_job_take(j, INT64_MAX, INT64_MAX, ret, e);
    }
    table_job_close(j);
    mem_free(topics);
    return rc;
}

int table_job_again(const struct table_job_conf *conf, struct clean_counts *ret,
                    struct err *e)
{
    struct table_job_conf job = *conf;
    struct clean_counts own = {0};
    int rc = -1;

    job.pipeline = "batch";
    job.sink = "delta";
    job.full = true;
    job.dry = true;
    if (ret != NULL) {
        return take_all(&job, ret, e);
    }
    if (clean_counts_init(&own, conf->table, e) == 0) {
        rc = take_all(&job, &own, e);
    }
    clean_counts_release(&own);
    return rc;
}

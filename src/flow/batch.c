#include "flow/batch.h"

#include <string.h>

#include "core/lock.h"
#include "core/mem.h"
#include "flow/batch_int.h"

static int run_job(struct table_job *j, const struct table_job_conf *conf,
                   struct flow_batch_table *ret, struct err *e)
{
    struct broker_topic *topics = NULL;
    struct table_job_totals totals;
    size_t n;
    int rc;

    if (broker_topic_list(conf->broker, &topics, &n, e) < 0) {
        return -1;
    }
    rc = table_job_look(j, topics, n, -1, e);
    mem_free(topics);
    if (rc < 0 || (table_job_waiting(j) == 0 && !conf->full)) {
        return rc;
    }
    if (table_job_take(j, INT64_MAX, INT64_MAX, &ret->clean, e) < 0 ||
        clean_counts_check(&ret->clean, ret->table, e) < 0 ||
        table_job_commit(j, e) < 0 || table_job_save(j, e) < 0) {
        return -1;
    }
    table_job_totals(j, &totals);
    ret->counts = totals.counts;
    return 0;
}

static bool by_key(const struct spec_table *t)
{
    return t->dedup == SPEC_DEDUP_FIRST || t->dedup == SPEC_DEDUP_LAST;
}

static int run_table(const struct flow_batch_conf *conf, struct ledger *ledger,
                     struct flow_batch_table *ret, struct err *e)
{
    struct table_job_conf job = {.project = conf->project,
                                 .spec = conf->spec,
                                 .table = ret->table,
                                 .broker = conf->broker,
                                 .ledger = ledger,
                                 .pipeline = "batch",
                                 .sink = "delta",
                                 .full = conf->full,
                                 .from_topics = conf->from_topics,
                                 .keep = conf->keep_rows ? &ret->rows : NULL};
    struct table_job *j = NULL;
    int rc = -1;

    /* by key, an old row may give way to a new one: begin again */
    job.full = job.full || by_key(ret->table);
    if (conf->interval != NULL) {
        rc = batch_interval_table(conf, &job, ret, e);
    } else if (table_job_open(&j, &job, e) == 0) {
        rc = run_job(j, &job, ret, e);
    }
    table_job_close(j);
    return rc < 0 ? err_wrap(e, "table \"%s\"", ret->table->name) : 0;
}

static int run_all(const struct flow_batch_conf *conf, struct ledger *ledger,
                   struct flow_batch_result *ret, struct err *e)
{
    for (size_t i = 0; i < conf->spec->ntables; i++) {
        struct flow_batch_table *t = &ret->tables[ret->n];

        t->table = &conf->spec->tables[i];
        if (conf->table != NULL && strcmp(conf->table, t->table->name) != 0) {
            continue;
        }
        ret->n++;
        if (conf->keep_rows && batch_store_add_none(&t->rows, t->table->defs,
                                                    t->table->ndefs, e) < 0) {
            return -1;
        }
        if (clean_counts_init(&t->clean, t->table, e) < 0) {
            return -1;
        }
        if (run_table(conf, ledger, t, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static const char *what(const struct flow_batch_conf *conf)
{
    return conf->interval != NULL ? "interval" : conf->full ? "full" : "new";
}

int flow_batch_run(const struct flow_batch_conf *conf,
                   struct flow_batch_result *ret, struct err *e)
{
    struct flow_batch_result result = {0};
    struct ledger *ledger = NULL;
    struct lock lock = {.fd = -1};
    struct err ignored;
    int64_t id = 0;
    int rc = -1;
    const char *path = project_path(conf->project, "batch.lock", e);

    if (path == NULL || lock_wait(&lock, path, "batch", conf->wait_us, e) < 0 ||
        ledger_open(&ledger, conf->project->data, e) < 0 ||
        ledger_run_begin(ledger, "batch", what(conf), &id, e) < 0) {
        goto out;
    }
    rc = run_all(conf, ledger, &result, e);
    if (ledger_run_end(ledger, id, rc < 0 ? "failed" : "success",
                       rc < 0 ? e->msg : "", rc < 0 ? &ignored : e) < 0) {
        rc = -1;
    }
out:
    ledger_close(ledger);
    lock_drop(&lock);
    if (rc < 0) {
        flow_batch_release(&result);
        return -1;
    }
    *ret = result;
    return 0;
}

void flow_batch_release(struct flow_batch_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        clean_counts_release(&r->tables[i].clean);
        batch_store_release(&r->tables[i].rows);
    }
    r->n = 0;
}

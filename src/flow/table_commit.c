/* table_commit.c - what a table job took becomes visible, once. */
#include <stdio.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "flow/group.h"
#include "flow/table_job_int.h"

#define KEEP_ALIVE_US INT64_C(3600000000)

static int put_rows(struct table_job *j, struct err *e)
{
    const char *hash = j->conf.table->hash;

    for (size_t i = 0; i < j->n; i++) {
        struct table_range *r = j->ranges[i];
        struct ledger_row row = {
            .pipeline = j->conf.pipeline, .span = r->span, .counts = r->counts};

        row.span.to = r->next;
        (void)snprintf(row.made_by, sizeof(row.made_by), "%s", hash);
        if ((j->full && ledger_forget(j->conf.ledger, j->conf.pipeline,
                                      r->topic, hash, e) < 0) ||
            (row.span.to > row.span.from &&
             (ledger_put(j->conf.ledger, &row, e) < 0 ||
              ledger_fold(j->conf.ledger, j->conf.pipeline, &row.span, e) <
                  0))) {
            return -1;
        }
    }
    return 0;
}

/* Ledger rows become durable before the table's commit (flow/ledger.h). */
static int account(struct table_job *j, struct err *e)
{
    if (ledger_begin(j->conf.ledger, e) < 0) {
        return -1;
    }
    if (put_rows(j, e) < 0) {
        ledger_rollback(j->conf.ledger);
        return -1;
    }
    return ledger_commit(j->conf.ledger, e);
}

static void add_totals(struct table_job *j)
{
    struct ledger_counts *t = &j->totals.counts;

    for (size_t i = 0; i < j->n; i++) {
        struct table_range *r = j->ranges[i];

        t->messages += r->counts.messages;
        t->expanded += r->counts.expanded;
        t->cleaned += r->counts.cleaned;
        t->rejected += r->counts.rejected;
        t->duplicate += r->counts.duplicate;
        r->counts = (struct ledger_counts){0};
        r->span.from = r->next;
    }
    j->totals.bytes += j->bytes;
    j->totals.commits++;
    j->bytes = 0;
    j->committed_us = clock_mono_us();
}

static int commit(struct table_job *j, struct err *e)
{
    if (table_letters_write(j, e) < 0 || account(j, e) < 0) {
        return -1;
    }
    INJECT(batch_before_commit);
    return sink_commit(j->sink, true, e);
}

int table_job_commit(struct table_job *j, struct err *e)
{
    int64_t bytes;

    if (table_job_taken(j, &bytes) == 0 && !j->full) {
        return 0;
    }
    if (!j->conf.dry && commit(j, e) < 0) {
        return -1;
    }
    j->full = false;
    add_totals(j);
    return 0;
}

int table_job_save(struct table_job *j, struct err *e)
{
    return j->seen == NULL ? 0 : table_seen_save(j, e);
}

int table_job_report(struct table_job *j, struct err *e)
{
    char group[TOPIC_NAME_MAX + 1];
    struct broker_position *at;
    int rc = 0;

    if (j->kafka != NULL) {
        return 0; /* the group is where the table stands */
    }
    group_name(j->conf.project, j->conf.pipeline, group);
    at = mem_zero(j->n + 1, sizeof(*at));
    if (at == NULL) {
        return err_nomem(e, j->n * sizeof(*at));
    }
    for (size_t i = 0; i < j->n; i++) {
        const struct table_range *r = j->ranges[i];

        (void)snprintf(at[i].topic, sizeof(at[i].topic), "%s", r->topic);
        at[i].epoch = r->span.epoch;
        at[i].partition = r->span.partition;
        at[i].offset = r->span.from;
    }
    if (j->n > 0) {
        rc = broker_group_commit(j->conf.broker, group, at, j->n, NULL, e);
    }
    mem_free(at);
    return rc;
}

/* Kafka forgets a position that nobody has stored for a week. */
int table_job_keep_alive(struct table_job *j, struct err *e)
{
    struct batch none;
    int64_t bytes;
    int rc = 0;

    if (j->kafka == NULL || table_job_taken(j, &bytes) > 0 || j->n == 0 ||
        clock_mono_us() - j->committed_us < KEEP_ALIVE_US) {
        return 0;
    }
    if (batch_init(&none, j->conf.table->defs, j->conf.table->ndefs, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n && rc == 0; i++) {
        struct span at = j->ranges[i]->span;

        at.to = at.from;
        rc = sink_write_rows(j->sink, &at, &none, e);
    }
    batch_release(&none);
    j->committed_us = clock_mono_us();
    return rc < 0 ? -1 : sink_commit(j->sink, true, e);
}

void table_job_totals(const struct table_job *j, struct table_job_totals *ret)
{
    *ret = j->totals;
}

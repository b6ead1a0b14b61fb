/*
 * table_job.h - one table's way from raw messages to its sink: what is new is
 * decoded, cleaned, deduplicated against what is there, appended, accounted.
 *
 * Batch and stream share it.  The sink's own positions say where to go on;
 * dead letters and ledger rows are durable before the sink commits, so that a
 * crash at any point is repaired by doing the same again.  A job that failed
 * is closed, never used on.  One thread.
 */
#ifndef FLOW_TABLE_JOB_H
#define FLOW_TABLE_JOB_H

#include "broker/broker.h"
#include "clean/clean.h"
#include "flow/ledger.h"
#include "flow/project.h"
#include "record/batch_store.h"

struct table_job; /* opaque */

struct table_job_conf {
    struct project *project;
    const struct spec *spec;
    const struct spec_table *table;
    struct broker *broker;
    struct ledger *ledger;
    const char *pipeline;      /* the table's owner: "batch", "stream" */
    const char *sink;          /* kind: "delta", "kafka", "postgres" */
    const char *log_retention; /* of a Delta table that is made, or NULL */
    bool full;                 /* begin again: replace the table's rows */
    bool from_topics;          /* else from the JSON objects */
    bool dry;                 /* only look, from offset 0 on: no sink is opened,
                           * nothing is accounted */
    struct batch_store *keep; /* cleaned rows are appended here too; or NULL */
    void *arg;
    /* Sees the messages that were taken, in order; or NULL. */
    void (*took)(void *arg, const struct message *m, size_t n);
    /* How far to go in a partition: s->from is where the sink stands; *end
     * comes as how far the raw data reach.  Or NULL. */
    int (*reach)(void *arg, const struct span *s, int64_t *end, struct err *e);
};

/* Counts since the job was opened; rules and decoding are in *clean. */
struct table_job_totals {
    struct ledger_counts counts;
    int64_t bytes;   /* of the messages' values */
    int64_t commits; /* that changed something */
};

int table_job_open(struct table_job **ret, const struct table_job_conf *conf,
                   struct err *e) MUST_USE;
void table_job_close(struct table_job *j); /* NULL is fine */

/* How far the raw data reach now, but no further than offset `until` (-1: no
 * such limit).  topics: the broker's, as of not too long ago. */
int table_job_look(struct table_job *j, const struct broker_topic *topics,
                   size_t n, int64_t until, struct err *e) MUST_USE;
/* Messages that wait, as of the last look. */
int64_t table_job_waiting(const struct table_job *j);
/* Every partition was taken up to this offset; there is one. */
bool table_job_reached(const struct table_job *j, int64_t offset);
/* Take what waits, or about max_bytes or max_messages of it, to the sink. */
int table_job_take(struct table_job *j, int64_t max_bytes, int64_t max_messages,
                   struct clean_counts *clean, struct err *e) MUST_USE;
/* From now on rows go to `keep` (or, NULL, nowhere) as well. */
void table_job_keep(struct table_job *j, struct batch_store *keep);
/* Messages and bytes taken since the last commit. */
int64_t table_job_taken(const struct table_job *j, int64_t *ret_bytes);
/* Everything taken becomes visible, once. */
int table_job_commit(struct table_job *j, struct err *e) MUST_USE;
/* Keep the set of seen rows for the next start. */
int table_job_save(struct table_job *j, struct err *e) MUST_USE;
/* Tell the broker where the table stands, for lag and retention: the group of
 * the pipeline.  Nothing to do where the sink's commit has told it. */
int table_job_report(struct table_job *j, struct err *e) MUST_USE;
/* To be called now and then: positions that only a commit refreshes are stored
 * anew once an hour, though nothing comes. */
int table_job_keep_alive(struct table_job *j, struct err *e) MUST_USE;
/* All raw data of conf->table once more, whatever its rows were made by: they
 * go to conf->keep, the messages by conf->took; no table, ledger or dead letter
 * is touched.  Of conf only project, spec, table, broker, from_topics, keep,
 * arg and took are looked at.  ret: the table's counts, added to; or NULL. */
int table_job_again(const struct table_job_conf *conf, struct clean_counts *ret,
                    struct err *e) MUST_USE;
void table_job_totals(const struct table_job *j, struct table_job_totals *ret);

#endif

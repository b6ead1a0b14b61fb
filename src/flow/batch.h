/*
 * batch.h (flow) - the daily job: what is new in the raw data is decoded,
 * cleaned, deduplicated against the tables and appended to them, once.
 *
 * Where the tables stand is the tables' own word (sink_position); how far a
 * run goes is fixed and journaled before it begins.  After a crash at any
 * point the next run continues, or does the same again.  One batch at a time
 * on a data directory (lock, ERR_BUSY).
 */
#ifndef FLOW_BATCH_H
#define FLOW_BATCH_H

#include "broker/broker.h"
#include "clean/clean.h"
#include "flow/interval.h"
#include "flow/ledger.h"
#include "flow/project.h"
#include "record/batch_store.h"

struct flow_batch_conf {
    struct project *project;
    const struct spec *spec;
    struct broker *broker;
    bool full;         /* begin again: replace the tables' rows */
    bool from_topics;  /* else from the JSON objects */
    bool keep_rows;    /* leave the new rows in the result as well */
    const char *table; /* only this one; NULL: all */
    int64_t wait_us;   /* for another batch to end; 0: ERR_BUSY at once */
    /*
     * Only this interval (NULL: all that is new): the tables are brought to
     * its end, with what was missing before it; counts and rows in the result
     * are the interval's.  What of it the tables hold already is there as it
     * would be made again, so it is only looked at.  Not with full.
     */
    const struct interval *interval;
};

struct flow_batch_table {
    const struct spec_table *table;
    struct ledger_counts counts; /* of this run */
    struct clean_counts clean;   /* rules and decoding, of this run */
    struct batch_store rows;     /* keep_rows: what was appended */
};

struct flow_batch_result {
    struct flow_batch_table tables[SPEC_TABLES_MAX];
    size_t n;
};

/* ret is filled on success only; flow_batch_release() ends it. */
int flow_batch_run(const struct flow_batch_conf *conf,
                   struct flow_batch_result *ret, struct err *e) MUST_USE;
/* All raw data once more, by conf->spec, whatever the tables were made by: the
 * rows are in the result, no table, ledger or dead letter is touched. */
int flow_batch_again(const struct flow_batch_conf *conf,
                     struct flow_batch_result *ret, struct err *e) MUST_USE;
void flow_batch_release(struct flow_batch_result *r);

#endif

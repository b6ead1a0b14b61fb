/*
 * stream.h - topics -> decode -> clean -> deduplicate -> tables, all the time.
 *
 * Each table of the spec has a thread that takes what comes and commits by
 * time, rows or bytes, whichever is first; what is not committed is bounded by
 * the bytes, so a slow table slows its reading down and nothing else.  Where a
 * table stands is the table's own word: after a crash at any point the next
 * stream goes on, each record once.  A fault that may pass (a far side that is
 * away) is tried again; any other ends the stream.
 *
 * Ends when stop_asked(), within 10 s, with what is there committed.  One
 * stream at a time on a data directory (lock, ERR_BUSY).
 */
#ifndef FLOW_STREAM_H
#define FLOW_STREAM_H

#include "broker/broker.h"
#include "clean/spec.h"
#include "core/metric.h"
#include "flow/latency.h"
#include "flow/project.h"
#include "flow/table_job.h"

struct stream_conf {
    const struct project *project; /* paths are made in copies of it */
    const struct spec *spec;
    struct broker *broker;
    bool once;     /* what is in the topics now, then end */
    int64_t until; /* end when every partition was taken to here; -1: not */
    bool full;     /* begin again: replace the tables' rows */
    struct metrics *metrics; /* pinline_stream_*; NULL: none */
    /* A table's thread failed and will try again; any thread. */
    void *arg;
    void (*failed)(void *arg, const char *table, const struct err *e);
};

/* Since the start. */
struct stream_table {
    const struct spec_table *table;
    struct table_job_totals totals;
    struct latency latency; /* from a message's time to its commit */
    int64_t lag;            /* messages that wait */
};

struct stream_result {
    struct stream_table tables[SPEC_TABLES_MAX];
    size_t n;
};

/* *ret is filled in any case, with what was done so far. */
int stream_run(const struct stream_conf *conf, struct stream_result *ret,
               struct err *e) MUST_USE;

#endif

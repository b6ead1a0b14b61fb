/*
 * stream_int.h - a stream and the threads of its tables.
 */
#ifndef FLOW_STREAM_INT_H
#define FLOW_STREAM_INT_H

#include <stdatomic.h>

#include "core/thread.h"
#include "flow/stream.h"

/* Messages of about the same time that wait for their commit. */
struct stream_age {
    int64_t time_us;
    int64_t n;
};

struct stream_metrics {
    struct metric *messages, *rows, *rejected, *duplicate, *commits, *lag;
    struct metric *latency, *commit_time;
};

struct stream_worker {
    struct stream *stream;
    const struct spec_table *table;
    struct project project; /* paths of its own */
    struct thread thread;
    bool full; /* until the first commit */
    struct stream_age *ages;
    size_t nages;
    struct stream_metrics metrics;
    struct clean_counts clean;
    struct mutex lock; /* around shown */
    struct stream_table shown;
    struct table_job_totals before; /* of former lives */
    atomic_bool ended;
    struct err error; /* code ERR_NONE: none; read after ended */
};

struct stream {
    const struct stream_conf *conf;
    struct stream_worker *workers;
    size_t n;
    atomic_bool halt; /* one failed for good */
    atomic_bool done; /* all ended */
    struct thread keeper;
};

/* The thread of one table. */
void stream_work(void *arg);
/* The thread that keeps all tables healthy beside them. */
void stream_keep(void *arg);
int stream_metrics_get(struct stream_metrics *m, struct metrics *set,
                       const char *table, struct err *e) MUST_USE;

#endif

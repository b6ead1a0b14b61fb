/*
 * metric.h - counters, gauges and histograms, printed for Prometheus.
 *
 * A set owns its metrics until metrics_free().  Registering takes a lock;
 * adding, setting and observing are atomic and may be done by any thread.
 * Registering a name with the same labels again gives the same metric.
 */
#ifndef CORE_METRIC_H
#define CORE_METRIC_H

#include "core/buf.h"

enum {
    METRIC_LABELS_MAX = 4,
    METRIC_SERIES_MAX = 10000 /* in one set */
};

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_HISTOGRAM, /* of durations in seconds */
};

struct metric_def {
    const char *name; /* "pinline_records_total"; static */
    const char *help; /* static */
    enum metric_kind kind;
    const char *labels[METRIC_LABELS_MAX]; /* names; static */
};

struct metrics;
struct metric;

int metrics_new(struct metrics **ret, struct err *e) MUST_USE;
void metrics_free(struct metrics *m);
/* values[i] belongs to def->labels[i]; copied.  ERR_LIMIT over the ceiling. */
int metrics_get(struct metrics *m, const struct metric_def *def,
                const struct slice *values, struct metric **ret,
                struct err *e) MUST_USE;

void metric_add(struct metric *c, int64_t n);         /* counter, gauge */
void metric_set(struct metric *c, int64_t v);         /* gauge */
void metric_observe_us(struct metric *c, int64_t us); /* histogram */
/* n observations of the same duration. */
void metric_observe_many(struct metric *c, int64_t us, int64_t n);
int64_t metric_value(struct metric *c); /* a histogram's count */

/* Add every metric of `from`, as it stands, to *into. */
int metrics_join(struct metrics *into, struct metrics *from,
                 struct err *e) MUST_USE;
/* Text exposition format 0.0.4, sorted by name; adds process_* of its own. */
int metrics_print(struct metrics *m, struct buf *b, struct err *e) MUST_USE;

#endif

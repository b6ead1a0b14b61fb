/*
 * stats.h - what a data file holds: rows, and per column the smallest and the
 * largest value and the number of NULLs, as Delta writes it.
 *
 * Long texts are cut to a bound that still holds; lists and points have NULL
 * counts only.
 */
#ifndef LAKE_STATS_H
#define LAKE_STATS_H

#include "core/buf.h"
#include "record/batch.h"

struct stats_column;

struct stats {
    const struct col_def *defs; /* borrowed */
    size_t columns;
    struct stats_column *cols;
    int64_t rows;
};

int stats_init(struct stats *s, const struct col_def *defs, size_t columns,
               struct err *e) MUST_USE;
void stats_release(struct stats *s);
void stats_clear(struct stats *s);
void stats_add(struct stats *s, const struct batch *b);
/* {"numRecords":2,"minValues":{...},"maxValues":{...},"nullCount":{...}} */
int stats_json(const struct stats *s, struct buf *b, struct err *e) MUST_USE;

#endif

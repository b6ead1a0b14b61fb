/*
 * interval.h - data intervals: which messages arrived between two times.
 *
 * The first run of an interval that is over finds for each topic partition
 * the offsets whose ingest times lie in it, and writes them down
 * (DIR/intervals.db) before any work.  Retries and backfills read them there:
 * clocks that were set back, or retention, cannot change what an interval
 * holds.  One that is not over yet is found anew every time.
 *
 * One handle belongs to one thread; several processes may have the file open.
 */
#ifndef FLOW_INTERVAL_H
#define FLOW_INTERVAL_H

#include "broker/broker.h"

/* [from_us, to_us) of wall-clock time, UTC. */
struct interval {
    int64_t from_us, to_us;
};

/* "FROM/TO", two times as the cleaning rules read them, or "YYYY-MM-DD", a
 * day; ERR_INVALID says what is wrong. */
int interval_parse(struct interval *ret, const char *text,
                   struct err *e) MUST_USE;

struct intervals; /* opaque */

int intervals_open(struct intervals **ret, const char *dir,
                   struct err *e) MUST_USE;
void intervals_close(struct intervals *j); /* NULL is fine */

/* Fill s->from and s->to for the topic, epoch and partition in *s.  What is
 * found for an interval that ended before now_us is durable on return. */
int intervals_resolve(struct intervals *j, const struct interval *i,
                      struct broker *b, int64_t now_us, struct span *s,
                      struct err *e) MUST_USE;

#endif

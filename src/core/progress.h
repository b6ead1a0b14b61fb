/*
 * progress.h - how far a long step is, on stderr.
 *
 * On a terminal one line is drawn over and over, at most ten times a second:
 * name, bar, count, rate, time left.  Elsewhere nothing is drawn.  The step's
 * result line is the caller's.  One thread begins and ends it; any adds.
 */
#ifndef CORE_PROGRESS_H
#define CORE_PROGRESS_H

#include <stdatomic.h>

#include "core/base.h"

struct progress {
    const char *name;
    const char *unit; /* "rows" */
    int64_t total;    /* 0: not known */
    int64_t started_us;
    _Atomic int64_t done;
    _Atomic int64_t next_draw_us;
    bool shown; /* stderr is a terminal and it was not turned off */
};

/* Turn all drawing off (-q); before threads start. */
void progress_quiet(bool quiet);
void progress_begin(struct progress *p, const char *name, const char *unit,
                    int64_t total);
void progress_add(struct progress *p, int64_t n);
void progress_end(struct progress *p); /* wipes the line */
/* What is drawn, without colours, at a time after the start; for tests. */
size_t progress_text(const struct progress *p, int64_t elapsed_us, char *text,
                     size_t cap);

#endif

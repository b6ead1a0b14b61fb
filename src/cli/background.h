/*
 * background.h - what `serve` does beside answering: the pipelines of the
 * configuration, retention, batches by the clock.
 *
 * Each has a thread of its own and ends when stop_asked(); background_stop()
 * waits for them.  A pipeline that fails for a reason that may pass is tried
 * again with back-off; for another reason it is logged and rests, the server
 * goes on.
 */
#ifndef CLI_BACKGROUND_H
#define CLI_BACKGROUND_H

#include "cli/schedule.h"

struct background; /* opaque */
struct metrics;

/* w outlives it, s (NULL: no scheduler), and metrics, where what it does is shown (NULL: nowhere). */
int background_start(struct background **ret, struct workspace *w,
                     const struct schedule *s, struct metrics *metrics,
                     struct err *e) MUST_USE;
void background_stop(struct background *b); /* NULL is fine */

#endif

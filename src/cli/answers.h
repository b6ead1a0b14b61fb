/*
 * answers.h - every question answered for a report, over tables or new rows.
 */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "cli/workspace.h"
#include "flow/batch.h"
#include "flow/report.h"

struct answers; /* opaque */

/* Over the project's tables, or over the rows that `only` kept. */
int answers_make(struct answers **ret, struct workspace *w,
                 const struct flow_batch_result *only, struct err *e) MUST_USE;
void answers_free(struct answers *a); /* NULL is fine */
/* Into the report, which borrows them. */
void answers_report(const struct answers *a, struct report *r);

#endif

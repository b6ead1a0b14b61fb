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
size_t answers_count(const struct answers *a);
/* The i-th answer's rows, number and title; they live as long as *a. */
const struct batch *answers_rows(const struct answers *a, size_t i,
                                 const char **ret_id, const char **ret_title);
/* Into the report, which borrows them. */
void answers_report(const struct answers *a, struct report *r);

#endif

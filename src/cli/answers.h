/*
 * answers.h - every question answered for a report, over tables or new rows.
 */
#ifndef CLI_ANSWERS_H
#define CLI_ANSWERS_H

#include "cli/workspace.h"
#include "engine/engine.h"
#include "flow/batch.h"
#include "flow/report.h"

struct answers; /* opaque */

/* Over the project's tables, or over the rows that `only` kept. */
int answers_make(struct answers **ret, struct workspace *w,
                 const struct flow_batch_result *only, struct err *e) MUST_USE;
/* By an engine outside of this process, which becomes theirs also on failure:
 * all in one go. */
int answers_make_by(struct answers **ret, struct workspace *w,
                    struct engine *engine, struct err *e) MUST_USE;
void answers_free(struct answers *a); /* NULL is fine */
size_t answers_count(const struct answers *a);
/* The i-th answer's rows, number and title; they live as long as *a. */
const struct batch *answers_rows(const struct answers *a, size_t i,
                                 const char **ret_id, const char **ret_title);

/* How answers come out; csv and parquet are files, DIR/ID.csv. */
enum answers_format {
    ANSWERS_TABLE,
    ANSWERS_JSON,
    ANSWERS_CSV,
    ANSWERS_PARQUET,
};

/* For OPT_CHOICE; the index is an answers_format.  Ended by NULL. */
extern const char *const answers_formats[];

/* To standard output: tables, JSON, or the names of the files written. */
int answers_print(const struct answers *a, const struct cli *c,
                  enum answers_format format, const char *dir,
                  struct err *e) MUST_USE;
/* Only the files; of table and JSON there are none. */
int answers_files(const struct answers *a, enum answers_format format,
                  const char *dir, struct err *e) MUST_USE;
/* Into the report, which borrows them. */
void answers_report(const struct answers *a, struct report *r);

#endif

/*
 * batch_far.h - the batch by an engine outside of this process.
 */
#ifndef CLI_BATCH_FAR_H
#define CLI_BATCH_FAR_H

#include "cli/answers.h"

/* How it was asked for. */
struct batch_far {
    int engine;           /* enum project_engine, not C */
    bool from_topics;     /* Spark: what is decoded */
    bool answer;          /* else only clean */
    const char *interval; /* Databricks: FROM/TO, or NULL */
};

/*
 * Spark cleans everything there is into a folder of its own and answers; a
 * Databricks workspace runs its notebook, and answers.  *ret is NULL without
 * answers; else answers_free().
 */
int batch_far_run(struct answers **ret, struct cli *c, struct workspace *w,
                  const struct batch_far *conf, struct err *e) MUST_USE;

#endif

/*
 * tidy.h (cli) - what `batch --compact` and `batch --vacuum` do.
 */
#ifndef CLI_TIDY_H
#define CLI_TIDY_H

#include "cli/workspace.h"

/* Whether the words ask for it. */
bool tidy_asked(const struct args *a);
/* Every table of the project that is there; a line each on c->out. */
int tidy_tables(struct cli *c, const struct args *a, struct workspace *w,
                struct err *e) MUST_USE;

#endif

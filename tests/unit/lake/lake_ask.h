/*
 * lake_ask.h - what the tests of tables share.
 */
#ifndef TEST_LAKE_ASK_H
#define TEST_LAKE_ASK_H

#include "lake/delta.h"

enum {
    LAKE_COLUMNS = 4
};

/* A row number, a text, two numbers and a time. */
extern const struct col_def lake_defs[LAKE_COLUMNS];
extern const struct delta_prop lake_props[1];
extern const struct delta_schema lake_schema;

/* A folder of the test's own, good until the next call. */
const char *lake_folder(const char *name);
/* One number of a query over the table's rows, by the table's own engine. */
int64_t lake_ask(struct duck *duck, struct delta *t, const char *what);
/* Write rows to files of c->schema and commit them, with all else c says. */
int lake_write(struct delta *t, const struct batch *rows,
               struct delta_change *c, struct err *e);

#endif

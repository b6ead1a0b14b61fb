/*
 * lake_ask.h - what the tests of tables share.
 */
#ifndef TEST_LAKE_ASK_H
#define TEST_LAKE_ASK_H

#include "lake/delta.h"

/* A folder of the test's own, good until the next call. */
const char *lake_folder(const char *name);
/* One number of a query over the table's rows, by the table's own engine. */
int64_t lake_ask(struct duck *duck, struct delta *t, const char *what);

#endif

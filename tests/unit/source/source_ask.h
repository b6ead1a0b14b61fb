/*
 * source_ask.h - what the tests of sources share.
 */
#ifndef TEST_SOURCE_ASK_H
#define TEST_SOURCE_ASK_H

#include "source/source.h"

/* Row n of a table is this text, told to be JSON or not. */
void source_row_is(struct source *s, size_t table, int64_t n, const char *want,
                   bool want_json);
/* A table has so many rows. */
void source_rows_are(struct source *s, size_t table, int64_t want);

#endif

/*
 * duckdb_int.h - joins that are made without DuckDB; duckdb*.c only.
 */
#ifndef ENGINE_DUCKDB_INT_H
#define ENGINE_DUCKDB_INT_H

#include "core/slice.h"

enum {
    DUCKDB_USING_MAX = 4
};

/* SELECT ... FROM tables[0] JOIN tables[1] USING (key) ... to its end. */
struct duckdb_using {
    struct slice head; /* before FROM */
    struct slice tables[DUCKDB_USING_MAX];
    size_t n; /* at least 2 */
    struct slice key;
};

/* False for any other SELECT, and where `*` asks for all columns.  Slices
 * point into the text. */
bool duckdb_using_read(struct slice select, struct duckdb_using *ret);

#endif

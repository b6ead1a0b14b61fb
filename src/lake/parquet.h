/*
 * parquet.h - rows as Parquet files, written and read by DuckDB.
 *
 * Columns keep their types: int32, int64, double, text (UTF-8), timestamps as
 * microseconds adjusted to UTC, lists, structs of two doubles.  Zstandard.
 */
#ifndef LAKE_PARQUET_H
#define LAKE_PARQUET_H

#include "lake/frame.h"

/* Write all rows of n batches of the same columns; the file is durable under
 * its name, or not there.  *ret_bytes (may be NULL): its size. */
int parquet_write(struct duck *d, const char *path,
                  const struct batch *const *batches, size_t n,
                  int64_t *ret_bytes, struct err *e) MUST_USE;
/* As above with the rows of a SELECT. */
int parquet_write_query(struct duck *d, const char *path, const char *select,
                        int64_t *ret_bytes, struct err *e) MUST_USE;
/* Append a list of files as read_parquet takes it: ['a', 'b']. */
int parquet_list_sql(struct buf *b, const char *const *paths, size_t n,
                     struct err *e) MUST_USE;

#endif

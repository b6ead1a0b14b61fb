/*
 * rows_file.h - rows of batches into a file: .jsonl, .csv, .parquet, or "-"
 * for JSON Lines on standard output.
 *
 * The file appears under its name when rows_file_end() succeeds, whole, or not
 * at all.  Memory does not grow with the rows (Parquet: DuckDB's limit).
 */
#ifndef FLOW_ROWS_FILE_H
#define FLOW_ROWS_FILE_H

#include <stdio.h>

#include "record/batch.h"

struct rows_file; /* opaque */

/* defs are borrowed; `out` is where "-" goes.  ERR_INVALID for another
 * ending. */
int rows_file_begin(struct rows_file **ret, const char *path, FILE *out,
                    const struct col_def *defs, size_t ndefs,
                    struct err *e) MUST_USE;
int rows_file_put(struct rows_file *f, const struct batch *rows,
                  struct err *e) MUST_USE;
/* A line of text (rejects, decoded records) instead of rows. */
int rows_file_text(struct rows_file *f, struct slice text,
                   struct err *e) MUST_USE;
int rows_file_end(struct rows_file *f, struct err *e) MUST_USE;
/* Without rows_file_end() nothing is left; NULL is fine. */
void rows_file_free(struct rows_file *f);

#endif

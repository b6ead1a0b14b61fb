/*
 * databricks_rows.h - the rows of a statement: arrays of texts, with a
 * manifest that tells the types; databricks.c only.
 */
#ifndef ENGINE_DATABRICKS_ROWS_H
#define ENGINE_DATABRICKS_ROWS_H

#include "lake/frame.h"
#include "json/json.h"

struct databricks_rows; /* opaque; one thread */

/* manifest: read before it returns. */
int databricks_rows_new(struct databricks_rows **ret, yyjson_val *manifest,
                        size_t max_bytes, struct err *e) MUST_USE;
void databricks_rows_free(struct databricks_rows *r); /* NULL is fine */
/* The data_array of one chunk; ERR_LIMIT over max_bytes. */
int databricks_rows_add(struct databricks_rows *r, yyjson_val *result,
                        struct err *e) MUST_USE;
/* All of them with their types.  ERR_MALFORMED when fewer or more came than
 * the manifest promised, ERR_LIMIT. */
int databricks_rows_end(struct databricks_rows *r, size_t max_bytes,
                        struct frame *ret, struct err *e) MUST_USE;

#endif

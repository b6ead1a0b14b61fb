/*
 * batch_json.h - rows of a batch as JSON and as CSV.
 *
 * JSON: NULL as null, integers as numbers, doubles by their shortest digits
 * (null when not finite), time stamps as "YYYY-MM-DDTHH:MM:SSZ" (".ffffff"
 * only when not zero), lists as arrays, points as [a,b].  CSV as RFC 4180 has
 * it: NULL is nothing, an empty text is "", lists are their JSON.
 * A failed call leaves *b as it was up to the last whole value.
 */
#ifndef RECORD_BATCH_JSON_H
#define RECORD_BATCH_JSON_H

#include "core/buf.h"
#include "record/batch.h"

int batch_json_value(const struct batch *rows, size_t col, size_t row,
                     struct buf *b, struct err *e) MUST_USE;
/* One object, keys in column order, no line feed. */
int batch_json_row(const struct batch *rows, size_t row, struct buf *b,
                   struct err *e) MUST_USE;
/* An array of objects. */
int batch_json_rows(const struct batch *rows, struct buf *b,
                    struct err *e) MUST_USE;

/* The names of the columns, and a row; each ended by LF. */
int batch_csv_head(const struct batch *rows, struct buf *b,
                   struct err *e) MUST_USE;
int batch_csv_row(const struct batch *rows, size_t row, struct buf *b,
                  struct err *e) MUST_USE;

#endif

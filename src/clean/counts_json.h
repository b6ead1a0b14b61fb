/*
 * counts_json.h - what cleaning counted, as JSON (`clean --stats`).
 */
#ifndef CLEAN_COUNTS_JSON_H
#define CLEAN_COUNTS_JSON_H

#include "clean/clean.h"

/* Append {"rows", "cleaned", "duplicate", "rejected", "messages", "expanded",
 * "nulled": {column: {rule: n}}, "rejects": {reason: n}, "decoded": {how: n},
 * "drift": {kind: {field: {"count", "first"}}}} and a line feed. */
int counts_json(const struct clean_counts *s, const struct spec_table *t,
                int64_t duplicates, struct buf *b, struct err *e) MUST_USE;

#endif

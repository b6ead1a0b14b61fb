/*
 * decoded.h - a decoded record as canonical JSON, for engines that are not
 * ours: one line, keys unique (the last one counts), numbers so that whole and
 * real ones stay apart (12 and 12.0).
 */
#ifndef CLEAN_DECODED_H
#define CLEAN_DECODED_H

#include "core/buf.h"
#include "json/json.h"

/* Append the object, without a line feed. */
int decoded_print(struct buf *b, yyjson_val *object, struct err *e) MUST_USE;

#endif

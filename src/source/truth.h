/*
 * truth.h - the right answers about generated rows.
 *
 * Counted from what the generator planted, with code of its own: nothing of
 * decoding, cleaning or the answers' SQL is used, so that these can be tested
 * against it.  Memory does not grow with the rows (but for a few bytes a
 * poster, of whom there are at most 4 million).
 */
#ifndef SOURCE_TRUTH_H
#define SOURCE_TRUTH_H

#include "core/buf.h"
#include "core/progress.h"
#include "source/source.h"

/*
 * Append one JSON object: "tables", the accounts of each table (messages,
 * records, expanded, cleaned, rejected, duplicate, binary, rejects by reason,
 * "nulls" per column of the cleaned rows, "nulls_made" per column over all
 * records, missing and null values not counted), and "answers", 01 to 15 with
 * their default variants.  progress may be NULL.  ERR_INTERRUPTED when asked
 * to stop.
 */
int truth_write(const struct source_conf *conf, struct progress *progress,
                struct buf *b, struct err *e) MUST_USE;

#endif

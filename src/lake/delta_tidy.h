/*
 * delta_tidy.h - keeping a table healthy: small files into large ones, files
 * and log entries that nobody needs any more.
 *
 * For any handle beside other writers and readers of the same table.
 */
#ifndef LAKE_DELTA_TIDY_H
#define LAKE_DELTA_TIDY_H

#include "lake/delta.h"

struct delta_tidied {
    int64_t files, bytes; /* that went */
    int64_t made;         /* files made instead */
};
/* Make large files of small ones (under small_bytes), if there are `least`
 * of a partition; rows stay as they are.  Other writers may append meanwhile. */
int delta_compact(struct delta *t, int64_t small_bytes, size_t least,
                  struct delta_tidied *ret, struct err *e) MUST_USE;
/* Delete data files that the table has not had for retain_us; dry: count. */
int delta_vacuum(struct delta *t, int64_t retain_us, bool dry,
                 struct delta_tidied *ret, struct err *e) MUST_USE;
/* Delete log entries older than delta.logRetentionDuration (30 days) that no
 * younger version needs. */
int delta_clean_log(struct delta *t, struct delta_tidied *ret,
                    struct err *e) MUST_USE;

#endif

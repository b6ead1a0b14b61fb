/*
 * query_int.h - what the files of the command query share.
 */
#ifndef CLI_QUERY_INT_H
#define CLI_QUERY_INT_H

#include "cli/cmd_int.h"
#include "cli/table.h"
#include "flow/analysis.h"

struct query {
    const struct analyses *all;
    struct engine *engine;
    struct engine *raw; /* over rows that were not deduplicated; NULL: not
                         * to be had */
    const struct analysis_choice *choices; /* of the user */
    size_t nchoices;
    struct table_style style;
    struct buf *out;
};

struct query_raw; /* opaque */

/* Clean the project's raw objects again without deduplication; c has the
 * project's settings only.  *ret_engine answers over them until the close. */
int query_raw_open(struct query_raw **ret, struct engine **ret_engine,
                   struct cli *c, struct err *e) MUST_USE;
void query_raw_close(struct query_raw *r); /* NULL is fine */

/* Every value of every parameter of one answer beside the default. */
int query_variants(const struct query *q, const struct analysis *a,
                   struct err *e) MUST_USE;

#endif

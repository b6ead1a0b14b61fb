/*
 * query_int.h - what cmd_query.c and query_variants.c share.
 */
#ifndef CLI_QUERY_INT_H
#define CLI_QUERY_INT_H

#include "cli/table.h"
#include "flow/analysis.h"

struct query {
    const struct analyses *all;
    struct engine *engine;
    const struct analysis_choice *choices; /* of the user */
    size_t nchoices;
    struct table_style style;
    struct buf *out;
};

/* Every value of every parameter of one answer beside the default. */
int query_variants(const struct query *q, const struct analysis *a,
                   struct err *e) MUST_USE;

#endif

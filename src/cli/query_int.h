/*
 * query_int.h - what the files of the command query share.
 */
#ifndef CLI_QUERY_INT_H
#define CLI_QUERY_INT_H

#include "cli/cmd_int.h"
#include "cli/table.h"
#include "flow/analysis.h"
#include "flow/project.h"

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

enum {
    QUERY_CHOICES_MAX = 64
};

/* One answer to give, with what it is to be asked with. */
struct query_item {
    const struct analysis *a;
    struct analysis_choice choices[QUERY_CHOICES_MAX];
    size_t n;
    bool asked; /* rows holds the answer; frame_release() */
    struct frame rows;
};

/* Open an engine by name, with the project's tables in a folder. */
int query_engine(struct engine **ret, struct project *p, const char *kind,
                 const char *tables, int64_t timeout_us,
                 struct err *e) MUST_USE;
/* Ask an engine outside of this process for all items at once. */
int query_far_answers(struct engine *g, const struct analyses *all,
                      struct query_item *items, size_t n,
                      struct err *e) MUST_USE;

#endif

/*
 * analysis_int.h - what analysis.c and analysis_parse.c share.
 */
#ifndef FLOW_ANALYSIS_INT_H
#define FLOW_ANALYSIS_INT_H

#include "core/arena.h"
#include "flow/analysis.h"

enum {
    ANALYSIS_FILES_MAX = 200,
    ANALYSIS_VIEWS_MAX = 64
};

struct analysis_view {
    const char *name;
    const char *what;
    const char *sql;
};

struct analyses {
    struct arena arena; /* all texts */
    struct analysis list[ANALYSIS_FILES_MAX];
    size_t n;
    struct analysis_view views[ANALYSIS_VIEWS_MAX];
    size_t nviews;
};

/* Take in one file; `path` names it in errors. */
int analysis_parse(struct analyses *all, const char *path, struct slice bytes,
                   struct err *e) MUST_USE;
int analysis_parse_views(struct analyses *all, const char *path,
                         struct slice bytes, struct err *e) MUST_USE;
const struct analysis_param *analysis_param(const struct analysis *a,
                                            struct slice name);

#endif

/*
 * fetch.h - objects of a store copied to a local folder, for what reads files.
 */
#ifndef FLOW_FETCH_H
#define FLOW_FETCH_H

#include "core/fs.h"
#include "flow/project.h"

/*
 * Copy every object below url ("s3://BUCKET/PREFIX"), or the one object that
 * it names, into `folder`, which is made, under their keys.  *ret_objects is
 * how many came.  ERR_INVALID when there is none.
 */
int flow_fetch(struct project *p, const char *url, const char *folder,
               int64_t *ret_objects, struct err *e) MUST_USE;

/*
 * Words as files to read: what is no url stays as it is; objects are copied
 * into a hidden folder, in the order of their keys, a word's behind each
 * other, until flow_fetched_close().
 */
struct flow_fetched {
    struct arena arena;
    char folder[FS_PATH_MAX]; /* "": nothing was copied */
    const char **paths;
    const char **names; /* "s3://BUCKET/KEY", or the path */
    size_t n, cap;
};
int flow_fetched_open(struct flow_fetched *f, struct project *p,
                      const char *const *words, size_t n,
                      struct err *e) MUST_USE;
void flow_fetched_close(struct flow_fetched *f);

#endif

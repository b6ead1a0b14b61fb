/*
 * fetch.h - objects of a store copied to a local folder, for what reads files.
 */
#ifndef FLOW_FETCH_H
#define FLOW_FETCH_H

#include "flow/project.h"

/*
 * Copy every object below url ("s3://BUCKET/PREFIX"), or the one object that
 * it names, into `folder`, which is made, under their keys.  *ret_objects is
 * how many came.  ERR_INVALID when there is none.
 */
int flow_fetch(struct project *p, const char *url, const char *folder,
               int64_t *ret_objects, struct err *e) MUST_USE;

#endif

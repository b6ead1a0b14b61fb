/*
 * delta_handle_int.h - the handle that delta.c and delta_data.c share.
 */
#ifndef LAKE_DELTA_HANDLE_INT_H
#define LAKE_DELTA_HANDLE_INT_H

#include "lake/delta_int.h"

struct delta {
    char *dir;
    struct delta_state s;
    int64_t checkpointed; /* version of the newest checkpoint, -1: none */
    struct duck *duck;    /* borrowed, or `own`, or NULL until needed */
    struct duck *own;
};

int delta_need_duck(struct delta *t, struct err *e) MUST_USE;
/* Load the state that checkpoint `version` holds. */
int delta_checkpoint_read(struct delta *t, int64_t version,
                          struct err *e) MUST_USE;
/* The metaData line of the table with this schema and these properties on top
 * of what it has. */
int delta_put_schema(struct delta *t, const struct delta_schema *schema,
                     int64_t now_ms, struct buf *b, struct err *e) MUST_USE;

#endif

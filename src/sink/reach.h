/*
 * reach.h - how far the coming commit of a sink goes, a span a partition.
 */
#ifndef SINK_REACH_H
#define SINK_REACH_H

#include "sink/sink_ops.h"

struct sink_reach {
    char topic[TOPIC_NAME_MAX + 1];
    struct span span; /* its topic is the one above */
};

struct sink_reaches {
    struct sink_reach **at;
    size_t n;
};

/* The partition's, or NULL. */
struct sink_reach *sink_reach_find(const struct sink_reaches *r,
                                   const struct span *where);
/* The span follows what its partition has in the coming commit; ERR_FENCED when
 * it does not. */
int sink_reach_extend(struct sink_reaches *r, const struct span *span,
                      struct err *e) MUST_USE;
/* After the commit, or without it; memory is kept until _release(). */
void sink_reach_clear(struct sink_reaches *r);
void sink_reach_release(struct sink_reaches *r);

#endif

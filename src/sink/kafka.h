/*
 * kafka.h - what the sink "kafka" needs of the flow; sinks know no broker.
 *
 * One thread.
 */
#ifndef SINK_KAFKA_H
#define SINK_KAFKA_H

#include "core/err.h"
#include "core/slice.h"
#include "record/span.h"

/* Where records go together with the positions they come from. */
struct sink_outbox {
    void *arg;
    /* The stored position (next offset); 0 when there is none yet. */
    int (*position)(void *arg, const struct span *where, int64_t *ret,
                    struct err *e);
    /* A record that the next commit shows; it is copied. */
    int (*put)(void *arg, struct slice key, bool has_key, struct slice value,
               struct err *e);
    /* All that was put, and the ends of these spans, at once. */
    int (*commit)(void *arg, const struct span *spans, size_t n, struct err *e);
};

#endif

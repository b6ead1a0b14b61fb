/*
 * sink_ops.h - what a sink must implement.  For connector authors only;
 * callers use sink/sink.h, whose contract holds for every op.
 *
 * open() either succeeds, and close() is then called exactly once, or fails
 * and has released all it took.  write_messages or write_rows is NULL,
 * according to `takes`.
 */
#ifndef SINK_SINK_OPS_H
#define SINK_SINK_OPS_H

#include "sink/sink.h"

struct sink_ops {
    const char *name;        /* the word in a configuration file */
    const char *unavailable; /* why this build lacks it; else NULL */
    const char *help;        /* one line, no full stop */
    enum sink_takes takes;

    int (*open)(void **sink, const struct sink_conf *conf, struct err *e);
    const char *(*owner)(const void *sink); /* NULL: not known */
    int (*position)(void *sink, const struct span *where, int64_t *ret,
                    struct err *e);
    int (*write_messages)(void *sink, const struct span *span,
                          const struct message *m, size_t n, struct err *e);
    int (*write_rows)(void *sink, const struct span *span,
                      const struct batch *rows, struct err *e);
    int (*commit)(void *sink, bool flush, struct err *e);
    void (*forget)(void *sink, const struct span *where); /* NULL: one owner */
    void (*close)(void *sink);
};

/* ERR_FENCED unless the span begins at `next`, where the output ends. */
int sink_expect(int64_t next, const struct span *span, struct err *e) MUST_USE;

#endif

/*
 * engine_ops.h - what an engine must implement.  For connector authors only;
 * callers use engine/engine.h, whose contract holds for every op.
 *
 * open() either succeeds, and close() is then called exactly once, or fails
 * and has released all it took.  From keep on all but query and close may be
 * NULL; without query_many, query is called n times.
 */
#ifndef ENGINE_ENGINE_OPS_H
#define ENGINE_ENGINE_OPS_H

#include "engine/engine.h"

struct engine_ops {
    const char *name;        /* the word in a configuration file */
    const char *unavailable; /* why this build lacks it; else NULL */
    const char *help;        /* one line, no full stop */
    const char *dialect;
    bool owns_tables; /* add_delta and add_batches are not called */

    int (*open)(void **g, const struct engine_conf *conf, struct err *e);
    const char *(*version)(const void *g);
    int (*add_delta)(void *g, const char *name, const char *dir, struct err *e);
    int (*add_batches)(void *g, const char *name,
                       const struct batch *const *batches, size_t n,
                       struct err *e);
    int (*keep)(void *g, const char *name, const char *select, struct err *e);
    int (*keep_nulls)(void *g, const char *prefix, bool *ret, struct err *e);
    int (*lock)(void *g, struct err *e);
    int (*query)(void *g, const char *sql, size_t max_bytes, struct frame *ret,
                 struct err *e);
    int (*query_many)(void *g, const char *const *sql, size_t n,
                      size_t max_bytes, struct frame *ret, struct err *e);
    int (*before)(void *g, struct slice statements, struct err *e);
    int (*notebook)(void *g, const char *path, const char *interval,
                    const char *token, struct err *e);
    void (*interrupt)(void *g);
    void (*close)(void *g);
};

#endif

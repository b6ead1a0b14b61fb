/*
 * source_ops.h - for those who write a source; users include source.h.
 *
 * One `const struct source_ops` a source and one line in source.c's list.  A
 * handle is used by one thread at a time; calls may come in any order and any
 * row may be asked for again.
 */
#ifndef SOURCE_SOURCE_OPS_H
#define SOURCE_SOURCE_OPS_H

#include "source/source.h"

struct source_ops {
    const char *name;   /* as in help and messages */
    const char *scheme; /* url prefix, "sqlite:"; NULL: takes plain paths */
    const char *help;   /* one line: what a url looks like */
    /* NULL ops below and a reason: known, but not in this build */
    const char *absent;
    /* rest: the url behind the scheme (the whole url when scheme is NULL) */
    int (*open)(void **ret, const char *rest, const struct source_conf *conf,
                struct err *e);
    void (*close)(void *handle);
    /* see source_rows() and source_row() */
    int (*rows)(void *handle, size_t table, int64_t *ret, struct err *e);
    int (*row)(void *handle, size_t table, int64_t n, struct buf *b,
               bool *ret_json, struct err *e);
};

extern const struct source_ops source_files;
extern const struct source_ops source_generator;
extern const struct source_ops source_mysql;
extern const struct source_ops source_path;
extern const struct source_ops source_postgres;
extern const struct source_ops source_sqlite;

#endif

/*
 * tidy.h - keeping tables healthy: small files become large ones, files and
 * log entries that nobody needs go.  Rows stay as they are, and whoever
 * writes the table may go on meanwhile.
 */
#ifndef FLOW_TIDY_H
#define FLOW_TIDY_H

#include "store/store.h"

#define TIDY_RETAIN_US ((int64_t)7 * 86400 * 1000000)

enum {
    TIDY_SMALL_BYTES = 16 << 20 /* a data file under this is small */
};

struct tidy_conf {
    bool compact;
    size_t least; /* small files, before they are worth it; 0: 2 */
    bool vacuum;
    int64_t retain_us; /* vacuum: spare what was needed since then */
    bool dry;          /* vacuum: only count */
    int threads;       /* of the engine; 0: as many as cores */
    const struct store_conf *store; /* how url is reached; NULL: defaults */
};

struct tidy_result {
    int64_t compacted, made; /* files */
    int64_t deleted;         /* data files, or with dry: that would be */
    int64_t freed;           /* their bytes */
    int64_t entries;         /* of the log */
};

/* url: a table's folder or place in a store.  ERR_NOTFOUND: no table.
 * ERR_DENIED: not one of ours. */
int tidy_table(const char *url, const struct tidy_conf *conf,
               struct tidy_result *ret, struct err *e) MUST_USE;

#endif

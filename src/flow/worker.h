/*
 * worker.h - SQL that somebody typed or sent, run in a process of its own.
 *
 * `pinline worker` reads one request from its standard input, may read
 * nothing but the tables and write nothing at all, has limits on memory and
 * time, and prints the rows; a query that runs away takes only it down.
 */
#ifndef FLOW_WORKER_H
#define FLOW_WORKER_H

#include "core/buf.h"

enum {
    WORKER_REQUEST_MAX = 4 << 20,
    WORKER_ANSWER_MAX = 256 << 20
};

enum {
    WORKER_SETS_MAX = 100
};

/* The global options that name a project; all may be NULL. */
struct worker_project {
    const char *config, *data;
    const char *const *sets;
    size_t nsets; /* at most WORKER_SETS_MAX */
};

struct worker_request {
    struct slice sql;
    const char *tables; /* folder of the cleaned tables */
    /* whose raw records are df_NAME where the SQL says so; NULL: there are
     * none.  Not sent: they are the worker's own options. */
    const struct worker_project *project;
    bool raw;                      /* the worker's side: there is a project */
    const char *format;            /* "table", "json", "csv"; "chunks": below */
    int width;                     /* of a table; 0: as wide as it is */
    int64_t row_limit, byte_limit; /* of "chunks"; 0: none */
    int64_t timeout_us;            /* 0: 30 s */
    int64_t memory;                /* bytes; 0: 1 GB */
    /* asked 20 times a second while it runs: true ends it, ERR_INTERRUPTED */
    bool (*give_up)(void *arg);
    void *arg;
};

/*
 * "chunks" are lines.  The first is a JSON object: "columns", an array of {"name",
 * "position","type_name","type_text"} as Databricks has them; "chunks", one
 * {"rows","bytes"} for each line that follows, which is an array of rows (at
 * least one line, maybe of none); "truncated", whether a limit left rows out.
 * A row is an array of texts and nulls.
 */

/* Run it; the rows, formatted, are appended to *out.  The errors are the
 * query's own: ERR_INVALID, ERR_DENIED, ERR_LIMIT, ERR_TIMEOUT. */
int worker_run(const struct worker_request *r, struct buf *out,
               struct err *e) MUST_USE;

/* The worker's side.  The texts of *ret point into memory that `text` owns. */
int worker_parse(struct slice request, struct worker_request *ret,
                 struct buf *text, struct err *e) MUST_USE;
/* Give up what a query must not have: memory, files, time. */
int worker_confine(const struct worker_request *r, struct err *e) MUST_USE;
/* An error as the line that worker_run() reads. */
int worker_fault(const struct err *fault, struct buf *b,
                 struct err *e) MUST_USE;

#endif

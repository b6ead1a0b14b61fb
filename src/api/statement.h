/*
 * statement.h - SQL statements that clients sent: run one a thread, each in a
 * process of its own (flow/worker.h), kept until they are asked for.
 *
 * At most STATEMENTS_MAX are kept; beyond that the oldest that has ended is
 * forgotten, and when none has, a new one is ERR_BUSY.  Any thread.
 */
#ifndef API_STATEMENT_H
#define API_STATEMENT_H

#include "api/server.h"
#include "json/json.h"

enum {
    STATEMENTS_MAX = 64,
    STATEMENT_ID = 37,
};

struct statements; /* opaque */
struct worker_project;

enum statement_state {
    STATEMENT_RUNNING,
    STATEMENT_SUCCEEDED,
    STATEMENT_FAILED,
    STATEMENT_CANCELED,
};

struct statement_wish {
    struct slice sql;
    const char *tables;                   /* folder of the cleaned tables */
    const struct worker_project *project; /* as of worker.h; not copied */
    int64_t timeout_us;
    int64_t row_limit, byte_limit; /* 0: none but 25 MiB for all of them */
    int64_t wait_us; /* how long `r` waits for its end; 0: not at all */
    struct http_request
        *r; /* woken once, by the end or when the wait is over */
};

int statements_new(struct statements **ret, struct err *e) MUST_USE;
/* The request does not wait any longer; false when it was woken already.  For
 * http_request.expire. */
bool statements_unwait(struct statements *s, const struct http_request *r);
/* Ask all that run to end; what was asked before may still be looked at. NULL is
 * fine, here and below. */
void statements_stop(struct statements *s);
void statements_free(struct statements *s);
/* Begin one; a request that waits is suspended by the caller before, and is
 * the caller's again when this fails. */
int statements_begin(struct statements *s, const struct statement_wish *w,
                     char ret_id[STATEMENT_ID], struct err *e) MUST_USE;
/* Its state; its error, or the first line of its result (worker.h, "chunks"),
 * is copied to *fault, *b.  ERR_NOTFOUND. */
int statements_look(struct statements *s, struct slice id,
                    enum statement_state *ret, struct buf *b, struct err *fault,
                    struct err *e) MUST_USE;
/* Append the rows of a chunk, an array; ERR_NOTFOUND when the statement or the
 * chunk is not there, or has no rows yet. */
int statements_chunk(struct statements *s, struct slice id, int64_t chunk,
                     struct buf *b, struct err *e) MUST_USE;
int statements_cancel(struct statements *s, struct slice id,
                      struct err *e) MUST_USE;

/* ":name" in SQL replaced by its value, outside of quotes and comments:
 * CAST('value' AS type).  parameters: an array of {"name","value","type"?} or
 * NULL.  ERR_INVALID names what is missing. */
int statement_bind(struct slice sql, yyjson_val *parameters, struct buf *b,
                   struct err *e) MUST_USE;

#endif

/*
 * postgres.h - a connection to PostgreSQL, reduced to what we use.
 *
 * The only door to libpq, which is loaded when first needed.  One thread at a
 * time.  Every call has a time-out: connecting 10 s, statements 10 minutes
 * without a sign of life; when the program is asked to stop, 10 s more.  Texts
 * are UTF-8, times are UTC and ISO, notices are dropped.
 *
 * Codes: ERR_CONNECT (away, going away: open again), ERR_DENIED, ERR_NOTFOUND
 * (no such database, table, column), ERR_EXISTS (a unique key), ERR_DATA (a
 * value does not fit), ERR_CONFLICT and ERR_BUSY (locks), ERR_IO (its disk),
 * ERR_TIMEOUT, ERR_INTERRUPTED, ERR_UNAVAILABLE (no libpq).  Messages hold the
 * server's words, never the password.
 */
#ifndef DB_POSTGRES_H
#define DB_POSTGRES_H

#include "core/buf.h"
#include "db/login.h"

struct postgres;      /* opaque: one connection */
struct postgres_rows; /* opaque: what a statement gave */

/* What a column holds, as far as anybody here must know. */
enum postgres_type {
    POSTGRES_TEXT, /* and all that is sent as text */
    POSTGRES_BOOL,
    POSTGRES_INT,      /* smallint, integer, bigint */
    POSTGRES_FLOAT,    /* real, double precision */
    POSTGRES_DATETIME, /* timestamp, with or without time zone */
    POSTGRES_JSON,     /* json, jsonb */
};

/* Try again, with growing pauses, for up to wait_us (0: one attempt). */
int postgres_open(struct postgres **ret, const struct login *login,
                  int64_t wait_us, struct err *e) MUST_USE;
/* NULL is fine; an open transaction is rolled back by the server. */
void postgres_close(struct postgres *db);

/* Statements without parameters, split by ';'; rows are dropped.  *ret_rows
 * (may be NULL): rows that the last one wrote or gave. */
int postgres_exec(struct postgres *db, const char *sql, int64_t *ret_rows,
                  struct err *e) MUST_USE;
/* Roll back and, when a COPY runs, end it; a connection that does not answer
 * is left for postgres_close(). */
void postgres_rollback(struct postgres *db);

/* One statement with $1, $2, ...: texts, NULL where ptr is NULL.  A name that
 * postgres_prepare() knows, or the statement itself when `name` is NULL. */
struct postgres_call {
    const char *name;
    const char *sql;
    const struct slice *params;
    size_t n; /* up to POSTGRES_PARAMS_MAX */
};
enum {
    POSTGRES_PARAMS_MAX = 16
};
int postgres_prepare(struct postgres *db, const char *name, const char *sql,
                     struct err *e) MUST_USE;
int postgres_call(struct postgres *db, const struct postgres_call *call,
                  struct postgres_rows **ret, struct err *e) MUST_USE;

/* Values are text, good until the rows are freed; NULL is empty. */
size_t postgres_rows_count(const struct postgres_rows *r);
int64_t postgres_rows_changed(const struct postgres_rows *r);
size_t postgres_rows_columns(const struct postgres_rows *r);
const char *postgres_rows_name(const struct postgres_rows *r, size_t col);
enum postgres_type postgres_rows_type(const struct postgres_rows *r,
                                      size_t col);
bool postgres_rows_null(const struct postgres_rows *r, size_t row, size_t col);
struct slice postgres_rows_value(const struct postgres_rows *r, size_t row,
                                 size_t col);
void postgres_rows_free(struct postgres_rows *r); /* NULL is fine */

/* COPY ... FROM STDIN: begin, put in any pieces, end; the server's answer,
 * also about what was put, comes at the end.  Memory does not grow. */
int postgres_copy_begin(struct postgres *db, const char *sql,
                        struct err *e) MUST_USE;
int postgres_copy_put(struct postgres *db, struct slice bytes,
                      struct err *e) MUST_USE;
int postgres_copy_end(struct postgres *db, int64_t *ret_rows,
                      struct err *e) MUST_USE;

/* A name in quotes, as SQL has it: "na""me". */
int postgres_put_name(struct buf *b, struct slice name, struct err *e) MUST_USE;
/* A text in quotes: 'it''s'. */
int postgres_put_text(struct buf *b, struct slice text, struct err *e) MUST_USE;

#endif

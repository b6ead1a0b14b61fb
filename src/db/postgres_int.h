/*
 * postgres_int.h - the insides of a connection, for its own files.
 *
 * The only file that sees libpq-fe.h.
 */
#ifndef DB_POSTGRES_INT_H
#define DB_POSTGRES_INT_H

#include <libpq-fe.h>

#include "core/dynlib.h"
#include "db/postgres.h"

#define PQ_API_MAP(XX)       \
    XX(PQcancel)             \
    XX(PQclear)              \
    XX(PQcmdTuples)          \
    XX(PQconnectPoll)        \
    XX(PQconnectStartParams) \
    XX(PQconsumeInput)       \
    XX(PQerrorMessage)       \
    XX(PQfinish)             \
    XX(PQflush)              \
    XX(PQfname)              \
    XX(PQfreeCancel)         \
    XX(PQftype)              \
    XX(PQgetCancel)          \
    XX(PQgetResult)          \
    XX(PQgetisnull)          \
    XX(PQgetlength)          \
    XX(PQgetvalue)           \
    XX(PQisBusy)             \
    XX(PQnfields)            \
    XX(PQntuples)            \
    XX(PQputCopyData)        \
    XX(PQputCopyEnd)         \
    XX(PQresultErrorField)   \
    XX(PQresultStatus)       \
    XX(PQsendPrepare)        \
    XX(PQsendQuery)          \
    XX(PQsendQueryParams)    \
    XX(PQsendQueryPrepared)  \
    XX(PQsetErrorVerbosity)  \
    XX(PQsetNoticeProcessor) \
    XX(PQsetnonblocking)     \
    XX(PQsocket)             \
    XX(PQstatus)             \
    XX(PQtransactionStatus)

struct pq {
    struct dynlib lib;
#define XX(name) __typeof__(&name) name;
    PQ_API_MAP(XX)
#undef XX
};

enum {
    POSTGRES_SILENT_US = 600000000, /* a statement without a sign of life */
};

struct postgres {
    struct pq pq;
    PGconn *conn;
    bool copying;
    char who[LOGIN_URL_MAX];
};

/* What went wrong, by its SQLSTATE (NULL: none), in the server's words. */
int postgres_fail(struct postgres *db, const char *state, struct slice said,
                  struct err *e);
/* What the connection itself says. */
int postgres_fail_connection(struct postgres *db, struct err *e);
/* Until the socket is ready for `events`; 0 when a while has passed. */
int postgres_wait(struct postgres *db, short events, int64_t *deadline,
                  struct err *e) MUST_USE;
/* All results of what was sent; the last one is the caller's. */
int postgres_finish(struct postgres *db, PGresult **ret,
                    struct err *e) MUST_USE;
/* The same for what gives no rows; *ret_rows (may be NULL): how many it wrote. */
int postgres_end(struct postgres *db, int64_t *ret_rows,
                 struct err *e) MUST_USE;
/* Rows that a statement wrote or gave. */
int64_t postgres_changed(const struct pq *pq, PGresult *r);

#endif

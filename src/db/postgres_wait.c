/* postgres_wait.c - what the server says, within a time. */
#include "db/postgres_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "core/stop.h"

enum {
    STOP_US = 10000000, /* what is left of a wait when asked to stop */
    SLICE_MS = 200,     /* between two looks at the clock */
};

/* --- what went wrong ------------------------------------------------------ */

/* SQLSTATE or its class -> our code; the first that fits. */
static const struct {
    const char *state;
    enum err_code code;
    const char *hint;
} states[] = {
    {"08", ERR_CONNECT, ""},
    {"22", ERR_DATA, ""},
    {"23505", ERR_EXISTS, ""},
    {"23", ERR_DATA, ""},
    {"28", ERR_DENIED,
     "; say USER and PASSWORD in local_db_creds.yaml or .env (chmod 600)"},
    {"3D", ERR_NOTFOUND, "; name another DATABASE, or create it"},
    {"3F", ERR_NOTFOUND, "; create the schema, or name another"},
    {"40", ERR_CONFLICT, ""},
    {"42501", ERR_DENIED, "; its owner has to GRANT that"},
    {"42703", ERR_NOTFOUND, ""},
    {"42P01", ERR_NOTFOUND, ""},
    {"42P07", ERR_EXISTS, ""},
    {"53100", ERR_IO, "; make room on the server's disk"},
    {"53300", ERR_CONNECT, ""},
    {"53", ERR_IO, ""},
    {"55P03", ERR_BUSY, ""},
    {"57014", ERR_TIMEOUT, ""},
    {"57P", ERR_CONNECT, ""},
    {"58", ERR_IO, ""},
};

int postgres_fail(struct postgres *db, const char *state, struct slice said,
                  struct err *e)
{
    said = slice_trim(said);
    said.len = said.len < 300 ? said.len : 300;
    for (size_t i = 0; state != NULL && i < ARRAY_LEN(states); i++) {
        if (strncmp(state, states[i].state, strlen(states[i].state)) == 0) {
            return err_set(e, states[i].code, "database \"%s\": %.*s%s",
                           db->who, SLICE_FMT(said), states[i].hint);
        }
    }
    return err_set(e,
                   db->pq.PQstatus(db->conn) == CONNECTION_BAD ? ERR_CONNECT
                                                               : ERR_INVALID,
                   "database \"%s\": %.*s", db->who, SLICE_FMT(said));
}

/* What the connection itself says: its first line. */
int postgres_fail_connection(struct postgres *db, struct err *e)
{
    const char *text = db->pq.PQerrorMessage(db->conn);
    struct slice all = slice_of(text[0] != '\0' ? text : "it went away");
    struct slice line;

    (void)slice_cut(&all, '\n', &line);
    return postgres_fail(db, "08", line, e);
}

static int fail_result(struct postgres *db, const PGresult *r, struct err *e)
{
    const char *state = db->pq.PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = db->pq.PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    const char *where = db->pq.PQresultErrorField(r, PG_DIAG_CONTEXT);
    char line[400];

    if (text == NULL) {
        return postgres_fail_connection(db, e);
    }
    /* "COPY clean_pin, line 7, column age": where in what was sent */
    (void)snprintf(line, sizeof(line), "%s%s%.80s", text,
                   where != NULL ? "; " : "", where != NULL ? where : "");
    return postgres_fail(db, state, slice_of(line), e);
}

/* --- waiting ------------------------------------------------------------------ */

static bool stopping(int64_t *deadline)
{
    int64_t last = clock_mono_us() + STOP_US;

    if (stop_asked() && *deadline > last) {
        *deadline = last;
    }
    return stop_asked();
}

/* Until the socket is ready for `events`; 0 when a while has passed. */
int postgres_wait(struct postgres *db, short events, int64_t *deadline,
                  struct err *e)
{
    struct pollfd p = {.fd = db->pq.PQsocket(db->conn), .events = events};
    bool stop = stopping(deadline);
    int n;

    if (clock_mono_us() > *deadline) {
        return err_set(e, stop ? ERR_INTERRUPTED : ERR_TIMEOUT,
                       "database \"%s\" did not answer in time", db->who);
    }
    n = poll(&p, 1, SLICE_MS);
    if (n < 0 && errno != EINTR) {
        return err_set(e, ERR_IO, "could not wait for database \"%s\": %s",
                       db->who, strerror(errno));
    }
    return n > 0 ? p.revents : 0;
}

static void cancel(struct postgres *db)
{
    PGcancel *c = db->pq.PQgetCancel(db->conn);
    char why[256];

    if (c != NULL) {
        (void)db->pq.PQcancel(c, why, sizeof(why));
        db->pq.PQfreeCancel(c);
    }
}

/* Send what is not sent, and wait for a result; NULL: there is no more. */
static int next_result(struct postgres *db, PGresult **ret, struct err *e)
{
    int64_t deadline = clock_mono_us() + POSTGRES_SILENT_US;

    for (;;) {
        int unsent = db->pq.PQflush(db->conn);
        int ready;

        if (unsent < 0) {
            return postgres_fail_connection(db, e);
        }
        if (unsent == 0 && !db->pq.PQisBusy(db->conn)) {
            *ret = db->pq.PQgetResult(db->conn);
            return 0;
        }
        ready = postgres_wait(db, unsent > 0 ? POLLIN | POLLOUT : POLLIN,
                              &deadline, e);
        if (ready < 0) {
            if (!stop_asked()) { /* that may take long, too */
                cancel(db);
            }
            return -1;
        }
        if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0 &&
            !db->pq.PQconsumeInput(db->conn)) {
            return postgres_fail_connection(db, e);
        }
    }
}

/* All results of what was sent; the last one is the caller's. */
int postgres_finish(struct postgres *db, PGresult **ret, struct err *e)
{
    PGresult *last = NULL;
    PGresult *r = NULL;
    int rc = 0;

    for (;;) {
        if (next_result(db, &r, rc == 0 ? e : NULL) < 0) {
            rc = -1;
            break;
        }
        if (r == NULL) {
            break;
        }
        db->pq.PQclear(last);
        last = r;
        if (db->pq.PQresultStatus(r) == PGRES_FATAL_ERROR && rc == 0) {
            rc = fail_result(db, r, e);
        }
        if (db->pq.PQresultStatus(r) == PGRES_COPY_IN) {
            break;
        }
    }
    if (rc == 0 && last == NULL) {
        rc = err_set(e, ERR_INVALID, "database \"%s\": an empty statement",
                     db->who);
    }
    if (rc < 0) {
        db->pq.PQclear(last);
        return -1;
    }
    *ret = last;
    return 0;
}

int postgres_end(struct postgres *db, int64_t *ret_rows, struct err *e)
{
    PGresult *r;

    if (postgres_finish(db, &r, e) < 0) {
        return -1;
    }
    if (ret_rows != NULL) {
        *ret_rows = postgres_changed(&db->pq, r);
    }
    db->pq.PQclear(r);
    return 0;
}

int64_t postgres_changed(const struct pq *pq, PGresult *r)
{
    int64_t n = 0;

    (void)num_i64(slice_of(pq->PQcmdTuples(r)), &n);
    return n;
}

/* postgres_copy.c - COPY into a table, and names and texts in SQL. */
#include <poll.h>

#include "core/clock.h"
#include "db/postgres_int.h"

enum {
    PUT_MAX = 1 << 20 /* bytes of a COPY handed over at once */
};

/* --- COPY ---------------------------------------------------------------------------- */

int postgres_copy_begin(struct postgres *db, const char *sql, struct err *e)
{
    PGresult *r;
    bool copy;

    if (!db->pq.PQsendQuery(db->conn, sql)) {
        return postgres_fail_connection(db, e);
    }
    if (postgres_finish(db, &r, e) < 0) {
        return -1;
    }
    copy = db->pq.PQresultStatus(r) == PGRES_COPY_IN;
    db->pq.PQclear(r);
    if (!copy) {
        return err_set(e, ERR_INVALID, "database \"%s\" took no COPY", db->who);
    }
    db->copying = true;
    return 0;
}

/* Until all that was put is on its way, so that memory does not grow. */
static int flush(struct postgres *db, struct err *e)
{
    int64_t deadline = clock_mono_us() + POSTGRES_SILENT_US;
    int unsent;

    while ((unsent = db->pq.PQflush(db->conn)) > 0) {
        int ready = postgres_wait(db, POLLIN | POLLOUT, &deadline, e);

        if (ready < 0) {
            return -1;
        }
        /* the server may have something to say while it listens */
        if ((ready & (POLLIN | POLLERR | POLLHUP)) != 0 &&
            !db->pq.PQconsumeInput(db->conn)) {
            return postgres_fail_connection(db, e);
        }
    }
    return unsent < 0 ? postgres_fail_connection(db, e) : 0;
}

int postgres_copy_put(struct postgres *db, struct slice bytes, struct err *e)
{
    while (bytes.len > 0) {
        size_t n = bytes.len < PUT_MAX ? bytes.len : PUT_MAX;

        if (db->pq.PQputCopyData(db->conn, bytes.ptr, (int)n) != 1) {
            return postgres_fail_connection(db, e);
        }
        if (flush(db, e) < 0) {
            return -1;
        }
        bytes = slice_from(bytes, n);
    }
    return 0;
}

int postgres_copy_end(struct postgres *db, int64_t *ret_rows, struct err *e)
{
    db->copying = false;
    if (db->pq.PQputCopyEnd(db->conn, NULL) != 1) {
        return postgres_fail_connection(db, e);
    }
    return postgres_end(db, ret_rows, e);
}

/* --- names ---------------------------------------------------------------------------- */

static int put_quoted(struct buf *b, struct slice s, char quote, struct err *e)
{
    if (buf_putc(b, quote, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        if ((s.ptr[i] == quote && buf_putc(b, quote, e) < 0) ||
            buf_putc(b, s.ptr[i], e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, quote, e);
}

int postgres_put_name(struct buf *b, struct slice name, struct err *e)
{
    return put_quoted(b, name, '"', e);
}

int postgres_put_text(struct buf *b, struct slice text, struct err *e)
{
    return put_quoted(b, text, '\'', e);
}

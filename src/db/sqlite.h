/*
 * sqlite.h - SQLite databases, reduced to what we use.
 *
 * The only door to sqlite3.h.  A database and its statements are used by one
 * thread at a time.  Binding never fails by itself: what went wrong is
 * reported by the next sqlite_step() or sqlite_run().  Text and blobs that
 * are bound are borrowed until the statement is reset; columns are borrowed
 * until it is stepped or reset.
 */
#ifndef DB_SQLITE_H
#define DB_SQLITE_H

#include "core/err.h"
#include "core/slice.h"

struct sqlite;      /* opaque: one connection */
struct sqlite_stmt; /* opaque: a prepared statement */

enum sqlite_mode {
    SQLITE_TO_READ,   /* it must exist: ERR_NOTFOUND */
    SQLITE_TO_WRITE,  /* made when it is not there */
    SQLITE_FROZEN,    /* nobody changes the file any more: no locks taken */
    SQLITE_IN_MEMORY, /* the path is not looked at */
};

/*
 * Waits up to 10 s for a lock of others before ERR_BUSY.  Written databases
 * have synchronous=FULL and foreign keys on; the journal mode is theirs.
 * Other codes: ERR_CORRUPT (not a database), ERR_DENIED, ERR_IO.
 */
int sqlite_open(struct sqlite **ret, const char *path, enum sqlite_mode mode,
                struct err *e) MUST_USE;
void sqlite_close(struct sqlite *db); /* its statements are ended before */
void sqlite_wait_for_locks(struct sqlite *db, int64_t us);
/* Make a call that runs now, or the next one, end with ERR_INTERRUPTED.  The
 * only function that another thread may call. */
void sqlite_interrupt(struct sqlite *db);

/* Statements without parameters, split by ';'; rows are dropped. */
int sqlite_exec(struct sqlite *db, const char *sql, struct err *e) MUST_USE;
/* The first column of the first row as a number; ERR_NOTFOUND: no row. */
int sqlite_int(struct sqlite *db, const char *sql, int64_t *ret,
               struct err *e) MUST_USE;
int64_t sqlite_changes(struct sqlite *db); /* rows, by the last statement */
int64_t sqlite_last_rowid(struct sqlite *db);

/* A transaction that reads one state, or (BEGIN IMMEDIATE) will write. */
int sqlite_begin_read(struct sqlite *db, struct err *e) MUST_USE;
int sqlite_begin(struct sqlite *db, struct err *e) MUST_USE;
int sqlite_commit(struct sqlite *db, struct err *e) MUST_USE;
void sqlite_rollback(struct sqlite *db); /* outside a transaction: nothing */
bool sqlite_in_transaction(struct sqlite *db);

/* Copy what the write-ahead log holds into the database file.  With `empty`
 * waits for readers and cuts the log to nothing; *ret_frames (may be NULL):
 * frames left in the log. */
int sqlite_checkpoint(struct sqlite *db, bool empty, int64_t *ret_frames,
                      struct err *e) MUST_USE;

/* One statement; `keep`: it will be used many times. */
int sqlite_prepare(struct sqlite *db, const char *sql, bool keep,
                   struct sqlite_stmt **ret, struct err *e) MUST_USE;
void sqlite_finalize(struct sqlite_stmt *st); /* NULL is fine */

/* Parameters count from 1. */
void sqlite_bind_int(struct sqlite_stmt *st, int i, int64_t v);
void sqlite_bind_double(struct sqlite_stmt *st, int i, double v);
void sqlite_bind_text(struct sqlite_stmt *st, int i, struct slice s);
void sqlite_bind_blob(struct sqlite_stmt *st, int i, struct slice s);
void sqlite_bind_null(struct sqlite_stmt *st, int i);
void sqlite_bind_cstr(struct sqlite_stmt *st, int i,
                      const char *s); /* or NULL */

/* 1: a row, 0: done, -1. */
int sqlite_step(struct sqlite_stmt *st, struct err *e) MUST_USE;
/* Step to the end, dropping rows, and reset. */
int sqlite_run(struct sqlite_stmt *st, struct err *e) MUST_USE;
/* Ready to run again; nothing is bound, no lock is held. */
void sqlite_reset(struct sqlite_stmt *st);

enum sqlite_type {
    SQLITE_IS_NULL,
    SQLITE_IS_INT,
    SQLITE_IS_DOUBLE,
    SQLITE_IS_TEXT,
    SQLITE_IS_BLOB,
};

/* Columns count from 0.  A column of another type is converted as SQLite
 * does; NULL reads as 0 and as the empty slice. */
int sqlite_columns(struct sqlite_stmt *st);
const char *sqlite_column_name(struct sqlite_stmt *st, int i);
enum sqlite_type sqlite_column_type(struct sqlite_stmt *st, int i);
int64_t sqlite_column_int(struct sqlite_stmt *st, int i);
double sqlite_column_double(struct sqlite_stmt *st, int i);
struct slice sqlite_column_text(struct sqlite_stmt *st, int i); /* UTF-8 */
struct slice sqlite_column_blob(struct sqlite_stmt *st, int i);

const char *sqlite_version(void);

#endif

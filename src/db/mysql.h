/*
 * mysql.h - a connection to MariaDB or MySQL, reduced to what we use.
 *
 * The only door to libmariadb, which is loaded when first needed.  One thread
 * at a time.  Connecting may take 10 s, a statement 10 minutes without a sign
 * of life.  Texts are utf8mb4, times of the session UTC.  Names begin with
 * db_mysql, since those of the library begin with mysql.
 *
 * Codes and messages as in db/postgres.h.
 */
#ifndef DB_MYSQL_H
#define DB_MYSQL_H

#include "core/buf.h"
#include "db/login.h"

struct db_mysql;      /* opaque: one connection */
struct db_mysql_stmt; /* opaque: a prepared statement */

enum db_mysql_type {
    DB_MYSQL_TEXT, /* and all that is sent as text */
    DB_MYSQL_BYTES,
    DB_MYSQL_INT,
    DB_MYSQL_UNSIGNED,
    DB_MYSQL_DOUBLE,
    DB_MYSQL_FLOAT,    /* of four bytes: its value is text */
    DB_MYSQL_DATETIME, /* datetime, timestamp: text */
};

/* Try again, with growing pauses, for up to wait_us (0: one attempt). */
int db_mysql_open(struct db_mysql **ret, const struct login *login,
                  int64_t wait_us, struct err *e) MUST_USE;
void db_mysql_close(struct db_mysql *db); /* NULL is fine; ends statements */

/* One statement without parameters. */
int db_mysql_exec(struct db_mysql *db, const char *sql, struct err *e) MUST_USE;
/* The same, and each row of its answer as texts (NULL is empty). */
int db_mysql_ask(struct db_mysql *db, const char *sql,
                 int (*fn)(void *arg, const struct slice *values, size_t n,
                           struct err *e),
                 void *arg, struct err *e) MUST_USE;

int db_mysql_prepare(struct db_mysql *db, const char *sql,
                     struct db_mysql_stmt **ret, struct err *e) MUST_USE;
/* Run with n numbers for its ?; rows then come one by one, as the server
 * sends them: 1 a row, 0 no more, -1. */
int db_mysql_run(struct db_mysql_stmt *st, const int64_t *params, size_t n,
                 struct err *e) MUST_USE;
int db_mysql_step(struct db_mysql_stmt *st, struct err *e) MUST_USE;
void db_mysql_reset(struct db_mysql_stmt *st); /* rows are not wanted */
void db_mysql_finalize(struct db_mysql_stmt *st);

/* Columns of the row at hand; texts are good until the next step. */
size_t db_mysql_columns(const struct db_mysql_stmt *st);
const char *db_mysql_name(const struct db_mysql_stmt *st, size_t col);
enum db_mysql_type db_mysql_column_type(const struct db_mysql_stmt *st,
                                        size_t col);
bool db_mysql_null(const struct db_mysql_stmt *st, size_t col);
int64_t db_mysql_int(const struct db_mysql_stmt *st, size_t col);
double db_mysql_double(const struct db_mysql_stmt *st, size_t col);
struct slice db_mysql_text(const struct db_mysql_stmt *st, size_t col);

/*
 * LOAD DATA LOCAL INFILE 'x' ...: what `fill` appends to b is the file; it
 * appends nothing at the end.  No file is ever read, whatever a server asks
 * for.  ERR_DATA when a value did not fit (the server only warns).
 */
int db_mysql_load(struct db_mysql *db, const char *sql,
                  int (*fill)(void *arg, struct buf *b, struct err *e),
                  void *arg, struct err *e) MUST_USE;

#endif

/*
 * db_int.h - the insides of the sources that are databases.
 *
 * db.c is what is the same for all: which tables, which key, how a row number
 * becomes a row; db_tables.c finds the tables, db_copy.c keeps a table that
 * has no index.  A dialect (postgres.c, mysql.c) speaks to the server.
 *
 * A row is drawn in constant time: where an index begins with the key, by
 * key (dense keys) or from the nearest remembered key on; where there is none,
 * the table is read once, by a cursor, into a file without a name, and rows
 * come from there.  Rows that are asked for in order are read in pages.
 */
#ifndef SOURCE_DB_INT_H
#define SOURCE_DB_INT_H

#include "db/login.h"
#include "record/guess.h"
#include "source/source_ops.h"

enum {
    DB_MARK_EVERY = 64, /* as in marks.sql */
    DB_MARKS_MAX = 1 << 26,
    DB_NAME_MAX = 256, /* bytes of a table's or column's name */
    DB_PAGE = 256,     /* rows of a page, when they are read in order */
    DB_PAGE_BYTES_MAX = 1 << 28,
    DB_SQL_MAX = 1 << 16,
    DB_PARAMS = 3, /* key, limit, offset */
};

/* One answer row of a question about the database, as texts. */
typedef int db_text_fn(void *arg, const struct slice *values, size_t n,
                       struct err *e);
/* One row of a table as an object; json is false when a text is no UTF-8. */
typedef int db_row_fn(void *arg, struct slice row, bool json, struct err *e);

struct db_dialect {
    enum login_kind kind;
    const char *name;
    char quote; /* around names */
    const char *catalogue;
    const char *rows; /* the statement that gives rows by key */

    int (*open)(void **ret, const struct login *l,
                enum source_datetimes datetimes, int64_t wait_us,
                struct err *e);
    void (*close)(void *db); /* NULL is fine */
    int (*ask)(void *db, const char *sql, db_text_fn *fn, void *arg,
               struct err *e);
    /* slots 0..SOURCE_TABLES_MAX-1; params are DB_PARAMS numbers */
    int (*prepare)(void *db, size_t slot, const char *sql, struct err *e);
    int (*rows_of)(void *db, size_t slot, const int64_t *params, db_row_fn *fn,
                   void *arg, struct err *e);
    /* all rows, streamed */
    int (*scan)(void *db, const char *sql, db_row_fn *fn, void *arg,
                struct err *e);
};

extern const struct db_dialect source_dialect_mysql;
extern const struct db_dialect source_dialect_postgres;

struct db_mark {
    int64_t key;
    int64_t same; /* rows before it with this key */
};

/* A table's rows in a file. */
struct db_copy {
    int fd; /* -1: none */
    uint64_t *ends;
    uint8_t *json;
    size_t rows;
    size_t cap;
    uint64_t bytes; /* written */
    struct buf block;
};

/* Rows that lie in memory: first, first + 1, ... */
struct db_page {
    int64_t first;
    size_t rows;
    struct buf bytes;
    uint64_t ends[DB_PAGE];
    bool json[DB_PAGE];
};

struct db_table {
    char name[DB_NAME_MAX];
    char key[DB_NAME_MAX]; /* "": none that is a whole number */
    int indexed;           /* 1: an index begins with the key; 2: unique */
    int64_t rows;
    int64_t low;           /* lowest key */
    bool dense;            /* row n has key low + n */
    struct db_mark *marks; /* of rows 0, 64, 128, ... unless dense */
    size_t nmarks;
    char *sql;    /* rows by key; NULL: from the copy */
    int64_t last; /* row that was asked for before */
    struct db_page page;
    struct db_copy copy;
};

struct db_source {
    const struct db_dialect *dialect;
    struct login login;
    enum source_datetimes datetimes;
    void *db;
    size_t ntables;
    struct db_table tables[SOURCE_TABLES_MAX];
};

/* Which of the database's tables is meant by each of conf->tables: named in
 * the url ("?pin=posts"), of the same name, one whose name begins with it, or
 * by its columns; and its key: ?key=NAME, else index, ind, idx. */
int db_source_find(struct db_source *s, const struct source_conf *conf,
                   struct err *e) MUST_USE;
/* A statement of source/sql with the table's names in it; mem_free(). */
int db_source_sql(const struct db_source *s, const struct db_table *t,
                  const char *file, char **ret, struct err *e) MUST_USE;

/* Read the table (in the order of its key when it has one) into the copy. */
int db_copy_fill(struct db_source *s, struct db_table *t,
                 struct err *e) MUST_USE;
int db_copy_row(const struct db_table *t, int64_t n, struct buf *b,
                bool *ret_json, struct err *e) MUST_USE;
void db_copy_release(struct db_copy *c);

/* "YYYY-MM-DD HH:MM:SS[.f...][+HH[:MM]]", as databases give it, in quotes in
 * the wanted spelling; other texts as they are. */
int db_put_datetime(struct buf *b, struct slice text,
                    enum source_datetimes spelling, struct err *e) MUST_USE;
/* A double as Python prints it; null when it is none. */
int db_put_double(struct buf *b, double v, struct err *e) MUST_USE;

#endif

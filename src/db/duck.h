/*
 * duck.h - DuckDB reduced to what we use: SQL in, columns in, columns out.
 *
 * The library is loaded with dlopen when the first database is opened, from
 * $PINLINE_DUCKDB (the file), .cache/deps/lib or lib beside the program or
 * above it, where the build fetched it to, or the system's folders.  A
 * database lives in memory, in UTC, and never installs or loads extensions.
 * One thread at a time uses a `struct duck`; only duck_interrupt() may come
 * from another.
 */
#ifndef DB_DUCK_H
#define DB_DUCK_H

#include "core/err.h"
#include "core/slice.h"

struct duck;        /* opaque: a database in memory with one connection */
struct duck_result; /* opaque: the rows of a query */

enum duck_type {
    DUCK_INT32,
    DUCK_INT64,
    DUCK_DOUBLE,
    DUCK_TEXT,
    DUCK_TIMESTAMP, /* microseconds UTC; TIMESTAMPTZ when it goes in */
    DUCK_DOUBLE_LIST,
    DUCK_TEXT_LIST,
    DUCK_POINT, /* struct of two doubles */
    DUCK_BOOL,
};

/*
 * Row i is NULL when valid[i] == 0.  Fixed types: fixed[i] as int32_t,
 * int64_t, double or uint8_t.  Text: bytes[end[i-1]..end[i]), 0 before the
 * first.  Lists: items end[i-1]..end[i] of doubles[], or of texts
 * bytes[item_end[k-1]..item_end[k]).  Points: doubles[2*i], doubles[2*i+1].
 */
struct duck_column {
    const char *name;
    enum duck_type type;
    bool zoneless;         /* timestamps go in as TIMESTAMP */
    const char *fields[2]; /* points: the names of the two doubles */
    uint8_t *valid;
    void *fixed;
    uint64_t *end;
    char *bytes;
    double *doubles;
    uint64_t *item_end;
};

struct duck_rows {
    struct duck_column *columns;
    size_t ncolumns;
    size_t rows;
};

struct duck_conf {
    int threads;          /* 0: as many as cores */
    int64_t memory_bytes; /* 0: half of a gigabyte a thread, at least 1 GB */
    const char *temp_dir; /* where it may spill; NULL: it may not */
};

int duck_open(struct duck **ret, const struct duck_conf *conf,
              struct err *e) MUST_USE;
void duck_close(struct duck *d); /* NULL is fine */
const char *duck_version(const struct duck *d);

/*
 * From here on only SELECT is run, one statement a call, no file but `paths`
 * is read, and no setting changes; for SQL that a client sends.
 */
int duck_lock(struct duck *d, const char *const *paths, size_t n,
              struct err *e) MUST_USE;
/* Queries end with ERR_TIMEOUT after this long; 0: never. */
void duck_set_timeout(struct duck *d, int64_t us);
/* The running query ends with ERR_INTERRUPTED; any thread. */
void duck_interrupt(struct duck *d);

/* Run statements and forget their rows.  Errors in the SQL are ERR_INVALID
 * with DuckDB's first sentence. */
int duck_run(struct duck *d, const char *sql, struct err *e) MUST_USE;
/* Run one statement; its rows come by duck_next() as they are made. */
int duck_query(struct duck *d, const char *sql, struct duck_result **ret,
               struct err *e) MUST_USE;
size_t duck_columns(const struct duck_result *r);
const char *duck_column_name(const struct duck_result *r, size_t col);
enum duck_type duck_column_type(const struct duck_result *r, size_t col);
/* Whether a text column holds dates, "YYYY-MM-DD". */
bool duck_column_is_date(const struct duck_result *r, size_t col);
/* The names of a point's two fields, good until duck_result_free(). */
const char *duck_column_field(const struct duck_result *r, size_t col, int i);
/* Some more rows, borrowed until the next call; 0 rows: the end. */
int duck_next(struct duck_result *r, struct duck_rows *ret,
              struct err *e) MUST_USE;
void duck_result_free(struct duck_result *r); /* NULL is fine */

/*
 * Make n sets of rows with the same columns readable as the view `name`, by
 * several threads and without a copy: columns and values are borrowed until
 * the name is fed again or the database is closed.  Text that is not UTF-8
 * fails the query that reads it.
 */
int duck_feed(struct duck *d, const char *name, const struct duck_rows *sets,
              size_t n, struct err *e) MUST_USE;
/*
 * Make the inner join of n fed views readable as the view `name`, by equality
 * of an integer column that all of them have, without a copy of a value: the
 * columns of the first, then those of the others but the key.  *ret is false,
 * and nothing is made, where SQL must do it: other keys, keys far apart, other
 * columns of one name, more matches than a few times the rows.  Columns of
 * lists and points are left out.
 */
int duck_feed_joined(struct duck *d, const char *name, const char *const *fed,
                     size_t n, const char *key, bool *ret,
                     struct err *e) MUST_USE;
/* Append rows to a table whose columns have these types in this order. */
int duck_append(struct duck *d, const char *table, const struct duck_rows *rows,
                struct err *e) MUST_USE;

/* Append 'text' or "text" with its quotes doubled. */
struct buf;
int duck_quote(struct buf *b, struct slice text, char quote,
               struct err *e) MUST_USE;

#endif

/*
 * source.h - where rows come from before anything is posted: three tables
 * joined by row number.
 *
 * Rows leave as JSON object texts (UTF-8, compact or as the file had them) in
 * the table's key order as posted.  One thread at a time.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "core/buf.h"
#include "core/err.h"

struct source; /* opaque */
struct guess;  /* record/guess.h */

enum {
    SOURCE_TABLES_MAX = 16
};

/* How date-times of databases leave, as what Python's json.dumps() makes. */
enum source_datetimes {
    SOURCE_DATETIMES_STR,          /* 2018-11-03 16:20:09, default=str */
    SOURCE_DATETIMES_ISOFORMAT,    /* 2018-11-03T16:20:09, isoformat() */
    SOURCE_DATETIMES_MILLISECONDS, /* 2018-11-03T16:20:09.000, to_json() */
    SOURCE_DATETIMES_UTC,          /* 2018-11-03T16:20:09Z */
};

struct source_conf {
    const char *url;   /* "generator:", "sqlite://FILE", "DIR", "FILE", ... */
    uint64_t seed;     /* generator */
    int64_t rows;      /* generator: rows a table */
    double bad;        /* generator: share of broken rows */
    double duplicates; /* generator: share of repeated rows */
    enum source_datetimes datetimes; /* postgres, mysql */
    /* "files:": files and folders, recognised by content or name */
    const char *const *inputs;
    size_t ninputs;
    /* what the tables' raw fields are called, to recognise files and
     * databases' tables; in the order of `tables`; NULL: by name only */
    const struct guess *guess;
    /* tables in posting order: names by which the rest of the program knows
     * them ("pin", "geo", "user"); the source maps them to its own names */
    const char *const *tables;
    size_t ntables;
};

int source_open(struct source **ret, const struct source_conf *conf,
                struct err *e) MUST_USE;
void source_close(struct source *s); /* NULL is fine */

/* Rows of one table; -1 when it is not known before reading. */
int source_rows(struct source *s, size_t table, int64_t *ret,
                struct err *e) MUST_USE;
/* Append row n (0-based) of a table to *b as JSON.  ERR_NOTFOUND past the
 * end.  *ret_json is false when the bytes are not JSON text and must be
 * posted in the binary format.  On failure *b is as before. */
int source_row(struct source *s, size_t table, int64_t n, struct buf *b,
               bool *ret_json, struct err *e) MUST_USE;

#endif

/*
 * sqlite_int.h - the insides of the SQLite source.
 */
#ifndef SOURCE_SQLITE_INT_H
#define SOURCE_SQLITE_INT_H

#include "db/sqlite.h"
#include "record/guess.h"
#include "source/source_ops.h"

enum {
    SQLITE_SOURCE_MARK_EVERY = 64, /* rows between two remembered rowids */
    SQLITE_SOURCE_MARKS_MAX = 1 << 26,
    SQLITE_SOURCE_NAME_MAX = 128, /* bytes of a table's name */
};

struct sqlite_source_table {
    char name[SQLITE_SOURCE_NAME_MAX]; /* in the database */
    struct sqlite_stmt *by_rowid;      /* one row, by its rowid or the first
                                        * from there on */
    int64_t rows;
    int64_t first;  /* lowest rowid */
    bool dense;     /* row n is rowid first + n */
    int64_t *marks; /* rowids of rows 0, 64, 128, ... unless dense */
};

struct sqlite_source {
    struct sqlite *db;
    size_t ntables;
    struct sqlite_source_table tables[SOURCE_TABLES_MAX];
};

/* Which of the database's tables is meant by conf->tables[i]: as the url says
 * ("?pin=posts"), of the same name, or by its columns, or by the beginning of
 * its name. */
int sqlite_source_find(struct sqlite_source *s, const struct source_conf *conf,
                       const char *names, struct err *e) MUST_USE;
/* Count rows, see whether rowids are dense, prepare the drawing. */
int sqlite_source_number(struct sqlite_source *s, struct sqlite_source_table *t,
                         struct err *e) MUST_USE;

#endif

/*
 * guess.h - which table a raw file holds, by its content or its name.
 */
#ifndef RECORD_GUESS_H
#define RECORD_GUESS_H

#include "core/err.h"
#include "core/slice.h"

struct guess_table {
    const char *name;           /* "pin"; also how its files may begin */
    const char *const *columns; /* names that its raw records may have */
    size_t ncolumns;
};

struct guess {
    const struct guess_table *tables; /* all borrowed */
    size_t ntables;
    const char *const *keys; /* the names that mark a record */
    size_t nkeys;
};

/*
 * The table that most members of the file's first records belong to; when
 * that is a tie or there are none, the one whose name the file's name (behind
 * the last '/') begins with.  *ret is -1 when neither says; fails when the
 * file cannot be read.
 */
int guess_file(const struct guess *g, const char *path, int *ret,
               struct err *e) MUST_USE;

/* The same for a message that is at hand; d: for g's keys. */
struct decoder;
int guess_message(const struct guess *g, struct decoder *d,
                  struct slice message, int *ret, struct err *e) MUST_USE;
/* By the file's name alone; -1. */
int guess_name(const struct guess *g, const char *path);

#endif

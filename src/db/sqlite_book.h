/*
 * sqlite_book.h - a small database of our own: made from its schema when it is
 * not there, refused when a newer program made it, its statements prepared.
 */
#ifndef DB_SQLITE_BOOK_H
#define DB_SQLITE_BOOK_H

#include "core/embed.h"
#include "db/sqlite.h"

struct sqlite_book_kind {
    const char *what;               /* in errors: "ledger" */
    const struct embed_file *files; /* where the schema is */
    const char *schema;             /* "ledger.sql"; it sets user_version */
    int version;
    const char *const *texts; /* of the statements */
    size_t n;
};

/* st: room for kind->n statements.  The journal mode is WAL.  ERR_INVALID: of
 * a newer format.  When it fails nothing is left open. */
int sqlite_book_open(struct sqlite **ret, struct sqlite_stmt **st,
                     const struct sqlite_book_kind *kind, const char *path,
                     struct err *e) MUST_USE;
/* With its statements; db may be NULL. */
void sqlite_book_close(struct sqlite *db, struct sqlite_stmt **st, size_t n);

#endif

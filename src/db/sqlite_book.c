#include "db/sqlite_book.h"

#include <inttypes.h>

static int version_of(struct sqlite *db, const struct sqlite_book_kind *kind,
                      const char *path, int64_t *ret, struct err *e)
{
    if (sqlite_int(db, "PRAGMA user_version", ret, e) < 0) {
        return -1;
    }
    if (*ret > kind->version) {
        return err_set(e, ERR_INVALID,
                       "%s \"%s\" is of format %" PRId64
                       ", this program knows formats up to %d; use a newer "
                       "pinline",
                       kind->what, path, *ret, kind->version);
    }
    return 0;
}

/* Others may do the same now: who comes second finds it made. */
static int make(struct sqlite *db, const struct sqlite_book_kind *kind,
                const char *path, struct err *e)
{
    struct slice sql;
    int64_t version;

    if (!embed_find(kind->files, kind->schema, &sql)) {
        return err_set(e, ERR_CORRUPT, "the program lacks its %s",
                       kind->schema);
    }
    if (sqlite_begin(db, e) < 0) {
        return -1;
    }
    if (version_of(db, kind, path, &version, e) < 0 ||
        (version < kind->version && sqlite_exec(db, sql.ptr, e) < 0) ||
        sqlite_commit(db, e) < 0) {
        sqlite_rollback(db);
        return -1;
    }
    return 0;
}

static int prepare(struct sqlite *db, struct sqlite_stmt **st,
                   const struct sqlite_book_kind *kind, const char *path,
                   struct err *e)
{
    int64_t version;

    if (sqlite_exec(db, "PRAGMA journal_mode = WAL", e) < 0 ||
        version_of(db, kind, path, &version, e) < 0 ||
        (version < kind->version && make(db, kind, path, e) < 0)) {
        return -1;
    }
    for (size_t i = 0; i < kind->n; i++) {
        if (sqlite_prepare(db, kind->texts[i], true, &st[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

int sqlite_book_open(struct sqlite **ret, struct sqlite_stmt **st,
                     const struct sqlite_book_kind *kind, const char *path,
                     struct err *e)
{
    struct sqlite *db = NULL;

    for (size_t i = 0; i < kind->n; i++) {
        st[i] = NULL;
    }
    if (sqlite_open(&db, path, SQLITE_TO_WRITE, e) < 0) {
        return -1;
    }
    if (prepare(db, st, kind, path, e) < 0) {
        sqlite_book_close(db, st, kind->n);
        return -1;
    }
    *ret = db;
    return 0;
}

void sqlite_book_close(struct sqlite *db, struct sqlite_stmt **st, size_t n)
{
    if (db == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        sqlite_finalize(st[i]);
    }
    sqlite_close(db);
}

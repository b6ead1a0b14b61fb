#include "db/sqlite.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/mem.h"

enum {
    WAIT_MS = 10000,
    URI_MAX = FS_PATH_MAX * 3 + 32
};

struct sqlite {
    sqlite3 *db;
    char path[FS_PATH_MAX];
};

struct sqlite_stmt {
    sqlite3_stmt *st;
    struct sqlite *owner;
    int bind_error; /* first result code of binding that was not OK */
};

static enum err_code code_of(int rc)
{
    static const struct {
        int rc;
        enum err_code code;
    } map[] = {
        {SQLITE_BUSY, ERR_BUSY},       {SQLITE_LOCKED, ERR_BUSY},
        {SQLITE_CORRUPT, ERR_CORRUPT}, {SQLITE_NOTADB, ERR_CORRUPT},
        {SQLITE_NOMEM, ERR_NOMEM},     {SQLITE_TOOBIG, ERR_LIMIT},
        {SQLITE_READONLY, ERR_DENIED}, {SQLITE_PERM, ERR_DENIED},
        {SQLITE_AUTH, ERR_DENIED},     {SQLITE_INTERRUPT, ERR_INTERRUPTED},
        {SQLITE_FULL, ERR_IO},         {SQLITE_IOERR, ERR_IO},
        {SQLITE_CANTOPEN, ERR_IO},     {SQLITE_PROTOCOL, ERR_BUSY},
    };

    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return ERR_EXISTS;
    }
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].rc == (rc & 0xff)) {
            return map[i].code;
        }
    }
    return ERR_INVALID;
}

static int fail(const struct sqlite *db, int rc, const char *what,
                struct err *e)
{
    const char *why = sqlite3_errmsg(db->db);

    if ((rc & 0xff) == SQLITE_FULL) {
        why = "the disk is full";
    } else if (sqlite3_extended_errcode(db->db) != rc) {
        why = sqlite3_errstr(rc);
    }
    return err_set(e, code_of(rc), "could not %s database \"%s\": %s", what,
                   db->path, why);
}

/* "file:PATH?immutable=1", with what a URI cannot hold as %XX. */
static void frozen_uri(const char *path, char uri[URI_MAX])
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789/._-";
    size_t n = (size_t)snprintf(uri, URI_MAX, "file:");

    for (; *path != '\0' && n + 20 < URI_MAX; path++) {
        if (strchr(safe, *path)) {
            uri[n++] = *path;
        } else {
            n += (size_t)snprintf(uri + n, URI_MAX - n, "%%%02X",
                                  (unsigned)(unsigned char)*path);
        }
    }
    (void)snprintf(uri + n, URI_MAX - n, "?immutable=1");
}

static int open_as(struct sqlite *db, enum sqlite_mode mode)
{
    char uri[URI_MAX];
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;

    switch (mode) {
    case SQLITE_FROZEN:
        frozen_uri(db->path, uri);
        return sqlite3_open_v2(
            uri, &db->db, flags | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    case SQLITE_TO_READ:
        return sqlite3_open_v2(db->path, &db->db, flags | SQLITE_OPEN_READONLY,
                               NULL);
    case SQLITE_IN_MEMORY:
        return sqlite3_open_v2(
            ":memory:", &db->db,
            flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    case SQLITE_TO_WRITE:
        break;
    }
    return sqlite3_open_v2(db->path, &db->db,
                           flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                           NULL);
}

int sqlite_open(struct sqlite **ret, const char *path, enum sqlite_mode mode,
                struct err *e)
{
    struct sqlite *db;
    int rc;

    if (strlen(path) >= FS_PATH_MAX) {
        return err_set(e, ERR_LIMIT, "path of a database is over %d bytes",
                       FS_PATH_MAX);
    }
    if ((mode == SQLITE_TO_READ || mode == SQLITE_FROZEN) && !fs_exists(path)) {
        return err_set(e, ERR_NOTFOUND,
                       "could not open database \"%s\": there is no such file",
                       path);
    }
    db = mem_zero(1, sizeof(*db));
    if (db == NULL) {
        return err_nomem(e, sizeof(*db));
    }
    memcpy(db->path, path, strlen(path) + 1);
    rc = open_as(db, mode);
    if (rc == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db->db, WAIT_MS);
        /* the first look at the file: refuse what is not a database */
        rc = sqlite3_exec(db->db, "PRAGMA schema_version", NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK && mode == SQLITE_TO_WRITE) {
        rc = sqlite3_exec(db->db,
                          "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
                          NULL, NULL, NULL);
    }
    if (rc != SQLITE_OK) {
        if (db->db == NULL) {
            (void)err_nomem(e, sizeof(*db));
        } else {
            (void)fail(db, rc, "open", e);
        }
        sqlite_close(db);
        return -1;
    }
    *ret = db;
    return 0;
}

void sqlite_close(struct sqlite *db)
{
    if (db == NULL) {
        return;
    }
    (void)sqlite3_close_v2(db->db);
    mem_free(db);
}

void sqlite_wait_for_locks(struct sqlite *db, int64_t us)
{
    (void)sqlite3_busy_timeout(db->db, us / 1000 > INT_MAX ? INT_MAX
                                                           : (int)(us / 1000));
}

void sqlite_interrupt(struct sqlite *db)
{
    sqlite3_interrupt(db->db);
}

int sqlite_exec(struct sqlite *db, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(db->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : fail(db, rc, "use", e);
}

int sqlite_int(struct sqlite *db, const char *sql, int64_t *ret, struct err *e)
{
    struct sqlite_stmt *st = NULL;
    int rc;

    if (sqlite_prepare(db, sql, false, &st, e) < 0) {
        return -1;
    }
    rc = sqlite_step(st, e);
    if (rc == 0) {
        rc = err_set(e, ERR_NOTFOUND, "no such row in database \"%s\"",
                     db->path);
    } else if (rc > 0) {
        *ret = sqlite_column_int(st, 0);
        rc = 0;
    }
    sqlite_finalize(st);
    return rc;
}

int64_t sqlite_changes(struct sqlite *db)
{
    return sqlite3_changes64(db->db);
}

int64_t sqlite_last_rowid(struct sqlite *db)
{
    return sqlite3_last_insert_rowid(db->db);
}

int sqlite_begin_read(struct sqlite *db, struct err *e)
{
    return sqlite_exec(db, "BEGIN", e);
}

int sqlite_begin(struct sqlite *db, struct err *e)
{
    return sqlite_exec(db, "BEGIN IMMEDIATE", e);
}

int sqlite_commit(struct sqlite *db, struct err *e)
{
    return sqlite_exec(db, "COMMIT", e);
}

void sqlite_rollback(struct sqlite *db)
{
    if (sqlite_in_transaction(db)) {
        (void)sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

bool sqlite_in_transaction(struct sqlite *db)
{
    return sqlite3_get_autocommit(db->db) == 0;
}

int sqlite_checkpoint(struct sqlite *db, bool empty, int64_t *ret_frames,
                      struct err *e)
{
    int frames = 0;
    int done = 0;
    int rc = sqlite3_wal_checkpoint_v2(db->db, NULL,
                                       empty ? SQLITE_CHECKPOINT_TRUNCATE
                                             : SQLITE_CHECKPOINT_PASSIVE,
                                       &frames, &done);

    if (rc != SQLITE_OK) {
        return fail(db, rc, "write back", e);
    }
    if (ret_frames) {
        *ret_frames = frames - done;
    }
    return 0;
}

int sqlite_prepare(struct sqlite *db, const char *sql, bool keep,
                   struct sqlite_stmt **ret, struct err *e)
{
    struct sqlite_stmt *st = mem_zero(1, sizeof(*st));
    int rc;

    if (st == NULL) {
        return err_nomem(e, sizeof(*st));
    }
    st->owner = db;
    rc = sqlite3_prepare_v3(
        db->db, sql, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &st->st, NULL);
    if (rc != SQLITE_OK) {
        mem_free(st);
        return fail(db, rc, "ask", e);
    }
    *ret = st;
    return 0;
}

void sqlite_finalize(struct sqlite_stmt *st)
{
    if (st) {
        (void)sqlite3_finalize(st->st);
        mem_free(st);
    }
}

static void bound(struct sqlite_stmt *st, int rc)
{
    if (st->bind_error == SQLITE_OK) {
        st->bind_error = rc;
    }
}

void sqlite_bind_int(struct sqlite_stmt *st, int i, int64_t v)
{
    bound(st, sqlite3_bind_int64(st->st, i, v));
}

void sqlite_bind_double(struct sqlite_stmt *st, int i, double v)
{
    bound(st, sqlite3_bind_double(st->st, i, v));
}

void sqlite_bind_text(struct sqlite_stmt *st, int i, struct slice s)
{
    bound(st, sqlite3_bind_text64(st->st, i, s.ptr ? s.ptr : "", s.len,
                                  SQLITE_STATIC, SQLITE_UTF8));
}

void sqlite_bind_blob(struct sqlite_stmt *st, int i, struct slice s)
{
    bound(st, sqlite3_bind_blob64(st->st, i, s.ptr ? s.ptr : "", s.len,
                                  SQLITE_STATIC));
}

void sqlite_bind_null(struct sqlite_stmt *st, int i)
{
    bound(st, sqlite3_bind_null(st->st, i));
}

void sqlite_bind_cstr(struct sqlite_stmt *st, int i, const char *s)
{
    if (s == NULL) {
        sqlite_bind_null(st, i);
    } else {
        sqlite_bind_text(st, i, slice_of(s));
    }
}

int sqlite_step(struct sqlite_stmt *st, struct err *e)
{
    int rc = st->bind_error;

    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st->st);
    }
    if (rc == SQLITE_ROW) {
        return 1;
    }
    return rc == SQLITE_DONE ? 0 : fail(st->owner, rc, "use", e);
}

int sqlite_run(struct sqlite_stmt *st, struct err *e)
{
    int rc;

    do {
        rc = sqlite_step(st, e);
    } while (rc > 0);
    sqlite_reset(st);
    return rc;
}

void sqlite_reset(struct sqlite_stmt *st)
{
    (void)sqlite3_reset(st->st);
    (void)sqlite3_clear_bindings(st->st);
    st->bind_error = SQLITE_OK;
}

int sqlite_columns(struct sqlite_stmt *st)
{
    return sqlite3_column_count(st->st);
}

const char *sqlite_column_name(struct sqlite_stmt *st, int i)
{
    const char *name = sqlite3_column_name(st->st, i);

    return name ? name : "";
}

enum sqlite_type sqlite_column_type(struct sqlite_stmt *st, int i)
{
    switch (sqlite3_column_type(st->st, i)) {
    case SQLITE_INTEGER:
        return SQLITE_IS_INT;
    case SQLITE_FLOAT:
        return SQLITE_IS_DOUBLE;
    case SQLITE_TEXT:
        return SQLITE_IS_TEXT;
    case SQLITE_BLOB:
        return SQLITE_IS_BLOB;
    default:
        return SQLITE_IS_NULL;
    }
}

int64_t sqlite_column_int(struct sqlite_stmt *st, int i)
{
    return sqlite3_column_int64(st->st, i);
}

double sqlite_column_double(struct sqlite_stmt *st, int i)
{
    return sqlite3_column_double(st->st, i);
}

struct slice sqlite_column_text(struct sqlite_stmt *st, int i)
{
    const void *p = sqlite3_column_text(st->st, i);

    if (p == NULL) {
        return SLICE("");
    }
    return (struct slice){p, (size_t)sqlite3_column_bytes(st->st, i)};
}

struct slice sqlite_column_blob(struct sqlite_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st->st, i);

    if (p == NULL) {
        return SLICE("");
    }
    return (struct slice){p, (size_t)sqlite3_column_bytes(st->st, i)};
}

const char *sqlite_version(void)
{
    return sqlite3_libversion();
}

#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "source/sqlite_int.h"

enum {
    SQL_MAX = 1024 /* bytes of a statement with a table's name in it */
};

static int keep_name(struct sqlite_source_table *t, struct slice name,
                     struct err *e)
{
    if (name.len == 0 || name.len >= sizeof(t->name) ||
        memchr(name.ptr, '"', name.len) != NULL) {
        return err_set(e, ERR_INVALID, "cannot read a table called \"%.*s\"",
                       SLICE_FMT(name));
    }
    memcpy(t->name, name.ptr, name.len);
    t->name[name.len] = '\0';
    return 0;
}

/* "pin=posts&geo=places": the name given for a table; false: none. */
static bool given_name(const char *names, const char *table, struct slice *ret)
{
    struct slice rest = slice_of(names);
    struct slice one;
    struct slice key;
    bool more = rest.len > 0;

    while (more) {
        more = slice_cut(&rest, '&', &one);
        if (slice_cut(&one, '=', &key) && slice_is(key, table)) {
            *ret = one;
            return true;
        }
    }
    return false;
}

/* How many of the table's columns are fields that g knows. */
static int score(struct sqlite_source *s, struct slice table,
                 const struct guess_table *g, int64_t *ret, struct err *e)
{
    static const char sql[] = "SELECT name FROM pragma_table_info(?1)";
    struct sqlite_stmt *st = NULL;
    int rc;

    if (sqlite_prepare(s->db, sql, false, &st, e) < 0) {
        return -1;
    }
    *ret = 0;
    sqlite_bind_text(st, 1, table);
    while ((rc = sqlite_step(st, e)) == 1) {
        struct slice column = sqlite_column_text(st, 0);

        for (size_t i = 0; i < g->ncolumns; i++) {
            if (slice_is(column, g->columns[i])) {
                (*ret)++;
                break;
            }
        }
    }
    sqlite_finalize(st);
    return rc;
}

struct best {
    struct slice name; /* in room */
    int64_t score;
    bool tie;
    char room[SQLITE_SOURCE_NAME_MAX];
};

/* Weigh one table of the database for one of ours. */
static int weigh(struct sqlite_source *s, const struct source_conf *conf,
                 size_t i, struct slice name, struct best *best, struct err *e)
{
    int64_t n = 0;

    if (slice_is(name, conf->tables[i])) {
        n = INT64_MAX;
    } else if (conf->guess != NULL &&
               score(s, name, &conf->guess->tables[i], &n, e) < 0) {
        return -1;
    } else {
        n = 2 * n + (slice_starts(name, slice_of(conf->tables[i])) ? 1 : 0);
    }
    if (n == 0 || n < best->score || name.len >= sizeof(best->room)) {
        return 0;
    }
    best->tie = n == best->score;
    best->score = n;
    memcpy(best->room, name.ptr, name.len);
    best->name = (struct slice){best->room, name.len};
    return 0;
}

static int find_one(struct sqlite_source *s, const struct source_conf *conf,
                    size_t i, struct err *e)
{
    static const char sql[] =
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    struct best best = {.score = 0};
    struct sqlite_stmt *st = NULL;
    int rc;

    if (sqlite_prepare(s->db, sql, false, &st, e) < 0) {
        return -1;
    }
    while ((rc = sqlite_step(st, e)) == 1) {
        if (weigh(s, conf, i, sqlite_column_text(st, 0), &best, e) < 0) {
            rc = -1;
            break;
        }
    }
    sqlite_finalize(st);
    if (rc < 0) {
        return -1;
    }
    if (best.score == 0 || best.tie) {
        return err_set(e, ERR_NOTFOUND,
                       "cannot tell which table of the database holds the "
                       "rows of \"%s\"; name it in the url: ?%s=NAME",
                       conf->tables[i], conf->tables[i]);
    }
    return keep_name(&s->tables[i], best.name, e);
}

int sqlite_source_find(struct sqlite_source *s, const struct source_conf *conf,
                       const char *names, struct err *e)
{
    for (size_t i = 0; i < conf->ntables; i++) {
        struct slice name;

        if (given_name(names, conf->tables[i], &name)
                ? keep_name(&s->tables[i], name, e) < 0
                : find_one(s, conf, i, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* A statement on t; the %s in the format is its name. */
static int prepare(struct sqlite_source *s, const struct sqlite_source_table *t,
                   const char *before, const char *behind,
                   struct sqlite_stmt **ret, struct err *e)
{
    struct buf sql;
    const char *text;
    int rc = -1;

    buf_init(&sql, SQL_MAX);
    if (buf_putf(&sql, e, "%s\"%s\"%s", before, t->name, behind) == 0 &&
        buf_text(&sql, &text, e) == 0) {
        rc = sqlite_prepare(s->db, text, true, ret, e);
    }
    buf_release(&sql);
    return rc;
}

/* Rows, lowest and highest rowid. */
static int extent(struct sqlite_source *s, struct sqlite_source_table *t,
                  struct err *e)
{
    struct sqlite_stmt *st = NULL;
    int rc;

    if (prepare(s, t, "SELECT count(*), min(rowid), max(rowid) FROM ", "", &st,
                e) < 0) {
        return -1;
    }
    rc = sqlite_step(st, e);
    if (rc == 1) {
        uint64_t low = (uint64_t)sqlite_column_int(st, 1);
        uint64_t high = (uint64_t)sqlite_column_int(st, 2);

        t->rows = sqlite_column_int(st, 0);
        t->first = sqlite_column_int(st, 1);
        t->dense = t->rows == 0 || high - low == (uint64_t)t->rows - 1;
    }
    sqlite_finalize(st);
    return rc < 0 ? -1 : 0;
}

/* Remember every 64th rowid, in one walk over them. */
static int mark(struct sqlite_source *s, struct sqlite_source_table *t,
                struct err *e)
{
    size_t n = (size_t)t->rows / SQLITE_SOURCE_MARK_EVERY + 1;
    struct sqlite_stmt *st = NULL;
    int64_t row = 0;
    int rc;

    if (n > SQLITE_SOURCE_MARKS_MAX) {
        return err_set(e, ERR_LIMIT, "over %lld rows with gaps between rowids",
                       (long long)SQLITE_SOURCE_MARKS_MAX *
                           SQLITE_SOURCE_MARK_EVERY);
    }
    t->marks = mem_zero(n, sizeof(*t->marks));
    if (t->marks == NULL) {
        return err_nomem(e, n * sizeof(*t->marks));
    }
    if (prepare(s, t, "SELECT rowid FROM ", " ORDER BY rowid", &st, e) < 0) {
        return -1;
    }
    while ((rc = sqlite_step(st, e)) == 1) {
        if (row % SQLITE_SOURCE_MARK_EVERY == 0) {
            t->marks[row / SQLITE_SOURCE_MARK_EVERY] = sqlite_column_int(st, 0);
        }
        row++;
    }
    sqlite_finalize(st);
    return rc;
}

int sqlite_source_number(struct sqlite_source *s, struct sqlite_source_table *t,
                         struct err *e)
{
    if (extent(s, t, e) < 0 || (!t->dense && mark(s, t, e) < 0)) {
        return -1;
    }
    return prepare(s, t, "SELECT * FROM ",
                   " WHERE rowid >= ?1 ORDER BY rowid LIMIT 1 OFFSET ?2",
                   &t->by_rowid, e);
}

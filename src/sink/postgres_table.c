/* postgres_table.c - the table that a Postgres sink writes: made, or checked. */
#include <stdio.h>

#include "core/embed.h"
#include "core/mem.h"
#include "sink/postgres_int.h"

extern const struct embed_file sink_sql[];

enum {
    NAME_MAX_BYTES = 63, /* longer names are cut by the server */
    FAULTS_MAX = 400,    /* bytes of what is wrong with a table */
    LOCK = 7528,         /* makers of tables come one after another */
};

/* What a column of ours becomes, and what it may be in a table that is
 * there: the same bytes in COPY's binary form. */
static const struct {
    const char *made;
    const char *also;
} types[] = {
    [COL_INT32] = {"integer", NULL},
    [COL_INT64] = {"bigint", NULL},
    [COL_DOUBLE] = {"double precision", NULL},
    [COL_TEXT] = {"text", "character varying"},
    [COL_TIMESTAMP] = {"timestamp without time zone",
                       "timestamp with time zone"},
    [COL_DOUBLE_LIST] = {"double precision[]", NULL},
    [COL_TEXT_LIST] = {"text[]", NULL},
    [COL_POINT] = {"point", NULL},
    [COL_BOOL] = {"boolean", NULL},
};

const char *postgres_sink_sql(const char *name)
{
    struct slice sql = SLICE("");
    bool there = embed_find(sink_sql, name, &sql);

    assert(there);
    (void)there;
    return sql.ptr; /* a NUL follows */
}

/* --- a new table ------------------------------------------------------------ */

static int put_columns(const struct postgres_sink *s, struct buf *b,
                       struct err *e)
{
    for (size_t i = 0; i < s->conf.columns; i++) {
        const struct col_def *d = &s->conf.defs[i];

        if ((i > 0 && buf_puts(b, ", ", e) < 0) ||
            postgres_put_name(b, slice_of(d->name), e) < 0 ||
            buf_putf(b, e, " %s", types[d->type].made) < 0) {
            return -1;
        }
    }
    return 0;
}

int postgres_sink_columns(const struct postgres_sink *s, bool key,
                          struct buf *b, struct err *e)
{
    size_t n = key ? s->conf.nkey : s->conf.columns;

    for (size_t i = 0; i < n; i++) {
        const char *name = key ? s->conf.key[i] : s->conf.defs[i].name;

        if ((i > 0 && buf_puts(b, ", ", e) < 0) ||
            postgres_put_name(b, slice_of(name), e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_comment(const struct postgres_sink *s, const char *column,
                       const char *comment, struct buf *b, struct err *e)
{
    if (comment == NULL || comment[0] == '\0') {
        return 0;
    }
    if (buf_putf(b, e, "COMMENT ON %s ", column == NULL ? "TABLE" : "COLUMN") <
            0 ||
        postgres_put_name(b, s->table, e) < 0 ||
        (column != NULL && (buf_putc(b, '.', e) < 0 ||
                            postgres_put_name(b, slice_of(column), e) < 0)) ||
        buf_puts(b, " IS ", e) < 0 ||
        postgres_put_text(b, slice_of(comment), e) < 0) {
        return -1;
    }
    return buf_puts(b, ";\n", e);
}

static int make(struct postgres_sink *s, struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, POSTGRES_SQL_MAX);
    if (buf_puts(&b, "CREATE TABLE ", e) < 0 ||
        postgres_put_name(&b, s->table, e) < 0 || buf_puts(&b, " (", e) < 0 ||
        put_columns(s, &b, e) < 0) {
        goto out;
    }
    if (s->conf.nkey > 0 && (buf_puts(&b, ", UNIQUE (", e) < 0 ||
                             postgres_sink_columns(s, true, &b, e) < 0 ||
                             buf_putc(&b, ')', e) < 0)) {
        goto out;
    }
    if (buf_puts(&b, ");\n", e) < 0 ||
        put_comment(s, NULL, s->conf.comment, &b, e) < 0) {
        goto out;
    }
    for (size_t i = 0; i < s->conf.columns; i++) {
        if (put_comment(s, s->conf.defs[i].name, s->conf.defs[i].comment, &b,
                        e) < 0) {
            goto out;
        }
    }
    if (buf_text(&b, &sql, e) == 0) {
        rc = postgres_exec(s->db, sql, NULL, e);
    }
out:
    buf_release(&b);
    return rc;
}

/* --- a table that is there ---------------------------------------------------- */

static int column_of(const struct postgres_rows *have, const char *name)
{
    for (size_t i = 0; i < postgres_rows_count(have); i++) {
        if (slice_is(postgres_rows_value(have, i, 0), name)) {
            return (int)i;
        }
    }
    return -1;
}

/* Add to b what is wrong with column d; b cuts itself. */
static void check_column(const struct postgres_rows *have,
                         const struct col_def *d, struct buf *b)
{
    int at = column_of(have, d->name);
    struct slice type;

    if (at < 0) {
        if (buf_putf(b, NULL, "; column \"%s\" (%s) is missing", d->name,
                     types[d->type].made) < 0) {
            return;
        }
        return;
    }
    type = postgres_rows_value(have, (size_t)at, 1);
    if (slice_is(type, types[d->type].made) ||
        (types[d->type].also != NULL && slice_is(type, types[d->type].also))) {
        return;
    }
    if (buf_putf(b, NULL, "; column \"%s\" is %.*s, not %s", d->name,
                 SLICE_FMT(type), types[d->type].made) < 0) {
        return;
    }
}

/* A column that we do not write must be able to do without. */
static void check_rest(const struct postgres_sink *s,
                       const struct postgres_rows *have, struct buf *b)
{
    for (size_t i = 0; i < postgres_rows_count(have); i++) {
        struct slice name = postgres_rows_value(have, i, 0);
        bool ours = false;

        for (size_t k = 0; k < s->conf.columns && !ours; k++) {
            ours = slice_is(name, s->conf.defs[k].name);
        }
        if (!ours && slice_is(postgres_rows_value(have, i, 2), "t") &&
            buf_putf(b, NULL,
                     "; column \"%.*s\" is NOT NULL without a default, and "
                     "nothing is written to it",
                     SLICE_FMT(name)) < 0) {
            return;
        }
    }
}

static int check(const struct postgres_sink *s,
                 const struct postgres_rows *have, struct err *e)
{
    struct buf b;
    int rc = 0;

    buf_init(&b, FAULTS_MAX);
    for (size_t i = 0; i < s->conf.columns; i++) {
        check_column(have, &s->conf.defs[i], &b);
    }
    check_rest(s, have, &b);
    if (b.len > 0) {
        rc = err_set(e, ERR_INVALID,
                     "table \"%s\" does not fit%.*s; ALTER it, or write to "
                     "another",
                     s->conf.into, (int)b.len, b.ptr);
    }
    buf_release(&b);
    return rc;
}

/* "a, b" in the order of their names, as unique.sql has it. */
static int key_text(const struct postgres_sink *s, struct buf *b, struct err *e)
{
    const char *last = "";

    for (size_t i = 0; i < s->conf.nkey; i++) {
        const char *next = NULL;

        for (size_t k = 0; k < s->conf.nkey; k++) {
            const char *one = s->conf.key[k];

            if (strcmp(one, last) > 0 &&
                (next == NULL || strcmp(one, next) < 0)) {
                next = one;
            }
        }
        if (next == NULL) {
            return err_set(e, ERR_INVALID, "a key names a column twice");
        }
        if ((i > 0 && buf_puts(b, ", ", e) < 0) || buf_puts(b, next, e) < 0) {
            return -1;
        }
        last = next;
    }
    return 0;
}

static int check_key(struct postgres_sink *s, struct err *e)
{
    struct postgres_call call = {
        .sql = postgres_sink_sql("unique.sql"), .params = &s->table, .n = 1};
    struct postgres_rows *have = NULL;
    struct buf b;
    int rc = -1;

    buf_init(&b, POSTGRES_SQL_MAX);
    if (key_text(s, &b, e) < 0 || postgres_call(s->db, &call, &have, e) < 0) {
        goto out;
    }
    for (size_t i = 0; i < postgres_rows_count(have) && rc < 0; i++) {
        rc = slice_eq(postgres_rows_value(have, i, 0), buf_slice(&b)) ? 0 : -1;
    }
    if (rc < 0) {
        (void)err_set(e, ERR_INVALID,
                      "table \"%s\" has no unique index on its key; run: "
                      "CREATE UNIQUE INDEX ON %s (%.*s)",
                      s->conf.into, s->conf.into, (int)b.len, b.ptr);
    }
out:
    postgres_rows_free(have);
    buf_release(&b);
    return rc;
}

/* May this pipeline with this spec go on with the table that is there? */
static int may_go_on(struct postgres_sink *s, struct slice hash, struct err *e)
{
    if (s->conf.read_only) {
        return 0;
    }
    if (strcmp(s->owner, s->conf.pipeline) != 0) {
        return err_set(e, ERR_DENIED,
                       "table \"%s\" belongs to pipeline \"%s\", not to "
                       "pipeline \"%s\"",
                       s->conf.into, s->owner, s->conf.pipeline);
    }
    if (!s->conf.replace && !slice_is(hash, s->conf.spec_hash)) {
        return err_set(e, ERR_INVALID,
                       "table \"%s\" was cleaned by another spec (hash "
                       "%.*s, now %s); run stream --full, or write to another "
                       "table",
                       s->conf.into, SLICE_FMT(hash), s->conf.spec_hash);
    }
    return 0;
}

static int check_owner(struct postgres_sink *s, struct err *e)
{
    struct postgres_call call = {
        .sql = postgres_sink_sql("owner.sql"), .params = &s->table, .n = 1};
    struct postgres_rows *last = NULL;
    int rc = 0;

    if (postgres_call(s->db, &call, &last, e) < 0) {
        return -1;
    }
    if (postgres_rows_count(last) == 1) {
        struct slice pipeline = postgres_rows_value(last, 0, 0);

        s->owner = mem_text(pipeline.ptr, pipeline.len);
        rc = s->owner == NULL
                 ? err_nomem(e, pipeline.len)
                 : may_go_on(s, postgres_rows_value(last, 0, 1), e);
    }
    postgres_rows_free(last);
    return rc;
}

/* Only positions are asked for: what is not there has none. */
static int look(struct postgres_sink *s, struct err *e)
{
    struct err why = {0};

    if (check_owner(s, &why) == 0 || why.code == ERR_NOTFOUND) {
        return 0;
    }
    if (e != NULL) {
        *e = why;
    }
    return -1;
}

static int use_schema(struct postgres_sink *s, struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    if (s->schema.len == 0) {
        return 0;
    }
    buf_init(&b, POSTGRES_SQL_MAX);
    if (buf_puts(&b, "SET search_path = ", e) == 0 &&
        postgres_put_name(&b, s->schema, e) == 0 &&
        buf_text(&b, &sql, e) == 0) {
        rc = postgres_exec(s->db, sql, NULL, e);
    }
    buf_release(&b);
    return rc;
}

/* In one transaction, one maker after another. */
static int make_or_check(struct postgres_sink *s, struct err *e)
{
    struct postgres_call call = {
        .sql = postgres_sink_sql("columns.sql"), .params = &s->table, .n = 1};
    struct postgres_rows *have = NULL;
    char lock[80];
    int rc = -1;

    (void)snprintf(lock, sizeof(lock), "SELECT pg_advisory_xact_lock(%d)",
                   LOCK);
    if (postgres_exec(s->db, "BEGIN", NULL, e) < 0 ||
        postgres_exec(s->db, lock, NULL, e) < 0 ||
        postgres_exec(s->db, postgres_sink_sql("position_table.sql"), NULL, e) <
            0 ||
        postgres_call(s->db, &call, &have, e) < 0) {
        goto out;
    }
    if (postgres_rows_count(have) == 0) {
        rc = make(s, e);
    } else {
        rc = check(s, have, e);
        rc = rc == 0 && s->conf.nkey > 0 ? check_key(s, e) : rc;
        rc = rc == 0 ? check_owner(s, e) : rc;
    }
    if (rc == 0) {
        rc = postgres_exec(s->db, "COMMIT", NULL, e);
    }
out:
    postgres_rows_free(have);
    return rc;
}

int postgres_sink_table(struct postgres_sink *s, struct err *e)
{
    struct slice name = slice_of(s->conf.into);
    struct slice head;

    if (slice_cut(&name, '.', &head)) {
        s->schema = head;
        s->table = name;
    } else {
        s->table = head;
    }
    if (s->table.len == 0 || s->table.len > NAME_MAX_BYTES ||
        s->schema.len > NAME_MAX_BYTES) {
        return err_set(e, ERR_INVALID, "cannot write to a table called \"%s\"",
                       s->conf.into);
    }
    if (use_schema(s, e) < 0) {
        return -1;
    }
    return s->conf.read_only ? look(s, e) : make_or_check(s, e);
}

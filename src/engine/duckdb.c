/* duckdb.c - DuckDB in this process, over Delta tables or rows in memory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "engine/duckdb_int.h"
#include "engine/engine_ops.h"
#include "lake/delta_at.h"
#include "json/json.h"

enum {
    TABLES_MAX = 64,
    SQL_MAX = 64 << 20,
    VERSION_MAX = 48,
    NAME_BYTES = 32
};

/* One added table. */
struct table {
    char *name;
    struct delta *delta;          /* or NULL */
    struct frame_feed *feed;      /* or NULL */
    const struct batch **batches; /* of the feed */
    size_t n;
};

struct duckdb_engine {
    struct duck *duck;
    const struct store_conf *store;
    struct table tables[TABLES_MAX];
    size_t ntables;
    unsigned njoined; /* views of joined rows */
    char version[VERSION_MAX];
};

static void release_table(struct table *t)
{
    mem_free(t->name);
    delta_close(t->delta);
    frame_feed_free(t->feed);
    mem_free(t->batches);
    memset(t, 0, sizeof(*t));
}

static void duckdb_engine_close(void *engine)
{
    struct duckdb_engine *g = engine;

    duck_close(g->duck);
    for (size_t i = 0; i < g->ntables; i++) {
        release_table(&g->tables[i]);
    }
    mem_free(g);
}

static int duckdb_engine_open(void **ret, const struct engine_conf *conf,
                              struct err *e)
{
    struct duck_conf dc = {.threads = conf->threads,
                           .memory_bytes = conf->memory_bytes,
                           .temp_dir = conf->temp_dir};
    struct duckdb_engine *g = mem_zero(1, sizeof(*g));

    if (g == NULL) {
        return err_nomem(e, sizeof(*g));
    }
    if (duck_open(&g->duck, &dc, e) < 0) {
        mem_free(g);
        return -1;
    }
    g->store = conf->store;
    duck_set_timeout(g->duck, conf->timeout_us);
    (void)snprintf(g->version, sizeof(g->version), "DuckDB %.32s",
                   duck_version(g->duck) + (duck_version(g->duck)[0] == 'v'));
    *ret = g;
    return 0;
}

static const char *duckdb_engine_version(const void *engine)
{
    const struct duckdb_engine *g = engine;

    return g->version;
}

static struct table *find(struct duckdb_engine *g, struct slice name)
{
    for (size_t i = 0; i < g->ntables; i++) {
        if (slice_is(name, g->tables[i].name)) {
            return &g->tables[i];
        }
    }
    return NULL;
}

/* The place for a table of this name; an earlier one of it is let go, but rows
 * in memory stay, without a name: joined views may read them. */
static struct table *place(struct duckdb_engine *g, const char *name,
                           struct err *e)
{
    char *copy = mem_text(name, strlen(name));
    struct table *t = find(g, slice_of(name));

    if (copy == NULL) {
        err_nomem(e, strlen(name));
        return NULL;
    }
    if (t != NULL && t->feed != NULL) {
        t->name[0] = '\0';
        t = NULL;
    }
    if (t == NULL && g->ntables == TABLES_MAX) {
        mem_free(copy);
        err_set(e, ERR_LIMIT, "over %d tables", TABLES_MAX);
        return NULL;
    }
    if (t == NULL) {
        t = &g->tables[g->ntables++];
    }
    release_table(t);
    t->name = copy;
    return t;
}

/*
 * CREATE VIEW name AS SELECT every column of `from`, timestamps without a
 * zone: functions on zoned ones go through a calendar library and are many
 * times slower.
 */
static int make_view(struct duckdb_engine *g, const char *name,
                     const char *from, struct err *e)
{
    struct duck_result *r = NULL;
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (buf_puts(&b, "SELECT column_name, column_type FROM (DESCRIBE ", e) <
            0 ||
        buf_puts(&b, from, e) < 0 || buf_putc(&b, ')', e) < 0 ||
        buf_text(&b, &sql, e) < 0 || duck_query(g->duck, sql, &r, e) < 0) {
        goto out;
    }
    buf_clear(&b);
    if (buf_puts(&b, "CREATE OR REPLACE TEMP VIEW ", e) < 0 ||
        duck_quote(&b, slice_of(name), '"', e) < 0 ||
        buf_puts(&b, " AS SELECT ", e) < 0) {
        goto out;
    }
    for (size_t n = 0;;) {
        struct duck_rows rows;

        if (duck_next(r, &rows, e) < 0) {
            goto out;
        }
        if (rows.rows == 0) {
            break;
        }
        for (size_t i = 0; i < rows.rows; i++, n++) {
            const struct duck_column *c = rows.columns;
            uint64_t a = i > 0 ? c[0].end[i - 1] : 0;
            uint64_t z = i > 0 ? c[1].end[i - 1] : 0;
            struct slice column = {c[0].bytes + a, (size_t)(c[0].end[i] - a)};
            struct slice type = {c[1].bytes + z, (size_t)(c[1].end[i] - z)};
            bool zoned = slice_is(type, "TIMESTAMP WITH TIME ZONE");

            if ((n > 0 && buf_puts(&b, ", ", e) < 0) ||
                (zoned && buf_puts(&b, "make_timestamp(epoch_us(", e) < 0) ||
                duck_quote(&b, column, '"', e) < 0 ||
                (zoned && buf_puts(&b, ")) AS ", e) < 0) ||
                (zoned && duck_quote(&b, column, '"', e) < 0)) {
                goto out;
            }
        }
    }
    duck_result_free(r);
    r = NULL;
    if (buf_puts(&b, " FROM (", e) == 0 && buf_puts(&b, from, e) == 0 &&
        buf_putc(&b, ')', e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = duck_run(g->duck, sql, e);
    }
out:
    duck_result_free(r);
    buf_release(&b);
    return rc;
}

static int duckdb_engine_add_delta(void *engine, const char *name,
                                   const char *dir, struct err *e)
{
    struct duckdb_engine *g = engine;
    struct table *t = place(g, name, e);
    const char *sql;
    struct buf b;
    int rc = -1;

    if (t == NULL) {
        return -1;
    }
    buf_init(&b, SQL_MAX);
    if (delta_open_at(&t->delta, dir, g->store, g->duck, e) == 0 &&
        delta_select(t->delta, &b, e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = make_view(g, name, sql, e);
    }
    buf_release(&b);
    return rc;
}

static void fed_name(const struct duckdb_engine *g, const struct table *t,
                     char ret[NAME_BYTES])
{
    (void)snprintf(ret, NAME_BYTES, "fed_%zu", (size_t)(t - g->tables));
}

static int duckdb_engine_add_batches(void *engine, const char *name,
                                     const struct batch *const *batches,
                                     size_t n, struct err *e)
{
    struct duckdb_engine *g = engine;
    struct table *t = place(g, name, e);
    char fed[NAME_BYTES];
    char sql[NAME_BYTES + 8];

    if (t == NULL) {
        return -1;
    }
    t->batches = mem_zero(n, sizeof(*t->batches));
    if (t->batches == NULL) {
        return err_nomem(e, n * sizeof(*t->batches));
    }
    memcpy(t->batches, batches, n * sizeof(*t->batches));
    t->n = n;
    fed_name(g, t, fed);
    (void)snprintf(sql, sizeof(sql), "FROM %s", fed);
    if (frame_feed(g->duck, fed, t->batches, n, true, &t->feed, e) < 0) {
        return -1;
    }
    return make_view(g, name, sql, e);
}

/* CREATE OR REPLACE TEMP `what` name AS head tail. */
static int create(struct duckdb_engine *g, const char *what, const char *name,
                  struct slice head, const char *tail, struct err *e)
{
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (buf_putf(&b, e, "CREATE OR REPLACE TEMP %s ", what) == 0 &&
        duck_quote(&b, slice_of(name), '"', e) == 0 &&
        buf_puts(&b, " AS ", e) == 0 && buf_append(&b, head, e) == 0 &&
        buf_puts(&b, tail, e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = duck_run(g->duck, sql, e);
    }
    buf_release(&b);
    return rc;
}

/*
 * A join of rows in memory is not kept but made: their rows are matched once,
 * and each question takes the values that it needs from where they lie.
 * *ret false: this SELECT is for DuckDB.
 */
static int join_rows(struct duckdb_engine *g, const char *name,
                     const char *select, bool *ret, struct err *e)
{
    char names[DUCKDB_USING_MAX][NAME_BYTES];
    const char *fed[DUCKDB_USING_MAX];
    struct duckdb_using u;
    char joined[NAME_BYTES];
    char from[NAME_BYTES + 8];
    char key[64];
    struct err refused;

    *ret = duckdb_using_read(slice_of(select), &u) && u.key.len < sizeof(key);
    for (size_t i = 0; *ret && i < u.n; i++) {
        const struct table *t = find(g, u.tables[i]);

        *ret = t != NULL && t->feed != NULL;
        if (*ret) {
            fed_name(g, t, names[i]);
            fed[i] = names[i];
        }
    }
    if (!*ret) {
        return 0;
    }
    (void)snprintf(key, sizeof(key), "%.*s", SLICE_FMT(u.key));
    (void)snprintf(joined, sizeof(joined), "joined_%u", g->njoined++);
    (void)snprintf(from, sizeof(from), "FROM %s", joined);
    if (duck_feed_joined(g->duck, joined, fed, u.n, key, ret, e) < 0) {
        return -1;
    }
    /* names with their table before them, lists: DuckDB knows them */
    *ret = *ret && create(g, "VIEW", name, u.head, from, &refused) == 0;
    return 0;
}

static int duckdb_engine_keep(void *engine, const char *name,
                              const char *select, struct err *e)
{
    struct duckdb_engine *g = engine;
    bool done;

    if (join_rows(g, name, select, &done, e) < 0) {
        return -1;
    }
    return done ? 0 : create(g, "TABLE", name, slice_of(select), "", e);
}

/* --- NULL counts without reading values ---------------------------------------- */

static int put_row(struct buf *b, const char *table, const char *column,
                   int64_t rows, int64_t nulls, struct err *e)
{
    if (buf_puts(b, b->len > 0 ? ", (" : "(", e) < 0 ||
        duck_quote(b, slice_of(table), '\'', e) < 0 ||
        buf_puts(b, ", ", e) < 0 ||
        duck_quote(b, slice_of(column), '\'', e) < 0) {
        return -1;
    }
    return buf_putf(b, e, ", %" PRId64 "::BIGINT, %" PRId64 "::BIGINT)", rows,
                    nulls);
}

static int64_t count_nulls(const uint8_t *valid, size_t n)
{
    enum {
        STEP = 255 /* so that a byte holds the sum of one place */
    };
    int64_t nulls = 0;

    for (size_t at = 0; at < n; at += STEP) {
        size_t end = n - at < STEP ? n : at + STEP;
        uint8_t some = 0;

        for (size_t i = at; i < end; i++) {
            some = (uint8_t)(some + (valid[i] == 0));
        }
        nulls += some;
    }
    return nulls;
}

static int count_batches(const struct table *t, const char *name, struct buf *b,
                         struct err *e)
{
    const struct batch *first = t->batches[0];

    for (size_t c = 0; c < first->columns; c++) {
        int64_t rows = 0;
        int64_t nulls = 0;

        for (size_t k = 0; k < t->n; k++) {
            const struct batch *from = t->batches[k];

            rows += (int64_t)from->rows;
            nulls += count_nulls(from->cols[c].valid, from->rows);
        }
        if (put_row(b, name, first->defs[c].name, rows, nulls, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int count_delta(const struct table *t, const char *name, struct buf *b,
                       bool *ret, struct err *e)
{
    struct delta_nulls *nulls = NULL;
    size_t n = 0;

    if (delta_null_counts(t->delta, &nulls, &n, ret, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && *ret; i++) {
        if (put_row(b, name, nulls[i].column, delta_rows(t->delta),
                    nulls[i].nulls, e) < 0) {
            delta_nulls_free(nulls, n);
            return -1;
        }
    }
    delta_nulls_free(nulls, n);
    return 0;
}

/* One row a column of every table with the prefix; *ret false: not known. */
static int count_all(const struct duckdb_engine *g, struct slice prefix,
                     struct buf *b, bool *ret, struct err *e)
{
    *ret = true;
    for (size_t i = 0; i < g->ntables && *ret; i++) {
        const struct table *t = &g->tables[i];
        const char *name = t->name + prefix.len;
        int rc;

        if (!slice_starts(slice_of(t->name), prefix)) {
            continue;
        }
        rc = t->delta != NULL ? count_delta(t, name, b, ret, e)
                              : count_batches(t, name, b, e);
        if (rc < 0) {
            return -1;
        }
    }
    *ret = *ret && b->len > 0;
    return 0;
}

static int duckdb_engine_keep_nulls(void *engine, const char *prefix, bool *ret,
                                    struct err *e)
{
    struct duckdb_engine *g = engine;
    const char *text;
    struct buf rows;
    struct buf sql;
    int rc = -1;

    buf_init(&rows, SQL_MAX);
    buf_init(&sql, SQL_MAX);
    if (count_all(g, slice_of(prefix), &rows, ret, e) < 0) {
        goto out;
    }
    if (!*ret) {
        rc = 0;
    } else if (buf_puts(&sql, "SELECT * FROM (VALUES ", e) == 0 &&
               buf_append(&sql, buf_slice(&rows), e) == 0 &&
               buf_puts(&sql, ") t(table_name, column_name, rows, nulls)", e) ==
                   0 &&
               buf_text(&sql, &text, e) == 0) {
        rc = duckdb_engine_keep(g, "column_nulls", text, e);
    }
out:
    buf_release(&sql);
    buf_release(&rows);
    return rc;
}

/* --- asking ------------------------------------------------------------------------ */

static int duckdb_engine_lock(void *engine, struct err *e)
{
    struct duckdb_engine *g = engine;
    char(*paths)[FS_PATH_MAX] = NULL;
    const char **names = NULL;
    size_t n = 0;
    size_t k = 0;
    int rc = -1;

    for (size_t i = 0; i < g->ntables; i++) {
        n += g->tables[i].delta != NULL ? delta_files(g->tables[i].delta) : 0;
    }
    paths = mem_zero(n + 1, sizeof(*paths));
    names = mem_zero(n + 1, sizeof(*names));
    if (paths == NULL || names == NULL) {
        err_nomem(e, n * sizeof(*paths));
        goto out;
    }
    for (size_t i = 0; i < g->ntables; i++) {
        const struct delta *d = g->tables[i].delta;

        for (size_t f = 0; d != NULL && f < delta_files(d); f++, k++) {
            if (delta_file_path(d, f, paths[k], e) < 0) {
                goto out;
            }
            names[k] = paths[k];
        }
    }
    rc = duck_lock(g->duck, names, n, e);
out:
    mem_free(paths);
    mem_free(names);
    return rc;
}

static int duckdb_engine_query(void *engine, const char *sql, size_t max_bytes,
                               struct frame *ret, struct err *e)
{
    struct duckdb_engine *g = engine;

    return frame_query(g->duck, sql, max_bytes, ret, e);
}

static void duckdb_engine_interrupt(void *engine)
{
    struct duckdb_engine *g = engine;

    duck_interrupt(g->duck);
}

extern const struct engine_ops engine_duckdb;
const struct engine_ops engine_duckdb = {
    .name = "duckdb",
    .help = "DuckDB in this process, loaded when first needed",
    .dialect = "duckdb",
    .open = duckdb_engine_open,
    .version = duckdb_engine_version,
    .add_delta = duckdb_engine_add_delta,
    .add_batches = duckdb_engine_add_batches,
    .keep = duckdb_engine_keep,
    .keep_nulls = duckdb_engine_keep_nulls,
    .lock = duckdb_engine_lock,
    .query = duckdb_engine_query,
    .interrupt = duckdb_engine_interrupt,
    .close = duckdb_engine_close,
};

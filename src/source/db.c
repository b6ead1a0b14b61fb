#include "source/db_int.h"

#include <inttypes.h>
#include <string.h>

#include "core/mem.h"
#include "core/num.h"

enum {
    FIRST_WAIT_US = 3000000,  /* for a server that is just coming up */
    AGAIN_WAIT_US = 60000000, /* for one that was there before */
    AGAIN_MAX = 5,            /* connections for one row */
};

static void close_db(void *handle)
{
    struct db_source *s = handle;

    for (size_t i = 0; i < s->ntables; i++) {
        struct db_table *t = &s->tables[i];

        mem_free(t->marks);
        mem_free(t->sql);
        buf_release(&t->page.bytes);
        db_copy_release(&t->copy);
    }
    s->dialect->close(s->db);
    login_release(&s->login);
    mem_free(s);
}

/* --- how a row number becomes a row ----------------------------------------- */

struct numbers {
    int64_t v[4];
    size_t n; /* rows of the answer */
};

static int keep_numbers(void *arg, const struct slice *values, size_t n,
                        struct err *e)
{
    struct numbers *to = arg;

    for (size_t i = 0; i < n && i < ARRAY_LEN(to->v); i++) {
        if (!num_i64(values[i], &to->v[i])) {
            return err_set(e, ERR_DATA, "\"%.*s\" is no whole number",
                           SLICE_FMT(values[i]));
        }
    }
    to->n++;
    return 0;
}

static int ask(struct db_source *s, const struct db_table *t, const char *file,
               db_text_fn *fn, void *arg, struct err *e)
{
    char *sql = NULL;
    int rc;

    if (db_source_sql(s, t, file, &sql, e) < 0) {
        return -1;
    }
    rc = s->dialect->ask(s->db, sql, fn, arg, e);
    mem_free(sql);
    return rc;
}

static int keep_mark(void *arg, const struct slice *values, size_t n,
                     struct err *e)
{
    struct db_table *t = arg;
    struct numbers v = {.n = 0};

    if (keep_numbers(&v, values, n, e) < 0) {
        return -1;
    }
    if (t->nmarks == (size_t)t->rows / DB_MARK_EVERY + 1) {
        return err_set(e, ERR_CONFLICT, "rows are added while it is counted");
    }
    t->marks[t->nmarks++] = (struct db_mark){v.v[0], v.v[1]};
    return 0;
}

static int mark(struct db_source *s, struct db_table *t, struct err *e)
{
    size_t n = (size_t)t->rows / DB_MARK_EVERY + 1;

    if (n > DB_MARKS_MAX) {
        return err_set(e, ERR_LIMIT, "over %" PRId64 " rows with gaps between",
                       (int64_t)DB_MARKS_MAX * DB_MARK_EVERY);
    }
    t->marks = mem_zero(n, sizeof(*t->marks));
    if (t->marks == NULL) {
        return err_nomem(e, n * sizeof(*t->marks));
    }
    return ask(s, t, "marks.sql", keep_mark, t, e);
}

/* Rows, keys and whether they are dense; false in *ret_keyed when some row
 * has no key. */
static int measure(struct db_source *s, struct db_table *t, bool *ret_keyed,
                   struct err *e)
{
    struct numbers extent = {.n = 0};
    struct numbers twice = {.n = 0};

    if (ask(s, t, "extent.sql", keep_numbers, &extent, e) < 0) {
        return -1;
    }
    t->rows = extent.v[0];
    t->low = extent.v[2];
    *ret_keyed = extent.v[0] == extent.v[1];
    t->dense = *ret_keyed &&
               (t->rows == 0 || (uint64_t)extent.v[3] - (uint64_t)t->low ==
                                    (uint64_t)t->rows - 1);
    if (t->dense && t->indexed < 2) {
        if (ask(s, t, "twice.sql", keep_numbers, &twice, e) < 0) {
            return -1;
        }
        t->dense = twice.n == 0;
    }
    return !*ret_keyed || t->dense ? 0 : mark(s, t, e);
}

static int number(struct db_source *s, size_t slot, struct err *e)
{
    struct db_table *t = &s->tables[slot];
    bool keyed = false;

    t->last = -1;
    t->copy.fd = -1;
    buf_init(&t->page.bytes, DB_PAGE_BYTES_MAX);
    if (t->indexed > 0 && measure(s, t, &keyed, e) < 0) {
        return -1;
    }
    if (!keyed) {
        return db_copy_fill(s, t, e);
    }
    return db_source_sql(s, t, s->dialect->rows, &t->sql, e) < 0
               ? -1
               : s->dialect->prepare(s->db, slot, t->sql, e);
}

/* *ret_met: there is a server. */
static int open_once(struct db_source **ret, const struct db_dialect *dialect,
                     const char *url, const struct source_conf *conf,
                     bool *ret_met, struct err *e)
{
    struct db_source *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->dialect = dialect;
    s->datetimes = conf->datetimes;
    s->ntables = conf->ntables;
    for (size_t i = 0; i < s->ntables; i++) {
        s->tables[i].copy.fd = -1;
    }
    if (login_find(&s->login, url, e) < 0 ||
        dialect->open(&s->db, &s->login, s->datetimes, FIRST_WAIT_US, e) < 0) {
        goto fail;
    }
    *ret_met = true;
    if (db_source_find(s, conf, e) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < s->ntables; i++) {
        if (number(s, i, e) < 0) {
            (void)err_wrap(e, "table \"%s\"", s->tables[i].name);
            goto fail;
        }
    }
    *ret = s;
    return 0;
fail:
    close_db(s);
    return -1;
}

/* Numbering the rows of a large table may take long: a connection that breaks
 * meanwhile is no reason to give up. */
static int open_db(void **ret, const struct db_dialect *dialect,
                   const char *url, const struct source_conf *conf,
                   struct err *e)
{
    struct db_source *s = NULL;
    struct err why = {.code = ERR_NONE};
    bool met = false;
    int rc = open_once(&s, dialect, url, conf, &met, &why);

    for (int i = 0; rc < 0 && met && why.code == ERR_CONNECT && i < AGAIN_MAX;
         i++) {
        rc = open_once(&s, dialect, url, conf, &met, &why);
    }
    if (rc == 0) {
        *ret = s;
    } else if (e != NULL) {
        *e = why;
    }
    return rc;
}

static int rows_of_db(void *handle, size_t table, int64_t *ret, struct err *e)
{
    struct db_source *s = handle;

    (void)e;
    *ret = s->tables[table].rows;
    return 0;
}

/* --- rows --------------------------------------------------------------------- */

static int keep_row(void *arg, struct slice row, bool json, struct err *e)
{
    struct db_page *p = arg;

    assert(p->rows < DB_PAGE);
    if (buf_append(&p->bytes, row, e) < 0) {
        return -1;
    }
    p->ends[p->rows] = p->bytes.len;
    p->json[p->rows++] = json;
    return 0;
}

static int fill_page(struct db_source *s, size_t slot, int64_t n, int64_t rows,
                     struct err *e)
{
    struct db_table *t = &s->tables[slot];
    int64_t params[DB_PARAMS] = {0, rows, 0};

    if (t->dense) {
        params[0] = t->low + n;
    } else {
        const struct db_mark *m = &t->marks[n / DB_MARK_EVERY];

        params[0] = m->key;
        params[2] = m->same + n % DB_MARK_EVERY;
    }
    buf_clear(&t->page.bytes);
    t->page.rows = 0;
    t->page.first = n;
    return s->dialect->rows_of(s->db, slot, params, keep_row, &t->page, e);
}

static int connect_again(struct db_source *s, struct err *e)
{
    s->dialect->close(s->db);
    s->db = NULL;
    if (s->dialect->open(&s->db, &s->login, s->datetimes, AGAIN_WAIT_US, e) <
        0) {
        return -1;
    }
    for (size_t i = 0; i < s->ntables; i++) {
        if (s->tables[i].sql != NULL &&
            s->dialect->prepare(s->db, i, s->tables[i].sql, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The same across connections that break. */
static int fetch(struct db_source *s, size_t slot, int64_t n, int64_t rows,
                 struct err *e)
{
    struct err local = {.code = ERR_CONNECT};
    int rc = s->db != NULL ? fill_page(s, slot, n, rows, &local) : -1;

    for (int i = 0; rc < 0 && local.code == ERR_CONNECT && i < AGAIN_MAX; i++) {
        rc = connect_again(s, &local);
        rc = rc == 0 ? fill_page(s, slot, n, rows, &local) : rc;
    }
    if (rc < 0) {
        s->tables[slot].page.rows = 0;
        if (e != NULL) {
            *e = local;
        }
    }
    return rc;
}

static int from_page(const struct db_table *t, int64_t n, struct buf *b,
                     bool *ret_json, struct err *e)
{
    const struct db_page *p = &t->page;
    size_t i = (size_t)(n - p->first);
    uint64_t from = i > 0 ? p->ends[i - 1] : 0;

    if (buf_append(
            b, (struct slice){p->bytes.ptr + from, (size_t)(p->ends[i] - from)},
            e) < 0) {
        return -1;
    }
    *ret_json = p->json[i];
    return 0;
}

static bool in_page(const struct db_page *p, int64_t n)
{
    return n >= p->first && n - p->first < (int64_t)p->rows;
}

static int row_of_db(void *handle, size_t table, int64_t n, struct buf *b,
                     bool *ret_json, struct err *e)
{
    struct db_source *s = handle;
    struct db_table *t = &s->tables[table];
    bool in_order = n == t->last + 1 && n > 0;

    if (n >= t->rows) {
        return err_set(e, ERR_NOTFOUND, "row %" PRId64 " is past the last one",
                       n);
    }
    if (t->sql == NULL) {
        return db_copy_row(t, n, b, ret_json, e);
    }
    /* a single row is drawn anew each time: it may have changed */
    if (!in_order || !in_page(&t->page, n)) {
        if (fetch(s, table, n, in_order ? DB_PAGE : 1, e) < 0) {
            return -1;
        }
        if (t->page.rows == 0) {
            return err_set(e, ERR_CORRUPT,
                           "row %" PRId64 " of table \"%s\" is not there any "
                           "more: rows were deleted since the start",
                           n, t->name);
        }
    }
    t->last = n;
    return from_page(t, n, b, ret_json, e);
}

static int open_postgres(void **ret, const char *rest,
                         const struct source_conf *conf, struct err *e)
{
    (void)rest;
    return open_db(ret, &source_dialect_postgres, conf->url, conf, e);
}

static int open_mysql(void **ret, const char *rest,
                      const struct source_conf *conf, struct err *e)
{
    (void)rest;
    return open_db(ret, &source_dialect_mysql, conf->url, conf, e);
}

const struct source_ops source_mysql = {
    .name = "mysql",
    .scheme = "mysql:",
    .help = "mysql://USER@HOST/DATABASE, or db_creds.yaml",
    .open = open_mysql,
    .close = close_db,
    .rows = rows_of_db,
    .row = row_of_db,
};

const struct source_ops source_postgres = {
    .name = "postgres",
    .scheme = "postgres:",
    .help = "postgres://USER@HOST/DATABASE, or local_db_creds.yaml",
    .open = open_postgres,
    .close = close_db,
    .rows = rows_of_db,
    .row = row_of_db,
};

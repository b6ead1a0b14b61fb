/* postgres.c - how a source speaks to PostgreSQL. */
#include "db/postgres.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/num.h"
#include "source/db_int.h"
#include "json/json.h"

enum {
    ROW_MAX = 1 << 28,
    VALUES_MAX = 16,
};

struct postgres_db {
    struct postgres *db;
    enum source_datetimes datetimes;
    struct buf row;
};

static void close_postgres(void *handle)
{
    struct postgres_db *p = handle;

    if (p != NULL) {
        postgres_close(p->db);
        buf_release(&p->row);
        mem_free(p);
    }
}

/* Tables of a schema of its own: ?schema=NAME. */
static int use_schema(struct postgres_db *p, const struct login *l,
                      struct err *e)
{
    struct slice schema;
    const char *sql;
    struct buf b;
    int rc = -1;

    if (!login_param(l->query, "schema", &schema)) {
        return 0;
    }
    buf_init(&b, DB_SQL_MAX);
    if (buf_puts(&b, "SET search_path = ", e) == 0 &&
        postgres_put_name(&b, schema, e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = postgres_exec(p->db, sql, NULL, e);
    }
    buf_release(&b);
    return rc;
}

static int open_postgres(void **ret, const struct login *l,
                         enum source_datetimes datetimes, int64_t wait_us,
                         struct err *e)
{
    struct postgres_db *p = mem_zero(1, sizeof(*p));

    if (p == NULL) {
        return err_nomem(e, sizeof(*p));
    }
    buf_init(&p->row, ROW_MAX);
    p->datetimes = datetimes;
    /* plans that know how many rows are wanted: an index is then taken */
    if (postgres_open(&p->db, l, wait_us, e) < 0 ||
        postgres_exec(p->db, "SET plan_cache_mode = force_custom_plan", NULL,
                      e) < 0 ||
        use_schema(p, l, e) < 0) {
        close_postgres(p);
        return -1;
    }
    *ret = p;
    return 0;
}

static int ask_postgres(void *handle, const char *sql, db_text_fn *fn,
                        void *arg, struct err *e)
{
    struct postgres_db *p = handle;
    struct postgres_call call = {.sql = sql};
    struct postgres_rows *rows = NULL;
    struct slice values[VALUES_MAX];
    size_t n;
    int rc = 0;

    if (postgres_call(p->db, &call, &rows, e) < 0) {
        return -1;
    }
    n = postgres_rows_columns(rows);
    assert(n <= VALUES_MAX);
    for (size_t i = 0; i < postgres_rows_count(rows) && rc == 0; i++) {
        for (size_t k = 0; k < n; k++) {
            values[k] = postgres_rows_value(rows, i, k);
        }
        rc = fn(arg, values, n, e);
    }
    postgres_rows_free(rows);
    return rc;
}

static int put_float(struct buf *b, struct slice text, struct err *e)
{
    double v;

    return num_double(text, &v) ? db_put_double(b, v, e)
                                : buf_puts(b, "null", e);
}

static int put_value(const struct postgres_db *p,
                     const struct postgres_rows *rows, size_t row, size_t col,
                     struct buf *b, struct err *e)
{
    struct slice text = postgres_rows_value(rows, row, col);

    if (postgres_rows_null(rows, row, col)) {
        return buf_puts(b, "null", e);
    }
    switch (postgres_rows_type(rows, col)) {
    case POSTGRES_BOOL:
        return buf_puts(b, slice_is(text, "t") ? "true" : "false", e);
    case POSTGRES_INT:
    case POSTGRES_JSON:
        return buf_append(b, text, e);
    case POSTGRES_FLOAT:
        return put_float(b, text, e);
    case POSTGRES_DATETIME:
        return db_put_datetime(b, text, p->datetimes, e);
    case POSTGRES_TEXT:
    default:
        return json_print_text(b, text, e);
    }
}

static int give_rows(struct postgres_db *p, const struct postgres_rows *rows,
                     db_row_fn *fn, void *arg, struct err *e)
{
    size_t n = postgres_rows_columns(rows);

    for (size_t i = 0; i < postgres_rows_count(rows); i++) {
        struct buf *b = &p->row;

        buf_clear(b);
        for (size_t k = 0; k < n; k++) {
            if (buf_putc(b, k > 0 ? ',' : '{', e) < 0 ||
                json_print_text(b, slice_of(postgres_rows_name(rows, k)), e) <
                    0 ||
                buf_putc(b, ':', e) < 0 || put_value(p, rows, i, k, b, e) < 0) {
                return -1;
            }
        }
        if (buf_putc(b, '}', e) < 0 || fn(arg, buf_slice(b), true, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static void name_slot(size_t slot, char name[24])
{
    (void)snprintf(name, 24, "rows%zu", slot);
}

static int prepare_postgres(void *handle, size_t slot, const char *sql,
                            struct err *e)
{
    struct postgres_db *p = handle;
    char name[24];

    name_slot(slot, name);
    return postgres_prepare(p->db, name, sql, e);
}

static int rows_of_postgres(void *handle, size_t slot, const int64_t *params,
                            db_row_fn *fn, void *arg, struct err *e)
{
    struct postgres_db *p = handle;
    char name[24];
    char texts[DB_PARAMS][24];
    struct slice values[DB_PARAMS];
    struct postgres_call call = {
        .name = name, .params = values, .n = DB_PARAMS};
    struct postgres_rows *rows = NULL;
    int rc;

    name_slot(slot, name);
    for (size_t i = 0; i < DB_PARAMS; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%" PRId64, params[i]);
        values[i] = slice_of(texts[i]);
    }
    if (postgres_call(p->db, &call, &rows, e) < 0) {
        return -1;
    }
    rc = give_rows(p, rows, fn, arg, e);
    postgres_rows_free(rows);
    return rc;
}

/* By a cursor: as many rows in memory as one FETCH gives. */
static int scan_postgres(void *handle, const char *sql, db_row_fn *fn,
                         void *arg, struct err *e)
{
    struct postgres_db *p = handle;
    struct postgres_call fetch = {.sql = "FETCH 500 FROM pinline_scan"};
    struct buf b;
    const char *text;
    size_t n = 1;
    int rc = -1;

    buf_init(&b, DB_SQL_MAX);
    if (buf_puts(&b,
                 "BEGIN READ ONLY; DECLARE pinline_scan NO SCROLL CURSOR "
                 "FOR ",
                 e) < 0 ||
        buf_puts(&b, sql, e) < 0 || buf_text(&b, &text, e) < 0) {
        goto out;
    }
    rc = postgres_exec(p->db, text, NULL, e);
    while (rc == 0 && n > 0) {
        struct postgres_rows *rows = NULL;

        rc = postgres_call(p->db, &fetch, &rows, e);
        if (rc == 0) {
            n = postgres_rows_count(rows);
            rc = give_rows(p, rows, fn, arg, e);
            postgres_rows_free(rows);
        }
    }
    postgres_rollback(p->db); /* nothing was written */
out:
    buf_release(&b);
    return rc;
}

const struct db_dialect source_dialect_postgres = {
    .kind = LOGIN_POSTGRES,
    .name = "postgres",
    .quote = '"',
    .catalogue = "postgres_catalogue.sql",
    .rows = "postgres_rows.sql",
    .open = open_postgres,
    .close = close_postgres,
    .ask = ask_postgres,
    .prepare = prepare_postgres,
    .rows_of = rows_of_postgres,
    .scan = scan_postgres,
};

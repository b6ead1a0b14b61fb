/* mysql.c - how a source speaks to MariaDB and MySQL. */
#include "db/mysql.h"

#include <inttypes.h>

#include "core/mem.h"
#include "core/num.h"
#include "core/text.h"
#include "source/db_int.h"
#include "json/json.h"

enum {
    ROW_MAX = 1 << 28
};

struct mysql_db {
    struct db_mysql *db;
    enum source_datetimes datetimes;
    struct db_mysql_stmt *by_key[SOURCE_TABLES_MAX];
    struct buf row;
};

static void close_mysql(void *handle)
{
    struct mysql_db *m = handle;

    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < SOURCE_TABLES_MAX; i++) {
        db_mysql_finalize(m->by_key[i]);
    }
    db_mysql_close(m->db);
    buf_release(&m->row);
    mem_free(m);
}

static int open_mysql(void **ret, const struct login *l,
                      enum source_datetimes datetimes, int64_t wait_us,
                      struct err *e)
{
    struct mysql_db *m = mem_zero(1, sizeof(*m));

    if (m == NULL) {
        return err_nomem(e, sizeof(*m));
    }
    buf_init(&m->row, ROW_MAX);
    m->datetimes = datetimes;
    if (db_mysql_open(&m->db, l, wait_us, e) < 0) {
        close_mysql(m);
        return -1;
    }
    *ret = m;
    return 0;
}

static int ask_mysql(void *handle, const char *sql, db_text_fn *fn, void *arg,
                     struct err *e)
{
    struct mysql_db *m = handle;

    return db_mysql_ask(m->db, sql, fn, arg, e);
}

static int prepare_mysql(void *handle, size_t slot, const char *sql,
                         struct err *e)
{
    struct mysql_db *m = handle;

    return db_mysql_prepare(m->db, sql, &m->by_key[slot], e);
}

static int put_text(struct buf *b, struct slice text, bool *json, struct err *e)
{
    *json = *json && text_utf8_valid(text, NULL);
    return json_print_text(b, text, e);
}

static int put_value(struct mysql_db *m, const struct db_mysql_stmt *st,
                     size_t col, bool *json, struct err *e)
{
    struct buf *b = &m->row;
    double v;

    if (db_mysql_null(st, col)) {
        return buf_puts(b, "null", e);
    }
    switch (db_mysql_column_type(st, col)) {
    case DB_MYSQL_INT:
        return json_print_i64(b, db_mysql_int(st, col), e);
    case DB_MYSQL_UNSIGNED:
        return buf_putf(b, e, "%" PRIu64, (uint64_t)db_mysql_int(st, col));
    case DB_MYSQL_DOUBLE:
        return db_put_double(b, db_mysql_double(st, col), e);
    case DB_MYSQL_FLOAT:
        return num_double(db_mysql_text(st, col), &v) ? db_put_double(b, v, e)
                                                      : buf_puts(b, "null", e);
    case DB_MYSQL_DATETIME:
        return db_put_datetime(b, db_mysql_text(st, col), m->datetimes, e);
    case DB_MYSQL_TEXT:
    case DB_MYSQL_BYTES:
    default:
        return put_text(b, db_mysql_text(st, col), json, e);
    }
}

/* The row as an object; bytes that are no UTF-8 make it no JSON, so that it
 * is posted as binary and rejected with its reason, not lost here. */
static int give_row(struct mysql_db *m, const struct db_mysql_stmt *st,
                    db_row_fn *fn, void *arg, struct err *e)
{
    struct buf *b = &m->row;
    bool json = true;

    buf_clear(b);
    for (size_t i = 0; i < db_mysql_columns(st); i++) {
        if (buf_putc(b, i > 0 ? ',' : '{', e) < 0 ||
            json_print_text(b, slice_of(db_mysql_name(st, i)), e) < 0 ||
            buf_putc(b, ':', e) < 0 || put_value(m, st, i, &json, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '}', e) < 0 ? -1 : fn(arg, buf_slice(b), json, e);
}

static int give_rows(struct mysql_db *m, struct db_mysql_stmt *st,
                     db_row_fn *fn, void *arg, struct err *e)
{
    int rc;

    while ((rc = db_mysql_step(st, e)) == 1) {
        if (give_row(m, st, fn, arg, e) < 0) {
            rc = -1;
            break;
        }
    }
    db_mysql_reset(st);
    return rc;
}

static int rows_of_mysql(void *handle, size_t slot, const int64_t *params,
                         db_row_fn *fn, void *arg, struct err *e)
{
    struct mysql_db *m = handle;
    struct db_mysql_stmt *st = m->by_key[slot];

    return db_mysql_run(st, params, DB_PARAMS, e) < 0
               ? -1
               : give_rows(m, st, fn, arg, e);
}

static int scan_mysql(void *handle, const char *sql, db_row_fn *fn, void *arg,
                      struct err *e)
{
    struct mysql_db *m = handle;
    struct db_mysql_stmt *st = NULL;
    int rc;

    if (db_mysql_prepare(m->db, sql, &st, e) < 0) {
        return -1;
    }
    rc = db_mysql_run(st, NULL, 0, e);
    rc = rc == 0 ? give_rows(m, st, fn, arg, e) : rc;
    db_mysql_finalize(st);
    return rc;
}

const struct db_dialect source_dialect_mysql = {
    .kind = LOGIN_MYSQL,
    .name = "mysql",
    .quote = '`',
    .catalogue = "mysql_catalogue.sql",
    .rows = "mysql_rows.sql",
    .open = open_mysql,
    .close = close_mysql,
    .ask = ask_mysql,
    .prepare = prepare_mysql,
    .rows_of = rows_of_mysql,
    .scan = scan_mysql,
};

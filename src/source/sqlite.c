#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/text.h"
#include "source/sqlite_int.h"
#include "json/json.h"

static void close_sqlite(void *handle)
{
    struct sqlite_source *s = handle;

    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->ntables; i++) {
        sqlite_finalize(s->tables[i].by_rowid);
        mem_free(s->tables[i].marks);
    }
    if (s->db != NULL) {
        sqlite_rollback(s->db);
        sqlite_close(s->db);
    }
    mem_free(s);
}

/* The path of "//FILE?pin=NAME", "FILE", and what stands behind the '?'. */
static int cut_url(const char *rest, char path[FS_PATH_MAX],
                   const char **ret_names, struct err *e)
{
    const char *names = strchr(rest, '?');
    struct slice file;

    if (strncmp(rest, "//", 2) == 0) {
        rest += 2;
    }
    file = (struct slice){rest, names ? (size_t)(names - rest) : strlen(rest)};
    if (file.len == 0 || file.len >= FS_PATH_MAX) {
        return err_set(e, ERR_INVALID,
                       "cannot open source \"sqlite:%s\": it names no file",
                       rest);
    }
    memcpy(path, file.ptr, file.len);
    path[file.len] = '\0';
    *ret_names = names ? names + 1 : "";
    return 0;
}

static int open_sqlite(void **ret, const char *rest,
                       const struct source_conf *conf, struct err *e)
{
    struct sqlite_source *s;
    char path[FS_PATH_MAX];
    const char *names = "";

    if (cut_url(rest, path, &names, e) < 0) {
        return -1;
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->ntables = conf->ntables;
    /* one state of the database for as long as rows are drawn */
    if (sqlite_open(&s->db, path, SQLITE_TO_READ, e) < 0 ||
        sqlite_begin_read(s->db, e) < 0 ||
        sqlite_source_find(s, conf, names, e) < 0) {
        goto fail;
    }
    for (size_t i = 0; i < s->ntables; i++) {
        if (sqlite_source_number(s, &s->tables[i], e) < 0) {
            err_wrap(e, "table \"%s\" of \"%s\"", s->tables[i].name, path);
            goto fail;
        }
    }
    *ret = s;
    return 0;
fail:
    close_sqlite(s);
    return -1;
}

static int rows_of_sqlite(void *handle, size_t table, int64_t *ret,
                          struct err *e)
{
    struct sqlite_source *s = handle;

    (void)e;
    *ret = s->tables[table].rows;
    return 0;
}

static int put_value(struct sqlite_stmt *st, int i, struct buf *b,
                     bool *is_text, struct err *e)
{
    struct slice text;

    switch (sqlite_column_type(st, i)) {
    case SQLITE_IS_NULL:
        return buf_puts(b, "null", e);
    case SQLITE_IS_INT:
        return json_print_i64(b, sqlite_column_int(st, i), e);
    case SQLITE_IS_DOUBLE: {
        double v = sqlite_column_double(st, i);

        return v - v == 0.0 ? json_print_double(b, v, e)
                            : buf_puts(b, "null", e); /* JSON has no infinity */
    }
    case SQLITE_IS_TEXT:
    case SQLITE_IS_BLOB:
    default:
        text = sqlite_column_type(st, i) == SQLITE_IS_TEXT
                   ? sqlite_column_text(st, i)
                   : sqlite_column_blob(st, i);
        *is_text = *is_text && text_utf8_valid(text, NULL);
        return json_print_text(b, text, e);
    }
}

/* The row as an object; bytes that are no UTF-8 make it no JSON, so that it
 * is posted as binary and rejected with its reason, not lost here. */
static int put_row(struct sqlite_stmt *st, struct buf *b, bool *ret_json,
                   struct err *e)
{
    int n = sqlite_columns(st);
    bool json = true;

    for (int i = 0; i < n; i++) {
        if (buf_putc(b, i > 0 ? ',' : '{', e) < 0 ||
            json_print_text(b, slice_of(sqlite_column_name(st, i)), e) < 0 ||
            buf_putc(b, ':', e) < 0 || put_value(st, i, b, &json, e) < 0) {
            return -1;
        }
    }
    *ret_json = json;
    return buf_putc(b, '}', e);
}

static int row_of_sqlite(void *handle, size_t table, int64_t n, struct buf *b,
                         bool *ret_json, struct err *e)
{
    struct sqlite_source *s = handle;
    struct sqlite_source_table *t = &s->tables[table];
    int64_t skip = n % SQLITE_SOURCE_MARK_EVERY;
    int rc;

    if (n >= t->rows) {
        return err_set(e, ERR_NOTFOUND, "row %lld is past the last one",
                       (long long)n);
    }
    sqlite_bind_int(t->by_rowid, 1,
                    t->dense ? t->first + n
                             : t->marks[n / SQLITE_SOURCE_MARK_EVERY]);
    sqlite_bind_int(t->by_rowid, 2, t->dense ? 0 : skip);
    rc = sqlite_step(t->by_rowid, e);
    if (rc == 0) {
        rc = err_set(e, ERR_CORRUPT, "row %lld of table \"%s\" is not there",
                     (long long)n, t->name);
    } else if (rc == 1) {
        rc = put_row(t->by_rowid, b, ret_json, e);
    }
    sqlite_reset(t->by_rowid);
    return rc;
}

const struct source_ops source_sqlite = {
    .name = "sqlite",
    .scheme = "sqlite:",
    .help = "sqlite://FILE, tables by their columns or ?pin=NAME&geo=NAME",
    .open = open_sqlite,
    .close = close_sqlite,
    .rows = rows_of_sqlite,
    .row = row_of_sqlite,
};

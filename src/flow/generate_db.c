#include <string.h>

#include "core/embed.h"
#include "core/fs.h"
#include "core/stop.h"
#include "db/sqlite.h"
#include "flow/generate.h"
#include "json/json.h"

extern const struct embed_file flow_sql[];

enum {
    ROW_MAX = 16 << 20
};

static const struct {
    const char *table;
    const char *insert;
    int columns;
} inserts[] = {
    {"pin", "INSERT INTO pinterest_data VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", 12},
    {"geo", "INSERT INTO geolocation_data VALUES (?,?,?,?,?)", 5},
    {"user", "INSERT INTO user_data VALUES (?,?,?,?,?)", 5},
};

static void bind(struct sqlite_stmt *st, int i, yyjson_val *v)
{
    if (yyjson_is_int(v)) {
        sqlite_bind_int(st, i, yyjson_get_sint(v));
    } else if (yyjson_is_num(v)) {
        sqlite_bind_double(st, i, yyjson_get_num(v));
    } else if (yyjson_is_str(v)) {
        sqlite_bind_text(st, i,
                         (struct slice){yyjson_get_str(v), yyjson_get_len(v)});
    } else {
        sqlite_bind_null(st, i);
    }
}

static int insert_row(struct sqlite_stmt *st, struct slice row, int columns,
                      struct err *e)
{
    struct json_doc doc;
    yyjson_obj_iter it;
    yyjson_val *key;
    int i = 0;
    int rc = -1;

    if (json_parse(&doc, row, JSON_NUMBERS, NULL, e) != 0) {
        return -1;
    }
    if (!yyjson_is_obj(doc.root) ||
        yyjson_obj_size(doc.root) != (size_t)columns) {
        (void)err_set(e, ERR_DATA, "a row has not %d columns", columns);
        goto out;
    }
    it = yyjson_obj_iter_with(doc.root);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        bind(st, ++i, yyjson_obj_iter_get_val(key));
    }
    rc = sqlite_run(st, e);
out:
    json_release(&doc);
    return rc;
}

static int insert_table(const struct generate_conf *conf, size_t table,
                        struct sqlite *db, struct generate_counts *counts,
                        struct err *e)
{
    struct sqlite_stmt *st = NULL;
    struct buf row;
    size_t k = 0;
    int rc = -1;

    while (k < ARRAY_LEN(inserts) &&
           strcmp(inserts[k].table, conf->tables[table]) != 0) {
        k++;
    }
    if (k == ARRAY_LEN(inserts)) {
        return err_set(e, ERR_INVALID,
                       "no table \"%s\" can be made; there are "
                       "pin, geo, user",
                       conf->tables[table]);
    }
    buf_init(&row, ROW_MAX);
    if (sqlite_prepare(db, inserts[k].insert, true, &st, e) != 0) {
        goto out;
    }
    for (int64_t n = 0;; n++) {
        bool json = true;
        struct err local;

        buf_clear(&row);
        if (source_row(conf->source, table, n, &row, &json, &local) != 0) {
            rc = local.code == ERR_NOTFOUND ? 0 : -1;
            if (rc != 0 && e != NULL) {
                *e = local;
            }
            break;
        }
        if (insert_row(st, buf_slice(&row), inserts[k].columns, e) != 0) {
            break;
        }
        counts->rows++;
        if (n % 1024 == 1023 && conf->progress != NULL) {
            progress_add(conf->progress, 1024 / (int64_t)conf->ntables);
        }
        if (stop_asked()) {
            (void)err_set(e, ERR_INTERRUPTED, "stopped at row %lld",
                          (long long)n);
            break;
        }
    }
out:
    sqlite_finalize(st);
    buf_release(&row);
    return rc;
}

int generate_sqlite(const struct generate_conf *conf, const char *path,
                    struct generate_counts *ret, struct err *e)
{
    struct generate_counts counts = {0};
    struct sqlite *db = NULL;
    struct slice sql;
    int rc = -1;

    if (!embed_find(flow_sql, "generate.sql", &sql)) {
        return err_set(e, ERR_UNAVAILABLE, "generate.sql is not built in");
    }
    if (sqlite_open(&db, path, SQLITE_TO_WRITE, e) != 0) {
        return -1;
    }
    if (sqlite_begin(db, e) != 0 || sqlite_exec(db, sql.ptr, e) != 0) {
        goto out;
    }
    for (size_t t = 0; t < conf->ntables; t++) {
        if (insert_table(conf, t, db, &counts, e) != 0) {
            goto out;
        }
    }
    rc = sqlite_commit(db, e);
out:
    if (rc != 0) {
        sqlite_rollback(db);
    }
    sqlite_close(db);
    if (rc == 0) {
        rc = fs_size(path, &counts.bytes, e);
    }
    if (rc == 0) {
        *ret = counts;
        return 0;
    }
    return err_wrap(e, "could not write database \"%s\"", path);
}

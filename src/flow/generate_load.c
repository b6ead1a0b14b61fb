/* generate_load.c - made-up tables in a database, by COPY or LOAD DATA. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/embed.h"
#include "core/mem.h"
#include "core/stop.h"
#include "db/mysql.h"
#include "db/postgres.h"
#include "flow/generate.h"
#include "json/json.h"

extern const struct embed_file flow_sql[];

enum {
    ROW_MAX = 16 << 20,
    CHUNK = 256 << 10, /* bytes handed over at once */
    WAIT_US = 3000000, /* for a server that is just coming up */
    SQL_MAX = 1 << 16,
};

static const struct {
    const char *table;
    const char *name;
    const char *key;
    int columns;
} targets[] = {
    {"pin", "pinterest_data", "index", 12},
    {"geo", "geolocation_data", "ind", 5},
    {"user", "user_data", "ind", 5},
};

/* Rows of one table as lines of COPY and LOAD DATA, which are the same:
 * columns between tabs, \N for NULL, a backslash before odd characters. */
struct lines {
    const struct generate_conf *conf;
    struct generate_counts *counts;
    size_t table; /* of conf */
    int columns;
    int64_t next;
    bool end;
    struct buf row;
};

static int put_text(struct buf *b, const char *s, size_t n, struct err *e)
{
    static const char odd[] = "\\\t\n\r";
    static const char letters[] = "\\tnr";

    for (size_t i = 0; i < n; i++) {
        const char *at = s[i] != '\0' ? strchr(odd, s[i]) : NULL;

        if (s[i] == '\0') {
            continue; /* neither database has a place for it */
        }
        if ((at != NULL && buf_putc(b, '\\', e) < 0) ||
            buf_putc(b, at != NULL ? letters[at - odd] : s[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int put_value(struct buf *b, yyjson_val *v, struct err *e)
{
    if (yyjson_is_str(v)) {
        return put_text(b, yyjson_get_str(v), yyjson_get_len(v), e);
    }
    if (yyjson_is_num(v) || yyjson_is_raw(v)) {
        return json_print(b, v, 0, e);
    }
    return buf_puts(b, "\\N", e);
}

static int put_line(struct lines *l, struct buf *b, struct err *e)
{
    struct json_doc doc;
    yyjson_obj_iter it;
    yyjson_val *key;
    int i = 0;
    int rc = -1;

    if (json_parse(&doc, buf_slice(&l->row), 0, NULL, e) != 0) {
        return -1;
    }
    if (!yyjson_is_obj(doc.root) ||
        yyjson_obj_size(doc.root) != (size_t)l->columns) {
        (void)err_set(e, ERR_DATA, "a row has not %d columns", l->columns);
        goto out;
    }
    it = yyjson_obj_iter_with(doc.root);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        if ((i++ > 0 && buf_putc(b, '\t', e) < 0) ||
            put_value(b, yyjson_obj_iter_get_val(key), e) < 0) {
            goto out;
        }
    }
    rc = buf_putc(b, '\n', e);
out:
    json_release(&doc);
    return rc;
}

/* The next piece of the table; nothing at its end. */
static int fill(void *arg, struct buf *b, struct err *e)
{
    struct lines *l = arg;

    while (!l->end && b->len < CHUNK) {
        struct err local = {0};
        bool json = true;

        buf_clear(&l->row);
        if (source_row(l->conf->source, l->table, l->next, &l->row, &json,
                       &local) != 0) {
            l->end = local.code == ERR_NOTFOUND;
            if (!l->end && e != NULL) {
                *e = local;
            }
            return l->end ? 0 : -1;
        }
        if (put_line(l, b, e) < 0) {
            return -1;
        }
        l->next++;
        l->counts->rows++;
        if (l->next % 1024 == 0 && l->conf->progress != NULL) {
            progress_add(l->conf->progress, 1024 / (int64_t)l->conf->ntables);
        }
    }
    l->counts->bytes += (int64_t)b->len;
    return stop_asked()
               ? err_set(e, ERR_INTERRUPTED, "stopped at row %" PRId64, l->next)
               : 0;
}

static int start_lines(struct lines *l, const struct generate_conf *conf,
                       size_t table, struct generate_counts *counts,
                       size_t *ret_target, struct err *e)
{
    for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
        if (strcmp(targets[k].table, conf->tables[table]) == 0) {
            *l = (struct lines){.conf = conf,
                                .counts = counts,
                                .table = table,
                                .columns = targets[k].columns};
            buf_init(&l->row, ROW_MAX);
            *ret_target = k;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "no table \"%s\" can be made; there are pin, geo, user",
                   conf->tables[table]);
}

/* --- PostgreSQL: all of it in one transaction -------------------------------- */

static int copy_table(struct postgres *db, const struct generate_conf *conf,
                      size_t table, struct generate_counts *counts,
                      struct err *e)
{
    struct lines l;
    struct buf b;
    size_t k = 0;
    char sql[200];
    int rc;

    if (start_lines(&l, conf, table, counts, &k, e) < 0) {
        return -1;
    }
    buf_init(&b, CHUNK + ROW_MAX);
    (void)snprintf(sql, sizeof(sql), "COPY %s FROM STDIN", targets[k].name);
    rc = postgres_copy_begin(db, sql, e);
    while (rc == 0 && !l.end) {
        buf_clear(&b);
        rc = fill(&l, &b, e);
        rc = rc == 0 ? postgres_copy_put(db, buf_slice(&b), e) : rc;
    }
    rc = rc == 0 ? postgres_copy_end(db, NULL, e) : rc;
    if (rc == 0) {
        (void)snprintf(sql, sizeof(sql), "CREATE INDEX ON %s (\"%s\")",
                       targets[k].name, targets[k].key);
        rc = postgres_exec(db, sql, NULL, e);
    }
    buf_release(&b);
    buf_release(&l.row);
    return rc;
}

static int drop_postgres(struct postgres *db, struct err *e)
{
    for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
        char sql[100];

        (void)snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS %s",
                       targets[k].name);
        if (postgres_exec(db, sql, NULL, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int fill_postgres(const struct generate_conf *conf,
                         const struct login *login,
                         struct generate_counts *counts, struct err *e)
{
    struct slice sql = SLICE("");
    struct postgres *db = NULL;
    int rc;

    (void)embed_find(flow_sql, "generate_postgres.sql", &sql);
    if (postgres_open(&db, login, WAIT_US, e) < 0) {
        return -1;
    }
    rc = postgres_exec(db, "BEGIN", NULL, e);
    if (rc == 0 && conf->replace) {
        rc = drop_postgres(db, e);
    }
    rc = rc == 0 ? postgres_exec(db, sql.ptr, NULL, e) : rc;
    for (size_t t = 0; t < conf->ntables && rc == 0; t++) {
        rc = copy_table(db, conf, t, counts, e);
    }
    rc = rc == 0 ? postgres_exec(db, "COMMIT; ANALYZE", NULL, e) : rc;
    if (rc < 0) {
        postgres_rollback(db);
    }
    postgres_close(db);
    return rc;
}

/* --- MariaDB, MySQL: their DDL knows no transactions ----------------------------- */

static int load_table(struct db_mysql *db, const struct generate_conf *conf,
                      size_t table, struct generate_counts *counts,
                      struct err *e)
{
    struct lines l;
    size_t k = 0;
    char sql[200];
    int rc;

    if (start_lines(&l, conf, table, counts, &k, e) < 0) {
        return -1;
    }
    (void)snprintf(sql, sizeof(sql),
                   "LOAD DATA LOCAL INFILE 'pinline' INTO TABLE %s "
                   "CHARACTER SET utf8mb4",
                   targets[k].name);
    rc = db_mysql_load(db, sql, fill, &l, e);
    if (rc == 0) {
        (void)snprintf(sql, sizeof(sql), "CREATE INDEX by_%s ON %s (`%s`)",
                       targets[k].key, targets[k].name, targets[k].key);
        rc = db_mysql_exec(db, sql, e);
    }
    buf_release(&l.row);
    return rc;
}

/* Statements one by one, up to their ';'. */
static int make_mysql(struct db_mysql *db, struct err *e)
{
    struct slice rest = SLICE("");
    struct slice one;
    struct buf b;
    int rc = 0;

    (void)embed_find(flow_sql, "generate_mysql.sql", &rest);
    buf_init(&b, SQL_MAX);
    while (rc == 0 && slice_cut(&rest, ';', &one)) {
        const char *sql;

        buf_clear(&b);
        rc = buf_append(&b, one, e) < 0 || buf_text(&b, &sql, e) < 0
                 ? -1
                 : db_mysql_exec(db, sql, e);
    }
    buf_release(&b);
    return rc;
}

static int drop_mysql(struct db_mysql *db, struct err *e)
{
    return db_mysql_exec(db,
                         "DROP TABLE IF EXISTS pinterest_data, "
                         "geolocation_data, user_data",
                         e);
}

/* So that nothing is made when one of them is there. */
static int none_there(struct db_mysql *db, struct err *e)
{
    for (size_t k = 0; k < ARRAY_LEN(targets); k++) {
        struct err why = {0};
        char sql[100];

        (void)snprintf(sql, sizeof(sql), "SELECT 1 FROM %s LIMIT 0",
                       targets[k].name);
        if (db_mysql_exec(db, sql, &why) == 0) {
            return err_set(e, ERR_EXISTS, "table \"%s\" is there already",
                           targets[k].name);
        }
        if (why.code != ERR_NOTFOUND) {
            if (e != NULL) {
                *e = why;
            }
            return -1;
        }
    }
    return 0;
}

static int fill_mysql(const struct generate_conf *conf,
                      const struct login *login, struct generate_counts *counts,
                      struct err *e)
{
    struct db_mysql *db = NULL;
    int rc;

    if (db_mysql_open(&db, login, WAIT_US, e) < 0) {
        return -1;
    }
    rc = conf->replace ? drop_mysql(db, e) : none_there(db, e);
    rc = rc == 0 ? make_mysql(db, e) : rc;
    for (size_t t = 0; t < conf->ntables && rc == 0; t++) {
        rc = load_table(db, conf, t, counts, e);
        if (rc < 0 && drop_mysql(db, NULL) < 0) {
            rc = err_wrap(e, "half-filled tables are left behind");
        }
    }
    db_mysql_close(db);
    return rc;
}

int generate_database(const struct generate_conf *conf, const char *url,
                      struct generate_counts *ret, struct err *e)
{
    struct generate_counts counts = {0};
    struct err local = {0};
    struct login login;
    int rc;

    if (login_find(&login, url, e) < 0) {
        return -1;
    }
    rc = login.kind == LOGIN_MYSQL
             ? fill_mysql(conf, &login, &counts, &local)
             : fill_postgres(conf, &login, &counts, &local);
    login_release(&login);
    if (rc == 0) {
        *ret = counts;
        return 0;
    }
    if (e != NULL) {
        *e = local;
    }
    return local.code == ERR_EXISTS
               ? err_wrap(e, "could not make tables (--replace drops those "
                             "that are there)")
               : -1;
}

/*
 * source.c KIND - what every source promises, on a source of that kind with
 * three tables of a few hundred rows.
 */
#include <stdlib.h>
#include <string.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/rand.h"
#include "db/mysql.h"
#include "db/postgres.h"
#include "db/sqlite.h"
#include "record/guess.h"
#include "source/source.h"
#include "test.h"
#include "json/json.h"

enum {
    ROWS = 300,
    OUT_MAX = 1 << 22,
    URL_MAX = FS_PATH_MAX + 16
};

static const char *kind;
static const char *const names[] = {"pin", "geo", "user"};
static const char *const pin[] = {"index", "title", "category"};
static const char *const geo[] = {"ind", "country", "latitude"};
static const char *const user[] = {"ind", "age", "first_name"};
static const char *const keys[] = {"index", "ind"};
static const struct guess_table tables[] = {
    {"pin", pin, 3}, {"geo", geo, 3}, {"user", user, 3}};
static const struct guess known = {tables, 3, keys, 2};

/* Rows of one table as a file of the kind at hand. */
static void write_table(size_t table, const char *ending)
{
    bool csv = strcmp(kind, "csv") == 0;
    const char *const *columns = tables[table].columns;
    char path[FS_PATH_MAX];
    struct buf rows;
    struct buf packed;
    struct err e;

    buf_init(&rows, OUT_MAX);
    buf_init(&packed, OUT_MAX);
    if (csv) {
        CHECK_OK(buf_putf(&rows, &e, "%s,%s\n", columns[0], columns[1]), &e);
    }
    for (int i = 0; i < ROWS; i++) {
        CHECK_OK(csv ? buf_putf(&rows, &e, "%d,\"t\n%d\"\n", i, i)
                     : buf_putf(&rows, &e, "{\"%s\": %d,\n\"%s\": \"t%d\"}\n",
                                columns[0], i, columns[1], i),
                 &e);
    }
    CHECK_OK(compress_gzip(buf_slice(&rows), &packed, &e), &e);
    (void)snprintf(path, sizeof(path), "%s/in/%s.%s", test_folder(),
                   names[table], ending);
    CHECK_OK(fs_publish(path,
                        strcmp(kind, "gzip") == 0 ? buf_slice(&packed)
                                                  : buf_slice(&rows),
                        &e),
             &e);
    buf_release(&rows);
    buf_release(&packed);
}

static void make_files(char url[URL_MAX])
{
    char dir[FS_PATH_MAX];
    struct err e;

    CHECK_OK(fs_join(dir, test_folder(), "in", &e), &e);
    if (!fs_exists(dir)) {
        CHECK_OK(fs_make_folders(dir, &e), &e);
        for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
            write_table(t, strcmp(kind, "gzip") == 0 ? "gz" : "json");
        }
    }
    (void)snprintf(url, URL_MAX, "%s", dir);
}

static void make_database(char url[URL_MAX])
{
    char path[FS_PATH_MAX];
    char sql[512];
    struct sqlite *db = NULL;
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), "rows.db", &e), &e);
    if (!fs_exists(path)) {
        CHECK_OK(sqlite_open(&db, path, SQLITE_TO_WRITE, &e), &e);
        for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
            (void)snprintf(
                sql, sizeof(sql),
                "CREATE TABLE %s(\"%s\" INTEGER, %s TEXT);"
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM"
                " n WHERE i < %d) INSERT INTO %s(rowid, \"%s\", %s)"
                " SELECT 3 * i, i, 't' || i FROM n;",
                names[t], tables[t].columns[0], tables[t].columns[1], ROWS - 1,
                names[t], tables[t].columns[0], tables[t].columns[1]);
            CHECK_OK(sqlite_exec(db, sql, &e), &e);
        }
        sqlite_close(db);
    }
    (void)snprintf(url, URL_MAX, "sqlite://%s", path);
}

/* The names of a table in MySQL's quotes instead of SQL's. */
static void requote(char *sql)
{
    for (; *sql != '\0'; sql++) {
        *sql = *sql == '"' ? '`' : *sql;
    }
}

static void run_mysql(const struct login *login, size_t t, bool plain)
{
    char sql[3][512];
    struct db_mysql *db = NULL;
    struct err e;

    (void)snprintf(sql[0], sizeof(sql[0]), "DROP TABLE IF EXISTS \"%s\"",
                   names[t]);
    (void)snprintf(sql[1], sizeof(sql[1]),
                   "CREATE TABLE \"%s\" (\"%s\" integer%s, %s text)", names[t],
                   tables[t].columns[0], plain ? "" : " PRIMARY KEY",
                   tables[t].columns[1]);
    (void)snprintf(sql[2], sizeof(sql[2]),
                   "INSERT INTO \"%s\" WITH RECURSIVE n(i) AS (SELECT 0 UNION "
                   "ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i, "
                   "concat('t', i) FROM n",
                   names[t], ROWS - 1);
    CHECK_OK(db_mysql_open(&db, login, 0, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        requote(sql[i]);
        CHECK_OK(db_mysql_exec(db, sql[i], &e), &e);
    }
    db_mysql_close(db);
}

static void run_postgres(const struct login *login, size_t t, bool plain)
{
    struct postgres *db = NULL;
    char sql[512];
    struct err e;

    (void)snprintf(sql, sizeof(sql),
                   "DROP TABLE IF EXISTS \"%s\"; CREATE TABLE \"%s\""
                   " (\"%s\" integer%s, %s text); INSERT INTO \"%s\""
                   " SELECT i, 't' || i FROM generate_series(0, %d) i",
                   names[t], names[t], tables[t].columns[0],
                   plain ? "" : " PRIMARY KEY", tables[t].columns[1], names[t],
                   ROWS - 1);
    CHECK_OK(postgres_open(&db, login, 0, &e), &e);
    CHECK_OK(postgres_exec(db, sql, NULL, &e), &e);
    postgres_close(db);
}

/* Three tables in a running database; "-plain": without any index. */
static void make_tables(char url[URL_MAX])
{
    static bool made;
    bool plain = strstr(kind, "-plain") != NULL;
    const char *given = getenv("PINLINE_TEST_DATABASE");
    struct login login;
    struct err e;

    (void)snprintf(url, URL_MAX, "%s", given != NULL ? given : "");
    if (made) {
        return;
    }
    made = true;
    CHECK_OK(login_find(&login, url, &e), &e);
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        (login.kind == LOGIN_MYSQL ? run_mysql : run_postgres)(&login, t,
                                                               plain);
    }
}

static struct source *open_kind(void)
{
    char url[URL_MAX] = "generator:";
    struct source_conf conf = {.url = url,
                               .seed = 5,
                               .rows = ROWS,
                               .guess = &known,
                               .tables = names,
                               .ntables = ARRAY_LEN(names)};
    struct source *s = NULL;
    struct err e;

    if (strcmp(kind, "sqlite") == 0) {
        make_database(url);
    } else if (strncmp(kind, "postgres", 8) == 0 ||
               strncmp(kind, "mysql", 5) == 0) {
        make_tables(url);
    } else if (strcmp(kind, "generator") != 0) {
        make_files(url);
    }
    CHECK_OK(source_open(&s, &conf, &e), &e);
    return s;
}

/* A row's text is appended to b; true when it is JSON. */
static bool read_row(struct source *s, size_t table, int64_t n, struct buf *b)
{
    bool json = false;
    struct err e;

    CHECK_OK(source_row(s, table, n, b, &json, &e), &e);
    return json;
}

static void rows_are_counted(void)
{
    struct source *s = open_kind();
    struct err e;

    for (size_t t = 0; t < ARRAY_LEN(names); t++) {
        int64_t n = 0;

        CHECK_OK(source_rows(s, t, &n, &e), &e);
        CHECK_INT(n, ROWS);
    }
    source_close(s);
}

static void rows_are_json_objects_with_their_number(void)
{
    struct source *s = open_kind();

    for (size_t t = 0; t < ARRAY_LEN(names); t++) {
        for (int64_t n = 0; n < ROWS; n++) {
            struct json_doc d = {0};
            struct slice text;
            struct buf b;
            struct err e;
            int64_t key = -1;

            buf_init(&b, OUT_MAX);
            CHECK(read_row(s, t, n, &b));
            CHECK_OK(json_parse(&d, buf_slice(&b), JSON_NUMBERS, NULL, &e), &e);
            if (json_get_text(d.root, keys[t > 0], &text)) {
                key = strtol(text.ptr, NULL, 10); /* CSV has texts */
            } else {
                CHECK(json_get_i64(d.root, keys[t > 0], &key));
            }
            CHECK_INT(key, n);
            json_release(&d);
            buf_release(&b);
        }
    }
    source_close(s);
}

static void any_order_and_another_handle_give_the_same(void)
{
    struct source *s = open_kind();
    struct source *other = open_kind();
    struct rand r;

    rand_seed(&r, 1);
    for (int i = 0; i < 500; i++) {
        size_t t = rand_below(&r, ARRAY_LEN(names));
        int64_t n = (int64_t)rand_below(&r, ROWS);
        struct buf one;
        struct buf two;

        buf_init(&one, OUT_MAX);
        buf_init(&two, OUT_MAX);
        CHECK(read_row(s, t, n, &one) == read_row(other, t, n, &two));
        CHECK(slice_eq(buf_slice(&one), buf_slice(&two)));
        buf_release(&one);
        buf_release(&two);
        if (i % 50 == 0) { /* so that the handles stand at different places */
            source_close(other);
            other = open_kind();
        }
    }
    source_close(s);
    source_close(other);
}

static void past_the_end_nothing_is_touched(void)
{
    struct source *s = open_kind();
    struct buf b;
    struct err e;
    bool json = true;

    buf_init(&b, OUT_MAX);
    CHECK_OK(buf_puts(&b, "before", &e), &e);
    CHECK(source_row(s, 1, ROWS, &b, &json, &e) == -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(json);
    CHECK_TEXT(buf_slice(&b), "before");
    CHECK(source_row(s, 1, INT64_MAX, &b, &json, &e) == -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(read_row(s, 1, ROWS - 1, &b));
    CHECK(b.len > 6 && memcmp(b.ptr, "before", 6) == 0);
    buf_release(&b);
    source_close(s);
}

static void a_full_buffer_is_left_as_it_was(void)
{
    struct source *s = open_kind();
    struct buf small;
    struct buf b;
    struct err e;
    bool json = true;

    buf_init(&small, 8);
    buf_init(&b, OUT_MAX);
    CHECK_OK(buf_puts(&small, "x", &e), &e);
    CHECK(source_row(s, 0, 7, &small, &json, &e) == -1);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK_TEXT(buf_slice(&small), "x");
    CHECK(read_row(s, 0, 7, &b)); /* and it goes on */
    buf_release(&small);
    buf_release(&b);
    source_close(s);
}

static const struct test tests_of_all[] = {
    {"rows are counted", rows_are_counted},
    {"rows are JSON objects with their number",
     rows_are_json_objects_with_their_number},
    {"any order and another handle give the same",
     any_order_and_another_handle_give_the_same},
    {"past the end nothing is touched", past_the_end_nothing_is_touched},
    {"a full buffer is left as it was", a_full_buffer_is_left_as_it_was},
};

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr,
                      "usage: contract_source json|csv|gzip|generator|sqlite|"
                      "mysql|mysql-plain|postgres|postgres-plain\n");
        return 2;
    }
    kind = argv[1];
    return test_main(tests_of_all, ARRAY_LEN(tests_of_all));
}

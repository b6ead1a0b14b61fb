#include "db/sqlite.h"

#include "core/fs.h"
#include "core/mem.h"
#include "record/guess.h"
#include "source_ask.h"
#include "test.h"

enum {
    OUT_MAX = 1 << 20
};

static const char *const names[] = {"pin", "geo"};
static const char *const pin[] = {"index", "title", "category"};
static const char *const geo[] = {"ind", "country", "latitude"};
static const char *const keys[] = {"index", "ind"};
static const struct guess_table tables[] = {{"pin", pin, 3}, {"geo", geo, 3}};
static const struct guess known = {tables, 2, keys, 2};

/* A database in the test's folder; url names it. */
static void make(const char *name, const char *sql, char url[FS_PATH_MAX + 16])
{
    char path[FS_PATH_MAX];
    struct sqlite *db = NULL;
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    CHECK_OK(sqlite_open(&db, path, SQLITE_TO_WRITE, &e), &e);
    CHECK_OK(sqlite_exec(db, sql, &e), &e);
    sqlite_close(db);
    (void)snprintf(url, FS_PATH_MAX + 16, "sqlite://%s", path);
}

static int open_url(struct source **s, const char *url,
                    const struct guess *guess, struct err *e)
{
    struct source_conf conf = {
        .url = url, .guess = guess, .tables = names, .ntables = 2};

    *s = NULL;
    return source_open(s, &conf, e);
}

static void tables_are_found_by_their_columns(void)
{
    char url[FS_PATH_MAX + 16];
    struct source *s;
    struct buf b;
    struct err e;
    bool json;

    make("a.db",
         "CREATE TABLE places(ind INTEGER, country TEXT, latitude REAL);"
         "CREATE TABLE posts(\"index\" INTEGER, title TEXT, category TEXT);"
         "INSERT INTO places VALUES (0, 'Cote d''Ivoire', -89.5),"
         " (1, NULL, 12.0);"
         "INSERT INTO posts VALUES (0, 'a \"b\"', x'ff00');",
         url);
    CHECK_OK(open_url(&s, url, &known, &e), &e);
    source_rows_are(s, 0, 1);
    source_rows_are(s, 1, 2);
    source_row_is(
        s, 1, 0, "{\"ind\":0,\"country\":\"Cote d'Ivoire\",\"latitude\":-89.5}",
        true);
    source_row_is(s, 1, 1, "{\"ind\":1,\"country\":null,\"latitude\":12}",
                  true);
    source_row_is(s, 0, 0,
                  "{\"index\":0,\"title\":\"a \\\"b\\\"\",\"category\":\"\xff"
                  "\\u0000\"}",
                  false);
    buf_init(&b, OUT_MAX);
    CHECK(source_row(s, 0, 1, &b, &json, &e) == -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
    buf_release(&b);
    source_close(s);
    CHECK(open_url(&s, url, NULL, &e) == -1);
    CHECK(strstr(e.msg, "?pin=NAME") != NULL);
    (void)snprintf(url + strlen(url), 32, "?geo=places&pin=posts");
    CHECK_OK(open_url(&s, url, NULL, &e), &e);
    source_rows_are(s, 1, 2);
    source_close(s);
}

static void gaps_do_not_matter(void)
{
    char url[FS_PATH_MAX + 16];
    struct source *s;
    struct err e;

    make("b.db",
         "CREATE TABLE pinterest_data(\"index\" INTEGER, title TEXT);"
         "CREATE TABLE geo(ind INTEGER);"
         "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
         " WHERE i < 999) INSERT INTO pinterest_data(rowid, \"index\", title)"
         " SELECT i * i - 50, i, 't' || i FROM n;",
         url);
    CHECK_OK(open_url(&s, url, NULL, &e), &e);
    source_rows_are(s, 0, 1000);
    source_rows_are(s, 1, 0);
    for (int n = 0; n < 1000; n += 7) {
        char want[64];

        (void)snprintf(want, sizeof(want), "{\"index\":%d,\"title\":\"t%d\"}",
                       n, n);
        source_row_is(s, 0, n, want, true);
    }
    source_close(s);
}

static void no_allocation_is_taken_for_granted(void)
{
    char url[FS_PATH_MAX + 16];
    struct err e = {0};
    int rc = -1;

    make("c.db",
         "CREATE TABLE pin(i INTEGER); CREATE TABLE geo(ind INTEGER);"
         "INSERT INTO pin(rowid, i) VALUES (1, 1), (5, 2);",
         url);
    for (unsigned n = 1; rc != 0 && n < 200; n++) {
        struct source *s;
        struct buf b;
        bool json;

        buf_init(&b, OUT_MAX);
        mem_fail_after(n);
        rc = open_url(&s, url, &known, &e);
        if (rc == 0) {
            rc = source_row(s, 0, 1, &b, &json, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        source_close(s);
        buf_release(&b);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"tables are found by their columns", tables_are_found_by_their_columns},
    {"gaps do not matter", gaps_do_not_matter},
    {"no allocation is taken for granted", no_allocation_is_taken_for_granted},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

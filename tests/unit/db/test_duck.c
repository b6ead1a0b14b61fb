#include <stdlib.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/text.h"
#include "db/duck.h"
#include "test.h"

static struct duck *open_duck(void)
{
    struct duck_conf conf = {.threads = 2, .temp_dir = test_folder()};
    struct duck *d = NULL;
    struct err e = {0};

    CHECK_OK(duck_open(&d, &conf, &e), &e);
    return d;
}

/* The first column of a query as text, rows joined by '|'. */
static void first(struct duck *d, const char *sql, const char *want)
{
    struct duck_result *r = NULL;
    struct duck_rows rows;
    struct err e = {0};
    struct buf b;

    buf_init(&b, 1 << 20);
    CHECK_OK(duck_query(d, sql, &r, &e), &e);
    for (; r != NULL;) {
        CHECK_OK(duck_next(r, &rows, &e), &e);
        if (e.code != ERR_NONE || rows.rows == 0) {
            break;
        }
        for (size_t i = 0; i < rows.rows; i++) {
            struct duck_column *c = &rows.columns[0];
            uint64_t start = i > 0 ? c->end[i - 1] : 0;

            CHECK(b.len == 0 || buf_putc(&b, '|', NULL) == 0);
            if (!c->valid[i]) {
                CHECK(buf_puts(&b, "NULL", NULL) == 0);
            } else if (c->type == DUCK_TEXT) {
                CHECK(buf_append(&b,
                                 (struct slice){c->bytes + start,
                                                (size_t)(c->end[i] - start)},
                                 NULL) == 0);
            } else if (c->type == DUCK_INT32) {
                CHECK(buf_putf(&b, NULL, "i%d", ((int32_t *)c->fixed)[i]) == 0);
            } else if (c->type == DUCK_DOUBLE) {
                CHECK(buf_putf(&b, NULL, "d%g", ((double *)c->fixed)[i]) == 0);
            } else if (c->type == DUCK_BOOL) {
                CHECK(buf_putf(&b, NULL, "b%d", ((uint8_t *)c->fixed)[i]) == 0);
            } else if (c->type == DUCK_DOUBLE_LIST) {
                for (uint64_t k = start; k < c->end[i]; k++) {
                    CHECK(buf_putf(&b, NULL, "[%g]", c->doubles[k]) == 0);
                }
            } else if (c->type == DUCK_TEXT_LIST) {
                for (uint64_t k = start; k < c->end[i]; k++) {
                    uint64_t a = k > 0 ? c->item_end[k - 1] : 0;

                    CHECK(buf_putf(&b, NULL, "[%.*s]",
                                   (int)(c->item_end[k] - a),
                                   c->bytes + a) == 0);
                }
            } else if (c->type == DUCK_POINT) {
                CHECK(buf_putf(&b, NULL, "%s=%g,%s=%g", c->fields[0],
                               c->doubles[2 * i], c->fields[1],
                               c->doubles[2 * i + 1]) == 0);
            } else {
                CHECK(buf_putf(&b, NULL, "%lld",
                               (long long)((int64_t *)c->fixed)[i]) == 0);
            }
        }
    }
    duck_result_free(r);
    CHECK_TEXT(buf_slice(&b), want);
    buf_release(&b);
}

static void reads_each_type(void)
{
    struct duck *d = open_duck();

    if (d == NULL) {
        return;
    }
    first(d, "SELECT 7::TINYINT", "i7");
    first(d, "SELECT 7::UINTEGER", "7");
    first(d, "SELECT sum(x) FROM range(5) t(x)", "10");
    first(d, "SELECT -(9223372036854775807::HUGEINT) - 1",
          "-9223372036854775808");
    first(d, "SELECT 12.50::DECIMAL(9,2)", "d12.5");
    first(d, "SELECT 12::DECIMAL(30,0)", "12");
    first(d, "SELECT median(x) FROM range(4) t(x)", "d1.5");
    first(d, "SELECT DATE '2020-02-29'", "2020-02-29");
    first(d, "SELECT TIMESTAMP '1970-01-01 00:00:01'", "1000000");
    first(d, "SELECT TIMESTAMPTZ '1970-01-01 01:00:00+01'", "0");
    first(d, "SELECT NULL", "NULL");
    first(d, "SELECT x > 1 FROM range(3) t(x) ORDER BY x", "b0|b0|b1");
    first(d, "SELECT [1.5, 2]::DOUBLE[]", "[1.5][2]");
    first(d, "SELECT ['a', 'bc'] UNION ALL SELECT ['d']", "[a][bc]|[d]");
    first(d, "SELECT {'lat': 1.5::DOUBLE, 'lon': 2::DOUBLE}", "lat=1.5,lon=2");
    first(d, "SELECT 'a'::ENUM('b', 'a')", "a");
    first(d,
          "SELECT x FROM (VALUES ('x'), (NULL), "
          "('a text over twelve bytes')) t(x)",
          "x|NULL|a text over twelve bytes");
    duck_close(d);
}

static void says_what_is_wrong(void)
{
    struct duck *d = open_duck();
    struct duck_result *r = NULL;
    struct err e = {0};

    CHECK(duck_run(d, "SELEC 1", &e) < 0 && e.code == ERR_INVALID);
    CHECK(strstr(e.msg, "syntax error") != NULL);
    CHECK(strchr(e.msg, '\n') == NULL);
    CHECK(duck_query(d, "SELECT 1; SELECT 2", &r, &e) < 0);
    CHECK(strstr(e.msg, "one statement at a time; here are 2") != NULL);
    CHECK(duck_query(d, "", &r, &e) < 0 && e.code == ERR_INVALID);
    CHECK(duck_query(d, "SELECT INTERVAL 1 DAY AS x", &r, &e) < 0);
    CHECK(strstr(e.msg, "column \"x\" has a type that is not supported") !=
          NULL);
    duck_close(d);
}

static void stops_a_query_at_its_limit(void)
{
    struct duck *d = open_duck();
    struct duck_result *r = NULL;
    struct err e = {0};

    duck_set_timeout(d, 200000);
    if (duck_query(d,
                   "SELECT count(*) FROM range(1000000000) a(x), "
                   "range(1000) b(y) WHERE x % 7 = y",
                   &r, &e) == 0) {
        struct duck_rows rows;

        CHECK(duck_next(r, &rows, &e) < 0);
        duck_result_free(r);
    }
    CHECK_INT(e.code, ERR_TIMEOUT);
    duck_set_timeout(d, 0);
    first(d, "SELECT 1", "i1");
    duck_close(d);
}

static void a_locked_database_reads_only_its_files(void)
{
    static const char *const refused[] = {
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/proc/self/environ')",
        "SELECT * FROM glob('/etc/*')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "LOAD httpfs",
        "INSTALL httpfs",
        "SET memory_limit='100GB'",
        "SET enable_external_access=true",
        "RESET memory_limit",
        "PRAGMA disable_checkpoint_on_shutdown",
        "CREATE TABLE t(x INT)",
        "EXPORT DATABASE '/tmp/x'",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
    };
    struct duck *d = open_duck();
    struct duck_result *r = NULL;
    char path[FS_PATH_MAX];
    const char *paths[] = {path};
    struct err e = {0};
    struct buf b;

    CHECK_OK(fs_join(path, test_folder(), "t.parquet", &e), &e);
    buf_init(&b, FS_PATH_MAX);
    CHECK(buf_putf(&b, &e, "COPY (SELECT 42 AS x) TO '%s'", path) == 0);
    CHECK_OK(duck_run(d, b.ptr, &e), &e);
    CHECK_OK(duck_lock(d, paths, 1, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        int rc = duck_query(d, refused[i], &r, &e);

        if (rc == 0) {
            test_fail(__FILE__, __LINE__, "ran: %s", refused[i]);
            duck_result_free(r);
        }
    }
    buf_clear(&b);
    CHECK(buf_putf(&b, &e, "SELECT x FROM '%s'", path) == 0);
    first(d, b.ptr, "i42");
    buf_clear(&b);
    CHECK(buf_putf(&b, &e, "COPY (SELECT 43 AS x) TO '%s'", path) == 0);
    CHECK(duck_query(d, b.ptr, &r, &e) < 0);
    CHECK_INT(e.code, ERR_DENIED);
    buf_release(&b);
    duck_close(d);
}

enum {
    ROWS = 5000
};

static void makes_rows_readable_and_appends_them(void)
{
    struct duck *d = open_duck();
    int32_t ints[ROWS];
    uint8_t valid[ROWS];
    uint64_t end[ROWS];
    uint64_t items[ROWS];
    double doubles[2 * ROWS];
    char bytes[ROWS * 2];
    struct err e = {0};
    struct duck_column columns[] = {
        {.name = "i", .type = DUCK_INT32, .valid = valid, .fixed = ints},
        {.name = "t",
         .type = DUCK_TEXT,
         .valid = valid,
         .end = end,
         .bytes = bytes},
        {.name = "l",
         .type = DUCK_DOUBLE_LIST,
         .valid = valid,
         .end = items,
         .doubles = doubles},
        {.name = "p",
         .type = DUCK_POINT,
         .fields = {"a", "b"},
         .valid = valid,
         .doubles = doubles},
    };
    struct duck_rows sets[] = {{columns, 4, ROWS}, {columns, 4, 3}};

    for (int i = 0; i < ROWS; i++) {
        ints[i] = i;
        valid[i] = i % 10 != 0;
        bytes[2 * i] = 'x';
        bytes[2 * i + 1] = (char)('a' + i % 26);
        end[i] = (uint64_t)(2 * i + 2);
        items[i] = (uint64_t)(i + 1);
        doubles[2 * i] = i;
        doubles[2 * i + 1] = 0.5;
    }
    CHECK_OK(duck_feed(d, "rows", sets, 2, &e), &e);
    first(d, "SELECT count(*) FROM rows", "5003");
    first(d, "SELECT sum(i) FROM rows", "11250003");
    first(d, "SELECT t FROM rows WHERE i IN (1, 27, 10) ORDER BY i, t",
          "xb|xb|xb");
    first(d, "SELECT max(l[1]) FROM rows", "d2499");
    first(d, "SELECT p FROM rows WHERE i = 3", "a=3,b=0.5");
    CHECK_OK(duck_run(d,
                      "CREATE TABLE t(i INT, t VARCHAR, l DOUBLE[], "
                      "p STRUCT(a DOUBLE, b DOUBLE))",
                      &e),
             &e);
    CHECK_OK(duck_append(d, "t", &sets[0], &e), &e);
    first(d, "SELECT count(*) FROM (FROM t EXCEPT FROM rows)", "0");
    first(d, "SELECT count(i) FROM t", "4500");
    bytes[7] = (char)0xFF;
    CHECK_OK(duck_feed(d, "rows", sets, 1, &e), &e);
    first(d, "SELECT count(*) FROM rows", "5000");
    {
        struct duck_result *r = NULL;
        struct duck_rows rows;
        int rc = duck_query(d, "SELECT t FROM rows", &r, &e);

        while (rc == 0) {
            rc = duck_next(r, &rows, &e);
            if (rc == 0 && rows.rows == 0) {
                break;
            }
        }
        duck_result_free(r);
        CHECK(rc < 0 && strstr(e.msg, "not UTF-8") != NULL);
    }
    CHECK(duck_append(d, "t", &sets[0], &e) < 0);
    CHECK(strstr(e.msg, "column \"t\" holds text that is not UTF-8") != NULL);
    duck_close(d);
}

static void a_missing_library_is_named(void)
{
    struct duck_conf conf = {0};
    struct duck *d = NULL;
    struct err e = {0};

    CHECK(setenv("PINLINE_DUCKDB", "/nowhere/libduckdb.so", 1) == 0);
    CHECK(duck_open(&d, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_UNAVAILABLE);
    CHECK(strstr(e.msg, "/nowhere/libduckdb.so") != NULL);
    CHECK(strstr(e.msg, "PINLINE_DUCKDB") != NULL);
    CHECK(unsetenv("PINLINE_DUCKDB") == 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"a missing library is named", a_missing_library_is_named},
        {"reads each type", reads_each_type},
        {"says what is wrong", says_what_is_wrong},
        {"stops a query at its limit", stops_a_query_at_its_limit},
        {"a locked database reads only its files",
         a_locked_database_reads_only_its_files},
        {"makes rows readable and appends them",
         makes_rows_readable_and_appends_them},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

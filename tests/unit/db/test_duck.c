#include <stdio.h>
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

static int read_all(struct duck *d, const char *sql, struct err *e)
{
    struct duck_result *r = NULL;
    struct duck_rows rows = {.rows = 1};
    int rc = duck_query(d, sql, &r, e);

    while (rc == 0 && rows.rows > 0) {
        rc = duck_next(r, &rows, e);
    }
    duck_result_free(r);
    return rc;
}

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
    CHECK(read_all(d, "SELECT t FROM rows", &e) < 0 &&
          strstr(e.msg, "not UTF-8") != NULL);
    CHECK(duck_append(d, "t", &sets[0], &e) < 0);
    CHECK(strstr(e.msg, "column \"t\" holds text that is not UTF-8") != NULL);
    duck_close(d);
}

/* --- joined views --------------------------------------------------------------- */

enum {
    KEYS = 3000,
    SETS = 7
};

/* A table in sets: keys repeat, every eleventh is NULL, texts are long and
 * short, numbers of every width. */
struct side {
    int32_t key[KEYS];
    int64_t wide[KEYS];
    double fraction[KEYS];
    uint8_t flag[KEYS];
    uint8_t valid[KEYS];
    uint8_t all[KEYS];
    uint64_t end[KEYS];
    char bytes[KEYS * 16];
    struct duck_column columns[SETS][5];
    struct duck_rows sets[SETS];
};

static void fill_side(struct side *s, int32_t step, int32_t repeat,
                      const char *const names[5])
{
    for (size_t k = 0, at = 0; k < SETS; k++) {
        size_t rows = k == 2 ? 0 : KEYS / SETS + k;
        uint64_t len = 0;
        struct duck_column all[] = {
            {.name = names[0], .type = DUCK_INT32, .fixed = s->key + at},
            {.name = names[1], .type = DUCK_INT64, .fixed = s->wide + at},
            {.name = names[2], .type = DUCK_DOUBLE, .fixed = s->fraction + at},
            {.name = names[3], .type = DUCK_BOOL, .fixed = s->flag + at},
            {.name = names[4], .type = DUCK_TEXT, .end = s->end + at},
        };

        all[4].bytes = s->bytes + at * 16;
        for (size_t i = at; i < at + rows; i++) {
            int n = snprintf(s->bytes + at * 16 + len, 16, "%.*s%zu",
                             (int)(i % 9), "abcdefghi", i);

            len += (uint64_t)n;
            s->end[i] = len;
            s->key[i] = (int32_t)i / repeat * step - 100;
            s->wide[i] = (int64_t)i << 33;
            s->fraction[i] = (double)i / 8;
            s->flag[i] = i % 3 == 0;
            s->valid[i] = i % 11 != 0;
            s->all[i] = i % 7 != 0;
        }
        for (size_t c = 0; c < 5; c++) {
            all[c].valid = (c == 0 ? s->valid : s->all) + at;
            s->columns[k][c] = all[c];
        }
        s->sets[k] = (struct duck_rows){s->columns[k], 5, rows};
        at += rows;
    }
}

static void feed_sides(struct duck *d, struct side *a, struct side *b,
                       struct side *c)
{
    static const char *const names[3][5] = {
        {"Ind", "aw", "af", "ab", "at"},
        {"ind", "bw", "bf", "bb", "bt"},
        {"ind", "cw", "cf", "cb", "ct"},
    };
    struct err e = {0};

    fill_side(a, 1, 2, names[0]);
    fill_side(b, 3, 1, names[1]);
    fill_side(c, 1, 3, names[2]);
    CHECK_OK(duck_feed(d, "a", a->sets, SETS, &e), &e);
    CHECK_OK(duck_feed(d, "b", b->sets, SETS, &e), &e);
    CHECK_OK(duck_feed(d, "c", c->sets, SETS, &e), &e);
}

static void a_join_of_fed_views_is_the_one_of_sql(void)
{
    static const char *const parts[] = {"a", "c", "b"};
    struct duck *d = open_duck();
    struct side *sides = mem_zero(3, sizeof(*sides));
    struct err e = {0};
    bool done = false;

    if (d == NULL || sides == NULL) {
        test_fail(__FILE__, __LINE__, "no database or no memory");
        return;
    }
    feed_sides(d, &sides[0], &sides[1], &sides[2]);
    CHECK_OK(duck_feed_joined(d, "two", parts, 2, "ind", &done, &e), &e);
    CHECK(done);
    CHECK_OK(duck_feed_joined(d, "three", parts, 3, "IND", &done, &e), &e);
    CHECK(done);
    first(d,
          "SELECT (SELECT count(*) FROM two) = (SELECT count(*) FROM a JOIN c "
          "USING (ind)) AND (SELECT count(*) FROM two) > 4000",
          "b1");
    first(d,
          "SELECT count(*) FROM (FROM two EXCEPT ALL FROM a JOIN c USING "
          "(ind))",
          "0");
    first(d,
          "SELECT count(*) FROM (SELECT * FROM a JOIN c USING (ind) JOIN b "
          "USING (ind) EXCEPT ALL FROM three)",
          "0");
    first(d,
          "SELECT (SELECT count(*) FROM three) = (SELECT count(*) FROM a JOIN "
          "c USING (ind) JOIN b USING (ind)) AND (SELECT count(*) FROM three) "
          "> 1000",
          "b1");
    first(d, "SELECT count(*) FROM two WHERE ind IS NULL", "0");
    /* the row that it is in has no key; the next has one */
    sides[2].bytes[0] = (char)0xFF;
    CHECK_OK(read_all(d, "SELECT ct FROM two", &e), &e);
    sides[2].bytes[1] = (char)0xFF;
    CHECK(read_all(d, "SELECT ct FROM two", &e) < 0 &&
          strstr(e.msg, "not UTF-8") != NULL);
    CHECK_OK(read_all(d, "SELECT cw FROM two", &e), &e);
    duck_close(d);
    mem_free(sides);
}

static void joins_that_sql_must_make_are_left_to_it(void)
{
    static const char *const parts[] = {"a", "b", "c"};
    static const char *const same[] = {"a", "a"};
    static const char *const other[] = {"a", "nothing"};
    static const char *const joined[] = {"ab", "c"};
    struct duck *d = open_duck();
    struct side *sides = mem_zero(3, sizeof(*sides));
    struct err e = {0};
    bool done = true;

    if (d == NULL || sides == NULL) {
        test_fail(__FILE__, __LINE__, "no database or no memory");
        return;
    }
    feed_sides(d, &sides[0], &sides[1], &sides[2]);
    CHECK_OK(duck_feed_joined(d, "x", same, 2, "ind", &done, &e), &e);
    CHECK(!done); /* columns of one name */
    CHECK_OK(duck_feed_joined(d, "x", other, 2, "ind", &done, &e), &e);
    CHECK(!done);
    CHECK_OK(duck_feed_joined(d, "x", parts, 2, "at", &done, &e), &e);
    CHECK(!done); /* a text, and not in both */
    CHECK_OK(duck_feed_joined(d, "ab", parts, 2, "ind", &done, &e), &e);
    CHECK(done);
    CHECK_OK(duck_feed_joined(d, "x", joined, 2, "ind", &done, &e), &e);
    CHECK(!done);
    /* every row has the same key: a million matches */
    for (size_t i = 0; i < KEYS; i++) {
        sides[0].key[i] = 5;
        sides[2].key[i] = 5;
    }
    CHECK_OK(duck_feed(d, "c", sides[2].sets, SETS, &e), &e);
    CHECK_OK(duck_feed_joined(d, "x", (const char *const[]){"a", "c"}, 2, "ind",
                              &done, &e),
             &e);
    CHECK(!done);
    /* keys far apart */
    sides[2].key[1] = INT32_MAX;
    CHECK_OK(duck_feed(d, "c", sides[2].sets, SETS, &e), &e);
    CHECK_OK(duck_feed_joined(d, "x", (const char *const[]){"b", "c"}, 2, "ind",
                              &done, &e),
             &e);
    CHECK(!done);
    CHECK(duck_run(d, "FROM x", &e) < 0);
    duck_close(d);
    mem_free(sides);
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
        {"a join of fed views is the one of SQL",
         a_join_of_fed_views_is_the_one_of_sql},
        {"joins that SQL must make are left to it",
         joins_that_sql_must_make_are_left_to_it},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

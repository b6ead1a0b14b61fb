#include <stdio.h>
#include <stdlib.h>

#include "core/fs.h"
#include "core/mem.h"
#include "engine/engine.h"
#include "lake/delta.h"
#include "test.h"

static const struct col_def defs[] = {
    {.name = "ind", .type = COL_INT32},
    {.name = "name", .type = COL_TEXT},
    {.name = "timestamp", .type = COL_TIMESTAMP},
};

static struct err e;

static struct engine *open_engine(void)
{
    struct engine_conf conf = {.kind = "duckdb", .threads = 2};
    struct engine *g = NULL;

    CHECK_OK(engine_open(&g, &conf, &e), &e);
    if (g == NULL) {
        exit(1);
    }
    return g;
}

/* n rows; every fourth name is NULL. */
static void fill(struct batch *b, int n)
{
    CHECK_OK(batch_init(b, defs, ARRAY_LEN(defs), &e), &e);
    for (int i = 0; i < n; i++) {
        CHECK_OK(batch_put_i32(b, 0, i, &e), &e);
        CHECK_OK(i % 4 == 0 ? batch_put_null(b, 1, &e)
                            : batch_put_text(b, 1, SLICE("x"), &e),
                 &e);
        /* 2016-01-01T00:00:00.000001Z and days after */
        CHECK_OK(
            batch_put_i64(
                b, 2, INT64_C(1451606400000001) + i * INT64_C(86400000000), &e),
            &e);
        batch_end_row(b);
    }
}

static int64_t ask(struct engine *g, const char *sql)
{
    struct frame f;
    int64_t v = -1;

    e.code = ERR_NONE;
    CHECK_OK(engine_query(g, sql, 1 << 20, &f, &e), &e);
    if (e.code == ERR_NONE && f.rows.rows == 1) {
        v = f.rows.cols[0].fixed.i64[0];
        frame_release(&f);
    }
    return v;
}

static void questions(struct engine *g)
{
    bool known = false;

    CHECK_INT(ask(g, "SELECT count(*) FROM clean_x"), 40);
    /* times have no zone for the SQL, and keep their microseconds */
    CHECK_INT(ask(g, "SELECT count(*) FROM clean_x WHERE year(timestamp) = "
                     "2016 AND timestamp > TIMESTAMP '2016-01-02'"),
              39);
    CHECK_OK(engine_keep(g, "kept", "SELECT ind FROM clean_x", &e), &e);
    CHECK(engine_has(g, "kept") && !engine_has(g, "other"));
    CHECK_INT(ask(g, "SELECT sum(ind) FROM kept"), 780);
    CHECK_OK(engine_keep_nulls(g, "clean_", &known, &e), &e);
    CHECK(known);
    CHECK_INT(ask(g, "SELECT nulls FROM column_nulls WHERE table_name = 'x' "
                     "AND column_name = 'name'"),
              10);
    CHECK_INT(ask(g, "SELECT count(*) FROM column_nulls WHERE rows = 40"), 3);
}

static void rows_in_memory_are_asked(void)
{
    struct engine *g = open_engine();
    struct batch b;
    const struct batch *batches[] = {&b};

    fill(&b, 40);
    CHECK_OK(engine_add_batches(g, "clean_x", batches, 1, &e), &e);
    questions(g);
    engine_close(g);
    batch_release(&b);
}

/* Answers that read a join of rows in memory are those of the join kept. */
static void joins_of_rows_in_memory_are_views(void)
{
    static const struct col_def other[] = {
        {.name = "ind", .type = COL_INT32},
        {.name = "word", .type = COL_TEXT},
        {.name = "list", .type = COL_TEXT_LIST},
    };
    static const struct {
        const char *select;
        bool made; /* without keeping rows */
    } cases[] = {
        {"SELECT ind, name, word FROM clean_x JOIN clean_y USING (ind)", true},
        {"SELECT year(timestamp) AS y, word from clean_x join clean_y\n"
         "  using ( ind )\n",
         true},
        {"SELECT clean_x.ind, word FROM clean_x JOIN clean_y USING (ind)",
         false},
        {"SELECT * FROM clean_x JOIN clean_y USING (ind)", false},
        {"SELECT list FROM clean_x JOIN clean_y USING (ind)", false},
        {"SELECT word FROM clean_x LEFT JOIN clean_y USING (ind)", false},
        {"SELECT word FROM clean_x JOIN clean_y USING (ind) WHERE ind > 3",
         false},
        {"WITH clean_y AS (SELECT 1 AS ind, 'w' AS word) SELECT word FROM "
         "clean_x JOIN clean_y USING (ind)",
         false},
    };
    struct batch x;
    struct batch y;
    const struct batch *xs[] = {&x, &x};
    const struct batch *ys[] = {&y};

    fill(&x, 40);
    CHECK_OK(batch_init(&y, other, ARRAY_LEN(other), &e), &e);
    for (int i = 0; i < 30; i++) {
        CHECK_OK(i == 7 ? batch_put_null(&y, 0, &e)
                        : batch_put_i32(&y, 0, i / 2, &e),
                 &e);
        CHECK_OK(batch_put_text(&y, 1, SLICE("over twelve bytes"), &e), &e);
        CHECK_OK(batch_put_null(&y, 2, &e), &e);
        batch_end_row(&y);
    }
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine *g = open_engine();
        char sql[400];

        CHECK_OK(engine_add_batches(g, "clean_x", xs, 2, &e), &e);
        CHECK_OK(engine_add_batches(g, "clean_y", ys, 1, &e), &e);
        CHECK_OK(engine_keep(g, "kept", cases[i].select, &e), &e);
        CHECK_INT(ask(g, "SELECT count(*) FROM duckdb_tables() WHERE "
                         "table_name = 'kept'"),
                  cases[i].made ? 0 : 1);
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) FROM (FROM kept EXCEPT ALL (%s))",
                       cases[i].select);
        CHECK_INT(ask(g, sql), 0);
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) FROM ((%s) EXCEPT ALL FROM kept)",
                       cases[i].select);
        CHECK_INT(ask(g, sql), 0);
        /* other rows of that name do not pull these away */
        CHECK_OK(engine_add_batches(g, "clean_y", ys, 1, &e), &e);
        CHECK(ask(g, "SELECT count(*) FROM kept") > 0);
        engine_close(g);
    }
    batch_release(&x);
    batch_release(&y);
}

static void make_table(const char *dir)
{
    const struct delta_schema schema = {defs, ARRAY_LEN(defs), NULL, 0, NULL,
                                        0};
    struct delta_adds adds = {0};
    struct delta_change c = {.operation = "WRITE"};
    struct delta *t = NULL;
    struct batch b;

    fill(&b, 40);
    CHECK_OK(delta_create(&t, dir, &schema, NULL, &e), &e);
    CHECK_OK(delta_write(t, NULL, &b, &adds, &e), &e);
    c.adds = adds.items;
    c.nadds = adds.n;
    CHECK_OK(delta_commit(t, &c, &e), &e);
    delta_adds_release(&adds);
    delta_close(t);
    batch_release(&b);
}

static void delta_tables_are_asked_also_when_locked(void)
{
    struct engine *g = open_engine();
    struct frame f;
    char dir[FS_PATH_MAX];

    CHECK_OK(fs_join(dir, test_folder(), "x", &e), &e);
    make_table(dir);
    CHECK_OK(engine_add_delta(g, "clean_x", dir, &e), &e);
    questions(g);
    CHECK_OK(engine_lock(g, &e), &e);
    CHECK_INT(ask(g, "SELECT count(*) FROM clean_x"), 40);
    CHECK(engine_query(g, "DROP TABLE kept", 100, &f, &e) < 0);
    CHECK_INT(e.code, ERR_DENIED);
    CHECK(engine_query(g, "SELECT * FROM read_text('/etc/passwd')", 100, &f,
                       &e) < 0);
    engine_close(g);
}

static void limits_and_names_are_told(void)
{
    struct engine_conf conf = {.kind = "duckbd"};
    struct engine *g = NULL;
    struct frame f;

    CHECK(engine_open(&g, &conf, &e) < 0);
    CHECK(strstr(e.msg, "did you mean \"duckdb\"?") != NULL);
    g = open_engine();
    CHECK(strncmp(engine_version(g), "DuckDB 1.", 9) == 0);
    CHECK(engine_add_delta(g, "clean_x", test_folder(), &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(engine_query(g, "SELECT * FROM range(1000000)", 10000, &f, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    engine_close(g);
}

static void every_failed_allocation_is_an_error(void)
{
    struct batch b;
    const struct batch *batches[] = {&b};
    struct engine *g = open_engine();
    unsigned n = 0;
    int rc = -1;

    fill(&b, 40);
    while (rc != 0 && n < 500) {
        struct frame f = {0};

        mem_fail_after(++n);
        rc = engine_add_batches(g, "clean_x", batches, 1, &e);
        if (rc == 0) {
            rc = engine_query(g, "SELECT * FROM clean_x", 1 << 20, &f, &e);
        }
        mem_fail_after(0);
        if (rc == 0) {
            CHECK_INT(f.rows.rows, 40);
            frame_release(&f);
        } else if (e.code != ERR_NOMEM) {
            /* DuckDB may be the one to say it */
            if (strstr(e.msg, "out of memory") == NULL) {
                test_fail(__FILE__, __LINE__, "%s", e.msg);
            }
        }
    }
    CHECK(rc == 0 && n > 5);
    engine_close(g);
    batch_release(&b);
}

int main(void)
{
    static const struct test tests[] = {
        {"rows in memory are asked", rows_in_memory_are_asked},
        {"joins of rows in memory are views",
         joins_of_rows_in_memory_are_views},
        {"Delta tables are asked, also when locked",
         delta_tables_are_asked_also_when_locked},
        {"limits and names are told", limits_and_names_are_told},
        {"every failed allocation is an error",
         every_failed_allocation_is_an_error},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

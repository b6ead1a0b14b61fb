#include <stdlib.h>
#include <string.h>

#include "core/fs.h"
#include "engine/databricks_rows.h"
#include "engine/spark_int.h"
#include "test.h"

static struct err e;

static void the_line_that_matters_is_found(void)
{
    static const struct {
        const char *log;
        const char *reason;
    } cases[] = {
        {"", ""},
        {"one\n\ntwo\n", "two"},
        {"26/11/21 WARN x: y\nError in query: \n[TABLE_OR_VIEW_NOT_FOUND] The "
         "table `x` cannot be found.\n'Project [*]\n",
         "[TABLE_OR_VIEW_NOT_FOUND] The table `x` cannot be found."},
        {"org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] "
         "bad\n\tat org.apache.X\nCaused by: java.lang.Error: [OTHER_CLASS] "
         "no\n",
         "[CAST_INVALID_INPUT] bad"},
        {"Exception in thread \"main\" a.b.C: first\n\tat "
         "x.y(Z.java:1)\nCaused by: d.E: second\n\tat x\nCaused by: f.G: "
         "root\n",
         "f.G: root"},
        {"java.net.UnknownHostException: a\njava.lang.Exception: b\nlast",
         "java.net.UnknownHostException: a"},
        {"[main] INFO all is well\n[ERROR] no class\n", "[ERROR] no class"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice got = spark_reason(slice_of(cases[i].log));

        CHECK(slice_is(got, cases[i].reason));
    }
}

static void a_reason_is_cut_to_what_a_person_reads(void)
{
    char log[4000];

    memset(log, 'x', sizeof(log));
    memcpy(log, "[SOME_CLASS] ", 13);
    CHECK_INT((int64_t)spark_reason((struct slice){log, sizeof(log)}).len, 300);
}

static void an_engine_needs_to_know_where_it_is(void)
{
    static const char *const kinds[] = {"spark", "databricks"};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct engine_conf conf = {.kind = kinds[i]};
        struct engine *g = NULL;

        CHECK(engine_open(&g, &conf, &e) < 0);
        CHECK_INT(e.code, ERR_INVALID);
    }
}

/* What a manifest and a chunk give, as "ERR" or the number of rows. */
static int rows_of(const char *manifest, const char *result, struct frame *f)
{
    struct json_doc m = {0};
    struct json_doc r = {0};
    struct databricks_rows *rows = NULL;
    int n = -1;

    CHECK_OK(json_parse(&m, slice_of(manifest), JSON_NUMBERS, NULL, &e), &e);
    CHECK_OK(json_parse(&r, slice_of(result), JSON_NUMBERS, NULL, &e), &e);
    if (databricks_rows_new(&rows, m.root, 1 << 20, &e) == 0 &&
        databricks_rows_add(rows, r.root, &e) == 0 &&
        databricks_rows_end(rows, 1 << 20, f, &e) == 0) {
        n = (int)f->rows.rows;
    }
    databricks_rows_free(rows);
    json_release(&m);
    json_release(&r);
    return n;
}

#define COLUMNS                                                \
    "{\"schema\":{\"columns\":[{\"name\":\"a\",\"type_name\":" \
    "\"INT\"},{\"name\":\"b c\",\"type_name\":\"ARRAY\"}]},"   \
    "\"total_row_count\":2}"

static void rows_come_with_their_types(void)
{
    struct frame f;

    CHECK_INT(rows_of(COLUMNS,
                      "{\"data_array\":[[\"7\",\"[1,2]\"],[null,null]]}", &f),
              2);
    CHECK_INT(f.rows.defs[0].type, COL_INT32);
    CHECK_INT(f.rows.cols[0].fixed.i32[0], 7);
    CHECK(batch_is_null(&f.rows, 0, 1));
    CHECK(slice_is(slice_of(f.rows.defs[1].name), "b c"));
    CHECK(slice_is(batch_text(&f.rows, 1, 0), "[1,2]"));
    frame_release(&f);
}

static void rows_that_do_not_fit_the_manifest_are_refused(void)
{
    static const struct {
        const char *manifest, *result, *words;
    } cases[] = {
        {"{}", "{}", "the manifest has 0 columns"},
        {COLUMNS, "{\"data_array\":[[\"7\"]]}", "a row has 1 values for 2"},
        {COLUMNS, "{\"data_array\":[[7,null]]}", "column \"a\" is no text"},
        {COLUMNS, "{\"data_array\":[[\"7\",null]]}", "1 rows came of 2"},
        {COLUMNS, "{\"data_array\":[[\"x\",null],[null,null]]}", "x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct frame f;

        CHECK_INT(rows_of(cases[i].manifest, cases[i].result, &f), -1);
        CHECK(strstr(e.msg, cases[i].words) != NULL);
    }
}

static const struct test tests[] = {
    {"the line that matters is found", the_line_that_matters_is_found},
    {"a reason is cut to what a person reads",
     a_reason_is_cut_to_what_a_person_reads},
    {"an engine needs to know where it is",
     an_engine_needs_to_know_where_it_is},
    {"rows come with their types", rows_come_with_their_types},
    {"rows that do not fit the manifest are refused",
     rows_that_do_not_fit_the_manifest_are_refused},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

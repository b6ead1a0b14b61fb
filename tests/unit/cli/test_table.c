#include "cli/table.h"

#include "core/mem.h"
#include "test.h"

static const char *const names[] = {"topic", "rows", "note"};

static int fill(struct table *t, struct err *e)
{
    table_init(t, names, 3);
    if (table_put(t, SLICE("pin"), e) < 0 || table_put_int(t, 11154, e) < 0 ||
        table_putf(t, e, "a %s", "\"quoted\", note") < 0 ||
        table_put(t, SLICE("caf\xc3\xa9 \xe6\x97\xa5"), e) < 0 ||
        table_put_null(t, e) < 0 || table_put(t, SLICE("two\nlines"), e) < 0) {
        return -1;
    }
    return 0;
}

static void printed(enum table_format format, int width, const char *want)
{
    struct table_style style = {.format = format, .width = width};
    struct table t;
    struct buf b;
    struct err e;

    buf_init(&b, 10000);
    CHECK_OK(fill(&t, &e), &e);
    CHECK_OK(table_print(&t, &style, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), want);
    buf_release(&b);
    table_release(&t);
}

static void text_is_aligned_by_what_the_eye_sees(void)
{
    printed(TABLE_TEXT, 0,
            "topic     rows  note\n"
            "pin      11154  a \"quoted\", note\n"
            "caf\xc3\xa9 \xe6\x97\xa5      -  two lines\n");
}

static void narrow_terminals_get_less(void)
{
    printed(TABLE_TEXT, 26,
            "topic     rows  note\n"
            "pin      11154  a \"quoted\xe2\x80\xa6\n"
            "caf\xc3\xa9 \xe6\x97\xa5      -  two lines\n");
    printed(TABLE_TEXT, 16,
            "topic     rows\n"
            "pin      11154\n"
            "caf\xc3\xa9 \xe6\x97\xa5      -\n"
            "(1 more columns do not fit; --format json has them)\n");
}

static void a_last_column_may_be_kept_whole(void)
{
    static const char path[] = "data/of/a/project/with/a/long/name/schedule/"
                               "logs/1/clean_pin.1.log";
    static const char *const heads[] = {"task", "log"};
    struct table_style style = {.format = TABLE_TEXT, .width = 26};
    struct table t;
    struct buf b;
    struct err e;

    buf_init(&b, 10000);
    table_init(&t, heads, 2);
    t.whole = 2;
    CHECK_OK(table_put(&t, SLICE("load"), &e), &e);
    CHECK_OK(table_put(&t, slice_of(path), &e), &e);
    CHECK_OK(table_print(&t, &style, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "task  log\nload  data/of/a/project/with/a/long/"
                              "name/schedule/logs/1/clean_pin.1.log\n");
    buf_release(&b);
    table_release(&t);
}

static void programs_get_json_and_csv(void)
{
    printed(TABLE_JSON, 10,
            "[{\"topic\":\"pin\",\"rows\":11154,\"note\":\"a "
            "\\\"quoted\\\", note\"},\n"
            "{\"topic\":\"caf\xc3\xa9 \xe6\x97\xa5\",\"rows\":null,\"note\":"
            "\"two\\nlines\"}]\n");
    printed(TABLE_CSV, 10,
            "topic,rows,note\n"
            "pin,11154,\"a \"\"quoted\"\", note\"\n"
            "caf\xc3\xa9 \xe6\x97\xa5,,\"two\nlines\"\n");
}

static const struct col_def defs[] = {
    {.name = "category", .type = COL_TEXT},
    {.name = "median", .type = COL_DOUBLE},
    {.name = "at", .type = COL_TIMESTAMP},
};

static void batches_print_like_tables(void)
{
    struct table_style style = {.format = TABLE_TEXT};
    struct batch rows;
    struct buf b;
    struct err e;

    buf_init(&b, 10000);
    CHECK_OK(batch_init(&rows, defs, ARRAY_LEN(defs), &e), &e);
    CHECK_OK(batch_put_text(&rows, 0, SLICE("travel"), &e), &e);
    CHECK_OK(batch_put_double(&rows, 1, 132000, &e), &e);
    CHECK_OK(batch_put_i64(&rows, 2, 0, &e), &e);
    batch_end_row(&rows);
    CHECK_OK(table_print_batch(&rows, &style, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "category  median  at\n"
                              "travel    132000  1970-01-01T00:00:00Z\n");
    buf_clear(&b);
    style.format = TABLE_JSON;
    CHECK_OK(table_print_batch(&rows, &style, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "[{\"category\":\"travel\",\"median\":132000,"
                              "\"at\":\"1970-01-01T00:00:00Z\"}]\n");
    buf_release(&b);
    batch_release(&rows);
}

static void running_out_of_memory_is_said(void)
{
    struct table t;
    struct err e = {0};
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 50; n++) {
        mem_fail_after(n);
        rc = fill(&t, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        table_release(&t);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"text is aligned by what the eye sees",
     text_is_aligned_by_what_the_eye_sees},
    {"narrow terminals get less", narrow_terminals_get_less},
    {"a last column may be kept whole", a_last_column_may_be_kept_whole},
    {"programs get JSON and CSV", programs_get_json_and_csv},
    {"batches print like tables", batches_print_like_tables},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

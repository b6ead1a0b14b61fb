#include "record/batch_json.h"

#include "test.h"

static const struct col_def defs[] = {
    {.name = "id", .type = COL_INT64},
    {.name = "title", .type = COL_TEXT},
    {.name = "share", .type = COL_DOUBLE},
    {.name = "at", .type = COL_TIMESTAMP},
    {.name = "tags", .type = COL_TEXT_LIST},
    {.name = "where", .type = COL_POINT},
    {.name = "list", .type = COL_DOUBLE_LIST},
    {.name = "on", .type = COL_BOOL},
    {.name = "n", .type = COL_INT32},
};

static void fill(struct batch *b)
{
    const struct slice tags[] = {SLICE("a"), SLICE("b\"c")};
    const double place[] = {-8.9, 1.5};
    struct err e;

    CHECK_OK(batch_init(b, defs, ARRAY_LEN(defs), &e), &e);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(batch_put_i64(b, 0, 7 + i, &e), &e);
        CHECK_OK(batch_put_text(b, 1, SLICE("say \"hi\",\n<b>"), &e), &e);
        CHECK_OK(batch_put_double(b, 2, i == 0 ? 0.1 : 132000, &e), &e);
        CHECK_OK(batch_put_i64(b, 3, 1500000000000000 + i, &e), &e);
        CHECK_OK(batch_put_texts(b, 4, tags, 2, &e), &e);
        CHECK_OK(batch_put_doubles(b, 5, place, 2, &e), &e);
        CHECK_OK(batch_put_doubles(b, 6, place, (size_t)i, &e), &e);
        CHECK_OK(batch_put_bool(b, 7, i == 0, &e), &e);
        CHECK_OK(batch_put_i32(b, 8, -1, &e), &e);
        batch_end_row(b);
    }
    for (size_t i = 0; i < ARRAY_LEN(defs); i++) {
        if (i == 1) {
            CHECK_OK(batch_put_text(b, 1, SLICE(""), &e), &e);
        } else {
            CHECK_OK(batch_put_null(b, i, &e), &e);
        }
    }
    batch_end_row(b);
}

static void rows_are_objects(void)
{
    struct batch rows;
    struct buf b;
    struct err e;

    fill(&rows);
    buf_init(&b, 10000);
    CHECK_OK(batch_json_rows(&rows, &b, &e), &e);
    CHECK_TEXT(
        buf_slice(&b),
        "[{\"id\":7,\"title\":\"say \\\"hi\\\",\\n<b>\",\"share\":0.1,"
        "\"at\":\"2017-07-14T02:40:00Z\",\"tags\":[\"a\",\"b\\\"c\"],"
        "\"where\":[-8.9,1.5],\"list\":[],\"on\":true,\"n\":-1},"
        "{\"id\":8,\"title\":\"say \\\"hi\\\",\\n<b>\",\"share\":132000,"
        "\"at\":\"2017-07-14T02:40:00.000001Z\",\"tags\":[\"a\",\"b\\\"c\"],"
        "\"where\":[-8.9,1.5],\"list\":[-8.9],\"on\":false,\"n\":-1},"
        "{\"id\":null,\"title\":\"\",\"share\":null,\"at\":null,"
        "\"tags\":null,\"where\":null,\"list\":null,\"on\":null,"
        "\"n\":null}]");
    buf_release(&b);
    batch_release(&rows);
}

static void csv_tells_null_from_empty(void)
{
    struct batch rows;
    struct buf b;
    struct err e;

    fill(&rows);
    buf_init(&b, 10000);
    CHECK_OK(batch_csv_head(&rows, &b, &e), &e);
    CHECK_OK(batch_csv_row(&rows, 0, &b, &e), &e);
    CHECK_OK(batch_csv_row(&rows, 2, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b),
               "id,title,share,at,tags,where,list,on,n\n"
               "7,\"say \"\"hi\"\",\n<b>\",0.1,2017-07-14T02:40:00Z,"
               "\"[\"\"a\"\",\"\"b\\\"\"c\"\"]\",\"[-8.9,1.5]\",[],true,-1\n"
               ",\"\",,,,,,,\n");
    buf_release(&b);
    batch_release(&rows);
}

static const struct test tests[] = {
    {"rows are objects", rows_are_objects},
    {"csv tells NULL from empty", csv_tells_null_from_empty},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

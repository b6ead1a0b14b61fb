#include <stdlib.h>

#include "core/fs.h"
#include "core/mem.h"
#include "lake/delta.h"
#include "lake_ask.h"
#include "test.h"

static struct duck *duck;

static int64_t ask(struct delta *t, const char *what)
{
    return lake_ask(duck, t, what);
}

/* n rows from number `from` on; every fifth title is NULL. */
static void fill(struct batch *b, int from, int n)
{
    struct err e = {0};

    CHECK_OK(batch_init(b, lake_defs, 4, &e), &e);
    for (int i = from; i < from + n; i++) {
        double at[] = {i + 0.5, -i};
        char text[32];
        int len = snprintf(text, sizeof(text), "title \xE2\x9D\xA4 %d", i);

        CHECK_OK(batch_put_i32(b, 0, i, &e), &e);
        CHECK_OK(i % 5 == 0 ? batch_put_null(b, 1, &e)
                            : batch_put_text(
                                  b, 1, (struct slice){text, (size_t)len}, &e),
                 &e);
        CHECK_OK(batch_put_doubles(b, 2, at, 2, &e), &e);
        CHECK_OK(batch_put_i64(b, 3, INT64_C(1500000000000000) + i, &e), &e);
        batch_end_row(b);
    }
}

static int append(struct delta *t, int first, int n, int64_t from, int64_t to,
                  struct err *e)
{
    struct delta_move move = {"pinline:clean:pin:1:0", from, to};
    struct delta_change c = {.operation = "WRITE", .moves = &move, .nmoves = 1};
    struct batch b;
    int rc;

    fill(&b, first, n);
    rc = lake_write(t, &b, &c, e);
    batch_release(&b);
    return rc;
}

static void a_table_is_made_once_and_opened(void)
{
    const char *dir = lake_folder("once");
    struct delta *t = NULL;
    struct delta *u = NULL;
    struct err e = {0};

    CHECK(delta_open(&t, dir, duck, &e) < 0 && e.code == ERR_NOTFOUND);
    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK(delta_create(&u, dir, &lake_schema, duck, &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK_OK(delta_open(&u, dir, duck, &e), &e);
    CHECK_INT(delta_version(u), 0);
    CHECK_TEXT(slice_of(delta_prop(u, "pinline.pipeline")), "clean");
    CHECK_INT(delta_rows(u), 0);
    CHECK_INT(ask(u, "count(*)"), 0);
    delta_close(t);
    delta_close(u);
}

static void rows_come_back_as_they_went_in(void)
{
    struct delta *t = NULL;
    struct err e = {0};

    CHECK_OK(delta_create(&t, lake_folder("rows"), &lake_schema, duck, &e), &e);
    CHECK_OK(append(t, 0, 3000, 0, 3000, &e), &e);
    CHECK_OK(append(t, 3000, 2000, 3000, 5000, &e), &e);
    CHECK_INT(delta_files(t), 2);
    CHECK_INT(delta_rows(t), 5000);
    CHECK_INT(ask(t, "count(*)"), 5000);
    CHECK_INT(ask(t, "sum(ind)"), 4999 * 2500);
    CHECK_INT(ask(t, "count(*) - count(title)"), 1000);
    CHECK_INT(ask(t, "sum(coordinates[2])"), -4999 * 2500);
    CHECK_INT(ask(t, "max(epoch_us(timestamp))"), INT64_C(1500000000004999));
    CHECK_INT(delta_position(t, "pinline:clean:pin:1:0"), 5000);
    CHECK_INT(delta_position(t, "pinline:clean:pin:2:0"), 0);
    delta_close(t);
}

static void statistics_say_what_a_file_holds(void)
{
    const char *dir = lake_folder("stats");
    struct delta *t = NULL;
    struct delta_nulls *nulls = NULL;
    struct err e = {0};
    bool known = false;
    struct buf b;
    char path[FS_PATH_MAX];
    size_t n = 0;

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK_OK(append(t, 1, 10, 0, 10, &e), &e);
    CHECK_OK(delta_null_counts(t, &nulls, &n, &known, &e), &e);
    CHECK(known);
    CHECK_INT(n, 4);
    CHECK_INT(nulls[0].nulls, 0);
    CHECK_INT(nulls[1].nulls, 2);
    delta_nulls_free(nulls, n);
    buf_init(&b, 1 << 20);
    CHECK_OK(fs_join(path, dir, "_delta_log/00000000000000000001.json", &e),
             &e);
    CHECK_OK(fs_read(path, &b, &e), &e);
    CHECK_OK(buf_putc(&b, '\0', &e), &e);
    CHECK(strstr(b.ptr, "\\\"numRecords\\\":10") != NULL);
    CHECK(strstr(b.ptr,
                 "\\\"minValues\\\":{\\\"ind\\\":1,"
                 "\\\"title\\\":\\\"title \xE2\x9D\xA4 1\\\","
                 "\\\"timestamp\\\":\\\"2017-07-14T02:40:00.000Z\\\"}") !=
          NULL);
    CHECK(strstr(b.ptr, "\\\"timestamp\\\":\\\"2017-07-14T02:40:00.001Z") !=
          NULL);
    CHECK(strstr(b.ptr, "\\\"nullCount\\\":{\\\"ind\\\":0,\\\"title\\\":2,"
                        "\\\"coordinates\\\":0,\\\"timestamp\\\":0}") != NULL);
    buf_release(&b);
    delta_close(t);
}

static void a_commit_from_elsewhere_is_fenced(void)
{
    const char *dir = lake_folder("fence");
    struct delta *t = NULL;
    struct delta *u = NULL;
    struct err e = {0};

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK_OK(delta_open(&u, dir, duck, &e), &e);
    CHECK_OK(append(t, 0, 10, 0, 10, &e), &e);
    /* the same again, from a handle that has not seen the first */
    CHECK(append(u, 0, 10, 0, 10, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    CHECK(strstr(e.msg, "stands at offset 10") != NULL);
    CHECK(append(t, 0, 10, 0, 5, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    CHECK(strstr(e.msg, "was the topic made anew?") != NULL);
    CHECK(append(t, 0, 10, 20, 30, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    CHECK_INT(ask(u, "count(*)"), 10);
    delta_close(t);
    delta_close(u);
}

static void two_writers_of_other_sources_both_win(void)
{
    const char *dir = lake_folder("two");
    struct delta *t = NULL;
    struct delta *u = NULL;
    struct err e = {0};
    struct delta_move move = {"pinline:clean:geo:1:0", 0, 7};
    struct delta_change c = {.operation = "WRITE", .moves = &move, .nmoves = 1};

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK_OK(delta_open(&u, dir, duck, &e), &e);
    CHECK_OK(append(t, 0, 10, 0, 10, &e), &e);
    CHECK_OK(delta_commit(u, &c, &e), &e);
    CHECK_INT(delta_version(u), 2);
    CHECK_INT(ask(u, "count(*)"), 10);
    CHECK_INT(delta_position(u, "pinline:clean:pin:1:0"), 10);
    CHECK_INT(delta_position(u, "pinline:clean:geo:1:0"), 7);
    delta_close(t);
    delta_close(u);
}

static void a_replacement_starts_anew(void)
{
    struct delta *t = NULL;
    struct delta_move move = {"pinline:clean:pin:2:0", 0, 4};
    struct delta_change c = {
        .operation = "REPLACE", .moves = &move, .nmoves = 1, .replace = true};
    struct batch b;
    struct err e = {0};

    CHECK_OK(delta_create(&t, lake_folder("replace"), &lake_schema, duck, &e),
             &e);
    CHECK_OK(append(t, 0, 10, 0, 10, &e), &e);
    fill(&b, 100, 4);
    CHECK_OK(lake_write(t, &b, &c, &e), &e);
    CHECK_INT(ask(t, "count(*)"), 4);
    CHECK_INT(ask(t, "min(ind)"), 100);
    CHECK_INT(delta_position(t, "pinline:clean:pin:1:0"), 0);
    CHECK_INT(delta_position(t, "pinline:clean:pin:2:0"), 4);
    CHECK_OK(append(t, 0, 3, 0, 3, &e), &e);
    batch_release(&b);
    delta_close(t);
}

static void a_column_can_be_added_but_not_changed(void)
{
    static const struct col_def more[] = {
        {.name = "ind", .type = COL_INT32},
        {.name = "title", .type = COL_TEXT},
        {.name = "coordinates", .type = COL_DOUBLE_LIST},
        {.name = "timestamp", .type = COL_TIMESTAMP},
        {.name = "tags", .type = COL_TEXT_LIST},
    };
    static const struct col_def other[] = {
        {.name = "ind", .type = COL_INT64},
    };
    struct delta_schema wider = {more, 5, NULL, 0, NULL, 0};
    struct delta_change c = {.operation = "ADD COLUMNS", .schema = &wider};
    struct delta *t = NULL;
    struct err e = {0};
    bool grown = false;

    CHECK_OK(delta_create(&t, lake_folder("column"), &lake_schema, duck, &e),
             &e);
    CHECK_OK(append(t, 0, 10, 0, 10, &e), &e);
    CHECK(delta_check_schema(t, other, 1, &grown, &e) < 0);
    CHECK(strstr(e.msg, "the column \"ind\" has another type") != NULL);
    CHECK(delta_check_schema(t, lake_defs, 3, &grown, &e) < 0);
    CHECK(strstr(e.msg, "\"timestamp\" where the spec has none") != NULL);
    CHECK_OK(delta_check_schema(t, more, 5, &grown, &e), &e);
    CHECK(grown);
    CHECK_OK(delta_commit(t, &c, &e), &e);
    CHECK_INT(ask(t, "count(*) - count(tags)"), 10);
    CHECK_TEXT(slice_of(delta_prop(t, "pinline.pipeline")), "clean");
    delta_close(t);
}

static void checkpoints_hold_the_same_state(void)
{
    const char *dir = lake_folder("checkpoint");
    struct delta *t = NULL;
    struct delta *u = NULL;
    struct err e = {0};
    char path[FS_PATH_MAX];

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    for (int i = 0; i < 13; i++) {
        CHECK_OK(append(t, i * 10, 10, i * 10, i * 10 + 10, &e), &e);
    }
    CHECK_OK(fs_join(path, dir,
                     "_delta_log/00000000000000000010.checkpoint.parquet", &e),
             &e);
    CHECK(fs_exists(path));
    /* entries before the checkpoint are no longer needed */
    for (int i = 0; i < 10; i++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "_delta_log/%020d.json", i);
        CHECK_OK(fs_join(path, dir, name, &e), &e);
        CHECK_OK(fs_remove(path, &e), &e);
    }
    CHECK_OK(delta_open(&u, dir, NULL, &e), &e);
    CHECK_INT(delta_version(u), 13);
    CHECK_INT(delta_files(u), 13);
    CHECK_INT(delta_rows(u), 130);
    CHECK_INT(delta_bytes(u), delta_bytes(t));
    CHECK_INT(ask(u, "sum(ind)"), 129 * 65);
    CHECK_INT(delta_position(u, "pinline:clean:pin:1:0"), 130);
    CHECK_TEXT(slice_of(delta_prop(u, "pinline.pipeline")), "clean");
    CHECK_OK(append(u, 130, 1, 130, 131, &e), &e);
    delta_close(t);
    delta_close(u);
}

/* Make a log of one entry out of lines and try to open it. */
static enum err_code open_lines(const char *name, const char *lines,
                                struct err *e)
{
    const char *dir = lake_folder(name);
    struct delta *t = NULL;
    char path[FS_PATH_MAX];

    CHECK_OK(fs_join(path, dir, "_delta_log", e), e);
    CHECK_OK(fs_make_folders(path, e), e);
    CHECK_OK(fs_join(path, dir, "_delta_log/00000000000000000000.json", e), e);
    CHECK_OK(fs_publish(path, slice_of(lines), e), e);
    e->code = ERR_NONE;
    if (delta_open(&t, dir, duck, e) == 0) {
        delta_close(t);
        return ERR_NONE;
    }
    return e->code;
}

#define META                                                            \
    "{\"metaData\":{\"id\":\"x\",\"format\":{\"provider\":\"parquet\"," \
    "\"options\":{}},\"schemaString\":\"{\\\"fields\\\":[]}\","         \
    "\"partitionColumns\":[],\"configuration\":{}}}\n"
#define PROTOCOL \
    "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"

static void what_is_not_understood_is_refused(void)
{
    struct err e = {0};

    CHECK_INT(open_lines("good", PROTOCOL META, &e), ERR_NONE);
    CHECK_INT(open_lines("reader",
                         "{\"protocol\":{\"minReaderVersion\":3,"
                         "\"minWriterVersion\":7}}\n" META,
                         &e),
              ERR_UNAVAILABLE);
    CHECK(strstr(e.msg, "needs Delta reader version 3") != NULL);
    CHECK_INT(open_lines("torn", PROTOCOL "{\"metaData\":{\"id", &e),
              ERR_CORRUPT);
    CHECK(strstr(e.msg, "line 2") != NULL);
    CHECK_INT(open_lines("nometa", PROTOCOL, &e), ERR_CORRUPT);
    CHECK_INT(open_lines("parts",
                         PROTOCOL
                         "{\"metaData\":{\"id\":\"x\",\"schemaString\":\"{}\","
                         "\"partitionColumns\":[\"a\",\"b\",\"c\",\"d\",\"e\","
                         "\"f\",\"g\"]}}\n",
                         &e),
              ERR_UNAVAILABLE);
    CHECK_INT(open_lines("value",
                         PROTOCOL META "{\"add\":{\"path\":\"x\","
                                       "\"partitionValues\":{\"a\":1}}}\n",
                         &e),
              ERR_CORRUPT);
    CHECK(strstr(e.msg, "partition value \"a\" is no text") != NULL);
    CHECK_INT(open_lines("outside",
                         PROTOCOL META
                         "{\"add\":{\"path\":\"s3://b/x\",\"size\":1}}\n",
                         &e),
              ERR_UNAVAILABLE);
    CHECK_INT(open_lines("vector",
                         PROTOCOL META "{\"add\":{\"path\":\"x\","
                                       "\"deletionVector\":{}}}\n",
                         &e),
              ERR_UNAVAILABLE);
}

static void files_outside_the_folder_are_refused(void)
{
    static const struct {
        const char *path; /* as JSON holds it */
        enum err_code code;
        const char *why;
    } cases[] = {
        {"part-1.parquet", ERR_NONE, ""},
        {"a=b:c/..x/y...parquet", ERR_NONE, ""},
        {"a%3Ab/%2e%2e%2e/x", ERR_NONE, ""},
        {"../other/x.parquet", ERR_UNAVAILABLE, "\"../other/x.parquet\""},
        {"a/../../x.parquet", ERR_UNAVAILABLE, "outside its folder"},
        {"a/..", ERR_UNAVAILABLE, "outside its folder"},
        {"%2e%2E/x.parquet", ERR_UNAVAILABLE, "outside its folder"},
        {"a%2F..%2f..%2Fx", ERR_UNAVAILABLE, "outside its folder"},
        {"/etc/passwd", ERR_UNAVAILABLE, "shallow clones"},
        {"%2Fetc/passwd", ERR_UNAVAILABLE, "outside its folder"},
        {"file:/tmp/x.parquet", ERR_UNAVAILABLE, "outside its folder"},
        {"file:///tmp/x.parquet", ERR_UNAVAILABLE, "make a full copy"},
        {"s3://b/x", ERR_UNAVAILABLE, "outside its folder"},
        {"x\\u0000.parquet", ERR_CORRUPT, "control character at byte 1"},
        {"x%00.parquet", ERR_CORRUPT, "control character"},
    };
    struct err e = {0};
    char name[16];
    char lines[1024];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(name, sizeof(name), "out%zu", i);
        (void)snprintf(lines, sizeof(lines),
                       PROTOCOL META "{\"add\":{\"path\":\"%s\",\"size\":1}}\n",
                       cases[i].path);
        CHECK_INT(open_lines(name, lines, &e), cases[i].code);
        if (cases[i].code != ERR_NONE) {
            CHECK(strstr(e.msg, cases[i].why) != NULL);
        }
    }
}

static void a_missing_entry_is_noticed(void)
{
    const char *dir = lake_folder("gap");
    struct delta *t = NULL;
    struct err e = {0};
    char path[FS_PATH_MAX];

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK_OK(append(t, 0, 1, 0, 1, &e), &e);
    CHECK_OK(append(t, 1, 1, 1, 2, &e), &e);
    delta_close(t);
    CHECK_OK(fs_join(path, dir, "_delta_log/00000000000000000001.json", &e),
             &e);
    CHECK_OK(fs_remove(path, &e), &e);
    CHECK(delta_open(&t, dir, duck, &e) < 0);
    CHECK_INT(e.code, ERR_CORRUPT);
    CHECK(strstr(e.msg, "log entry 1 is missing") != NULL);
}

static void names_of_writers_cannot_collide(void)
{
    struct span a = {.topic = "b:1", .epoch = 2, .partition = 3};
    struct err e = {0};
    struct buf b;

    buf_init(&b, 1000);
    CHECK_OK(delta_app(&b, "a%", &a, &e), &e);
    CHECK_TEXT(buf_slice(&b), "pinline:a%25:b%3A1:2:3");
    buf_release(&b);
}

static void every_failed_allocation_is_an_error(void)
{
    const char *dir = lake_folder("memory");
    struct delta *t = NULL;
    struct err e = {0};
    unsigned n = 0;
    int rc = -1;

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK_OK(append(t, 0, 3, 0, 3, &e), &e);
    delta_close(t);
    while (rc != 0 && n < 2000) {
        mem_fail_after(++n);
        rc = delta_open(&t, dir, duck, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
    }
    CHECK(rc == 0 && n > 5);
    if (rc == 0) {
        CHECK_INT(delta_rows(t), 3);
        delta_close(t);
    }
}

int main(void)
{
    static const struct test tests[] = {
        {"a table is made once and opened", a_table_is_made_once_and_opened},
        {"rows come back as they went in", rows_come_back_as_they_went_in},
        {"statistics say what a file holds", statistics_say_what_a_file_holds},
        {"a commit from elsewhere is fenced",
         a_commit_from_elsewhere_is_fenced},
        {"two writers of other sources both win",
         two_writers_of_other_sources_both_win},
        {"a replacement starts anew", a_replacement_starts_anew},
        {"a column can be added but not changed",
         a_column_can_be_added_but_not_changed},
        {"checkpoints hold the same state", checkpoints_hold_the_same_state},
        {"what is not understood is refused",
         what_is_not_understood_is_refused},
        {"files outside the table's folder are refused",
         files_outside_the_folder_are_refused},
        {"a missing entry is noticed", a_missing_entry_is_noticed},
        {"names of writers cannot collide", names_of_writers_cannot_collide},
        {"every failed allocation is an error",
         every_failed_allocation_is_an_error},
    };
    struct duck_conf conf = {.threads = 2};
    struct err e = {0};
    int rc;

    CHECK_OK(duck_open(&duck, &conf, &e), &e);
    if (duck == NULL) {
        return 1;
    }
    rc = test_main(tests, ARRAY_LEN(tests));
    duck_close(duck);
    return rc;
}

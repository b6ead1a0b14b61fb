#include "record/guess.h"

#include "core/fs.h"
#include "record/decode.h"
#include "test.h"

static const char *const pin[] = {"index", "unique_id", "title", "category"};
static const char *const geo[] = {"ind", "timestamp", "latitude", "country"};
static const char *const user[] = {"ind", "first_name", "age", "date_joined"};
static const char *const keys[] = {"index", "ind", "idx"};
static const struct guess_table tables[] = {
    {"pin", pin, 4}, {"geo", geo, 4}, {"user", user, 4}};
static const struct guess g = {tables, 3, keys, 3};

static int by_content(const char *text)
{
    struct decoder *d = NULL;
    struct err e;
    int ret = -2;

    CHECK_OK(decoder_new(&d, keys, 3, &e), &e);
    CHECK_OK(guess_message(&g, d, slice_of(text), &ret, &e), &e);
    decoder_free(d);
    return ret;
}

static void content_tells_the_table(void)
{
    CHECK_INT(by_content("{\"index\":1,\"title\":\"x\",\"other\":1}"), 0);
    CHECK_INT(by_content("{\"ind\":1,\"country\":\"x\"}"), 1);
    CHECK_INT(by_content("[7,{\"value\":{\"ind\":1,\"age\":3}}]"), 2);
    CHECK_INT(by_content("{\"ind\":1}"), -1);
    CHECK_INT(by_content("hello"), -1);
}

static int by_file(const char *name, struct slice bytes)
{
    char path[FS_PATH_MAX];
    struct err e;
    int ret = -2;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    CHECK_OK(fs_publish(path, bytes, &e), &e);
    CHECK_OK(guess_file(&g, path, &ret, &e), &e);
    return ret;
}

static void files_are_told_by_content_then_by_name(void)
{
    CHECK_INT(by_file("pin.json", SLICE("x\n{\"ind\":1,\"age\":3}\n")), 2);
    CHECK_INT(by_file("geo_rows.json", SLICE("{\"ind\":1}\n")), 1);
    CHECK_INT(by_file("user", SLICE("")), 2);
    CHECK_INT(by_file("rows.csv", SLICE("index,title\n1,x\n")), 0);
    CHECK_INT(by_file("rows.json", SLICE("{\"a\":1}\n")), -1);
}

static const struct test tests[] = {
    {"content tells the table", content_tells_the_table},
    {"files are told by content, then by name",
     files_are_told_by_content_then_by_name},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

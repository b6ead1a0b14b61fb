#include <stdlib.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/rand.h"
#include "record/guess.h"
#include "source_ask.h"
#include "test.h"

enum {
    OUT_MAX = 1 << 20,
    ROWS = 1000
};

static const char *const names[] = {"pin", "geo", "user"};
static const char *const pin[] = {"index", "title"};
static const char *const geo[] = {"ind", "country"};
static const char *const user[] = {"ind", "age"};
static const char *const keys[] = {"index", "ind"};
static const struct guess_table tables[] = {
    {"pin", pin, 2}, {"geo", geo, 2}, {"user", user, 2}};
static const struct guess known = {tables, 3, keys, 2};

static void write_file(const char *name, struct slice bytes, char *path)
{
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    CHECK_OK(fs_publish(path, bytes, &e), &e);
}

static int open_paths(struct source **s, const char *url,
                      const char *const *inputs, size_t n, struct err *e)
{
    struct source_conf conf = {.url = url,
                               .inputs = inputs,
                               .ninputs = n,
                               .guess = &known,
                               .tables = names,
                               .ntables = 3};

    *s = NULL;
    return source_open(s, &conf, e);
}

static void files_of_all_kinds_give_rows(void)
{
    char path[4][FS_PATH_MAX];
    const char *inputs[] = {path[0], path[1], path[2], path[3]};
    struct buf packed;
    struct source *s;
    struct buf b;
    struct err e;
    bool json;

    buf_init(&packed, OUT_MAX);
    write_file("a.jsonl", SLICE("{\"index\":1,\"title\":\"x\"}\nnot json\n"),
               path[0]);
    write_file("b.csv", SLICE("index,title\n7,\"a\nb\"\n"), path[1]);
    write_file("c.json", SLICE("{\"ind\":1,\"country\":\"x\"}{\"ind\":2}"),
               path[2]);
    CHECK_OK(compress_gzip(SLICE("{\"ind\":1,\"age\":2}\n{\"ind\":9}\n"),
                           &packed, &e),
             &e);
    write_file("d.gz", buf_slice(&packed), path[3]);
    CHECK_OK(open_paths(&s, "files:", inputs, 4, &e), &e);
    source_rows_are(s, 0, 3);
    source_rows_are(s, 1, 2);
    source_rows_are(s, 2, 2);
    source_row_is(s, 0, 0, "{\"index\":1,\"title\":\"x\"}", true);
    source_row_is(s, 0, 2, "{\"index\":\"7\",\"title\":\"a\\nb\"}", true);
    source_row_is(s, 0, 1, "not json", false);
    source_row_is(s, 1, 1, "{\"ind\":2}", true);
    source_row_is(s, 2, 1, "{\"ind\":9}", true);
    source_row_is(s, 2, 0, "{\"ind\":1,\"age\":2}", true);
    source_row_is(s, 2, 0, "{\"ind\":1,\"age\":2}", true);
    buf_init(&b, OUT_MAX);
    CHECK(source_row(s, 1, 2, &b, &json, &e) == -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
    buf_release(&b);
    source_close(s);
    buf_release(&packed);
}

static void any_order_gives_the_same_rows(void)
{
    struct rand r;

    rand_seed(&r, 4);
    for (size_t f = 0; f < 2; f++) {
        struct buf file;
        struct source *s;
        char path[FS_PATH_MAX];
        struct err e;

        buf_init(&file, OUT_MAX);
        CHECK_OK(buf_puts(&file, f == 1 ? "index,title\n" : "", &e), &e);
        for (int i = 0; i < ROWS; i++) {
            CHECK_OK(f == 0
                         ? buf_putf(&file, &e,
                                    "{\"index\":%d,\"title\":\"t%d\"}\n", i, i)
                         : buf_putf(&file, &e, "%d,t%d\n", i, i),
                     &e);
        }
        write_file("rows", buf_slice(&file), path);
        CHECK_OK(open_paths(&s, path, NULL, 0, &e), &e);
        for (int i = 0; i < 3000; i++) {
            int n = i < ROWS ? i : (int)rand_below(&r, ROWS);
            char want[64];

            (void)snprintf(want, sizeof(want),
                           "{\"index\":%s%d%s,\"title\":\"t%d\"}",
                           f == 1 ? "\"" : "", n, f == 1 ? "\"" : "", n);
            source_row_is(s, 0, n, want, true);
        }
        source_rows_are(s, 1, 0);
        source_close(s);
        buf_release(&file);
    }
}

static void folders_are_walked(void)
{
    char dir[FS_PATH_MAX];
    char path[FS_PATH_MAX];
    struct source *s;
    struct err e;

    CHECK_OK(fs_join(dir, test_folder(), "tree", &e), &e);
    CHECK_OK(fs_join(path, dir, "topics/partition=0", &e), &e);
    CHECK_OK(fs_make_folders(path, &e), &e);
    write_file("tree/topics/partition=0/x.pin+0+0000000000.json",
               SLICE("{\"index\":5,\"title\":\"five\"}\n"), path);
    write_file("tree/topics/partition=0/x.pin+0+0000000001.json",
               SLICE("{\"index\":6,\"title\":\"six\"}\n"), path);
    write_file("tree/user.csv", SLICE("ind,age\n1,2\n"), path);
    write_file("tree/README.md", SLICE("not rows\n"), path);
    CHECK_OK(open_paths(&s, dir, NULL, 0, &e), &e);
    source_rows_are(s, 0, 2);
    source_rows_are(s, 2, 1);
    source_row_is(s, 0, 1, "{\"index\":6,\"title\":\"six\"}", true);
    source_row_is(s, 0, 0, "{\"index\":5,\"title\":\"five\"}", true);
    source_close(s);
}

static void what_cannot_be_recognised_is_refused(void)
{
    char path[FS_PATH_MAX];
    struct source *s;
    struct err e;

    write_file("rows.json", SLICE("{\"other\":1}\n"), path);
    CHECK(open_paths(&s, path, NULL, 0, &e) == -1);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK(strstr(e.msg, "pin*, geo*, user*") != NULL);
    CHECK(open_paths(&s, "files:", NULL, 0, &e) == -1);
    CHECK(open_paths(&s, "files:/nonexistent/x", NULL, 0, &e) == -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
}

static void no_allocation_is_taken_for_granted(void)
{
    char path[FS_PATH_MAX];
    struct err e = {0};
    int rc = -1;

    write_file("pin.csv", SLICE("index,title\n1,x\n2,y\n"), path);
    for (unsigned n = 1; rc != 0 && n < 200; n++) {
        struct source *s;
        struct buf b;
        bool json;

        buf_init(&b, OUT_MAX);
        mem_fail_after(n);
        rc = open_paths(&s, path, NULL, 0, &e);
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
    {"files of all kinds give rows", files_of_all_kinds_give_rows},
    {"any order gives the same rows", any_order_gives_the_same_rows},
    {"folders are walked", folders_are_walked},
    {"what cannot be recognised is refused",
     what_cannot_be_recognised_is_refused},
    {"no allocation is taken for granted", no_allocation_is_taken_for_granted},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

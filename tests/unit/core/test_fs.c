#include "core/fs.h"

#include "core/mem.h"
#include "test.h"

static void in_folder(char path[FS_PATH_MAX], const char *name)
{
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
}

static void a_file_is_read_up_to_the_ceiling(void)
{
    char path[FS_PATH_MAX];
    struct buf b;
    struct err e;

    in_folder(path, "ten");
    CHECK_OK(fs_publish(path, SLICE("0123456789"), &e), &e);
    buf_init(&b, 12);
    CHECK_OK(buf_puts(&b, "ab", &e), &e);
    CHECK_OK(fs_read(path, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "ab0123456789");
    buf_release(&b);
    buf_init(&b, 9);
    CHECK(fs_read(path, &b, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK_INT(b.len, 0);
    buf_release(&b);
}

static void of_several_publishers_one_wins(void)
{
    char path[FS_PATH_MAX];
    struct buf b;
    struct err e;

    in_folder(path, "one");
    buf_init(&b, 100);
    CHECK_OK(fs_publish_new(path, SLICE("first"), &e), &e);
    CHECK(fs_publish_new(path, SLICE("second"), &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK_OK(fs_read(path, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "first");
    buf_release(&b);
}

static void names_are_sorted_and_trees_go_whole(void)
{
    char path[FS_PATH_MAX];
    char inner[FS_PATH_MAX];
    struct fs_names names = {0};
    struct err e;

    in_folder(path, "tree");
    in_folder(inner, "tree/b/c");
    CHECK_OK(fs_make_folders(inner, &e), &e);
    in_folder(inner, "tree/a");
    CHECK_OK(fs_publish(inner, SLICE(""), &e), &e);
    CHECK_OK(fs_names(path, &names, &e), &e);
    CHECK_INT(names.n, 2);
    CHECK_TEXT(slice_of(names.names[0]), "a");
    CHECK_TEXT(slice_of(names.names[1]), "b/");
    fs_names_release(&names);
    CHECK_OK(fs_remove(path, &e), &e);
    CHECK(!fs_exists(path));
    CHECK_OK(fs_remove(path, &e), &e);
}

static void running_out_of_memory_is_said(void)
{
    char path[FS_PATH_MAX];
    struct err e = {0};
    int rc = -1;

    in_folder(path, "mem");
    CHECK_OK(fs_publish(path, SLICE("x"), &e), &e);
    for (unsigned n = 1; rc != 0 && n < 50; n++) {
        struct fs_names names = {0};
        struct buf b;

        buf_init(&b, 100);
        mem_fail_after(n);
        rc = fs_read(path, &b, &e);
        if (rc == 0) {
            rc = fs_names(test_folder(), &names, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        fs_names_release(&names);
        buf_release(&b);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"a file is read up to the ceiling", a_file_is_read_up_to_the_ceiling},
    {"of several publishers one wins", of_several_publishers_one_wins},
    {"names are sorted and trees go whole",
     names_are_sorted_and_trees_go_whole},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

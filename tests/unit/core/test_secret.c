#include "core/secret.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "test.h"

static void open_credentials_are_refused(void)
{
    static const struct {
        mode_t mode;
        bool fine;
    } cases[] = {{0600, true},  {0400, true},  {0640, true},
                 {0644, false}, {0604, false}, {0620, false}};
    char path[FS_PATH_MAX];
    struct buf b;
    struct err e = {0};

    buf_init(&b, 1000);
    CHECK_OK(fs_join(path, test_folder(), "creds", &e), &e);
    CHECK_OK(fs_publish(path, SLICE("PASSWORD: x\n"), &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&b);
        CHECK(chmod(path, cases[i].mode) == 0);
        if (cases[i].fine) {
            CHECK_OK(secret_read(path, &b, &e), &e);
            CHECK_TEXT(buf_slice(&b), "PASSWORD: x\n");
        } else {
            CHECK(secret_read(path, &b, &e) < 0);
            CHECK_INT(e.code, ERR_DENIED);
            CHECK(strstr(e.msg, "chmod 600") != NULL);
            CHECK_INT(b.len, 0);
        }
    }
    CHECK(secret_read("/nowhere/at/all", &b, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    buf_release(&b);
}

static void comparing_is_exact(void)
{
    CHECK(secret_equal(SLICE("token"), SLICE("token")));
    CHECK(secret_equal(SLICE(""), SLICE("")));
    CHECK(!secret_equal(SLICE("token"), SLICE("tokem")));
    CHECK(!secret_equal(SLICE("token"), SLICE("toke")));
}

static void random_bytes_differ_and_wiped_ones_are_gone(void)
{
    char a[32] = {0};
    char b[32] = {0};
    char zero[32] = {0};
    struct err e;

    CHECK_OK(secret_random(a, sizeof(a), &e), &e);
    CHECK_OK(secret_random(b, sizeof(b), &e), &e);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    secret_wipe(a, sizeof(a));
    CHECK(memcmp(a, zero, sizeof(a)) == 0);
}

static void core_dumps_are_off(void)
{
    struct rlimit r = {1, 1};

    secret_no_core_dumps();
    CHECK(getrlimit(RLIMIT_CORE, &r) == 0 && r.rlim_cur == 0);
}

static const struct test tests[] = {
    {"open credentials are refused", open_credentials_are_refused},
    {"comparing is exact", comparing_is_exact},
    {"random bytes differ and wiped ones are gone",
     random_bytes_differ_and_wiped_ones_are_gone},
    {"core dumps are off", core_dumps_are_off},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

#include "api/auth.h"

#include <stdio.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "test.h"

static const char *write_file(const char *name, const char *text, mode_t mode)
{
    static char path[FS_PATH_MAX];
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    CHECK_OK(fs_publish(path, slice_of(text), &e), &e);
    CHECK(chmod(path, mode) == 0);
    return path;
}

static void tokens_have_names(void)
{
    struct auth a;
    struct err e;
    struct slice who = SLICE("");

    CHECK_OK(auth_load(&a,
                       write_file("good",
                                  "# comment\n\nfirst-token\r\nana \t"
                                  "second-token\n",
                                  0600),
                       &e),
             &e);
    CHECK_INT(a.n, 2);
    CHECK(auth_check(&a, SLICE("Bearer first-token"), &who));
    CHECK_TEXT(who, "token");
    CHECK(auth_check(&a, SLICE("bEARER  second-token "), &who));
    CHECK_TEXT(who, "ana");
    CHECK(!auth_check(&a, SLICE("Bearer second-toke"), &who));
    CHECK(!auth_check(&a, SLICE("Bearer second-token2"), &who));
    CHECK(!auth_check(&a, SLICE("Bearer ana second-token"), &who));
    CHECK(!auth_check(&a, SLICE("Bearer "), &who));
    CHECK(!auth_check(&a, SLICE("first-token"), &who));
    CHECK(!auth_check(&a, SLICE("Basic first-token"), &who));
    CHECK(!auth_check(&a, SLICE(""), &who));
}

static void bad_files_are_refused(void)
{
    static const struct {
        const char *text;
        mode_t mode;
        enum err_code code;
        const char *words;
    } cases[] = {
        {"first-token\n", 0644, ERR_DENIED, "chmod"},
        {"# nothing\n", 0600, ERR_INVALID, "it holds no token"},
        {"first-token\nshort\n", 0600, ERR_INVALID, "line 2"},
        {"ana my secret-token\n", 0600, ERR_INVALID, "line 1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct auth a;
        struct err e;

        CHECK(auth_load(&a, write_file("bad", cases[i].text, cases[i].mode),
                        &e) != 0);
        CHECK_INT(e.code, cases[i].code);
        if (strstr(e.msg, cases[i].words) == NULL) {
            test_fail(__FILE__, __LINE__, "words: %s", e.msg);
        }
        CHECK(strstr(e.msg, "secret-token") == NULL);
    }
}

static void loopback_hosts(void)
{
    CHECK(auth_host_is_loopback(SLICE("localhost")));
    CHECK(auth_host_is_loopback(SLICE("localhost:8082")));
    CHECK(auth_host_is_loopback(SLICE("127.0.0.1:8082")));
    CHECK(auth_host_is_loopback(SLICE("127.1.2.3")));
    CHECK(auth_host_is_loopback(SLICE("[::1]")));
    CHECK(auth_host_is_loopback(SLICE("[::1]:80")));
    CHECK(!auth_host_is_loopback(SLICE("")));
    CHECK(!auth_host_is_loopback(SLICE("[::1]x")));
    CHECK(!auth_host_is_loopback(SLICE("[::2]")));
    CHECK(!auth_host_is_loopback(SLICE("127.0.0.1.example.com")));
    CHECK(!auth_host_is_loopback(SLICE("127.")));
    CHECK(!auth_host_is_loopback(SLICE("localhost.example.com")));
    CHECK(!auth_host_is_loopback(SLICE("10.0.0.1")));
}

int main(void)
{
    static const struct test tests[] = {
        {"tokens have names", tokens_have_names},
        {"bad token files are refused without showing tokens",
         bad_files_are_refused},
        {"loopback hosts", loopback_hosts},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

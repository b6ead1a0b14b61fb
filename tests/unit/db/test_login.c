/* Who we are at a database: urls, files, environment. */
#include "db/login.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "test.h"

static struct err e;
static struct login l;

/* A folder of its own for each test, without anything in the environment. */
static void fresh(const char *name)
{
    static const char *const words[] = {"PGHOST", "PGPORT", "PGUSER",
                                        "PGPASSWORD", "PGDATABASE"};
    char path[FS_PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        (void)unsetenv(words[i]);
    }
    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    CHECK_OK(fs_make_folders(path, &e), &e);
    CHECK(chdir(path) == 0);
}

static void file(const char *name, const char *text, mode_t mode)
{
    CHECK_OK(fs_publish(name, slice_of(text), &e), &e);
    CHECK(chmod(name, mode) == 0);
}

static void urls_are_taken_apart(void)
{
    char text[LOGIN_URL_MAX];
    struct slice pin;

    fresh("url");
    CHECK_OK(login_find(&l,
                        "postgresql://me:s%40crets@db.example:5433/rows?"
                        "pin=posts&tls=require",
                        &e),
             &e);
    CHECK_INT(l.kind, LOGIN_POSTGRES);
    CHECK_TEXT(slice_of(l.host), "db.example");
    CHECK_TEXT(slice_of(l.user), "me");
    CHECK_TEXT(slice_of(l.password), "s@crets");
    CHECK_TEXT(slice_of(l.database), "rows");
    CHECK_INT(l.port, 5433);
    CHECK_INT(l.tls, LOGIN_TLS_REQUIRE);
    CHECK(login_param(l.query, "pin", &pin));
    CHECK_TEXT(pin, "posts");
    CHECK(!login_param(l.query, "pi", &pin));
    login_say(&l, text);
    CHECK_TEXT(slice_of(text), "postgres://me@db.example:5433/rows");
    login_release(&l);
    CHECK_TEXT(slice_of(l.password), "");
    CHECK_OK(login_find(&l, "mysql://me@[::1]", &e), &e);
    CHECK_TEXT(slice_of(l.host), "::1");
    CHECK_INT(l.port, 3306);
    CHECK_TEXT(slice_of(l.database), "pinterest_data");
}

static void wrong_urls_are_told(void)
{
    static const struct {
        const char *url;
        const char *words;
    } cases[] = {
        {"postgres://h", "which user"},
        {"postgres://me@h:0/d", "a port is 1 to 65535"},
        {"postgres://me@h:x/d", "names port \"x\""},
        {"postgres://m%4@h/d", "two hexadecimal digits"},
        {"postgres://me@h/d?tls=maybe", "off, prefer, require or verify"},
        {"oracle://me@h/d", "is no database"},
        {"postgres://me@h/d?creds=missing.yaml", "missing.yaml"},
    };

    fresh("wrong");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(login_find(&l, cases[i].url, &e) < 0);
        CHECK(strstr(e.msg, cases[i].words) != NULL);
    }
}

static void files_fill_what_is_open(void)
{
    fresh("files");
    file("db_creds.yaml", "HOST: h1\nUSER: u1\nPASSWORD: secret1\n", 0600);
    CHECK_OK(login_find(&l, "db_creds.yaml", &e), &e);
    CHECK_INT(l.kind, LOGIN_MYSQL);
    CHECK_INT(l.port, 3306);
    CHECK_TEXT(slice_of(l.database), "pinterest_data");
    CHECK_OK(login_find(&l, "postgres://", &e), &e); /* a scheme overrides */
    CHECK_INT(l.kind, LOGIN_POSTGRES);
    CHECK_INT(l.port, 5432);
    CHECK_TEXT(slice_of(l.password), "secret1");
    file("local_db_creds.yaml", "HOST: h2\nUSER: u2\nPASSWORD: 12345678\n",
         0600);
    CHECK_OK(login_find(&l, "postgres://", &e), &e);
    CHECK_TEXT(slice_of(l.host), "h2");
    CHECK_TEXT(slice_of(l.password), "12345678");
    file(".env", "# odd\nexport DATABASE = 'named'\nPORT=77\n", 0600);
    CHECK_OK(login_find(&l, "postgres://", &e), &e);
    CHECK_TEXT(slice_of(l.database), "named");
    CHECK_INT(l.port, 77);
    CHECK(setenv("PGUSER", "u1", 1) == 0);
    CHECK_OK(login_find(&l, "postgres://", &e), &e);
    CHECK_TEXT(slice_of(l.password), "secret1"); /* of u1, not of u2 */
    CHECK(unsetenv("PGUSER") == 0);
}

static void no_password_goes_to_another_server(void)
{
    fresh("other");
    file("local_db_creds.yaml", "HOST: h2\nUSER: u2\nPASSWORD: secret2\n",
         0600);
    CHECK_OK(login_find(&l, "postgres://u2@elsewhere", &e), &e);
    CHECK_TEXT(slice_of(l.password), "");
    CHECK_OK(login_find(&l, "postgres://other@h2", &e), &e);
    CHECK_TEXT(slice_of(l.password), "");
    CHECK_OK(login_find(&l, "postgres://u2@h2", &e), &e);
    CHECK_TEXT(slice_of(l.password), "secret2");
}

static void files_that_others_read_are_refused(void)
{
    fresh("open");
    file("local_db_creds.yaml", "HOST: h2\nUSER: u2\nPASSWORD: secret2\n",
         0644);
    CHECK(login_find(&l, "postgres://", &e) < 0);
    CHECK_INT(e.code, ERR_DENIED);
    CHECK(strstr(e.msg, "chmod 600") != NULL);
    file("local_db_creds.yaml", "- a list\n", 0600);
    CHECK(login_find(&l, "postgres://", &e) < 0);
    CHECK_INT(e.code, ERR_MALFORMED);
}

static void passwords_in_urls_are_seen(void)
{
    CHECK(login_shows_password("postgres://me:pw@h/d"));
    CHECK(login_shows_password("source=mysql://me:p%2Fd@h"));
    CHECK(login_shows_password("http://me:pw@h/d"));
    CHECK(!login_shows_password("postgres://me@h:5432/d"));
    CHECK(!login_shows_password("postgres://me:@h/d"));
    CHECK(!login_shows_password("a:b@c"));
    CHECK(!login_shows_password("http://h:80/x@y"));
}

static void allocations_may_fail(void)
{
    unsigned n = 0;
    int rc = -1;

    fresh("memory");
    file("local_db_creds.yaml", "HOST: h2\nUSER: u2\nPASSWORD: secret3\n",
         0600);
    while (rc != 0 && n < 1000) {
        mem_fail_after(++n);
        rc = login_find(&l, "postgres://", &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
    }
    CHECK(n > 1);
}

int main(void)
{
    static const struct test tests[] = {
        {"urls are taken apart", urls_are_taken_apart},
        {"wrong urls are told", wrong_urls_are_told},
        {"files fill what is open", files_fill_what_is_open},
        {"no password goes to another server",
         no_password_goes_to_another_server},
        {"I11 files that others read are refused",
         files_that_others_read_are_refused},
        {"I11 passwords in urls are seen", passwords_in_urls_are_seen},
        {"allocations may fail", allocations_may_fail},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

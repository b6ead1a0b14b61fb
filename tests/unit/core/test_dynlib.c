#include "core/dynlib.h"

#include <stddef.h>
#include <string.h>

#include "test.h"

struct zlib {
    struct dynlib lib;
    const char *(*version)(void);
};

static const char *const files[] = {"libno-such.so.9", "libz.so.1", NULL};

static void the_first_library_that_is_there_is_taken(void)
{
    static const struct dynlib_symbol symbols[] = {
        {"zlibVersion", offsetof(struct zlib, version)},
    };
    struct zlib z = {0};
    struct err e;

    CHECK_OK(dynlib_load(&z.lib, files, symbols, 1, &z, "install zlib1g", &e),
             &e);
    CHECK(z.version != NULL && z.version()[0] == '1');
    dynlib_close(&z.lib);
    CHECK(z.lib.handle == NULL);
    dynlib_close(&z.lib);
}

static void what_is_missing_is_named_with_the_way_to_get_it(void)
{
    static const struct dynlib_symbol symbols[] = {
        {"zlibOfTheFuture", offsetof(struct zlib, version)},
    };
    static const char *const none[] = {"libno-such.so.9", NULL};
    struct zlib z = {0};
    struct err e;

    CHECK(dynlib_load(&z.lib, none, symbols, 1, &z, "install it", &e) < 0);
    CHECK(e.code == ERR_UNAVAILABLE && strstr(e.msg, "libno-such.so.9") &&
          strstr(e.msg, "install it"));
    CHECK(dynlib_load(&z.lib, files, symbols, 1, &z, "install it", &e) < 0);
    CHECK(strstr(e.msg, "zlibOfTheFuture") != NULL && z.version == NULL);
}

static const struct test tests[] = {
    {"the first library that is there is taken",
     the_first_library_that_is_there_is_taken},
    {"what is missing is named with the way to get it",
     what_is_missing_is_named_with_the_way_to_get_it},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

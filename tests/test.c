#include "test.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core/fs.h"

static int failed_checks;
static char folder[64];

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    failed_checks++;
    printf("  %s:%d: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

void test_check_text(const char *file, int line, struct slice got,
                     const char *want)
{
    if (!slice_is(got, want)) {
        test_fail(file, line, "got \"%.*s\", want \"%s\"", SLICE_FMT(got),
                  want);
    }
}

void test_check_int(const char *file, int line, int64_t got, int64_t want)
{
    if (got != want) {
        test_fail(file, line, "got %" PRId64 ", want %" PRId64, got, want);
    }
}

const char *test_folder(void)
{
    if (folder[0] == '\0') {
        const char *tmp = getenv("TMPDIR");

        (void)snprintf(folder, sizeof(folder), "%.40s/pinline-XXXXXX",
                       tmp ? tmp : "/tmp");
        if (mkdtemp(folder) == NULL) {
            perror("mkdtemp");
            abort();
        }
    }
    return folder;
}

int test_main(const struct test *tests, size_t n)
{
    int passed = 0;
    int failed = 0;

    for (size_t i = 0; i < n; i++) {
        failed_checks = 0;
        tests[i].run();
        printf("%s %s\n", failed_checks ? "not ok" : "ok", tests[i].name);
        (void)fflush(stdout);
        if (failed_checks) {
            failed++;
        } else {
            passed++;
        }
    }
    if (folder[0] != '\0') {
        struct err e;

        if (fs_remove(folder, &e) < 0) {
            printf("# %s\n", e.msg);
        }
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}

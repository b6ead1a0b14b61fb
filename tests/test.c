#include "test.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "core/fs.h"

static int failed_checks;
static char skipped_why[256];
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

void test_skip(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(skipped_why, sizeof(skipped_why), fmt, ap);
    va_end(ap);
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

/* Runs one test and says how it went: 0 passed, 1 failed, 2 skipped. */
static int run_one(const struct test *t)
{
    int how = 0;

    failed_checks = 0;
    skipped_why[0] = '\0';
    t->run();
    if (failed_checks) {
        printf("not ok %s\n", t->name);
        how = 1;
    } else if (skipped_why[0] != '\0') {
        printf("skip %s: %s\n", t->name, skipped_why);
        how = 2;
    } else {
        printf("ok %s\n", t->name);
    }
    (void)fflush(stdout);
    return how;
}

int test_main(const struct test *tests, size_t n)
{
    int counts[3] = {0};

    for (size_t i = 0; i < n; i++) {
        counts[run_one(&tests[i])]++;
    }
    if (folder[0] != '\0') {
        struct err e;

        if (fs_remove(folder, &e) < 0) {
            printf("# %s\n", e.msg);
        }
    }
    printf("%d passed, %d failed", counts[0], counts[1]);
    if (counts[2]) {
        printf(", %d skipped", counts[2]);
    }
    printf("\n");
    return counts[1] ? 1 : 0;
}

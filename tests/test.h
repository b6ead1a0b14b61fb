/* test.h - CHECK() counts, TEST tables register; the runner prints totals. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/err.h"
#include "core/slice.h"

/* Count a failure with where and what; tests go on. */
void test_fail(const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* This test cannot run here, and why; what it checked so far is not counted. */
void test_skip(const char *fmt, ...) PRINTF_LIKE(1, 2);

#define CHECK(cond)                                            \
    do {                                                       \
        if (!(cond)) {                                         \
            test_fail(__FILE__, __LINE__, "CHECK(%s)", #cond); \
        }                                                      \
    } while (0)

/* A call that must succeed: prints its error when it does not. */
#define CHECK_OK(call, e)                                             \
    do {                                                              \
        if ((call) != 0) {                                            \
            test_fail(__FILE__, __LINE__, "%s: %s", #call, (e)->msg); \
        }                                                             \
    } while (0)

#define CHECK_TEXT(got, want) test_check_text(__FILE__, __LINE__, (got), (want))
#define CHECK_INT(got, want) \
    test_check_int(__FILE__, __LINE__, (int64_t)(got), (int64_t)(want))

void test_check_text(const char *file, int line, struct slice got,
                     const char *want);
void test_check_int(const char *file, int line, int64_t got, int64_t want);

struct test {
    const char *name; /* a sentence */
    void (*run)(void);
};

/* A fresh folder for this test program, removed at its end. */
const char *test_folder(void);

/* Runs all, prints "ok NAME" lines and "N passed, N failed, N skipped". */
int test_main(const struct test *tests, size_t n);

#endif

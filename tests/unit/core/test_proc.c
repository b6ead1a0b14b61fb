#include "core/proc.h"

#include <signal.h>
#include <stdlib.h>

#include "core/clock.h"
#include "test.h"

#define SHELL(text) {"sh", "-c", (text), NULL}

static void a_child_gets_input_and_gives_both_outputs(void)
{
    const char *const argv[] =
        SHELL("cat; echo problem >&2; head -c 200000 /dev/zero; exit 7");
    struct buf out;
    struct buf err;
    struct proc p = {
        .argv = argv, .input = SLICE("hello "), .out = &out, .err = &err};
    struct err e;

    buf_init(&out, 1 << 20);
    buf_init(&err, 1 << 20);
    CHECK_OK(proc_run(&p, &e), &e);
    CHECK_INT(p.status, 7);
    CHECK_INT(out.len, 200006);
    CHECK(slice_starts(buf_slice(&out), SLICE("hello ")));
    CHECK_TEXT(buf_slice(&err), "problem\n");
    buf_release(&out);
    buf_release(&err);
}

static void a_slow_child_is_ended_with_all_it_started(void)
{
    const char *const argv[] = SHELL("sleep 30 & sleep 30");
    struct proc p = {.argv = argv, .timeout_us = 50000};
    int64_t start = clock_mono_us();
    struct err e;

    CHECK_OK(proc_run(&p, &e), &e);
    CHECK(p.timed_out);
    CHECK(clock_mono_us() - start < 10000000);
}

static void endings_are_told_apart(void)
{
    const char *const missing[] = {"no-such-program-here", NULL};
    const char *const killed[] = SHELL("kill -9 $$");
    const char *const chatty[] = SHELL("yes");
    struct buf out;
    struct proc p = {.argv = missing};
    struct err e = {0};

    if (getenv("PINLINE_SLOW") == NULL) { /* valgrind's vfork() tells nothing */
        CHECK(proc_run(&p, &e) < 0);
        CHECK_INT(e.code, ERR_NOTFOUND);
    }
    p.argv = killed;
    CHECK_OK(proc_run(&p, &e), &e);
    CHECK_INT(p.status, 128 + SIGKILL);
    buf_init(&out, 1000);
    p.argv = chatty;
    p.out = &out;
    CHECK(proc_run(&p, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    buf_release(&out);
}

static void this_process_is_measured(void)
{
    CHECK(proc_rss() > 100000);
    CHECK(proc_peak_rss() > 100000);
    CHECK(proc_cpu_us() >= 0);
    CHECK(proc_open_files() >= 3 && proc_open_files() < 100);
}

static const struct test tests[] = {
    {"a child gets input and gives both outputs",
     a_child_gets_input_and_gives_both_outputs},
    {"a slow child is ended with all it started",
     a_slow_child_is_ended_with_all_it_started},
    {"endings are told apart", endings_are_told_apart},
    {"this process is measured", this_process_is_measured},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

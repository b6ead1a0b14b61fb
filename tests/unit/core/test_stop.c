#include "core/stop.h"

#include <signal.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/thread.h"
#include "test.h"

static void wait_then_raise(void *arg)
{
    (void)arg;
    clock_sleep_us(20000);
    (void)kill(getpid(), SIGTERM);
}

static void a_wait_ends_with_the_signal(void)
{
    struct thread t = {0};
    struct err e;
    int64_t start = clock_mono_us();

    stop_install();
    CHECK(!stop_wait(3000));
    CHECK(clock_mono_us() - start >= 3000);
    CHECK_OK(thread_start(&t, "raise", wait_then_raise, NULL, &e), &e);
    CHECK(stop_wait(20000000));
    CHECK(clock_mono_us() - start < 10000000);
    CHECK(stop_asked() && stop_wait(20000000));
    CHECK_INT(stop_signal(), SIGTERM);
    thread_join(&t);
}

#ifdef PINLINE_INJECT
static void an_injected_fault_comes_at_its_visit(void)
{
    inject_fail_at(INJECT_fs_sync, 2);
    CHECK(!INJECT_FAILS(batch_before_commit));
    CHECK(!INJECT_FAILS(fs_sync));
    CHECK(INJECT_FAILS(fs_sync));
    CHECK(!INJECT_FAILS(fs_sync));
}
#endif

static const struct test tests[] = {
    {"a wait ends with the signal", a_wait_ends_with_the_signal},
#ifdef PINLINE_INJECT
    {"an injected fault comes at its visit",
     an_injected_fault_comes_at_its_visit},
#endif
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

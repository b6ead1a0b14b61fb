#include "core/inject.h"

#ifdef PINLINE_INJECT

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/num.h"
#include "core/thread.h"

static const char *const names[] = {
#define XX(name) #name,
    INJECT_MAP(XX)
#undef XX
};

/* Visits left until the point acts; 0: it does not. */
static atomic_uint kill_left[ARRAY_LEN(names)];
static atomic_uint stop_left[ARRAY_LEN(names)];
static atomic_uint fail_left[ARRAY_LEN(names)];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void arm(const char *variable, atomic_uint *left)
{
    const char *text = getenv(variable);
    struct slice rest;
    struct slice name;
    uint64_t n = 1;

    if (text == NULL) {
        return;
    }
    rest = slice_of(text);
    if (slice_cut(&rest, ':', &name) && !num_u64(rest, &n)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_is(name, names[i])) {
            atomic_store(&left[i], (unsigned)n);
        }
    }
}

static void read_environment(void)
{
    arm("PINLINE_KILL_AT", kill_left);
    arm("PINLINE_STOP_AT", stop_left);
    arm("PINLINE_FAIL_AT", fail_left);
}

static bool due(atomic_uint *left)
{
    (void)pthread_once(&once, read_environment);
    return atomic_load_explicit(left, memory_order_relaxed) != 0 &&
           atomic_fetch_sub(left, 1) == 1;
}

void inject_visit(enum inject_point p)
{
    if (due(&kill_left[p])) {
        (void)raise(SIGKILL);
    }
    if (due(&stop_left[p])) {
        (void)raise(SIGSTOP);
    }
}

bool inject_fails(enum inject_point p)
{
    return due(&fail_left[p]);
}

void inject_fail_at(enum inject_point p, unsigned n)
{
    (void)pthread_once(&once, read_environment);
    atomic_store(&fail_left[p], n);
}

#endif

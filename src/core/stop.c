#include "core/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/thread.h"

/*
 * The pipe is readable from the first request on and is never drained, so
 * that any number of threads may wait on it.
 */
static atomic_int asked; /* the signal, -1 for stop_ask(), 0 for none */
static int ends[2] = {-1, -1};
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_pipe(void)
{
    if (pipe(ends) != 0) {
        ends[0] = -1;
        ends[1] = -1;
        return;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
}

static void ask(int how)
{
    int saved = errno;
    int none = 0;

    if (atomic_compare_exchange_strong(&asked, &none, how) && ends[1] >= 0) {
        (void)!write(ends[1], "", 1);
    }
    errno = saved;
}

static void on_signal(int sig)
{
    if (atomic_load(&asked) > 0) {
        _exit(128 + sig);
    }
    ask(sig);
}

void stop_install(void)
{
    struct sigaction a = {.sa_handler = on_signal};

    (void)pthread_once(&once, make_pipe);
    (void)sigemptyset(&a.sa_mask);
    (void)sigaction(SIGINT, &a, NULL);
    (void)sigaction(SIGTERM, &a, NULL);
    a.sa_handler = SIG_IGN; /* a reader that went away is an error of write */
    (void)sigaction(SIGPIPE, &a, NULL);
}

bool stop_asked(void)
{
    return atomic_load_explicit(&asked, memory_order_relaxed) != 0;
}

int stop_signal(void)
{
    int s = atomic_load(&asked);

    return s > 0 ? s : 0;
}

void stop_ask(void)
{
    (void)pthread_once(&once, make_pipe);
    ask(-1);
}

bool stop_wait(int64_t us)
{
    int64_t until = clock_mono_us() + us;

    (void)pthread_once(&once, make_pipe);
    while (!stop_asked()) {
        struct pollfd p = {.fd = ends[0], .events = POLLIN};
        int64_t left = until - clock_mono_us();

        if (left <= 0) {
            return false;
        }
        if (left < 1000) {
            clock_sleep_us(left);
            continue;
        }
        left = left / 1000 < 60000 ? left / 1000 : 60000;
        (void)poll(&p, 1, (int)left);
    }
    return true;
}

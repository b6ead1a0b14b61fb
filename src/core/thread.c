#include "core/thread.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/mem.h"

struct start {
    void (*fn)(void *arg);
    void *arg;
};

static void *run(void *p)
{
    struct start s = *(struct start *)p;

    mem_free(p);
    s.fn(s.arg);
    return NULL;
}

int thread_start(struct thread *t, const char *name, void (*fn)(void *arg),
                 void *arg, struct err *e)
{
    struct start *s = mem_resize(NULL, 1, sizeof(*s));
    sigset_t all;
    sigset_t old;
    int rc;

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    *s = (struct start){fn, arg};
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&t->id, NULL, run, s);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0) {
        mem_free(s);
        return err_set(e, ERR_NOMEM, "could not start thread \"%s\": %s", name,
                       strerror(rc));
    }
    t->running = true;
    return 0;
}

void thread_join(struct thread *t)
{
    if (t->running) {
        (void)pthread_join(t->id, NULL);
        t->running = false;
    }
}

void mutex_init(struct mutex *m)
{
    (void)pthread_mutex_init(&m->m, NULL);
}

void mutex_release(struct mutex *m)
{
    (void)pthread_mutex_destroy(&m->m);
}

void mutex_lock(struct mutex *m)
{
    (void)pthread_mutex_lock(&m->m);
}

void mutex_unlock(struct mutex *m)
{
    (void)pthread_mutex_unlock(&m->m);
}

void cond_init(struct cond *c)
{
    pthread_condattr_t a;

    (void)pthread_condattr_init(&a);
    (void)pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->c, &a);
    (void)pthread_condattr_destroy(&a);
}

void cond_release(struct cond *c)
{
    (void)pthread_cond_destroy(&c->c);
}

void cond_signal(struct cond *c)
{
    (void)pthread_cond_signal(&c->c);
}

void cond_broadcast(struct cond *c)
{
    (void)pthread_cond_broadcast(&c->c);
}

void cond_wait(struct cond *c, struct mutex *m)
{
    (void)pthread_cond_wait(&c->c, &m->m);
}

bool cond_wait_until(struct cond *c, struct mutex *m, int64_t until_us)
{
    struct timespec t = {.tv_sec = until_us / 1000000,
                         .tv_nsec = until_us % 1000000 * 1000};

    return pthread_cond_timedwait(&c->c, &m->m, &t) == 0;
}

int thread_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : (int)n;
}

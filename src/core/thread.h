/*
 * thread.h - threads, locks and waiting.
 *
 * A handle (file, database, parser) belongs to the thread that opened it;
 * between threads go only queues and atomic counters.  The only header that
 * sees <pthread.h>.
 */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include <pthread.h>

#include "core/err.h"

struct thread {
    pthread_t id;
    bool running;
};

/* Start fn(arg) with signals blocked; the name (15 bytes) shows in tools. */
int thread_start(struct thread *t, const char *name, void (*fn)(void *arg),
                 void *arg, struct err *e) MUST_USE;
void thread_join(struct thread *t); /* one that was not started is fine */

struct mutex {
    pthread_mutex_t m;
};
void mutex_init(struct mutex *m);
void mutex_release(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);

struct cond {
    pthread_cond_t c; /* on the monotonic clock */
};
void cond_init(struct cond *c);
void cond_release(struct cond *c);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
/* False when until_us (clock_mono_us()) passed first. */
bool cond_wait_until(struct cond *c, struct mutex *m, int64_t until_us);

/* How many threads this process may run at once, at least 1. */
int thread_cores(void);

#endif

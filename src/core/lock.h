/*
 * lock.h - one owner per role: a lock file that says who holds it.
 *
 * The lock is flock()ed, so it ends with its process, however that ends; the
 * file stays and holds "PID ROLE" of the last owner, for the message only.
 */
#ifndef CORE_LOCK_H
#define CORE_LOCK_H

#include "core/err.h"

struct lock {
    int fd; /* -1: not held */
};

/* Take it or fail at once with ERR_BUSY, naming the holder; role is one word
 * ("serve").  The folder of path exists. */
int lock_take(struct lock *l, const char *path, const char *role,
              struct err *e) MUST_USE;
/* The same, waiting up to wait_us for the holder to end. */
int lock_wait(struct lock *l, const char *path, const char *role,
              int64_t wait_us, struct err *e) MUST_USE;
void lock_drop(struct lock *l); /* one that is not held is fine */

#endif

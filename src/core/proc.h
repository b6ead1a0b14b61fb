/*
 * proc.h - running other programs, and what this one uses.
 */
#ifndef CORE_PROC_H
#define CORE_PROC_H

#include "core/buf.h"

struct proc {
    const char *const *argv; /* ended by NULL; argv[0] is found on PATH */
    struct slice input;      /* its stdin */
    int64_t timeout_us;      /* 0: none */
    struct buf *out, *err;   /* what it says; NULL: dropped */
    int log_fd;              /* > 0: all it says goes there instead */
    /* asked 20 times a second: true ends it (may be NULL) */
    bool (*give_up)(void *arg);
    void *arg;
    int status;     /* exit code; 128 + signal when one ended it */
    bool timed_out; /* it was killed */
};

/*
 * Run it to its end and fill in status and timed_out.  Past the ceiling of a
 * buffer it is ended and ERR_LIMIT given.  ERR_NOTFOUND when there is no such
 * program; ERR_INTERRUPTED when asked to stop or to give up (the child
 * is ended first).
 * What it started itself ends with it.
 */
int proc_run(struct proc *p, struct err *e) MUST_USE;

int64_t proc_peak_rss(void); /* bytes */
int64_t proc_rss(void);      /* bytes, now */
int64_t proc_cpu_us(void);   /* user and system time of all threads */
int proc_open_files(void);   /* descriptors, -1 when not known */

#endif

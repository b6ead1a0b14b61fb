/*
 * proc.h - running other programs, and what this one uses.
 */
#ifndef CORE_PROC_H
#define CORE_PROC_H

#include "core/buf.h"

struct proc_result {
    int status;     /* exit code; 128 + signal when one ended it */
    bool timed_out; /* it was killed */
};

/*
 * Run argv (ended by NULL; found on PATH) with input as its stdin; its stdout
 * goes to *out and stderr to *err (either may be NULL: dropped; ceilings as
 * of the buffers, past which the child is killed and ERR_LIMIT given).
 * timeout_us 0: none.  ERR_NOTFOUND when there is no such program,
 * ERR_INTERRUPTED when asked to stop (the child is ended first).
 */
int proc_run(const char *const *argv, struct slice input, int64_t timeout_us,
             struct buf *out, struct buf *err, struct proc_result *ret,
             struct err *e) MUST_USE;

int64_t proc_peak_rss(void); /* bytes */
int64_t proc_rss(void);      /* bytes, now */
int64_t proc_cpu_us(void);   /* user and system time of all threads */
int proc_open_files(void);   /* descriptors, -1 when not known */

#endif

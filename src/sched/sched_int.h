/*
 * sched_int.h - the insides of the scheduler.
 */
#ifndef SCHED_SCHED_INT_H
#define SCHED_SCHED_INT_H

#include <stdatomic.h>

#include "core/fs.h"
#include "core/lock.h"
#include "core/thread.h"
#include "sched/sched.h"

enum {
    SLOTS_MAX = 16,
    LOOK_BYTES_MAX = 32 << 20,
    ARGS_BYTES_MAX = 1 << 20,
};

/* A task under way, in a thread that waits for its process. */
struct slot {
    struct sched *owner;
    struct thread thread;
    bool used;
    struct arena arena; /* the command's texts */
    const char *argv[SCHED_ARGS_MAX];
    int64_t run;
    struct sched_task task; /* as it was put into the journal; texts in arena */
    int log_fd;
    atomic_bool cancel;
    atomic_bool over; /* the fields below are set */
    int status;
    bool timed_out;
    struct err err; /* code ERR_NONE: it ran, see status */
};

struct sched {
    struct sched_conf conf;
    struct journal *journal;
    struct lock lock;
    struct arena arena; /* of one look */
    struct slot slots[SLOTS_MAX];
    size_t nslots;
    atomic_bool closing;
    atomic_bool still; /* no run by the clock was under way at the last look:
                          those that are queued wait for somebody */
    atomic_llong success, failed, skipped, retries, queued, running;
    struct mutex m;
    struct cond woken; /* a task has ended */
};

int64_t sched_now(const struct sched *s);

/* sched_slot.c */
struct slot *slot_find(struct sched *s, int64_t run, const char *task);
struct slot *slot_free(struct sched *s);
/* Start the process of t's attempt; t->log is set. */
int slot_start(struct slot *slot, const struct sched_run *run,
               const struct graph_task *def, struct sched_task *t,
               struct err *e) MUST_USE;
/* Wait for its thread and make it free. */
void slot_end(struct slot *slot);

/* sched_due.c: add what is due. */
int sched_due(struct sched *s, int64_t now, struct err *e) MUST_USE;

/* sched_run.c: take one open run a step further; *running counts runs that
 * are under way. */
int sched_work(struct sched *s, struct sched_run *run, int64_t *running,
               struct err *e) MUST_USE;
/* Note what became of a slot's task. */
int sched_collect(struct sched *s, struct slot *slot, struct err *e) MUST_USE;

#endif

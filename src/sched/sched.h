/*
 * sched.h - the scheduler: runs of a task graph, one for each data interval.
 *
 * A run belongs to the interval between two instants of its cron expression
 * and starts at the interval's end.  Each task is a child process; its output
 * goes to a log file.  One scheduler at a time works on a folder (lock file,
 * ERR_BUSY names the holder); any process may add, cancel and read runs
 * through sched/journal.h, and the scheduler sees them within a second.
 *
 * Killed at any moment, the next scheduler takes up what was under way: a
 * task that was running is started again as the same attempt.  Tasks must
 * stand being done twice for an interval, as `batch --interval` does.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "sched/cron.h"
#include "sched/graph.h"

struct sched; /* opaque */

enum {
    SCHED_ARGS_MAX = 32
};

/* One attempt at a task, for those who make its command. */
struct sched_job {
    const struct sched_run *run;
    const struct graph_task *task;
    int64_t attempt;
    struct arena *arena; /* for texts of the command */
};

struct sched_conf {
    const char *name; /* of the schedule */
    const char *dir;  /* journal, lock, logs/ */
    struct cron cron;
    const struct zone *zone;
    int64_t first_us; /* no interval begins before it; -1: none before now */
    bool catchup;     /* all missed intervals; else the latest only, the rest
                         is journaled as skipped */
    bool depends_on_past; /* wait for the success of the run before */
    int64_t max_runs;     /* under way at once; 0: 1 */
    int64_t parallel;     /* tasks at once; 0: 2 */
    int64_t retries;
    int64_t retry_delay_us;
    int64_t timeout_us; /* of one attempt; 0: none */
    struct graph graph;
    /* argv[0..], ended by NULL, of a task that has no command of its own */
    int (*command)(void *arg, const struct sched_job *job,
                   const char *argv[SCHED_ARGS_MAX], struct err *e);
    /* a run has ended; called from the scheduler's thread */
    void (*ended)(void *arg, const struct sched_run *run,
                  const struct sched_task *tasks, size_t n);
    void *arg;
    int64_t (*now)(void *arg); /* tests; NULL: the wall clock */
};

/* What a scheduler has done since it was opened; any thread. */
struct sched_stats {
    int64_t success, failed, skipped, retries;
    int64_t queued, running; /* runs, at the last look */
};

int sched_open(struct sched **ret, const struct sched_conf *conf,
               struct err *e) MUST_USE;
/* Ends the tasks under way; their runs are taken up by the next scheduler.
 * NULL is fine. */
void sched_close(struct sched *s);
/* Look once: add what is due, start what is ready, note what has ended.  *ret
 * is how long to wait before the next look, at most a second. */
int sched_step(struct sched *s, int64_t *ret_wait_us, struct err *e) MUST_USE;
/* Look again and again until stop() says so; faults that may pass are told to
 * `say` (may be NULL) and tried again. */
int sched_follow(struct sched *s, bool (*stop)(void),
                 void (*say)(const struct err *e), struct err *e) MUST_USE;
/* True when no run is open but those that nothing here will begin: the schedule
 * rests, or the run before did not succeed. */
bool sched_idle(struct sched *s);
void sched_stats(struct sched *s, struct sched_stats *ret);

/* "2026-11-20T00:00:00Z/2026-11-21T00:00:00Z", the key of an interval. */
const char *sched_key(struct arena *a, int64_t from_us, int64_t to_us,
                      struct err *e);
/* Add a run for every interval of the expression that begins at or behind
 * from_us and ends at or before to_us; those that have one stay as they are,
 * or are done again.  *ret counts the added and the begun again. */
struct sched_backfill {
    const char *schedule;
    const struct cron *cron;
    const struct zone *zone;
    const struct graph *graph;
    int64_t from_us, to_us, now_us;
    bool again;
};
int sched_add_intervals(struct journal *j, const struct sched_backfill *b,
                        int64_t *ret, struct err *e) MUST_USE;
/* A run asked for by somebody: key NULL makes one of its token or time.
 * ERR_EXISTS with *ret_id when its key or token is there. */
struct sched_wish {
    struct sched_run run;
    const char *const *tasks; /* only these */
    size_t ntasks;            /* 0: the whole graph */
};
int sched_trigger(struct journal *j, const struct graph *g,
                  const struct sched_wish *wish, int64_t *ret_id,
                  struct err *e) MUST_USE;

#endif

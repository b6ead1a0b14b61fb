/*
 * schedule.h - the project's schedule: its tasks as commands of this program.
 */
#ifndef CLI_SCHEDULE_H
#define CLI_SCHEDULE_H

#include "cli/workspace.h"
#include "sched/sched.h"

enum {
    SCHEDULE_OWN_MAX = SPEC_TABLES_MAX + 3,
};

struct schedule {
    struct sched_conf conf; /* ready for sched_open() */
    struct zone *zone;
    struct arena arena;
    const char *own[SCHEDULE_OWN_MAX]; /* names of the project's own tasks */
    size_t nown;
    const char *base[SCHED_ARGS_MAX]; /* program and global options */
    size_t nbase;
    const char *webhook;
};

/* From the project's settings; all of w is needed until schedule_release().
 * The cron expression is @daily where none is set. */
int schedule_make(struct schedule *s, struct cli *c, struct workspace *w,
                  struct err *e) MUST_USE;
void schedule_release(struct schedule *s);
/* What `airflow` may be given for --operators; ended by NULL. */
extern const char *const schedule_operators[];
/* The DAG for Airflow that does the same, of one of these (schedule_airflow.c);
 * cron: the expression as written. */
int schedule_airflow(const struct schedule *s, const char *operators,
                     const char *cron, struct buf *b, struct err *e) MUST_USE;

#endif

/*
 * journal.h - what was scheduled, what ran, what became of it (DIR/schedule.db).
 *
 * A run belongs to a schedule and a data interval [from, to), UTC, to
 * exclusive; (schedule, key) is unique, so that no interval gets two runs
 * whoever asks, and a token (Databricks' idempotency_token) is unique too.
 * How far a schedule has been looked at moves in the same transaction that
 * adds the runs: none is forgotten, none added twice.  One handle belongs to
 * one thread; several processes may have the file open.
 */
#ifndef SCHED_JOURNAL_H
#define SCHED_JOURNAL_H

#include "core/arena.h"
#include "core/err.h"

struct journal; /* opaque */

/* XX(name, text, final?) of runs and tasks; the words are Airflow's. */
#define SCHED_STATE_MAP(XX)                      \
    XX(QUEUED, "queued", false)                  \
    XX(RUNNING, "running", false)                \
    XX(UP_FOR_RETRY, "up_for_retry", false)      \
    XX(SUCCESS, "success", true)                 \
    XX(FAILED, "failed", true)                   \
    XX(SKIPPED, "skipped", true)                 \
    XX(UPSTREAM_FAILED, "upstream_failed", true) \
    XX(CANCELED, "canceled", true)

enum sched_state {
#define XX(name, text, final) SCHED_##name,
    SCHED_STATE_MAP(XX)
#undef XX
};

const char *sched_state_text(enum sched_state s);
bool sched_state_final(enum sched_state s);

enum {
    SCHED_STATES = SCHED_CANCELED + 1,
    SCHED_TASKS_MAX = 64 /* of a run */
};

/* Texts are borrowed; those that are read live in the caller's arena. */
struct sched_run {
    int64_t id; /* given by the journal, ascending */
    const char *schedule;
    const char *kind; /* "scheduled", "manual", "backfill" */
    const char *key;  /* "FROM/TO", or what a manual run was called */
    int64_t from_us, to_us;
    const char *conf;  /* JSON object of parameters; "{}" */
    const char *token; /* NULL: none */
    enum sched_state state;
    bool cancel;                              /* somebody asked for its end */
    int64_t created_us, started_us, ended_us; /* 0: not yet */
    const char *reason;                       /* of a failure; "" */
};

struct sched_task {
    int64_t run;
    const char *name;
    enum sched_state state;
    int64_t attempt;       /* 1 is the first */
    int64_t not_before_us; /* up_for_retry */
    int64_t started_us, ended_us;
    int64_t exit_code; /* -1: none yet */
    const char *reason;
    const char *log; /* path below DIR; "" before it started */
};

int journal_open(struct journal **ret, const char *dir, struct err *e) MUST_USE;
void journal_close(struct journal *j); /* NULL is fine */

/* How far a schedule was looked at (-1: never) and whether it rests. */
int journal_schedule(struct journal *j, const char *schedule, int64_t *ret_upto,
                     bool *ret_paused, struct err *e) MUST_USE;
int journal_pause(struct journal *j, const char *schedule, bool pause,
                  struct err *e) MUST_USE;

/* Everything between these two becomes durable together. */
int journal_begin(struct journal *j, struct err *e) MUST_USE;
int journal_commit(struct journal *j, struct err *e) MUST_USE;
void journal_rollback(struct journal *j);

/* Move it on; ERR_FENCED when it does not stand at `from` any more. */
int journal_advance(struct journal *j, const char *schedule, int64_t from,
                    int64_t to, struct err *e) MUST_USE;
/* Add a run in r->state, its tasks queued (skipped with a skipped run).
 * ERR_EXISTS, with *ret_id of the run that has this key or token. */
int journal_add(struct journal *j, const struct sched_run *r,
                const char *const *tasks, size_t ntasks, int64_t *ret_id,
                struct err *e) MUST_USE;

/* Of a run: state, started_us, ended_us and reason are stored. */
int journal_put_run(struct journal *j, const struct sched_run *r,
                    struct err *e) MUST_USE;
int journal_put_task(struct journal *j, const struct sched_task *t,
                     struct err *e) MUST_USE;
/* Ask for the end of a run; ERR_NOTFOUND. */
int journal_cancel(struct journal *j, int64_t run, struct err *e) MUST_USE;
/* Let a run that has ended be done again from its first task that did not
 * succeed (all: from the first task); ERR_NOTFOUND, ERR_BUSY while it is
 * under way. */
int journal_again(struct journal *j, int64_t run, bool all,
                  struct err *e) MUST_USE;

/* Oldest first with open_only, else newest first. */
struct journal_filter {
    const char *schedule; /* NULL: any */
    bool open_only;       /* those that have not ended */
    int64_t limit;
};
int journal_runs(struct journal *j, const struct journal_filter *f,
                 struct arena *a, struct sched_run **ret, size_t *n,
                 struct err *e) MUST_USE;
int journal_run(struct journal *j, int64_t id, struct arena *a,
                struct sched_run *ret, struct err *e) MUST_USE;
/* In the order in which they were added. */
int journal_tasks(struct journal *j, int64_t run, struct arena *a,
                  struct sched_task **ret, size_t *n, struct err *e) MUST_USE;
/* The last run that ended before this interval; ERR_NOTFOUND. */
int journal_before(struct journal *j, const char *schedule, int64_t from_us,
                   struct arena *a, struct sched_run *ret,
                   struct err *e) MUST_USE;

/* The runs of a schedule in a few numbers; all 0 where there is no journal. */
struct journal_sum {
    int64_t runs[SCHED_STATES]; /* of each state */
    int64_t success_us;         /* when the last success ended; 0: none */
    int64_t took_us;            /* its duration */
    int64_t oldest_us; /* end of the oldest interval whose run has not ended;
                          0: none */
    int64_t upto_us;   /* as journal_schedule() */
    bool paused;
};
/* Any thread; opens the journal for itself. */
int journal_sum(const char *dir, const char *schedule, struct journal_sum *ret,
                struct err *e) MUST_USE;

#endif

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/inject.h"
#include "sched/sched_int.h"

/* A run, its tasks in the graph's order, and their states. */
struct look {
    struct sched_run *run;
    struct sched_task *tasks; /* as journaled */
    size_t n;
    struct sched_task *task[SCHED_TASKS_MAX]; /* by the graph */
    enum sched_state states[SCHED_TASKS_MAX];
    int64_t now;
};

static int put_task(struct sched *s, struct look *l, size_t i,
                    enum sched_state state, struct err *e)
{
    struct sched_task *t = l->task[i];

    t->state = state;
    l->states[i] = state;
    if (sched_state_final(state) && t->ended_us == 0) {
        t->ended_us = l->now;
    }
    return journal_put_task(s->journal, t, e);
}

static int end_run(struct sched *s, struct look *l, enum sched_state state,
                   const char *reason, struct err *e)
{
    struct sched_run *r = l->run;

    r->state = state;
    r->reason = reason;
    r->ended_us = l->now;
    if (r->started_us == 0) {
        r->started_us = l->now;
    }
    INJECT(sched_before_end);
    if (journal_put_run(s->journal, r, e) < 0) {
        return -1;
    }
    (void)atomic_fetch_add(state == SCHED_SUCCESS ? &s->success : &s->failed,
                           1);
    if (s->conf.ended != NULL) {
        s->conf.ended(s->conf.arg, r, l->tasks, l->n);
    }
    return 0;
}

/* Tasks that this run leaves out stand in nobody's way.  False when it has
 * one that the graph has not. */
static bool match(struct sched *s, struct look *l)
{
    const struct graph *g = &s->conf.graph;
    size_t found = 0;

    for (size_t i = 0; i < g->n; i++) {
        l->task[i] = NULL;
        l->states[i] = SCHED_SUCCESS;
        for (size_t k = 0; k < l->n; k++) {
            if (strcmp(l->tasks[k].name, g->tasks[i].name) == 0) {
                l->task[i] = &l->tasks[k];
                l->states[i] = l->tasks[k].state;
                found++;
            }
        }
    }
    return l->n == found;
}

/* May this queued run begin? */
static int may_begin(struct sched *s, const struct look *l, int64_t running,
                     bool *ret, struct err *e)
{
    struct sched_run before;
    struct err own;
    int64_t upto;

    *ret = strcmp(l->run->kind, "manual") == 0;
    if (*ret || running >= s->conf.max_runs) {
        return 0;
    }
    if (journal_schedule(s->journal, s->conf.name, &upto, ret, e) < 0) {
        return -1;
    }
    if (*ret) { /* paused */
        *ret = false;
        return 0;
    }
    *ret = true;
    if (!s->conf.depends_on_past) {
        return 0;
    }
    if (journal_before(s->journal, s->conf.name, l->run->from_us, &s->arena,
                       &before, &own) < 0) {
        if (own.code == ERR_NOTFOUND) {
            return 0;
        }
        if (e != NULL) {
            *e = own;
        }
        return -1;
    }
    *ret = before.state == SCHED_SUCCESS;
    return 0;
}

static int begin_task(struct sched *s, struct look *l, size_t i,
                      struct slot *slot, struct err *e)
{
    struct sched_task *t = l->task[i];
    struct err own;

    t->attempt++;
    t->started_us = l->now;
    t->ended_us = 0;
    t->exit_code = -1;
    t->reason = "";
    INJECT(sched_before_begin);
    if (put_task(s, l, i, SCHED_RUNNING, e) < 0) {
        return -1;
    }
    INJECT(sched_before_spawn);
    if (slot_start(slot, l->run, &s->conf.graph.tasks[i], t, &own) < 0) {
        t->reason = own.msg;
        return put_task(s, l, i, SCHED_FAILED, e);
    }
    return journal_put_task(s->journal, t, e); /* with the name of its log */
}

static int work_task(struct sched *s, struct look *l, size_t i, struct err *e)
{
    struct sched_task *t = l->task[i];
    struct slot *slot = slot_find(s, l->run->id, t->name);

    if (sched_state_final(t->state)) {
        return 0;
    }
    if (l->run->cancel) {
        if (slot != NULL) {
            atomic_store(&slot->cancel, true);
            return 0;
        }
        t->reason = "canceled";
        return put_task(s, l, i, SCHED_CANCELED, e);
    }
    if (slot != NULL) {
        return 0;
    }
    if (t->state == SCHED_RUNNING) { /* its scheduler was killed */
        t->attempt--;
        t->state = SCHED_QUEUED;
    }
    if (t->state == SCHED_UP_FOR_RETRY && t->not_before_us > l->now) {
        return 0;
    }
    switch (graph_look(&s->conf.graph, i, l->states)) {
    case GRAPH_WAIT:
        return 0;
    case GRAPH_FAILED:
        return put_task(s, l, i, SCHED_UPSTREAM_FAILED, e);
    case GRAPH_SKIP:
        return put_task(s, l, i, SCHED_SKIPPED, e);
    case GRAPH_READY:
        break;
    }
    slot = slot_free(s);
    return slot != NULL ? begin_task(s, l, i, slot, e) : 0;
}

/* Once all tasks have ended. */
static int judge(struct sched *s, struct look *l, struct err *e)
{
    const struct sched_task *failed = NULL;
    const char *reason;

    for (size_t i = 0; i < s->conf.graph.n; i++) {
        if (!sched_state_final(l->states[i])) {
            return 0;
        }
        if (l->states[i] == SCHED_FAILED && failed == NULL) {
            failed = l->task[i];
        }
    }
    if (l->run->cancel) {
        return end_run(s, l, SCHED_CANCELED, "canceled", e);
    }
    if (failed == NULL) {
        return end_run(s, l, SCHED_SUCCESS, "", e);
    }
    reason = arena_printf(&s->arena, e, "task \"%s\" failed: %s", failed->name,
                          failed->reason);
    return reason != NULL ? end_run(s, l, SCHED_FAILED, reason, e) : -1;
}

int sched_work(struct sched *s, struct sched_run *run, int64_t *running,
               struct err *e)
{
    struct look l = {.run = run, .now = sched_now(s)};
    bool begin = false;

    if (journal_tasks(s->journal, run->id, &s->arena, &l.tasks, &l.n, e) < 0) {
        return -1;
    }
    if (!match(s, &l)) {
        return end_run(s, &l, SCHED_FAILED,
                       "the tasks of the schedule are others than when this "
                       "run was added; trigger it again",
                       e);
    }
    if (run->state == SCHED_QUEUED && !run->cancel) {
        if (may_begin(s, &l, *running, &begin, e) < 0) {
            return -1;
        }
        if (!begin) {
            return 0;
        }
    }
    if (run->state == SCHED_QUEUED) {
        run->state = SCHED_RUNNING;
        run->started_us = l.now;
        if (journal_put_run(s->journal, run, e) < 0) {
            return -1;
        }
    }
    *running += strcmp(run->kind, "manual") != 0;
    for (size_t i = 0; i < s->conf.graph.n; i++) {
        if (l.task[i] != NULL && work_task(s, &l, i, e) < 0) {
            return -1;
        }
    }
    return judge(s, &l, e);
}

static void say_why(const struct slot *slot, char *text, size_t size)
{
    if (slot->err.code != ERR_NONE) {
        (void)snprintf(text, size, "%s", slot->err.msg);
    } else if (slot->timed_out) {
        (void)snprintf(text, size, "timed out; its log is %s", slot->task.log);
    } else if (slot->status > 128) {
        (void)snprintf(text, size, "ended by signal %d; its log is %s",
                       slot->status - 128, slot->task.log);
    } else {
        (void)snprintf(text, size, "exit code %d; its log is %s", slot->status,
                       slot->task.log);
    }
}

int sched_collect(struct sched *s, struct slot *slot, struct err *e)
{
    struct sched_task *t = &slot->task;
    bool canceled = atomic_load(&slot->cancel);
    bool good =
        slot->err.code == ERR_NONE && !slot->timed_out && slot->status == 0;
    char why[600] = "";
    int rc;

    slot_end(slot);
    if (slot->err.code == ERR_INTERRUPTED && !canceled) {
        return 0; /* closing: the next scheduler takes it up */
    }
    t->ended_us = sched_now(s);
    t->exit_code = slot->err.code == ERR_NONE ? slot->status : -1;
    if (!good) {
        say_why(slot, why, sizeof(why));
    }
    t->reason = canceled && !good ? "canceled" : why;
    if (good) {
        t->state = SCHED_SUCCESS;
    } else if (canceled) {
        t->state = SCHED_CANCELED;
    } else if (t->attempt <= s->conf.retries) {
        t->state = SCHED_UP_FOR_RETRY;
        t->not_before_us = t->ended_us + s->conf.retry_delay_us;
        (void)atomic_fetch_add(&s->retries, 1);
    } else {
        t->state = SCHED_FAILED;
    }
    INJECT(sched_before_note);
    rc = journal_put_task(s->journal, t, e);
    t->reason = "";
    return rc;
}

#include <inttypes.h>
#include <string.h>

#include "core/clock.h"
#include "sched/sched_int.h"

enum {
    DUE_MAX = 1000 /* runs added at one look; the rest at the next */
};

const char *sched_key(struct arena *a, int64_t from_us, int64_t to_us,
                      struct err *e)
{
    char from[CLOCK_TEXT_MAX];
    char to[CLOCK_TEXT_MAX];

    (void)clock_iso(from_us, from);
    (void)clock_iso(to_us, to);
    return arena_printf(a, e, "%s/%s", from, to);
}

static size_t task_names(const struct graph *g,
                         const char *names[SCHED_TASKS_MAX])
{
    for (size_t i = 0; i < g->regular; i++) {
        names[i] = g->tasks[i].name;
    }
    return g->regular;
}

/* A run that has its key already is fine. */
static int add(struct journal *j, const struct graph *g,
               const struct sched_run *r, int64_t *ret_id, struct err *e)
{
    const char *names[SCHED_TASKS_MAX];
    size_t n = task_names(g, names);
    struct err own;

    if (journal_add(j, r, names, n, ret_id, &own) < 0 &&
        own.code != ERR_EXISTS) {
        if (e != NULL) {
            *e = own;
        }
        return -1;
    }
    return 0;
}

/* Without catch-up: everything before the latest interval is one skipped run
 * in the journal, so that nothing is left out silently. */
static int skip_to(struct sched *s, int64_t *upto, int64_t now, struct err *e)
{
    const struct sched_conf *c = &s->conf;
    struct sched_run r = {.schedule = c->name,
                          .kind = "scheduled",
                          .state = SCHED_SKIPPED,
                          .created_us = now,
                          .reason = "missed, and catch-up is off"};
    int64_t end;
    int64_t begin;
    int64_t id;

    if (!cron_last(&c->cron, c->zone, now, &end) || end <= *upto ||
        !cron_last(&c->cron, c->zone, end - 1, &begin) || begin <= *upto) {
        return 0;
    }
    r.from_us = *upto;
    r.to_us = begin;
    r.key = sched_key(&s->arena, r.from_us, r.to_us, e);
    if (r.key == NULL || add(s->journal, &c->graph, &r, &id, e) < 0) {
        return -1;
    }
    (void)atomic_fetch_add(&s->skipped, 1);
    *upto = begin;
    return 0;
}

static int add_due(struct sched *s, int64_t upto, int64_t now, struct err *e)
{
    const struct sched_conf *c = &s->conf;
    int64_t was = upto;
    int64_t end;
    int64_t id;

    if (!c->catchup && skip_to(s, &upto, now, e) < 0) {
        return -1;
    }
    for (int i = 0; i < DUE_MAX; i++) {
        struct sched_run r = {.schedule = c->name,
                              .kind = "scheduled",
                              .state = SCHED_QUEUED,
                              .created_us = now,
                              .from_us = upto};

        if (!cron_next(&c->cron, c->zone, upto, &end) || end > now) {
            break;
        }
        r.to_us = end;
        r.key = sched_key(&s->arena, upto, end, e);
        if (r.key == NULL || add(s->journal, &c->graph, &r, &id, e) < 0) {
            return -1;
        }
        upto = end;
    }
    return upto == was ? 0 : journal_advance(s->journal, c->name, was, upto, e);
}

/* A schedule that is new begins with the interval under way, or at its first
 * instant at or behind first_us. */
static int begin_schedule(struct sched *s, int64_t now, int64_t *upto,
                          struct err *e)
{
    const struct sched_conf *c = &s->conf;
    int64_t at = now;
    bool found = c->first_us >= 0
                     ? cron_next(&c->cron, c->zone, c->first_us - 1, &at)
                     : cron_last(&c->cron, c->zone, now, &at);

    if (!found) {
        return 0;
    }
    *upto = at;
    return journal_advance(s->journal, c->name, -1, at, e);
}

int sched_due(struct sched *s, int64_t now, struct err *e)
{
    int64_t upto;
    int64_t end;
    bool paused;

    if (s->conf.cron.manual ||
        journal_schedule(s->journal, s->conf.name, &upto, &paused, e) < 0) {
        return s->conf.cron.manual ? 0 : -1;
    }
    if (paused) {
        return 0;
    }
    if (upto >= 0 &&
        (!cron_next(&s->conf.cron, s->conf.zone, upto, &end) || end > now)) {
        return 0;
    }
    if (journal_begin(s->journal, e) < 0) {
        return -1;
    }
    if ((upto < 0 && begin_schedule(s, now, &upto, e) < 0) ||
        (upto >= 0 && add_due(s, upto, now, e) < 0) ||
        journal_commit(s->journal, e) < 0) {
        journal_rollback(s->journal);
        return -1;
    }
    return 0;
}

static int add_interval(struct journal *j, const struct sched_backfill *b,
                        struct sched_run *r, int64_t *added, struct err *e)
{
    const char *names[SCHED_TASKS_MAX];
    size_t n = task_names(b->graph, names);
    struct err own;
    int64_t id;

    if (journal_add(j, r, names, n, &id, &own) == 0) {
        (*added)++;
        return 0;
    }
    if (own.code == ERR_EXISTS) {
        if (!b->again || journal_again(j, id, true, &own) == 0) {
            *added += b->again;
            return 0;
        }
        if (own.code == ERR_BUSY) { /* it is under way */
            return 0;
        }
    }
    if (e != NULL) {
        *e = own;
    }
    return -1;
}

int sched_add_intervals(struct journal *j, const struct sched_backfill *b,
                        int64_t *ret, struct err *e)
{
    struct sched_run r = {.schedule = b->schedule,
                          .kind = "backfill",
                          .state = SCHED_QUEUED,
                          .created_us = b->now_us};
    int64_t added = 0;
    int64_t at;
    struct arena a;
    int rc = 0;

    if (!cron_next(b->cron, b->zone, b->from_us - 1, &at)) {
        return err_set(e, ERR_INVALID,
                       "schedule \"%s\" has no intervals of its own; trigger "
                       "it with --interval",
                       b->schedule);
    }
    arena_init(&a, ARGS_BYTES_MAX);
    while (rc == 0) {
        r.from_us = at;
        if (!cron_next(b->cron, b->zone, at, &at) || at > b->to_us) {
            break;
        }
        r.to_us = at;
        arena_reset(&a);
        r.key = sched_key(&a, r.from_us, r.to_us, e);
        rc = r.key != NULL ? add_interval(j, b, &r, &added, e) : -1;
    }
    arena_release(&a);
    *ret = added;
    return rc;
}

/* The tasks that are asked for, in the graph's order. */
static int pick(const struct graph *g, const struct sched_wish *w,
                const char *names[SCHED_TASKS_MAX], size_t *ret, struct err *e)
{
    uint64_t wanted = 0;
    size_t n = 0;

    for (size_t i = 0; i < w->ntasks; i++) {
        int k = graph_find(g, w->tasks[i]);

        if (k < 0) {
            return err_set(e, ERR_INVALID,
                           "there is no task \"%s\"; `pinline schedule list` "
                           "shows them",
                           w->tasks[i]);
        }
        if (wanted >> k & 1) {
            return err_set(e, ERR_INVALID, "task \"%s\" is asked for twice",
                           w->tasks[i]);
        }
        wanted |= (uint64_t)1 << k;
    }
    for (size_t i = 0; i < g->n; i++) {
        if (w->ntasks == 0 ? i < g->regular : wanted >> i & 1) {
            names[n++] = g->tasks[i].name;
        }
    }
    *ret = n;
    return 0;
}

int sched_trigger(struct journal *j, const struct graph *g,
                  const struct sched_wish *wish, int64_t *ret_id, struct err *e)
{
    const char *names[SCHED_TASKS_MAX];
    struct sched_run r = wish->run;
    char now[CLOCK_TEXT_MAX];
    struct arena a;
    size_t n = 0;
    int rc = -1;

    if (pick(g, wish, names, &n, e) < 0) {
        return -1;
    }
    arena_init(&a, ARGS_BYTES_MAX);
    (void)clock_iso(r.created_us, now);
    if (r.key == NULL) {
        r.key = r.token != NULL ? arena_printf(&a, e, "token %s", r.token)
                                : arena_printf(&a, e, "manual %s", now);
    }
    if (r.key != NULL) {
        rc = journal_add(j, &r, names, n, ret_id, e);
    }
    arena_release(&a);
    return rc;
}

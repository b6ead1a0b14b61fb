#include "sched/sched.h"

#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "core/retry.h"
#include "core/stop.h"
#include "sched/sched_int.h"

enum {
    OPEN_RUNS_MAX = 1000
};

#define LOOK_US ((int64_t)1000000)

int64_t sched_now(const struct sched *s)
{
    return s->conf.now != NULL ? s->conf.now(s->conf.arg) : clock_wall_us();
}

static void set_defaults(struct sched *s)
{
    struct sched_conf *c = &s->conf;

    c->max_runs = c->max_runs > 0 ? c->max_runs : 1;
    c->parallel = c->parallel > 0 ? c->parallel : 2;
    s->nslots = (size_t)(c->parallel < SLOTS_MAX ? c->parallel : SLOTS_MAX);
    for (size_t i = 0; i < s->nslots; i++) {
        s->slots[i].owner = s;
        arena_init(&s->slots[i].arena, ARGS_BYTES_MAX);
    }
}

int sched_open(struct sched **ret, const struct sched_conf *conf, struct err *e)
{
    struct sched *s = mem_zero(1, sizeof(*s));
    char path[FS_PATH_MAX];

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->conf = *conf;
    s->lock.fd = -1;
    arena_init(&s->arena, LOOK_BYTES_MAX);
    mutex_init(&s->m);
    cond_init(&s->woken);
    set_defaults(s);
    if (fs_make_folders(conf->dir, e) < 0 ||
        fs_join(path, conf->dir, "scheduler.lock", e) < 0 ||
        lock_take(&s->lock, path, "schedule", e) < 0 ||
        journal_open(&s->journal, conf->dir, e) < 0) {
        sched_close(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void sched_close(struct sched *s)
{
    if (s == NULL) {
        return;
    }
    atomic_store(&s->closing, true);
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].used) {
            /* one that ended well by now is noted */
            thread_join(&s->slots[i].thread);
            if (sched_collect(s, &s->slots[i], NULL) < 0) {
                continue; /* the next scheduler does it again */
            }
        }
        arena_release(&s->slots[i].arena);
    }
    journal_close(s->journal);
    lock_drop(&s->lock);
    arena_release(&s->arena);
    cond_release(&s->woken);
    mutex_release(&s->m);
    mem_free(s);
}

static int collect_all(struct sched *s, struct err *e)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].used && atomic_load(&s->slots[i].over) &&
            sched_collect(s, &s->slots[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static void count_open(struct sched *s, const struct sched_run *runs, size_t n)
{
    int64_t queued = 0;
    int64_t running = 0;

    for (size_t i = 0; i < n; i++) {
        queued += runs[i].ended_us == 0 && runs[i].state == SCHED_QUEUED;
        running += runs[i].ended_us == 0 && runs[i].state != SCHED_QUEUED;
    }
    atomic_store(&s->queued, queued);
    atomic_store(&s->running, running);
}

int sched_step(struct sched *s, int64_t *ret_wait_us, struct err *e)
{
    struct journal_filter open_runs = {s->conf.name, true, OPEN_RUNS_MAX};
    struct sched_run *runs = NULL;
    int64_t running = 0;
    size_t n = 0;
    int64_t next;
    int64_t now = sched_now(s);

    arena_reset(&s->arena);
    if (collect_all(s, e) < 0 || sched_due(s, now, e) < 0 ||
        journal_runs(s->journal, &open_runs, &s->arena, &runs, &n, e) < 0) {
        return -1;
    }
    /* those under way first, so that max_runs counts them all */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            bool queued = runs[i].state == SCHED_QUEUED;

            if (queued == (pass == 1) && runs[i].ended_us == 0 &&
                sched_work(s, &runs[i], &running, e) < 0) {
                return -1;
            }
        }
    }
    count_open(s, runs, n);
    atomic_store(&s->still, running == 0);
    *ret_wait_us = LOOK_US;
    if (cron_next(&s->conf.cron, s->conf.zone, now, &next) &&
        next - now < *ret_wait_us) {
        *ret_wait_us = next - now;
    }
    return 0;
}

static bool any_over(struct sched *s)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].used && atomic_load(&s->slots[i].over)) {
            return true;
        }
    }
    return false;
}

/* Until a task ends, or the time is up, or somebody asks to stop. */
static void wait_for_work(struct sched *s, int64_t us, bool (*stop)(void))
{
    int64_t until = clock_mono_us() + us;
    int64_t now;

    mutex_lock(&s->m);
    while (!any_over(s) && !stop() && (now = clock_mono_us()) < until) {
        int64_t slice = now + 100000;

        (void)cond_wait_until(&s->woken, &s->m, slice < until ? slice : until);
    }
    mutex_unlock(&s->m);
}

int sched_follow(struct sched *s, bool (*stop)(void),
                 void (*say)(const struct err *e), struct err *e)
{
    struct retry retry;
    int64_t wait = 0;

    retry_init(&retry, NULL, (uint64_t)clock_mono_us());
    while (!stop()) {
        struct err own;

        if (sched_step(s, &wait, &own) == 0) {
            retry_init(&retry, NULL, (uint64_t)clock_mono_us());
            wait_for_work(s, wait, stop);
            continue;
        }
        if (say != NULL) {
            say(&own);
        }
        if (!retry_wait(&retry, own.code)) {
            if (stop()) {
                return 0;
            }
            if (e != NULL) {
                *e = own;
            }
            return -1;
        }
    }
    return 0;
}

bool sched_idle(struct sched *s)
{
    for (size_t i = 0; i < s->nslots; i++) {
        if (s->slots[i].used) {
            return false;
        }
    }
    return atomic_load(&s->running) == 0 &&
           (atomic_load(&s->queued) == 0 || atomic_load(&s->still));
}

void sched_stats(struct sched *s, struct sched_stats *ret)
{
    *ret = (struct sched_stats){.success = atomic_load(&s->success),
                                .failed = atomic_load(&s->failed),
                                .skipped = atomic_load(&s->skipped),
                                .retries = atomic_load(&s->retries),
                                .queued = atomic_load(&s->queued),
                                .running = atomic_load(&s->running)};
}

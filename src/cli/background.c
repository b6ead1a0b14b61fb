#include "cli/background.h"

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/retry.h"
#include "core/stop.h"
#include "core/thread.h"
#include "flow/batch.h"
#include "flow/stream.h"

enum {
    JOBS_MAX = 6,
    RETAIN_EVERY_US = 60000000,
    PATHS_MAX = 1 << 20, /* bytes */
};

/* What one thread works on: paths and names are made in an arena of its own. */
struct job {
    struct background *b;
    struct workspace w;
    struct thread thread;
};

struct background {
    const struct schedule *schedule; /* NULL: none */
    struct metrics *metrics;
    struct job jobs[JOBS_MAX];
    size_t n;
};

static void say_failed(const char *what, const struct err *e)
{
    LOG(LOG_ERROR, LOG_MSG("background job failed"), LOG_STR("job", what),
        LOG_ERR(e));
}

/* Open, follow, close; again after a fault that may pass. */
static void keep_running(struct job *j, const char *name,
                         int (*open)(struct workspace *w, struct pipeline **ret,
                                     struct err *e))
{
    struct retry retry;

    retry_init(&retry, NULL, (uint64_t)clock_mono_us());
    while (!stop_asked()) {
        struct pipeline_counts n;
        struct pipeline *p = NULL;
        struct err e;
        int rc;

        arena_reset(&j->w.project.arena);
        rc = open(&j->w, &p, &e);
        if (rc == 0 && p == NULL) {
            return; /* not configured */
        }
        if (rc == 0) {
            rc = pipeline_follow(p, stop_asked, &n, &e);
        }
        pipeline_close(p);
        if (rc == 0) {
            return;
        }
        say_failed(name, &e);
        if (!retry_wait(&retry, e.code)) {
            return;
        }
    }
}

static void run_objects(void *arg)
{
    keep_running(arg, "objects", workspace_objects);
}

static void run_stream(void *arg)
{
    keep_running(arg, "file_stream", workspace_stream);
}

static void say_again(void *arg, const char *table, const struct err *e)
{
    (void)arg;
    LOG(LOG_WARN, LOG_MSG("stream failed and tries again"),
        LOG_STR("table", table), LOG_ERR(e));
}

static void run_tables(void *arg)
{
    struct job *j = arg;
    struct stream_conf conf = {.project = &j->w.project,
                               .spec = j->w.spec,
                               .broker = j->w.broker,
                               .until = -1,
                               .metrics = j->b->metrics,
                               .failed = say_again};
    struct stream_result *result = mem_zero(1, sizeof(*result));
    struct err e;

    if (result == NULL) {
        err_nomem(&e, sizeof(*result));
        say_failed("stream", &e);
    } else if (stream_run(&conf, result, &e) < 0) {
        say_failed("stream", &e);
    }
    mem_free(result);
}

static void run_retention(void *arg)
{
    static const char *const groups[] = {"objects", "file_stream", "stream",
                                         NULL};
    const struct job *j = arg;

    while (!stop_wait(RETAIN_EVERY_US)) {
        struct broker_retention r = {.now_us = clock_wall_us(),
                                     .keep_for = groups};
        struct err e;

        if (broker_retain(j->w.broker, &r, &e) < 0) {
            say_failed("retention", &e);
        } else if (r.segments > 0) {
            LOG(LOG_INFO, LOG_MSG("old segments removed"),
                LOG_INT("segments", r.segments));
        }
    }
}

static void run_batches(void *arg)
{
    struct job *j = arg;
    int64_t every = j->w.project.batch_every_us;

    while (every > 0 && !stop_wait(every)) {
        struct flow_batch_conf conf = {
            .project = &j->w.project, .spec = j->w.spec, .broker = j->w.broker};
        struct flow_batch_result result = {0};
        struct err e;

        if (flow_batch_run(&conf, &result, &e) < 0) {
            say_failed("batch", &e);
        } else {
            LOG(LOG_INFO, LOG_MSG("batch done"));
        }
        flow_batch_release(&result);
        arena_reset(&j->w.project.arena);
    }
}

static void say_sched(const struct err *e)
{
    say_failed("schedule", e);
}

/* Where another scheduler works on the folder, wait for its end. */
static void run_schedule(void *arg)
{
    const struct job *j = arg;
    struct retry retry;

    retry_init(&retry, NULL, (uint64_t)clock_mono_us());
    while (!stop_asked()) {
        struct sched *sched = NULL;
        struct err e;
        int rc = sched_open(&sched, &j->b->schedule->conf, &e);

        if (rc == 0) {
            rc = sched_follow(sched, stop_asked, say_sched, &e);
        }
        sched_close(sched);
        if (rc == 0) {
            return;
        }
        if (e.code != ERR_BUSY) {
            say_sched(&e);
        }
        if (!retry_wait(&retry, e.code)) {
            return;
        }
    }
}

int background_start(struct background **ret, struct workspace *w,
                     const struct schedule *s, struct metrics *metrics,
                     struct err *e)
{
    const struct {
        const char *name;
        void (*run)(void *arg);
        bool wanted;
    } jobs[] = {
        {"objects", run_objects, w->project.objects_enabled},
        {"file_stream", run_stream, true},
        {"stream", run_tables, w->project.stream_enabled},
        {"retention", run_retention, true},
        {"batch", run_batches, true},
        {"schedule", run_schedule, s != NULL},
    };
    struct background *b = mem_zero(1, sizeof(*b));

    if (b == NULL) {
        return err_nomem(e, sizeof(*b));
    }
    b->schedule = s;
    b->metrics = metrics;
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        struct job *j = &b->jobs[b->n];

        if (!jobs[i].wanted) {
            continue;
        }
        j->b = b;
        j->w = *w;
        arena_init(&j->w.project.arena, PATHS_MAX);
        if (thread_start(&j->thread, jobs[i].name, jobs[i].run, j, e) < 0) {
            stop_ask();
            background_stop(b);
            return -1;
        }
        b->n++;
    }
    *ret = b;
    return 0;
}

void background_stop(struct background *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->n; i++) {
        thread_join(&b->jobs[i].thread);
        arena_release(&b->jobs[i].w.project.arena);
    }
    mem_free(b);
}

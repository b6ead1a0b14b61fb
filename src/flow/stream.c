#include "flow/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/lock.h"
#include "core/mem.h"
#include "core/stop.h"
#include "flow/ledger.h"
#include "flow/stream_int.h"

enum {
    AGES = 1 << 16,
    POLL_US = 20000,
    TELL_EVERY_US = 5000000, /* the run's line in the ledger */
    PATHS_MAX = 1 << 20,
    DETAIL_MAX = 8192,
};

int stream_metrics_get(struct stream_metrics *m, struct metrics *set,
                       const char *table, struct err *e)
{
    static const struct metric_def defs[] = {
        {.name = "pinline_stream_messages_total",
         .help = "Messages taken and committed.",
         .kind = METRIC_COUNTER,
         .labels = {"table"}},
        {.name = "pinline_stream_rows_total",
         .help = "Rows appended.",
         .kind = METRIC_COUNTER,
         .labels = {"table"}},
        {.name = "pinline_stream_rejected_total",
         .help = "Records set aside as dead letters.",
         .kind = METRIC_COUNTER,
         .labels = {"table"}},
        {.name = "pinline_stream_duplicate_total",
         .help = "Rows left out because they were there.",
         .kind = METRIC_COUNTER,
         .labels = {"table"}},
        {.name = "pinline_stream_commits_total",
         .help = "Commits of the table.",
         .kind = METRIC_COUNTER,
         .labels = {"table"}},
        {.name = "pinline_stream_lag_messages",
         .help = "Messages that wait.",
         .kind = METRIC_GAUGE,
         .labels = {"table"}},
        {.name = "pinline_stream_latency_seconds",
         .help = "From a message's time to its commit.",
         .kind = METRIC_HISTOGRAM,
         .labels = {"table"}},
        {.name = "pinline_stream_commit_seconds",
         .help = "Duration of a commit.",
         .kind = METRIC_HISTOGRAM,
         .labels = {"table"}},
    };
    struct metric **to[] = {&m->messages,  &m->rows,       &m->rejected,
                            &m->duplicate, &m->commits,    &m->lag,
                            &m->latency,   &m->commit_time};
    struct slice name = slice_of(table);

    for (size_t i = 0; i < ARRAY_LEN(defs); i++) {
        if (metrics_get(set, &defs[i], &name, to[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int worker_init(struct stream_worker *w, struct stream *s,
                       const struct spec_table *t, struct err *e)
{
    const struct stream_conf *c = s->conf;

    w->stream = s;
    w->table = t;
    w->shown.table = t;
    w->full = c->full;
    w->project = *c->project;
    arena_init(&w->project.arena, PATHS_MAX);
    mutex_init(&w->lock);
    atomic_init(&w->ended, false);
    w->ages = mem_zero(AGES, sizeof(*w->ages));
    if (w->ages == NULL) {
        return err_nomem(e, AGES * sizeof(*w->ages));
    }
    if (clean_counts_init(&w->clean, t, e) < 0) {
        return -1;
    }
    return c->metrics == NULL
               ? 0
               : stream_metrics_get(&w->metrics, c->metrics, t->name, e);
}

static void worker_release(struct stream_worker *w)
{
    if (w->stream != NULL) {
        clean_counts_release(&w->clean);
        mem_free(w->ages);
        mutex_release(&w->lock);
        arena_release(&w->project.arena);
    }
}

static void collect(struct stream *s, struct stream_result *ret)
{
    ret->n = s->n;
    for (size_t i = 0; i < s->n; i++) {
        mutex_lock(&s->workers[i].lock);
        ret->tables[i] = s->workers[i].shown;
        mutex_unlock(&s->workers[i].lock);
    }
}

/* "pin 500 messages, lag 0, p50 0.31 s, p99 0.62 s; geo ..." */
static void describe(const struct stream_result *r, char text[DETAIL_MAX])
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < r->n && at < DETAIL_MAX; i++) {
        const struct stream_table *t = &r->tables[i];
        int n = snprintf(text + at, DETAIL_MAX - at,
                         "%s%s %" PRId64 " messages, lag %" PRId64
                         ", p50 %.2f s, p99 %.2f s",
                         i > 0 ? "; " : "", t->table->name,
                         t->totals.counts.messages, t->lag,
                         (double)latency_quantile(&t->latency, 0.50) / 1e6,
                         (double)latency_quantile(&t->latency, 0.99) / 1e6);

        at += n > 0 ? (size_t)n : 0;
    }
}

static bool all_ended(struct stream *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!atomic_load(&s->workers[i].ended)) {
            return false;
        }
    }
    return true;
}

/* Wait for the threads, telling the ledger how it goes. */
static int watch(struct stream *s, struct ledger *ledger, int64_t id,
                 struct stream_result *ret, struct err *e)
{
    int64_t told = clock_mono_us();
    char text[DETAIL_MAX];

    while (!all_ended(s)) {
        clock_sleep_us(POLL_US);
        if (clock_mono_us() - told > TELL_EVERY_US) {
            told = clock_mono_us();
            collect(s, ret);
            describe(ret, text);
            if (ledger_run_end(ledger, id, "running", text, e) < 0) {
                atomic_store(&s->halt, true);
                return -1;
            }
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        if (s->workers[i].error.code != ERR_NONE) {
            return err_set(e, s->workers[i].error.code, "%s",
                           s->workers[i].error.msg);
        }
    }
    return 0;
}

static int run_workers(struct stream *s, struct ledger *ledger, int64_t id,
                       struct stream_result *ret, struct err *e)
{
    const struct spec *spec = s->conf->spec;
    int rc = 0;

    s->workers = mem_zero(spec->ntables + 1, sizeof(*s->workers));
    if (s->workers == NULL) {
        return err_nomem(e, spec->ntables * sizeof(*s->workers));
    }
    for (size_t i = 0; i < spec->ntables && rc == 0; i++) {
        rc = worker_init(&s->workers[i], s, &spec->tables[i], e);
        if (rc == 0) {
            rc = thread_start(&s->workers[i].thread, spec->tables[i].name,
                              stream_work, &s->workers[i], e);
        }
        s->n += rc == 0 ? 1 : 0;
    }
    if (rc == 0 && s->conf->project->stream_compact_us > 0 &&
        s->conf->project->stream_sink == PROJECT_STREAM_DELTA) {
        rc = thread_start(&s->keeper, "tidy", stream_keep, s, e);
    }
    if (rc == 0) {
        rc = watch(s, ledger, id, ret, e);
    }
    if (rc < 0) {
        atomic_store(&s->halt, true);
    }
    atomic_store(&s->done, true);
    thread_join(&s->keeper);
    for (size_t i = 0; i < s->n; i++) {
        thread_join(&s->workers[i].thread);
    }
    collect(s, ret);
    for (size_t i = 0; i < spec->ntables; i++) {
        worker_release(&s->workers[i]);
    }
    mem_free(s->workers);
    return rc;
}

int stream_run(const struct stream_conf *conf, struct stream_result *ret,
               struct err *e)
{
    struct stream s = {.conf = conf};
    struct lock lock = {.fd = -1};
    struct ledger *ledger = NULL;
    char path[FS_PATH_MAX];
    char text[DETAIL_MAX];
    struct err ignored;
    int64_t id = 0;
    int rc = -1;

    atomic_init(&s.halt, false);
    atomic_init(&s.done, false);
    ret->n = 0;
    if (fs_join(path, conf->project->data, "stream.lock", e) < 0 ||
        lock_take(&lock, path, "stream", e) < 0 ||
        ledger_open(&ledger, conf->project->data, e) < 0 ||
        ledger_run_begin(ledger, "stream", "", &id, e) < 0) {
        goto out;
    }
    rc = run_workers(&s, ledger, id, ret, e);
    describe(ret, text);
    if (ledger_run_end(ledger, id, rc < 0 ? "failed" : "success",
                       rc < 0 ? e->msg : text, rc < 0 ? &ignored : e) < 0) {
        rc = -1;
    }
out:
    ledger_close(ledger);
    lock_drop(&lock);
    return rc;
}

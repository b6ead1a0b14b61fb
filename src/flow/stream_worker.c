/* stream_worker.c - one table's part of a stream. */
#include <string.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/retry.h"
#include "core/stop.h"
#include "flow/catalog.h"
#include "flow/stream_int.h"

enum {
    TAKE_BYTES = 8 << 20,        /* at once, between two looks at the clock */
    TOPICS_EVERY_US = 2000000,   /* new topics are seen after this */
    SAVE_EVERY_US = 300000000,   /* the set of seen rows */
    DRAIN_US = 4000000,          /* taking goes on so long after a stop */
    WAIT_MOST_US = 100000,       /* between two looks at quiet topics */
    ONCE_PATIENCE_US = 20000000, /* of --once, with a far side that is away */
    AGES_MAX = 1 << 16,
    AGE_STEP_US = 2000,
};

/* One opening of the table, until it ends or fails. */
struct life {
    struct stream_worker *w;
    struct table_job *job;
    struct ledger *ledger;
    struct broker_topic *topics;
    size_t ntopics;
    int64_t topics_us; /* when they were read */
    int64_t due_us;    /* when the next commit is, by time */
    int64_t saved_us;
    int64_t stop_us; /* when a stop was first seen; 0: not */
    bool looked;
    bool any; /* it committed: a later fault is a new one */
};

static bool stopping(const struct stream_worker *w)
{
    return stop_asked() || atomic_load(&w->stream->halt);
}

/* Messages come in order of time, more or less: few entries are enough. */
static void took(void *arg, const struct message *m, size_t n)
{
    struct stream_worker *w = arg;

    for (size_t i = 0; i < n; i++) {
        size_t last = w->nages - 1; /* where there is one */
        int64_t far =
            w->nages > 0 ? m[i].time_us - w->ages[last].time_us : INT64_MAX;

        if (w->nages < AGES_MAX && (far > AGE_STEP_US || far < -AGE_STEP_US)) {
            w->ages[w->nages++] = (struct stream_age){m[i].time_us, 1};
        } else if (w->nages > 0) {
            w->ages[last].n++;
        }
    }
}

static void add_totals(struct table_job_totals *into,
                       const struct table_job_totals *t)
{
    into->counts.messages += t->counts.messages;
    into->counts.expanded += t->counts.expanded;
    into->counts.cleaned += t->counts.cleaned;
    into->counts.rejected += t->counts.rejected;
    into->counts.duplicate += t->counts.duplicate;
    into->bytes += t->bytes;
    into->commits += t->commits;
}

static void count(struct stream_worker *w, const struct table_job_totals *old,
                  const struct table_job_totals *now)
{
    const struct stream_metrics *m = &w->metrics;

    if (m->messages == NULL) {
        return;
    }
    metric_add(m->messages, now->counts.messages - old->counts.messages);
    metric_add(m->rows, now->counts.cleaned - old->counts.cleaned);
    metric_add(m->rejected, now->counts.rejected - old->counts.rejected);
    metric_add(m->duplicate, now->counts.duplicate - old->counts.duplicate);
    metric_add(m->commits, now->commits - old->commits);
}

/* After a commit: how long its messages took, and the new sums. */
static void show(struct life *l)
{
    struct stream_worker *w = l->w;
    struct table_job_totals totals = w->before;
    struct table_job_totals now;
    int64_t wall_us = clock_wall_us();

    table_job_totals(l->job, &now);
    add_totals(&totals, &now);
    mutex_lock(&w->lock);
    count(w, &w->shown.totals, &totals);
    w->shown.totals = totals;
    for (size_t i = 0; i < w->nages; i++) {
        int64_t us = wall_us - w->ages[i].time_us;

        latency_add(&w->shown.latency, us, w->ages[i].n);
        if (w->metrics.latency != NULL) {
            metric_observe_many(w->metrics.latency, us > 0 ? us : 0,
                                w->ages[i].n);
        }
    }
    mutex_unlock(&w->lock);
    w->nages = 0;
}

static void show_lag(struct stream_worker *w, int64_t lag)
{
    mutex_lock(&w->lock);
    w->shown.lag = lag;
    mutex_unlock(&w->lock);
    if (w->metrics.lag != NULL) {
        metric_set(w->metrics.lag, lag);
    }
}

static int read_topics(struct life *l, struct err *e)
{
    struct broker_topic *topics = NULL;
    int64_t now = clock_mono_us();
    size_t n = 0;

    if (l->topics != NULL && now - l->topics_us < TOPICS_EVERY_US) {
        return 0;
    }
    if (broker_topic_list(l->w->stream->conf->broker, &topics, &n, e) < 0) {
        return -1;
    }
    mem_free(l->topics);
    l->topics = topics;
    l->ntopics = n;
    l->topics_us = now;
    return 0;
}

/* By key the first row counts, by partition and offset: what comes later from
 * another partition could be it. */
static int check_dedup(const struct life *l, struct err *e)
{
    const struct stream_conf *c = l->w->stream->conf;
    const struct spec_table *t = l->w->table;
    int32_t partitions = 0;

    for (size_t i = 0; i < l->ntopics; i++) {
        if (catalog_topic_table(c->project, c->spec, l->topics[i].name) == t) {
            partitions += l->topics[i].partitions;
        }
    }
    if (t->dedup == SPEC_DEDUP_LAST ||
        (t->dedup == SPEC_DEDUP_FIRST && partitions > 1)) {
        return err_set(e, ERR_INVALID,
                       "table \"%s\": deduplicate: %s needs to see all records "
                       "first; `pinline batch` does",
                       t->name,
                       t->dedup == SPEC_DEDUP_LAST
                           ? "last"
                           : "first, with several partitions,");
    }
    return 0;
}

static int look(struct life *l, struct err *e)
{
    const struct stream_conf *c = l->w->stream->conf;

    if (c->once && l->looked) {
        return 0;
    }
    l->looked = true;
    if (read_topics(l, e) < 0 || check_dedup(l, e) < 0) {
        return -1;
    }
    return table_job_look(l->job, l->topics, l->ntopics, c->until, e);
}

/* Commits by time are a trigger apart, and those of the tables are spread
 * over it, so that they do not all want the machine at once. */
static int64_t next_due(const struct life *l, int64_t now)
{
    const struct stream *s = l->w->stream;
    int64_t every = s->conf->project->stream_trigger_us;
    int64_t turn = l->w - s->workers;
    int64_t phase = every * turn / (int64_t)s->conf->spec->ntables;

    return now + every - (now - phase) % every;
}

static int commit(struct life *l, struct err *e)
{
    struct stream_worker *w = l->w;
    int64_t began = clock_mono_us();

    l->due_us = next_due(l, began);
    if (clean_counts_check(&w->clean, w->table, e) < 0 ||
        table_job_commit(l->job, e) < 0) {
        return -1;
    }
    INJECT(stream_after_commit);
    w->full = false;
    l->any = true;
    show(l);
    if (w->metrics.commit_time != NULL) {
        metric_observe_us(w->metrics.commit_time, clock_mono_us() - began);
    }
    if (table_job_report(l->job, e) < 0) {
        return -1;
    }
    if (clock_mono_us() - l->saved_us > SAVE_EVERY_US) {
        l->saved_us = clock_mono_us();
        return table_job_save(l->job, e);
    }
    return 0;
}

static bool due(const struct life *l, bool last)
{
    const struct project *p = l->w->stream->conf->project;
    int64_t bytes;
    int64_t n = table_job_taken(l->job, &bytes);

    if (n == 0) {
        return l->w->full && last;
    }
    return last || clock_mono_us() >= l->due_us ||
           bytes >= p->stream_trigger_bytes ||
           (p->stream_trigger_rows > 0 && n >= p->stream_trigger_rows);
}

/* Nothing more will be taken in this life. */
static bool is_last(struct life *l)
{
    const struct stream_conf *c = l->w->stream->conf;
    int64_t waiting = table_job_waiting(l->job);

    if (stopping(l->w)) {
        if (l->stop_us == 0) {
            l->stop_us = clock_mono_us();
        }
        if (waiting == 0 || atomic_load(&l->w->stream->halt) ||
            clock_mono_us() - l->stop_us > DRAIN_US) {
            return true;
        }
    }
    return (c->once && waiting == 0) ||
           (c->until >= 0 && table_job_reached(l->job, c->until));
}

/* For more to come, or for the next commit. */
static void wait(const struct life *l)
{
    int64_t us = l->w->stream->conf->project->stream_trigger_us / 10;
    int64_t left = l->due_us - clock_mono_us();
    int64_t bytes;

    us = us < WAIT_MOST_US ? us : WAIT_MOST_US;
    if (left < us && table_job_taken(l->job, &bytes) > 0) {
        us = left > 0 ? left : 0;
    }
    if (stop_asked()) {
        clock_sleep_us(us);
    } else {
        (void)stop_wait(us);
    }
}

/* As much as may wait for one commit, or some of it. */
static int take(struct life *l, struct err *e)
{
    const struct project *p = l->w->stream->conf->project;
    int64_t bytes;
    int64_t n = table_job_taken(l->job, &bytes);
    int64_t rows = p->stream_trigger_rows;

    bytes = p->stream_trigger_bytes - bytes;
    return table_job_take(l->job, bytes < TAKE_BYTES ? bytes : TAKE_BYTES,
                          rows > 0 ? rows - n : INT64_MAX, &l->w->clean, e);
}

/* One round; *ret_last: it was the last one. */
static int turn(struct life *l, bool *ret_last, struct err *e)
{
    if (look(l, e) < 0) {
        return -1;
    }
    show_lag(l->w, table_job_waiting(l->job));
    if (table_job_waiting(l->job) > 0 && take(l, e) < 0) {
        return -1;
    }
    if (table_job_keep_alive(l->job, e) < 0) {
        return -1;
    }
    *ret_last = is_last(l);
    if (due(l, *ret_last) && commit(l, e) < 0) {
        return -1;
    }
    if (*ret_last) {
        show_lag(l->w, table_job_waiting(l->job));
        return table_job_save(l->job, e);
    }
    /* a taking has costs of its own: the next one takes what came meanwhile */
    if (table_job_waiting(l->job) == 0) {
        wait(l);
    }
    return 0;
}

static int live(struct life *l, struct err *e)
{
    static const char *const kinds[] = {[PROJECT_STREAM_DELTA] = "delta",
                                        [PROJECT_STREAM_KAFKA] = "kafka",
                                        [PROJECT_STREAM_POSTGRES] = "postgres"};
    const struct stream_conf *c = l->w->stream->conf;
    struct table_job_conf job = {
        .project = &l->w->project,
        .spec = c->spec,
        .table = l->w->table,
        .broker = c->broker,
        .pipeline = "stream",
        .sink = kinds[c->project->stream_sink],
        /* at two commits a second 30 days would be five million entries */
        .log_retention = "interval 1 days",
        .full = l->w->full,
        .from_topics = true,
        .arg = l->w,
        .took = took};
    bool last = false;

    if (ledger_open(&l->ledger, c->project->data, e) < 0) {
        return -1;
    }
    job.ledger = l->ledger;
    if (table_job_open(&l->job, &job, e) < 0) {
        return -1;
    }
    l->saved_us = clock_mono_us();
    while (!last) {
        if (turn(l, &last, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Open, follow, close; what was not committed is taken again. */
static int live_once(struct stream_worker *w, bool *ret_any, struct err *e)
{
    struct life l = {.w = w};
    struct table_job_totals t;
    int rc;

    w->nages = 0;
    rc = live(&l, e);
    if (l.job != NULL) {
        table_job_totals(l.job, &t);
        add_totals(&w->before, &t);
    }
    *ret_any = l.any;
    table_job_close(l.job);
    ledger_close(l.ledger);
    mem_free(l.topics);
    arena_reset(&w->project.arena); /* paths of this life */
    return rc < 0 ? err_wrap(e, "table \"%s\"", w->table->name) : 0;
}

void stream_work(void *arg)
{
    struct stream_worker *w = arg;
    const struct stream_conf *c = w->stream->conf;
    struct retry_policy policy = {.deadline_us =
                                      c->once ? ONCE_PATIENCE_US : 0};
    struct retry retry;
    bool any = true;

    while (true) {
        struct err e;

        if (any) {
            retry_init(&retry, &policy, (uint64_t)clock_mono_us());
        }
        if (live_once(w, &any, &e) == 0) {
            break;
        }
        if (stopping(w) || !err_retriable(e.code)) {
            w->error = e;
            break;
        }
        if (c->failed != NULL) {
            c->failed(c->arg, w->table->name, &e);
        }
        if (!retry_wait(&retry, e.code)) {
            w->error = e;
            break;
        }
    }
    if (w->error.code != ERR_NONE) {
        atomic_store(&w->stream->halt, true);
    }
    atomic_store(&w->ended, true);
}

/* runs_metrics.c - the schedule in GET /metrics, from its journal: the same
 * whichever process does the runs. */
#include "api/jobs.h"
#include "core/clock.h"
#include "core/metric.h"

static const struct metric_def runs_def = {
    .name = "pinline_schedule_runs",
    .help = "Runs in the schedule's journal.",
    .kind = METRIC_GAUGE,
    .labels = {"schedule", "state"}};

/* One row a value of put_values(), in its order. */
static const struct metric_def defs[] = {
    {.name = "pinline_schedule_last_duration_us",
     .help = "How long the last successful run took, microseconds.",
     .kind = METRIC_GAUGE,
     .labels = {"schedule"}},
    {.name = "pinline_schedule_last_success_timestamp_seconds",
     .help = "When the last successful run ended; 0: none has.",
     .kind = METRIC_GAUGE,
     .labels = {"schedule"}},
    {.name = "pinline_schedule_late_us",
     .help = "How long the oldest interval whose run has not ended is over, "
             "microseconds.",
     .kind = METRIC_GAUGE,
     .labels = {"schedule"}},
    {.name = "pinline_schedule_paused",
     .help = "1 while no run is begun by the clock.",
     .kind = METRIC_GAUGE,
     .labels = {"schedule"}},
};

/* An interval that is over has a run that did not end yet, or none, since no
 * scheduler works.  Nothing is late while the schedule is paused. */
static int64_t late_us(const struct api_schedule *s,
                       const struct journal_sum *sum)
{
    int64_t now = clock_wall_us();
    int64_t since = sum->oldest_us > 0 ? sum->oldest_us : now;
    int64_t due;

    if (sum->paused) {
        return 0;
    }
    if (sum->upto_us >= 0 && s->cron != NULL &&
        cron_next(s->cron, s->zone, sum->upto_us, &due) && due < since) {
        since = due;
    }
    return now > since ? now - since : 0;
}

static int put(struct metrics *m, const struct metric_def *def,
               const struct slice *labels, int64_t value, struct err *e)
{
    struct metric *row;

    if (metrics_get(m, def, labels, &row, e) != 0) {
        return -1;
    }
    metric_set(row, value);
    return 0;
}

int runs_metrics(struct api *a, struct metrics *m, struct err *e)
{
    const struct api_schedule *s = a->conf.schedule;
    struct journal_sum sum;

    if (s == NULL) {
        return 0;
    }
    if (journal_sum(s->dir, s->name, &sum, e) < 0) {
        return -1;
    }
    const int64_t values[ARRAY_LEN(defs)] = {
        sum.took_us, sum.success_us / 1000000, late_us(s, &sum), sum.paused};

    for (int i = 0; i < SCHED_STATES; i++) {
        const struct slice labels[] = {
            slice_of(s->name), slice_of(sched_state_text((enum sched_state)i))};

        if (put(m, &runs_def, labels, sum.runs[i], e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct slice name = slice_of(s->name);

        if (put(m, &defs[i], &name, values[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

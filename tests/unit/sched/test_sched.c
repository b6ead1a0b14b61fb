#include "sched/sched.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/fs.h"
#include "test.h"

#define HOUR ((int64_t)3600000000)
#define DAY  (24 * HOUR)
/* what is waited for comes much sooner */
#define PATIENCE_US ((int64_t)60000000)

/* A scheduler over a folder of its own, whose clock the test turns. */
struct bench {
    char dir[512];
    int64_t now;
    int ended;
    struct arena arena;
    struct sched_conf conf;
    struct sched *s;
};

static int64_t bench_now(void *arg)
{
    return ((struct bench *)arg)->now;
}

static void bench_ended(void *arg, const struct sched_run *run,
                        const struct sched_task *tasks, size_t n)
{
    CHECK(run->ended_us > 0 && n > 0 && tasks != NULL);
    ((struct bench *)arg)->ended++;
}

static struct zone *utc;

static void begin(struct bench *b, const char *name, const char *const *lines,
                  size_t n)
{
    struct err e;

    *b = (struct bench){.now = 100 * DAY + HOUR};
    arena_init(&b->arena, 8 << 20);
    (void)snprintf(b->dir, sizeof(b->dir), "%s/%s", test_folder(), name);
    b->conf = (struct sched_conf){.name = "daily",
                                  .dir = b->dir,
                                  .zone = utc,
                                  .first_us = -1,
                                  .parallel = 4,
                                  .retry_delay_us = HOUR,
                                  .ended = bench_ended,
                                  .now = bench_now};
    CHECK_OK(cron_parse(&b->conf.cron, "@daily", &e), &e);
    CHECK_OK(graph_parse(&b->conf.graph, lines, n, NULL, 0, &b->arena, &e), &e);
}

static void open_it(struct bench *b)
{
    struct err e;

    b->conf.arg = b;
    CHECK_OK(sched_open(&b->s, &b->conf, &e), &e);
}

static void step(struct bench *b)
{
    struct err e;
    int64_t wait;

    CHECK_OK(sched_step(b->s, &wait, &e), &e);
}

/* Look until no run is open. */
static void settle(struct bench *b)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    step(b);
    while (!sched_idle(b->s) && clock_mono_us() < until) {
        clock_sleep_us(10000);
        step(b);
    }
    CHECK(sched_idle(b->s));
}

static void finish(struct bench *b)
{
    sched_close(b->s);
    arena_release(&b->arena);
}

/* "scheduled 100/101 success; ..." of all runs, oldest first; with tasks. */
static void put_runs(struct bench *b, struct buf *text)
{
    struct journal *j = NULL;
    struct sched_run *runs = NULL;
    struct err e;
    size_t n = 0;

    CHECK_OK(journal_open(&j, b->dir, &e), &e);
    CHECK_OK(journal_runs(j, &(struct journal_filter){NULL, false, 100},
                          &b->arena, &runs, &n, &e),
             &e);
    for (size_t i = n; i > 0; i--) {
        const struct sched_run *r = &runs[i - 1];
        struct sched_task *t = NULL;
        size_t nt = 0;

        CHECK_OK(buf_putf(text, &e, "%s %" PRId64 "/%" PRId64 " %s:", r->kind,
                          r->from_us / DAY, r->to_us / DAY,
                          sched_state_text(r->state)),
                 &e);
        CHECK_OK(journal_tasks(j, r->id, &b->arena, &t, &nt, &e), &e);
        for (size_t k = 0; k < nt; k++) {
            CHECK_OK(buf_putf(text, &e, " %s %s%s", t[k].name,
                              sched_state_text(t[k].state),
                              k + 1 < nt ? "," : "; "),
                     &e);
        }
    }
    journal_close(j);
}

static void check_runs(struct bench *b, const char *want)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    put_runs(b, &text);
    CHECK_TEXT(buf_slice(&text), want);
    buf_release(&text);
}

/* Look until the runs are so; for those that stay open. */
static void step_until(struct bench *b, const char *want)
{
    int64_t until = clock_mono_us() + PATIENCE_US;
    bool there = false;

    while (!there && clock_mono_us() < until) {
        struct buf text;

        clock_sleep_us(10000);
        step(b);
        buf_init(&text, 1 << 20);
        put_runs(b, &text);
        there = slice_is(buf_slice(&text), want);
        buf_release(&text);
    }
    check_runs(b, want);
}

static void a_run_begins_at_the_end_of_its_interval(void)
{
    static const char *const lines[] = {"a = true", "b < a = true"};
    struct bench b;

    begin(&b, "first", lines, 2);
    open_it(&b);
    settle(&b);
    check_runs(&b, "");
    b.now = 101 * DAY - 1;
    settle(&b);
    check_runs(&b, "");
    b.now = 101 * DAY;
    settle(&b);
    check_runs(&b, "scheduled 100/101 success: a success, b success; ");
    settle(&b);
    b.now = 101 * DAY - HOUR; /* the clock goes back: nothing again */
    settle(&b);
    b.now = 101 * DAY + HOUR;
    settle(&b);
    check_runs(&b, "scheduled 100/101 success: a success, b success; ");
    CHECK_INT(b.ended, 1);
    finish(&b);
}

static void what_was_missed_is_caught_up_or_journaled_as_skipped(void)
{
    static const char *const lines[] = {"a = true"};
    struct bench b;

    begin(&b, "latest", lines, 1);
    open_it(&b);
    settle(&b);
    b.now = 104 * DAY + HOUR;
    settle(&b);
    check_runs(&b, "scheduled 100/103 skipped: a skipped; "
                   "scheduled 103/104 success: a success; ");
    finish(&b);

    begin(&b, "all", lines, 1);
    b.conf.catchup = true;
    open_it(&b);
    settle(&b);
    b.now = 103 * DAY + HOUR;
    settle(&b);
    check_runs(&b, "scheduled 100/101 success: a success; "
                   "scheduled 101/102 success: a success; "
                   "scheduled 102/103 success: a success; ");
    finish(&b);
}

static void a_failed_task_is_tried_again_and_stops_what_is_behind(void)
{
    static const char *const lines[] = {"a = test -e flag", "b < a = true"};
    struct bench b;
    struct sched_stats stats;

    begin(&b, "retry", lines, 2);
    b.conf.retries = 1;
    open_it(&b);
    settle(&b);
    b.now = 101 * DAY;
    step_until(&b, "scheduled 100/101 running: a up_for_retry, b queued; ");
    b.now += HOUR - 1;
    for (int i = 0; i < 20; i++) {
        step(&b);
        clock_sleep_us(10000);
    }
    check_runs(&b, "scheduled 100/101 running: a up_for_retry, b queued; ");
    b.now += 1;
    settle(&b);
    check_runs(&b, "scheduled 100/101 failed: a failed, b upstream_failed; ");
    sched_stats(b.s, &stats);
    CHECK(stats.failed == 1 && stats.retries == 1 && stats.success == 0);
    finish(&b);
}

static void a_task_that_takes_too_long_is_ended(void)
{
    static const char *const lines[] = {"a = sleep 60"};
    struct bench b;
    int64_t begun = clock_mono_us();

    begin(&b, "slow", lines, 1);
    b.conf.timeout_us = 200000;
    open_it(&b);
    settle(&b);
    b.now = 101 * DAY;
    settle(&b);
    settle(&b);
    check_runs(&b, "scheduled 100/101 failed: a failed; ");
    CHECK(clock_mono_us() - begun < 20000000);
    finish(&b);
}

static void the_next_scheduler_takes_up_what_was_under_way(void)
{
    char line[2048];
    const char *const real[] = {line};
    struct bench b;
    struct buf seen;
    struct err e;
    int64_t size = 0;
    int64_t until;
    int64_t wait;
    char path[600];

    begin(&b, "again", (const char *const[]){"a = true"}, 1);
    (void)snprintf(line, sizeof(line),
                   "a = echo $PINLINE_INTERVAL >> %s/seen; "
                   "test -e %s/go || sleep 60",
                   b.dir, b.dir);
    CHECK_OK(graph_parse(&b.conf.graph, real, 1, NULL, 0, &b.arena, &e), &e);
    open_it(&b);
    settle(&b);
    b.now = 101 * DAY;
    CHECK_OK(sched_step(b.s, &wait, &e), &e);
    (void)snprintf(path, sizeof(path), "%s/seen", b.dir);
    until = clock_mono_us() + PATIENCE_US;
    while ((fs_size(path, &size, &e) != 0 || size == 0) &&
           clock_mono_us() < until) {
        clock_sleep_us(1000);
    }
    sched_close(b.s);
    check_runs(&b, "scheduled 100/101 running: a running; ");
    (void)snprintf(path, sizeof(path), "%s/go", b.dir);
    CHECK_OK(fs_publish(path, SLICE(""), &e), &e);
    open_it(&b);
    settle(&b);
    check_runs(&b, "scheduled 100/101 success: a success; ");
    (void)snprintf(path, sizeof(path), "%s/seen", b.dir);
    buf_init(&seen, 1 << 16);
    CHECK_OK(fs_read(path, &seen, &e), &e);
    CHECK_TEXT(buf_slice(&seen), "1970-04-11T00:00:00Z/1970-04-12T00:00:00Z\n"
                                 "1970-04-11T00:00:00Z/1970-04-12T00:00:00Z\n");
    buf_release(&seen);
    finish(&b);
}

static void two_schedulers_do_not_share_a_folder(void)
{
    static const char *const lines[] = {"a = true"};
    struct sched *other = NULL;
    struct bench b;
    struct err e;

    begin(&b, "two", lines, 1);
    open_it(&b);
    CHECK(sched_open(&other, &b.conf, &e) < 0 && e.code == ERR_BUSY);
    finish(&b);
}

static void a_paused_schedule_rests_and_a_backfill_adds_what_is_missing(void)
{
    static const char *const lines[] = {"a = true"};
    struct sched_backfill fill;
    struct journal *j = NULL;
    struct bench b;
    struct err e;
    int64_t added = 0;

    begin(&b, "pause", lines, 1);
    open_it(&b);
    settle(&b);
    CHECK_OK(journal_open(&j, b.dir, &e), &e);
    CHECK_OK(journal_pause(j, "daily", true, &e), &e);
    b.now = 101 * DAY;
    settle(&b);
    check_runs(&b, "");
    CHECK_OK(journal_pause(j, "daily", false, &e), &e);
    settle(&b);
    fill = (struct sched_backfill){.schedule = "daily",
                                   .cron = &b.conf.cron,
                                   .zone = utc,
                                   .graph = &b.conf.graph,
                                   .from_us = 99 * DAY,
                                   .to_us = 101 * DAY,
                                   .now_us = b.now};
    CHECK_OK(sched_add_intervals(j, &fill, &added, &e), &e);
    CHECK_INT(added, 1); /* 100/101 has its run */
    settle(&b);
    check_runs(&b, "scheduled 100/101 success: a success; "
                   "backfill 99/100 success: a success; ");
    fill.again = true;
    CHECK_OK(sched_add_intervals(j, &fill, &added, &e), &e);
    CHECK_INT(added, 2);
    settle(&b);
    CHECK_INT(b.ended, 4);
    journal_close(j);
    finish(&b);
}

static void a_run_waits_for_the_success_of_the_one_before(void)
{
    static const char *const lines[] = {"a = false"};
    struct bench b;

    begin(&b, "past", lines, 1);
    b.conf.catchup = true;
    b.conf.depends_on_past = true;
    open_it(&b);
    settle(&b);
    b.now = 102 * DAY;
    settle(&b);
    check_runs(&b, "scheduled 100/101 failed: a failed; "
                   "scheduled 101/102 queued: a queued; ");
    finish(&b);
}

static void a_canceled_run_ends(void)
{
    static const char *const lines[] = {"a = sleep 60", "b < a = true"};
    struct sched_wish r = {.run = {.schedule = "daily",
                                   .kind = "manual",
                                   .from_us = DAY,
                                   .to_us = 2 * DAY,
                                   .token = "t"}};
    struct journal *j = NULL;
    struct bench b;
    struct err e;
    int64_t wait;
    int64_t id = 0;

    begin(&b, "cancel", lines, 2);
    open_it(&b);
    CHECK_OK(journal_open(&j, b.dir, &e), &e);
    CHECK_OK(sched_trigger(j, &b.conf.graph, &r, &id, &e), &e);
    CHECK(sched_trigger(j, &b.conf.graph, &r, &id, &e) < 0 &&
          e.code == ERR_EXISTS);
    CHECK_OK(sched_step(b.s, &wait, &e), &e);
    clock_sleep_us(100000);
    CHECK_OK(journal_cancel(j, id, &e), &e);
    settle(&b);
    settle(&b);
    check_runs(&b, "manual 1/2 canceled: a canceled, b canceled; ");
    r.run.token = "of one task";
    r.tasks = (const char *const[]){"b"};
    r.ntasks = 1;
    CHECK_OK(sched_trigger(j, &b.conf.graph, &r, &id, &e), &e);
    settle(&b);
    check_runs(&b, "manual 1/2 canceled: a canceled, b canceled; "
                   "manual 1/2 success: b success; ");
    journal_close(j);
    finish(&b);
}

static const struct test tests[] = {
    {"I14 scheduler: a run begins at the end of its interval, once",
     a_run_begins_at_the_end_of_its_interval},
    {"I14 scheduler: what was missed is caught up, or journaled as skipped",
     what_was_missed_is_caught_up_or_journaled_as_skipped},
    {"a failed task is tried again and stops what is behind it",
     a_failed_task_is_tried_again_and_stops_what_is_behind},
    {"a task that takes too long is ended",
     a_task_that_takes_too_long_is_ended},
    {"I14 scheduler: the next one takes up what was under way",
     the_next_scheduler_takes_up_what_was_under_way},
    {"I14 scheduler: two do not share a folder",
     two_schedulers_do_not_share_a_folder},
    {"a paused schedule rests, a backfill adds what is missing",
     a_paused_schedule_rests_and_a_backfill_adds_what_is_missing},
    {"a run waits for the success of the one before",
     a_run_waits_for_the_success_of_the_one_before},
    {"a canceled run ends", a_canceled_run_ends},
};

int main(void)
{
    struct err e;
    int rc;

    if (zone_load(&utc, "UTC", &e) < 0) {
        return 1;
    }
    rc = test_main(tests, ARRAY_LEN(tests));
    zone_free(utc);
    return rc;
}

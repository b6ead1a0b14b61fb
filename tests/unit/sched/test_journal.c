#include "sched/journal.h"

#include <string.h>

#include "core/buf.h"
#include "core/mem.h"
#include "test.h"

static const char *const tasks[] = {"load", "query"};

static struct sched_run sample(const char *key)
{
    return (struct sched_run){.schedule = "daily",
                              .kind = "scheduled",
                              .key = key,
                              .from_us = 10,
                              .to_us = 20,
                              .created_us = 20};
}

static struct journal *fresh(const char *name)
{
    struct journal *j = NULL;
    char dir[512];
    struct err e;

    (void)snprintf(dir, sizeof(dir), "%s/%s", test_folder(), name);
    CHECK_OK(journal_open(&j, dir, &e), &e);
    return j;
}

static void an_interval_gets_one_run(void)
{
    struct journal *j = fresh("one");
    struct sched_run r = sample("a/b");
    int64_t first = 0;
    int64_t id = 0;
    struct err e;

    CHECK_OK(journal_add(j, &r, tasks, 2, &first, &e), &e);
    CHECK(journal_add(j, &r, tasks, 2, &id, &e) < 0 && e.code == ERR_EXISTS);
    CHECK_INT(id, first);
    r.key = "c/d";
    r.token = "tok-1";
    CHECK_OK(journal_add(j, &r, tasks, 2, &first, &e), &e);
    r.key = "e/f";
    CHECK(journal_add(j, &r, tasks, 2, &id, &e) < 0 && e.code == ERR_EXISTS);
    CHECK_INT(id, first);
    journal_close(j);
}

static void what_was_put_is_read(void)
{
    struct journal *j = fresh("read");
    struct sched_run r = sample("a/b");
    struct sched_run got;
    struct sched_task *t = NULL;
    struct arena a;
    struct err e;
    size_t n = 0;

    arena_init(&a, 1 << 20);
    CHECK_OK(journal_add(j, &r, tasks, 2, &r.id, &e), &e);
    CHECK_OK(journal_tasks(j, r.id, &a, &t, &n, &e), &e);
    CHECK(n == 2 && t[0].state == SCHED_QUEUED && t[1].attempt == 0);
    t[1].state = SCHED_UP_FOR_RETRY;
    t[1].attempt = 2;
    t[1].not_before_us = 99;
    t[1].exit_code = 3;
    t[1].reason = "exit code 3";
    t[1].log = "logs/1/query.2.log";
    CHECK_OK(journal_put_task(j, &t[1], &e), &e);
    r.state = SCHED_RUNNING;
    r.started_us = 30;
    CHECK_OK(journal_put_run(j, &r, &e), &e);
    CHECK_OK(journal_cancel(j, r.id, &e), &e);
    CHECK_OK(journal_run(j, r.id, &a, &got, &e), &e);
    CHECK(got.state == SCHED_RUNNING && got.cancel && got.token == NULL);
    CHECK_TEXT(slice_of(got.conf), "{}");
    CHECK_OK(journal_tasks(j, r.id, &a, &t, &n, &e), &e);
    CHECK_TEXT(slice_of(t[1].name), "query");
    CHECK(t[1].state == SCHED_UP_FOR_RETRY && t[1].exit_code == 3);
    CHECK_TEXT(slice_of(t[1].log), "logs/1/query.2.log");
    CHECK(journal_again(j, r.id, false, &e) < 0 && e.code == ERR_BUSY);
    CHECK(journal_cancel(j, 77, &e) < 0 && e.code == ERR_NOTFOUND);
    arena_release(&a);
    journal_close(j);
}

static void a_schedule_moves_on_once(void)
{
    struct journal *j = fresh("moves");
    int64_t upto = 0;
    bool paused = true;
    struct err e;

    CHECK_OK(journal_schedule(j, "daily", &upto, &paused, &e), &e);
    CHECK(upto == -1 && !paused);
    CHECK_OK(journal_advance(j, "daily", -1, 100, &e), &e);
    CHECK(journal_advance(j, "daily", -1, 100, &e) < 0 && e.code == ERR_FENCED);
    CHECK_OK(journal_pause(j, "daily", true, &e), &e);
    CHECK_OK(journal_schedule(j, "daily", &upto, &paused, &e), &e);
    CHECK(upto == 100 && paused);
    journal_close(j);
}

static void every_failed_allocation_is_an_error(void)
{
    struct sched_run r = sample("alloc");

    for (unsigned i = 1; i < 40; i++) {
        struct journal *j = NULL;
        char dir[512];
        struct err e = {0};
        int64_t id;

        (void)snprintf(dir, sizeof(dir), "%s/alloc%u", test_folder(), i);
        mem_fail_after(i);
        if (journal_open(&j, dir, &e) == 0) {
            if (journal_add(j, &r, tasks, 2, &id, &e) < 0) {
                CHECK(e.code == ERR_NOMEM);
            }
        } else {
            CHECK(e.code == ERR_NOMEM);
        }
        mem_fail_after(0);
        journal_close(j);
    }
}

static const struct test tests[] = {
    {"I14 journal: an interval gets one run, a token too",
     an_interval_gets_one_run},
    {"what was put is read", what_was_put_is_read},
    {"I14 journal: a schedule moves on once", a_schedule_moves_on_once},
    {"every failed allocation is an error",
     every_failed_allocation_is_an_error},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

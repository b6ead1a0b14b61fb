/* The same contract with many threads and requests at once: argv[1] is the url. */
#include <inttypes.h>
#include <stdlib.h>

#include "test.h"

#include "brokers.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/thread.h"

static const char *url;
static struct err e;

static struct broker_record text_record(const char *value)
{
    return (struct broker_record){
        .partition = 0, .has_value = true, .value = slice_of(value)};
}

/* Several threads at once, each with many requests under way. */
enum {
    THREADS = 4,
    EACH = 500,
    RETAINED = 30
};

struct many {
    struct broker *b;
    int thread;
    struct mutex lock;
    struct cond all;
    int left;
    struct broker_record r[EACH];
    struct broker_report rep[EACH];
    struct broker_produce p[EACH];
    char values[EACH][24];
};

static void one_done(struct broker_produce *p)
{
    struct many *m = p->arg;

    mutex_lock(&m->lock);
    m->left--;
    cond_signal(&m->all);
    mutex_unlock(&m->lock);
}

static void put_many(void *arg)
{
    struct many *m = arg;

    for (int i = 0; i < EACH; i++) {
        struct err mine;

        (void)snprintf(m->values[i], sizeof(m->values[i]), "%d-%d", m->thread,
                       i);
        m->r[i] = text_record(m->values[i]);
        m->p[i] = (struct broker_produce){.topic = "t",
                                          .records = &m->r[i],
                                          .n = 1,
                                          .reports = &m->rep[i],
                                          .done = one_done,
                                          .arg = m};
        CHECK_OK(broker_produce_start(m->b, &m->p[i], &mine), &mine);
    }
    mutex_lock(&m->lock);
    while (m->left > 0) {
        cond_wait(&m->all, &m->lock);
    }
    mutex_unlock(&m->lock);
}

/* Reads all of it while it comes; offsets are dense. */
static void read_along(void *arg)
{
    struct broker *b = arg;
    struct broker_fetch f = {0};
    struct err mine;
    int64_t at = 0;

    while (at < THREADS * EACH && broker_wait(b, "t", 0, at, 20000000)) {
        if (broker_fetch(b, "t", 0, at, 1000, &f, &mine) < 0) {
            test_fail(__FILE__, __LINE__, "%s", mine.msg);
            break;
        }
        CHECK(f.n > 0);
        for (size_t i = 0; i < f.n; i++) {
            CHECK_INT(f.messages[i].offset, at);
            at++;
        }
    }
    CHECK_INT(at, THREADS * EACH);
    broker_fetch_release(b, &f);
}

/* As serve does now and then: the catalogue is read anew while records come. */
static void retain_along(void *arg)
{
    for (int i = 0; i < RETAINED; i++) {
        struct broker_retention r = {.now_us = clock_wall_us()};
        struct err mine;

        CHECK_OK(broker_retain(arg, &r, &mine), &mine);
        CHECK_INT(r.expired, 0);
    }
}

static void check_reports(const struct many *m, bool *seen)
{
    struct broker_fetch f = {0};
    int64_t last = -1;

    for (int k = 0; k < EACH; k++) {
        int64_t o = m->rep[k].offset;

        CHECK_INT(m->p[k].error.code, ERR_NONE);
        CHECK(o > last && o < THREADS * EACH && !seen[o]);
        last = o;
        seen[o] = true;
        CHECK_OK(broker_fetch(m->b, "t", 0, o, 1, &f, &e), &e);
        CHECK(f.n > 0);
        if (f.n > 0) {
            CHECK_TEXT(f.messages[0].value, m->values[k]);
        }
    }
    broker_fetch_release(m->b, &f);
}

static void many_threads_get_dense_offsets_in_their_order(void)
{
    struct broker *b = brokers_empty(url);
    struct many *m = mem_zero(THREADS, sizeof(*m));
    struct thread t[THREADS + 3] = {{.running = false}};
    bool *seen = mem_zero(THREADS * EACH, 1);
    struct broker_stats stats;

    brokers_make(b, "t", 1);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(thread_start(&t[THREADS + i], "read", read_along, b, &e), &e);
    }
    for (int i = 0; m && i < THREADS; i++) {
        m[i].b = b;
        m[i].thread = i;
        m[i].left = EACH;
        mutex_init(&m[i].lock);
        cond_init(&m[i].all);
        CHECK_OK(thread_start(&t[i], "put", put_many, &m[i], &e), &e);
    }
    CHECK_OK(thread_start(&t[THREADS + 2], "retain", retain_along, b, &e), &e);
    for (int i = 0; i < THREADS + 3; i++) {
        thread_join(&t[i]);
    }
    for (int i = 0; m && seen && i < THREADS; i++) {
        check_reports(&m[i], seen);
    }
    broker_stats(b, &stats);
    CHECK_INT(stats.records, THREADS * EACH);
    mem_free(seen);
    mem_free(m);
    broker_close(b);
}

/* The same request many times before the first is answered. */
static void requests_under_way_are_joined(void)
{
    struct broker *b = brokers_empty(url);
    struct many *m = mem_zero(1, sizeof(*m));
    int64_t begin = -1;
    int64_t end = -1;
    int repeated = 0;
    int refused = 0;

    brokers_make(b, "t", 1);
    if (m == NULL) {
        return;
    }
    mutex_init(&m->lock);
    cond_init(&m->all);
    m->left = EACH;
    for (int i = 0; i < EACH; i++) {
        m->r[i] = text_record("v");
        m->p[i] = (struct broker_produce){.topic = "t",
                                          .records = &m->r[i],
                                          .n = 1,
                                          .reports = &m->rep[i],
                                          .idempotency_key = SLICE("key"),
                                          .done = one_done,
                                          .arg = m};
        m->p[i].body_digest[0] = i % 10 == 9; /* another body */
        CHECK_OK(broker_produce_start(b, &m->p[i], &e), &e);
    }
    mutex_lock(&m->lock);
    while (m->left > 0) {
        cond_wait(&m->all, &m->lock);
    }
    mutex_unlock(&m->lock);
    for (int i = 0; i < EACH; i++) {
        if (i % 10 == 9) {
            refused += m->p[i].error.code == ERR_CONFLICT;
            continue;
        }
        CHECK_INT(m->p[i].error.code, ERR_NONE);
        CHECK_INT(m->rep[i].offset, 0);
        repeated += m->p[i].repeated;
    }
    CHECK_INT(repeated, EACH - EACH / 10 - 1);
    CHECK_INT(refused, EACH / 10);
    CHECK_OK(broker_offsets(b, "t", 0, &begin, &end, &e), &e);
    CHECK_INT(end, 1);
    mem_free(m);
    broker_close(b);
}

static void closing_answers_everything(void)
{
    struct broker *b = brokers_empty(url);
    struct many *m = mem_zero(1, sizeof(*m));

    brokers_make(b, "t", 1);
    if (m == NULL) {
        return;
    }
    mutex_init(&m->lock);
    cond_init(&m->all);
    m->left = EACH;
    for (int i = 0; i < EACH; i++) {
        m->r[i] = text_record("v");
        m->p[i] = (struct broker_produce){.topic = "t",
                                          .records = &m->r[i],
                                          .n = 1,
                                          .reports = &m->rep[i],
                                          .done = one_done,
                                          .arg = m};
        CHECK_OK(broker_produce_start(b, &m->p[i], &e), &e);
    }
    broker_close(b);
    CHECK_INT(m->left, 0);
    for (int i = 0; i < EACH; i++) {
        CHECK_INT(m->p[i].error.code, ERR_NONE);
        CHECK_INT(m->rep[i].offset, i);
    }
    mem_free(m);
}

/* The broker's thread stands still in a done() until told. */
static void hold(struct broker_produce *p)
{
    struct many *m = p->arg;

    mutex_lock(&m->lock);
    while (m->thread == 0) {
        cond_wait(&m->all, &m->lock);
    }
    m->left--;
    mutex_unlock(&m->lock);
}

static void too_much_that_waits_is_refused(void)
{
    struct broker *b = brokers_empty(url);
    struct many *m = mem_zero(1, sizeof(*m));
    size_t size = 1000000;
    char *value = mem_zero(size, 1);
    int taken = 0;

    brokers_make(b, "t", 1);
    if (m == NULL || value == NULL || strcmp(url, "memory") == 0) {
        goto out; /* nothing ever waits in memory */
    }
    mutex_init(&m->lock);
    cond_init(&m->all);
    for (; taken < EACH; taken++) {
        m->r[taken] = (struct broker_record){
            .partition = 0, .has_value = true, .value = {value, size}};
        m->p[taken] = (struct broker_produce){.topic = "t",
                                              .records = &m->r[taken],
                                              .n = 1,
                                              .reports = &m->rep[taken],
                                              .done = hold,
                                              .arg = m};
        if (broker_produce_start(b, &m->p[taken], &e) < 0) {
            break;
        }
    }
    CHECK_INT(e.code, ERR_BUSY);
    CHECK(strstr(e.msg, "wait to be stored") != NULL);
    CHECK(taken >= 255 && taken < 300); /* 256 MB, and what was taken */
    mutex_lock(&m->lock);
    m->left = taken;
    m->thread = 1;
    cond_broadcast(&m->all);
    mutex_unlock(&m->lock);
    CHECK(broker_wait(b, "t", 0, taken - 1, 100000000));
out:
    broker_close(b);
    CHECK_INT(m ? m->left : 0, 0);
    mem_free(value);
    mem_free(m);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"I2 topics: many threads get dense offsets in their order",
         many_threads_get_dense_offsets_in_their_order},
        {"I3 topics: requests under way are joined",
         requests_under_way_are_joined},
        {"closing answers everything", closing_answers_everything},
        {"I10 topics: too much that waits is refused, not kept",
         too_much_that_waits_is_refused},
    };

    if (argc != 2) {
        return 2;
    }
    url = argv[1];
    return test_main(tests, ARRAY_LEN(tests));
}

#include "core/queue.h"

#include "core/clock.h"
#include "core/mem.h"
#include "test.h"

enum {
    ITEMS = 20000,
    THREADS = 3
};

struct worker {
    struct queue *q;
    int64_t sum;
    struct thread t;
};

static void pop_all(void *arg)
{
    struct worker *w = arg;
    void *item;

    while (queue_pop(w->q, &item)) {
        w->sum += *(int *)item;
    }
}

static void every_item_is_popped_once(void)
{
    static int items[ITEMS];
    struct worker w[THREADS];
    struct queue q;
    struct err e;
    int64_t sum = 0;

    CHECK_OK(queue_init(&q, 7, &e), &e);
    for (int i = 0; i < THREADS; i++) {
        w[i] = (struct worker){.q = &q};
        CHECK_OK(thread_start(&w[i].t, "pop", pop_all, &w[i], &e), &e);
    }
    for (int i = 0; i < ITEMS; i++) {
        items[i] = i;
        CHECK(queue_push(&q, &items[i]));
    }
    queue_close(&q);
    for (int i = 0; i < THREADS; i++) {
        thread_join(&w[i].t);
        sum += w[i].sum;
    }
    CHECK_INT(sum, (int64_t)ITEMS * (ITEMS - 1) / 2);
    queue_release(&q);
}

static void a_full_queue_refuses_and_a_closed_one_empties(void)
{
    int a = 1;
    int b = 2;
    void *got = NULL;
    struct queue q;
    struct err e;

    CHECK_OK(queue_init(&q, 1, &e), &e);
    CHECK(queue_try_push(&q, &a) && !queue_try_push(&q, &b));
    CHECK_INT(queue_count(&q), 1);
    queue_close(&q);
    CHECK(!queue_push(&q, &b));
    CHECK(queue_pop_within(&q, 0, &got) && got == &a);
    CHECK(!queue_pop(&q, &got) && !queue_pop_within(&q, 1000000, &got));
    queue_release(&q);
}

static void waiting_ends_in_time(void)
{
    int64_t start = clock_mono_us();
    void *got;
    struct queue q;
    struct err e;

    CHECK_OK(queue_init(&q, 2, &e), &e);
    CHECK(!queue_pop_within(&q, 5000, &got));
    CHECK(clock_mono_us() - start >= 5000);
    queue_release(&q);
    mem_fail_after(1);
    CHECK(queue_init(&q, 2, &e) < 0 && e.code == ERR_NOMEM);
    mem_fail_after(0);
}

static const struct test tests[] = {
    {"every item is popped once", every_item_is_popped_once},
    {"a full queue refuses and a closed one empties",
     a_full_queue_refuses_and_a_closed_one_empties},
    {"waiting ends in time", waiting_ends_in_time},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

#include "test.h"

#include "broker/window.h"
#include "core/mem.h"

static struct err e;

static struct codec_key key(uint32_t n, uint32_t runs)
{
    struct codec_key k = {.runs = runs};

    window_hash(1, SLICE("me"), (struct slice){(const char *)&n, sizeof(n)},
                k.hash);
    memcpy(k.digest, &n, sizeof(n));
    return k;
}

static void add(struct window *w, uint32_t n, int64_t at)
{
    struct codec_key k = key(n, 1);
    struct codec_run run = {0, 1, n};

    CHECK_OK(window_add(w, &k, &run, at, &e), &e);
}

static const struct window_entry *find(struct window *w, uint32_t n)
{
    struct codec_key k = key(n, 0);

    return window_find(w, k.hash);
}

static void keys_are_found_until_they_are_too_old(void)
{
    struct window *w = NULL;

    CHECK_OK(window_open(&w, 1000, 1000000, &e), &e);
    for (uint32_t i = 0; i < 5000; i++) {
        add(w, i, i);
    }
    for (uint32_t i = 0; i < 5000; i++) {
        const struct window_entry *en = find(w, i);

        CHECK(en && en->one.first == i);
    }
    CHECK(find(w, 5000) == NULL);
    window_expire(w, 3000);
    CHECK(find(w, 1999) == NULL);
    CHECK(find(w, 2000) != NULL);
    CHECK_INT(window_count(w), 3000);
    window_pop(w);
    CHECK(find(w, 4999) == NULL);
    CHECK(find(w, 4998) != NULL);
    window_close(w);
}

static void a_full_window_forgets_the_oldest(void)
{
    struct window *w = NULL;

    CHECK_OK(window_open(&w, INT64_MAX / 2, 1000, &e), &e);
    for (uint32_t i = 0; i < 1000; i++) {
        add(w, i, 0);
    }
    CHECK(find(w, 0) != NULL);
    add(w, 1000, 0);
    CHECK(find(w, 0) == NULL);
    CHECK(find(w, 1) != NULL);
    CHECK(find(w, 1000) != NULL);
    CHECK_INT(window_count(w), 1000);
    window_close(w);
}

static void the_answer_is_given_again(void)
{
    struct window *w = NULL;
    struct codec_key k = key(1, 3);
    struct codec_run runs[] = {
        {2, 2, 50}, {-(int32_t)ERR_LIMIT, 1, -1}, {0, 1, 9}};
    struct broker_report rep[5];

    memset(rep, 0x55, sizeof(rep));
    CHECK_OK(window_open(&w, 1000, 1000, &e), &e);
    CHECK_OK(window_add(w, &k, runs, 0, &e), &e);
    window_answer(find(w, 1), rep, 4);
    CHECK_INT(rep[0].partition, 2);
    CHECK_INT(rep[0].offset, 50);
    CHECK_INT(rep[1].offset, 51);
    CHECK_INT(rep[2].code, ERR_LIMIT);
    CHECK_INT(rep[2].offset, -1);
    CHECK_INT(rep[3].partition, 0);
    CHECK_INT(rep[3].offset, 9);
    CHECK_INT(rep[4].partition, 0x55555555); /* not asked for */
    window_close(w);
}

static void scopes_do_not_mix(void)
{
    uint8_t a[CODEC_KEY_HASH];
    uint8_t b[CODEC_KEY_HASH];

    window_hash(1, SLICE("ab"), SLICE("c"), a);
    window_hash(1, SLICE("a"), SLICE("bc"), b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    window_hash(2, SLICE("ab"), SLICE("c"), b);
    CHECK(memcmp(a, b, sizeof(a)) != 0);
    window_hash(1, SLICE("ab"), SLICE("c"), b);
    CHECK(memcmp(a, b, sizeof(a)) == 0);
}

static void running_out_of_memory_changes_nothing(void)
{
    unsigned n = 0;
    int rc;

    do {
        struct window *w = NULL;
        uint32_t i = 0;

        mem_fail_after(++n);
        rc = window_open(&w, 1000, 1000, &e);
        for (; rc == 0 && i < 600; i++) {
            struct codec_key k = key(i, 2);
            struct codec_run runs[2] = {{0, 1, i}, {1, 1, i}};

            rc = window_add(w, &k, runs, 0, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        if (w) {
            CHECK_INT(window_count(w), rc == 0 ? i : i - 1);
        }
        window_close(w);
    } while (rc < 0 && n < 5000);
    CHECK(n > 600);
}

int main(void)
{
    static const struct test tests[] = {
        {"keys are found until they are too old",
         keys_are_found_until_they_are_too_old},
        {"a full window forgets the oldest", a_full_window_forgets_the_oldest},
        {"the answer is given again", the_answer_is_given_again},
        {"scopes do not mix", scopes_do_not_mix},
        {"running out of memory changes nothing",
         running_out_of_memory_changes_nothing},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

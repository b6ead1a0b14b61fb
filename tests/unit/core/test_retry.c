#include "core/retry.h"

#include "core/clock.h"
#include "test.h"

static void waits_double_with_jitter_up_to_the_most(void)
{
    const struct retry_policy policy = {.first_us = 1000, .most_us = 8000};
    struct retry r;
    int64_t most = 1000;

    retry_init(&r, &policy, 7);
    for (int i = 0; i < 40; i++) {
        int64_t wait = 0;

        CHECK(retry_next(&r, ERR_CONNECT, &wait));
        CHECK(wait >= most / 2 && wait <= most);
        most = most < 8000 ? most * 2 : most;
    }
}

static void what_is_for_good_is_not_tried_again(void)
{
    const struct retry_policy three = {.first_us = 1, .attempts = 3};
    const struct retry_policy late = {.first_us = 1000000, .deadline_us = 1000};
    struct retry r;
    int64_t wait = 0;

    retry_init(&r, NULL, 1);
    CHECK(!retry_next(&r, ERR_DENIED, &wait));
    retry_init(&r, &three, 1);
    CHECK(retry_next(&r, ERR_IO, &wait) && retry_next(&r, ERR_IO, &wait));
    CHECK(!retry_next(&r, ERR_IO, &wait));
    retry_init(&r, &late, 1);
    CHECK(!retry_next(&r, ERR_TIMEOUT, &wait));
}

static void a_far_side_may_ask_for_more(void)
{
    const struct retry_policy policy = {.first_us = 10, .most_us = 20};
    struct retry r;
    int64_t start = clock_mono_us();

    retry_init(&r, &policy, 1);
    CHECK(retry_wait_at_least(&r, ERR_BUSY, 3000));
    CHECK(clock_mono_us() - start >= 3000);
    CHECK(retry_wait(&r, ERR_BUSY));
}

static const struct test tests[] = {
    {"waits double with jitter up to the most",
     waits_double_with_jitter_up_to_the_most},
    {"what is for good is not tried again",
     what_is_for_good_is_not_tried_again},
    {"a far side may ask for more", a_far_side_may_ask_for_more},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

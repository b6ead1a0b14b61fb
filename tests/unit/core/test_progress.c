#include "core/progress.h"

#include "test.h"

static void a_step_says_how_far_and_how_long(void)
{
    struct progress p;
    char text[160];
    size_t n;

    progress_begin(&p, "post", "records", 1000);
    progress_add(&p, 250);
    n = progress_text(&p, 1000000, text, sizeof(text));
    CHECK_TEXT(((struct slice){text, n}),
               "  post       [######..................]  25 %  250 records  "
               "250/s  0:04 left");
    progress_add(&p, 750);
    n = progress_text(&p, 2000000, text, sizeof(text));
    CHECK_TEXT(((struct slice){text, n}),
               "  post       [########################] 100 %  1,000 records  "
               "500/s");
    progress_end(&p);
    progress_begin(&p, "land", "objects", 0);
    progress_add(&p, 1234567);
    n = progress_text(&p, 1000000, text, sizeof(text));
    CHECK_TEXT(((struct slice){text, n}),
               "  land        1,234,567 objects  1,234,567/s");
    n = progress_text(&p, 1000000, text, 10);
    CHECK_INT(n, 9);
    progress_end(&p);
}

static const struct test tests[] = {
    {"a step says how far and how long", a_step_says_how_far_and_how_long},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

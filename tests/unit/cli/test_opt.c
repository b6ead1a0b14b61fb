#include "cli/opt.h"

#include "core/mem.h"
#include "test.h"

static const char *const colours[] = {"red", "green", NULL};

static const struct opt own[] = {
    {.name = "colour", .kind = OPT_CHOICE, .arg = "C", .choices = colours},
    {.name = "dry-run", .letter = 'n', .kind = OPT_FLAG},
    {.name = "input", .kind = OPT_TEXT, .arg = "FILE", .many = true},
    {.name = "out", .letter = 'o', .kind = OPT_TEXT, .arg = "FILE"},
    {.name = "rows", .kind = OPT_INT, .arg = "N", .max = 1000},
    {.name = "share", .kind = OPT_DOUBLE, .arg = "S", .max = 1},
    {.name = "size", .kind = OPT_BYTES, .arg = "SIZE"},
    {.name = "wait", .kind = OPT_DURATION, .arg = "TIME"},
};
static const struct opt common[] = {
    {.name = "quiet", .letter = 'q', .kind = OPT_FLAG},
    {.name = "set", .kind = OPT_TEXT, .arg = "K=V", .repeat = true},
};
static const struct opt_table own_table = {own, ARRAY_LEN(own)};
static const struct opt_table common_table = {common, ARRAY_LEN(common)};
static const struct opt_table *const tables[2] = {&own_table, &common_table};

enum {
    WORDS_MAX = 32
};

/* Words parted by blanks. */
static int parse(struct args *a, const char *line, struct err *e)
{
    static char text[400];
    const struct opt_table *both[2] = {tables[0], tables[1]};
    char *argv[WORDS_MAX];
    int argc = 0;
    char *p = text;

    (void)snprintf(text, sizeof(text), "%s", line);
    while (*p != '\0' && argc < WORDS_MAX) {
        argv[argc++] = p;
        p += strcspn(p, " ");
        if (*p == ' ') {
            *p++ = '\0';
        }
    }
    return args_parse(a, both, argc, argv, NULL, e);
}

static void options_and_words_mix(void)
{
    struct args a;
    struct err e;
    size_t at = 0;

    CHECK_OK(parse(&a,
                   "one -qn --rows=7 --set a=1 two -oFILE --set b=2 "
                   "--size 4kB --wait 2s --share 0.5 --colour green -- -x",
                   &e),
             &e);
    CHECK(args_has(&a, "quiet") && args_has(&a, "dry-run"));
    CHECK_INT(args_int(&a, "rows", 1), 7);
    CHECK_INT(args_int(&a, "size", 1), 4000);
    CHECK_INT(args_int(&a, "wait", 1), 2000000);
    CHECK_INT(args_int(&a, "colour", 0), 1);
    CHECK(args_double(&a, "share", 0) > 0.49);
    CHECK_TEXT(slice_of(args_text(&a, "out", "")), "FILE");
    CHECK_TEXT(slice_of(args_next(&a, "set", &at)), "a=1");
    CHECK_TEXT(slice_of(args_next(&a, "set", &at)), "b=2");
    CHECK(args_next(&a, "set", &at) == NULL);
    CHECK_INT(a.n_words, 3);
    CHECK_TEXT(slice_of(a.words[2]), "-x");
    args_release(&a);
}

static void some_options_take_all_words_that_follow(void)
{
    struct args a;
    struct err e;
    size_t at = 0;

    CHECK_OK(parse(&a, "--input a b --rows 3 c", &e), &e);
    CHECK_TEXT(slice_of(args_next(&a, "input", &at)), "a");
    CHECK_TEXT(slice_of(args_next(&a, "input", &at)), "b");
    CHECK(args_next(&a, "input", &at) == NULL);
    CHECK_INT(a.n_words, 1);
    CHECK(!args_has(&a, "out") && args_text(&a, "out", NULL) == NULL);
    args_release(&a);
}

static void wrong_options_are_refused_in_words(void)
{
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"--row 3", "option \"--row\" is not known; did you mean \"--rows\"?"},
        {"--zzzzzzzz", "option \"--zzzzzzzz\" is not known"},
        {"-z", "option \"-z\" is not known"},
        {"--rows", "option \"--rows\" needs N"},
        {"--rows x", "option \"--rows\" must be a whole number, not \"x\""},
        {"--rows 1001",
         "option \"--rows\" must be from 0 to 1000, not \"1001\""},
        {"--rows -1", "option \"--rows\" must be from 0 to 1000, not \"-1\""},
        {"--rows 1 --rows 2", "option \"--rows\" was given twice"},
        {"--dry-run=yes", "option \"--dry-run\" takes no value"},
        {"--share 2",
         "option \"--share\" must be a share from 0 to 1, not \"2\""},
        {"--colour grene",
         "option \"--colour\" must be one of red, green, not \"grene\"; did "
         "you mean \"green\"?"},
        {"--size big",
         "option \"--size\" must be a size such as 64kB or 256MB, not "
         "\"big\""},
        {"--out=",
         "option \"--out\" must be a text that is not empty, not \"\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct args a;
        struct err e = {0};

        CHECK(parse(&a, cases[i].line, &e) < 0);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK_TEXT(slice_of(e.msg), cases[i].message);
    }
}

static void running_out_of_memory_is_said(void)
{
    struct args a;
    struct err e = {0};
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 10; n++) {
        mem_fail_after(n);
        rc = parse(&a, "a -q", &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
    }
    CHECK_INT(rc, 0);
    args_release(&a);
}

static const struct test tests[] = {
    {"options and words mix", options_and_words_mix},
    {"some options take all words that follow",
     some_options_take_all_words_that_follow},
    {"wrong options are refused in words", wrong_options_are_refused_in_words},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

#include <stdlib.h>

#include "core/fs.h"
#include "core/mem.h"
#include "flow/analysis.h"
#include "test.h"

static struct err e;

static struct analyses *load(const char *dir)
{
    struct analyses *all = NULL;

    CHECK_OK(analyses_load(&all, dir, &e), &e);
    if (all == NULL) {
        exit(1);
    }
    return all;
}

/* A folder with one file of this name and text. */
static const char *folder_with(const char *file, const char *text)
{
    static char dir[FS_PATH_MAX];
    static int n;
    char path[FS_PATH_MAX];
    char name[32];

    (void)snprintf(name, sizeof(name), "%d", n++);
    CHECK_OK(fs_join(dir, test_folder(), name, &e), &e);
    CHECK_OK(fs_make_folders(dir, &e), &e);
    CHECK_OK(fs_join(path, dir, file, &e), &e);
    CHECK_OK(fs_publish(path, slice_of(text), &e), &e);
    return dir;
}

static void the_program_has_fifteen_answers(void)
{
    struct analyses *all = load(NULL);

    CHECK_INT(analyses_count(all), 15);
    for (size_t i = 0; i < analyses_count(all); i++) {
        const struct analysis *a = analyses_at(all, i);
        char id[24];

        (void)snprintf(id, sizeof(id), "%02zu", i + 1);
        CHECK_TEXT(slice_of(a->id), id);
        CHECK(a->title[0] != '\0' && a->question[0] != '\0' &&
              a->definition[0] != '\0' && a->nparams <= ANALYSIS_PARAMS_MAX);
    }
    analyses_free(all);
}

static void answers_are_found_by_number_and_name(void)
{
    struct analyses *all = load(NULL);
    const struct analysis *a = analyses_find(all, "8", &e);

    CHECK(a != NULL && strcmp(a->id, "08") == 0);
    CHECK(analyses_find(all, "08", &e) == a);
    CHECK(analyses_find(all, "users-joined", &e) == a);
    CHECK(analyses_find(all, "users-jioned", &e) == NULL);
    CHECK(strstr(e.msg, "did you mean \"users-joined\"?") != NULL);
    CHECK(analyses_find(all, "16", &e) == NULL);
    CHECK(strstr(e.msg, "there are 01 to 15") != NULL);
    analyses_free(all);
}

static void tasks_name_answers_and_settings(void)
{
    static const struct {
        int task;
        const char *id, *setting;
    } want[] = {
        {4, "01", NULL}, {5, "02", NULL},  {6, "04", NULL},
        {6, "05", NULL}, {7, "06", "all"}, {8, "07", NULL},
        {9, "08", NULL}, {10, "09", NULL}, {11, "10", "lower"},
    };
    struct analyses *all = load(NULL);
    size_t at = 0;

    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct analysis_choice choices[ANALYSIS_PARAMS_MAX];
        const struct analysis *a;
        size_t n = 0;

        at = i > 0 && want[i - 1].task == want[i].task ? at : 0;
        a = analyses_task(all, want[i].task, &at, choices, &n);
        CHECK(a != NULL && strcmp(a->id, want[i].id) == 0);
        CHECK_INT(n, want[i].setting != NULL);
        if (n == 1 && want[i].setting != NULL) {
            CHECK_TEXT(slice_of(choices[0].value), want[i].setting);
        }
    }
    analyses_free(all);
}

#define HEAD "-- title: t\n-- columns: a\n"

static void sql_is_chosen_line_by_line(void)
{
    struct analyses *all = load(folder_with(
        "01-mine.sql", HEAD "-- parameter how: plain | fancy -- in what way\n"
                            "-- parameter most: 7 -- how many\n\nSELECT\n"
                            "    a  --? how=plain\n    b AS a  --? how=fancy\n"
                            "    {x}\nLIMIT {most}"));
    const struct analysis_choice fancy[] = {{"how", "fancy"}, {"most", "9"}};
    const struct analysis_choice other[] = {{"how", "odd"}, {"list", "all"}};
    const struct analysis *a = analyses_find(all, "01", &e);
    struct buf b;

    CHECK_INT(analyses_count(all), 15);
    CHECK_TEXT(slice_of(a->name), "mine");
    buf_init(&b, 10000);
    CHECK_OK(analysis_sql(a, NULL, 0, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "SELECT\n    a\n    {x}\nLIMIT 7\n");
    buf_clear(&b);
    CHECK_OK(analysis_sql(a, fancy, 2, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "SELECT\n    b AS a\n    {x}\nLIMIT 9\n");
    CHECK(analyses_check(all, other, 1, &e) < 0);
    CHECK(strstr(e.msg, "how=odd: one of plain, fancy is needed") != NULL);
    CHECK_OK(analyses_check(all, other + 1, 1, &e), &e);
    buf_release(&b);
    analyses_free(all);
}

static void faulty_files_are_told(void)
{
    static const struct {
        const char *file, *text, *words;
    } cases[] = {
        {"1-x.sql", HEAD "SELECT 1", "NN-name.sql"},
        {"16-x.sql", "-- title: t\nSELECT 1", "lacks its columns"},
        {"16-x.sql", HEAD, "lacks its SQL"},
        {"16-x.sql", HEAD "-- tilte: x\nSELECT 1",
         "line 3: the key \"tilte\" is not known"},
        {"16-x.sql", HEAD "-- no key\nSELECT 1", "\"-- key: text\""},
        {"16-x.sql", HEAD "-- parameter p: one -- help\nSELECT 1",
         "a number or several choices"},
        {"16-x.sql", HEAD "-- parameter p: a | b\nSELECT 1",
         "\"NAME: first | other -- help\""},
        {"views.sql", "-- view x\nSELECT 1", "\"-- view NAME: what a row is\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct analyses *all = NULL;

        CHECK(analyses_load(&all, folder_with(cases[i].file, cases[i].text),
                            &e) < 0);
        if (strstr(e.msg, cases[i].words) == NULL) {
            test_fail(__FILE__, __LINE__, "\"%s\" not in \"%s\"",
                      cases[i].words, e.msg);
        }
        CHECK(strstr(e.msg, cases[i].file) != NULL);
    }
}

static const struct col_def defs[] = {
    {.name = "ind", .type = COL_INT32},
    {.name = "category", .type = COL_TEXT},
    {.name = "poster_name", .type = COL_TEXT},
    {.name = "follower_count", .type = COL_INT32},
};

static void an_answer_is_given_by_run_and_by_script(void)
{
    struct engine_conf conf = {.kind = "duckdb", .threads = 2};
    struct analyses *all = load(NULL);
    const struct analysis *a = analyses_find(all, "13", &e);
    struct engine *g = NULL;
    struct frame f = {0};
    struct batch b;
    const struct batch *batches[] = {&b};
    const char *sql = "";
    struct buf script;

    CHECK_OK(batch_init(&b, defs, ARRAY_LEN(defs), &e), &e);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(batch_put_i32(&b, 0, i, &e), &e);
        CHECK_OK(batch_put_text(&b, 1, i < 3 ? SLICE("b") : SLICE("a"), &e),
                 &e);
        CHECK_OK(batch_put_null(&b, 2, &e), &e);
        CHECK_OK(batch_put_i32(&b, 3, i, &e), &e);
        batch_end_row(&b);
    }
    CHECK_OK(engine_open(&g, &conf, &e), &e);
    CHECK_OK(engine_add_batches(g, "clean_pin", batches, 1, &e), &e);
    CHECK_OK(analysis_run(all, a, NULL, 0, g, &f, &e), &e);
    CHECK_INT(f.rows.rows, 2);
    CHECK_TEXT(batch_text(&f.rows, 0, 0), "a");
    CHECK_INT(f.rows.cols[1].fixed.i64[0], 7);
    CHECK(f.rows.cols[2].fixed.f64[0] == 6.0);
    frame_release(&f);
    buf_init(&script, 1 << 20);
    CHECK_OK(analysis_script(all, a, NULL, 0, &script, &e), &e);
    CHECK_OK(buf_text(&script, &sql, &e), &e);
    CHECK_OK(engine_query(g, sql, 1 << 20, &f, &e), &e);
    CHECK_INT(f.rows.rows, 2);
    frame_release(&f);
    buf_release(&script);
    engine_close(g);
    analyses_free(all);
    batch_release(&b);
}

static void every_script_names_its_views_in_order(void)
{
    struct analyses *all = load(NULL);

    for (size_t i = 0; i < analyses_count(all); i++) {
        struct buf b;
        const char *sql = "";

        buf_init(&b, 1 << 20);
        CHECK_OK(analysis_script(all, analyses_at(all, i), NULL, 0, &b, &e),
                 &e);
        CHECK_OK(buf_text(&b, &sql, &e), &e);
        CHECK(strstr(sql, "--?") == NULL && strstr(sql, "{") == NULL);
        /* one WITH only */
        CHECK(strstr(sql, "WITH ") == NULL ||
              strstr(strstr(sql, "WITH ") + 5, "\nWITH ") == NULL);
        buf_release(&b);
    }
    analyses_free(all);
}

static void every_failed_allocation_is_an_error(void)
{
    struct analyses *all = NULL;
    unsigned n = 0;
    int rc = -1;

    while (rc != 0 && n < 200) {
        mem_fail_after(++n);
        rc = analyses_load(&all, NULL, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
    }
    CHECK(rc == 0 && n > 1);
    analyses_free(all);
}

int main(void)
{
    static const struct test tests[] = {
        {"the program has fifteen answers", the_program_has_fifteen_answers},
        {"answers are found by number and name",
         answers_are_found_by_number_and_name},
        {"tasks name answers and settings", tasks_name_answers_and_settings},
        {"SQL is chosen line by line", sql_is_chosen_line_by_line},
        {"faulty files are told", faulty_files_are_told},
        {"an answer is given by run and by script",
         an_answer_is_given_by_run_and_by_script},
        {"every script names its views in order",
         every_script_names_its_views_in_order},
        {"every failed allocation is an error",
         every_failed_allocation_is_an_error},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

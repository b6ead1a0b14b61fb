/* test_spec.c - cleaning specs: what is read, what is refused, their tests. */
#include "clean/spec.h"
#include "clean/trial.h"
#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

static const char *const pinterest = "pipelines/pinterest.yaml";

static struct spec *load(const char *path, struct buf *text)
{
    struct faults f;
    struct spec *s = NULL;
    struct buf all;
    struct err e;

    faults_init(&f);
    buf_init(&all, 1 << 20);
    CHECK_OK(fs_read(path, text, &e), &e);
    CHECK_OK(spec_load(&s, buf_slice(text), path, NULL, &f, &e), &e);
    CHECK_OK(faults_print(&f, &all, &e), &e);
    CHECK_TEXT(buf_slice(&all), "");
    buf_release(&all);
    faults_release(&f);
    return s;
}

static void all_tests_of(const char *path)
{
    struct buf text, all;
    struct spec *s;
    struct faults f;
    size_t passed = 0;
    struct err e;

    buf_init(&text, 1 << 20);
    buf_init(&all, 1 << 20);
    faults_init(&f);
    s = load(path, &text);
    if (s != NULL) {
        CHECK_OK(trial_run(s, buf_slice(&text), &f, &passed, &e), &e);
        CHECK_OK(faults_print(&f, &all, &e), &e);
        CHECK_TEXT(buf_slice(&all), "");
        CHECK(s->ntests > 0);
        CHECK_INT(passed, s->ntests);
    }
    spec_free(s);
    faults_release(&f);
    buf_release(&all);
    buf_release(&text);
}

static void pinterest_passes(void)
{
    all_tests_of(pinterest);
}

static void tables_and_defs(void)
{
    const struct spec_table *t = NULL;
    struct buf text;
    struct spec *s;
    struct err e;

    buf_init(&text, 1 << 20);
    s = load(pinterest, &text);
    if (s != NULL) {
        CHECK_OK(spec_table(s, "pin", &t, &e), &e);
        CHECK_INT(t->ndefs, 11);
        CHECK_TEXT(slice_of(t->defs[0].name), "ind");
        CHECK_INT(t->defs[4].type, COL_INT32);
        CHECK_TEXT(slice_of(t->keys[1]), "ind");
        CHECK(spec_topic_table(s, SLICE("262542bdae36.geo")) == &s->tables[1]);
        CHECK(spec_topic_table(s, SLICE("nothing")) == NULL);
        CHECK_INT(spec_table(s, "pim", &t, &e), -1);
        CHECK(strstr(e.msg, "did you mean \"pin\"") != NULL);
    }
    spec_free(s);
    buf_release(&text);
}

/* What a spec and settings say when they are wrong. */
static void says(const char *spec, const char *set, const char *want)
{
    struct slice one = set != NULL ? slice_of(set) : SLICE("");
    struct spec_texts sets = {&one, set != NULL ? 1 : 0};
    struct spec *s = NULL;
    struct faults f;
    struct buf all;
    struct err e;

    faults_init(&f);
    buf_init(&all, 1 << 20);
    CHECK_INT(spec_load(&s, slice_of(spec), "x.yaml", &sets, &f, &e), -1);
    CHECK_OK(faults_print(&f, &all, &e), &e);
    CHECK_TEXT(buf_slice(&all), want);
    spec_free(s);
    faults_release(&f);
    buf_release(&all);
}

#define GOOD                                  \
    "tables:\n"                               \
    "  t:\n"                                  \
    "    columns:\n"                          \
    "      id: {type: int, required: true}\n" \
    "    options:\n"                          \
    "      big: {columns: {id: {type: bigint}}}\n"

static void faults_have_places(void)
{
    says("tables:\n"
         "  t:\n"
         "    columns:\n"
         "      id: {type: intt, requird: true}\n"
         "      xy: {type: \"double[]\"}\n",
         NULL,
         "x.yaml:4:18: type \"intt\" is not known; did you mean \"int\"?\n"
         "x.yaml:4:24: key \"requird\" is not known; did you mean "
         "\"required\"?\n"
         "x.yaml:5:7: column \"xy\" of type double[] needs parts: the fields "
         "it is made of\n"
         "x.yaml:2:3: table \"t\" needs a column with required: true; its "
         "names mark a record\n");
    says("a: 1\n", NULL,
         "x.yaml:1:1: key \"a\" is not known; known are tables, tests, "
         "title\n"
         "x.yaml:1:1: the key \"tables\" is missing\n");
}

static void settings_are_checked(void)
{
    says(GOOD, "t.bigg=on",
         "--set: option \"bigg\" is not known; did you mean \"big\"?\n");
    says(GOOD, "tt.big=on",
         "--set: table \"tt\" is not known; did you mean \"t\"?\n");
    says(GOOD, "t.big",
         "--set \"t.big\" must be of the form table.key=value\n");
}

static void hashes_follow_rules(void)
{
    struct slice on = SLICE("t.big=on"), topics = SLICE("t.max_rejects=5");
    struct spec_texts sets = {&on, 1}, more = {&topics, 1};
    struct spec *a = NULL, *b = NULL, *c = NULL;
    struct faults f;
    struct err e;

    faults_init(&f);
    CHECK_OK(spec_load(&a, SLICE(GOOD), "x", NULL, &f, &e), &e);
    CHECK_OK(spec_load(&b, SLICE(GOOD), "y", &sets, &f, &e), &e);
    CHECK_OK(spec_load(&c, SLICE(GOOD), "z", &more, &f, &e), &e);
    CHECK(strcmp(a->tables[0].hash, b->tables[0].hash) != 0);
    CHECK_TEXT(slice_of(c->hash), a->hash);
    CHECK_INT(b->tables[0].defs[0].type, COL_INT64);
    CHECK_INT(c->tables[0].max_rejects, 5);
    spec_free(a);
    spec_free(b);
    spec_free(c);
    faults_release(&f);
}

static void out_of_memory(void)
{
    struct buf text;
    struct spec *s = NULL;
    struct faults f;
    struct err e;
    unsigned n = 0;
    int rc = -1;

    buf_init(&text, 1 << 20);
    CHECK_OK(fs_read(pinterest, &text, &e), &e);
    while (rc != 0 && n < 100000) {
        faults_init(&f);
        mem_fail_after(++n);
        rc = spec_load(&s, buf_slice(&text), pinterest, NULL, &f, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        faults_release(&f);
    }
    CHECK_INT(rc, 0);
    spec_free(s);
    buf_release(&text);
}

int main(void)
{
    static const struct test tests[] = {
        {"pinterest.yaml passes its own tests", pinterest_passes},
        {"tables, columns, keys and topics are there", tables_and_defs},
        {"every fault is found, with its place", faults_have_places},
        {"settings are checked like the file", settings_are_checked},
        {"a hash follows the rules and nothing else", hashes_follow_rules},
        {"want of memory is an error", out_of_memory},
    };

    return test_main(tests, ARRAY_LEN(tests));
}

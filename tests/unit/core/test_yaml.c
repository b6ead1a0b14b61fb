#include "core/yaml.h"

#include "core/mem.h"
#include "test.h"

static const char sample[] = "name: pin  # a comment\n"
                             "rows: 500\n"
                             "ops:\n"
                             "  - trim: \"  a\"\n"
                             "  - {null_if: [x, 'y z']}\n"
                             "empty:\n";

static void a_tree_knows_its_lines(void)
{
    struct yaml_doc d;
    struct err e;
    const struct yaml_node *ops;
    const struct yaml_node *trim;

    CHECK_OK(yaml_parse(&d, "s.yaml", slice_of(sample), &e), &e);
    CHECK_INT(d.root->count, 4);
    CHECK_TEXT(yaml_get(d.root, "name")->text, "pin");
    CHECK_INT(yaml_get(d.root, "rows")->line, 2);
    CHECK_INT(yaml_get(d.root, "rows")->column, 7);
    CHECK(yaml_is_null(yaml_get(d.root, "empty")));
    CHECK(yaml_get(d.root, "none") == NULL);
    ops = yaml_get(d.root, "ops");
    CHECK_INT(ops->count, 2);
    trim = yaml_get(ops->first, "trim");
    CHECK(!trim->plain);
    CHECK_TEXT(trim->text, "  a");
    CHECK_TEXT(yaml_get(ops->first->next, "null_if")->first->next->text, "y z");
    yaml_release(&d);
}

static void refused(const char *text, enum err_code code, const char *message)
{
    struct yaml_doc d;
    struct err e = {0};

    if (yaml_parse(&d, "f", slice_of(text), &e) == 0) {
        test_fail(__FILE__, __LINE__, "was taken: %s", text);
        yaml_release(&d);
        return;
    }
    CHECK_INT(e.code, code);
    CHECK_TEXT(slice_of(e.msg), message);
}

static void odd_documents_are_refused(void)
{
    refused("a: 1\nb: 2\na: 3\n", ERR_MALFORMED,
            "f:3:1: key \"a\" was given before, in line 1");
    refused("? [a]\n: 1\n", ERR_MALFORMED,
            "f:1:3: a key must be a plain or quoted text");
    refused("a: !!int 3\n", ERR_MALFORMED, "f:1:4: tags (!) are not used here");
    refused("a: *b\n", ERR_MALFORMED, "f:1:4: an alias of no anchor");
    refused("a: &x [*x]\n", ERR_MALFORMED,
            "f:1:8: an alias inside of what it stands for");
    refused("--- a\n--- b\n", ERR_MALFORMED, "f:2:1: a second document");
    refused("a: [1, 2\n", ERR_MALFORMED,
            "f:2:1: did not find expected ',' or ']'");
}

static void limits_hold(void)
{
    char deep[2 * YAML_DEPTH_MAX + 10];
    struct yaml_doc d;
    struct err e = {0};

    for (int n = YAML_DEPTH_MAX; n <= YAML_DEPTH_MAX + 1; n++) {
        memset(deep, '[', (size_t)n);
        memset(deep + n, ']', (size_t)n);
        if (n == YAML_DEPTH_MAX) {
            CHECK_OK(
                yaml_parse(&d, "f", (struct slice){deep, 2 * (size_t)n}, &e),
                &e);
            yaml_release(&d);
        } else {
            CHECK(yaml_parse(&d, "f", (struct slice){deep, 2 * (size_t)n}, &e) <
                  0);
            CHECK_INT(e.code, ERR_LIMIT);
        }
    }
}

static void aliases_cannot_blow_up(void)
{
    static const char bomb[] = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
                               "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
                               "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
                               "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
                               "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
                               "f: [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n";
    struct yaml_doc d;
    struct err e = {0};

    CHECK_OK(yaml_parse(&d, "f", SLICE("a: &x [1, 2]\nb: *x\n"), &e), &e);
    CHECK_TEXT(yaml_get(d.root, "b")->first->next->text, "2");
    yaml_release(&d);
    CHECK(yaml_parse(&d, "f", slice_of(bomb), &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
}

static void an_empty_document_has_no_root(void)
{
    struct yaml_doc d;
    struct err e;

    CHECK_OK(yaml_parse(&d, "f", SLICE("# nothing\n"), &e), &e);
    CHECK(d.root == NULL);
    yaml_release(&d);
}

static void faults_name_place_and_nearest(void)
{
    static const char *const words[] = {"name", "rows", "ops"};
    static const char *const colours[] = {"red", "green"};
    struct yaml_doc d;
    struct faults f;
    struct buf b;
    struct err e;
    int64_t rows = 0;
    size_t colour = 0;

    faults_init(&f);
    buf_init(&b, 10000);
    CHECK_OK(yaml_parse(&d, "p.yaml",
                        SLICE("nam: x\nrows: many\nops: {a: 1}\nc: grene\n"),
                        &e),
             &e);
    yaml_known_keys(d.root, words, ARRAY_LEN(words), &f);
    CHECK(!yaml_int(yaml_get(d.root, "rows"), "rows", 0, 10, &f, &rows));
    CHECK(!yaml_expect(yaml_get(d.root, "ops"), YAML_SEQUENCE, "ops", &f));
    CHECK(
        !yaml_choice(yaml_get(d.root, "c"), "colour", colours, 2, &f, &colour));
    CHECK_OK(faults_print(&f, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b),
               "p.yaml:1:1: key \"nam\" is not known; did you mean \"name\"?\n"
               "p.yaml:4:1: key \"c\" is not known; known are name, rows, ops\n"
               "p.yaml:2:7: rows must be a whole number, not \"many\"\n"
               "p.yaml:3:6: ops must be a list, not a mapping\n"
               "p.yaml:4:4: colour \"grene\" is not known; did you mean "
               "\"green\"?\n");
    CHECK(faults_err(&f, &e) < 0);
    CHECK_TEXT(slice_of(e.msg),
               "p.yaml:1:1: key \"nam\" is not known; did you mean "
               "\"name\"? (and 4 more)");
    yaml_release(&d);
    buf_release(&b);
    faults_release(&f);
}

static void running_out_of_memory_is_said(void)
{
    struct yaml_doc d;
    struct err e = {0};
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 1000; n++) {
        mem_fail_after(n);
        rc = yaml_parse(&d, "s.yaml", slice_of(sample), &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
    }
    CHECK_INT(rc, 0);
    yaml_release(&d);
}

static const struct test tests[] = {
    {"a tree knows its lines", a_tree_knows_its_lines},
    {"odd documents are refused", odd_documents_are_refused},
    {"limits hold", limits_hold},
    {"aliases cannot blow up", aliases_cannot_blow_up},
    {"an empty document has no root", an_empty_document_has_no_root},
    {"faults name place and nearest", faults_name_place_and_nearest},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}

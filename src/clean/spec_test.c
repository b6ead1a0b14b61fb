#include <string.h>

#include "clean/spec_int.h"
#include "core/num.h"
#include "json/json.h"

enum {
    TEST_TEXT_MAX = 1 << 20
};

/* A number as JSON writes it: no + in front, no 0 before digits. */
static bool json_number(struct slice s)
{
    size_t at = s.len > 0 && s.ptr[0] == '-' ? 1 : 0;
    double d;

    return num_double(s, &d) && s.ptr[0] != '+' &&
           !(s.len > at + 1 && s.ptr[at] == '0' && s.ptr[at + 1] >= '0' &&
             s.ptr[at + 1] <= '9');
}

static int put_scalar(struct buf *b, const struct yaml_node *n, struct err *e)
{
    if (yaml_is_null(n)) {
        return buf_puts(b, "null", e);
    }
    if (n->plain && (slice_is(n->text, "true") || slice_is(n->text, "false") ||
                     json_number(n->text))) {
        return buf_append(b, n->text, e);
    }
    return json_print_text(b, n->text, e);
}

/* A YAML tree as JSON; nesting is bounded by the YAML reader. */
static int put_json(struct buf *b, const struct yaml_node *n, struct err *e)
{
    bool map = n->kind == YAML_MAPPING;

    if (n->kind == YAML_SCALAR) {
        return put_scalar(b, n, e);
    }
    if (buf_putc(b, map ? '{' : '[', e) != 0) {
        return -1;
    }
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next) {
        if (c != n->first && buf_putc(b, ',', e) != 0) {
            return -1;
        }
        if (map &&
            (json_print_text(b, c->key, e) != 0 || buf_putc(b, ':', e) != 0)) {
            return -1;
        }
        if (put_json(b, c, e) != 0) {
            return -1;
        }
    }
    return buf_putc(b, map ? '}' : ']', e);
}

static struct slice to_json(struct spec_loader *l, const struct yaml_node *n)
{
    struct slice s = {0};
    struct buf b;

    buf_init(&b, TEST_TEXT_MAX);
    if (put_json(&b, n, l->e) != 0 ||
        arena_copy(&l->mem->arena, buf_slice(&b), &s, l->e) != 0) {
        l->failed = true;
    }
    buf_release(&b);
    return s;
}

static void read_test_options(struct spec_loader *l, const struct yaml_node *n,
                              struct spec_test *t)
{
    const char *words[SPEC_COLUMNS_MAX];
    struct spec_texts names = {0};
    size_t nwords = 0;

    for (size_t i = 0; i < l->s->noptions && nwords < SPEC_COLUMNS_MAX; i++) {
        if (t->table != NULL && l->s->options[i].table == t->table->name) {
            words[nwords++] = l->s->options[i].name;
        }
    }
    spec_texts_read(l, n, "options", &names);
    t->options.at = spec_alloc(l, names.n, sizeof(*t->options.at));
    for (size_t i = 0; i < names.n && !l->failed; i++) {
        size_t k = 0;
        char *set;

        while (k < nwords && !slice_is(names.at[i], words[k])) {
            k++;
        }
        if (k == nwords) {
            faults_unknown(l->f, yaml_place(n), "option", names.at[i], words,
                           nwords);
            continue;
        }
        set = arena_printf(&l->mem->arena, l->e, "%s.%s=on", t->table->name,
                           words[k]);
        if (set == NULL) {
            l->failed = true;
            return;
        }
        t->options.at[t->options.n++] = slice_of(set);
    }
}

static void check_expect(struct spec_loader *l, const struct yaml_node *n,
                         const struct spec_table *t)
{
    const char *words[SPEC_COLUMNS_MAX];

    for (size_t i = 0; i < t->ncolumns; i++) {
        words[i] = t->columns[i].name;
    }
    yaml_known_keys(n, words, t->ncolumns, l->f);
}

static void find_input(struct spec_loader *l, const struct yaml_node *n,
                       struct spec_test *t)
{
    const char *words[SPEC_TABLES_MAX + 4] = {"expect", "name", "options",
                                              "reject"};
    size_t nwords = 4;

    for (size_t i = 0; i < l->s->ntables; i++) {
        const struct yaml_node *in = yaml_get(n, l->s->tables[i].name);

        words[nwords++] = l->s->tables[i].name;
        if (in != NULL && t->table != NULL) {
            yaml_fault_key(l->f, in, "a test has one record, not two");
        } else if (in != NULL) {
            t->table = &l->s->tables[i];
            t->input = to_json(l, in);
        }
    }
    yaml_known_keys(n, words, nwords, l->f);
    if (t->table == NULL) {
        yaml_fault(l->f, n, "a test needs a record under its table's name");
    }
}

static void read_test(struct spec_loader *l, const struct yaml_node *n)
{
    struct spec_test *t = &l->s->tests[l->s->ntests++];
    const struct yaml_node *expect = yaml_get(n, "expect");
    const struct yaml_node *reject = yaml_get(n, "reject");
    const char *reason = "";

    t->line = n->line;
    t->name = "";
    if (!yaml_expect(n, YAML_MAPPING, "a test", l->f)) {
        return;
    }
    (void)yaml_text(yaml_get(n, "name"), "name", l->f, &t->name);
    find_input(l, n, t);
    if ((expect == NULL) == (reject == NULL)) {
        yaml_fault(l->f, n, "a test needs either expect or reject");
    }
    if (yaml_get(n, "options") != NULL) {
        read_test_options(l, yaml_get(n, "options"), t);
    }
    if (reject != NULL && yaml_text(reject, "reject", l->f, &reason)) {
        t->reason = slice_of(reason);
    }
    if (expect != NULL && yaml_expect(expect, YAML_MAPPING, "expect", l->f)) {
        if (t->table != NULL) {
            check_expect(l, expect, t->table);
        }
        t->expect = to_json(l, expect);
    }
}

void spec_tests_read(struct spec_loader *l, const struct yaml_node *n)
{
    if (n == NULL || !yaml_expect(n, YAML_SEQUENCE, "tests", l->f)) {
        return;
    }
    l->s->tests = spec_alloc(l, n->count, sizeof(*l->s->tests));
    for (const struct yaml_node *c = n->first; c != NULL && !l->failed;
         c = c->next) {
        read_test(l, c);
    }
}

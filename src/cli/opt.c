#include "cli/opt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/num.h"
#include "core/text.h"

enum {
    NAMES_MAX = 128
};

struct parser {
    struct args *a;
    int argc;
    char **argv;
    int at;
    struct err *e;
};

static const struct opt *find_long(const struct args *a, struct slice name)
{
    for (size_t t = 0; t < 2 && a->tables[t] != NULL; t++) {
        for (size_t i = 0; i < a->tables[t]->n; i++) {
            if (slice_is(name, a->tables[t]->opts[i].name)) {
                return &a->tables[t]->opts[i];
            }
        }
    }
    return NULL;
}

static const struct opt *find_short(const struct args *a, char letter)
{
    for (size_t t = 0; t < 2 && a->tables[t] != NULL; t++) {
        for (size_t i = 0; i < a->tables[t]->n; i++) {
            if (a->tables[t]->opts[i].letter == letter) {
                return &a->tables[t]->opts[i];
            }
        }
    }
    return NULL;
}

static int unknown(const struct args *a, struct slice name, struct err *e)
{
    const char *names[NAMES_MAX];
    const char *near;
    size_t n = 0;

    for (size_t t = 0; t < 2 && a->tables[t] != NULL; t++) {
        for (size_t i = 0; i < a->tables[t]->n && n < NAMES_MAX; i++) {
            names[n++] = a->tables[t]->opts[i].name;
        }
    }
    near = text_nearest(name, names, n);
    if (near == NULL) {
        return err_set(e, ERR_INVALID, "option \"--%.*s\" is not known",
                       SLICE_FMT(name));
    }
    return err_set(e, ERR_INVALID,
                   "option \"--%.*s\" is not known; did you mean \"--%s\"?",
                   SLICE_FMT(name), near);
}

static int bad_value(const struct opt_value *v, const char *words,
                     struct err *e)
{
    return err_set(e, ERR_INVALID, "option \"--%s\" must be %s, not \"%s\"",
                   v->opt->name, words, v->text);
}

static int check_choice(struct opt_value *v, struct err *e)
{
    const char *const *choices = v->opt->choices;
    const char *near;
    char all[200] = "";
    size_t len = 0;
    size_t n = 0;

    for (; choices[n] != NULL; n++) {
        if (strcmp(choices[n], v->text) == 0) {
            v->number = (int64_t)n;
            return 0;
        }
        if (len < sizeof(all)) {
            len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
                                    n > 0 ? ", " : "", choices[n]);
        }
    }
    near = text_nearest(slice_of(v->text), choices, n);
    return err_set(
        e, ERR_INVALID, "option \"--%s\" must be one of %s, not \"%s\"%s%s%s",
        v->opt->name, all, v->text, near != NULL ? "; did you mean \"" : "",
        near != NULL ? near : "", near != NULL ? "\"?" : "");
}

static int check_range(const struct opt_value *v, struct err *e)
{
    const struct opt *o = v->opt;
    int64_t max = o->min == 0 && o->max == 0 ? INT64_MAX : o->max;

    if (v->number >= o->min && v->number <= max) {
        return 0;
    }
    if (max == INT64_MAX) {
        return err_set(e, ERR_INVALID,
                       "option \"--%s\" must be at least %" PRId64
                       ", not \"%s\"",
                       o->name, o->min, v->text);
    }
    return err_set(e, ERR_INVALID,
                   "option \"--%s\" must be from %" PRId64 " to %" PRId64
                   ", not \"%s\"",
                   o->name, o->min, max, v->text);
}

static int check_value(struct opt_value *v, struct err *e)
{
    struct slice s = slice_of(v->text);

    switch (v->opt->kind) {
    case OPT_INT:
        return num_i64(s, &v->number) ? check_range(v, e)
                                      : bad_value(v, "a whole number", e);
    case OPT_BYTES:
        return num_bytes(s, &v->number)
                   ? check_range(v, e)
                   : bad_value(v, "a size such as 64kB or 256MB", e);
    case OPT_DURATION:
        return num_duration_us(s, &v->number)
                   ? check_range(v, e)
                   : bad_value(v, "a duration such as 500ms or 10s", e);
    case OPT_DOUBLE:
        if (!num_double(s, &v->real)) {
            return bad_value(v, "a number", e);
        }
        if (v->opt->max == 1 && (v->real < 0 || v->real > 1)) {
            return bad_value(v, "a share from 0 to 1", e);
        }
        return 0;
    case OPT_CHOICE:
        return check_choice(v, e);
    case OPT_FLAG:
    case OPT_TEXT:
    default:
        return s.len > 0 ? 0 : bad_value(v, "a text that is not empty", e);
    }
}

static int add_value(struct parser *p, const struct opt *o, const char *text)
{
    struct args *a = p->a;
    struct opt_value *v = &a->values[a->n_values];

    if (!o->repeat && !o->many) {
        for (size_t i = 0; i < a->n_values; i++) {
            if (a->values[i].opt == o && o->kind != OPT_FLAG) {
                return err_set(p->e, ERR_INVALID,
                               "option \"--%s\" was given twice", o->name);
            }
        }
    }
    *v = (struct opt_value){.opt = o, .text = text};
    if (text != NULL && check_value(v, p->e) < 0) {
        return -1;
    }
    a->n_values++;
    return 0;
}

/* The value is the rest of this word (may be NULL) or the next word. */
static int take_value(struct parser *p, const struct opt *o, const char *rest)
{
    if (rest == NULL) {
        if (p->at >= p->argc) {
            return err_set(p->e, ERR_INVALID, "option \"--%s\" needs %s",
                           o->name, o->arg != NULL ? o->arg : "a value");
        }
        rest = p->argv[p->at++];
    }
    if (add_value(p, o, rest) < 0) {
        return -1;
    }
    while (o->many && p->at < p->argc && p->argv[p->at][0] != '-') {
        if (add_value(p, o, p->argv[p->at++]) < 0) {
            return -1;
        }
    }
    return 0;
}

static int parse_long(struct parser *p, const char *text)
{
    struct slice rest = slice_of(text);
    struct slice name;
    bool has_value = slice_cut(&rest, '=', &name);
    const struct opt *o = find_long(p->a, name);

    if (o == NULL) {
        return unknown(p->a, name, p->e);
    }
    if (o->kind != OPT_FLAG) {
        return take_value(p, o, has_value ? rest.ptr : NULL);
    }
    if (has_value) {
        return err_set(p->e, ERR_INVALID, "option \"--%s\" takes no value",
                       o->name);
    }
    return add_value(p, o, NULL);
}

static int parse_short(struct parser *p, const char *text)
{
    for (; *text != '\0'; text++) {
        const struct opt *o = find_short(p->a, *text);

        if (o == NULL) {
            return err_set(p->e, ERR_INVALID, "option \"-%c\" is not known",
                           *text);
        }
        if (o->kind != OPT_FLAG) {
            return take_value(p, o, text[1] != '\0' ? text + 1 : NULL);
        }
        if (add_value(p, o, NULL) < 0) {
            return -1;
        }
    }
    return 0;
}

static int parse(struct parser *p, int *first_word)
{
    bool only_words = false;

    while (p->at < p->argc) {
        const char *text = p->argv[p->at];
        int rc = 0;

        if (only_words || text[0] != '-' || text[1] == '\0') {
            if (first_word != NULL) {
                break;
            }
            p->a->words[p->a->n_words++] = text;
            p->at++;
            continue;
        }
        p->at++;
        if (strcmp(text, "--") == 0) {
            only_words = true;
        } else if (text[1] == '-') {
            rc = parse_long(p, text + 2);
        } else {
            rc = parse_short(p, text + 1);
        }
        if (rc < 0) {
            return -1;
        }
    }
    if (first_word != NULL) {
        *first_word = p->at;
    }
    return 0;
}

int args_parse(struct args *a, const struct opt_table *tables[2], int argc,
               char **argv, int *first_word, struct err *e)
{
    struct parser p = {a, argc, argv, 0, e};
    size_t letters = 1;

    *a = (struct args){.tables = {tables[0], tables[1]}};
    for (int i = 0; i < argc; i++) {
        letters += strlen(argv[i]) + 1; /* no more values than letters */
    }
    a->values = mem_zero(letters, sizeof(*a->values));
    a->words = mem_zero((size_t)argc + 1, sizeof(*a->words));
    if (a->values == NULL || a->words == NULL) {
        args_release(a);
        return err_nomem(e, letters * sizeof(*a->values));
    }
    if (parse(&p, first_word) < 0) {
        args_release(a);
        return -1;
    }
    return 0;
}

void args_release(struct args *a)
{
    mem_free(a->values);
    mem_free(a->words);
    *a = (struct args){0};
}

static const struct opt_value *last(const struct args *a, const char *name)
{
    const struct opt *o = find_long(a, slice_of(name));

    assert(o != NULL);
    for (size_t i = a->n_values; i > 0; i--) {
        if (a->values[i - 1].opt == o) {
            return &a->values[i - 1];
        }
    }
    return NULL;
}

bool args_has(const struct args *a, const char *name)
{
    return last(a, name) != NULL;
}

const char *args_text(const struct args *a, const char *name,
                      const char *otherwise)
{
    const struct opt_value *v = last(a, name);

    return v != NULL ? v->text : otherwise;
}

int64_t args_int(const struct args *a, const char *name, int64_t otherwise)
{
    const struct opt_value *v = last(a, name);

    return v != NULL ? v->number : otherwise;
}

double args_double(const struct args *a, const char *name, double otherwise)
{
    const struct opt_value *v = last(a, name);

    return v != NULL ? v->real : otherwise;
}

const char *args_next(const struct args *a, const char *name, size_t *at)
{
    const struct opt *o = find_long(a, slice_of(name));

    assert(o != NULL);
    while (*at < a->n_values) {
        const struct opt_value *v = &a->values[(*at)++];

        if (v->opt == o) {
            return v->text;
        }
    }
    return NULL;
}

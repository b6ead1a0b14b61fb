#include "core/conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/num.h"
#include "core/text.h"

enum {
    NAME_MAX_BYTES = 128,
    LIST_MAX = 1000
};

static const struct fault_place nowhere;

static char *slot(const struct conf *c, const struct conf_field *f)
{
    return (char *)c->object + f->offset;
}

/* The object's members are of the types that conf.h promises, so that a copy
 * of their bytes is an assignment. */
static void put(const struct conf *c, const struct conf_field *f,
                const void *value, size_t size)
{
    memcpy(slot(c, f), value, size);
}

static const struct conf_field *find(const struct conf_table *t,
                                     struct slice name)
{
    for (size_t i = 0; i < t->n; i++) {
        if (slice_is(name, t->fields[i].name)) {
            return &t->fields[i];
        }
    }
    return NULL;
}

static bool is_group(const struct conf_table *t, struct slice name)
{
    for (size_t i = 0; i < t->n; i++) {
        struct slice field = slice_of(t->fields[i].name);

        if (field.len > name.len && field.ptr[name.len] == '.' &&
            slice_starts(field, name)) {
            return true;
        }
    }
    return false;
}

static void unknown(const struct conf *c, struct fault_place where,
                    struct slice name)
{
    const char *words[256];
    size_t n = 0;

    for (; n < c->table->n && n < ARRAY_LEN(words); n++) {
        words[n] = c->table->fields[n].name;
    }
    faults_unknown(c->faults, where, "setting", name, words, n);
}

static void oom(const struct conf *c, const struct err *e)
{
    faults_add(c->faults, nowhere, "%s", e->msg);
}

static bool copy(const struct conf *c, struct slice s, const char **ret)
{
    struct slice out;
    struct err e;

    if (arena_copy(c->arena, s, &out, &e) < 0) {
        oom(c, &e);
        return false;
    }
    *ret = out.ptr;
    return true;
}

static void set_text(const struct conf *c, const struct conf_field *f,
                     struct slice s, struct fault_place where)
{
    const char *text;

    if (s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL) {
        faults_add(c->faults, where, "%s holds a NUL character", f->name);
        return;
    }
    if (copy(c, s, &text)) {
        put(c, f, &text, sizeof(text));
    }
}

static bool parse_number(const struct conf_field *f, struct slice s,
                         int64_t *ret)
{
    switch (f->type) {
    case CONF_BYTES:
        return num_bytes(s, ret);
    case CONF_DURATION:
        return num_duration_us(s, ret);
    case CONF_INT:
    case CONF_TEXT:
    case CONF_DOUBLE:
    case CONF_BOOL:
    case CONF_CHOICE:
    case CONF_LIST:
    case CONF_NODE:
    default:
        return num_i64(s, ret);
    }
}

static const char *number_words(enum conf_type type)
{
    return type == CONF_BYTES      ? "a size such as 64kB, 256MB, 1GiB"
           : type == CONF_DURATION ? "a duration such as 500ms, 10s, 1h"
                                   : "a whole number";
}

static void set_number(const struct conf *c, const struct conf_field *f,
                       struct slice s, struct fault_place where)
{
    int64_t max = f->min == 0 && f->max == 0 ? INT64_MAX : f->max;
    int64_t v;

    if (!parse_number(f, s, &v)) {
        faults_add(c->faults, where, "%s must be %s, not \"%.*s\"", f->name,
                   number_words(f->type), SLICE_FMT(s));
    } else if (max == INT64_MAX && v < f->min) {
        faults_add(c->faults, where,
                   "%s must be at least %" PRId64 ", not \"%.*s\"", f->name,
                   f->min, SLICE_FMT(s));
    } else if (v < f->min || v > max) {
        faults_add(c->faults, where,
                   "%s must be from %" PRId64 " to %" PRId64 ", not \"%.*s\"",
                   f->name, f->min, max, SLICE_FMT(s));
    } else {
        put(c, f, &v, sizeof(v));
    }
}

static void set_double(const struct conf *c, const struct conf_field *f,
                       struct slice s, struct fault_place where)
{
    double v;

    if (num_double(s, &v)) {
        put(c, f, &v, sizeof(v));
    } else {
        faults_add(c->faults, where, "%s must be a number, not \"%.*s\"",
                   f->name, SLICE_FMT(s));
    }
}

static void set_bool(const struct conf *c, const struct conf_field *f,
                     struct slice s, struct fault_place where)
{
    bool v;

    if (num_bool(s, &v)) {
        put(c, f, &v, sizeof(v));
    } else {
        faults_add(c->faults, where, "%s must be true or false, not \"%.*s\"",
                   f->name, SLICE_FMT(s));
    }
}

static void set_choice(const struct conf *c, const struct conf_field *f,
                       struct slice s, struct fault_place where)
{
    size_t n = 0;

    for (int i = 0; f->choices[i] != NULL; i++) {
        if (slice_is(s, f->choices[i])) {
            put(c, f, &i, sizeof(i));
            return;
        }
        n++;
    }
    faults_unknown(c->faults, where, f->name, s, f->choices, n);
}

static const char **new_list(const struct conf *c, size_t n)
{
    const char **items;
    struct err e;

    items = arena_alloc(c->arena, (n + 1) * sizeof(*items), &e);
    if (items == NULL) {
        oom(c, &e);
    }
    return items;
}

static void put_list(const struct conf *c, const struct conf_field *f,
                     const char *const *items, size_t n)
{
    struct conf_list list = {items, n};

    put(c, f, &list, sizeof(list));
}

/* "a,b,c" */
static void set_list(const struct conf *c, const struct conf_field *f,
                     struct slice s, struct fault_place where)
{
    const char **items;
    size_t most = 1;
    size_t n = 0;
    bool more = s.len > 0;

    for (size_t i = 0; i < s.len; i++) {
        most += s.ptr[i] == ',';
    }
    if (most > LIST_MAX) {
        faults_add(c->faults, where, "%s has over %d entries", f->name,
                   LIST_MAX);
        return;
    }
    items = new_list(c, most);
    while (items != NULL && more) {
        struct slice item;

        more = slice_cut(&s, ',', &item);
        if (!copy(c, slice_trim(item), &items[n++])) {
            return;
        }
    }
    if (items != NULL) {
        put_list(c, f, items, n);
    }
}

static void set_scalar(const struct conf *c, const struct conf_field *f,
                       struct slice s, struct fault_place where)
{
    static void (*const setters[])(const struct conf *,
                                   const struct conf_field *, struct slice,
                                   struct fault_place) = {
        [CONF_TEXT] = set_text,     [CONF_INT] = set_number,
        [CONF_DOUBLE] = set_double, [CONF_BOOL] = set_bool,
        [CONF_BYTES] = set_number,  [CONF_DURATION] = set_number,
        [CONF_CHOICE] = set_choice, [CONF_LIST] = set_list,
    };

    if (f->type == CONF_NODE) {
        faults_add(c->faults, where,
                   "%s can only be set in the configuration file", f->name);
    } else {
        setters[f->type](c, f, s, where);
    }
}

void conf_defaults(const struct conf *c)
{
    static const char nothing[] = "";
    const struct conf_list empty = {NULL, 0};

    for (size_t i = 0; i < c->table->n; i++) {
        const struct conf_field *f = &c->table->fields[i];
        const char *text = nothing;

        assert(i == 0 || strcmp(f[-1].name, f->name) < 0);
        if (f->def != NULL) {
            set_scalar(c, f, slice_of(f->def), nowhere);
        } else if (f->type == CONF_TEXT) {
            put(c, f, &text, sizeof(text));
        } else if (f->type == CONF_LIST) {
            put(c, f, &empty, sizeof(empty));
        }
    }
}

static void list_from_yaml(const struct conf *c, const struct conf_field *f,
                           const struct yaml_node *n)
{
    const char **items;
    size_t i = 0;

    if (n->count > LIST_MAX) {
        yaml_fault(c->faults, n, "%s has over %d entries", f->name, LIST_MAX);
        return;
    }
    items = new_list(c, n->count);
    if (items == NULL) {
        return;
    }
    for (const struct yaml_node *k = n->first; k != NULL; k = k->next) {
        if (!yaml_text(k, f->name, c->faults, &items[i++])) {
            return;
        }
    }
    put_list(c, f, items, i);
}

static void field_from_yaml(const struct conf *c, const struct conf_field *f,
                            const struct yaml_node *n)
{
    if (f->type == CONF_NODE) {
        put(c, f, &n, sizeof(const struct yaml_node *));
    } else if (f->type == CONF_LIST && n->kind == YAML_SEQUENCE) {
        list_from_yaml(c, f, n);
    } else if (yaml_is_null(n)) {
        return; /* "key:" alone leaves the default */
    } else if (yaml_expect(n, YAML_SCALAR, f->name, c->faults)) {
        set_scalar(c, f, n->text, yaml_place(n));
    }
}

static void group_from_yaml(const struct conf *c, const struct yaml_node *n,
                            struct slice prefix)
{
    for (const struct yaml_node *k = n->first; k != NULL; k = k->next) {
        char name[NAME_MAX_BYTES];
        int len = snprintf(name, sizeof(name), "%.*s%s%.*s", SLICE_FMT(prefix),
                           prefix.len > 0 ? "." : "", SLICE_FMT(k->key));
        struct slice full = {name, (size_t)len};
        const struct conf_field *f;

        if (len < 0 || full.len >= sizeof(name)) {
            full.len = sizeof(name) - 1;
        }
        f = find(c->table, full);
        if (f != NULL) {
            field_from_yaml(c, f, k);
        } else if (!is_group(c->table, full)) {
            unknown(c, yaml_key_place(k), full);
        } else if (!yaml_is_null(k) &&
                   yaml_expect(k, YAML_MAPPING, name, c->faults)) {
            group_from_yaml(c, k, full);
        }
    }
}

void conf_from_yaml(const struct conf *c, const struct yaml_node *n)
{
    if (n != NULL &&
        yaml_expect(n, YAML_MAPPING, "the configuration", c->faults)) {
        group_from_yaml(c, n, (struct slice){"", 0});
    }
}

static void variable_name(const char *field, char text[NAME_MAX_BYTES])
{
    size_t n = (size_t)snprintf(text, NAME_MAX_BYTES, "PINLINE_%s", field);

    for (size_t i = 0; i < n && i < NAME_MAX_BYTES - 1; i++) {
        if (text[i] == '.' || text[i] == '-') {
            text[i] = '_';
        } else if (text[i] >= 'a' && text[i] <= 'z') {
            text[i] = (char)(text[i] - 'a' + 'A');
        }
    }
}

void conf_from_env(const struct conf *c, char *const *env)
{
    for (size_t i = 0; i < c->table->n; i++) {
        const struct conf_field *f = &c->table->fields[i];
        char name[NAME_MAX_BYTES];

        variable_name(f->name, name);
        for (size_t k = 0; env[k] != NULL; k++) {
            struct slice value = slice_of(env[k]);
            struct slice head;

            if (slice_cut(&value, '=', &head) && slice_is(head, name)) {
                set_scalar(c, f, value, (struct fault_place){name, 0, 0});
            }
        }
    }
}

void conf_set(const struct conf *c, const char *where, struct slice pair)
{
    struct fault_place place = {where, 0, 0};
    struct slice value = pair;
    struct slice name;
    const struct conf_field *f;

    if (!slice_cut(&value, '=', &name)) {
        faults_add(c->faults, place, "\"%.*s\" is not key=value",
                   SLICE_FMT(pair));
        return;
    }
    name = slice_trim(name);
    f = find(c->table, name);
    if (f == NULL) {
        unknown(c, place, name);
    } else {
        set_scalar(c, f, value, place);
    }
}

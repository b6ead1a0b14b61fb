#include "clean/spec.h"

#include <string.h>

#include "clean/spec_int.h"
#include "core/mem.h"
#include "core/text.h"

const char *spec_type_word(enum spec_type t)
{
    static const char *const words[] = {
#define XX(name, word, col) word,
        SPEC_TYPE_MAP(XX)
#undef XX
    };

    return (size_t)t < ARRAY_LEN(words) ? words[t] : "";
}

void *spec_alloc(struct spec_loader *l, size_t count, size_t size)
{
    void *p = NULL;

    if (!l->failed) {
        p = arena_alloc(&l->mem->arena, count > 0 ? count * size : size, l->e);
    }
    if (p == NULL) {
        l->failed = true;
        return NULL;
    }
    memset(p, 0, count > 0 ? count * size : size);
    return p;
}

void spec_texts_read(struct spec_loader *l, const struct yaml_node *n,
                     const char *what, struct spec_texts *ret)
{
    const struct yaml_node *c = n->kind == YAML_SEQUENCE ? n->first : n;
    size_t count = n->kind == YAML_SEQUENCE ? n->count : 1;
    struct slice *at = spec_alloc(l, count, sizeof(*at));
    const char *text;
    size_t i = 0;

    if (n->kind == YAML_MAPPING) {
        yaml_fault(l->f, n, "%s must be a text or a list of texts", what);
        return;
    }
    if (at == NULL) {
        return;
    }
    for (; i < count; i++, c = c->next) {
        if (yaml_text(c, what, l->f, &text)) {
            at[i] = c->text;
        }
    }
    ret->at = at;
    ret->n = count;
}

bool spec_texts_have(const struct spec_texts *t, struct slice s)
{
    for (size_t i = 0; i < t->n; i++) {
        if (slice_eq(t->at[i], s)) {
            return true;
        }
    }
    return false;
}

static bool ident_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

void spec_ident_check(struct spec_loader *l, const struct yaml_node *n,
                      struct slice name, const char *what)
{
    bool good = name.len > 0 && name.len <= SPEC_IDENT_MAX;

    for (size_t i = 0; good && i < name.len; i++) {
        good = ident_char(name.ptr[i], i == 0);
    }
    if (!good) {
        yaml_fault_key(l->f, n,
                       "%s \"%.*s\" must be 1 to %d letters, digits and _, "
                       "and not begin with a digit",
                       what, SLICE_FMT(name), SPEC_IDENT_MAX);
    }
}

static void read_tables(struct spec_loader *l, const struct yaml_node *n)
{
    const struct yaml_node *c;

    if (n == NULL || !yaml_expect(n, YAML_MAPPING, "tables", l->f)) {
        return;
    }
    if (n->count == 0 || n->count > SPEC_TABLES_MAX) {
        yaml_fault(l->f, n, "tables must hold 1 to %d tables, not %zu",
                   SPEC_TABLES_MAX, n->count);
        return;
    }
    l->s->tables = spec_alloc(l, n->count, sizeof(*l->s->tables));
    for (c = n->first; c != NULL && !l->failed; c = c->next) {
        struct spec_table *t = &l->s->tables[l->s->ntables++];

        t->name = c->key.ptr;
        spec_ident_check(l, c, c->key, "table");
        spec_table_read(l, c, t);
    }
}

/* Every value of --set as a small document of its own. */
static void parse_sets(struct spec_loader *l)
{
    struct err e;

    if (l->set->n > SPEC_SETS_MAX) {
        faults_add(l->f, (struct fault_place){NULL, 0, 0},
                   "more than %d settings by --set", SPEC_SETS_MAX);
        return;
    }
    for (size_t i = 0; i < l->set->n; i++) {
        struct slice value = l->set->at[i];
        struct slice name;

        if (!slice_cut(&value, '=', &name)) {
            faults_add(l->f, (struct fault_place){NULL, 0, 0},
                       "--set \"%.*s\" must be of the form table.key=value",
                       SLICE_FMT(name));
            value = SLICE("null");
            l->mem->set_used[i] = true;
        }
        if (yaml_parse(&l->mem->set_docs[i], "--set", value, &e) != 0) {
            if (e.code == ERR_NOMEM) {
                *l->e = e;
                l->failed = true;
                return;
            }
            faults_add(l->f, (struct fault_place){NULL, 0, 0}, "%s", e.msg);
            (void)memset(&l->mem->set_docs[i], 0, sizeof(struct yaml_doc));
            l->mem->set_used[i] = true;
        }
        l->mem->nsets = i + 1;
    }
}

static void check_sets(struct spec_loader *l)
{
    const char *words[SPEC_TABLES_MAX];

    for (size_t i = 0; i < l->s->ntables; i++) {
        words[i] = l->s->tables[i].name;
    }
    for (size_t i = 0; i < l->set->n && i < l->mem->nsets; i++) {
        struct slice rest = l->set->at[i];
        struct slice table;

        if (!l->mem->set_used[i]) {
            (void)slice_cut(&rest, '.', &table);
            faults_unknown(l->f, (struct fault_place){"--set", 0, 0}, "table",
                           table, words, l->s->ntables);
        }
    }
}

static void read_spec(struct spec_loader *l, const char *file)
{
    static const char *const keys[] = {"tables", "tests", "title"};
    const struct yaml_node *root = l->mem->doc.root;
    struct slice name;

    if (arena_copy(&l->mem->arena, slice_of(file), &name, l->e) != 0) {
        l->failed = true;
        return;
    }
    l->s->file = name.ptr;
    if (root == NULL || root->kind != YAML_MAPPING) {
        faults_add(l->f, (struct fault_place){file, 1, 1},
                   "a cleaning spec must be a mapping with "
                   "the key \"tables\"");
        return;
    }
    yaml_known_keys(root, keys, ARRAY_LEN(keys), l->f);
    (void)yaml_text(yaml_get(root, "title"), "title", l->f, &l->s->title);
    if (yaml_get(root, "tables") == NULL) {
        yaml_fault(l->f, root, "the key \"tables\" is missing");
    }
    parse_sets(l);
    read_tables(l, yaml_get(root, "tables"));
    if (!l->failed) {
        check_sets(l);
        spec_tests_read(l, yaml_get(root, "tests"));
    }
    if (!l->failed && l->f->count == 0) {
        spec_hash(l);
    }
}

int spec_load(struct spec **ret, struct slice text, const char *file,
              const struct spec_texts *set, struct faults *faults,
              struct err *e)
{
    static const struct spec_texts no_set = {0};
    struct err own = {0};
    struct spec_loader l = {
        .set = set != NULL ? set : &no_set, .f = faults, .e = &own};
    struct err parse;

    l.s = mem_zero(1, sizeof(*l.s));
    l.mem = mem_zero(1, sizeof(*l.mem));
    if (l.s == NULL || l.mem == NULL) {
        mem_free(l.mem);
        mem_free(l.s);
        return err_nomem(e, sizeof(*l.mem));
    }
    l.s->mem = l.mem;
    arena_init(&l.mem->arena, SPEC_ARENA_MAX);
    if (yaml_parse(&l.mem->doc, file, text, &parse) != 0) {
        (void)memset(&l.mem->doc, 0, sizeof(l.mem->doc));
        spec_free(l.s);
        if (parse.code != ERR_NOMEM) {
            faults_add(faults, (struct fault_place){NULL, 0, 0}, "%s",
                       parse.msg);
        }
        return err_set(e, parse.code, "%s", parse.msg);
    }
    read_spec(&l, file);
    if (l.failed) {
        spec_free(l.s);
        return err_set(e, own.code, "%s", own.msg);
    }
    if (faults->count > 0) {
        spec_free(l.s);
        return faults_err(faults, e);
    }
    *ret = l.s;
    return 0;
}

void spec_free(struct spec *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->mem->nsets; i++) {
        yaml_release(&s->mem->set_docs[i]);
    }
    yaml_release(&s->mem->doc);
    arena_release(&s->mem->arena);
    mem_free(s->mem);
    mem_free(s);
}

const struct spec_table *spec_topic_table(const struct spec *s,
                                          struct slice topic)
{
    for (size_t i = 0; i < s->ntables; i++) {
        const struct spec_texts *t = &s->tables[i].topics;

        for (size_t k = 0; k < t->n; k++) {
            if (text_glob(t->at[k].ptr, topic)) {
                return &s->tables[i];
            }
        }
    }
    return NULL;
}

int spec_table(const struct spec *s, const char *name,
               const struct spec_table **ret, struct err *e)
{
    const char *words[SPEC_TABLES_MAX];
    const char *near;

    for (size_t i = 0; i < s->ntables; i++) {
        if (strcmp(s->tables[i].name, name) == 0) {
            *ret = &s->tables[i];
            return 0;
        }
        words[i] = s->tables[i].name;
    }
    near = text_nearest(slice_of(name), words, s->ntables);
    return err_set(e, ERR_INVALID, "%s has no table \"%s\"%s%s%s", s->file,
                   name, near ? "; did you mean \"" : "", near ? near : "",
                   near ? "\"?" : "");
}

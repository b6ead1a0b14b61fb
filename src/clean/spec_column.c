#include <math.h>
#include <string.h>

#include "clean/spec_int.h"

enum attr_kind {
    ATTR_BOOL,
    ATTR_TEXT,
    ATTR_TEXTS,
    ATTR_OWN
};

static void read_type(struct spec_loader *l, const struct yaml_node *n,
                      struct spec_column *c)
{
    static const char *const words[] = {
#define XX(name, word, col) word,
        SPEC_TYPE_MAP(XX)
#undef XX
    };
    size_t i;

    if (yaml_choice(n, "type", words, ARRAY_LEN(words), l->f, &i)) {
        c->type = (enum spec_type)i;
    }
}

static void read_on_error(struct spec_loader *l, const struct yaml_node *n,
                          struct spec_column *c)
{
    static const char *const words[] = {"null", "reject", "stop"};
    size_t i;

    if (yaml_choice(n, "on_error", words, ARRAY_LEN(words), l->f, &i)) {
        c->on_error = (enum spec_on_error)i;
    }
}

static void read_comment(struct spec_loader *l, const struct yaml_node *n,
                         struct spec_column *c)
{
    (void)yaml_text(n, "comment", l->f, &c->comment);
}

static void read_pair(struct spec_loader *l, const struct yaml_node *n,
                      struct spec_range *r)
{
    double low, high;

    if (n->kind != YAML_SEQUENCE || n->count != 2) {
        yaml_fault(l->f, n,
                   "range must be [lowest, highest], or a list of "
                   "one such pair a part");
        return;
    }
    assert(n->first != NULL);
    if (!yaml_double(n->first, "lowest value", l->f, &low) ||
        !yaml_double(n->first->next, "highest value", l->f, &high)) {
        return;
    }
    if (low > high) {
        yaml_fault(l->f, n, "range begins above its end");
        return;
    }
    *r = (struct spec_range){true, low, high};
}

static void read_range(struct spec_loader *l, const struct yaml_node *n,
                       struct spec_column *c)
{
    size_t i = 0;

    memset(c->range, 0, sizeof(c->range));
    if (yaml_is_null(n)) {
        return;
    }
    if (n->kind != YAML_SEQUENCE || n->first == NULL ||
        n->first->kind != YAML_SEQUENCE) {
        read_pair(l, n, &c->range[0]);
        return;
    }
    if (n->count > SPEC_NAMES_MAX) {
        yaml_fault(l->f, n, "range has more than %d pairs", SPEC_NAMES_MAX);
        return;
    }
    for (const struct yaml_node *p = n->first; p != NULL; p = p->next) {
        read_pair(l, p, &c->range[i++]);
    }
}

static void read_also_null(struct spec_loader *l, const struct yaml_node *n,
                           struct spec_column *c)
{
    struct spec_texts more = {0};
    struct slice *at;

    spec_texts_read(l, n, "also_null", &more);
    at = spec_alloc(l, c->nulls.n + more.n, sizeof(*at));
    if (at == NULL) {
        return;
    }
    for (size_t i = 0; i < c->nulls.n; i++) {
        at[i] = c->nulls.at[i];
    }
    for (size_t i = 0; i < more.n; i++) {
        at[c->nulls.n + i] = more.at[i];
    }
    c->nulls = (struct spec_texts){at, c->nulls.n + more.n};
}

struct attr {
    const char *name;
    enum attr_kind kind;
    size_t offset; /* in struct spec_column */
    void (*read)(struct spec_loader *l, const struct yaml_node *n,
                 struct spec_column *c);
};

/* What a column may say, in alphabetical order. */
static const struct attr attrs[] = {
    {"also_null", ATTR_OWN, 0, read_also_null},
    {"ascii", ATTR_BOOL, offsetof(struct spec_column, ascii), NULL},
    {"comment", ATTR_OWN, 0, read_comment},
    {"drop", ATTR_BOOL, offsetof(struct spec_column, drop), NULL},
    {"from", ATTR_TEXTS, offsetof(struct spec_column, from), NULL},
    {"join", ATTR_TEXT, offsetof(struct spec_column, join), NULL},
    {"join_letters", ATTR_BOOL, offsetof(struct spec_column, join_letters),
     NULL},
    {"null", ATTR_TEXTS, offsetof(struct spec_column, nulls), NULL},
    {"on_error", ATTR_OWN, 0, read_on_error},
    {"parts", ATTR_TEXTS, offsetof(struct spec_column, parts), NULL},
    {"range", ATTR_OWN, 0, read_range},
    {"required", ATTR_BOOL, offsetof(struct spec_column, required), NULL},
    {"skip_null", ATTR_BOOL, offsetof(struct spec_column, skip_null), NULL},
    {"split", ATTR_TEXT, offsetof(struct spec_column, split), NULL},
    {"strip_each", ATTR_TEXT, offsetof(struct spec_column, strip_each), NULL},
    {"strip_prefix", ATTR_TEXTS, offsetof(struct spec_column, strip_prefix),
     NULL},
    {"type", ATTR_OWN, 0, read_type},
};

static void read_attr(struct spec_loader *l, const struct attr *a,
                      const struct yaml_node *n, struct spec_column *c)
{
    char *at = (char *)c + a->offset;
    const char *text;

    switch (a->kind) {
    case ATTR_BOOL:
        (void)yaml_bool(n, a->name, l->f, (bool *)(void *)at);
        break;
    case ATTR_TEXT:
        if (yaml_text(n, a->name, l->f, &text)) {
            *(struct slice *)(void *)at = n->text;
        }
        break;
    case ATTR_TEXTS:
        spec_texts_read(l, n, a->name, (struct spec_texts *)(void *)at);
        break;
    case ATTR_OWN:
        a->read(l, n, c);
        break;
    }
}

void spec_column_attr(struct spec_loader *l, const struct yaml_node *n,
                      struct slice name, struct spec_column *c)
{
    const char *words[ARRAY_LEN(attrs)];

    for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
        if (slice_is(name, attrs[i].name)) {
            read_attr(l, &attrs[i], n, c);
            return;
        }
        words[i] = attrs[i].name;
    }
    faults_unknown(l->f,
                   (struct fault_place){n->file,
                                        n->key_line > 0 ? n->key_line : n->line,
                                        n->key_column},
                   "key", name, words, ARRAY_LEN(words));
}

void spec_column_read(struct spec_loader *l, const struct yaml_node *n,
                      struct spec_column *c)
{
    if (!yaml_expect(n, YAML_MAPPING, "a column", l->f)) {
        return;
    }
    for (const struct yaml_node *a = n->first; a != NULL && !l->failed;
         a = a->next) {
        spec_column_attr(l, a, a->key, c);
    }
}

static bool is_text(const struct spec_column *c)
{
    return c->type == SPEC_TEXT || c->type == SPEC_TEXTS;
}

static bool is_whole(const struct spec_column *c)
{
    return c->type == SPEC_INT || c->type == SPEC_BIGINT ||
           c->type == SPEC_COUNT;
}

static void check_parts(struct spec_loader *l, const struct yaml_node *n,
                        const struct spec_column *c)
{
    bool list = c->type == SPEC_DOUBLES || c->type == SPEC_POINT;

    if (c->parts.n > SPEC_NAMES_MAX || c->from.n > SPEC_NAMES_MAX) {
        yaml_fault_key(l->f, n, "column \"%s\" has more than %d names", c->name,
                       SPEC_NAMES_MAX);
    }
    if (list && c->parts.n == 0) {
        yaml_fault_key(l->f, n,
                       "column \"%s\" of type %s needs parts: the fields it "
                       "is made of",
                       c->name, spec_type_word(c->type));
    }
    if (c->type == SPEC_POINT && c->parts.n != 2 && c->parts.n != 0) {
        yaml_fault_key(l->f, n, "column \"%s\" of type struct needs two parts",
                       c->name);
    }
    if (c->parts.n > 0 && !list && c->type != SPEC_TEXT) {
        yaml_fault_key(l->f, n,
                       "column \"%s\" of type %s cannot have parts; text, "
                       "double[] and struct can",
                       c->name, spec_type_word(c->type));
    }
    if (c->parts.n > 0 && (c->required || c->nulls.n > 0)) {
        yaml_fault_key(l->f, n,
                       "column \"%s\" has parts and so cannot be required or "
                       "have null texts",
                       c->name);
    }
    if (c->parts.n == 0 && (c->join.len > 0 || c->skip_null)) {
        yaml_fault_key(l->f, n,
                       "column \"%s\" says join or skip_null but has no parts",
                       c->name);
    }
}

static void check_ranges(struct spec_loader *l, const struct yaml_node *n,
                         const struct spec_column *c)
{
    size_t values = c->parts.n > 0 ? c->parts.n : 1;

    for (size_t i = 0; i < SPEC_NAMES_MAX; i++) {
        const struct spec_range *r = &c->range[i];

        if (!r->set) {
            continue;
        }
        if (i >= values || is_text(c) || c->type == SPEC_TIMESTAMP) {
            yaml_fault_key(l->f, n,
                           "column \"%s\" has a range that no number of it "
                           "goes with",
                           c->name);
            return;
        }
        if (is_whole(c) &&
            (floor(r->low) < r->low || floor(r->high) < r->high ||
             fabs(r->low) > 9e15 || fabs(r->high) > 9e15)) {
            yaml_fault_key(l->f, n,
                           "column \"%s\" is a whole number, its range is not",
                           c->name);
        }
    }
}

void spec_column_check(struct spec_loader *l, const struct yaml_node *n,
                       struct spec_column *c)
{
    bool shapes = c->strip_prefix.n > 0 || c->strip_each.len > 0 ||
                  c->join_letters || c->ascii;

    check_parts(l, n, c);
    check_ranges(l, n, c);
    if (shapes && (!is_text(c) || c->parts.n > 0)) {
        yaml_fault_key(l->f, n,
                       "column \"%s\" says strip_prefix, strip_each, "
                       "join_letters or ascii: those are for text from one "
                       "field",
                       c->name);
    }
    if (c->type == SPEC_TEXTS && c->split.len == 0) {
        c->split = SLICE(",");
    }
    if (c->split.len > 0 &&
        (c->type != SPEC_TEXTS || c->split.len != 1 ||
         (unsigned char)c->split.ptr[0] > 0x7F || c->split.ptr[0] < ' ')) {
        yaml_fault_key(l->f, n,
                       "column \"%s\": split must be one ASCII character and "
                       "is for text[]",
                       c->name);
    }
    if (c->required && c->drop) {
        yaml_fault_key(l->f, n,
                       "column \"%s\" is required and so cannot be dropped",
                       c->name);
    }
    for (size_t i = 0; i < c->nulls.n; i++) {
        c->nulls.at[i] = slice_trim(c->nulls.at[i]);
    }
}

#include <string.h>

#include "clean/spec_int.h"
#include "core/num.h"

/* The setting i when its name is PREFIX.REST; REST in *rest. */
static bool set_names(const struct spec_loader *l, size_t i, const char *table,
                      struct slice *rest)
{
    struct slice value = l->set->at[i];
    struct slice name, head;

    (void)slice_cut(&value, '=', &name);
    if (!slice_cut(&name, '.', &head) || !slice_is(head, table)) {
        return false;
    }
    *rest = name;
    return true;
}

static void find_keys(struct spec_loader *l, const struct yaml_node *n,
                      struct spec_table *t)
{
    const struct spec_column *key = NULL;

    for (size_t i = 0; i < t->ncolumns && key == NULL; i++) {
        key = t->columns[i].required ? &t->columns[i] : NULL;
    }
    if (key == NULL) {
        yaml_fault_key(l->f, n,
                       "table \"%s\" needs a column with required: true; its "
                       "names mark a record",
                       t->name);
        return;
    }
    for (size_t i = 0; i < key->from.n && i < SPEC_NAMES_MAX; i++) {
        t->keys[t->nkeys++] = key->from.at[i].ptr;
    }
}

static int field_number(struct spec_loader *l, const struct yaml_node *n,
                        struct spec_table *t, struct slice name)
{
    for (size_t i = 0; i < t->nfields; i++) {
        if (slice_is(name, t->fields[i])) {
            return (int)i;
        }
    }
    if (t->nfields == SPEC_FIELDS_MAX) {
        yaml_fault_key(l->f, n, "table \"%s\" reads more than %d fields",
                       t->name, SPEC_FIELDS_MAX);
        return 0;
    }
    t->fields[t->nfields] = name.ptr;
    return (int)t->nfields++;
}

static void number_fields(struct spec_loader *l, const struct yaml_node *n,
                          struct spec_table *t)
{
    for (size_t i = 0; i < t->ncolumns; i++) {
        struct spec_column *c = &t->columns[i];
        const struct spec_texts *names = c->parts.n > 0 ? &c->parts : &c->from;

        for (size_t k = 0; k < names->n && k < SPEC_NAMES_MAX; k++) {
            if (names->at[k].ptr == NULL || names->at[k].len == 0) {
                yaml_fault_key(l->f, n, "column \"%s\" has an empty field name",
                               c->name);
                continue;
            }
            c->fields[k] = field_number(l, n, t, names->at[k]);
        }
    }
}

static void make_defs(struct spec_loader *l, const struct yaml_node *n,
                      struct spec_table *t)
{
    static const struct col_def provenance[] = {
        {.name = "topic",
         .type = COL_TEXT,
         .comment = "topic that the record came from"},
        {.name = "partition", .type = COL_INT32, .comment = "its partition"},
        {.name = "offset", .type = COL_INT64, .comment = "its offset"},
        {.name = "ingest_time",
         .type = COL_TIMESTAMP,
         .comment = "when it was stored"},
    };
    static const enum col_type types[] = {
#define XX(name, word, col) col,
        SPEC_TYPE_MAP(XX)
#undef XX
    };
    size_t room = t->ncolumns + ARRAY_LEN(provenance);

    t->defs = spec_alloc(l, room, sizeof(*t->defs));
    for (size_t i = 0; i < t->ncolumns && !l->failed; i++) {
        const struct spec_column *c = &t->columns[i];

        if (!c->drop) {
            struct col_def *d = &t->defs[t->ndefs++];

            *d = (struct col_def){
                .name = c->name, .type = types[c->type], .comment = c->comment};
            if (c->type == SPEC_POINT && c->parts.n == 2) {
                d->fields[0] = c->parts.at[0].ptr;
                d->fields[1] = c->parts.at[1].ptr;
            }
        }
    }
    t->nvalues = t->ndefs;
    for (size_t i = 0; t->provenance && i < ARRAY_LEN(provenance) && !l->failed;
         i++) {
        for (size_t k = 0; k < t->nvalues; k++) {
            if (strcmp(t->defs[k].name, provenance[i].name) == 0) {
                yaml_fault_key(l->f, n,
                               "column \"%s\" has the name of a provenance "
                               "column",
                               t->defs[k].name);
            }
        }
        t->defs[t->ndefs++] = provenance[i];
    }
}

static void dedup_by(struct spec_loader *l, const struct yaml_node *n,
                     struct spec_table *t)
{
    const char *words[SPEC_COLUMNS_MAX];
    struct spec_texts by = {0};

    spec_texts_read(l, n, "by", &by);
    for (size_t i = 0; i < t->nvalues; i++) {
        words[i] = t->defs[i].name;
    }
    for (size_t i = 0; i < by.n; i++) {
        size_t k = 0;

        while (k < t->nvalues && !slice_is(by.at[i], words[k])) {
            k++;
        }
        if (k == t->nvalues) {
            faults_unknown(l->f, yaml_place(n), "column", by.at[i], words,
                           t->nvalues);
        } else if (t->ndedup_cols < SPEC_COLUMNS_MAX) {
            t->dedup_cols[t->ndedup_cols++] = (int)k;
        }
    }
    if (by.n == 0) {
        yaml_fault(l->f, n, "by must name at least one column");
    }
}

static void read_dedup(struct spec_loader *l, const struct yaml_node *n,
                       struct spec_table *t)
{
    static const char *const modes[] = {"row", "first", "last", "raw", "none"};
    static const char *const simple[] = {"row", "raw", "none"};
    static const char *const keeps[] = {"first", "last"};
    static const char *const keys[] = {"by", "keep"};
    size_t i;

    t->dedup = SPEC_DEDUP_ROW;
    t->ndedup_cols = 0;
    if (n == NULL) {
        return;
    }
    if (n->kind == YAML_MAPPING) {
        yaml_known_keys(n, keys, ARRAY_LEN(keys), l->f);
        if (yaml_get(n, "by") == NULL || yaml_get(n, "keep") == NULL) {
            yaml_fault(l->f, n,
                       "deduplicate by columns needs both keep: "
                       "first or last and by: [columns]");
            return;
        }
        if (yaml_choice(yaml_get(n, "keep"), "keep", keeps, 2, l->f, &i)) {
            t->dedup = i == 0 ? SPEC_DEDUP_FIRST : SPEC_DEDUP_LAST;
        }
        dedup_by(l, yaml_get(n, "by"), t);
        return;
    }
    if (yaml_choice(n, "deduplicate", simple, ARRAY_LEN(simple), l->f, &i)) {
        for (size_t k = 0; k < ARRAY_LEN(modes); k++) {
            if (strcmp(modes[k], simple[i]) == 0) {
                t->dedup = (enum spec_dedup)k;
            }
        }
    }
}

static void read_max_rejects(struct spec_loader *l, const struct yaml_node *n,
                             struct spec_table *t)
{
    struct slice s;
    double share;
    int64_t count;

    t->max_rejects = -1;
    t->max_reject_share = 1;
    if (n == NULL || !yaml_expect(n, YAML_SCALAR, "max_rejects", l->f)) {
        return;
    }
    s = n->text;
    if (slice_is(s, "none")) {
        return;
    }
    if (s.len > 1 && s.ptr[s.len - 1] == '%' &&
        num_double((struct slice){s.ptr, s.len - 1}, &share) && share >= 0 &&
        share <= 100) {
        t->max_reject_share = share / 100;
    } else if (num_i64(s, &count) && count >= 0) {
        t->max_rejects = count;
    } else {
        yaml_fault(l->f, n,
                   "max_rejects must be none, a number of records or a share "
                   "such as 5%%, not \"%.*s\"",
                   SLICE_FMT(s));
    }
}

static struct spec_column *column_named(struct spec_table *t, struct slice name)
{
    for (size_t i = 0; i < t->ncolumns; i++) {
        if (slice_is(name, t->columns[i].name)) {
            return &t->columns[i];
        }
    }
    return NULL;
}

static void unknown_column(struct spec_loader *l, const struct yaml_node *n,
                           const struct spec_table *t, struct slice name)
{
    const char *words[SPEC_COLUMNS_MAX];

    for (size_t i = 0; i < t->ncolumns; i++) {
        words[i] = t->columns[i].name;
    }
    faults_unknown(l->f, yaml_key_place(n), "column", name, words, t->ncolumns);
}

static void read_columns(struct spec_loader *l, const struct yaml_node *n,
                         struct spec_table *t)
{
    if (!yaml_expect(n, YAML_MAPPING, "columns", l->f)) {
        return;
    }
    if (n->count == 0 || n->count > SPEC_COLUMNS_MAX) {
        yaml_fault(l->f, n, "columns must hold 1 to %d columns, not %zu",
                   SPEC_COLUMNS_MAX, n->count);
        return;
    }
    t->columns = spec_alloc(l, n->count, sizeof(*t->columns));
    for (const struct yaml_node *c = n->first; c != NULL && !l->failed;
         c = c->next) {
        struct spec_column *col = &t->columns[t->ncolumns++];

        col->name = c->key.ptr;
        col->line = c->key_line;
        col->type = SPEC_TEXT;
        spec_ident_check(l, c, c->key, "column");
        spec_column_read(l, c, col);
        if (c->kind == YAML_MAPPING && yaml_get(c, "type") == NULL) {
            yaml_fault_key(l->f, c, "column \"%s\" has no type", col->name);
        }
    }
}

/* Lay what an option says over the columns, or over copies of them, so that
 * the faults of an option that is off are seen too. */
static void lay_option(struct spec_loader *l, const struct yaml_node *n,
                       struct spec_table *t, bool on)
{
    const struct yaml_node *cols = yaml_get(n, "columns");

    if (cols == NULL || !yaml_expect(cols, YAML_MAPPING, "columns", l->f)) {
        return;
    }
    for (const struct yaml_node *c = cols->first; c != NULL && !l->failed;
         c = c->next) {
        struct spec_column *col = column_named(t, c->key);
        struct spec_column copy;

        if (col == NULL) {
            unknown_column(l, c, t, c->key);
            continue;
        }
        copy = *col;
        spec_column_read(l, c, on ? col : &copy);
    }
}

static void read_option(struct spec_loader *l, const struct yaml_node *n,
                        struct spec_table *t)
{
    static const char *const keys[] = {"about", "columns", "default"};
    struct spec_option *o = &l->s->options[l->s->noptions++];
    struct slice rest;

    *o = (struct spec_option){.table = t->name, .name = n->key.ptr};
    spec_ident_check(l, n, n->key, "option");
    if (!yaml_expect(n, YAML_MAPPING, "an option", l->f)) {
        return;
    }
    yaml_known_keys(n, keys, ARRAY_LEN(keys), l->f);
    (void)yaml_text(yaml_get(n, "about"), "about", l->f, &o->about);
    (void)yaml_bool(yaml_get(n, "default"), "default", l->f, &o->on);
    for (size_t i = 0; i < l->mem->nsets; i++) {
        const struct yaml_node *v = l->mem->set_docs[i].root;

        if (!l->mem->set_used[i] && set_names(l, i, t->name, &rest) &&
            slice_eq(rest, n->key) && v != NULL) {
            (void)yaml_bool(v, o->name, l->f, &o->on);
            l->mem->set_used[i] = true;
        }
    }
    lay_option(l, n, t, o->on);
}

static void read_options(struct spec_loader *l, const struct yaml_node *n,
                         struct spec_table *t)
{
    struct spec_option *all;

    if (n == NULL || !yaml_expect(n, YAML_MAPPING, "options", l->f)) {
        return;
    }
    all = spec_alloc(l, l->s->noptions + n->count, sizeof(*all));
    if (all == NULL) {
        return;
    }
    if (l->s->noptions > 0) {
        memcpy(all, l->s->options, l->s->noptions * sizeof(*all));
    }
    l->s->options = all;
    for (const struct yaml_node *c = n->first; c != NULL && !l->failed;
         c = c->next) {
        read_option(l, c, t);
    }
}

/* The table's own key as the file or the last --set has it. */
static const struct yaml_node *table_key(struct spec_loader *l,
                                         const struct yaml_node *n,
                                         const struct spec_table *t,
                                         const char *key)
{
    const struct yaml_node *v = yaml_get(n, key);
    struct slice rest;

    for (size_t i = 0; i < l->mem->nsets; i++) {
        if (!l->mem->set_used[i] && set_names(l, i, t->name, &rest) &&
            slice_is(rest, key) && l->mem->set_docs[i].root != NULL) {
            v = l->mem->set_docs[i].root;
            l->mem->set_used[i] = true;
        }
    }
    return v;
}

/* What is left of --set for this table is about columns. */
static void set_columns(struct spec_loader *l, struct spec_table *t)
{
    const char *words[SPEC_COLUMNS_MAX * 2];
    size_t nwords = 0;
    struct slice rest, head;

    for (size_t i = 0; i < l->s->noptions; i++) {
        if (l->s->options[i].table == t->name && nwords < SPEC_COLUMNS_MAX) {
            words[nwords++] = l->s->options[i].name;
        }
    }
    words[nwords++] = "deduplicate";
    words[nwords++] = "max_rejects";
    words[nwords++] = "provenance";
    for (size_t i = 0; i < l->mem->nsets; i++) {
        const struct yaml_node *v = l->mem->set_docs[i].root;
        struct spec_column *c;

        if (l->mem->set_used[i] || !set_names(l, i, t->name, &rest)) {
            continue;
        }
        l->mem->set_used[i] = true;
        if (!slice_cut(&rest, '.', &head)) {
            faults_unknown(l->f, (struct fault_place){"--set", 0, 0}, "option",
                           head, words, nwords);
            continue;
        }
        c = column_named(t, head);
        if (c == NULL || v == NULL) {
            struct yaml_node at = {.file = "--set"};

            unknown_column(l, &at, t, head);
            continue;
        }
        spec_column_attr(l, v, rest, c);
    }
}

/* A column without from: reads the field of its own name. */
static void default_from(struct spec_loader *l, struct spec_table *t)
{
    for (size_t i = 0; i < t->ncolumns; i++) {
        struct spec_column *c = &t->columns[i];

        if (c->from.n == 0 && c->parts.n == 0) {
            c->from.at = spec_alloc(l, 1, sizeof(*c->from.at));
            if (c->from.at != NULL) {
                c->from.at[0] = slice_of(c->name);
                c->from.n = 1;
            }
        }
    }
}

static void finish(struct spec_loader *l, const struct yaml_node *n,
                   struct spec_table *t)
{
    const struct yaml_node *c = yaml_get(n, "columns")->first;

    default_from(l, t);
    for (size_t i = 0; i < t->ncolumns && !l->failed; i++, c = c->next) {
        spec_column_check(l, c, &t->columns[i]);
    }
    find_keys(l, n, t);
    number_fields(l, n, t);
    make_defs(l, n, t);
}

void spec_table_read(struct spec_loader *l, const struct yaml_node *n,
                     struct spec_table *t)
{
    static const char *const keys[] = {"about",       "columns", "deduplicate",
                                       "max_rejects", "options", "provenance",
                                       "topics"};
    const struct yaml_node *cols = yaml_get(n, "columns");
    const struct yaml_node *topics = yaml_get(n, "topics");

    if (!yaml_expect(n, YAML_MAPPING, "a table", l->f)) {
        return;
    }
    yaml_known_keys(n, keys, ARRAY_LEN(keys), l->f);
    if (cols == NULL) {
        yaml_fault_key(l->f, n, "table \"%s\" has no columns", t->name);
        return;
    }
    if (topics != NULL) {
        spec_texts_read(l, topics, "topics", &t->topics);
    }
    read_columns(l, cols, t);
    if (l->failed || t->ncolumns == 0) {
        return;
    }
    read_options(l, yaml_get(n, "options"), t);
    read_max_rejects(l, table_key(l, n, t, "max_rejects"), t);
    (void)yaml_bool(table_key(l, n, t, "provenance"), "provenance", l->f,
                    &t->provenance);
    cols = table_key(l, n, t, "deduplicate");
    set_columns(l, t);
    finish(l, n, t);
    if (!l->failed) {
        read_dedup(l, cols, t);
    }
}

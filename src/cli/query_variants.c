#include "cli/query_int.h"

#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "record/batch_json.h"
#include "json/json.h"

enum {
    VARIANTS_MAX = 16,
    KEY_MAX = 1 << 20,
    ROWS_MAX = 1 << 24,
    COLUMNS_MAX = TABLE_COLUMNS_MAX
};

/* One way to answer: the default, or one parameter changed. */
struct variant {
    char name[80]; /* "ties=first"; "default" */
    struct frame f;
    struct slice *keys;   /* of each row: all columns but the last, as JSON */
    struct slice *values; /* of each row: the last column */
    uint32_t *slots;      /* open addressing: row + 1 by key; 0: free */
    size_t mask;
    bool differs;
};

struct variants {
    const struct query *q;
    const struct analysis *a;
    struct variant list[VARIANTS_MAX];
    size_t n;
    struct arena arena;
};

static int add(struct variants *v, const struct analysis_choice *c,
               struct engine *engine, struct err *e)
{
    struct analysis_choice choices[64];
    struct variant *x = &v->list[v->n];
    size_t n = 0;

    if (v->n == VARIANTS_MAX) {
        return err_set(e, ERR_LIMIT, "answer %s has more than %d variants",
                       v->a->id, VARIANTS_MAX);
    }
    for (size_t i = 0; i < v->q->nchoices && n < ARRAY_LEN(choices) - 1; i++) {
        choices[n++] = v->q->choices[i];
    }
    (void)snprintf(x->name, sizeof(x->name), "default");
    if (c != NULL) {
        if (engine == v->q->engine) { /* else cleaning has made it already */
            choices[n++] = *c;
        }
        (void)snprintf(x->name, sizeof(x->name), "%s=%s", c->name, c->value);
    }
    if (analysis_run(v->q->all, v->a, choices, n, engine, &x->f, e) < 0) {
        return -1;
    }
    v->n++;
    return 0;
}

/* A row's columns [from, to) as JSON, for comparing and showing. */
static int text_of(struct variants *v, const struct batch *rows, size_t row,
                   bool last, struct slice *ret, struct err *e)
{
    size_t n = rows->columns;
    struct buf b;
    int rc = -1;

    buf_init(&b, KEY_MAX);
    for (size_t i = last ? n - 1 : 0; i < (last ? n : n - 1); i++) {
        if ((b.len > 0 && buf_putc(&b, ',', e) < 0) ||
            batch_json_value(rows, i, row, &b, e) < 0) {
            goto out;
        }
    }
    rc = arena_copy(&v->arena, buf_slice(&b), ret, e);
out:
    buf_release(&b);
    return rc;
}

static size_t slot_of(const struct variant *x, struct slice key)
{
    struct hash_key seed;

    hash_key_seed(&seed, 1);
    return (size_t)hash_bytes(&seed, key).a & x->mask;
}

/* The first row of each key. */
static int index_keys(struct variants *v, struct variant *x, struct err *e)
{
    size_t rows = x->f.rows.rows;

    for (x->mask = 15; x->mask < 2 * rows; x->mask = 2 * x->mask + 1) {
    }
    x->slots = arena_alloc(&v->arena, (x->mask + 1) * sizeof(*x->slots), e);
    if (x->slots == NULL) {
        return -1;
    }
    memset(x->slots, 0, (x->mask + 1) * sizeof(*x->slots));
    for (size_t i = 0; i < rows; i++) {
        size_t at = slot_of(x, x->keys[i]);

        while (x->slots[at] != 0 &&
               !slice_eq(x->keys[x->slots[at] - 1], x->keys[i])) {
            at = (at + 1) & x->mask;
        }
        if (x->slots[at] == 0) {
            x->slots[at] = (uint32_t)i + 1;
        }
    }
    return 0;
}

static int index_rows(struct variants *v, struct variant *x, struct err *e)
{
    size_t rows = x->f.rows.rows;

    if (rows > ROWS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "answer %s has %zu rows with %s; variants are compared "
                       "up to %d",
                       v->a->id, rows, x->name, ROWS_MAX);
    }
    x->keys = arena_alloc(&v->arena, (rows + 1) * sizeof(*x->keys), e);
    x->values = arena_alloc(&v->arena, (rows + 1) * sizeof(*x->values), e);
    if (x->keys == NULL || x->values == NULL) {
        return -1;
    }
    for (size_t i = 0; i < rows; i++) {
        if (text_of(v, &x->f.rows, i, false, &x->keys[i], e) < 0 ||
            text_of(v, &x->f.rows, i, true, &x->values[i], e) < 0) {
            return -1;
        }
    }
    return index_keys(v, x, e);
}

/* A row of a key; rows when there is none.  Rows come in much the same order,
 * so the row behind the last one found is tried first, which also tells rows
 * of one key apart. */
static size_t find(const struct variant *x, struct slice key, size_t *hint)
{
    size_t rows = x->f.rows.rows;
    size_t found = rows;

    if (*hint < rows && slice_eq(x->keys[*hint], key)) {
        found = *hint;
    }
    for (size_t at = slot_of(x, key); found == rows && x->slots[at] != 0;
         at = (at + 1) & x->mask) {
        if (slice_eq(x->keys[x->slots[at] - 1], key)) {
            found = x->slots[at] - 1;
        }
    }
    if (found < rows) {
        *hint = found + 1;
    }
    return found;
}

static void compare(struct variants *v)
{
    const struct variant *first = &v->list[0];

    for (size_t k = 1; k < v->n; k++) {
        struct variant *x = &v->list[k];

        x->differs = x->f.rows.rows != first->f.rows.rows ||
                     x->f.rows.columns != first->f.rows.columns;
        for (size_t i = 0; i < x->f.rows.rows && !x->differs; i++) {
            x->differs = !slice_eq(x->keys[i], first->keys[i]) ||
                         !slice_eq(x->values[i], first->values[i]);
        }
    }
}

/* --- as JSON --------------------------------------------------------------------------- */

static int put_json(const struct variants *v, struct buf *b, struct err *e)
{
    bool any = false;

    if (buf_putc(b, '{', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < v->n; i++) {
        if (json_print_text(b, slice_of(v->list[i].name), e) < 0 ||
            buf_putc(b, ':', e) < 0 ||
            batch_json_rows(&v->list[i].f.rows, b, e) < 0 ||
            buf_putc(b, ',', e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "\"differs\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 1; i < v->n; i++) {
        if (v->list[i].differs &&
            ((any && buf_putc(b, ',', e) < 0) ||
             json_print_text(b, slice_of(v->list[i].name), e) < 0)) {
            return -1;
        }
        any = any || v->list[i].differs;
    }
    return buf_puts(b, "]}", e);
}

/* --- as a table ------------------------------------------------------------------------- */

static struct slice plain(struct slice json)
{
    return json.len >= 2 && json.ptr[0] == '"'
               ? (struct slice){json.ptr + 1, json.len - 2}
               : json;
}

/* One line: the key, what the default says, what each variant says. */
static int put_row(const struct variants *v, struct table *t,
                   const struct batch *rows, size_t row, struct slice key,
                   size_t *hints, struct err *e)
{
    struct slice first = SLICE("");
    struct buf b;
    int rc = -1;

    buf_init(&b, KEY_MAX);
    for (size_t i = 0; i + 1 < rows->columns; i++) {
        buf_clear(&b);
        if (batch_json_value(rows, i, row, &b, e) < 0 ||
            table_put(t, plain(buf_slice(&b)), e) < 0) {
            goto out;
        }
    }
    for (size_t k = 0; k < v->n; k++) {
        const struct variant *x = &v->list[k];
        size_t at = find(x, key, &hints[k]);
        struct slice value = at < x->f.rows.rows ? x->values[at] : SLICE("-");

        if (k == 0) {
            first = value;
        }
        buf_clear(&b);
        if (buf_append(&b, plain(value), e) < 0 ||
            (!slice_eq(value, first) && buf_puts(&b, " *", e) < 0) ||
            table_put(t, buf_slice(&b), e) < 0) {
            goto out;
        }
    }
    rc = 0;
out:
    buf_release(&b);
    return rc;
}

static int fill_table(const struct variants *v, struct table *t, struct err *e)
{
    size_t hints[VARIANTS_MAX] = {0};
    size_t seen_hint[VARIANTS_MAX] = {0};

    for (size_t k = 0; k < v->n; k++) {
        const struct variant *x = &v->list[k];

        for (size_t i = 0; i < x->f.rows.rows; i++) {
            bool shown = false;

            for (size_t j = 0; j < k && !shown; j++) {
                shown = find(&v->list[j], x->keys[i], &seen_hint[j]) <
                        v->list[j].f.rows.rows;
            }
            if (!shown &&
                put_row(v, t, &x->f.rows, i, x->keys[i], hints, e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int put_table(const struct variants *v, struct err *e)
{
    const struct batch *rows = &v->list[0].f.rows;
    const char *names[COLUMNS_MAX];
    struct table_style style = v->q->style;
    struct table t;
    size_t n = 0;
    int rc = -1;

    for (size_t i = 0; i + 1 < rows->columns; i++) {
        names[n++] = rows->defs[i].name;
    }
    for (size_t i = 0; i < v->n; i++) {
        names[n++] = v->list[i].name;
    }
    style.width = 0;
    table_init(&t, names, n);
    if (fill_table(v, &t, e) == 0 &&
        table_print(&t, &style, v->q->out, e) == 0) {
        rc = 0;
    }
    table_release(&t);
    return rc;
}

static int fill(struct variants *v, struct err *e)
{
    if (add(v, NULL, v->q->engine, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < v->a->nparams; i++) {
        const struct analysis_param *p = &v->a->params[i];

        for (size_t k = 1; k < p->n; k++) {
            const struct analysis_choice c = {p->name, p->choices[k]};

            if (add(v, &c, v->q->engine, e) < 0) {
                return -1;
            }
        }
    }
    if (v->q->raw != NULL) {
        const struct analysis_choice c = {"deduplicate", "none"};

        if (add(v, &c, v->q->raw, e) < 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < v->n; i++) {
        if (index_rows(v, &v->list[i], e) < 0) {
            return -1;
        }
    }
    compare(v);
    return 0;
}

int query_variants(const struct query *q, const struct analysis *a,
                   struct err *e)
{
    struct variants *v = mem_zero(1, sizeof(*v));
    int rc = -1;

    if (v == NULL) {
        return err_nomem(e, sizeof(*v));
    }
    v->q = q;
    v->a = a;
    arena_init(&v->arena, ANALYSIS_BYTES_MAX);
    if (fill(v, e) == 0) {
        rc = q->style.format == TABLE_JSON ? put_json(v, q->out, e)
                                           : put_table(v, e);
    }
    for (size_t i = 0; i < v->n; i++) {
        frame_release(&v->list[i].f);
    }
    arena_release(&v->arena);
    mem_free(v);
    return rc;
}

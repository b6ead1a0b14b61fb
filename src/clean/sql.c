#include "clean/sql.h"

#include <stdio.h>
#include <string.h>

#include "clean/sql_int.h"
#include "core/mem.h"

/*
 * The query is a chain of common table expressions: fields, then s0 with the
 * kind k, the trimmed text t, the text o and the value v of every part of every
 * column, then one expression a step of the longest program, each rewriting
 * the values whose program has that step; then the columns and, last,
 * deduplication.  A step sees only the names of the step before, so that no
 * text grows.
 */
enum {
    STEPS_MAX = OPS_MAX * OP_STEPS,
    NAME_MAX_LEN = 64,
    SQL_MAX = 16 << 20,
    SPEC_IDENT_TEXT = 80
};

struct step {
    const struct op *op;
    const char *form;
};

struct gen {
    const struct spec_table *t;
    enum sql_dialect d;
    const struct sql_words *w;
    struct buf *b;
    struct err *e;
};

static size_t parts_of(const struct spec_column *c)
{
    return c->parts.n > 0 ? c->parts.n : 1;
}

/* The steps of one part; 0 with the error set when one is C only. */
static size_t list_steps(const struct gen *g, const struct spec_column *c,
                         size_t part, struct step steps[STEPS_MAX])
{
    enum op_id ids[OPS_MAX];
    size_t nops = op_list(c, ids), n = 0;

    for (size_t i = 0; i < nops; i++) {
        const struct op *op = op_get(ids[i]);
        const char *const *forms = g->d == SQL_DUCKDB ? op->duckdb : op->spark;
        size_t nforms = op->args == OP_EACH ? 1 : OP_STEPS;

        if (forms[0] == NULL) {
            err_set(g->e, ERR_UNAVAILABLE,
                    "column \"%s\": the operation \"%s\" is done by C only",
                    c->name, op->name);
            return 0;
        }
        if (ids[i] == OP_RANGE && !c->range[part].set) {
            continue;
        }
        for (size_t k = 0; k < nforms && forms[k] != NULL; k++) {
            steps[n++] = (struct step){op, forms[k]};
        }
    }
    return n;
}

static int put(const struct gen *g, const char *text)
{
    return buf_puts(g->b, text, g->e);
}

/* The first field of a part that is not null, as kind (k) or text (x). */
static int put_first(const struct gen *g, const struct spec_column *c,
                     size_t part, char what)
{
    if (c->parts.n > 0 || c->from.n == 1) {
        return buf_putf(g->b, g->e, "%c%d", what, c->fields[part]);
    }
    if (put(g, "CASE") != 0) {
        return -1;
    }
    for (size_t i = 0; i < c->from.n; i++) {
        if (buf_putf(g->b, g->e, " WHEN k%d IS NOT NULL THEN %c%d",
                     c->fields[i], what, c->fields[i]) != 0) {
            return -1;
        }
    }
    return put(g, " END");
}

static int put_sources(const struct gen *g)
{
    if (put(g, ",\nfirst AS (\n  SELECT pos") != 0) {
        return -1;
    }
    for (size_t i = 0; i < g->t->ncolumns; i++) {
        const struct spec_column *c = &g->t->columns[i];

        for (size_t p = 0; p < parts_of(c); p++) {
            if (put(g, ",\n    ") != 0 || put_first(g, c, p, 'k') != 0 ||
                buf_putf(g->b, g->e, " AS k%zu_%zu, ", i, p) != 0 ||
                put_first(g, c, p, 'x') != 0 ||
                buf_putf(g->b, g->e, " AS o%zu_%zu", i, p) != 0) {
                return -1;
            }
        }
    }
    if (buf_putf(g->b, g->e, "\n  FROM %s),\ns0 AS (\n  SELECT *",
                 g->t->dedup == SPEC_DEDUP_RAW ? "once" : "fields") != 0) {
        return -1;
    }
    for (size_t i = 0; i < g->t->ncolumns; i++) {
        for (size_t p = 0; p < parts_of(&g->t->columns[i]); p++) {
            char x[NAME_MAX_LEN];
            struct sql_fill f = {.x = x};

            (void)snprintf(x, sizeof(x), "o%zu_%zu", i, p);
            if (buf_putf(g->b, g->e, ",\n    %s AS v%zu_%zu, ", x, i, p) != 0 ||
                sql_expand(g->w->trim, &f, g->b, g->e) != 0 ||
                buf_putf(g->b, g->e, " AS t%zu_%zu", i, p) != 0) {
                return -1;
            }
        }
    }
    return put(g, "\n  FROM first)");
}

/* The fields as they came, once each. */
static int put_once(const struct gen *g)
{
    if (put(g,
            ",\ncopies AS (\n  SELECT *, row_number() OVER (PARTITION BY ") !=
        0) {
        return -1;
    }
    for (size_t i = 0; i < g->t->nfields; i++) {
        if (buf_putf(g->b, g->e, "%sk%zu, x%zu", i > 0 ? ", " : "", i, i) !=
            0) {
            return -1;
        }
    }
    return put(g, " ORDER BY pos) AS copy\n  FROM fields),\n"
                  "once AS (SELECT * FROM copies WHERE copy = 1)");
}

/* One step's expression with its arguments filled in. */
static int put_step(const struct gen *g, size_t col, size_t part,
                    const struct step *step)
{
    char x[NAME_MAX_LEN], k[NAME_MAX_LEN], t[NAME_MAX_LEN];
    struct sql_fill f = {.x = x, .k = k, .t = t, .a = "{a}"};
    struct buf once, args;
    int rc = -1;

    (void)snprintf(x, sizeof(x), "v%zu_%zu", col, part);
    (void)snprintf(k, sizeof(k), "k%zu_%zu", col, part);
    (void)snprintf(t, sizeof(t), "t%zu_%zu", col, part);
    buf_init(&once, SQL_MAX);
    buf_init(&args, SQL_MAX);
    if (sql_args(g->w, g->d, step->op, &g->t->columns[col], part, &once,
                 g->e) == 0) {
        /* the arguments may name {x} themselves */
        if (once.len == 0) {
            rc = sql_expand(step->form, &f, g->b, g->e);
        } else if (buf_text(&once, &f.a, g->e) == 0) {
            const char *a = f.a;

            f.a = NULL;
            if (step->op->args == OP_EACH) {
                rc = sql_expand(a, &f, &args, g->e);
            } else {
                rc = buf_puts(&args, a, g->e);
            }
            if (rc == 0) {
                rc = buf_text(&args, &f.a, g->e);
            }
            if (rc == 0) {
                rc = sql_expand(step->form, &f, g->b, g->e);
            }
        }
    }
    buf_release(&once);
    buf_release(&args);
    return rc;
}

/* How many steps the longest chain of all columns has. */
static int count_steps(const struct gen *g, size_t *ret)
{
    struct step steps[STEPS_MAX];

    *ret = 0;
    for (size_t i = 0; i < g->t->ncolumns; i++) {
        for (size_t p = 0; p < parts_of(&g->t->columns[i]); p++) {
            size_t n = list_steps(g, &g->t->columns[i], p, steps);

            if (n == 0) {
                return -1;
            }
            *ret = n > *ret ? n : *ret;
        }
    }
    return 0;
}

/* Step number `at` of every column that has so many; the others stay. */
static int put_stage(const struct gen *g, size_t at)
{
    struct step steps[STEPS_MAX];

    if (buf_putf(g->b, g->e, ",\ns%zu AS (\n  SELECT pos", at + 1) != 0) {
        return -1;
    }
    for (size_t i = 0; i < g->t->ncolumns; i++) {
        for (size_t p = 0; p < parts_of(&g->t->columns[i]); p++) {
            size_t n = list_steps(g, &g->t->columns[i], p, steps);

            if (buf_putf(g->b, g->e, ",\n    k%zu_%zu, t%zu_%zu, o%zu_%zu, ", i,
                         p, i, p, i, p) != 0 ||
                (at < n && put_step(g, i, p, &steps[at]) != 0) ||
                (at < n && put(g, " AS ") != 0) ||
                buf_putf(g->b, g->e, "v%zu_%zu", i, p) != 0) {
                return -1;
            }
        }
    }
    return buf_putf(g->b, g->e, "\n  FROM s%zu)", at);
}

/* The chain of steps; *ret is the number of the last one. */
static int put_steps(const struct gen *g, size_t *ret)
{
    if (count_steps(g, ret) != 0) {
        return -1;
    }
    for (size_t at = 0; at < *ret; at++) {
        if (put_stage(g, at) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_text_parts(const struct gen *g, size_t i)
{
    const struct spec_column *c = &g->t->columns[i];
    const char *before = c->skip_null ? "nullif(concat_ws(" : "";

    if (put(g, before) != 0 ||
        (c->skip_null && sql_put_text(g->w, c->join, g->b, g->e) != 0)) {
        return -1;
    }
    for (size_t p = 0; p < c->parts.n; p++) {
        if (p > 0 && !c->skip_null &&
            (put(g, " || ") != 0 ||
             sql_put_text(g->w, c->join, g->b, g->e) != 0 ||
             put(g, " || ") != 0)) {
            return -1;
        }
        if (buf_putf(g->b, g->e, "%sv%zu_%zu", c->skip_null ? ", " : "", i,
                     p) != 0) {
            return -1;
        }
    }
    return put(g, c->skip_null ? "), '')" : "");
}

static int put_number_parts(const struct gen *g, size_t i)
{
    const struct spec_column *c = &g->t->columns[i];

    if (put(g, "CASE WHEN ") != 0) {
        return -1;
    }
    for (size_t p = 0; p < c->parts.n; p++) {
        if (buf_putf(g->b, g->e, "%sv%zu_%zu IS NULL", p > 0 ? " OR " : "", i,
                     p) != 0) {
            return -1;
        }
    }
    if (put(g, " THEN NULL ELSE ") != 0 ||
        put(g, c->type == SPEC_POINT
                   ? (g->d == SQL_DUCKDB ? "{" : "named_struct(")
                   : g->w->list[0]) != 0) {
        return -1;
    }
    for (size_t p = 0; p < c->parts.n; p++) {
        if ((p > 0 && put(g, ", ") != 0) ||
            (c->type == SPEC_POINT &&
             (sql_put_text(g->w, c->parts.at[p], g->b, g->e) != 0 ||
              put(g, g->d == SQL_DUCKDB ? ": " : ", ") != 0)) ||
            buf_putf(g->b, g->e, "v%zu_%zu", i, p) != 0) {
            return -1;
        }
    }
    return put(g, c->type == SPEC_POINT
                      ? (g->d == SQL_DUCKDB ? "} END" : ") END")
                      : g->w->list[2]) != 0 ||
                   (c->type != SPEC_POINT && put(g, " END") != 0)
               ? -1
               : 0;
}

static int put_columns(const struct gen *g)
{
    for (size_t i = 0; i < g->t->ncolumns; i++) {
        const struct spec_column *c = &g->t->columns[i];
        int rc;

        if (c->drop) {
            continue;
        }
        if (put(g, ",\n    ") != 0) {
            return -1;
        }
        if (c->parts.n == 0) {
            rc = buf_putf(g->b, g->e, "v%zu_0", i);
        } else if (c->type == SPEC_TEXT) {
            rc = put_text_parts(g, i);
        } else {
            rc = put_number_parts(g, i);
        }
        if (rc != 0 || put(g, " AS ") != 0 ||
            sql_put_name(g->w, c->name, g->b, g->e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A record with such a value is no row: the other way round. */
static int put_no_error(const struct gen *g, size_t i, size_t p)
{
    const struct spec_column *c = &g->t->columns[i];
    const struct op *text = op_get(OP_TEXT);
    char x[NAME_MAX_LEN], k[NAME_MAX_LEN];
    struct sql_fill f = {.x = x, .k = k};

    (void)snprintf(x, sizeof(x), "o%zu_%zu", i, p);
    (void)snprintf(k, sizeof(k), "k%zu_%zu", i, p);
    if (buf_putf(g->b, g->e, " AND (%s IS NULL OR ", k) != 0) {
        return -1;
    }
    if (c->type == SPEC_TEXT || c->type == SPEC_TEXTS) {
        return sql_expand(g->d == SQL_DUCKDB ? text->duckdb[0] : text->spark[0],
                          &f, g->b, g->e) != 0
                   ? -1
                   : put(g, " IS NOT NULL)");
    }
    if (buf_putf(g->b, g->e, "v%zu_%zu IS NOT NULL", i, p) != 0) {
        return -1;
    }
    if (c->nulls.n > 0 &&
        (buf_putf(g->b, g->e, " OR (%s = 'string' AND t%zu_%zu IN (", k, i,
                  p) != 0 ||
         sql_args(g->w, g->d, op_get(OP_NULL), c, p, g->b, g->e) != 0 ||
         put(g, "))") != 0)) {
        return -1;
    }
    return put(g, ")");
}

static int put_where(const struct gen *g)
{
    if (put(g, "\n  WHERE true") != 0) {
        return -1;
    }
    for (size_t i = 0; i < g->t->ncolumns; i++) {
        const struct spec_column *c = &g->t->columns[i];

        if (c->required &&
            buf_putf(g->b, g->e, " AND v%zu_0 IS NOT NULL", i) != 0) {
            return -1;
        }
        for (size_t p = 0; c->on_error == SPEC_REJECT && p < parts_of(c); p++) {
            if (put_no_error(g, i, p) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int put_names(const struct gen *g)
{
    for (size_t i = 0; i < g->t->nvalues; i++) {
        if ((i > 0 && put(g, ", ") != 0) ||
            sql_put_name(g->w, g->t->defs[i].name, g->b, g->e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_dedup(const struct gen *g)
{
    bool by_key = g->t->ndedup_cols > 0;

    if (by_key) {
        if (put(g, ",\nplaced AS (\n  SELECT *, row_number() OVER (PARTITION "
                   "BY ") != 0) {
            return -1;
        }
        for (size_t i = 0; i < g->t->ndedup_cols; i++) {
            if ((i > 0 && put(g, ", ") != 0) ||
                sql_put_name(g->w, g->t->defs[g->t->dedup_cols[i]].name, g->b,
                             g->e) != 0) {
                return -1;
            }
        }
        if (buf_putf(g->b, g->e, " ORDER BY pos%s) AS place\n  FROM cleaned)",
                     g->t->dedup == SPEC_DEDUP_LAST ? " DESC" : "") != 0) {
            return -1;
        }
    }
    return put(g, g->t->dedup == SPEC_DEDUP_ROW ? "\nSELECT DISTINCT "
                                                : "\nSELECT ") != 0 ||
                   put_names(g) != 0 ||
                   put(g, by_key ? "\nFROM placed WHERE place = 1"
                                 : "\nFROM cleaned") != 0
               ? -1
               : 0;
}

static int check(const struct spec_table *t, struct err *e)
{
    if (t->provenance) {
        return err_set(e, ERR_UNAVAILABLE,
                       "table \"%s\": provenance is done by C only, since "
                       "decoded records do not carry it; --set "
                       "%s.provenance=off",
                       t->name, t->name);
    }
    for (size_t i = 0; i < t->ncolumns; i++) {
        if (t->columns[i].on_error == SPEC_STOP) {
            return err_set(e, ERR_UNAVAILABLE,
                           "column \"%s\": on_error: stop is done by C only",
                           t->columns[i].name);
        }
    }
    return 0;
}

int sql_query(const struct spec_table *t, enum sql_dialect d, struct buf *b,
              struct err *e)
{
    struct gen g = {t, d, sql_words(d), b, e};
    size_t last;

    if (check(t, e) != 0 || buf_puts(b, "WITH ", e) != 0 ||
        sql_fields(t, d, b, e) != 0 ||
        (t->dedup == SPEC_DEDUP_RAW && put_once(&g) != 0) ||
        put_sources(&g) != 0 || put_steps(&g, &last) != 0 ||
        buf_puts(b, ",\ncleaned AS (\n  SELECT pos", e) != 0 ||
        put_columns(&g) != 0 || buf_putf(b, e, "\n  FROM s%zu", last) != 0 ||
        put_where(&g) != 0 || buf_puts(b, ")", e) != 0 || put_dedup(&g) != 0) {
        return -1;
    }
    return 0;
}

int sql_input(enum sql_dialect d, const char *path, struct buf *b,
              struct err *e)
{
    const struct sql_words *w = sql_words(d);
    struct sql_fill f = {0};
    struct buf q;
    int rc = -1;

    buf_init(&q, 1 << 16);
    if ((d == SQL_SPARK ? buf_putf(&q, e, "`%s`", path)
                        : sql_put_text(w, slice_of(path), &q, e)) == 0 &&
        buf_text(&q, &f.q, e) == 0) {
        rc = sql_expand(w->read_file, &f, b, e);
    }
    buf_release(&q);
    return rc;
}

int sql_script(const struct spec *s, const struct spec_table *t,
               enum sql_dialect d, struct buf *b, struct err *e)
{
    const struct sql_words *w = sql_words(d);
    char path[SPEC_IDENT_TEXT];

    if (buf_putf(b, e,
                 "-- Cleans table %s as %s says (spec %.12s), in %s SQL; made "
                 "by pinline %s.\n"
                 "-- Reads plain JSON objects, one a line, UTF-8, keys unique: "
                 "no wrappers, no text that is not JSON.\n"
                 "-- `pinline clean --decoded` writes such a file from "
                 "anything else.\n"
                 "-- Put your file in place of %s.jsonl below.\n%s",
                 t->name, s->file, t->hash, w->name, PINLINE_VERSION, t->name,
                 w->settings) != 0 ||
        buf_puts(b,
                 d == SQL_DUCKDB ? "CREATE OR REPLACE TEMP TABLE decoded AS\n"
                                 : "CREATE OR REPLACE TEMP VIEW decoded AS\n",
                 e) != 0) {
        return -1;
    }
    (void)snprintf(path, sizeof(path), "%s.jsonl", t->name);
    if (sql_input(d, path, b, e) != 0) {
        return -1;
    }
    return buf_putf(b, e, ";\nCREATE TABLE clean_%s AS\n", t->name) != 0 ||
                   sql_query(t, d, b, e) != 0 || buf_puts(b, ";\n", e) != 0
               ? -1
               : 0;
}

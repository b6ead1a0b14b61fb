/*
 * delta_parts.c - partition columns: which rows lie in one folder, how it is
 * called, and their values as the log spells them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/mem.h"
#include "lake/delta_parts_int.h"
#include "net/url.h"
#include "json/json.h"

enum {
    SPLIT_MAX = 10000,     /* partitions in one write */
    SPLIT_SLOTS = 1 << 15, /* a power of two above it */
    VALUES_MAX = 1 << 20,  /* bytes of one row's values */
    PIECE_MAX = 120,       /* bytes of "name=value" in a path */
    PIECE_KEPT = 100,      /* of a longer one, before its hash */
};

static const struct hash_key fixed_key = {{5, 6, 7, 8}};

/* --- which columns --------------------------------------------------------------- */

static size_t find(const struct col_def *defs, size_t n, const char *name)
{
    size_t i = 0;

    while (i < n && strcmp(defs[i].name, name) != 0) {
        i++;
    }
    return i;
}

int delta_parts_valid(const struct delta_schema *s, struct err *e)
{
    if (s->nparts > DELTA_PARTS_MAX) {
        return err_set(e, ERR_LIMIT,
                       "cannot partition by %zu columns, only by up to %d",
                       s->nparts, DELTA_PARTS_MAX);
    }
    if (s->nparts > 0 && s->nparts >= s->columns) {
        return err_set(e, ERR_INVALID,
                       "cannot partition by every column: none would be left "
                       "for the files");
    }
    for (size_t i = 0; i < s->nparts; i++) {
        const char *name = s->parts[i];
        size_t at = find(s->defs, s->columns, name);

        if (at == s->columns) {
            return err_set(e, ERR_INVALID,
                           "cannot partition by \"%s\": the table has no such "
                           "column",
                           name);
        }
        if (s->defs[at].type != COL_TEXT && s->defs[at].type != COL_INT32 &&
            s->defs[at].type != COL_INT64) {
            return err_set(e, ERR_INVALID,
                           "cannot partition by column \"%s\": only texts and "
                           "whole numbers can name a folder",
                           name);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(s->parts[k], name) == 0) {
                return err_set(e, ERR_INVALID,
                               "cannot partition by column \"%s\" twice", name);
            }
        }
    }
    return 0;
}

static int put_names(struct buf *b, const char *const *names, size_t n,
                     struct err *e)
{
    if (n == 0) {
        return buf_puts(b, "nothing", e);
    }
    for (size_t i = 0; i < n; i++) {
        if (buf_putf(b, e, "%s\"%.60s\"", i > 0 ? ", " : "", names[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

int delta_check_parts(const struct delta *t, const char *const *parts,
                      size_t nparts, struct err *e)
{
    bool same = nparts == t->s.nparts;
    const char *text;
    struct buf b;

    for (size_t i = 0; i < nparts && same; i++) {
        same = strcmp(parts[i], t->s.parts[i]) == 0;
    }
    if (same) {
        return 0;
    }
    buf_init(&b, VALUES_MAX);
    if (put_names(&b, (const char *const *)t->s.parts, t->s.nparts, e) == 0 &&
        buf_puts(&b, ", not by ", e) == 0 &&
        put_names(&b, parts, nparts, e) == 0 && buf_text(&b, &text, e) == 0) {
        err_set(e, ERR_INVALID,
                "table \"%s\" is partitioned by %s (tables.partition_by)",
                t->dir, text);
    }
    buf_release(&b);
    return -1;
}

/* --- files by their values -------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    const struct delta_ref *x = a;
    const struct delta_ref *y = b;
    int order = strcmp(x->values != NULL ? x->values : "",
                       y->values != NULL ? y->values : "");

    return order != 0 ? order : (x->file > y->file) - (x->file < y->file);
}

void delta_refs_sort(struct delta_ref *refs, size_t n)
{
    if (n > 1) {
        qsort(refs, n, sizeof(*refs), compare);
    }
}

size_t delta_refs_alike(const struct delta_ref *refs, size_t n)
{
    const char *first = n > 0 && refs->values != NULL ? refs->values : "";
    size_t i = 0;

    while (i < n &&
           strcmp(refs[i].values != NULL ? refs[i].values : "", first) == 0) {
        i++;
    }
    return i;
}

/* --- folders ------------------------------------------------------------------------ */

/* "name=value/" with all but A-Z a-z 0-9 - . _ ~ as %XX.  Values are read from
 * the log and never from here, so a long one may end in its hash. */
static int put_piece(struct buf *b, const char *name, yyjson_val *value,
                     struct err *e)
{
    const char *text = yyjson_get_str(value);
    struct slice s = {text, yyjson_get_len(value)};
    struct buf piece;
    size_t n = PIECE_KEPT;
    int rc = -1;

    buf_init(&piece, VALUES_MAX);
    if (url_escape(&piece, slice_of(name), e) < 0 ||
        buf_putc(&piece, '=', e) < 0 ||
        (text != NULL && s.len > 0
             ? url_escape(&piece, s, e)
             : buf_puts(&piece, "__HIVE_DEFAULT_PARTITION__", e)) < 0) {
        goto out;
    }
    if (piece.len > PIECE_MAX) {
        struct hash128 h = hash_bytes(&fixed_key, buf_slice(&piece));

        while (piece.ptr[n - 1] == '%' || piece.ptr[n - 2] == '%') {
            n--; /* not inside %XX */
        }
        piece.len = n;
        if (buf_putf(&piece, e, "~%016llx", (unsigned long long)h.a) < 0) {
            goto out;
        }
    }
    if (buf_append(b, buf_slice(&piece), e) == 0 && buf_putc(b, '/', e) == 0) {
        rc = 0;
    }
out:
    buf_release(&piece);
    return rc;
}

int delta_part_folder(const char *values, struct buf *b, struct err *e)
{
    struct json_doc doc;
    yyjson_obj_iter it;
    yyjson_val *key;
    int rc = 0;

    if (values == NULL) {
        return 0;
    }
    if (json_parse(&doc, slice_of(values), JSON_NUMBERS, NULL, e) < 0) {
        return -1;
    }
    yyjson_obj_iter_init(doc.root, &it);
    while (rc == 0 && (key = yyjson_obj_iter_next(&it)) != NULL) {
        rc = put_piece(b, yyjson_get_str(key), yyjson_obj_iter_get_val(key), e);
    }
    json_release(&doc);
    return rc;
}

/* --- rows by their values ------------------------------------------------------------ */

struct part {
    char *values;
    size_t rows;
};

struct split {
    struct delta *t;
    struct delta_parts by;
    const struct batch *from;
    size_t at[DELTA_PARTS_MAX]; /* partition columns in it */
    struct col_def *defs;       /* the other columns */
    struct column *cols;
    struct batch view;  /* of them; borrows from `from` */
    struct part *parts; /* SPLIT_MAX, n of them taken */
    size_t n;
    uint32_t *slots; /* where values are in parts, plus one; 0: free */
    uint32_t *of;    /* the part of each row */
    uint32_t *order; /* the rows, part by part */
};

static void split_release(struct split *s)
{
    for (size_t i = 0; i < s->n; i++) {
        mem_free(s->parts[i].values);
    }
    mem_free(s->parts);
    mem_free(s->slots);
    mem_free(s->of);
    mem_free(s->order);
    mem_free(s->defs);
    mem_free(s->cols);
}

static int split_init(struct split *s, struct delta *t, struct delta_parts by,
                      const struct batch *from, struct err *e)
{
    size_t kept = 0;

    *s = (struct split){.t = t, .by = by, .from = from};
    s->defs = mem_zero(from->columns, sizeof(*s->defs));
    s->cols = mem_zero(from->columns, sizeof(*s->cols));
    s->parts = mem_zero(SPLIT_MAX, sizeof(*s->parts));
    s->slots = mem_zero(SPLIT_SLOTS, sizeof(*s->slots));
    s->of = mem_zero(from->rows + 1, sizeof(*s->of));
    s->order = mem_zero(from->rows + 1, sizeof(*s->order));
    if (s->defs == NULL || s->cols == NULL || s->parts == NULL ||
        s->slots == NULL || s->of == NULL || s->order == NULL) {
        return err_nomem(e, (from->rows + 1) * sizeof(*s->of));
    }
    for (size_t i = 0; i < by.n; i++) {
        s->at[i] = find(from->defs, from->columns, by.names[i]);
        if (s->at[i] == from->columns) {
            return err_set(e, ERR_INVALID,
                           "table \"%s\": rows without the partition column "
                           "\"%s\"",
                           t->dir, by.names[i]);
        }
    }
    for (size_t i = 0; i < from->columns; i++) {
        size_t k = 0;

        while (k < by.n && s->at[k] != i) {
            k++;
        }
        if (k == by.n) {
            s->defs[kept] = from->defs[i];
            s->cols[kept++] = from->cols[i];
        }
    }
    s->view = (struct batch){.defs = s->defs,
                             .columns = kept,
                             .cols = s->cols,
                             .rows = from->rows,
                             .rows_cap = from->rows};
    return 0;
}

/* One value as the log has it.  The format takes an empty text for NULL. */
static int put_value(const struct batch *b, size_t col, size_t row,
                     struct buf *to, struct err *e)
{
    const struct column *c = &b->cols[col];
    struct slice text;

    if (c->valid[row] == 0) {
        return buf_puts(to, "null", e);
    }
    if (b->defs[col].type == COL_INT32) {
        return buf_putf(to, e, "\"%d\"", (int)c->fixed.i32[row]);
    }
    if (b->defs[col].type == COL_INT64) {
        return buf_putf(to, e, "\"%lld\"", (long long)c->fixed.i64[row]);
    }
    if (b->defs[col].type == COL_TEXT) {
        text = batch_text(b, col, row);
        return text.len > 0 ? json_print_text(to, text, e)
                            : buf_puts(to, "null", e);
    }
    return err_set(e, ERR_UNAVAILABLE,
                   "cannot write a table that is partitioned by column "
                   "\"%s\": it is neither a text nor a whole number",
                   b->defs[col].name);
}

static int put_values(const struct split *s, size_t row, struct buf *to,
                      struct err *e)
{
    for (size_t i = 0; i < s->by.n; i++) {
        if (buf_putc(to, i > 0 ? ',' : '{', e) < 0 ||
            json_print_text(to, slice_of(s->by.names[i]), e) < 0 ||
            buf_putc(to, ':', e) < 0 ||
            put_value(s->from, s->at[i], row, to, e) < 0) {
            return -1;
        }
    }
    return buf_putc(to, '}', e);
}

/* The number of the part with these values, a new one if need be. */
static int part_of(struct split *s, struct slice values, uint32_t *ret,
                   struct err *e)
{
    size_t i = (size_t)hash_bytes(&fixed_key, values).a & (SPLIT_SLOTS - 1);

    while (s->slots[i] != 0 &&
           !slice_is(values, s->parts[s->slots[i] - 1].values)) {
        i = (i + 1) & (SPLIT_SLOTS - 1);
    }
    if (s->slots[i] != 0) {
        *ret = s->slots[i] - 1;
        return 0;
    }
    if (s->n == SPLIT_MAX) {
        return err_set(e, ERR_LIMIT,
                       "table \"%s\": over %d partitions in one commit; "
                       "partition by columns with fewer values "
                       "(tables.partition_by)",
                       s->t->dir, SPLIT_MAX);
    }
    s->parts[s->n].values = mem_text(values.ptr, values.len);
    if (s->parts[s->n].values == NULL) {
        return err_nomem(e, values.len);
    }
    *ret = (uint32_t)s->n++;
    s->slots[i] = *ret + 1;
    return 0;
}

static int split_rows(struct split *s, struct err *e)
{
    size_t *next = NULL;
    size_t at = 0;
    struct buf b;
    int rc = -1;

    buf_init(&b, VALUES_MAX);
    for (size_t i = 0; i < s->from->rows; i++) {
        buf_clear(&b);
        if (put_values(s, i, &b, e) < 0 ||
            part_of(s, buf_slice(&b), &s->of[i], e) < 0) {
            goto out;
        }
        s->parts[s->of[i]].rows++;
    }
    next = mem_zero(s->n + 1, sizeof(*next));
    if (next == NULL) {
        err_nomem(e, (s->n + 1) * sizeof(*next));
        goto out;
    }
    for (size_t i = 0; i < s->n; i++) {
        next[i] = at;
        at += s->parts[i].rows;
    }
    for (size_t i = 0; i < s->from->rows; i++) {
        s->order[next[s->of[i]]++] = (uint32_t)i;
    }
    rc = 0;
out:
    mem_free(next);
    buf_release(&b);
    return rc;
}

/* These rows into *to, neighbours together. */
static int gather(const struct split *s, const uint32_t *rows, size_t n,
                  struct batch *to, struct err *e)
{
    batch_clear(to);
    for (size_t i = 0; i < n;) {
        size_t run = 1;

        while (i + run < n && rows[i + run] == rows[i] + run) {
            run++;
        }
        if (batch_append(to, &s->view, rows[i], rows[i] + run, e) < 0) {
            return -1;
        }
        i += run;
    }
    return 0;
}

int delta_parts_write(struct delta *t, struct delta_parts by,
                      const struct batch *rows, struct delta_adds *to,
                      struct err *e)
{
    struct batch some = {0};
    struct split s;
    size_t at = 0;
    int rc = -1;

    if (split_init(&s, t, by, rows, e) == 0 && split_rows(&s, e) == 0) {
        rc = batch_init(&some, s.defs, s.view.columns, e);
    }
    for (size_t i = 0; i < s.n && rc == 0; i++) {
        rc = gather(&s, s.order + at, s.parts[i].rows, &some, e);
        if (rc == 0) {
            rc = delta_write_file(t, s.parts[i].values, &some, to, e);
        }
        at += s.parts[i].rows;
    }
    if (some.cols != NULL) {
        batch_release(&some);
    }
    split_release(&s);
    return rc;
}

#include <string.h>

#include "clean/clean_int.h"
#include "core/mem.h"

enum {
    STR = 1u << YYJSON_TYPE_STR,
    NUM = 1u << YYJSON_TYPE_NUM
};

/* JSON types that a column of this type is expected to come as. */
static unsigned natural(enum spec_type t)
{
    switch (t) {
    case SPEC_INT:
    case SPEC_BIGINT:
    case SPEC_DOUBLE:
    case SPEC_DOUBLES:
    case SPEC_POINT:
        return NUM;
    case SPEC_TEXT:
    case SPEC_COUNT:
    case SPEC_TIMESTAMP:
    case SPEC_TEXTS:
    case SPEC_TYPES:
    default:
        return STR;
    }
}

static int compile_part(struct clean *c, struct clean_col *col, size_t i,
                        struct err *e)
{
    const struct spec_column *spec = col->spec;
    struct clean_part *p = &col->parts[i];
    const struct spec_texts *names =
        spec->parts.n > 0 ? &spec->parts : &spec->from;
    enum op_id ids[OPS_MAX];
    size_t retyped, n = op_list(spec, ids);

    p->op = (struct op_part){spec, i, &c->scratch[col->scratch + i]};
    for (size_t k = 0; k < n; k++) {
        p->run[k] = op_get(ids[k])->run;
    }
    p->fields = spec->parts.n > 0 ? &spec->fields[i] : spec->fields;
    p->nfields = spec->parts.n > 0 ? 1 : spec->from.n;
    p->field = names->at[i].ptr;
    p->natural = natural(spec->type);
    if (clean_drift_new(&c->counts, CLEAN_MISSING, slice_of(p->field),
                        &p->drift, e) != 0 ||
        clean_drift_new(&c->counts, CLEAN_RETYPED, slice_of(p->field), &retyped,
                        e) != 0) {
        return -1;
    }
    return 0;
}

/* Most columns are text that is only looked at: for those, all in one. */
static void compile_plain(struct clean_col *col)
{
    const struct spec_column *spec = col->spec;

    col->plain = spec->type == SPEC_TEXT && spec->parts.n == 0 &&
                 spec->from.n == 1 && spec->strip_prefix.n == 0 &&
                 spec->strip_each.len == 0 && !spec->join_letters &&
                 !spec->ascii && col->def >= 0;
    for (size_t i = 0; i < spec->nulls.n; i++) {
        size_t len = spec->nulls.at[i].len;

        col->null_lens |= (uint64_t)1 << (len < 63 ? len : 63);
    }
}

int clean_compile(struct clean *c, struct err *e)
{
    const struct spec_table *t = c->t;
    size_t nparts = 0;
    int def = 0;

    for (size_t i = 0; i < t->ncolumns; i++) {
        nparts += t->columns[i].parts.n > 0 ? t->columns[i].parts.n : 1;
    }
    c->cols = mem_zero(t->ncolumns, sizeof(*c->cols));
    c->parts = mem_zero(nparts, sizeof(*c->parts));
    c->scratch = mem_zero(nparts, sizeof(*c->scratch));
    if (c->cols == NULL || c->parts == NULL || c->scratch == NULL) {
        return err_nomem(e, nparts * sizeof(*c->parts));
    }
    c->nparts = nparts;
    c->ncols = t->ncolumns;
    nparts = 0;
    for (size_t i = 0; i < t->ncolumns; i++) {
        struct clean_col *col = &c->cols[i];

        col->spec = &t->columns[i];
        col->parts = &c->parts[nparts];
        col->scratch = nparts;
        col->nparts = col->spec->parts.n > 0 ? col->spec->parts.n : 1;
        nparts += col->nparts;
        col->def = col->spec->drop ? -1 : def++;
        compile_plain(col);
        for (size_t k = 0; k < col->nparts; k++) {
            if (compile_part(c, col, k, e) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* The first of the part's fields that is there and not null. */
static yyjson_val *load(struct clean *c, const struct clean_part *p,
                        int64_t offset)
{
    yyjson_val *there = NULL;

    for (size_t i = 0; i < p->nfields; i++) {
        yyjson_val *v = c->vals[p->fields[i]];

        if (v == NULL) {
            continue;
        }
        there = v;
        if (!unsafe_yyjson_is_null(v)) {
            if ((p->natural & (1u << unsafe_yyjson_get_type(v))) == 0) {
                clean_drift_add(&c->counts, p->drift + 1, offset);
            }
            return v;
        }
    }
    if (there == NULL) {
        clean_drift_add(&c->counts, p->drift, offset);
    }
    return NULL;
}

static void run_part(struct clean *c, const struct clean_part *p,
                     int64_t offset, struct op_value *v)
{
    const op_fn *run = p->run;

    v->json = load(c, p, offset);
    if (v->json == NULL) {
        v->why = CLEAN_ABSENT;
        return;
    }
    v->why = CLEAN_OK;
    do { /* compile_part() put one there */
        (*run)(&p->op, v);
        run++;
    } while (v->why == CLEAN_OK && *run != NULL);
}

static bool is_error(enum clean_rule r)
{
    static const bool errors[] = {
#define XX(name, word, error) error,
        CLEAN_RULE_MAP(XX)
#undef XX
    };

    return (size_t)r < ARRAY_LEN(errors) && errors[r];
}

static int put_one(struct batch *b, const struct clean_col *col,
                   const struct op_value *v, struct err *e)
{
    const struct op_scratch *s = col->parts[0].op.scratch;
    size_t at = (size_t)col->def;

    switch (col->spec->type) {
    case SPEC_INT:
    case SPEC_COUNT:
        return batch_put_i32(b, at, (int32_t)v->i, e);
    case SPEC_BIGINT:
    case SPEC_TIMESTAMP:
        return batch_put_i64(b, at, v->i, e);
    case SPEC_DOUBLE:
        return batch_put_double(b, at, v->d, e);
    case SPEC_TEXT:
        return batch_put_text(b, at, v->text, e);
    case SPEC_TEXTS:
        return batch_put_texts(b, at, s->items, s->nitems, e);
    case SPEC_DOUBLES:
    case SPEC_POINT:
    case SPEC_TYPES:
    default:
        return batch_put_doubles(b, at, &v->d, 1, e);
    }
}

/* What the parts together are: why there is no value, or CLEAN_OK. */
static enum clean_rule judge(const struct clean_col *col,
                             const struct op_value *v)
{
    enum clean_rule why = CLEAN_OK;
    size_t good = 0;

    for (size_t i = 0; i < col->nparts; i++) {
        if (v[i].why == CLEAN_OK) {
            good++;
        } else if (is_error(v[i].why)) {
            why = is_error(why) ? why : v[i].why;
        } else if (why == CLEAN_OK) {
            why = CLEAN_PART;
        }
    }
    if (col->spec->skip_null && col->spec->type == SPEC_TEXT && good > 0 &&
        (col->spec->on_error == SPEC_TO_NULL || !is_error(why))) {
        return CLEAN_OK;
    }
    return why;
}

static int put_parts(struct clean *c, struct batch *b,
                     const struct clean_col *col, const struct op_value *v,
                     struct err *e)
{
    double d[SPEC_NAMES_MAX];
    bool any = false;

    if (col->spec->type != SPEC_TEXT) {
        for (size_t i = 0; i < col->nparts; i++) {
            d[i] = v[i].d;
        }
        return batch_put_doubles(b, (size_t)col->def, d, col->nparts, e);
    }
    buf_clear(&c->joined);
    for (size_t i = 0; i < col->nparts; i++) {
        if (v[i].why != CLEAN_OK) {
            continue;
        }
        if ((any && buf_append(&c->joined, col->spec->join, e) != 0) ||
            buf_append(&c->joined, v[i].text, e) != 0) {
            return -1;
        }
        any = true;
    }
    return batch_put_text(b, (size_t)col->def, buf_slice(&c->joined), e);
}

int clean_reject(struct clean_row *r, int column, const char *rule,
                 const char *reason, struct err *e)
{
    struct clean_out *o = r->out;

    if (o->nrejects == o->rejects_cap) {
        size_t cap = o->rejects_cap * 2 + 64;
        struct clean_reject *p = mem_resize(o->rejects, cap, sizeof(*p));

        if (p == NULL) {
            return err_nomem(e, cap * sizeof(*p));
        }
        o->rejects = p;
        o->rejects_cap = cap;
    }
    o->rejects[o->nrejects++] = (struct clean_reject){
        r->offset, r->sub, column, rule, reason, r->payload, r->message};
    return 0;
}

/* The record gives no row, for this column's sake. */
static int refuse(struct clean *c, struct clean_row *r, size_t i,
                  enum clean_rule why, struct err *e)
{
    const struct spec_column *spec = c->cols[i].spec;
    bool absent = spec->required;

    if (spec->on_error == SPEC_STOP && is_error(why)) {
        return err_set(e, ERR_DATA,
                       "column \"%s\" at offset %lld: %s, and on_error says "
                       "stop; mend the record or the rule",
                       spec->name, (long long)r->offset, clean_rule_word(why));
    }
    batch_drop_row(&r->out->rows);
    c->counts.rejected++;
    c->counts.rejects[i][absent ? CLEAN_RULES : why]++;
    return clean_reject(r, (int)i, spec->name,
                        absent ? decode_reject_word(DECODE_REJECT_NO_KEY)
                               : clean_rule_word(why),
                        e);
}

/*
 * The operations text, null and blank in one, for a string that cannot hold
 * U+0000 since nothing was escaped in it.  False: not such a value.
 */
static inline bool run_plain(const struct clean *c, const struct clean_col *col,
                             struct op_value *v)
{
    yyjson_val *j = c->vals[col->spec->fields[0]];
    const struct spec_texts *nulls = &col->spec->nulls;
    struct slice s;
    size_t len;

    if (j == NULL ||
        unsafe_yyjson_get_tag(j) != (YYJSON_TYPE_STR | YYJSON_SUBTYPE_NOESC)) {
        return false;
    }
    s = (struct slice){j->uni.str, unsafe_yyjson_get_len(j)};
    v->text = s;
    v->why = CLEAN_OK;
    if (s.len == 0 || s.ptr[0] <= ' ' || s.ptr[s.len - 1] <= ' ') {
        s = slice_trim(s);
    }
    len = s.len < 63 ? s.len : 63;
    if ((col->null_lens >> len & 1) != 0) {
        for (size_t i = 0; i < nulls->n; i++) {
            if (slice_eq(s, nulls->at[i])) {
                v->why = CLEAN_PLACEHOLDER;
                return true;
            }
        }
    }
    if (s.len == 0) {
        v->why = CLEAN_BLANK;
    }
    return true;
}

/* One column; *ret_refused when the record was rejected. */
static int run_column(struct clean *c, struct clean_row *r, size_t i,
                      bool *ret_refused, struct err *e)
{
    const struct clean_col *col = &c->cols[i];
    struct batch *b = &r->out->rows;
    struct op_value v[SPEC_NAMES_MAX];
    enum clean_rule why;

    if (col->plain && run_plain(c, col, &v[0])) {
        r->nulled[i] = (unsigned char)v[0].why;
        if (v[0].why == CLEAN_OK) {
            return batch_put_text(b, (size_t)col->def, v[0].text, e);
        }
        if (!col->spec->required) {
            return batch_put_null(b, (size_t)col->def, e);
        }
    }
    assert(col->nparts > 0);
    for (size_t k = 0; k < col->nparts; k++) {
        run_part(c, &col->parts[k], r->offset, &v[k]);
        if (col->parts[k].op.scratch->failed) {
            col->parts[k].op.scratch->failed = false;
            return err_set(e, ERR_NOMEM, "out of memory for a text");
        }
    }
    why = col->spec->parts.n > 0 ? judge(col, v) : v[0].why;
    r->nulled[i] = (unsigned char)why;
    if (why != CLEAN_OK &&
        (col->spec->required ||
         (is_error(why) && col->spec->on_error != SPEC_TO_NULL))) {
        *ret_refused = true;
        return refuse(c, r, i, why, e);
    }
    if (col->def < 0) {
        return 0;
    }
    if (why != CLEAN_OK) {
        return batch_put_null(b, (size_t)col->def, e);
    }
    return col->spec->parts.n > 0 ? put_parts(c, b, col, v, e)
                                  : put_one(b, col, &v[0], e);
}

static int put_provenance(struct clean *c, const struct clean_row *r,
                          struct err *e)
{
    struct batch *b = &r->out->rows;
    size_t at = c->t->nvalues;

    if (!c->t->provenance) {
        return 0;
    }
    if ((c->topic != NULL ? batch_put_text(b, at, slice_of(c->topic), e)
                          : batch_put_null(b, at, e)) != 0 ||
        batch_put_i32(b, at + 1, c->partition, e) != 0 ||
        batch_put_i64(b, at + 2, r->offset, e) != 0) {
        return -1;
    }
    return batch_put_i64(b, at + 3, c->time_us, e);
}

static int out_room(struct clean_out *o, struct err *e)
{
    size_t cap = o->cap * 2 + 1024;
    void *p;

    if (o->rows.rows < o->cap) {
        return 0;
    }
    p = mem_resize(o->offset, cap, sizeof(*o->offset));
    if (p == NULL) {
        return err_nomem(e, cap * sizeof(*o->offset));
    }
    o->offset = p;
    p = mem_resize(o->sub, cap, sizeof(*o->sub));
    if (p == NULL) {
        return err_nomem(e, cap * sizeof(*o->sub));
    }
    o->sub = p;
    p = mem_resize(o->hash, cap, sizeof(*o->hash));
    if (p == NULL) {
        return err_nomem(e, cap * sizeof(*o->hash));
    }
    o->hash = p;
    o->cap = cap;
    return 0;
}

int clean_run(struct clean *c, struct clean_row *r, struct err *e)
{
    struct clean_out *o = r->out;
    size_t row = o->rows.rows;
    bool refused = false;

    if (out_room(o, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < c->ncols; i++) {
        if (run_column(c, r, i, &refused, e) != 0) {
            batch_drop_row(&o->rows);
            return -1;
        }
        if (refused) {
            return 0;
        }
    }
    if (put_provenance(c, r, e) != 0) {
        batch_drop_row(&o->rows);
        return -1;
    }
    for (size_t i = 0; i < c->ncols; i++) {
        if (r->nulled[i] < CLEAN_RULES) {
            c->counts.nulled[i][r->nulled[i]]++;
        }
    }
    o->offset[row] = r->offset;
    o->sub[row] = r->sub;
    if (c->t->dedup == SPEC_DEDUP_RAW) {
        o->hash[row] = clean_raw_hash(c);
    } else if (c->t->dedup != SPEC_DEDUP_NONE) {
        o->hash[row] = clean_row_hash(c->t, &c->key, &o->rows, row);
    } else {
        o->hash[row] = (struct hash128){0, 0};
    }
    batch_end_row(&o->rows);
    c->counts.rows++;
    return 0;
}

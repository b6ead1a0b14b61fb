#include <string.h>

#include "clean/clean_int.h"
#include "core/mem.h"

/* Which field of the spec a key is, and where it is counted when it is none. */
static int look_up(struct clean *c, struct slice key, int *ret_field,
                   size_t *ret_drift, struct err *e)
{
    struct clean_counts *s = &c->counts;
    size_t unknown = 0;

    *ret_drift = 0;
    for (size_t i = 0; i < c->t->nfields; i++) {
        if (slice_is(key, c->t->fields[i])) {
            *ret_field = (int)i;
            return 0;
        }
    }
    *ret_field = -1;
    for (size_t i = 0; i < s->ndrift; i++) {
        if (s->drift[i].kind != CLEAN_UNKNOWN) {
            continue;
        }
        unknown++;
        if (slice_is(key, s->drift[i].field)) {
            *ret_drift = i;
            return 0;
        }
    }
    if (unknown >= CLEAN_DRIFT_MAX) {
        for (size_t i = 0; i < s->ndrift; i++) {
            if (strcmp(s->drift[i].field, "...") == 0) {
                *ret_drift = i;
                return 0;
            }
        }
        key = SLICE("...");
    }
    return clean_drift_new(s, CLEAN_UNKNOWN, key, ret_drift, e);
}

/* The k-th key is not the one that was there last time: learn it. */
static int learn(struct clean *c, size_t k, struct slice key, struct err *e)
{
    struct shape *s = &c->shape[k];
    char *copy;
    int field;
    size_t drift;

    if (look_up(c, key, &field, &drift, e) != 0) {
        return -1;
    }
    copy = mem_text(key.ptr, key.len);
    if (copy == NULL) {
        return err_nomem(e, key.len);
    }
    mem_free(s->key);
    *s = (struct shape){copy, key.len, field, drift};
    if (k >= c->nshape) {
        c->nshape = k + 1;
    }
    return 0;
}

/* A key came twice in one object; the last one counts. */
static int repeated(struct clean *c, int field, int64_t offset, struct err *e)
{
    struct clean_counts *s = &c->counts;
    struct slice name = slice_of(c->t->fields[field]);
    size_t at = 0;

    while (at < s->ndrift && (s->drift[at].kind != CLEAN_REPEATED ||
                              !slice_is(name, s->drift[at].field))) {
        at++;
    }
    if (at == s->ndrift &&
        clean_drift_new(s, CLEAN_REPEATED, name, &at, e) != 0) {
        return -1;
    }
    clean_drift_add(s, at, offset);
    return 0;
}

static int take(struct clean *c, const struct shape *s, yyjson_val *v,
                int64_t offset, struct err *e)
{
    if (s->field < 0) {
        clean_drift_add(&c->counts, s->drift, offset);
        return 0;
    }
    if (c->vals[s->field] != NULL && repeated(c, s->field, offset, e) != 0) {
        return -1;
    }
    c->vals[s->field] = v;
    return 0;
}

int clean_fields(struct clean *c, yyjson_val *object, int64_t offset,
                 struct err *e)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(object);
    struct shape spare = {0};
    yyjson_val *k;
    size_t n = 0;

    memset(c->vals, 0, c->t->nfields * sizeof(c->vals[0]));
    while ((k = yyjson_obj_iter_next(&it)) != NULL) {
        struct slice key = {yyjson_get_str(k), yyjson_get_len(k)};
        struct shape *s = n < SHAPE_MAX ? &c->shape[n] : &spare;

        if (s == &spare) { /* too many to remember */
            if (look_up(c, key, &s->field, &s->drift, e) != 0) {
                return -1;
            }
        } else if ((n >= c->nshape || s->len != key.len ||
                    memcmp(s->key, key.ptr, key.len) != 0) &&
                   learn(c, n, key, e) != 0) {
            return -1;
        }
        if (take(c, s, yyjson_obj_iter_get_val(k), offset, e) != 0) {
            return -1;
        }
        n++;
    }
    return 0;
}

void clean_fields_release(struct clean *c)
{
    for (size_t i = 0; i < c->nshape; i++) {
        mem_free(c->shape[i].key);
    }
}

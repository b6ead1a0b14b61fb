#include <string.h>

#include "core/mem.h"
#include "lake/delta_handle_int.h"
#include "json/json.h"

void delta_nulls_free(struct delta_nulls *nulls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mem_free(nulls[i].column);
    }
    mem_free(nulls);
}

/* The columns of the schema, each with no NULL yet. */
static int columns_of(const struct delta *t, struct delta_nulls **ret,
                      size_t *ret_n, struct err *e)
{
    struct delta_nulls *nulls = NULL;
    struct json_doc doc;
    yyjson_val *fields;
    size_t n = 0;
    int rc = -1;

    if (json_parse(&doc, slice_of(t->s.schema), JSON_NUMBERS, NULL, e) < 0) {
        return -1;
    }
    fields = json_get(doc.root, "fields");
    nulls = mem_zero(yyjson_arr_size(fields) + 1, sizeof(*nulls));
    if (nulls == NULL) {
        err_nomem(e, sizeof(*nulls));
        goto out;
    }
    for (; n < yyjson_arr_size(fields); n++) {
        struct slice name = SLICE("");

        (void)json_get_text(yyjson_arr_get(fields, n), "name", &name);
        nulls[n].column = mem_text(name.ptr, name.len);
        if (nulls[n].column == NULL) {
            err_nomem(e, name.len);
            goto out;
        }
    }
    *ret = nulls;
    *ret_n = n;
    nulls = NULL;
    rc = 0;
out:
    if (nulls != NULL) {
        delta_nulls_free(nulls, n);
    }
    json_release(&doc);
    return rc;
}

static yyjson_val *first_of(yyjson_val *object)
{
    yyjson_obj_iter it;

    yyjson_obj_iter_init(object, &it);
    return yyjson_obj_iter_get_val(yyjson_obj_iter_next(&it));
}

static bool is_part(const struct delta *t, const char *column)
{
    for (size_t i = 0; i < t->s.nparts; i++) {
        if (strcmp(t->s.parts[i], column) == 0) {
            return true;
        }
    }
    return false;
}

/* A partition column has one value in a file: NULL in all rows or in none. */
static bool add_parts(const struct delta *t, const struct delta_file *f,
                      struct delta_nulls *nulls, size_t n)
{
    const char *values = f->values != NULL ? f->values : "{}";
    struct json_doc doc;

    if (json_parse(&doc, slice_of(values), JSON_NUMBERS, NULL, NULL) < 0) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct slice text;

        if (is_part(t, nulls[i].column) &&
            (!json_get_text(doc.root, nulls[i].column, &text) ||
             text.len == 0)) {
            nulls[i].nulls += f->rows;
        }
    }
    json_release(&doc);
    return true;
}

/* Add what one file says; false when it says too little. */
static bool add_file(const struct delta *t, const struct delta_file *f,
                     struct delta_nulls *nulls, size_t n)
{
    struct json_doc doc;
    yyjson_val *counts;
    bool known;

    if (f->rows < 0 || f->stats == NULL ||
        (t->s.nparts > 0 && !add_parts(t, f, nulls, n)) ||
        json_parse(&doc, slice_of(f->stats), JSON_NUMBERS, NULL, NULL) < 0) {
        return false;
    }
    counts = json_get(doc.root, "nullCount");
    known = yyjson_is_obj(counts);
    for (size_t i = 0; i < n && known; i++) {
        yyjson_val *v = json_get(counts, nulls[i].column);

        if (is_part(t, nulls[i].column)) {
            continue;
        }
        v = yyjson_is_obj(v) ? first_of(v) : v; /* fields of a struct */

        /* a writer that leaves a column out may have left it out of the file
         * or of the statistics: not known */
        known = yyjson_is_int(v);
        nulls[i].nulls += known ? yyjson_get_sint(v) : 0;
    }
    json_release(&doc);
    return known;
}

int delta_null_counts(const struct delta *t, struct delta_nulls **ret_nulls,
                      size_t *ret_n, bool *ret, struct err *e)
{
    if (columns_of(t, ret_nulls, ret_n, e) < 0) {
        return -1;
    }
    *ret = true;
    for (size_t i = 0; i < t->s.nfiles && *ret; i++) {
        *ret = add_file(t, &t->s.files[i], *ret_nulls, *ret_n);
    }
    return 0;
}

#include "lake/stats_sum.h"

#include <string.h>

#include "core/mem.h"
#include "json/json.h"

static double number(yyjson_val *v)
{
    return yyjson_is_real(v)   ? yyjson_get_real(v)
           : yyjson_is_sint(v) ? (double)yyjson_get_sint(v)
                               : (double)yyjson_get_uint(v);
}

/* Texts by bytes, integers and doubles by value. */
static int compare(yyjson_val *a, yyjson_val *b)
{
    double x;
    double y;

    if (yyjson_is_str(a) && yyjson_is_str(b)) {
        return strcmp(yyjson_get_str(a), yyjson_get_str(b));
    }
    if (yyjson_is_int(a) && yyjson_is_int(b)) {
        int64_t i = yyjson_get_sint(a);
        int64_t k = yyjson_get_sint(b);

        return (i > k) - (i < k);
    }
    x = number(a);
    y = number(b);
    return (x > y) - (x < y);
}

/* The column's bound over all; NULL when it is not known or there is none. */
static yyjson_val *bound(const struct json_doc *docs, size_t n,
                         const char *column, bool max)
{
    const char *group = max ? "maxValues" : "minValues";
    yyjson_val *best = NULL;

    for (size_t i = 0; i < n; i++) {
        yyjson_val *v = json_get(json_get(docs[i].root, group), column);
        int64_t rows = 0;
        int64_t nulls = 0;

        if (v == NULL) {
            if (!json_get_i64(docs[i].root, "numRecords", &rows) ||
                !json_get_i64(json_get(docs[i].root, "nullCount"), column,
                              &nulls) ||
                rows != nulls) {
                return NULL;
            }
            continue;
        }
        if (best == NULL ||
            (max ? compare(v, best) > 0 : compare(v, best) < 0)) {
            best = v;
        }
    }
    return best;
}

static int put_bounds(const struct json_doc *docs, size_t n, bool max,
                      struct buf *b, struct err *e)
{
    /* the file with the most columns knows them all: they only grow */
    yyjson_val *columns = json_get(docs[n - 1].root, "nullCount");
    yyjson_obj_iter it;
    yyjson_val *key;
    bool first = true;

    if (buf_puts(b, max ? ",\"maxValues\":{" : ",\"minValues\":{", e) < 0) {
        return -1;
    }
    yyjson_obj_iter_init(columns, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        const char *name = yyjson_get_str(key);
        yyjson_val *v = yyjson_is_obj(yyjson_obj_iter_get_val(key))
                            ? NULL
                            : bound(docs, n, name, max);

        if (v == NULL) {
            continue;
        }
        if ((!first && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(name), e) < 0 ||
            buf_putc(b, ':', e) < 0 || json_print(b, v, 0, e) < 0) {
            return -1;
        }
        first = false;
    }
    return buf_putc(b, '}', e);
}

/* One column's NULLs over all files; of a struct, one field's. */
static int64_t sum_nulls(const struct json_doc *docs, size_t n,
                         const char *column, const char *field)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        yyjson_val *counts = json_get(docs[i].root, "nullCount");
        int64_t nulls = 0;

        if (field != NULL) {
            counts = json_get(counts, column);
        }
        /* a column that came later is NULL in every row before */
        if (!json_get_i64(counts, field != NULL ? field : column, &nulls) &&
            !json_get_i64(docs[i].root, "numRecords", &nulls)) {
            nulls = 0;
        }
        sum += nulls;
    }
    return sum;
}

static int put_null_fields(const struct json_doc *docs, size_t n,
                           const char *column, yyjson_val *fields,
                           struct buf *b, struct err *e)
{
    const char *before = "{";
    yyjson_obj_iter it;
    yyjson_val *key;

    yyjson_obj_iter_init(fields, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        const char *field = yyjson_get_str(key);

        if (buf_puts(b, before, e) < 0 ||
            json_print_text(b, slice_of(field), e) < 0 ||
            buf_putf(b, e, ":%lld",
                     (long long)sum_nulls(docs, n, column, field)) < 0) {
            return -1;
        }
        before = ",";
    }
    return buf_puts(b, *before == '{' ? "{}" : "}", e);
}

static int put_nulls(const struct json_doc *docs, size_t n, struct buf *b,
                     struct err *e)
{
    yyjson_val *columns = json_get(docs[n - 1].root, "nullCount");
    const char *before = ",\"nullCount\":{";
    yyjson_obj_iter it;
    yyjson_val *key;

    yyjson_obj_iter_init(columns, &it);
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        const char *name = yyjson_get_str(key);
        yyjson_val *fields = yyjson_obj_iter_get_val(key);
        int rc;

        if (buf_puts(b, before, e) < 0 ||
            json_print_text(b, slice_of(name), e) < 0 ||
            buf_putc(b, ':', e) < 0) {
            return -1;
        }
        rc = yyjson_is_obj(fields)
                 ? put_null_fields(docs, n, name, fields, b, e)
                 : buf_putf(b, e, "%lld",
                            (long long)sum_nulls(docs, n, name, NULL));
        if (rc < 0) {
            return -1;
        }
        before = ",";
    }
    return buf_puts(b, before[1] == '\0' ? "}}" : ",\"nullCount\":{}}", e);
}

static int put_rows(const struct json_doc *docs, size_t n, struct buf *b,
                    struct err *e)
{
    int64_t rows = 0;

    for (size_t i = 0; i < n; i++) {
        int64_t some = 0;

        if (!json_get_i64(docs[i].root, "numRecords", &some)) {
            return err_set(e, ERR_CORRUPT,
                           "statistics do not say how many rows there are");
        }
        rows += some;
    }
    return buf_putf(b, e, "{\"numRecords\":%lld", (long long)rows);
}

int stats_sum(const char *const *stats, size_t n, struct buf *b, struct err *e)
{
    struct json_doc *docs = mem_zero(n, sizeof(*docs));
    int rc = 0;

    if (docs == NULL) {
        return err_nomem(e, n * sizeof(*docs));
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = json_parse(&docs[i], slice_of(stats[i]), JSON_NUMBERS, NULL, e);
    }
    if (rc == 0 &&
        (put_rows(docs, n, b, e) < 0 || put_bounds(docs, n, false, b, e) < 0 ||
         put_bounds(docs, n, true, b, e) < 0 || put_nulls(docs, n, b, e) < 0)) {
        rc = -1;
    }
    for (size_t i = 0; i < n; i++) {
        json_release(&docs[i]);
    }
    mem_free(docs);
    return rc;
}

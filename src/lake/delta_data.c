#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/secret.h"
#include "lake/delta_handle_int.h"
#include "lake/stats.h"
#include "json/json.h"

enum {
    SQL_MAX = 64 << 20,
    STATS_MAX = 1 << 20,
    ID_BYTES = 16,
    CHECKPOINT_ROWS = 4096, /* read in portions of this many */
};

/* --- data files ---------------------------------------------------------------------- */

int delta_random(char hex[33], struct err *e)
{
    uint8_t bytes[ID_BYTES];

    if (secret_random(bytes, sizeof(bytes), e) < 0) {
        return -1;
    }
    digest_hex(bytes, sizeof(bytes), hex);
    return 0;
}

static int make_stats(const struct batch *const *batches, size_t n,
                      struct delta_add *a, struct err *e)
{
    struct stats s;
    struct buf b;
    int rc = -1;

    if (stats_init(&s, batches[0]->defs, batches[0]->columns, e) < 0) {
        return -1;
    }
    buf_init(&b, STATS_MAX);
    for (size_t i = 0; i < n; i++) {
        stats_add(&s, batches[i]);
    }
    a->rows = s.rows;
    if (stats_json(&s, &b, e) == 0) {
        a->stats = mem_text(b.ptr, b.len);
        rc = a->stats != NULL ? 0 : err_nomem(e, b.len);
    }
    buf_release(&b);
    stats_release(&s);
    return rc;
}

void delta_add_release(struct delta_add *a)
{
    mem_free(a->path);
    mem_free(a->stats);
    memset(a, 0, sizeof(*a));
}

int delta_write(struct delta *t, const struct batch *const *batches, size_t n,
                struct delta_add *ret, struct err *e)
{
    struct delta_add a = {0};
    char hex[2 * ID_BYTES + 1];
    char path[FS_PATH_MAX];
    char name[DELTA_NAME_MAX];

    if (delta_need_duck(t, e) < 0 || delta_random(hex, e) < 0) {
        return -1;
    }
    (void)snprintf(name, sizeof(name), "part-%s.zstd.parquet", hex);
    if (delta_place(t, name, path, e) < 0) {
        return -1;
    }
    INJECT(delta_before_data);
    a.path = mem_text(name, strlen(name));
    if (a.path == NULL) {
        return err_nomem(e, strlen(name));
    }
    if (make_stats(batches, n, &a, e) < 0 ||
        parquet_write(t->duck, path, batches, n, &a.bytes, e) < 0 ||
        delta_send(t, name, path, e) < 0) {
        delta_add_release(&a);
        return -1;
    }
    *ret = a;
    return 0;
}

void delta_unwrite(struct delta *t, const struct delta_add *a)
{
    struct err ignored; /* vacuum finds it too */

    if (delta_drop(t, a->path, &ignored) < 0) {
        return;
    }
}

/* --- the schema ----------------------------------------------------------------------- */

int delta_put_schema(struct delta *t, const struct delta_schema *schema,
                     int64_t now_ms, struct buf *b, struct err *e)
{
    struct delta_state s = t->s;
    size_t most = t->s.nprops + schema->nprops;
    char id[40];
    char hex[2 * ID_BYTES + 1];
    struct buf text;
    const char *made;
    int rc = -1;

    buf_init(&text, DELTA_LOG_MAX);
    s.props = most > 0 ? mem_zero(most, sizeof(*s.props)) : NULL;
    if (most > 0 && s.props == NULL) {
        return err_nomem(e, most * sizeof(*s.props));
    }
    s.nprops = 0;
    /* names and values are borrowed; the later one of two wins */
    for (size_t i = 0; i < schema->nprops; i++) {
        s.props[s.nprops].name = (char *)(uintptr_t)schema->props[i].name;
        s.props[s.nprops++].value = (char *)(uintptr_t)schema->props[i].value;
    }
    for (size_t i = 0; i < t->s.nprops; i++) {
        if (delta_state_prop(&s, t->s.props[i].name) == NULL) {
            s.props[s.nprops++] = t->s.props[i];
        }
    }
    if (delta_random(hex, e) < 0) {
        goto out;
    }
    (void)snprintf(id, sizeof(id), "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8,
                   hex + 13, hex + 17, hex + 20);
    if (s.id == NULL) {
        s.id = id;
        s.created_ms = now_ms;
    }
    if (delta_schema_text(&text, schema->defs, schema->columns, e) < 0 ||
        buf_text(&text, &made, e) < 0) {
        goto out;
    }
    s.schema = text.ptr;
    rc = delta_put_metadata(b, &s, e);
out:
    buf_release(&text);
    mem_free(s.props);
    return rc;
}

static int first_difference(yyjson_val *have, yyjson_val *want, bool *ret_more,
                            struct err *e)
{
    size_t n = yyjson_arr_size(have);
    size_t m = yyjson_arr_size(want);

    for (size_t i = 0; i < n; i++) {
        yyjson_val *h = yyjson_arr_get(have, i);
        yyjson_val *w = i < m ? yyjson_arr_get(want, i) : NULL;
        const char *name = yyjson_get_str(json_get(h, "name"));

        if (w == NULL ||
            !yyjson_equals(json_get(h, "name"), json_get(w, "name"))) {
            return err_set(e, ERR_INVALID,
                           "the table has the column \"%s\" where the spec "
                           "has %s%s%s",
                           name, w != NULL ? "\"" : "",
                           w != NULL ? yyjson_get_str(json_get(w, "name"))
                                     : "none",
                           w != NULL ? "\"" : "");
        }
        if (!yyjson_equals(json_get(h, "type"), json_get(w, "type"))) {
            return err_set(e, ERR_INVALID,
                           "the column \"%s\" has another type in the table",
                           name);
        }
    }
    *ret_more = m > n;
    return 0;
}

int delta_check_schema(const struct delta *t, const struct col_def *defs,
                       size_t columns, bool *ret_more, struct err *e)
{
    struct json_doc have = {0};
    struct json_doc want = {0};
    struct buf b;
    int rc = -1;

    buf_init(&b, DELTA_LOG_MAX);
    if (delta_schema_text(&b, defs, columns, e) < 0 ||
        json_parse(&have, slice_of(t->s.schema), JSON_NUMBERS, NULL, e) < 0 ||
        json_parse(&want, buf_slice(&b), JSON_NUMBERS, NULL, e) < 0) {
        goto out;
    }
    rc = first_difference(json_get(have.root, "fields"),
                          json_get(want.root, "fields"), ret_more, e);
    if (rc < 0) {
        err_wrap(e, "table \"%s\"", t->dir);
    }
out:
    json_release(&have);
    json_release(&want);
    buf_release(&b);
    return rc;
}

static int put_type_sql(struct buf *b, yyjson_val *type, int depth,
                        struct err *e);

static int put_nested_sql(struct buf *b, yyjson_val *type, int depth,
                          struct err *e)
{
    yyjson_val *fields = json_get(type, "fields");
    yyjson_val *item = json_get(type, "elementType");
    size_t n = yyjson_arr_size(fields);

    if (item != NULL) {
        return put_type_sql(b, item, depth + 1, e) < 0 ? -1
                                                       : buf_puts(b, "[]", e);
    }
    if (n == 0) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the table has a column of maps, which is not "
                       "understood");
    }
    if (buf_puts(b, "STRUCT(", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        yyjson_val *f = yyjson_arr_get(fields, i);
        struct slice name = SLICE("");

        (void)json_get_text(f, "name", &name);
        if ((i > 0 && buf_puts(b, ", ", e) < 0) ||
            duck_quote(b, name, '"', e) < 0 || buf_putc(b, ' ', e) < 0 ||
            put_type_sql(b, json_get(f, "type"), depth + 1, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, ')', e);
}

/* Delta's type as DuckDB's. */
static int put_type_sql(struct buf *b, yyjson_val *type, int depth,
                        struct err *e)
{
    static const char *const names[][2] = {
        {"binary", "BLOB"},           {"boolean", "BOOLEAN"},
        {"byte", "TINYINT"},          {"date", "DATE"},
        {"double", "DOUBLE"},         {"float", "FLOAT"},
        {"integer", "INTEGER"},       {"long", "BIGINT"},
        {"short", "SMALLINT"},        {"string", "VARCHAR"},
        {"timestamp", "TIMESTAMPTZ"},
    };
    const char *text = yyjson_get_str(type);

    if (text == NULL) {
        return depth < 8 ? put_nested_sql(b, type, depth, e)
                         : err_set(e, ERR_LIMIT, "a type nests too deep");
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(text, names[i][0]) == 0) {
            return buf_puts(b, names[i][1], e);
        }
    }
    if (strncmp(text, "decimal(", 8) == 0 &&
        strspn(text + 8, "0123456789,) ") == strlen(text + 8)) {
        return buf_puts(b, text, e);
    }
    return err_set(e, ERR_UNAVAILABLE,
                   "the table has a column of type \"%s\", which is not "
                   "understood",
                   text);
}

/* SELECT NULL::TYPE AS "name", ... WHERE false: gives names, order, types. */
static int put_shape(struct buf *b, const char *schema, struct err *e)
{
    struct json_doc doc;
    yyjson_val *fields;
    int rc = -1;

    if (json_parse(&doc, slice_of(schema), JSON_NUMBERS, NULL, e) < 0) {
        return -1;
    }
    fields = json_get(doc.root, "fields");
    if (buf_puts(b, "SELECT ", e) < 0) {
        goto out;
    }
    for (size_t i = 0; i < yyjson_arr_size(fields); i++) {
        yyjson_val *f = yyjson_arr_get(fields, i);
        struct slice name = SLICE("");

        (void)json_get_text(f, "name", &name);
        if (buf_puts(b, i > 0 ? ", NULL::" : "NULL::", e) < 0 ||
            put_type_sql(b, json_get(f, "type"), 0, e) < 0 ||
            buf_puts(b, " AS ", e) < 0 || duck_quote(b, name, '"', e) < 0) {
            goto out;
        }
    }
    rc = buf_puts(b, " WHERE false", e);
out:
    json_release(&doc);
    return rc;
}

bool delta_is_ours(const char *path)
{
    return strncmp(path, "part-", 5) == 0 &&
           strstr(path, ".zstd.parquet") != NULL &&
           strlen(path) == strlen("part-.zstd.parquet") + 32;
}

/* Do all files have all columns?  Then the engine need not open each of them
 * to see what it has. */
static bool uniform(const struct delta *t, const size_t *files, size_t n)
{
    struct json_doc doc;
    size_t columns;

    if (json_parse(&doc, slice_of(t->s.schema), JSON_NUMBERS, NULL, NULL) < 0) {
        return false;
    }
    columns = yyjson_arr_size(json_get(doc.root, "fields"));
    json_release(&doc);
    for (size_t i = 0; i < n; i++) {
        const struct delta_file *f = &t->s.files[files != NULL ? files[i] : i];

        if (f->columns != columns || !delta_is_ours(f->path)) {
            return false;
        }
    }
    return true;
}

int delta_select_some(struct delta *t, const size_t *files, size_t n,
                      struct buf *b, struct err *e)
{
    char path[FS_PATH_MAX];

    if (put_shape(b, t->s.schema, e) < 0) {
        return err_wrap(e, "table \"%s\"", t->dir);
    }
    if (n == 0) {
        return 0;
    }
    if (buf_puts(b, " UNION ALL BY NAME FROM read_parquet([", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        size_t f = files != NULL ? files[i] : i;

        if (delta_fetch(t, f, e) < 0 || delta_file_path(t, f, path, e) < 0 ||
            (i > 0 && buf_puts(b, ", ", e) < 0) ||
            duck_quote(b, slice_of(path), '\'', e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, uniform(t, files, n) ? "])" : "], union_by_name=true)",
                    e);
}

int delta_select(struct delta *t, struct buf *b, struct err *e)
{
    return delta_select_some(t, NULL, t->s.nfiles, b, e);
}

/* --- names of writers ----------------------------------------------------------------------- */

static int put_escaped(struct buf *b, const char *text, struct err *e)
{
    for (; *text != '\0'; text++) {
        int rc = *text == ':'   ? buf_puts(b, "%3A", e)
                 : *text == '%' ? buf_puts(b, "%25", e)
                                : buf_putc(b, *text, e);

        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

int delta_app(struct buf *b, const char *pipeline, const struct span *where,
              struct err *e)
{
    if (buf_puts(b, "pinline:", e) < 0 || put_escaped(b, pipeline, e) < 0 ||
        buf_putc(b, ':', e) < 0 || put_escaped(b, where->topic, e) < 0) {
        return -1;
    }
    return buf_putf(b, e, ":%lld:%d", (long long)where->epoch,
                    (int)where->partition);
}

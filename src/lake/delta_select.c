/* delta_select.c - the rows of a table as a SELECT for the engine. */
#include <string.h>

#include "core/mem.h"
#include "lake/delta_parts_int.h"
#include "json/json.h"

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

/* Its type is what the schema says of the field with this name. */
static int put_field_type(struct buf *b, yyjson_val *fields, const char *name,
                          struct err *e)
{
    for (size_t i = 0; i < yyjson_arr_size(fields); i++) {
        yyjson_val *f = yyjson_arr_get(fields, i);

        if (yyjson_equals_str(json_get(f, "name"), name)) {
            return put_type_sql(b, json_get(f, "type"), 0, e);
        }
    }
    return err_set(e, ERR_CORRUPT,
                   "the partition column \"%s\" is not in the schema", name);
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

/* Do all files have all columns?  Then the engine need not open each of them
 * to see what it has. */
static bool uniform(const struct delta *t, const struct delta_ref *refs,
                    size_t n)
{
    struct json_doc doc;
    size_t columns;

    if (json_parse(&doc, slice_of(t->s.schema), JSON_NUMBERS, NULL, NULL) < 0) {
        return false;
    }
    columns = yyjson_arr_size(json_get(doc.root, "fields"));
    json_release(&doc);
    for (size_t i = 0; i < n; i++) {
        const struct delta_file *f = &t->s.files[refs[i].file];

        if (f->columns + t->s.nparts != columns || !delta_is_ours(f->path)) {
            return false;
        }
    }
    return true;
}

/* " UNION ALL BY NAME SELECT every column of the files but these, and these as
 * the log says FROM "; the format takes an empty text for NULL. */
static int put_columns(const struct delta *t, const char *values, struct buf *b,
                       struct err *e)
{
    struct json_doc schema = {0};
    struct json_doc doc = {0};
    int rc = -1;

    if (json_parse(&schema, slice_of(t->s.schema), JSON_NUMBERS, NULL, e) < 0 ||
        json_parse(&doc, slice_of(values != NULL ? values : "{}"), JSON_NUMBERS,
                   NULL, e) < 0 ||
        buf_puts(b, " UNION ALL BY NAME SELECT ", e) < 0 ||
        delta_other_columns(t, b, e) < 0) {
        goto out;
    }
    for (size_t i = 0; i < t->s.nparts; i++) {
        const char *name = t->s.parts[i];
        struct slice text = SLICE("");
        bool some = json_get_text(doc.root, name, &text) && text.len > 0;

        if (buf_puts(b, ", CAST(", e) < 0 ||
            (some ? duck_quote(b, text, '\'', e) : buf_puts(b, "NULL", e)) <
                0 ||
            buf_puts(b, " AS ", e) < 0 ||
            put_field_type(b, json_get(schema.root, "fields"), name, e) < 0 ||
            buf_puts(b, ") AS ", e) < 0 ||
            duck_quote(b, slice_of(name), '"', e) < 0) {
            goto out;
        }
    }
    rc = buf_puts(b, " FROM ", e);
out:
    json_release(&schema);
    json_release(&doc);
    return rc;
}

int delta_other_columns(const struct delta *t, struct buf *b, struct err *e)
{
    if (buf_puts(b, "COLUMNS(c -> c NOT IN (", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->s.nparts; i++) {
        if ((i > 0 && buf_puts(b, ", ", e) < 0) ||
            duck_quote(b, slice_of(t->s.parts[i]), '\'', e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "))", e);
}

/* The rows of files of one partition. */
static int put_files(struct delta *t, const struct delta_ref *refs, size_t n,
                     bool all_columns, struct buf *b, struct err *e)
{
    char path[FS_PATH_MAX];

    if ((t->s.nparts > 0 ? put_columns(t, refs->values, b, e)
                         : buf_puts(b, " UNION ALL BY NAME FROM ", e)) < 0 ||
        buf_puts(b, "read_parquet([", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (delta_fetch(t, refs[i].file, e) < 0 ||
            delta_file_path(t, refs[i].file, path, e) < 0 ||
            (i > 0 && buf_puts(b, ", ", e) < 0) ||
            duck_quote(b, slice_of(path), '\'', e) < 0) {
            return -1;
        }
    }
    /* what a folder's name says is not asked */
    return buf_puts(b,
                    all_columns
                        ? "], hive_partitioning=false)"
                        : "], hive_partitioning=false, union_by_name=true)",
                    e);
}

int delta_select_some(struct delta *t, const struct delta_ref *refs, size_t n,
                      struct buf *b, struct err *e)
{
    bool all_columns = uniform(t, refs, n);
    int rc = put_shape(b, t->s.schema, e);

    for (size_t i = 0; i < n && rc == 0;) {
        size_t some = t->s.nparts > 0 ? delta_refs_alike(refs + i, n - i) : n;

        rc = put_files(t, refs + i, some, all_columns, b, e);
        i += some;
    }
    return rc < 0 ? err_wrap(e, "table \"%s\"", t->dir) : 0;
}

int delta_select(struct delta *t, struct buf *b, struct err *e)
{
    size_t n = t->s.nfiles;
    struct delta_ref *refs = mem_zero(n + 1, sizeof(*refs));
    int rc;

    if (refs == NULL) {
        return err_nomem(e, (n + 1) * sizeof(*refs));
    }
    for (size_t i = 0; i < n; i++) {
        refs[i] = (struct delta_ref){t->s.files[i].values, i};
    }
    if (t->s.nparts > 0) {
        delta_refs_sort(refs, n);
    }
    rc = delta_select_some(t, refs, n, b, e);
    mem_free(refs);
    return rc;
}

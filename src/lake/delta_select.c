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

/* --- partitions ------------------------------------------------------------------ */

enum {
    BRANCHES_MAX = 100, /* of the union: above, files are joined with values */
};
/* What columns of the join are called, and no column of a table. */
#define JOINED "pinline_part_"

/* The value of a partition column in the log's words; the format takes an
 * empty text for NULL. */
static int put_value(struct buf *b, yyjson_val *values, const char *name,
                     struct err *e)
{
    struct slice text = SLICE("");

    return json_get_text(values, name, &text) && text.len > 0
               ? duck_quote(b, text, '\'', e)
               : buf_puts(b, "NULL", e);
}

/* ", CAST(value AS TYPE) AS "name"" of each partition column: the value that
 * the log has (values), or a column of the join (NULL). */
static int put_parts(const struct delta *t, yyjson_val *values, struct buf *b,
                     struct err *e)
{
    struct json_doc schema;
    int rc = json_parse(&schema, slice_of(t->s.schema), JSON_NUMBERS, NULL, e);

    for (size_t i = 0; i < t->s.nparts && rc == 0; i++) {
        const char *name = t->s.parts[i];

        rc = -1;
        if (buf_puts(b, ", CAST(", e) == 0 &&
            (values != NULL ? put_value(b, values, name, e)
                            : buf_putf(b, e, JOINED "%zu", i)) == 0 &&
            buf_puts(b, " AS ", e) == 0 &&
            put_field_type(b, json_get(schema.root, "fields"), name, e) == 0 &&
            buf_puts(b, ") AS ", e) == 0) {
            rc = duck_quote(b, slice_of(name), '"', e);
        }
    }
    json_release(&schema);
    return rc;
}

/* COLUMNS(...) that are none of the partition's, nor, if so, of the join. */
static int put_others(const struct delta *t, bool joined, struct buf *b,
                      struct err *e)
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
    return buf_puts(
        b, joined ? ") AND NOT starts_with(c, '" JOINED "'))" : "))", e);
}

int delta_other_columns(const struct delta *t, struct buf *b, struct err *e)
{
    return put_others(t, false, b, e);
}

/* "read_parquet([...], ...": its last bracket is the caller's. */
static int put_files(struct delta *t, const struct delta_ref *refs, size_t n,
                     bool all_columns, struct buf *b, struct err *e)
{
    char path[FS_PATH_MAX];

    if (buf_puts(b, "read_parquet([", e) < 0) {
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
                        ? "], hive_partitioning=false"
                        : "], hive_partitioning=false, union_by_name=true",
                    e);
}

/* The rows of files of one partition: a branch of its own, which a filter on a
 * partition column drops before a file is opened. */
static int put_branch(struct delta *t, const struct delta_ref *refs, size_t n,
                      bool all_columns, struct buf *b, struct err *e)
{
    const char *values = refs->values != NULL ? refs->values : "{}";
    struct json_doc doc;
    int rc = -1;

    if (t->s.nparts == 0) {
        return buf_puts(b, " UNION ALL BY NAME FROM ", e) < 0 ||
                       put_files(t, refs, n, all_columns, b, e) < 0
                   ? -1
                   : buf_putc(b, ')', e);
    }
    if (json_parse(&doc, slice_of(values), JSON_NUMBERS, NULL, e) < 0) {
        return -1;
    }
    if (buf_puts(b, " UNION ALL BY NAME SELECT ", e) == 0 &&
        delta_other_columns(t, b, e) == 0 &&
        put_parts(t, doc.root, b, e) == 0 && buf_puts(b, " FROM ", e) == 0 &&
        put_files(t, refs, n, all_columns, b, e) == 0) {
        rc = buf_putc(b, ')', e);
    }
    json_release(&doc);
    return rc;
}

/* ('path', 'value', ...) */
static int put_row(const struct delta *t, const struct delta_ref *ref,
                   struct buf *b, struct err *e)
{
    const char *values = ref->values != NULL ? ref->values : "{}";
    char path[FS_PATH_MAX];
    struct json_doc doc;
    int rc = -1;

    if (json_parse(&doc, slice_of(values), JSON_NUMBERS, NULL, e) < 0) {
        return -1;
    }
    if (delta_file_path(t, ref->file, path, e) == 0 &&
        buf_putc(b, '(', e) == 0 &&
        duck_quote(b, slice_of(path), '\'', e) == 0) {
        rc = 0;
    }
    for (size_t i = 0; i < t->s.nparts && rc == 0; i++) {
        rc = buf_puts(b, ", ", e) < 0
                 ? -1
                 : put_value(b, doc.root, t->s.parts[i], e);
    }
    json_release(&doc);
    return rc < 0 ? -1 : buf_putc(b, ')', e);
}

/* All files at once, joined with what the log says of each: a branch costs the
 * engine a look at a file each time that the query is planned. */
static int put_joined(struct delta *t, const struct delta_ref *refs, size_t n,
                      bool all_columns, struct buf *b, struct err *e)
{
    if (buf_puts(b, " UNION ALL BY NAME SELECT ", e) < 0 ||
        put_others(t, true, b, e) < 0 || put_parts(t, NULL, b, e) < 0 ||
        buf_puts(b, " FROM ", e) < 0 ||
        put_files(t, refs, n, all_columns, b, e) < 0 ||
        buf_puts(b, ", filename='" JOINED "file') JOIN (VALUES ", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if ((i > 0 && buf_puts(b, ", ", e) < 0) ||
            put_row(t, &refs[i], b, e) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, ") " JOINED "s(" JOINED "at", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->s.nparts; i++) {
        if (buf_putf(b, e, ", " JOINED "%zu", i) < 0) {
            return -1;
        }
    }
    return buf_puts(b, ") ON " JOINED "file = " JOINED "at", e);
}

/* Many partitions, and paths that the engine gives back as it got them. */
static bool may_join(const struct delta *t, const struct delta_ref *refs,
                     size_t n)
{
    size_t branches = 0;
    char path[FS_PATH_MAX];

    for (size_t i = 0; i < n; branches++) {
        i += delta_refs_alike(refs + i, n - i);
    }
    if (t->s.nparts == 0 || branches <= BRANCHES_MAX) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (delta_file_path(t, refs[i].file, path, NULL) < 0 ||
            strpbrk(path, "*?[\\~") != NULL) {
            return false;
        }
    }
    return true;
}

int delta_select_some(struct delta *t, const struct delta_ref *refs, size_t n,
                      struct buf *b, struct err *e)
{
    bool all_columns = uniform(t, refs, n);
    bool joined = may_join(t, refs, n);
    int rc = put_shape(b, t->s.schema, e);

    for (size_t i = 0; i < n && rc == 0 && !joined;) {
        size_t some = t->s.nparts > 0 ? delta_refs_alike(refs + i, n - i) : n;

        rc = put_branch(t, refs + i, some, all_columns, b, e);
        i += some;
    }
    if (rc == 0 && joined) {
        rc = put_joined(t, refs, n, all_columns, b, e);
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

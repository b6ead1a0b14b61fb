#include <string.h>

#include "clean/sql_int.h"

/* '/name' as a JSON pointer: ~ is ~0 and / is ~1. */
static int put_pointer(const struct sql_words *w, const char *name,
                       struct buf *b, struct err *e)
{
    struct buf p;
    int rc;

    buf_init(&p, 1 << 12);
    rc = buf_putc(&p, '/', e);
    for (; *name != '\0' && rc == 0; name++) {
        rc = *name == '~'   ? buf_puts(&p, "~0", e)
             : *name == '/' ? buf_puts(&p, "~1", e)
                            : buf_putc(&p, *name, e);
    }
    if (rc == 0) {
        rc = sql_put_text(w, buf_slice(&p), b, e);
    }
    buf_release(&p);
    return rc;
}

static int put_pointers(const struct spec_table *t, struct buf *b,
                        struct err *e)
{
    for (size_t i = 0; i < t->nfields; i++) {
        if ((i > 0 && buf_puts(b, ", ", e) != 0) ||
            put_pointer(sql_words(SQL_DUCKDB), t->fields[i], b, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* One pass over the JSON for all kinds, one for all texts. */
static int duckdb_fields(const struct spec_table *t, struct buf *b,
                         struct err *e)
{
    if (buf_puts(b, "parsed AS (\n  SELECT pos, json_type(record, [", e) != 0 ||
        put_pointers(t, b, e) != 0 ||
        buf_puts(b, "]) AS kinds,\n    json_extract_string(record, [", e) !=
            0 ||
        put_pointers(t, b, e) != 0 ||
        buf_puts(b,
                 "]) AS texts\n  FROM decoded),\n"
                 "fields AS (\n  SELECT pos",
                 e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->nfields; i++) {
        if (buf_putf(b, e,
                     ",\n    CASE kinds[%zu] WHEN 'VARCHAR' THEN 'string' "
                     "WHEN 'BIGINT' THEN 'int' WHEN 'UBIGINT' THEN 'int' "
                     "WHEN 'HUGEINT' THEN 'number' WHEN 'DOUBLE' THEN 'number' "
                     "WHEN 'BOOLEAN' THEN 'bool' WHEN 'ARRAY' THEN 'array' "
                     "WHEN 'OBJECT' THEN 'object' END AS k%zu, "
                     "texts[%zu] AS x%zu",
                     i + 1, i, i + 1, i) != 0) {
            return -1;
        }
    }
    return buf_puts(b, "\n  FROM parsed)", e);
}

/* 'name TYPE, ...' for from_json(). */
static int put_schema(const struct spec_table *t, const char *type,
                      struct buf *b, struct err *e)
{
    struct buf s;
    int rc = 0;

    buf_init(&s, 1 << 16);
    for (size_t i = 0; i < t->nfields && rc == 0; i++) {
        rc =
            buf_putf(&s, e, "%s`%s` %s", i > 0 ? ", " : "", t->fields[i], type);
    }
    if (rc == 0) {
        rc = sql_put_text(sql_words(SQL_SPARK), buf_slice(&s), b, e);
    }
    buf_release(&s);
    return rc;
}

/* Reading a field as each type in turn tells its kind. */
static int spark_fields(const struct spec_table *t, struct buf *b,
                        struct err *e)
{
    static const struct {
        const char *as, *type;
    } kinds[] = {{"s", "STRING"},        {"i", "BIGINT"},
                 {"d", "DOUBLE"},        {"l", "BOOLEAN"},
                 {"a", "ARRAY<STRING>"}, {"o", "MAP<STRING, STRING>"}};

    if (buf_puts(b, "parsed AS (\n  SELECT pos", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (buf_puts(b, ",\n    from_json(record, ", e) != 0 ||
            put_schema(t, kinds[i].type, b, e) != 0 ||
            buf_putf(b, e, ") AS %s", kinds[i].as) != 0) {
            return -1;
        }
    }
    if (buf_puts(b, "\n  FROM decoded),\nfields AS (\n  SELECT pos", e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < t->nfields; i++) {
        const char *f = t->fields[i];

        if (buf_putf(b, e,
                     ",\n    CASE WHEN s.`%s` IS NULL THEN NULL WHEN i.`%s` IS "
                     "NOT NULL THEN 'int' WHEN d.`%s` IS NOT NULL AND s.`%s` "
                     "RLIKE '^-?[0-9]' THEN 'number' WHEN l.`%s` IS NOT NULL "
                     "THEN 'bool' WHEN a.`%s` IS NOT NULL THEN 'array' WHEN "
                     "o.`%s` IS NOT NULL THEN 'object' ELSE 'string' END AS "
                     "k%zu, s.`%s` AS x%zu",
                     f, f, f, f, f, f, f, i, f, i) != 0) {
            return -1;
        }
    }
    return buf_puts(b, "\n  FROM parsed)", e);
}

int sql_fields(const struct spec_table *t, enum sql_dialect d, struct buf *b,
               struct err *e)
{
    return d == SQL_DUCKDB ? duckdb_fields(t, b, e) : spark_fields(t, b, e);
}

int sql_raw_fields(const struct spec_table *t, const char *relation,
                   struct buf *b, struct err *e)
{
    return buf_puts(b, "SELECT r.* FROM (SELECT from_json(record, ", e) != 0 ||
                   put_schema(t, "STRING", b, e) != 0 ||
                   buf_putf(b, e, ") AS r FROM %s)", relation) != 0
               ? -1
               : 0;
}

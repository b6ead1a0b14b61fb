#include <inttypes.h>
#include <string.h>

#include "clean/sql_int.h"

static const struct sql_words dialects[] = {
    [SQL_DUCKDB] = {"DuckDB",
                    '"',
                    false,
                    "regexp_replace({x}, '^[\\t\\n\\x0B\\f\\r ]+|"
                    "[\\t\\n\\x0B\\f\\r ]+$', '', 'g')",
                    {"[", ", ", "]"},
                    "SET TimeZone = 'UTC';\n",
                    "SELECT row_number() OVER () AS pos, json AS record FROM "
                    "read_json_objects({q}, format = 'newline_delimited')"},
    [SQL_SPARK] = {"Spark",
                   '`',
                   true,
                   "regexp_replace({x}, '\\\\A[\\\\t\\\\n\\\\x0B\\\\f\\\\r ]+|"
                   "[\\\\t\\\\n\\\\x0B\\\\f\\\\r ]+\\\\z', '')",
                   {"array(", ", ", ")"},
                   "SET spark.sql.ansi.enabled = false;\n"
                   "SET spark.sql.session.timeZone = UTC;\n"
                   "SET spark.sql.legacy.timeParserPolicy = CORRECTED;\n"
                   /* as Spark 4 has it: in 3.5 years before 1900 fail */
                   "SET spark.sql.parquet.outputTimestampType = "
                   "TIMESTAMP_MICROS;\n"
                   "SET spark.sql.parquet.datetimeRebaseModeInRead = "
                   "CORRECTED;\n"
                   "SET spark.sql.parquet.datetimeRebaseModeInWrite = "
                   "CORRECTED;\n",
                   "SELECT struct(_metadata.file_path, "
                   "_metadata.file_block_start, monotonically_increasing_id()) "
                   "AS pos, value AS record FROM text.{q}"},
};

const struct sql_words *sql_words(enum sql_dialect d)
{
    return &dialects[d];
}

int sql_settings(enum sql_dialect d, struct buf *b, struct err *e)
{
    return buf_puts(b, sql_words(d)->settings, e);
}

int sql_dialect_of(const char *word, enum sql_dialect *ret, struct err *e)
{
    if (strcmp(word, "duckdb") == 0) {
        *ret = SQL_DUCKDB;
        return 0;
    }
    if (strcmp(word, "spark") == 0) {
        *ret = SQL_SPARK;
        return 0;
    }
    return err_set(e, ERR_INVALID,
                   "dialect \"%s\" is not known; there are duckdb and spark",
                   word);
}

int sql_put_text(const struct sql_words *w, struct slice s, struct buf *b,
                 struct err *e)
{
    if (buf_putc(b, '\'', e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if ((c == '\'' && buf_putc(b, w->escapes ? '\\' : '\'', e) != 0) ||
            (c == '\\' && w->escapes && buf_putc(b, '\\', e) != 0) ||
            buf_putc(b, c, e) != 0) {
            return -1;
        }
    }
    return buf_putc(b, '\'', e);
}

int sql_put_name(const struct sql_words *w, const char *name, struct buf *b,
                 struct err *e)
{
    return buf_putf(b, e, "%c%s%c", w->quote, name, w->quote);
}

int sql_expand(const char *form, const struct sql_fill *f, struct buf *b,
               struct err *e)
{
    for (const char *p = form; *p != '\0'; p++) {
        const char *value = NULL;

        if (p[0] == '{' && p[1] != '\0' && p[2] == '}') {
            value = p[1] == 'x'   ? f->x
                    : p[1] == 'k' ? f->k
                    : p[1] == 't' ? f->t
                    : p[1] == 'a' ? f->a
                    : p[1] == 'q' ? f->q
                                  : NULL;
        }
        if (value != NULL) {
            if (buf_puts(b, value, e) != 0) {
                return -1;
            }
            p += 2;
        } else if (buf_putc(b, *p, e) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Every sentinel, or a clause for every prefix. */
static int each_text(const struct sql_words *w, const char *form,
                     const struct spec_texts *t, struct buf *b, struct err *e)
{
    struct sql_fill f = {.x = "{x}"};
    struct buf q;
    int rc = -1;

    buf_init(&q, 1 << 20);
    for (size_t i = 0; i < t->n; i++) {
        buf_clear(&q);
        if (sql_put_text(w, t->at[i], &q, e) != 0 ||
            buf_text(&q, &f.q, e) != 0) {
            goto out;
        }
        if ((form == NULL && i > 0 && buf_puts(b, ", ", e) != 0) ||
            sql_expand(form != NULL ? form : "{q}", &f, b, e) != 0) {
            goto out;
        }
    }
    rc = 0;
out:
    buf_release(&q);
    return rc;
}

/* '(^|,)[#]' with every letter of the sign as a class of its own. */
static int item_sign(const struct sql_words *w, const struct spec_column *c,
                     struct buf *b, struct err *e)
{
    struct buf p;
    int rc = -1;

    buf_init(&p, 1 << 16);
    if (buf_putf(&p, e, "(^|[%c])", c->split.len > 0 ? c->split.ptr[0] : ',') !=
        0) {
        goto out;
    }
    for (size_t i = 0; i < c->strip_each.len; i++) {
        char s = c->strip_each.ptr[i];
        bool plain = (unsigned char)s > 0x7F || (s >= '0' && s <= '9') ||
                     (s >= 'A' && s <= 'Z') || (s >= 'a' && s <= 'z');

        if (buf_putf(&p, e, plain ? "%c" : "\\%c", s) != 0) {
            goto out;
        }
    }
    rc = sql_put_text(w, buf_slice(&p), b, e);
out:
    buf_release(&p);
    return rc;
}

static int limits(const struct spec_column *c, size_t part, struct buf *b,
                  struct err *e)
{
    const struct spec_range *r = &c->range[part];

    if (c->type == SPEC_DOUBLE || c->type == SPEC_DOUBLES ||
        c->type == SPEC_POINT) {
        return buf_putf(b, e,
                        "CAST('%.17g' AS DOUBLE) AND CAST('%.17g' AS DOUBLE)",
                        r->low, r->high);
    }
    return buf_putf(b, e, "%" PRId64 " AND %" PRId64, (int64_t)r->low,
                    (int64_t)r->high);
}

int sql_args(const struct sql_words *w, enum sql_dialect d, const struct op *op,
             const struct spec_column *c, size_t part, struct buf *b,
             struct err *e)
{
    switch (op->args) {
    case OP_TEXTS:
        return each_text(w, NULL, &c->nulls, b, e);
    case OP_EACH:
        return each_text(w, d == SQL_DUCKDB ? op->duckdb[1] : op->spark[1],
                         &c->strip_prefix, b, e);
    case OP_SIGN:
        return item_sign(w, c, b, e);
    case OP_ITEMS:
        return sql_put_text(w, c->split, b, e);
    case OP_LIMITS:
        return limits(c, part, b, e);
    case OP_NO_ARGS:
    default:
        return 0;
    }
}

/* script_stream.c - the cleaning as a Structured Streaming program. */
#include <string.h>

#include "clean/sql.h"
#include "core/embed.h"
#include "flow/script.h"
#include "json/json.h"

enum {
    QUERY_MAX = 16 << 20
};

extern const struct embed_file flow_jobs[];

#define MARK "TABLES = {}\n"

static int put_setting(struct buf *b, const char *name, const char *value,
                       struct err *e)
{
    return buf_putf(b, e, "%s = ", name) < 0 ||
                   json_print_text(b, slice_of(value), e) < 0
               ? -1
               : buf_putc(b, '\n', e);
}

/* "pin": ("row", r"""WITH ..."""), */
static int put_table(const struct spec_table *t, struct buf *b, struct err *e)
{
    const char *text;
    struct buf q;
    int rc = -1;

    if (t->dedup == SPEC_DEDUP_LAST || t->dedup == SPEC_DEDUP_FIRST ||
        t->dedup == SPEC_DEDUP_RAW) {
        return err_set(e, ERR_UNAVAILABLE,
                       "table \"%s\": a stream on Spark takes out equal rows, "
                       "or none; --set %s.deduplicate=row",
                       t->name, t->name);
    }
    buf_init(&q, QUERY_MAX);
    if (sql_query(t, SQL_SPARK, &q, e) < 0 || buf_text(&q, &text, e) < 0) {
        goto out;
    }
    if (strstr(text, "\"\"\"") != NULL) {
        err_set(e, ERR_INVALID,
                "table \"%s\": three quotes in a row cannot stand in Python",
                t->name);
        goto out;
    }
    rc = buf_putf(b, e, "    \"%s\": (\"%s\", r\"\"\"\n%s\n\"\"\"),\n", t->name,
                  t->dedup == SPEC_DEDUP_ROW ? "row" : "none", text);
out:
    buf_release(&q);
    return rc;
}

/* SETTINGS = {"spark.sql.ansi.enabled": "false", ...} */
static int put_settings(struct buf *b, struct err *e)
{
    struct slice rest, line, name;
    struct buf all;
    int rc = -1;

    buf_init(&all, QUERY_MAX);
    if (sql_settings(SQL_SPARK, &all, e) < 0 ||
        buf_puts(b, "SETTINGS = {", e) < 0) {
        goto out;
    }
    rest = buf_slice(&all);
    while (slice_cut(&rest, '\n', &line)) {
        line = slice_from(slice_trim(line), 4); /* SET NAME = VALUE; */
        (void)slice_cut(&line, '=', &name);
        line = slice_trim(line);
        line.len -= line.len > 0 ? 1 : 0;
        if (buf_puts(b, "\n    ", e) < 0 ||
            json_print_text(b, slice_trim(name), e) < 0 ||
            buf_puts(b, ": ", e) < 0 || json_print_text(b, line, e) < 0 ||
            buf_putc(b, ',', e) < 0) {
            goto out;
        }
    }
    rc = buf_puts(b, "\n}\n", e);
out:
    buf_release(&all);
    return rc;
}

static int put_tables(const struct script_conf *conf, struct buf *b,
                      struct err *e)
{
    if (put_setting(b, "SOURCE", conf->raw, e) < 0 ||
        put_setting(b, "SINK", conf->tables, e) < 0 || put_settings(b, e) < 0 ||
        buf_putf(b, e,
                 "# By %s: how rows are deduplicated, and the rules\n"
                 "TABLES = {\n",
                 conf->spec->file) < 0) {
        return -1;
    }
    for (size_t i = 0; i < conf->spec->ntables; i++) {
        if (put_table(&conf->spec->tables[i], b, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}\n", e);
}

int script_stream(const struct script_conf *conf, struct buf *b, struct err *e)
{
    const struct embed_file *f = &flow_jobs[0];
    struct slice text = {(const char *)f->bytes, f->len};

    for (size_t i = 0; i + strlen(MARK) <= text.len; i++) {
        if (memcmp(text.ptr + i, MARK, strlen(MARK)) != 0) {
            continue;
        }
        return buf_append(b, (struct slice){text.ptr, i}, e) < 0 ||
                       put_tables(conf, b, e) < 0
                   ? -1
                   : buf_append(b, slice_from(text, i + strlen(MARK)), e);
    }
    return err_set(e, ERR_CORRUPT, "\"%s\" has no line %s", f->name, MARK);
}

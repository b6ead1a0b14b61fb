#include "flow/script.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clean/sql.h"
#include "json/json.h"

enum {
    CELL_MAX = 16 << 20,
    PATH_BYTES = 1 << 16,
    CWD_MAX = 4096,
    TABLE_WORD = 7 /* {table} */
};

struct pen {
    const struct script_conf *conf;
    struct buf *out;
    struct buf cell;
    size_t cells;
    bool rows; /* the statement's rows are for people to see */
    struct err *e;
};

/* --- cells ------------------------------------------------------------------------- */

static int put(struct pen *p, const char *text)
{
    return buf_puts(&p->cell, text, p->e);
}

/* One cell of a Jupyter notebook; kind: "code" or "markdown". */
static int put_cell(struct pen *p, const char *kind, struct slice source)
{
    bool code = strcmp(kind, "code") == 0;

    if (buf_putf(p->out, p->e,
                 "%s\n{\"cell_type\":\"%s\",\"id\":\"c%zu\",\"metadata\":{}%s,"
                 "\"source\":",
                 p->cells == 0 ? "" : ",", kind, p->cells,
                 code ? ",\"execution_count\":null,\"outputs\":[]" : "") < 0 ||
        json_print_text(p->out, source, p->e) < 0) {
        return -1;
    }
    p->cells++;
    return buf_putc(p->out, '}', p->e);
}

/* The statement as a Python cell; rows of a SELECT are shown. */
static int end_python(struct pen *p)
{
    static const char open[] = "spark.sql(r\"\"\"\n";
    const char *text;
    struct buf b;
    int rc = -1;

    buf_init(&b, CELL_MAX);
    if (buf_text(&p->cell, &text, p->e) < 0) {
        goto out;
    }
    if (strstr(text, "\"\"\"") != NULL) {
        err_set(p->e, ERR_INVALID,
                "three quotes in a row cannot stand in a Python cell");
        goto out;
    }
    if (buf_puts(&b, open, p->e) == 0 && buf_puts(&b, text, p->e) == 0 &&
        buf_puts(&b,
                 p->rows ? "\n\"\"\").show(1000, truncate=False)" : "\n\"\"\")",
                 p->e) == 0) {
        rc = put_cell(p, "code", buf_slice(&b));
    }
out:
    buf_clear(&p->cell);
    buf_release(&b);
    return rc;
}

/* What was put since the last one becomes a statement. */
static int end_cell(struct pen *p)
{
    const char *between = p->cells == 0 ? "" : "\n";
    int rc;

    if (p->conf->format == SCRIPT_IPYNB) {
        return end_python(p);
    }
    if (p->conf->format == SCRIPT_DATABRICKS && p->cells > 0) {
        between = "\n-- COMMAND ----------\n\n";
    }
    rc = buf_puts(p->out, between, p->e) < 0 ||
                 buf_append(p->out, buf_slice(&p->cell), p->e) < 0 ||
                 buf_puts(p->out, ";\n", p->e) < 0
             ? -1
             : 0;
    buf_clear(&p->cell);
    p->cells++;
    return rc;
}

/* --- paths ------------------------------------------------------------------------- */

/* DIR/NAME, from the root or with a scheme, with {table} filled in. */
static int put_path(struct pen *p, const char *path, const char *table,
                    const char *name)
{
    char cwd[CWD_MAX];
    bool rooted = path[0] == '/' || strstr(path, "://") != NULL;

    if (strpbrk(path, "`'\\") != NULL) {
        return err_set(p->e, ERR_INVALID,
                       "path \"%s\": a quote or a backslash cannot stand in "
                       "the script",
                       path);
    }
    if (!rooted && getcwd(cwd, sizeof(cwd)) == NULL) {
        return err_set(p->e, ERR_IO, "cannot tell the working folder");
    }
    if (!rooted && (put(p, cwd) < 0 || put(p, "/") < 0)) {
        return -1;
    }
    for (const char *at = path; *at != '\0'; at++) {
        if (strncmp(at, "{table}", TABLE_WORD) == 0) {
            if (put(p, table) < 0) {
                return -1;
            }
            at += TABLE_WORD - 1;
        } else if (buf_putc(&p->cell, *at, p->e) < 0) {
            return -1;
        }
    }
    return name == NULL ? 0 : buf_putf(&p->cell, p->e, "/%s", name);
}

static int put_table_path(struct pen *p, const struct spec_table *t)
{
    return put_path(p, p->conf->tables, t->name, t->name);
}

/* --- statements -------------------------------------------------------------------- */

/* raw_NAME: the records with their places; df_NAME: their fields as text. */
static int put_raw(struct pen *p, const struct spec_table *t)
{
    char relation[CWD_MAX];
    struct buf path;
    const char *text;
    size_t start = p->cell.len;
    int rc = -1;

    buf_init(&path, PATH_BYTES);
    if (put_path(p, p->conf->raw, t->name, NULL) < 0 ||
        buf_append(&path, slice_from(buf_slice(&p->cell), start), p->e) < 0 ||
        buf_text(&path, &text, p->e) < 0) {
        goto out;
    }
    buf_clear(&p->cell);
    if (buf_putf(&p->cell, p->e,
                 "-- The records of %s, with their places\n"
                 "CREATE OR REPLACE TEMPORARY VIEW raw_%s AS\n",
                 t->name, t->name) < 0 ||
        sql_input(SQL_SPARK, text, &p->cell, p->e) < 0 || end_cell(p) < 0) {
        goto out;
    }
    if (buf_putf(&p->cell, p->e,
                 "-- Their fields as they came\n"
                 "CREATE OR REPLACE TEMPORARY VIEW df_%s AS\n",
                 t->name) < 0) {
        goto out;
    }
    (void)snprintf(relation, sizeof(relation), "raw_%s", t->name);
    rc = sql_raw_fields(t, relation, &p->cell, p->e) < 0 ? -1 : end_cell(p);
out:
    buf_release(&path);
    return rc;
}

static int put_stored(struct pen *p, const struct spec_table *t)
{
    if (put(p, "CREATE OR REPLACE TEMPORARY VIEW decoded AS\n") < 0 ||
        buf_putf(&p->cell, p->e, "SELECT * FROM raw_%s", t->name) < 0 ||
        end_cell(p) < 0 ||
        buf_putf(&p->cell, p->e,
                 "-- The spec's rules for %s (spec %.12s), and "
                 "deduplication\n%s",
                 t->name, t->hash,
                 p->conf->delta ? "CREATE OR REPLACE TABLE delta.`"
                                : "INSERT OVERWRITE DIRECTORY '") < 0 ||
        put_table_path(p, t) < 0 ||
        put(p, p->conf->delta ? "` USING delta AS\n" : "' USING parquet\n") <
            0 ||
        sql_query(t, SQL_SPARK, &p->cell, p->e) < 0) {
        return -1;
    }
    return end_cell(p);
}

static int put_named(struct pen *p, const struct spec_table *t)
{
    const char *kind = p->conf->delta ? "delta" : "parquet";

    if (!p->conf->metastore) {
        return buf_putf(&p->cell, p->e,
                        "CREATE OR REPLACE TEMPORARY VIEW clean_%s AS\n",
                        t->name) < 0 ||
                       buf_putf(&p->cell, p->e, "SELECT * FROM %s.`", kind) <
                           0 ||
                       put_table_path(p, t) < 0 || put(p, "`") < 0
                   ? -1
                   : end_cell(p);
    }
    if (buf_putf(&p->cell, p->e, "DROP TABLE IF EXISTS clean_%s", t->name) <
            0 ||
        end_cell(p) < 0 ||
        buf_putf(&p->cell, p->e, "CREATE TABLE clean_%s USING %s LOCATION '",
                 t->name, kind) < 0 ||
        put_table_path(p, t) < 0 || put(p, "'") < 0) {
        return -1;
    }
    return end_cell(p);
}

static int put_answer(struct pen *p, const struct analysis *a)
{
    const char *folder = p->conf->answers;

    if (buf_putf(&p->cell, p->e, "-- %s  %s\n", a->id, a->title) < 0) {
        return -1;
    }
    if (folder != NULL &&
        (put(p, "INSERT OVERWRITE DIRECTORY '") < 0 ||
         put_path(p, folder, "", a->id) < 0 ||
         put(p, "' USING json OPTIONS (ignoreNullFields 'false')\n") < 0)) {
        return -1;
    }
    p->rows = folder == NULL;
    return analysis_script(p->conf->analyses, a, NULL, 0, &p->cell, p->e) < 0
               ? -1
               : end_cell(p);
}

/* --- the whole --------------------------------------------------------------------- */

/* What it is, for people. */
static int put_title(struct pen *p)
{
    static const char words[] =
        "Cleans by %s and answers, in Spark SQL; made by pinline %s.\n"
        "%sReads JSON objects, one a line, UTF-8, keys unique: `pinline clean "
        "--decoded` writes\n%sthem from anything else.\n";
    struct buf b;
    int rc = -1;

    if (p->conf->format != SCRIPT_IPYNB) {
        return buf_puts(p->out,
                        p->conf->format == SCRIPT_DATABRICKS
                            ? "-- Databricks notebook source\n-- "
                            : "-- ",
                        p->e) < 0 ||
                       buf_putf(p->out, p->e, words, p->conf->spec->file,
                                PINLINE_VERSION, "-- ", "-- ") < 0
                   ? -1
                   : buf_putc(p->out, '\n', p->e);
    }
    buf_init(&b, PATH_BYTES);
    if (buf_puts(p->out, "{\"cells\":[", p->e) == 0 &&
        buf_putf(&b, p->e, words, p->conf->spec->file, PINLINE_VERSION, "",
                 "") == 0 &&
        put_cell(p, "markdown", buf_slice(&b)) == 0) {
        rc = put_cell(p, "code",
                      SLICE("from pyspark.sql import SparkSession\n\n"
                            "spark = SparkSession.builder.appName(\"pinline\")."
                            "getOrCreate()"));
    }
    buf_release(&b);
    return rc;
}

static int put_end(struct pen *p)
{
    return p->conf->format != SCRIPT_IPYNB
               ? 0
               : buf_puts(
                     p->out,
                     "\n],\"metadata\":{\"kernelspec\":{\"display_name\":"
                     "\"Python 3\",\"language\":\"python\",\"name\":"
                     "\"python3\"},\"language_info\":{\"name\":\"python\"}}"
                     ",\"nbformat\":4,\"nbformat_minor\":5}\n",
                     p->e);
}

static int put_head(struct pen *p)
{
    struct buf settings;
    struct slice rest, one;
    int rc = -1;

    if (put_title(p) < 0) {
        return -1;
    }
    buf_init(&settings, PATH_BYTES);
    if (sql_settings(SQL_SPARK, &settings, p->e) < 0) {
        goto out;
    }
    rest = buf_slice(&settings);
    while (slice_cut(&rest, '\n', &one)) {
        one.len -= one.len > 0 ? 1 : 0; /* ; */
        if (buf_append(&p->cell, one, p->e) < 0 || end_cell(p) < 0) {
            goto out;
        }
    }
    rc = 0;
out:
    buf_release(&settings);
    return rc;
}

int script_spark(const struct script_conf *conf, struct buf *b, struct err *e)
{
    struct pen p = {.conf = conf, .out = b, .e = e};
    int rc = -1;

    buf_init(&p.cell, CELL_MAX);
    if (put_head(&p) < 0) {
        goto out;
    }
    for (size_t i = 0; i < conf->spec->ntables; i++) {
        const struct spec_table *t = &conf->spec->tables[i];

        if (put_raw(&p, t) < 0 || put_stored(&p, t) < 0 ||
            put_named(&p, t) < 0) {
            goto out;
        }
    }
    for (size_t i = 0;
         conf->analyses != NULL && i < analyses_count(conf->analyses); i++) {
        if (put_answer(&p, analyses_at(conf->analyses, i)) < 0) {
            goto out;
        }
    }
    rc = put_end(&p);
out:
    buf_release(&p.cell);
    return rc;
}

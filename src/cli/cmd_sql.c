#include "clean/sql.h"
#include "cli/workspace.h"
#include "flow/catalog.h"
#include "flow/script.h"

extern const struct cmd cmd_sql;

enum {
    SQL_BYTES_MAX = 16 << 20
};

static const char *const dialects[] = {"duckdb", "spark", NULL};
static const char *const formats[] = {"sql", "databricks", "ipynb", NULL};
static const char *const storages[] = {"parquet", "delta", NULL};
/* What only the whole script for Spark takes. */
static const char *const spark_only[] = {
    "answers", "format", "raw", "register", "storage", "stream", "tables"};

static const struct opt opts[] = {
    {.name = "answers",
     .kind = OPT_TEXT,
     .arg = "DIR",
     .help = "Script for Spark: store the answers as JSON here, else print"},
    {.name = "dialect",
     .kind = OPT_CHOICE,
     .arg = "DIALECT",
     .choices = dialects,
     .help = "duckdb (default) or spark"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = formats,
     .help = "Script for Spark: sql (default), or a notebook: databricks, or "
             "ipynb with Python cells"},
    {.name = "raw",
     .kind = OPT_TEXT,
     .arg = "PATH",
     .help = "Script for Spark: the records; {table}.jsonl unless said"},
    {.name = "register",
     .kind = OPT_FLAG,
     .help = "Script for Spark: clean_NAME as tables of the metastore"},
    {.name = "script",
     .kind = OPT_FLAG,
     .help = "A script that stands alone: reads a file, makes a table"},
    {.name = "storage",
     .kind = OPT_CHOICE,
     .arg = "KIND",
     .choices = storages,
     .help = "Script for Spark: tables are parquet (default) or delta"},
    {.name = "stream",
     .kind = OPT_FLAG,
     .help = "A PySpark program that cleans as a stream, instead of a script"},
    {.name = "table",
     .kind = OPT_TEXT,
     .arg = "TABLE",
     .help = "Only this table of the spec; else all, as a script"},
    {.name = "tables",
     .kind = OPT_TEXT,
     .arg = "DIR",
     .help = "Script for Spark: the folder for the tables; clean unless said"},
};

static int print_spark(const struct workspace *w, const struct args *a,
                       struct buf *b, struct err *e)
{
    struct analyses *all;
    struct script_conf conf = {
        .spec = w->spec,
        .raw = args_text(a, "raw", "{table}.jsonl"),
        .tables = args_text(a, "tables", "clean"),
        .answers = args_text(a, "answers", NULL),
        .delta = args_int(a, "storage", 0) != 0,
        .metastore = args_has(a, "register"),
        .format = (enum script_format)args_int(a, "format", SCRIPT_SQL),
    };
    int rc;

    if (args_has(a, "stream")) {
        return script_stream(&conf, b, e);
    }
    if (analyses_load(&all, w->project.analyses, e) < 0) {
        return -1;
    }
    conf.analyses = all;
    rc = script_spark(&conf, b, e);
    analyses_free(all);
    return rc;
}

static int check_options(const struct args *a, struct err *e)
{
    bool whole = args_int(a, "dialect", SQL_DUCKDB) == SQL_SPARK &&
                 args_text(a, "table", NULL) == NULL;

    for (size_t i = 0; i < ARRAY_LEN(spark_only) && !whole; i++) {
        if (args_has(a, spark_only[i])) {
            return err_set(e, ERR_INVALID,
                           "--%s belongs to the whole script for Spark: "
                           "--dialect spark without --table",
                           spark_only[i]);
        }
    }
    return 0;
}

static int print_tables(const struct workspace *w, const struct args *a,
                        struct buf *b, struct err *e)
{
    const struct spec *s = w->spec;
    const char *name = args_text(a, "table", NULL);
    enum sql_dialect d = (enum sql_dialect)args_int(a, "dialect", 0);
    const struct spec_table *t;

    if (name != NULL) {
        if (spec_table(s, name, &t, e) != 0) {
            return -1;
        }
        if (args_has(a, "script")) {
            return sql_script(s, t, d, b, e);
        }
        return sql_query(t, d, b, e) != 0 ? -1 : buf_puts(b, ";\n", e);
    }
    if (d == SQL_SPARK) {
        return print_spark(w, a, b, e);
    }
    for (size_t i = 0; i < s->ntables; i++) {
        if ((i > 0 && buf_putc(b, '\n', e) != 0) ||
            sql_script(s, &s->tables[i], d, b, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    struct buf b;
    int rc;

    if (check_options(a, e) != 0 || workspace_load(&w, c, NULL, 0, e) != 0) {
        return -1;
    }
    buf_init(&b, SQL_BYTES_MAX);
    rc = print_tables(&w, a, &b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
    }
    buf_release(&b);
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_sql = {
    .name = "sql",
    .summary = "Print the cleaning spec as SQL",
    .about =
        "The same rules as the C program has, as one query over a "
        "relation `decoded` with the columns pos and record, or with "
        "--script as a file that reads JSON Lines and makes a table. What "
        "only C can do (provenance, on_error: stop) is refused by name.\n\n"
        "For Spark the script is the whole batch: views df_NAME over the "
        "records, tables clean_NAME, and every answer. It runs in "
        "spark-sql -f (4.2, 3.5) as it is. In --raw {table} stands for the "
        "table's name; a path may be a folder, a pattern or an URL that "
        "Spark reads.\n\n"
        "With --stream it is a program for spark-submit that goes on "
        "cleaning: from Kafka or a folder (--raw) into Delta tables or "
        "Postgres (--tables), each record once; its own --help tells the "
        "rest.",
    .examples = "pinline sql --table pin\n  The query for DuckDB\n"
                "pinline sql --dialect spark --script > batch.sql\n  For "
                "spark-sql -f batch.sql\n"
                "pinline sql --dialect spark --stream --raw "
                "kafka://127.0.0.1:9092 > job.py\n  For spark-submit job.py "
                "--checkpoints DIR\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

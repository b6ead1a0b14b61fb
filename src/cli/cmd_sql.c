#include "clean/sql.h"
#include "cli/workspace.h"

extern const struct cmd cmd_sql;

enum {
    SQL_BYTES_MAX = 16 << 20
};

static const char *const dialects[] = {"duckdb", "spark", NULL};

static const struct opt opts[] = {
    {.name = "dialect",
     .kind = OPT_CHOICE,
     .arg = "DIALECT",
     .choices = dialects,
     .help = "duckdb (default) or spark"},
    {.name = "script",
     .kind = OPT_FLAG,
     .help = "A script that stands alone: reads a file, makes a table"},
    {.name = "table",
     .kind = OPT_TEXT,
     .arg = "TABLE",
     .help = "Only this table of the spec; else all, as a script"},
};

static int print_tables(const struct spec *s, const struct args *a,
                        struct buf *b, struct err *e)
{
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

    if (workspace_load(&w, c, NULL, 0, e) != 0) {
        return -1;
    }
    buf_init(&b, SQL_BYTES_MAX);
    rc = print_tables(w.spec, a, &b, e);
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
    .about = "The same rules as the C program has, as one query over a "
             "relation `decoded` with the columns pos and record, or with "
             "--script as a file that reads JSON Lines and makes a table. What "
             "only C can do (provenance, on_error: stop) is refused by name.",
    .examples = "pinline sql --table pin\n  The query for DuckDB\n"
                "pinline sql --dialect spark --script > clean.sql\n  For "
                "spark-sql -f clean.sql\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

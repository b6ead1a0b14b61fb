#include <inttypes.h>
#include <string.h>

#include "cli/cmd_int.h"
#include "cli/query_int.h"
#include "core/fault.h"
#include "core/fs.h"
#include "core/mem.h"
#include "flow/catalog.h"
#include "flow/project.h"
#include "flow/worker.h"
#include "lake/parquet.h"
#include "record/batch_json.h"

enum {
    SETS_MAX = 64,
    OUT_MAX = 512 << 20,
    TEXTS_MAX = 1 << 16,
    FAULTS_TEXT_MAX = 1 << 20,
    FORMAT_PARQUET = 3
};

static const char *const formats[] = {"table", "json", "csv", "parquet", NULL};
static const char *const engines[] = {"duckdb", "databricks", "spark", NULL};

static const struct opt opts[] = {
    {.name = "engine",
     .kind = OPT_CHOICE,
     .arg = "NAME",
     .choices = engines,
     .help = "What computes the answers: duckdb (default), spark, or a "
             "databricks warehouse over its own tables"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = formats,
     .help = "How rows look: table, json, csv or parquet"},
    {.name = "memory",
     .kind = OPT_BYTES,
     .arg = "BYTES",
     .help = "With --sql: most memory the query may take, 1GiB by default"},
    {.name = "out",
     .letter = 'o',
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Write to this file; parquet needs it"},
    {.name = "sql",
     .kind = OPT_TEXT,
     .arg = "TEXT",
     .help = "Run this SELECT over clean_pin, clean_geo, clean_user, or over "
             "df_pin ... (the raw records, as text) instead"},
    {.name = "tables",
     .kind = OPT_TEXT,
     .arg = "DIR",
     .help = "Read the Delta tables in this folder"},
    {.name = "task",
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = 99,
     .help = "Answer this task of the course, as it words it"},
    {.name = "timeout",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .help = "With --sql: longest time the query may take, 30s by default"},
    {.name = "variants",
     .kind = OPT_FLAG,
     .help = "Show every variant beside the default, * where they differ"},
};

struct job {
    struct cli *c;
    const struct args *args;
    struct project project;
    struct analyses *all;
    struct analysis_choice choices[QUERY_CHOICES_MAX];
    size_t nchoices;
    struct query_item *items;
    size_t nitems;
    bool many; /* JSON is an object, id -> rows */
    int format;
    const char *kind; /* of the engine */
    struct engine *engine;
    struct query_raw *raw;
    struct engine *raw_engine; /* owned by raw */
    bool undeduplicated;       /* --set deduplicate=none */
    const char *const *sets;   /* of the project */
    size_t nsets;
    struct arena texts; /* names of chosen parameters */
    struct buf out;
};

/* --- what was asked for ------------------------------------------------------------------ */

/* A parameter of an answer? Its value is then cut off name=value. */
static bool is_parameter(const struct job *j, struct slice name)
{
    for (size_t i = 0; i < analyses_count(j->all); i++) {
        const struct analysis *a = analyses_at(j->all, i);

        for (size_t k = 0; k < a->nparams; k++) {
            if (slice_is(name, a->params[k].name)) {
                return true;
            }
        }
    }
    return false;
}

/* --set takes settings of the project and parameters of answers. */
static int part_sets(struct job *j, const char *sets[SETS_MAX], size_t *n,
                     struct err *e)
{
    *n = 0;
    for (size_t i = 0; i < j->c->n_sets; i++) {
        struct slice value = slice_of(j->c->sets[i]);
        struct slice name;
        bool set = slice_cut(&value, '=', &name);

        if (*n == SETS_MAX || j->nchoices == QUERY_CHOICES_MAX / 2) {
            return err_set(e, ERR_LIMIT, "more than %d --set", SETS_MAX);
        }
        if (set && slice_is(name, "deduplicate")) {
            j->undeduplicated = slice_is(value, "none");
            if (!j->undeduplicated && !slice_is(value, "row")) {
                return err_set(e, ERR_INVALID,
                               "deduplicate is row or none, not \"%s\"",
                               value.ptr);
            }
        } else if (set && is_parameter(j, name)) {
            struct slice copy;

            if (arena_copy(&j->texts, name, &copy, e) < 0) {
                return -1;
            }
            j->choices[j->nchoices++] =
                (struct analysis_choice){copy.ptr, value.ptr};
        } else {
            sets[(*n)++] = j->c->sets[i];
        }
    }
    return analyses_check(j->all, j->choices, j->nchoices, e);
}

static int add_item(struct job *j, const struct analysis *a,
                    const struct analysis_choice *own, size_t n, struct err *e)
{
    struct query_item *more =
        mem_resize(j->items, j->nitems + 1, sizeof(*more));
    struct query_item *x;

    if (more == NULL) {
        return err_nomem(e, sizeof(*more));
    }
    j->items = more;
    x = &more[j->nitems++];
    *x = (struct query_item){.a = a};
    for (size_t i = 0; i < n; i++) {
        x->choices[x->n++] = own[i];
    }
    for (size_t i = 0; i < j->nchoices; i++) {
        x->choices[x->n++] = j->choices[i];
    }
    return 0;
}

static int add_task(struct job *j, int task, struct err *e)
{
    struct analysis_choice choices[ANALYSIS_PARAMS_MAX];
    const struct analysis *a;
    size_t at = 0;
    size_t n;

    while ((a = analyses_task(j->all, task, &at, choices, &n)) != NULL) {
        if (add_item(j, a, choices, n, e) < 0) {
            return -1;
        }
    }
    return j->nitems > 0 ? 0
                         : err_set(e, ERR_INVALID,
                                   "no answer belongs to task %d; the tasks "
                                   "are 4 to 11",
                                   task);
}

static int add_words(struct job *j, struct err *e)
{
    for (size_t i = 0; i < j->args->n_words; i++) {
        const char *word = j->args->words[i];
        bool all = strcmp(word, "all") == 0;
        size_t n = all ? analyses_count(j->all) : 1;

        j->many = j->many || all;
        for (size_t k = 0; k < n; k++) {
            const struct analysis *a =
                all ? analyses_at(j->all, k) : analyses_find(j->all, word, e);

            if (a == NULL || add_item(j, a, NULL, 0, e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* --- giving it ------------------------------------------------------------------------------ */

/* How rows are printed; a Parquet file's are not. */
static struct table_style style_of(const struct job *j)
{
    return (struct table_style){.format = j->format == FORMAT_PARQUET
                                              ? TABLE_TEXT
                                              : (enum table_format)j->format,
                                .width = j->c->width,
                                .colour = j->c->colour};
}

/* Without a word: which answers there are. */
static int list_answers(struct job *j, struct err *e)
{
    static const char *const names[] = {"id", "answer", "question"};
    struct table_style style = style_of(j);
    struct table t;
    int rc = -1;

    if (j->format == FORMAT_PARQUET) {
        return err_set(e, ERR_INVALID, "name the answer to write");
    }
    table_init(&t, names, ARRAY_LEN(names));
    for (size_t i = 0; i < analyses_count(j->all); i++) {
        const struct analysis *a = analyses_at(j->all, i);

        if (table_put(&t, slice_of(a->id), e) < 0 ||
            table_put(&t, slice_of(a->name), e) < 0 ||
            table_put(&t, slice_of(a->question), e) < 0) {
            goto out;
        }
    }
    rc = table_print(&t, &style, &j->out, e);
out:
    table_release(&t);
    return rc;
}

static int write_parquet(struct job *j, const struct batch *rows, struct err *e)
{
    const char *path = args_text(j->args, "out", NULL);
    struct duck_conf conf = {0};
    struct duck *d;
    int rc;

    if (path == NULL || j->nitems != 1) {
        return err_set(e, ERR_INVALID, "parquet takes one answer and --out");
    }
    if (duck_open(&d, &conf, e) < 0) {
        return -1;
    }
    rc = parquet_write(d, path, &rows, 1, NULL, e);
    duck_close(d);
    return rc;
}

static int put_frame(struct job *j, const struct frame *f, struct err *e)
{
    struct table_style style = style_of(j);

    if (j->format == FORMAT_PARQUET) {
        return write_parquet(j, &f->rows, e);
    }
    return j->format == TABLE_JSON
               ? batch_json_rows(&f->rows, &j->out, e)
               : table_print_batch(&f->rows, &style, &j->out, e);
}

static int put_rows(struct job *j, const struct query_item *x, struct err *e)
{
    struct frame f;
    int rc;

    if (x->asked) {
        return put_frame(j, &x->rows, e);
    }
    if (analysis_run(j->all, x->a, x->choices, x->n, j->engine, &f, e) < 0) {
        return -1;
    }
    rc = put_frame(j, &f, e);
    frame_release(&f);
    return rc;
}

static int put_item(struct job *j, const struct query_item *x, struct err *e)
{
    const struct query q = {
        .all = j->all,
        .engine = j->engine,
        .raw = j->undeduplicated ? NULL : j->raw_engine,
        .choices = x->choices,
        .nchoices = x->n,
        .style = {.format = style_of(j).format, .colour = j->c->colour},
        .out = &j->out,
    };

    if (j->format == TABLE_TEXT &&
        buf_putf(&j->out, e, "%s  %s\n", x->a->id, x->a->title) < 0) {
        return -1;
    }
    if (args_has(j->args, "variants")) {
        return query_variants(&q, x->a, e);
    }
    if (put_rows(j, x, e) < 0) {
        return -1;
    }
    return j->format == TABLE_TEXT && x->a->note[0] != '\0'
               ? buf_putf(&j->out, e, "%s\n", x->a->note)
               : 0;
}

static int put_items(struct job *j, struct err *e)
{
    bool json = j->format == TABLE_JSON;

    if (json && j->many && buf_putc(&j->out, '{', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->nitems; i++) {
        if (i > 0 && j->format != FORMAT_PARQUET &&
            buf_putc(&j->out, json ? ',' : '\n', e) < 0) {
            return -1;
        }
        if (json && j->many &&
            buf_putf(&j->out, e, "\"%s\":", j->items[i].a->id) < 0) {
            return -1;
        }
        if (put_item(j, &j->items[i], e) < 0) {
            return -1;
        }
    }
    if (json && j->many && buf_putc(&j->out, '}', e) < 0) {
        return -1;
    }
    return json ? buf_putc(&j->out, '\n', e) : 0;
}

/* Cleaned again from the raw objects.  Beside other variants it may be
 * missing: tables of elsewhere have no raw objects. */
static int open_raw(struct job *j, struct err *e)
{
    struct cli c = *j->c;
    struct err why;

    if (args_has(j->args, "tables")) {
        return j->undeduplicated
                   ? err_set(e, ERR_INVALID,
                             "deduplicate=none is made from the project's raw "
                             "objects; leave out --tables")
                   : 0;
    }
    c.sets = j->sets;
    c.n_sets = j->nsets;
    if (query_raw_open(&j->raw, &j->raw_engine, &c,
                       j->undeduplicated ? e : &why) == 0) {
        return 0;
    }
    if (j->undeduplicated) {
        return -1;
    }
    (void)fprintf(j->c->err, "without deduplicate=none: %s\n", why.msg);
    return 0;
}

static bool is_far(const struct job *j)
{
    return strcmp(j->kind, "duckdb") != 0;
}

/* The engine with the tables; the job's. */
static int open_engine(struct job *j, const char *tables, struct err *e)
{
    return query_engine(&j->engine, &j->project, j->kind, tables,
                        args_int(j->args, "timeout", 0), e);
}

static int answer(struct job *j, const char *tables, struct err *e)
{
    bool variants = args_has(j->args, "variants");

    if (j->format == TABLE_CSV && j->nitems > 1) {
        return err_set(e, ERR_INVALID, "csv takes one answer at a time");
    }
    if (variants && j->format != TABLE_TEXT && j->format != TABLE_JSON) {
        return err_set(e, ERR_INVALID, "variants are a table or JSON");
    }
    if (is_far(j) && (variants || j->undeduplicated)) {
        return err_set(e, ERR_INVALID,
                       "variants and deduplicate=none are for engine "
                       "\"duckdb\"");
    }
    if (j->undeduplicated || variants) {
        if (open_raw(j, e) < 0) {
            return -1;
        }
    }
    if (j->undeduplicated) {
        j->engine = j->raw_engine;
        return put_items(j, e);
    }
    if (open_engine(j, tables, e) < 0 ||
        (is_far(j) &&
         query_far_answers(j->engine, j->all, j->items, j->nitems, e) < 0)) {
        return -1;
    }
    return put_items(j, e);
}

/* SQL of somebody's own, which is not confined: it runs far away. */
static int run_sql_far(struct job *j, const char *tables, const char *sql,
                       struct err *e)
{
    struct frame f;
    int rc;

    if (open_engine(j, tables, e) < 0 ||
        engine_query(j->engine, sql, ANALYSIS_BYTES_MAX, &f, e) < 0) {
        return -1;
    }
    rc = put_frame(j, &f, e);
    if (rc == 0 && j->format == TABLE_JSON) {
        rc = buf_putc(&j->out, '\n', e);
    }
    frame_release(&f);
    return rc;
}

static int run_sql(struct job *j, const char *tables, const char *sql,
                   struct err *e)
{
    const struct worker_project project = {j->project.file, j->project.data,
                                           j->sets, j->nsets};
    struct worker_request r = {
        .sql = slice_of(sql),
        .tables = tables,
        .project = &project,
        .format = formats[j->format],
        .width = j->c->width,
        .timeout_us = args_int(j->args, "timeout", 0),
        .memory = args_int(j->args, "memory", 0),
    };

    if (j->format == FORMAT_PARQUET) {
        return err_set(e, ERR_INVALID, "--sql gives a table, JSON or CSV");
    }
    if (j->args->n_words > 0 || args_has(j->args, "task")) {
        return err_set(e, ERR_INVALID, "--sql goes without an answer's name");
    }
    if (is_far(j)) {
        return run_sql_far(j, tables, sql, e);
    }
    return worker_run(&r, &j->out, e);
}

static int work(struct job *j, struct err *e)
{
    const char *sql = args_text(j->args, "sql", NULL);
    const char *tables = args_text(j->args, "tables", NULL);

    if (tables == NULL) {
        tables = catalog_tables_dir(&j->project, e);
        if (tables == NULL) {
            return -1;
        }
    }
    if (sql != NULL) {
        return run_sql(j, tables, sql, e);
    }
    if (add_words(j, e) < 0 ||
        (args_has(j->args, "task") &&
         add_task(j, (int)args_int(j->args, "task", 0), e) < 0)) {
        return -1;
    }
    j->many = j->many || j->nitems > 1;
    return j->nitems == 0 ? list_answers(j, e) : answer(j, tables, e);
}

static int give(struct job *j, struct err *e)
{
    const char *path = args_text(j->args, "out", NULL);

    if (j->format == FORMAT_PARQUET) {
        return 0;
    }
    if (path != NULL) {
        return fs_publish(path, buf_slice(&j->out), e);
    }
    (void)fwrite(j->out.ptr, 1, j->out.len, j->c->out);
    return 0;
}

/* Every fault of the configuration is told, the first is the error. */
static int load(struct job *j, const char *const *sets, size_t n, struct err *e)
{
    struct faults faults;
    struct buf text;
    int rc;

    faults_init(&faults);
    buf_init(&text, FAULTS_TEXT_MAX);
    rc = project_load(&j->project, j->c->config, j->c->data, sets, n, &faults,
                      e);
    if (rc < 0 && faults.count > 1 && faults_print(&faults, &text, NULL) == 0) {
        (void)fwrite(text.ptr, 1, text.len, j->c->err);
    }
    buf_release(&text);
    faults_release(&faults);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct job j = {.c = c, .args = a};
    const char *sets[SETS_MAX];
    size_t n;
    int rc = -1;

    j.format = (int)args_int(a, "format", TABLE_TEXT);
    j.kind = engines[args_int(a, "engine", 0)];
    buf_init(&j.out, OUT_MAX);
    arena_init(&j.texts, TEXTS_MAX);
    /* the settings name the folder of own answers, whose parameters --set
     * may name: so the settings come twice */
    n = 0;
    for (size_t i = 0; i < c->n_sets; i++) {
        if (slice_starts(slice_of(c->sets[i]), SLICE("analyses="))) {
            sets[0] = c->sets[i];
            n = 1;
        }
    }
    if (load(&j, sets, n, e) < 0 ||
        analyses_load(&j.all, j.project.analyses, e) < 0 ||
        part_sets(&j, sets, &n, e) < 0) {
        goto out;
    }
    if (n > 0) {
        project_release(&j.project);
        memset(&j.project, 0, sizeof(j.project));
        if (load(&j, sets, n, e) < 0) {
            goto out;
        }
    }
    j.sets = sets;
    j.nsets = n;
    if (work(&j, e) == 0) {
        rc = give(&j, e);
    }
out:
    for (size_t i = 0; i < j.nitems; i++) {
        frame_release(&j.items[i].rows);
    }
    engine_close(j.undeduplicated ? NULL : j.engine);
    query_raw_close(j.raw);
    analyses_free(j.all);
    project_release(&j.project);
    mem_free(j.items);
    buf_release(&j.out);
    arena_release(&j.texts);
    return rc;
}

extern const struct cmd cmd_query;
const struct cmd cmd_query = {
    .name = "query",
    .summary = "Answer questions from the cleaned tables",
    .args = "[ID...|all]",
    .max_words = CMD_ANY,
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
    .about =
        "Answers are named by number or name; without one, all are listed. "
        "Their parameters are set by --set NAME=VALUE (docs/reference/"
        "analyses.md lists them). --set deduplicate=none answers over all "
        "rows, cleaned again from the raw objects in memory.\n\n"
        "--sql runs in a process of its own that reads nothing but the "
        "tables, writes nothing, and has limits on memory and time.\n\n"
        "--engine spark asks Apache Spark over the same tables, in one "
        "script for all answers; --engine databricks asks a SQL warehouse "
        "over tables of its own. There --sql is not confined.\n\n"
        "--task takes the numbers of the course's tasks, 4 to 11.",
    .examples =
        "pinline query all\n  Every answer\n"
        "pinline query 01 --set ties=first --format csv\n"
        "  One answer, one row a country, as CSV\n"
        "pinline query 08 --variants\n  How the answer depends on reading it\n"
        "pinline query --sql 'SELECT count(*) FROM clean_pin'\n"
        "  SQL of your own",
};

#include <inttypes.h>
#include <string.h>

#include "clean/parse.h"
#include "cli/batch_far.h"
#include "cli/tidy.h"
#include "cli/workspace.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"
#include "flow/batch.h"

extern const struct cmd cmd_batch;

static const char *const from[] = {"objects", "topics", NULL};
/* as enum project_engine */
static const char *const engines[] = {"c", "databricks", "spark", NULL};
static const char *const scopes[] = {"all", "batch", "none", NULL};

enum {
    SCOPE_ALL,
    SCOPE_BATCH,
    SCOPE_NONE
};

#define TASK_WAIT_US ((int64_t)600000000)

static const struct opt opts[] = {
    WORKSPACE_BROKER,
    {.name = "answers",
     .kind = OPT_CHOICE,
     .arg = "SCOPE",
     .choices = scopes,
     .help = "Answer over all rows (default), over the new ones, or not"},
    {.name = "compact",
     .kind = OPT_FLAG,
     .help = "Only make large files of the tables' small ones"},
    {.name = "dry-run",
     .kind = OPT_FLAG,
     .help = "With --vacuum: say what would be deleted"},
    {.name = "engine",
     .kind = OPT_CHOICE,
     .arg = "ENGINE",
     .choices = engines,
     .help = "Who cleans and answers: c (this program), spark or databricks; "
             "else as batch.engine says"},
    {.name = "force",
     .kind = OPT_FLAG,
     .help = "With --vacuum: retain less than 7 days"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = answers_formats,
     .help = "How the answers look: table (default), json, csv or parquet"},
    {.name = "from",
     .kind = OPT_CHOICE,
     .arg = "WHERE",
     .choices = from,
     .help = "Read the JSON objects (default) or the topics"},
    {.name = "full",
     .kind = OPT_FLAG,
     .help = "Make the tables anew instead of appending to them"},
    {.name = "interval",
     .kind = OPT_TEXT,
     .arg = "FROM/TO",
     .help = "Only what arrived between two times, or on a day (YYYY-MM-DD); "
             "a retry takes the same messages"},
    {.name = "out",
     .letter = 'o',
     .kind = OPT_TEXT,
     .arg = "DIR",
     .help = "Where csv and parquet go, a file for each answer (default: "
             "DATA/answers)"},
    {.name = "retain",
     .kind = OPT_TEXT,
     .arg = "TIME",
     .help = "With --vacuum: spare what was needed since then (168h)"},
    {.name = "since",
     .kind = OPT_TEXT,
     .arg = "TIME",
     .help = "Only what arrived since a time, or so long ago (as 90m)"},
    {.name = "task",
     .kind = OPT_TEXT,
     .arg = "NAME",
     .help = "Only one step of it, as a scheduler runs them: load, "
             "clean_TABLE, query, or batch for all"},
    {.name = "vacuum",
     .kind = OPT_FLAG,
     .help = "Only delete files that the tables do not need any more"},
};

static void print_counts(struct cli *c, const struct flow_batch_result *r)
{
    for (size_t i = 0; i < r->n && !c->quiet; i++) {
        const struct ledger_counts *n = &r->tables[i].counts;

        (void)fprintf(c->err,
                      "%s: %" PRId64 " messages: %" PRId64 " cleaned, %" PRId64
                      " rejected, %" PRId64 " duplicate\n",
                      r->tables[i].table->name, n->messages, n->cleaned,
                      n->rejected, n->duplicate);
    }
}

/* The interval that is asked for; *ret_any is false when none is. */
static int read_interval(const struct args *a, struct interval *ret,
                         bool *ret_any, struct err *e)
{
    const char *interval = args_text(a, "interval", NULL);
    const char *since = args_text(a, "since", NULL);
    int64_t us;

    *ret_any = interval != NULL || since != NULL;
    if (*ret_any &&
        (args_has(a, "full") || (interval != NULL && since != NULL))) {
        return err_set(e, ERR_INVALID,
                       "give only one of --full, --interval, --since");
    }
    if (interval != NULL) {
        return interval_parse(ret, interval, e);
    }
    if (since != NULL) {
        ret->to_us = INT64_MAX; /* never over: found anew every time */
        if (num_duration_us(slice_of(since), &us)) {
            ret->from_us = clock_wall_us() - us;
        } else if (!parse_time(slice_of(since), &ret->from_us)) {
            return err_set(e, ERR_INVALID,
                           "\"%s\" is no time: give one as "
                           "2026-01-31T12:00:00Z, or how long ago as 10m",
                           since);
        }
    }
    return 0;
}

/* What of a batch is to be done. */
struct steps {
    bool load, clean, answer;
    const char *table; /* NULL: all */
};

static int read_task(const struct args *a, const struct workspace *w,
                     struct steps *ret, struct err *e)
{
    const char *task = args_text(a, "task", NULL);

    *ret = (struct steps){.clean = true, .answer = true};
    if (task == NULL) {
        return 0;
    }
    if (strcmp(task, "batch") == 0) {
        ret->load = true;
        return 0;
    }
    *ret = (struct steps){.load = strcmp(task, "load") == 0,
                          .answer = strcmp(task, "query") == 0};
    if (ret->load || ret->answer) {
        return 0;
    }
    for (size_t i = 0; i < w->spec->ntables; i++) {
        if (strncmp(task, "clean_", 6) == 0 &&
            strcmp(task + 6, w->spec->tables[i].name) == 0) {
            ret->clean = true;
            ret->table = w->spec->tables[i].name;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "there is no task \"%s\": it is load, clean_TABLE with a "
                   "table of the spec, query or batch",
                   task);
}

static int clean(struct cli *c, const struct args *a, struct workspace *w,
                 const struct steps *steps, struct flow_batch_result *result,
                 struct err *e)
{
    struct flow_batch_conf conf = {
        .project = &w->project,
        .spec = w->spec,
        .broker = w->broker,
        .full = args_has(a, "full"),
        .from_topics = args_int(a, "from", 0) == 1,
        .keep_rows = args_int(a, "answers", SCOPE_ALL) == SCOPE_BATCH,
        .table = steps->table,
        .wait_us = args_text(a, "task", NULL) != NULL ? TASK_WAIT_US : 0};
    struct account *accounts = NULL;
    struct interval interval = {0};
    bool any = false;
    size_t n = 0;
    int rc;

    if (read_interval(a, &interval, &any, e) < 0) {
        return -1;
    }
    conf.interval = any ? &interval : NULL;
    rc = flow_batch_run(&conf, result, e);
    if (rc == 0) {
        print_counts(c, result);
        rc = account_all(&w->project, w->spec, w->broker, &accounts, &n, e);
    }
    if (rc == 0) {
        rc = account_check(accounts, n, e);
    }
    mem_free(accounts);
    return rc;
}

static int print(struct cli *c, const struct args *a, struct workspace *w,
                 const struct answers *answers, struct err *e)
{
    enum answers_format format =
        (enum answers_format)args_int(a, "format", ANSWERS_TABLE);
    const char *dir = args_text(a, "out", NULL);

    if (dir == NULL) {
        dir = project_path(&w->project, "answers", e);
    }
    return dir == NULL ? -1 : answers_print(answers, c, format, dir, e);
}

static int answer(struct cli *c, const struct args *a, struct workspace *w,
                  const struct flow_batch_result *result, struct err *e)
{
    bool only_new = args_int(a, "answers", SCOPE_ALL) == SCOPE_BATCH;
    struct answers *answers = NULL;
    int rc = answers_make(&answers, w, only_new ? result : NULL, e);

    if (rc == 0) {
        rc = print(c, a, w, answers, e);
    }
    answers_free(answers);
    return rc;
}

/* By Spark or a workspace: what of the options means nothing there is
 * refused. */
static int run_far(struct cli *c, const struct args *a, struct workspace *w,
                   int engine, struct err *e)
{
    static const char *const alien[] = {"since", "task", "interval", "from"};
    struct batch_far conf = {.engine = engine,
                             .from_topics = args_int(a, "from", 0) == 1,
                             .answer = args_int(a, "answers", SCOPE_ALL) !=
                                       SCOPE_NONE,
                             .interval = args_text(a, "interval", NULL)};
    struct answers *answers = NULL;
    int rc;

    for (size_t i = 0; i < ARRAY_LEN(alien); i++) {
        /* Spark reads what there is, a workspace what it has */
        bool meant = engine == PROJECT_ENGINE_SPARK ? i == 3 : i == 2;

        if (!meant && args_has(a, alien[i])) {
            return err_set(e, ERR_INVALID, "--%s goes not with engine \"%s\"",
                           alien[i], engines[engine]);
        }
    }
    if (args_int(a, "answers", SCOPE_ALL) == SCOPE_BATCH) {
        return err_set(e, ERR_INVALID,
                       "engine \"%s\" answers over all rows, or not at all",
                       engines[engine]);
    }
    if (engine == PROJECT_ENGINE_SPARK && w->project.spark_raw[0] == '\0' &&
        workspace_broker(w, BROKER_READ, e) < 0) {
        return -1;
    }
    rc = batch_far_run(&answers, c, w, &conf, e);
    if (rc == 0 && answers != NULL) {
        rc = print(c, a, w, answers, e);
    }
    answers_free(answers);
    return rc;
}

static int clean_and_answer(struct cli *c, const struct args *a,
                            struct workspace *w, struct err *e)
{
    struct flow_batch_result result = {0};
    struct steps steps;
    int rc;

    if (read_task(a, w, &steps, e) < 0) {
        return -1;
    }
    rc = steps.load ? workspace_land(w, TASK_WAIT_US, e) : 0;
    if (rc == 0 && steps.clean) {
        rc = clean(c, a, w, &steps, &result, e);
    }
    if (rc == 0 && steps.answer &&
        args_int(a, "answers", SCOPE_ALL) != SCOPE_NONE) {
        rc = answer(c, a, w, &result, e);
    }
    flow_batch_release(&result);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    int engine;
    int rc;

    if (workspace_load_for(&w, c, a, e) < 0) {
        return -1;
    }
    engine = (int)args_int(a, "engine", w.project.batch_engine);
    if (tidy_asked(a)) {
        rc = tidy_tables(c, a, &w, e);
    } else if (engine != PROJECT_ENGINE_C) {
        rc = run_far(c, a, &w, engine, e);
    } else {
        rc = workspace_broker(&w, BROKER_READ, e);
        if (rc == 0) {
            rc = clean_and_answer(c, a, &w, e);
        }
    }
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_batch = {
    .name = "batch",
    .summary = "Clean what is new, append it to the tables, answer",
    .about =
        "Reads the raw data from where the tables end, decodes, cleans and "
        "deduplicates it against what is there, appends it in one commit a "
        "table, and answers the questions. A crash at any point costs nothing: "
        "the next batch continues.\n\nWith --full the tables are made anew: "
        "the same rows and the same answers. A changed spec asks for it.\n\n"
        "--engine spark decodes the raw data and gives the rest, cleaning, "
        "deduplication and answers, to Apache Spark (settings spark.*) as "
        "one script: all rows again, into DATA/spark/clean, beside the "
        "tables of this program. --engine databricks runs a notebook of a "
        "workspace (settings databricks.*) and asks its warehouse; with the "
        "same --interval it is the same run. SIGINT ends what runs there.\n\n"
        "--compact and --vacuum run no batch: they keep the tables healthy, "
        "also those that a stream is writing. Rows stay as they are.",
    .examples = "pinline batch\n  The daily job\n"
                "pinline batch --full --format json\n  Everything again, "
                "answers for programs\n"
                "pinline batch --interval 2026-01-31 --answers batch\n  What "
                "arrived on a day\n"
                "pinline batch --engine spark --set spark.master=http://"
                "127.0.0.1:6066\n  By a Spark cluster\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

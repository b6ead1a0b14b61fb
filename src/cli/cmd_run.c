/* cmd_run.c - the main job once; the stages themselves are in run_job.c. */
#include <inttypes.h>
#include <string.h>

#include "cli/run_job.h"
#include "core/fs.h"
#include "store/store.h"

extern const struct cmd cmd_run;

static const char *const scopes[] = {"all", "batch", NULL};

static const struct opt opts[] = {
    {.name = "answers",
     .kind = OPT_CHOICE,
     .arg = "SCOPE",
     .choices = scopes,
     .help = "Answer over all rows (default) or over the new ones"},
    {.name = "append",
     .kind = OPT_FLAG,
     .help = "Add to the data directory instead of replacing it"},
    WORKSPACE_BROKER,
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = answers_formats,
     .help = "table (default) or json; csv and parquet: the table, and a "
             "file for each answer in DATA/answers"},
    {.name = "input",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .repeat = true,
     .many = true,
     .help =
         "Raw rows from files, folders and s3://BUCKET/PREFIX instead of "
         "made-up ones: JSON Lines, arrays, concatenated JSON, CSV, gzip, zstd, recognised by "
         "content; all rows once, in order"},
    {.name = "prefix",
     .kind = OPT_TEXT,
     .arg = "ID",
     .help = "Call the topics ID.pin, ID.geo, ID.user"},
    {.name = "report",
     .kind = OPT_TEXT,
     .arg = "FILE.html",
     .help = "Where the page goes (default: DATA/report.html)"},
    {.name = "rows",
     .kind = OPT_INT,
     .arg = "N",
     .help = "Rows of each table to post (default 500; 0: all, once)"},
    {.name = "seed",
     .kind = OPT_INT,
     .arg = "N",
     .help = "Seed of the made-up rows and of the draw"},
    {.name = "source",
     .kind = OPT_TEXT,
     .arg = "URL",
     .help = "Where rows come from (default generator:)"},
    {.name = "topics",
     .kind = OPT_TEXT,
     .arg = "TABLE=TOPIC,...",
     .help = "Names of single topics"},
};

enum {
    SETS_MAX = 8,
    SET_BYTES = FS_PATH_MAX
};

/* Options that are settings too. */
static int as_sets(const struct args *a, char text[SETS_MAX][SET_BYTES],
                   const char *sets[SETS_MAX], size_t *ret, struct err *e)
{
    static const char *const names[] = {"broker", "prefix", "rows",
                                        "seed",   "source", "topics"};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = args_text(a, names[i], NULL);
        int len;

        if (value == NULL) {
            continue;
        }
        len = snprintf(text[n], SET_BYTES, "%s=%s", names[i], value);
        if (len < 0 || len >= SET_BYTES) {
            return err_set(e, ERR_LIMIT, "--%s is too long", names[i]);
        }
        sets[n] = text[n];
        n++;
    }
    *ret = n;
    return 0;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    char text[SETS_MAX][SET_BYTES];
    const char *sets[SETS_MAX];
    const char *inputs[RUN_INPUTS_MAX];
    struct run_conf conf = {
        .cli = c,
        .append = args_has(a, "append"),
        .only_new = args_int(a, "answers", 0) == 1,
        .format = (enum answers_format)args_int(a, "format", ANSWERS_TABLE),
        .page = args_text(a, "report", NULL),
        .rows = args_int(a, "rows", -1),
        .inputs = inputs};
    const char *one;
    size_t at = 0;

    if (as_sets(a, text, sets, &conf.nsets, e) < 0) {
        return -1;
    }
    conf.sets = sets;
    while ((one = args_next(a, "input", &at)) != NULL) {
        if (conf.ninputs == RUN_INPUTS_MAX) {
            return err_set(e, ERR_LIMIT, "more than %d inputs; give a folder",
                           RUN_INPUTS_MAX);
        }
        if (!store_url_is_remote(one) && !fs_exists(one)) {
            return err_set(e, ERR_INVALID, "there is no file or folder \"%s\"",
                           one);
        }
        inputs[conf.ninputs++] = one;
    }
    return run_job(&conf, e);
}

const struct cmd cmd_run = {
    .name = "run",
    .summary = "The main job once, from rows to report",
    .about =
        "Posts rows over HTTP into durable topics, lands them as JSON objects, "
        "cleans them into tables, answers fifteen questions and prints the sum "
        "that closes. Without options it makes up the rows.\n\n"
        "run starts from an empty state: it replaces the data directory of an "
        "earlier run, and refuses one that something else has filled unless "
        "--append is said. The HTTP server listens on a free port of the "
        "loopback address for as long as the posts last.",
    .examples = "pinline run\n  Everything on made-up rows\n"
                "pinline run --input pin.jsonl geo.jsonl user.jsonl\n  The "
                "same with rows of your own\n"
                "pinline run --rows 20000 --format json\n  For programs\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

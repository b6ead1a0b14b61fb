#include <inttypes.h>

#include "clean/counts_json.h"
#include "cli/workspace.h"
#include "core/fs.h"
#include "flow/clean_job.h"
#include "flow/fetch.h"

extern const struct cmd cmd_clean;

enum {
    STATS_MAX = 16 << 20
};

/* the index is what CLEAN_JOB_... it means */
static const char *const engines[] = {"c", "duckdb", "spark", NULL};
static const enum clean_job_how hows[] = {CLEAN_JOB_C, CLEAN_JOB_DUCKDB,
                                          CLEAN_JOB_SPARK};

static const struct opt opts[] = {
    {.name = "decoded",
     .kind = OPT_FLAG,
     .help = "Write the decoded records as JSON Lines instead, uncleaned"},
    {.name = "engine",
     .kind = OPT_CHOICE,
     .arg = "ENGINE",
     .choices = engines,
     .help = "Who cleans: c (default), or duckdb or spark by the generated "
             "SQL"},
    {.name = "output",
     .letter = 'o',
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Write rows here: .jsonl, .csv, .parquet, or - (default)"},
    {.name = "rejects",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Write what gave no row here, as JSON Lines"},
    {.name = "stats",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Write what was counted here, as JSON"},
    {.name = "table",
     .kind = OPT_TEXT,
     .arg = "TABLE",
     .help = "The table of the spec that the files hold"},
    {.name = "threads",
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = 16,
     .help = "Threads that clean; as many as cores unless said"},
};

static int write_stats(const struct clean_job_result *r,
                       const struct spec_table *t, const char *path,
                       struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, STATS_MAX);
    rc = counts_json(&r->counts, t, r->duplicates, &b, e);
    if (rc == 0) {
        rc = fs_publish(path, buf_slice(&b), e);
    }
    buf_release(&b);
    return rc;
}

static int find_table(const struct args *a, const struct spec *s,
                      const struct spec_table **ret, struct err *e)
{
    const char *name = args_text(a, "table", NULL);

    if (name == NULL && s->ntables == 1) {
        *ret = &s->tables[0];
        return 0;
    }
    if (name == NULL) {
        return err_set(e, ERR_INVALID,
                       "say which table the files hold: --table %s",
                       s->tables[0].name);
    }
    return spec_table(s, name, ret, e);
}

static void say(struct cli *c, const struct clean_job_result *r)
{
    (void)fprintf(c->err,
                  "%" PRId64 " records: %" PRId64 " rows, %" PRId64
                  " rejected, %" PRId64 " duplicate\n",
                  r->counts.records, r->rows, r->counts.rejected,
                  r->duplicates);
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct clean_job job = {.output = args_text(a, "output", "-"),
                            .rejects = args_text(a, "rejects", NULL),
                            .out = c->out,
                            .threads = (int)args_int(a, "threads", 0)};
    const char *stats = args_text(a, "stats", NULL);
    struct clean_job_result r;
    struct flow_fetched files;
    struct workspace w;
    int rc = -1;

    job.how = args_has(a, "decoded") ? CLEAN_JOB_DECODED
                                     : hows[args_int(a, "engine", 0)];
    if (workspace_load(&w, c, NULL, 0, e) != 0) {
        return -1;
    }
    job.far = project_far(&w.project, e);
    if (job.far == NULL || find_table(a, w.spec, &job.table, e) != 0 ||
        flow_fetched_open(&files, &w.project, a->words, a->n_words, e) != 0) {
        workspace_close(&w);
        return -1;
    }
    job.paths = files.paths;
    job.names = files.names;
    job.npaths = files.n;
    if (clean_job_run(&job, &r, e) != 0) {
        goto out;
    }
    rc = stats != NULL ? write_stats(&r, job.table, stats, e) : 0;
    if (rc == 0 && !c->quiet) {
        say(c, &r);
    }
    clean_counts_release(&r.counts);
out:
    flow_fetched_close(&files);
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_clean = {
    .name = "clean",
    .summary = "Clean files: raw records in, rows out",
    .args = "FILE...",
    .about =
        "Reads JSON Lines, other JSON values one after another, CSV, gzip "
        "and zstd (- is standard input; s3://BUCKET/PREFIX is every object "
        "below, copied below TMPDIR first), decodes and cleans them as the "
        "spec says, takes out duplicates and writes the rows in order. "
        "Memory does not grow with the files but for at most 32 bytes a "
        "distinct row.\n\nOptions of the spec are switched with --set "
        "TABLE.OPTION=on. With --engine duckdb or spark the same spec runs as "
        "SQL; "
        "on_error: stop and provenance are done by C only, and --stats has "
        "no counts by column, as SQL does not tell why a value is NULL. A "
        "reject's "
        "offset is the byte where its record begins in the unpacked file.",
    .examples =
        "pinline clean --table pin pins.jsonl -o pins.csv\n  Clean one file\n"
        "pinline clean --table pin --set pin.tags_as_array=on pins.jsonl\n  "
        "Tags as arrays\n"
        "pinline clean --table pin s3://BUCKET/topics/pin/ -o pin.parquet\n  "
        "Raw objects of a bucket\n"
        "pinline clean --table geo geo.json.gz -o geo.parquet --rejects "
        "bad.jsonl --stats counts.json\n  With what was refused and counted\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .min_words = 1,
    .max_words = CMD_ANY,
    .run = run,
};

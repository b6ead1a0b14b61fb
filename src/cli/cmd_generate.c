#include <inttypes.h>
#include <string.h>

#include "cli/cmd_int.h"
#include "core/clock.h"
#include "core/fs.h"
#include "db/login.h"
#include "flow/generate.h"
#include "source/truth.h"

extern const struct cmd cmd_generate;

enum {
    TRUTH_MAX = 256 << 20,
    SEED = 100,
    ROWS = 11154
};

static const char *const formats[] = {"jsonl", "csv", NULL};
static const char *const tables[] = {"pin", "geo", "user"};

static const struct opt opts[] = {
    {.name = "bad",
     .kind = OPT_DOUBLE,
     .arg = "SHARE",
     .max = 1,
     .help = "Share of rows with something wrong: broken JSON, wrong types, "
             "missing keys, wrappers, odd dates and more"},
    {.name = "duplicates",
     .kind = OPT_DOUBLE,
     .arg = "SHARE",
     .max = 1,
     .help = "Share of rows that are exact copies of earlier ones"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = formats,
     .help = "Files of JSON Lines (jsonl, the default) or CSV (csv)"},
    {.name = "gzip", .kind = OPT_FLAG, .help = "Pack the files by gzip"},
    {.name = "out",
     .letter = 'o',
     .kind = OPT_TEXT,
     .arg = "DIR",
     .help = "Write pin, geo and user files into this folder"},
    {.name = "replace",
     .kind = OPT_FLAG,
     .help = "With --to: drop tables of these names that are there"},
    {.name = "rows",
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = 1000000000,
     .help = "Rows of each table, 11,154 by default"},
    {.name = "seed",
     .kind = OPT_INT,
     .arg = "N",
     .help = "Other rows; 100 by default. The same seed gives the same bytes"},
    {.name = "to",
     .kind = OPT_TEXT,
     .arg = "URL",
     .help = "Write tables into a database instead: sqlite://FILE, "
             "postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, "
             "db_creds.yaml, local_db_creds.yaml"},
    {.name = "truth",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Write the right answers and counts as JSON"},
};

static bool is_file(const char *to)
{
    return strncmp(to, "sqlite://", strlen("sqlite://")) == 0;
}

static int check(const struct args *a, struct err *e)
{
    const char *to = args_text(a, "to", NULL);
    bool lines = args_int(a, "format", GENERATE_JSONL) == GENERATE_JSONL;
    enum login_kind kind;

    if (!args_has(a, "out") && to == NULL && !args_has(a, "truth")) {
        return err_set(e, ERR_INVALID,
                       "nothing to write: give --out DIR, --to sqlite://FILE "
                       "or --truth FILE");
    }
    if (args_has(a, "out") && to != NULL) {
        return err_set(e, ERR_INVALID, "give --out or --to, not both");
    }
    if (to != NULL && !is_file(to) && !login_is_url(to, &kind)) {
        return err_set(e, ERR_INVALID,
                       "cannot write to \"%s\": it is none of sqlite://FILE, "
                       "postgres://USER@HOST/DATABASE, "
                       "mysql://USER@HOST/DATABASE",
                       to);
    }
    if (args_double(a, "bad", 0) > 0 && (to != NULL || !lines)) {
        return err_set(e, ERR_INVALID,
                       "--bad rows can only be written as JSON Lines: a table "
                       "or CSV has no place for them");
    }
    return 0;
}

static int write_truth(struct cli *c, const struct source_conf *conf,
                       const char *file, struct err *e)
{
    struct progress progress;
    struct buf b;
    int rc;

    buf_init(&b, TRUTH_MAX);
    progress_begin(&progress, "truth", "rows", conf->rows);
    rc = truth_write(conf, &progress, &b, e);
    progress_end(&progress);
    if (rc == 0) {
        rc = fs_publish(file, buf_slice(&b), e);
    }
    buf_release(&b);
    if (rc == 0 && !c->quiet) {
        (void)fprintf(c->err, "truth     the right answers in %s\n", file);
    }
    return rc;
}

static int write_rows(struct cli *c, const struct args *a,
                      const struct source_conf *conf, struct err *e)
{
    const char *to = args_text(a, "to", NULL);
    const char *where = to == NULL    ? args_text(a, "out", "")
                        : is_file(to) ? to + strlen("sqlite://")
                                      : to;
    struct generate_counts counts = {0};
    struct progress progress;
    struct generate_conf out = {
        .tables = tables,
        .ntables = ARRAY_LEN(tables),
        .format = (enum generate_format)args_int(a, "format", GENERATE_JSONL),
        .gzip = args_has(a, "gzip"),
        .replace = args_has(a, "replace"),
        .progress = &progress,
    };
    int64_t started = clock_mono_us();
    int rc;

    if (source_open(&out.source, conf, e) != 0) {
        return -1;
    }
    progress_begin(&progress, "generate", "rows", conf->rows);
    rc = to == NULL    ? generate_files(&out, where, &counts, e)
         : is_file(to) ? generate_sqlite(&out, where, &counts, e)
                       : generate_database(&out, where, &counts, e);
    progress_end(&progress);
    source_close(out.source);
    if (rc == 0 && !c->quiet) {
        (void)fprintf(c->err,
                      "generate  %" PRId64 " rows, %" PRId64
                      " bytes in %s, seed %" PRIu64 ", %.1f s\n",
                      counts.rows, counts.bytes, where, conf->seed,
                      (double)(clock_mono_us() - started) / 1e6);
    }
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct source_conf conf = {
        .url = "generator:",
        .seed = (uint64_t)args_int(a, "seed", SEED),
        .rows = args_int(a, "rows", ROWS),
        .bad = args_double(a, "bad", 0),
        .duplicates = args_double(a, "duplicates", 0),
        .tables = tables,
        .ntables = ARRAY_LEN(tables),
    };

    if (check(a, e) != 0) {
        return -1;
    }
    if ((args_has(a, "out") || args_has(a, "to")) &&
        write_rows(c, a, &conf, e) != 0) {
        return -1;
    }
    return args_has(a, "truth")
               ? write_truth(c, &conf, args_text(a, "truth", NULL), e)
               : 0;
}

const struct cmd cmd_generate = {
    .name = "generate",
    .summary = "Write made-up tables whose right answers are known",
    .opts = {opts, ARRAY_LEN(opts)},
    .about =
        "Writes three tables of made-up rows that look like the real ones: "
        "pin, geo and user, joined by row number. Shares, placeholders, odd "
        "characters and repeated persons follow what was measured on real "
        "rows; follower counts depend on age, joining and posting year, so "
        "that every group of every answer differs.\n\n"
        "The same seed gives the same bytes on every machine, and memory does "
        "not grow with the rows.\n\n"
        "With --truth the right answers 01 to 15 are written, and how many "
        "values must become NULL, how many records must be rejected and how "
        "many are duplicates. They are counted from what was planted, not by "
        "cleaning.",
    .examples =
        "pinline generate --out rows --truth truth.json\n"
        "  11,154 rows of each table and the right answers\n"
        "pinline generate --out rows --rows 1000000 --bad 0.001 "
        "--duplicates 0.05\n"
        "  A million of each, some of them broken or repeated\n"
        "pinline generate --to sqlite://rows.db\n"
        "  The tables of the seeds' database as an SQLite file\n"
        "pinline generate --to postgres://me@db.example/pinterest_data\n"
        "  The same in PostgreSQL; the password is in "
        "local_db_creds.yaml\n",
    .run = run,
};

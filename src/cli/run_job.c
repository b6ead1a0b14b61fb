#include "cli/run_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "cli/workspace.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/progress.h"
#include "core/stop.h"
#include "flow/batch.h"
#include "flow/catalog.h"
#include "flow/emulator.h"
#include "flow/fetch.h"
#include "flow/recognise.h"
#include "flow/report.h"
#include "source/source.h"

enum {
    PAGE_BYTES = 512 << 20,
    BULK = 500,       /* records a request when all rows are posted */
    GENERATED = 11154 /* rows of a made-up table, as the course's database */
};

#define MARKER "made-by-pinline-run"

struct job {
    const struct run_conf *conf;
    struct workspace w;
    struct api *api;
    struct source *source;
    struct emulator_table tables[SOURCE_TABLES_MAX];
    const char *names[SOURCE_TABLES_MAX];
    struct emulator_counts posted;
    struct pipeline_counts landed;
    struct flow_batch_result batch;
    struct answers *answers;
    struct account *accounts;
    size_t naccounts;
    struct report report;
    char notes[REPORT_STAGES_MAX][200];
    char where[FS_PATH_MAX + 40];
    int64_t stage_us;
    const char *inputs[RUN_INPUTS_MAX]; /* local ones */
};

/* ---- the data directory ---- */

/* Whether `run` may replace it: not there, empty, or of an earlier run. */
static int may_replace(const char *data, const char *marker, struct err *e)
{
    struct fs_names names = {0};
    bool empty;

    if (!fs_exists(data) || fs_exists(marker)) {
        return 0;
    }
    if (fs_names(data, &names, e) < 0) {
        return -1;
    }
    empty = names.n == 0;
    fs_names_release(&names);
    if (!empty) {
        return err_set(e, ERR_EXISTS,
                       "data directory \"%s\" was not made by `run`; say "
                       "--append to add to it, or --data DIR for another",
                       data);
    }
    return 0;
}

static int prepare(struct job *j, struct err *e)
{
    const char *data = j->w.project.data;
    const char *marker = project_path(&j->w.project, MARKER, e);

    if (marker == NULL) {
        return -1;
    }
    if (j->conf->append) {
        return fs_make_folders(data, e);
    }
    if (may_replace(data, marker, e) < 0 || fs_remove(data, e) < 0 ||
        fs_make_folders(data, e) < 0) {
        return -1;
    }
    return fs_publish(marker, SLICE("`pinline run` replaces this folder\n"), e);
}

/* ---- stages ---- */

static void begin(struct job *j)
{
    j->stage_us = clock_mono_us();
}

/* A finished stage: one line on stderr unless the report itself is coming. */
static void end(struct job *j, const char *name, int64_t count,
                const char *unit)
{
    struct report *r = &j->report;

    r->stages[r->nstages] = (struct report_stage){
        name, count, unit, clock_mono_us() - j->stage_us, j->notes[r->nstages]};
    r->nstages++;
}

static char *note(struct job *j)
{
    return j->notes[j->report.nstages];
}

static int serve(struct job *j, struct err *e)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    struct api_topic topics[SPEC_TABLES_MAX];
    struct api_conf conf = {.listen = listen,
                            .n_listen = ARRAY_LEN(listen),
                            .topics = topics,
                            .n_topics = j->w.spec->ntables,
                            .body_max = j->w.project.max_body};

    for (size_t i = 0; i < j->w.spec->ntables; i++) {
        const char *table = j->w.spec->tables[i].name;

        topics[i] = (struct api_topic){project_topic(&j->w.project, table, e),
                                       (int32_t)j->w.project.partitions};
        if (topics[i].name == NULL) {
            return -1;
        }
        j->names[i] = table;
        j->tables[i] = (struct emulator_table){table, topics[i].name, false};
    }
    return api_start(&j->api, &conf, j->w.broker, e);
}

/* Inputs in stores are copied below the data directory first. */
static int fetch_inputs(struct job *j, struct err *e)
{
    struct project *p = &j->w.project;

    for (size_t i = 0; i < j->conf->ninputs; i++) {
        const char *folder;
        int64_t n = 0;

        j->inputs[i] = j->conf->inputs[i];
        if (!store_url_is_remote(j->conf->inputs[i])) {
            continue;
        }
        folder = arena_printf(&p->arena, e, "%s/inputs/%zu", p->data, i);
        if (folder == NULL ||
            flow_fetch(p, j->conf->inputs[i], folder, &n, e) < 0) {
            return -1;
        }
        j->inputs[i] = folder;
    }
    return 0;
}

static int open_source(struct job *j, struct err *e)
{
    struct recognise known;
    struct source_conf conf = {
        .url = j->w.project.source,
        .seed = (uint64_t)j->w.project.seed,
        .rows = GENERATED,
        .tables = j->names,
        .ntables = j->w.spec->ntables,
        .inputs = j->inputs,
        .ninputs = j->conf->ninputs,
        .datetimes = (enum source_datetimes)j->w.project.source_datetimes,
        .guess = &known.guess};

    recognise_init(&known, j->w.spec, j->names, j->w.spec->ntables);
    if (fetch_inputs(j, e) < 0) {
        return -1;
    }
    if (j->conf->ninputs > 0) {
        conf.url = "files:";
    }
    return source_open(&j->source, &conf, e);
}

static int post(struct job *j, struct err *e)
{
    struct progress progress;
    char to[64];
    int64_t rows = j->conf->rows >= 0     ? j->conf->rows
                   : j->conf->ninputs > 0 ? 0
                                          : j->w.project.rows;
    struct emulator_conf conf = {.source = NULL,
                                 .tables = j->tables,
                                 .ntables = j->w.spec->ntables,
                                 .to = to,
                                 .rows = rows,
                                 .seed = (uint64_t)j->w.project.seed,
                                 .per_request = rows == 0 ? BULK : 1,
                                 .in_flight =
                                     rows == 0 ? j->w.spec->ntables : 0,
                                 .progress = &progress};
    char rate[32];
    int64_t total = 0;
    int rc;

    begin(j);
    if (open_source(j, e) < 0) {
        return -1;
    }
    conf.source = j->source;
    (void)snprintf(to, sizeof(to), "http://127.0.0.1:%d", api_port(j->api, 0));
    progress_begin(&progress, "post", "records",
                   rows * (int64_t)j->w.spec->ntables);
    rc = emulator_run(&conf, &j->posted, e);
    progress_end(&progress);
    if (rc < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->posted.ntables; i++) {
        total += j->posted.table[i].posted;
    }
    if (j->posted.stopped) {
        return err_set(e, ERR_INTERRUPTED,
                       "interrupted after %" PRId64 " records", total);
    }
    report_grouped(total * 1000000 / (j->posted.elapsed_us + 1), rate);
    (void)snprintf(note(j), sizeof(j->notes[0]),
                   "Kafka REST v2 to 127.0.0.1:%d, %s a second",
                   api_port(j->api, 0), rate);
    end(j, "post", total, "records");
    return 0;
}

/* p ends with it. */
static int land_once(struct pipeline *p, struct pipeline_counts *ret,
                     struct err *e)
{
    int rc = pipeline_once(p, ret, e);

    pipeline_close(p);
    return rc;
}

static int land(struct job *j, struct err *e)
{
    const char *dir = project_objects_dir(&j->w.project, e);
    struct pipeline *objects;
    struct pipeline *stream;
    struct pipeline_counts n;

    begin(j);
    if (dir == NULL || workspace_objects(&j->w, &objects, e) < 0 ||
        land_once(objects, &j->landed, e) < 0 ||
        workspace_stream(&j->w, &stream, e) < 0 ||
        (stream != NULL && land_once(stream, &n, e) < 0)) {
        return -1;
    }
    (void)snprintf(note(j), sizeof(j->notes[0]),
                   "JSON lines in %s/%s; %" PRId64 " set aside", dir,
                   j->w.project.objects_topics_dir, j->landed.rejected);
    end(j, "land", j->landed.written, "lines");
    return 0;
}

static int64_t nulled(const struct clean_counts *c)
{
    int64_t n = 0;

    for (size_t k = 0; k < c->ncolumns; k++) {
        for (int r = 0; r < CLEAN_RULES; r++) {
            n += c->nulled[k][r];
        }
    }
    return n;
}

static int clean(struct job *j, struct err *e)
{
    struct flow_batch_conf conf = {.project = &j->w.project,
                                   .spec = j->w.spec,
                                   .broker = j->w.broker,
                                   .keep_rows = j->conf->only_new};
    struct ledger_counts all = {0};
    int64_t nulls = 0;

    begin(j);
    if (flow_batch_run(&conf, &j->batch, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->batch.n; i++) {
        all.cleaned += j->batch.tables[i].counts.cleaned;
        all.rejected += j->batch.tables[i].counts.rejected;
        all.duplicate += j->batch.tables[i].counts.duplicate;
        nulls += nulled(&j->batch.tables[i].clean);
    }
    (void)snprintf(note(j), sizeof(j->notes[0]),
                   "%" PRId64 " values made NULL, %" PRId64
                   " rejected, %" PRId64 " duplicates",
                   nulls, all.rejected, all.duplicate);
    end(j, "clean", all.cleaned, "rows");
    return 0;
}

static int answer(struct job *j, struct err *e)
{
    begin(j);
    if (answers_make(&j->answers, &j->w, j->conf->only_new ? &j->batch : NULL,
                     e) < 0) {
        return -1;
    }
    answers_report(j->answers, &j->report);
    (void)snprintf(note(j), sizeof(j->notes[0]), "over %s", j->report.scope);
    end(j, "answer", (int64_t)j->report.nanswers, "questions");
    return 0;
}

/* The sum, with what the HTTP front says it received. */
static int add_up(struct job *j, struct err *e)
{
    if (account_all(&j->w.project, j->w.spec, j->w.broker, &j->accounts,
                    &j->naccounts, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->naccounts; i++) {
        struct api_received r;

        if (api_received(j->api, j->accounts[i].topic, &r)) {
            account_received(&j->accounts[i], r.base + r.since);
        }
    }
    j->report.accounts = j->accounts;
    j->report.naccounts = j->naccounts;
    return 0;
}

/* ---- the report ---- */

static int add_path(struct job *j, const char *name, const char *text,
                    const char *path)
{
    struct report *r = &j->report;

    if (path == NULL) {
        return -1;
    }
    r->paths[r->npaths++] = (struct report_path){name, text, path};
    return 0;
}

static int fill_report(struct job *j, const char **page, struct err *e)
{
    struct project *p = &j->w.project;
    struct report *r = &j->report;

    *page = j->conf->page != NULL ? j->conf->page
                                  : project_path(p, "report.html", e);
    (void)snprintf(j->where, sizeof(j->where), "topics %s in %s", p->broker,
                   p->data);
    r->title = "What the pins say";
    r->version = PINLINE_VERSION;
    r->where = j->where;
    r->made_us = clock_wall_us();
    r->batch = &j->batch;
    r->next[0] =
        "pinline serve                  then post with your own client";
    r->next[1] = "pinline query all --variants   every answer in every reading";
    r->next[2] = "pinline run --input FILE...    for your own rows";
    if (j->conf->format >= ANSWERS_CSV) {
        const char *dir = project_path(p, "answers", e);

        if (dir == NULL ||
            answers_files(j->answers, j->conf->format, dir, e) < 0 ||
            add_path(j, "answers", "Answers", dir) < 0) {
            return -1;
        }
    }
    return add_path(j, "topics", "Topics", project_path(p, "topics", e)) < 0 ||
                   add_path(j, "objects", "JSON objects",
                            project_objects_dir(p, e)) < 0 ||
                   add_path(j, "tables", "Clean tables",
                            catalog_tables_dir(p, e)) < 0 ||
                   add_path(j, "ledger", "Ledger",
                            project_path(p, "ledger.db", e)) < 0 ||
                   add_path(j, "report", "Report", *page) < 0
               ? -1
               : 0;
}

static int show(struct job *j, struct err *e)
{
    struct cli *c = j->conf->cli;
    const char *page;
    struct buf b;
    int rc = -1;

    buf_init(&b, PAGE_BYTES);
    if (fill_report(j, &page, e) < 0 || report_html(&j->report, &b, e) < 0 ||
        fs_publish(page, buf_slice(&b), e) < 0) {
        goto out;
    }
    buf_clear(&b);
    rc = j->conf->format == ANSWERS_JSON
             ? report_json(&j->report, &b, e)
             : report_text(&j->report, c->colour, &b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
        rc = account_check(j->accounts, j->naccounts, e);
    }
out:
    buf_release(&b);
    return rc;
}

static int refused(const struct job *j, struct err *e)
{
    for (size_t i = 0; i < j->posted.ntables; i++) {
        if (j->posted.table[i].refused > 0) {
            return err_set(
                e, ERR_DATA, "%" PRId64 " records of \"%s\" were refused: %s",
                j->posted.table[i].refused, j->names[i], j->posted.refusal);
        }
    }
    return 0;
}

int run_job(const struct run_conf *conf, struct err *e)
{
    struct job *j = mem_zero(1, sizeof(*j));
    int rc = -1;

    if (j == NULL) {
        return err_nomem(e, sizeof(*j));
    }
    j->conf = conf;
    if (workspace_load(&j->w, conf->cli, conf->sets, conf->nsets, e) < 0) {
        mem_free(j);
        return -1;
    }
    stop_install();
    if (prepare(j, e) == 0 && workspace_broker(&j->w, BROKER_WRITE, e) == 0 &&
        serve(j, e) == 0 && post(j, e) == 0 && land(j, e) == 0 &&
        clean(j, e) == 0 && answer(j, e) == 0 && add_up(j, e) == 0 &&
        show(j, e) == 0) {
        rc = refused(j, e);
    }
    api_stop(j->api);
    source_close(j->source);
    answers_free(j->answers);
    mem_free(j->accounts);
    flow_batch_release(&j->batch);
    workspace_close(&j->w);
    mem_free(j);
    return rc;
}

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/workspace.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/stop.h"
#include "flow/stream.h"

extern const struct cmd cmd_stream;

static const char *const sinks[] = {"delta", "kafka", "postgres", NULL};

enum {
    SET_MAX = 4096,
};

static const struct opt opts[] = {
    WORKSPACE_BROKER,
    {.name = "full",
     .kind = OPT_FLAG,
     .help = "Make the tables anew instead of appending to them"},
    {.name = "once",
     .kind = OPT_FLAG,
     .help = "End when everything that is in the topics now has landed"},
    {.name = "sink",
     .kind = OPT_CHOICE,
     .arg = "SINK",
     .choices = sinks,
     .help = "delta (default), kafka or postgres"},
    {.name = "trigger",
     .kind = OPT_TEXT,
     .arg = "TIME",
     .help = "Commit this often (10s), 500ms and up"},
    {.name = "until-offset",
     .kind = OPT_INT,
     .arg = "OFFSET",
     .max = INT64_MAX,
     .help = "End when every partition has landed up to this offset"},
};

static void say_failed(void *arg, const char *table, const struct err *e)
{
    (void)arg;
    LOG(LOG_WARN, LOG_MSG("stream failed and tries again"),
        LOG_STR("table", table), LOG_ERR(e));
}

static void print_result(struct cli *c, const struct stream_result *r)
{
    for (size_t i = 0; i < r->n && !c->quiet; i++) {
        const struct stream_table *t = &r->tables[i];
        const struct ledger_counts *n = &t->totals.counts;

        (void)fprintf(c->out,
                      "%s: %" PRId64 " messages: %" PRId64 " cleaned, %" PRId64
                      " rejected, %" PRId64 " duplicate in %" PRId64
                      " commits; latency p50 %.3f s, p99 %.3f s\n",
                      t->table->name, n->messages, n->cleaned, n->rejected,
                      n->duplicate, t->totals.commits,
                      (double)latency_quantile(&t->latency, 0.50) / 1e6,
                      (double)latency_quantile(&t->latency, 0.99) / 1e6);
    }
}

static int stream(struct cli *c, const struct args *a, struct workspace *w,
                  struct err *e)
{
    struct stream_conf conf = {.project = &w->project,
                               .spec = w->spec,
                               .broker = w->broker,
                               .once = args_has(a, "once"),
                               .until = args_int(a, "until-offset", -1),
                               .full = args_has(a, "full"),
                               .arg = c,
                               .failed = say_failed};
    struct stream_result *result = mem_zero(1, sizeof(*result));
    int rc;

    if (result == NULL) {
        return err_nomem(e, sizeof(*result));
    }
    stop_install();
    rc = stream_run(&conf, result, e);
    if (rc == 0) {
        print_result(c, result);
    }
    mem_free(result);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    /* option, setting */
    static const char *const names[][2] = {{"broker", "broker"},
                                           {"sink", "stream.sink"},
                                           {"trigger", "stream.trigger"}};
    char sets[ARRAY_LEN(names)][SET_MAX];
    const char *extra[ARRAY_LEN(names)];
    struct workspace w;
    size_t n = 0;
    int rc;

    if (args_has(a, "once") && args_has(a, "until-offset")) {
        return err_set(e, ERR_INVALID,
                       "--once and --until-offset exclude each other");
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value =
            strcmp(names[i][0], "sink") == 0 && args_has(a, "sink")
                ? sinks[args_int(a, "sink", 0)]
                : args_text(a, names[i][0], NULL);

        if (value == NULL) {
            continue;
        }
        if (snprintf(sets[n], SET_MAX, "%s=%s", names[i][1], value) >=
            SET_MAX) {
            return err_set(e, ERR_LIMIT, "the value of --%s is too long",
                           names[i][0]);
        }
        extra[n] = sets[n];
        n++;
    }
    if (workspace_load(&w, c, extra, n, e) < 0) {
        return -1;
    }
    rc = workspace_broker(&w, BROKER_READ, e);
    if (rc == 0) {
        rc = stream(c, a, &w, e);
    }
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_stream = {
    .name = "stream",
    .summary = "Clean records into the tables as they come",
    .about =
        "Reads the topics from where the tables end, decodes, cleans and "
        "deduplicates what comes and appends it to Delta tables (or tables in "
        "Postgres, or topics of the same Kafka), each record once, also after a "
        "crash. A commit follows "
        "stream.trigger, or stream.trigger_rows or stream.trigger_bytes if "
        "they are reached before. A table that cannot be written for a while "
        "makes the stream wait, not fail.\n\nA table has one owner: what "
        "`batch` made is not streamed into, and the other way round. SIGTERM "
        "and SIGINT land what has been taken and end with 0 within ten "
        "seconds. It runs beside a running server, or inside it with "
        "stream.enabled.",
    .examples = "pinline stream --trigger 500ms\n  Rows are in the tables "
                "within a second\n"
                "pinline stream --once\n  What is in the topics now\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

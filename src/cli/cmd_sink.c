#include <inttypes.h>
#include <string.h>

#include "cli/workspace.h"
#include "core/log.h"
#include "core/stop.h"

extern const struct cmd cmd_sink;

static const struct opt opts[] = {
    WORKSPACE_BROKER,
    {.name = "follow",
     .kind = OPT_FLAG,
     .help = "Go on as records come, until SIGINT or SIGTERM"},
    {.name = "once",
     .kind = OPT_FLAG,
     .help = "End when everything that is in the topics has landed (default)"},
};

/* Who is refused since another process does the same need do nothing. */
static int tell_busy(struct err *e)
{
    struct err why = *e;

    return err_set(e, ERR_BUSY,
                   "%s; that one lands the messages: to do it here, stop it, "
                   "or start `serve` with --no-pipelines",
                   why.msg);
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    struct pipeline *p = NULL;
    struct pipeline_counts n = {0};
    const char *name = a->n_words > 0 ? a->words[0] : "objects";
    int rc = -1;

    if (args_has(a, "follow") && args_has(a, "once")) {
        return err_set(e, ERR_INVALID,
                       "--follow and --once exclude each other");
    }
    if (workspace_load_for(&w, c, a, e) < 0) {
        return -1;
    }
    if (workspace_broker(&w, BROKER_READ, e) < 0) {
        goto out;
    }
    if (strcmp(name, "objects") == 0) {
        rc = workspace_objects(&w, &p, e);
    } else if (strcmp(name, "file_stream") == 0) {
        rc = workspace_stream(&w, &p, e);
        if (rc == 0 && p == NULL) {
            rc = err_set(e, ERR_INVALID,
                         "no file is configured; say --set "
                         "file_stream.file=FILE");
        }
    } else {
        rc = err_set(e, ERR_INVALID,
                     "sink \"%s\" is not known; there are objects and "
                     "file_stream",
                     name);
    }
    if (rc == 0) {
        stop_install();
        rc = args_has(a, "follow") ? pipeline_follow(p, stop_asked, &n, e)
                                   : pipeline_once(p, &n, e);
    }
    if (rc == 0) {
        (void)fprintf(c->out,
                      "%s: %" PRId64 " messages: %" PRId64 " written, %" PRId64
                      " set aside, %" PRId64 " without a value\n",
                      name, n.messages, n.written, n.rejected, n.skipped);
    }
    pipeline_close(p);
    if (rc < 0 && e->code == ERR_BUSY) {
        rc = tell_busy(e);
    }
out:
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_sink = {
    .name = "sink",
    .summary = "Run one sink of the configuration",
    .args = "[objects|file_stream]",
    .about = "Reads the topics from where the sink's output ends and writes "
             "what is new, exactly once, also after a crash. A server does it "
             "by itself; beside one that was started with --no-pipelines this "
             "does it.\n\nobjects (the default) writes JSON objects "
             "under Confluent's names; file_stream appends every value as a "
             "line to one file.",
    .examples =
        "pinline sink\n  Land everything that is in the topics\n"
        "pinline sink objects --set objects.flush_records=1\n  One object a "
        "record\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .max_words = 1,
    .run = run,
};

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/workspace.h"
#include "core/clock.h"
#include "core/num.h"
#include "core/text.h"
#include "flow/batch.h"
#include "flow/ledger.h"

extern const struct cmd cmd_replay;

enum {
    SHOWN_BYTES = 60
};

static const struct opt opts[] = {
    {.name = "from-topics",
     .kind = OPT_FLAG,
     .help = "Read the topics instead of the JSON objects"},
    {.name = "pipeline",
     .kind = OPT_TEXT,
     .arg = "NAME",
     .help = "Only letters of this pipeline (batch, objects, file_stream)"},
    {.name = "topic",
     .kind = OPT_TEXT,
     .arg = "TOPIC",
     .help = "Only letters of this topic"},
};

struct printer {
    FILE *out;
    int64_t n;
};

static bool print_line(void *arg, const struct deadletter *d)
{
    struct printer *p = arg;
    struct slice head = d->payload;

    if (head.len > SHOWN_BYTES) {
        head.len = SHOWN_BYTES;
        while (head.len > 0 && (head.ptr[head.len] & 0xC0) == 0x80) {
            head.len--;
        }
    }
    (void)fprintf(p->out,
                  "%6" PRId64 "  %-11s %-14s %2" PRId32 " %10" PRId64
                  ".%-3" PRId32 " %-14s %s\n",
                  d->id, d->pipeline, d->topic, d->partition, d->offset, d->sub,
                  d->rule, d->reason);
    if (text_utf8_valid(head, NULL) && head.len > 0) {
        (void)fprintf(p->out, "        %.*s\n", SLICE_FMT(head));
    } else if (head.len > 0) {
        (void)fprintf(p->out, "        (%zu bytes that are no UTF-8 text)\n",
                      d->payload.len);
    }
    p->n++;
    return true;
}

static bool print_whole(void *arg, const struct deadletter *d)
{
    struct printer *p = arg;
    char when[CLOCK_TEXT_MAX];

    (void)clock_iso(d->time_us, when);
    (void)fprintf(p->out,
                  "id        %" PRId64 "\npipeline  %s\ntopic     %s\n"
                  "partition %" PRId32 "\noffset    %" PRId64
                  "\nsub       %" PRId32 "\nrule      %s\nreason    %s\n"
                  "set aside %s\nspec      %s\npayload   %zu "
                  "bytes\n\n",
                  d->id, d->pipeline, d->topic, d->partition, d->offset, d->sub,
                  d->rule, d->reason, when, d->spec_hash, d->payload.len);
    (void)fwrite(d->payload.ptr, 1, d->payload.len, p->out);
    (void)fputc('\n', p->out);
    p->n++;
    return true;
}

static int walk(struct cli *c, const struct deadletter_filter *f, bool whole,
                int64_t *ret, struct err *e)
{
    struct workspace w;
    struct ledger *l = NULL;
    struct printer p = {c->out, 0};
    int rc = -1;

    if (workspace_load(&w, c, NULL, 0, e) < 0) {
        return -1;
    }
    if (ledger_open(&l, w.project.data, e) == 0) {
        rc = ledger_letters(l, f, whole ? print_whole : print_line, &p, e);
    }
    ledger_close(l);
    workspace_close(&w);
    *ret = p.n;
    return rc;
}

static const char *letters(int64_t n)
{
    return n == 1 ? "dead letter" : "dead letters";
}

static int run_list(struct cli *c, const struct args *a, struct err *e)
{
    struct deadletter_filter f = DEADLETTER_ANY;
    int64_t n;

    f.pipeline = args_text(a, "pipeline", NULL);
    f.topic = args_text(a, "topic", NULL);
    if (walk(c, &f, false, &n, e) < 0) {
        return -1;
    }
    (void)fprintf(c->out, "%" PRId64 " %s\n", n, letters(n));
    return 0;
}

static int run_show(struct cli *c, const struct args *a, struct err *e)
{
    struct deadletter_filter f = DEADLETTER_ANY;
    int64_t n;

    if (!num_i64(slice_of(a->words[0]), &f.id) || f.id < 0) {
        return err_set(e, ERR_INVALID,
                       "\"%s\" is no number of a dead letter; `pinline replay "
                       "list` shows them",
                       a->words[0]);
    }
    if (walk(c, &f, true, &n, e) < 0) {
        return -1;
    }
    if (n == 0) {
        return err_set(e, ERR_NOTFOUND, "there is no dead letter %" PRId64,
                       f.id);
    }
    return 0;
}

static int count_open(struct workspace *w, int64_t *ret, struct err *e)
{
    struct deadletter_filter f = DEADLETTER_ANY;
    struct ledger *l = NULL;
    int rc = -1;

    f.pipeline = "batch";
    if (ledger_open(&l, w->project.data, e) == 0) {
        rc = ledger_count_letters(l, &f, ret, e);
    }
    ledger_close(l);
    return rc;
}

/* A mended rule is another spec, and a table has one spec: the tables are made
 * anew from the raw data, which holds the dead letters' messages too. */
static int run_run(struct cli *c, const struct args *a, struct err *e)
{
    struct flow_batch_result result = {0};
    struct workspace w;
    int64_t before = 0;
    int64_t after = 0;
    int rc = -1;

    if (workspace_load(&w, c, NULL, 0, e) < 0) {
        return -1;
    }
    if (workspace_broker(&w, BROKER_READ, e) == 0 &&
        count_open(&w, &before, e) == 0) {
        struct flow_batch_conf conf = {.project = &w.project,
                                       .spec = w.spec,
                                       .broker = w.broker,
                                       .full = true,
                                       .from_topics =
                                           args_has(a, "from-topics")};

        rc = flow_batch_run(&conf, &result, e);
    }
    if (rc == 0) {
        rc = count_open(&w, &after, e);
    }
    if (rc == 0) {
        (void)fprintf(c->out,
                      "%" PRId64 " %s before, %" PRId64 " after: %" PRId64
                      " came through\n",
                      before, letters(before), after, before - after);
    }
    flow_batch_release(&result);
    workspace_close(&w);
    return rc;
}

static const struct cmd_verb verbs[] = {
    {.name = "list", .summary = "One line a letter", .run = run_list},
    {.name = "run",
     .summary = "Clean again after a rule was mended",
     .run = run_run},
    {.name = "show",
     .args = "ID",
     .summary = "One letter, with its payload",
     .min_words = 1,
     .max_words = 1,
     .run = run_show},
    {0},
};

const struct cmd cmd_replay = {
    .name = "replay",
    .summary = "Look at dead letters, and clean them again",
    .about =
        "A record that could not be cleaned, and a message that a sink could "
        "not hold, is a dead letter with its payload, position, rule and "
        "reason; nothing is dropped.\n\nAfter a rule was mended in the spec, "
        "`replay run` makes the tables anew from the raw data under the new "
        "rules, so that letters which now pass become rows.",
    .examples = "pinline replay list --topic pin\n  What was set aside\n"
                "pinline replay run --set spec=mine.yaml\n  Try again with "
                "other rules\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .verbs = verbs,
};

#include <inttypes.h>

#include "cli/answers.h"
#include "cli/table.h"
#include "cli/workspace.h"
#include "core/mem.h"
#include "flow/batch.h"
#include "record/batch_json.h"

extern const struct cmd cmd_batch;

static const char *const from[] = {"objects", "topics", NULL};
static const char *const scopes[] = {"all", "batch", "none", NULL};
static const char *const formats[] = {"table", "json", NULL};

enum {
    SCOPE_ALL,
    SCOPE_BATCH,
    SCOPE_NONE
};

enum {
    OUT_BYTES = 512 << 20
};

static const struct opt opts[] = {
    {.name = "answers",
     .kind = OPT_CHOICE,
     .arg = "SCOPE",
     .choices = scopes,
     .help = "Answer over all rows (default), over the new ones, or not"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = formats,
     .help = "How the answers look: table (default) or json"},
    {.name = "from",
     .kind = OPT_CHOICE,
     .arg = "WHERE",
     .choices = from,
     .help = "Read the JSON objects (default) or the topics"},
    {.name = "full",
     .kind = OPT_FLAG,
     .help = "Make the tables anew instead of appending to them"},
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

static int put_json(const struct answers *a, struct buf *b, struct err *e)
{
    if (buf_putc(b, '{', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < answers_count(a); i++) {
        const char *id;
        const char *title;
        const struct batch *rows = answers_rows(a, i, &id, &title);

        if (buf_putf(b, e, "%s\"%s\":", i ? "," : "", id) < 0 ||
            batch_json_rows(rows, b, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}\n", e);
}

static int print_answers(struct cli *c, const struct answers *a, bool json,
                         struct err *e)
{
    struct table_style style = {TABLE_TEXT, c->width, c->colour};
    struct buf b;
    int rc = 0;

    if (json) {
        buf_init(&b, OUT_BYTES);
        rc = put_json(a, &b, e);
        if (rc == 0) {
            (void)fwrite(b.ptr, 1, b.len, c->out);
        }
        buf_release(&b);
        return rc;
    }
    for (size_t i = 0; i < answers_count(a) && rc == 0; i++) {
        const char *id;
        const char *title;
        const struct batch *rows = answers_rows(a, i, &id, &title);

        (void)fprintf(c->out, "%s%s  %s\n\n", i ? "\n" : "", id, title);
        rc = table_write_batch(rows, &style, c->out, e);
    }
    return rc;
}

static int clean_and_answer(struct cli *c, const struct args *a,
                            struct workspace *w, struct err *e)
{
    int64_t scope = args_int(a, "answers", SCOPE_ALL);
    struct flow_batch_conf conf = {.project = &w->project,
                                   .spec = w->spec,
                                   .broker = w->broker,
                                   .full = args_has(a, "full"),
                                   .from_topics = args_int(a, "from", 0) == 1,
                                   .keep_rows = scope == SCOPE_BATCH};
    struct flow_batch_result result = {0};
    struct answers *answers = NULL;
    struct account *accounts = NULL;
    size_t n = 0;
    int rc = flow_batch_run(&conf, &result, e);

    if (rc == 0) {
        print_counts(c, &result);
        rc = account_all(&w->project, w->spec, w->broker, &accounts, &n, e);
    }
    if (rc == 0) {
        rc = account_check(accounts, n, e);
    }
    if (rc == 0 && scope != SCOPE_NONE) {
        rc =
            answers_make(&answers, w, scope == SCOPE_BATCH ? &result : NULL, e);
        if (rc == 0) {
            rc = print_answers(c, answers, args_int(a, "format", 0) == 1, e);
        }
    }
    answers_free(answers);
    mem_free(accounts);
    flow_batch_release(&result);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    int rc;

    if (workspace_load(&w, c, NULL, 0, e) < 0) {
        return -1;
    }
    rc = workspace_broker(&w, BROKER_READ, e);
    if (rc == 0) {
        rc = clean_and_answer(c, a, &w, e);
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
        "the same rows and the same answers. A changed spec asks for it.",
    .examples = "pinline batch\n  The daily job\n"
                "pinline batch --full --format json\n  Everything again, "
                "answers for programs\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

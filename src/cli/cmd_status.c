#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/workspace.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/stop.h"
#include "json/json.h"

extern const struct cmd cmd_status;

enum {
    STATUS_BYTES = 16 << 20,
    RUNS_SHOWN = 5,
    WATCH_US = 2000000,
};

static const char *const formats[] = {"table", "json", NULL};

static const struct opt opts[] = {
    WORKSPACE_BROKER,
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = formats,
     .help = "table (default) or json"},
    {.name = "watch", .kind = OPT_FLAG, .help = "Show it again every 2 s"},
};

struct lag {
    char group[TOPIC_NAME_MAX + 1];
    struct broker_position at;
    int64_t end;
};

struct page {
    struct account *accounts;
    size_t naccounts;
    struct lag *lags;
    size_t nlags;
    struct ledger *ledger;
    struct broker_stats stats;
};

static void page_release(struct page *p)
{
    mem_free(p->accounts);
    mem_free(p->lags);
    ledger_close(p->ledger);
}

static int add_lag(struct workspace *w, struct page *p, const char *group,
                   const struct broker_position *at, struct err *e)
{
    struct lag *grown = mem_resize(p->lags, p->nlags + 1, sizeof(*grown));
    struct lag *l;
    int64_t begin;

    if (grown == NULL) {
        return err_nomem(e, sizeof(*grown));
    }
    p->lags = grown;
    l = &p->lags[p->nlags];
    *l = (struct lag){.at = *at};
    (void)snprintf(l->group, sizeof(l->group), "%s", group);
    if (broker_offsets(w->broker, at->topic, at->partition, &begin, &l->end,
                       e) < 0) {
        return e->code == ERR_NOTFOUND ? 0 : -1; /* a deleted topic */
    }
    p->nlags++;
    return 0;
}

static int find_lags(struct workspace *w, struct page *p, struct err *e)
{
    struct broker_group *groups = NULL;
    size_t n = 0;
    int rc = 0;

    if (broker_group_list(w->broker, &groups, &n, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct broker_position *at = NULL;
        size_t k = 0;

        rc = broker_group_positions(w->broker, groups[i].name, &at, &k, e);
        for (size_t j = 0; j < k && rc == 0; j++) {
            rc = add_lag(w, p, groups[i].name, &at[j], e);
        }
        mem_free(at);
    }
    mem_free(groups);
    return rc;
}

static void table_accounts(const struct page *p, FILE *out)
{
    (void)fprintf(out, "%-20s %10s %9s %9s %9s %9s %9s  sum\n", "topic",
                  "stored", "pending", "expanded", "cleaned", "rejected",
                  "duplicate");
    for (size_t i = 0; i < p->naccounts; i++) {
        const struct account *a = &p->accounts[i];

        (void)fprintf(out,
                      "%-20s %10" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64
                      " %9" PRId64 " %9" PRId64 "  %s\n",
                      a->topic, a->stored, a->pending, a->expanded, a->cleaned,
                      a->rejected, a->duplicate,
                      a->table == NULL ? "no table"
                      : a->closes      ? "closes"
                                       : "DOES NOT CLOSE");
    }
}

static void table_lags(const struct page *p, FILE *out)
{
    if (p->nlags == 0) {
        return;
    }
    (void)fprintf(out, "\n%-20s %-20s %9s %12s %12s %9s\n", "group", "topic",
                  "partition", "offset", "end", "lag");
    for (size_t i = 0; i < p->nlags; i++) {
        const struct lag *l = &p->lags[i];

        (void)fprintf(out,
                      "%-20s %-20s %9" PRId32 " %12" PRId64 " %12" PRId64
                      " %9" PRId64 "\n",
                      l->group, l->at.topic, l->at.partition, l->at.offset,
                      l->end, l->end - l->at.offset);
    }
}

static bool table_run(void *arg, const struct ledger_run *r)
{
    char when[CLOCK_TEXT_MAX];

    (void)clock_iso(r->started_us / 1000000 * 1000000, when);
    (void)fprintf(arg, "%-8s %-10s %s  %.1f s  %s\n", r->kind, r->state, when,
                  r->ended_us > 0 ? (double)(r->ended_us - r->started_us) / 1e6
                                  : 0.0,
                  r->detail);
    return true;
}

static int show_table(struct workspace *w, const struct page *p, FILE *out,
                      struct err *e)
{
    char broker[200];

    broker_url_plain(w->project.broker, broker, sizeof(broker));
    (void)fprintf(out, "pinline " PINLINE_VERSION "   %s   %s\n\n",
                  w->project.data, broker);
    table_accounts(p, out);
    table_lags(p, out);
    (void)fprintf(out, "\n%-8s %-10s %s\n", "run", "state", "started");
    if (ledger_runs(p->ledger, RUNS_SHOWN, table_run, out, e) < 0) {
        return -1;
    }
    if (broker_is_here(w->project.broker)) {
        (void)fprintf(out, "\ntopics on disk %.1f MB\n",
                      (double)p->stats.disk_bytes / 1e6);
    }
    return 0;
}

static int json_accounts(const struct page *p, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < p->naccounts; i++) {
        const struct account *a = &p->accounts[i];

        if (buf_putf(b, e, "%s\"%s\":{\"table\":", i ? "," : "", a->topic) <
                0 ||
            (a->table ? json_print_text(b, slice_of(a->table), e)
                      : buf_puts(b, "null", e)) < 0 ||
            buf_putf(b, e,
                     ",\"stored\":%" PRId64 ",\"pending\":%" PRId64
                     ",\"expanded\":%" PRId64 ",\"cleaned\":%" PRId64
                     ",\"rejected\":%" PRId64 ",\"duplicate\":%" PRId64
                     ",\"lost\":%" PRId64 ",\"closes\":%s}",
                     a->stored, a->pending, a->expanded, a->cleaned,
                     a->rejected, a->duplicate, a->lost,
                     a->closes ? "true" : "false") < 0) {
            return -1;
        }
    }
    return 0;
}

struct json_runs {
    struct buf *b;
    struct err *e;
    bool first;
    int rc;
};

static bool json_run(void *arg, const struct ledger_run *r)
{
    struct json_runs *j = arg;

    j->rc = buf_putf(j->b, j->e,
                     "%s{\"id\":%" PRId64
                     ",\"kind\":\"%s\",\"state\":\"%s\",\"started_us\":%" PRId64
                     ",\"ended_us\":%" PRId64 ",\"detail\":",
                     j->first ? "" : ",", r->id, r->kind, r->state,
                     r->started_us, r->ended_us);
    if (j->rc == 0) {
        j->rc = json_print_text(j->b, slice_of(r->detail), j->e);
    }
    if (j->rc == 0) {
        j->rc = buf_putc(j->b, '}', j->e);
    }
    j->first = false;
    return j->rc == 0;
}

static int json_page(const struct page *p, struct buf *b, struct err *e)
{
    struct json_runs runs = {b, e, true, 0};

    if (buf_puts(b, "{\"version\":\"" PINLINE_VERSION "\",\"accounting\":{",
                 e) < 0 ||
        json_accounts(p, b, e) < 0 || buf_puts(b, "},\"lag\":[", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < p->nlags; i++) {
        const struct lag *l = &p->lags[i];

        if (buf_putf(b, e, "%s{\"group\":", i ? "," : "") < 0 ||
            json_print_text(b, slice_of(l->group), e) < 0 ||
            buf_putf(b, e,
                     ",\"topic\":\"%s\",\"partition\":%" PRId32
                     ",\"offset\":%" PRId64 ",\"end\":%" PRId64
                     ",\"lag\":%" PRId64 "}",
                     l->at.topic, l->at.partition, l->at.offset, l->end,
                     l->end - l->at.offset) < 0) {
            return -1;
        }
    }
    if (buf_puts(b, "],\"runs\":[", e) < 0 ||
        ledger_runs(p->ledger, RUNS_SHOWN, json_run, &runs, e) < 0 ||
        runs.rc < 0) {
        return -1;
    }
    return buf_putf(b, e, "],\"disk_bytes\":%" PRId64 "}\n",
                    p->stats.disk_bytes);
}

static int show(struct cli *c, struct workspace *w, bool json, struct err *e)
{
    struct page p = {0};
    struct buf b;
    int rc = -1;

    buf_init(&b, STATUS_BYTES);
    if (account_all(&w->project, w->spec, w->broker, &p.accounts, &p.naccounts,
                    e) < 0 ||
        find_lags(w, &p, e) < 0 ||
        ledger_open(&p.ledger, w->project.data, e) < 0) {
        goto out;
    }
    broker_stats(w->broker, &p.stats);
    rc = json ? json_page(&p, &b, e) : show_table(w, &p, c->out, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
        (void)fflush(c->out);
        rc = account_check(p.accounts, p.naccounts, e);
    }
out:
    buf_release(&b);
    page_release(&p);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    bool json = args_int(a, "format", 0) == 1;
    struct workspace w;
    int rc;

    if (workspace_load_for(&w, c, a, e) < 0) {
        return -1;
    }
    rc = workspace_broker(&w, BROKER_READ, e);
    if (rc == 0) {
        rc = show(c, &w, json, e);
    }
    if (args_has(a, "watch")) {
        stop_install();
    }
    while (rc == 0 && args_has(a, "watch") && !stop_wait(WATCH_US)) {
        (void)fputs(c->colour ? "\033[H\033[2J" : "\n", c->out);
        rc = show(c, &w, json, e);
    }
    workspace_close(&w);
    return rc;
}

const struct cmd cmd_status = {
    .name = "status",
    .summary = "Show the sum, lag and last runs",
    .about = "One page of truth about a data directory: what is stored, "
             "cleaned, rejected and duplicate in each topic and whether the "
             "sum closes, how far each consumer group is, the last runs. "
             "Everything is added up from what is on disk; a sum that does not "
             "close ends the command with exit code 3.",
    .examples = "pinline status --format json\n  For programs\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

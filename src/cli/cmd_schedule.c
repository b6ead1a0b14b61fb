#include <inttypes.h>
#include <string.h>

#include "clean/parse.h"
#include "cli/schedule.h"
#include "cli/table.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/stop.h"
#include "flow/interval.h"
#include "json/json.h"

extern const struct cmd cmd_schedule;

enum {
    OUT_BYTES = 64 << 20,
    RUNS_DEFAULT = 20,
    NEXT_DEFAULT = 5,
};

static const struct opt opts[] = {
    {.name = "again",
     .kind = OPT_FLAG,
     .help = "With backfill: intervals that ran already run again"},
    {.name = "from",
     .kind = OPT_TEXT,
     .arg = "TIME",
     .help = "With backfill: begin of the first interval (2026-11-01)"},
    {.name = "interval",
     .kind = OPT_TEXT,
     .arg = "FROM/TO",
     .help = "With trigger: the data interval, or a day; without: all that is "
             "new"},
    {.name = "max",
     .letter = 'n',
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = 10000,
     .help = "With runs and next: how many are shown (20, 5)"},
    {.name = "once",
     .kind = OPT_FLAG,
     .help = "End when nothing is due or under way any more"},
    {.name = "operators",
     .kind = OPT_CHOICE,
     .arg = "KIND",
     .choices = schedule_operators,
     .help = "With airflow: bash (pinline on the worker; the default), http or "
             "databricks (both against `pinline serve`)"},
    {.name = "out",
     .letter = 'o',
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "With airflow: write the DAG there instead of printing it"},
    {.name = "param",
     .kind = OPT_TEXT,
     .arg = "KEY=VALUE",
     .repeat = true,
     .help = "With trigger: given to the tasks in PINLINE_CONF, a JSON object; "
             "may be repeated"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = table_formats,
     .help = "table (default), json or csv"},
    {.name = "to",
     .kind = OPT_TEXT,
     .arg = "TIME",
     .help = "With backfill: end of the last interval (default: now)"},
};

/* What every word works on. */
struct desk {
    struct workspace w;
    struct schedule s;
    struct journal *journal;
    struct arena arena;
};

static void desk_close(struct desk *d)
{
    journal_close(d->journal);
    schedule_release(&d->s);
    arena_release(&d->arena);
    workspace_close(&d->w);
}

static int desk_open(struct desk *d, struct cli *c, bool journal, struct err *e)
{
    *d = (struct desk){.journal = NULL};
    if (workspace_load(&d->w, c, NULL, 0, e) < 0) {
        return -1;
    }
    if (journal && !fs_exists(d->w.project.data)) {
        err_set(e, ERR_NOTFOUND,
                "there is no data directory \"%s\" yet; `pinline run` or "
                "`pinline serve` make one",
                d->w.project.data);
        workspace_close(&d->w);
        return -1;
    }
    arena_init(&d->arena, OUT_BYTES);
    if (schedule_make(&d->s, c, &d->w, e) < 0) {
        arena_release(&d->arena);
        workspace_close(&d->w);
        return -1;
    }
    if (journal && journal_open(&d->journal, d->s.conf.dir, e) < 0) {
        desk_close(d);
        return -1;
    }
    return 0;
}

static int put_time(struct table *t, int64_t us, struct err *e)
{
    char text[CLOCK_TEXT_MAX];

    if (us <= 0) {
        return table_put_null(t, e);
    }
    (void)clock_iso(us - us % 1000000, text);
    return table_put(t, slice_of(text), e);
}

/* ---- running ---- */

static void say(const struct err *e)
{
    LOG(LOG_ERROR, LOG_MSG("scheduler"), LOG_ERR(e));
}

static int work(struct cli *c, struct desk *d, bool once, struct err *e)
{
    struct sched *sched = NULL;
    int64_t wait = 0;
    int rc;

    if (sched_open(&sched, &d->s.conf, e) < 0) {
        return -1;
    }
    if (!once) {
        rc = sched_follow(sched, stop_asked, say, e);
    } else {
        do {
            rc = sched_step(sched, &wait, e);
        } while (rc == 0 && !sched_idle(sched) && !stop_wait(50000));
    }
    if (rc == 0 && once) {
        struct sched_stats n;

        sched_stats(sched, &n);
        if (n.queued > 0 && !c->quiet) {
            (void)fprintf(c->err, "%" PRId64 " runs wait: %s\n", n.queued,
                          "paused, or the run before failed");
        }
        if (n.failed > 0) {
            rc = err_set(e, ERR_IO,
                         "%" PRId64 " of %" PRId64
                         " runs failed; `pinline schedule runs` says why",
                         n.failed, n.failed + n.success);
        }
    }
    sched_close(sched);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct desk d;
    int rc;

    stop_install();
    if (desk_open(&d, c, false, e) < 0) {
        return -1;
    }
    if (!c->quiet && !args_has(a, "once")) {
        (void)fprintf(c->err,
                      "schedule \"%s\" runs %zu tasks; Ctrl-C stops "
                      "it\n",
                      d.s.conf.name, d.s.conf.graph.n);
    }
    rc = work(c, &d, args_has(a, "once"), e);
    desk_close(&d);
    return rc;
}

/* ---- looking ---- */

static int list(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"task", "waits for", "does"};
    struct desk d;
    struct table t;
    int rc = 0;

    if (desk_open(&d, c, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    for (size_t i = 0; rc == 0 && i < d.s.conf.graph.regular; i++) {
        const struct graph_task *task = &d.s.conf.graph.tasks[i];
        const char *upstream = "";

        for (size_t k = 0; upstream != NULL && k < i; k++) {
            if (task->upstream >> k & 1) {
                upstream = arena_printf(&d.arena, e, "%s%s%s", upstream,
                                        upstream[0] ? " " : "",
                                        d.s.conf.graph.tasks[k].name);
            }
        }
        rc = upstream == NULL || table_put(&t, slice_of(task->name), e) < 0 ||
                     table_put(&t, slice_of(upstream), e) < 0 ||
                     (task->command != NULL
                          ? table_put(&t, slice_of(task->command), e)
                          : table_putf(&t, e, "pinline batch --task %s",
                                       task->name)) < 0
                 ? -1
                 : 0;
    }
    desk_close(&d);
    return table_show(&t, c, a, rc, e);
}

static int next(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"from", "to, when it starts"};
    int64_t n = args_int(a, "max", NEXT_DEFAULT);
    struct desk d;
    struct table t;
    int64_t at;
    int rc = 0;

    if (desk_open(&d, c, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    if (cron_last(&d.s.conf.cron, d.s.zone, clock_wall_us(), &at)) {
        for (int64_t i = 0; rc == 0 && i < n; i++) {
            rc = put_time(&t, at, e);
            if (rc == 0) {
                rc = cron_next(&d.s.conf.cron, d.s.zone, at, &at)
                         ? put_time(&t, at, e)
                         : table_put_null(&t, e);
            }
        }
    }
    desk_close(&d);
    return table_show(&t, c, a, rc, e);
}

static int put_run(struct desk *d, struct table *t, const struct sched_run *r,
                   struct err *e)
{
    struct sched_task *tasks = NULL;
    const char *text = "";
    size_t n = 0;

    if (journal_tasks(d->journal, r->id, &d->arena, &tasks, &n, e) < 0) {
        return -1;
    }
    for (size_t i = 0; text != NULL && i < n; i++) {
        text = tasks[i].state == SCHED_SUCCESS
                   ? text
                   : arena_printf(&d->arena, e, "%s%s%s %s", text,
                                  text[0] ? ", " : "", tasks[i].name,
                                  sched_state_text(tasks[i].state));
    }
    return text == NULL || table_put_int(t, r->id, e) < 0 ||
                   table_put(t, slice_of(r->kind), e) < 0 ||
                   put_time(t, r->from_us, e) < 0 ||
                   put_time(t, r->to_us, e) < 0 ||
                   table_put(t, slice_of(sched_state_text(r->state)), e) < 0 ||
                   put_time(t, r->started_us, e) < 0 ||
                   put_time(t, r->ended_us, e) < 0 ||
                   table_put(t, slice_of(r->reason[0] ? r->reason : text), e) <
                       0
               ? -1
               : 0;
}

static int runs(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"run",   "kind",    "from",  "to",
                                        "state", "started", "ended", "why"};
    struct journal_filter filter = {.limit = args_int(a, "max", RUNS_DEFAULT)};
    struct sched_run *list_of = NULL;
    struct desk d;
    struct table t;
    size_t n = 0;
    int rc;

    if (desk_open(&d, c, true, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    rc = journal_runs(d.journal, &filter, &d.arena, &list_of, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = put_run(&d, &t, &list_of[i], e);
    }
    desk_close(&d);
    return table_show(&t, c, a, rc, e);
}

static int run_id(const struct args *a, int64_t *ret, struct err *e)
{
    if (!num_i64(slice_of(a->words[0]), ret) || *ret < 1) {
        return err_set(e, ERR_INVALID,
                       "\"%s\" is no number of a run; `pinline schedule runs` "
                       "shows them",
                       a->words[0]);
    }
    return 0;
}

static int tasks(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"task",  "state", "attempt", "started",
                                        "ended", "why",   "log"};
    struct sched_task *list_of = NULL;
    struct sched_run r;
    struct desk d;
    struct table t;
    int64_t id;
    size_t n = 0;
    int rc;

    if (run_id(a, &id, e) < 0 || desk_open(&d, c, true, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    t.whole = ARRAY_LEN(heads); /* a path to open */
    rc = journal_run(d.journal, id, &d.arena, &r, e);
    if (rc == 0) {
        rc = journal_tasks(d.journal, id, &d.arena, &list_of, &n, e);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct sched_task *k = &list_of[i];

        rc = table_put(&t, slice_of(k->name), e) < 0 ||
                     table_put(&t, slice_of(sched_state_text(k->state)), e) <
                         0 ||
                     table_put_int(&t, k->attempt, e) < 0 ||
                     put_time(&t, k->started_us, e) < 0 ||
                     put_time(&t, k->ended_us, e) < 0 ||
                     table_put(&t, slice_of(k->reason), e) < 0 ||
                     (k->log[0] != '\0'
                          ? table_putf(&t, e, "%s/%s", d.s.conf.dir, k->log)
                          : table_put_null(&t, e)) < 0
                 ? -1
                 : 0;
    }
    desk_close(&d);
    return table_show(&t, c, a, rc, e);
}

/* ---- asking ---- */

static int set_paused(struct cli *c, bool pause, struct err *e)
{
    struct desk d;
    int rc;

    if (desk_open(&d, c, true, e) < 0) {
        return -1;
    }
    rc = journal_pause(d.journal, d.s.conf.name, pause, e);
    desk_close(&d);
    return rc;
}

static int pause_it(struct cli *c, const struct args *a, struct err *e)
{
    (void)a;
    return set_paused(c, true, e);
}

static int resume(struct cli *c, const struct args *a, struct err *e)
{
    (void)a;
    return set_paused(c, false, e);
}

static int cancel(struct cli *c, const struct args *a, struct err *e)
{
    struct desk d;
    int64_t id;
    int rc;

    if (run_id(a, &id, e) < 0 || desk_open(&d, c, true, e) < 0) {
        return -1;
    }
    rc = journal_cancel(d.journal, id, e);
    desk_close(&d);
    return rc;
}

/* --param KEY=VALUE ... as a JSON object. */
static int params(const struct args *a, struct buf *b, struct err *e)
{
    const char *text;
    size_t at = 0;
    bool first = true;

    if (buf_putc(b, '{', e) < 0) {
        return -1;
    }
    while ((text = args_next(a, "param", &at)) != NULL) {
        struct slice rest = slice_of(text);
        struct slice key;

        if (!slice_cut(&rest, '=', &key) || key.len == 0) {
            return err_set(e, ERR_INVALID, "\"%s\" is not KEY=VALUE", text);
        }
        if ((!first && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, key, e) < 0 || buf_putc(b, ':', e) < 0 ||
            json_print_text(b, rest, e) < 0) {
            return -1;
        }
        first = false;
    }
    return buf_putc(b, '}', e);
}

static int trigger(struct cli *c, const struct args *a, struct err *e)
{
    const char *text = args_text(a, "interval", NULL);
    struct sched_wish wish = {.run = {.kind = "manual",
                                      .state = SCHED_QUEUED,
                                      .created_us = clock_wall_us()},
                              .tasks = a->words,
                              .ntasks = a->n_words};
    struct sched_run *r = &wish.run;
    struct interval interval = {0, 0};
    struct buf conf;
    struct desk d;
    int64_t id = 0;
    int rc;

    if ((text != NULL && interval_parse(&interval, text, e) < 0) ||
        desk_open(&d, c, true, e) < 0) {
        return -1;
    }
    buf_init(&conf, OUT_BYTES);
    r->schedule = d.s.conf.name;
    r->from_us = interval.from_us;
    r->to_us = interval.to_us;
    rc = params(a, &conf, e) < 0 || buf_text(&conf, &r->conf, e) < 0 ? -1 : 0;
    if (rc == 0) {
        rc = sched_trigger(d.journal, &d.s.conf.graph, &wish, &id, e);
    }
    if (rc == 0) {
        (void)fprintf(c->out, "%" PRId64 "\n", id);
    }
    buf_release(&conf);
    desk_close(&d);
    return rc;
}

/* A time, or a day in the schedule's zone. */
static int time_of(const struct desk *d, const char *text, int64_t otherwise,
                   int64_t *ret, struct err *e)
{
    *ret = otherwise;
    if (text != NULL && !parse_time(slice_of(text), ret)) {
        return err_set(e, ERR_INVALID,
                       "\"%s\" is no time such as 2026-11-01 or "
                       "2026-11-01T06:00:00Z",
                       text);
    }
    if (text != NULL && strlen(text) == 10) {
        *ret = zone_to_utc(d->s.zone, *ret);
    }
    return 0;
}

static int backfill(struct cli *c, const struct args *a, struct err *e)
{
    int64_t now = clock_wall_us();
    struct sched_backfill b = {.now_us = now, .again = args_has(a, "again")};
    struct desk d;
    int64_t n = 0;
    int rc;

    if (args_text(a, "from", NULL) == NULL) {
        return err_set(e, ERR_INVALID,
                       "say with --from where the first interval begins");
    }
    if (desk_open(&d, c, true, e) < 0) {
        return -1;
    }
    b.schedule = d.s.conf.name;
    b.cron = &d.s.conf.cron;
    b.zone = d.s.zone;
    b.graph = &d.s.conf.graph;
    rc = time_of(&d, args_text(a, "from", NULL), 0, &b.from_us, e);
    if (rc == 0) {
        rc = time_of(&d, args_text(a, "to", NULL), now, &b.to_us, e);
    }
    b.to_us = b.to_us > now ? now : b.to_us; /* none before its end */
    if (rc == 0) {
        rc = sched_add_intervals(d.journal, &b, &n, e);
    }
    if (rc == 0) {
        (void)fprintf(c->out, "%" PRId64 " runs added\n", n);
        if (n == 0 && !args_has(a, "again") && !c->quiet) {
            (void)fputs(
                "each interval that is over has its run; --again adds another\n",
                c->err);
        }
    }
    desk_close(&d);
    return rc;
}

static int airflow(struct cli *c, const struct args *a, struct err *e)
{
    const char *kind = schedule_operators[args_int(a, "operators", 0)];
    const char *out = args_text(a, "out", NULL);
    const char *cron;
    struct desk d;
    struct buf b;
    int rc;

    if (desk_open(&d, c, false, e) < 0) {
        return -1;
    }
    cron = d.w.project.schedule_cron[0] ? d.w.project.schedule_cron : "@daily";
    buf_init(&b, OUT_BYTES);
    rc = schedule_airflow(&d.s, kind, cron, &b, e);
    if (rc == 0 && out != NULL) {
        rc = fs_publish(out, buf_slice(&b), e);
    } else if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
    }
    buf_release(&b);
    desk_close(&d);
    return rc;
}

static const struct cmd_verb verbs[] = {
    {"airflow", NULL, "Write a DAG for Airflow 3 that does the same", 0, 0,
     airflow},
    {"backfill", NULL, "Add runs for the intervals between two times", 0, 0,
     backfill},
    {"cancel", "RUN", "End a run", 1, 1, cancel},
    {"list", NULL, "Show the tasks of a run", 0, 0, list},
    {"next", NULL, "Show the intervals to come", 0, 0, next},
    {"pause", NULL, "Begin no more runs until `resume`", 0, 0, pause_it},
    {"resume", NULL, "Begin runs again", 0, 0, resume},
    {"runs", NULL, "Show the latest runs", 0, 0, runs},
    {"tasks", "RUN", "Show the tasks of one run, and where their logs are", 1,
     1, tasks},
    {"trigger", "[TASK...]",
     "Add a run now, of all tasks or of these, and print its number", 0,
     SCHED_TASKS_MAX, trigger},
    {0},
};

const struct cmd cmd_schedule = {
    .name = "schedule",
    .summary = "Run batches by cron, a run for each data interval",
    .about =
        "Runs the project's tasks (load, a clean_TABLE for each table, query) "
        "by the cron expression of the setting schedule.cron. A run belongs to "
        "the interval between two instants of it and starts at the interval's "
        "end; each interval runs once, whatever is killed when. `serve` does "
        "the same in the background when schedule.cron is set.\n\n"
        "Runs that others add (trigger, backfill, HTTP) wait in the journal "
        "until a scheduler works on the data directory; one at a time does.",
    .examples = "pinline schedule --set schedule.cron=@daily\n"
                "  Wait for midnight, and again\n"
                "pinline schedule backfill --from 2026-11-01\n"
                "  Add a run for every day since then\n"
                "pinline schedule --once\n"
                "  Do what is due and end\n"
                "pinline schedule airflow -o dags/pinline.py\n"
                "  Let Airflow do it\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .verbs = verbs,
    .run = run,
};

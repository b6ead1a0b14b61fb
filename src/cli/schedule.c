#include "cli/schedule.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "clean/parse.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/log.h"
#include "net/http_client.h"
#include "json/json.h"

enum {
    TEXTS_BYTES = 4 << 20,
    NOTE_BYTES = 1 << 20,
};

#define WEBHOOK_US ((int64_t)10000000)

/* ---- failures are told ---- */

static int put_note(struct buf *b, const struct sched_run *run,
                    const struct sched_task *tasks, size_t n, struct err *e)
{
    if (buf_putf(b, e, "{\"run\":%" PRId64 ",\"schedule\":", run->id) < 0 ||
        json_print_text(b, slice_of(run->schedule), e) < 0 ||
        buf_puts(b, ",\"interval\":", e) < 0 ||
        json_print_text(b, slice_of(run->key), e) < 0 ||
        buf_putf(b, e, ",\"state\":\"%s\",\"reason\":",
                 sched_state_text(run->state)) < 0 ||
        json_print_text(b, slice_of(run->reason), e) < 0 ||
        buf_puts(b, ",\"tasks\":{", e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if ((i > 0 && buf_putc(b, ',', e) < 0) ||
            json_print_text(b, slice_of(tasks[i].name), e) < 0 ||
            buf_putf(b, e, ":\"%s\"", sched_state_text(tasks[i].state)) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}}", e);
}

static int post_note(const char *url, struct slice body, struct err *e)
{
    struct http_client_conf conf = {.timeout_us = WEBHOOK_US,
                                    .connect_timeout_us = WEBHOOK_US};
    struct http_request r = {.method = "POST",
                             .url = url,
                             .headers = {"Content-Type: application/json"},
                             .body = body};
    struct http_client *client = NULL;
    struct http_answer answer;
    int rc;

    if (http_client_new(&client, &conf, e) < 0) {
        return -1;
    }
    rc = http_client_do(client, &r, &answer, e);
    if (rc == 0 && (answer.status < 200 || answer.status > 299)) {
        rc = err_set(e, ERR_CONNECT, "the webhook answered %d", answer.status);
    }
    http_client_free(client);
    return rc;
}

static void run_ended(void *arg, const struct sched_run *run,
                      const struct sched_task *tasks, size_t n)
{
    const struct schedule *s = arg;
    bool good = run->state == SCHED_SUCCESS;
    struct buf note;
    struct err e;

    LOG(good ? LOG_INFO : LOG_ERROR, LOG_MSG("run ended"),
        LOG_INT("run", run->id), LOG_STR("schedule", run->schedule),
        LOG_STR("interval", run->key),
        LOG_STR("state", sched_state_text(run->state)),
        LOG_STR("reason", run->reason));
    if (good || s->webhook[0] == '\0') {
        return;
    }
    buf_init(&note, NOTE_BYTES);
    if (put_note(&note, run, tasks, n, &e) < 0 ||
        post_note(s->webhook, buf_slice(&note), &e) < 0) {
        LOG(LOG_WARN, LOG_MSG("could not tell the webhook"), LOG_ERR(&e));
    }
    buf_release(&note);
}

/* ---- tasks as commands ---- */

static int command(void *arg, const struct sched_job *job,
                   const char *argv[SCHED_ARGS_MAX], struct err *e)
{
    const struct schedule *s = arg;
    size_t n = 0;

    for (; n < s->nbase; n++) {
        argv[n] = s->base[n];
    }
    argv[n++] = "batch";
    argv[n++] = "--task";
    argv[n++] = job->task->name;
    if (job->run->to_us > job->run->from_us) {
        argv[n++] = "--interval";
        argv[n] = sched_key(job->arena, job->run->from_us, job->run->to_us, e);
        if (argv[n++] == NULL) {
            return -1;
        }
    }
    argv[n] = NULL;
    return 0;
}

static int set_base(struct schedule *s, const struct cli *c,
                    const struct project *p, struct err *e)
{
    char self[FS_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0) {
        return err_set(e, ERR_IO, "could not find this program's own file");
    }
    self[len] = '\0';
    s->base[0] = arena_printf(&s->arena, e, "%s", self);
    if (s->base[0] == NULL) {
        return -1;
    }
    s->nbase = 1;
    if (p->file != NULL) {
        s->base[s->nbase++] = "--config";
        s->base[s->nbase++] = p->file;
    }
    s->base[s->nbase++] = "--data";
    s->base[s->nbase++] = p->data;
    for (size_t i = 0; i < c->n_sets; i++) {
        if (s->nbase + 8 > SCHED_ARGS_MAX) {
            return err_set(e, ERR_INVALID,
                           "a schedule takes at most %zu --set; write the "
                           "settings into the configuration",
                           i);
        }
        s->base[s->nbase++] = "--set";
        s->base[s->nbase++] = c->sets[i];
    }
    return 0;
}

/* load, a clean_TABLE for each table, query, batch. */
static int set_own(struct schedule *s, const struct spec *spec, struct err *e)
{
    s->own[s->nown++] = "load";
    for (size_t i = 0; i < spec->ntables; i++) {
        s->own[s->nown] =
            arena_printf(&s->arena, e, "clean_%s", spec->tables[i].name);
        if (s->own[s->nown++] == NULL) {
            return -1;
        }
    }
    s->own[s->nown++] = "query";
    s->own[s->nown++] = "batch";
    return 0;
}

static int usual_graph(struct schedule *s, size_t ntables, struct err *e)
{
    const char *lines[SCHEDULE_OWN_MAX];
    const char *all = "";
    size_t n = 0;

    lines[n++] = "load";
    for (size_t i = 0; i < ntables; i++) {
        const char *name = s->own[1 + i];

        lines[n] = arena_printf(&s->arena, e, "%s < load", name);
        all = arena_printf(&s->arena, e, "%s %s", all, name);
        if (lines[n++] == NULL || all == NULL) {
            return -1;
        }
    }
    lines[n] = arena_printf(&s->arena, e, "query <%s", all);
    if (lines[n++] == NULL) {
        return -1;
    }
    return graph_parse(&s->conf.graph, lines, n, s->own, s->nown, &s->arena, e);
}

static int set_times(struct schedule *s, const struct project *p, struct err *e)
{
    struct sched_conf *conf = &s->conf;
    const char *cron = p->schedule_cron[0] ? p->schedule_cron : "@daily";

    if (zone_load(&s->zone, p->schedule_timezone, e) < 0) {
        return err_wrap(e, "setting \"schedule.timezone\"");
    }
    if (cron_parse(&conf->cron, cron, e) < 0) {
        return err_wrap(e, "setting \"schedule.cron\"");
    }
    conf->first_us = -1;
    if (p->schedule_start[0] != '\0') {
        const char *start = p->schedule_start;
        const char *time =
            strlen(start) == 10
                ? arena_printf(&s->arena, e, "%sT00:00:00Z", start)
                : start;

        if (time == NULL) {
            return -1;
        }
        if (!parse_time(slice_of(time), &conf->first_us)) {
            return err_set(e, ERR_INVALID,
                           "setting \"schedule.start\": \"%s\" is no time such "
                           "as 2026-11-01 or 2026-11-01T06:00:00Z",
                           start);
        }
        if (strlen(start) == 10) { /* a day begins where the cron's zone is */
            conf->first_us = zone_to_utc(s->zone, conf->first_us);
        }
    }
    conf->zone = s->zone;
    return 0;
}

static int set_graph(struct schedule *s, const struct workspace *w,
                     struct err *e)
{
    const struct conf_list *tasks = &w->project.schedule_tasks;

    if (set_own(s, w->spec, e) < 0) {
        return -1;
    }
    if (tasks->n == 0) {
        return usual_graph(s, w->spec->ntables, e);
    }
    if (graph_parse(&s->conf.graph, tasks->items, tasks->n, s->own, s->nown,
                    &s->arena, e) < 0) {
        return err_wrap(e, "setting \"schedule.tasks\"");
    }
    return 0;
}

int schedule_make(struct schedule *s, struct cli *c, struct workspace *w,
                  struct err *e)
{
    struct project *p = &w->project;

    *s = (struct schedule){.webhook = p->schedule_webhook};
    arena_init(&s->arena, TEXTS_BYTES);
    s->conf =
        (struct sched_conf){.name = p->schedule_name,
                            .catchup = p->schedule_catchup,
                            .depends_on_past = p->schedule_depends_on_past,
                            .max_runs = p->schedule_max_runs,
                            .parallel = p->schedule_parallel,
                            .retries = p->schedule_retries,
                            .retry_delay_us = p->schedule_retry_delay_us,
                            .timeout_us = p->schedule_timeout_us,
                            .command = command,
                            .ended = run_ended,
                            .arg = s};
    s->conf.dir = arena_printf(&s->arena, e, "%s/schedule", p->data);
    if (s->conf.dir == NULL || set_times(s, p, e) < 0 ||
        set_base(s, c, p, e) < 0 || set_graph(s, w, e) < 0 ||
        graph_add_single(&s->conf.graph, s->own, s->nown, e) < 0) {
        schedule_release(s);
        return -1;
    }
    return 0;
}

void schedule_release(struct schedule *s)
{
    zone_free(s->zone);
    s->zone = NULL;
    arena_release(&s->arena);
}

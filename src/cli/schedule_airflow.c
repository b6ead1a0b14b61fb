#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/schedule.h"
#include "core/clock.h"
#include "core/fs.h"

/* A Python string literal. */
static int py_text(struct buf *b, const char *text, struct err *e)
{
    if (buf_putc(b, '"', e) < 0) {
        return -1;
    }
    for (const char *p = text; *p != '\0'; p++) {
        const char escape[] = {'\\', *p, '\0'};
        bool special = *p == '"' || *p == '\\';
        int rc = *p == '\n' ? buf_puts(b, "\\n", e)
                            : buf_puts(b, special ? escape : escape + 1, e);

        if (rc < 0) {
            return -1;
        }
    }
    return buf_putc(b, '"', e);
}

/* A word of a shell command, in single quotes where it needs them. */
static int shell_word(struct buf *b, const char *word, struct err *e)
{
    bool plain = word[0] != '\0';

    for (const char *p = word; *p != '\0'; p++) {
        plain = plain && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                "UVWXYZ0123456789_./:=,@-",
                                *p) != NULL;
    }
    if (plain) {
        return buf_puts(b, word, e);
    }
    if (buf_putc(b, '\'', e) < 0) {
        return -1;
    }
    for (const char *p = word; *p != '\0'; p++) {
        const char one[] = {*p, '\0'};

        if (buf_puts(b, *p == '\'' ? "'\\''" : one, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, '\'', e);
}

const char *const schedule_operators[] = {"bash", "databricks", "http", NULL};

#define INTERVAL "{{ data_interval_start | ts }}/{{ data_interval_end | ts }}"

/* The command line of a task, with Airflow's macros for the interval. */
static int put_command(const struct schedule *s, const struct graph_task *t,
                       struct buf *b, struct err *e)
{
    if (t->command != NULL) {
        return buf_puts(b, "export PINLINE_INTERVAL=\"" INTERVAL "\"; ", e) < 0
                   ? -1
                   : buf_puts(b, t->command, e);
    }
    for (size_t i = 0; i < s->nbase; i++) {
        if (shell_word(b, s->base[i], e) < 0 || buf_putc(b, ' ', e) < 0) {
            return -1;
        }
    }
    return buf_putf(b, e, "batch --task %s --interval \"" INTERVAL "\"",
                    t->name);
}

/* Relative paths of the project are meant from here. */
static int put_cwd(struct buf *b, struct err *e)
{
    char cwd[FS_PATH_MAX];

    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        return err_set(e, ERR_IO, "could not find out the working folder");
    }
    return buf_puts(b, ",\n        cwd=", e) < 0 ? -1 : py_text(b, cwd, e);
}

static int put_bash(const struct schedule *s, const struct graph_task *t,
                    struct buf *b, struct err *e)
{
    struct buf line;
    const char *text;
    int rc;

    buf_init(&line, 1 << 20);
    rc = put_command(s, t, &line, e) < 0 || buf_text(&line, &text, e) < 0 ||
                 buf_puts(b, "BashOperator(\n        task_id=", e) < 0 ||
                 py_text(b, t->name, e) < 0 ||
                 buf_puts(b, ",\n        bash_command=", e) < 0 ||
                 py_text(b, text, e) < 0 || put_cwd(b, e) < 0 ||
                 buf_puts(b, ",\n    )\n", e) < 0
             ? -1
             : 0;
    buf_release(&line);
    return rc;
}

static int put_databricks(const struct schedule *s, const struct graph_task *t,
                          struct buf *b, struct err *e)
{
    (void)s;
    return buf_puts(b, "DatabricksSubmitRunOperator(\n        task_id=", e) <
                       0 ||
                   py_text(b, t->name, e) < 0 ||
                   buf_puts(b,
                            ",\n        databricks_conn_id=\"databricks_"
                            "default\",\n        existing_cluster_id=\"pinline"
                            "\",\n        polling_period_seconds=2,\n        "
                            "idempotency_token=\"{{ dag.dag_id }}-{{ run_id "
                            "}}-{{ task.task_id }}-{{ ti.max_tries }}\",\n    "
                            "    notebook_task={\n            "
                            "\"notebook_path\": ",
                            e) < 0 ||
                   py_text(b, t->name, e) < 0 ||
                   buf_puts(b,
                            ",\n            \"base_parameters\": {\"interval\":"
                            " \"" INTERVAL "\"},\n        },\n    )\n",
                            e) < 0
               ? -1
               : 0;
}

static int put_http(const struct schedule *s, const struct graph_task *t,
                    struct buf *b, struct err *e)
{
    (void)s;
    return buf_puts(b, "run_task(", e) < 0 || py_text(b, t->name, e) < 0 ||
                   buf_puts(b, ")\n", e) < 0
               ? -1
               : 0;
}

static const char http_helper[] =
    "def run_task(name):\n"
    "    \"\"\"Start a task on a pinline server, then wait for its end.\"\"\"\n"
    "    start = HttpOperator(\n"
    "        task_id=f\"start_{name}\",\n"
    "        http_conn_id=\"pinline\",\n"
    "        endpoint=\"/runs\",\n"
    "        method=\"POST\",\n"
    "        headers={\"Content-Type\": \"application/json\"},\n"
    "        data='{\"task\": \"' + name + '\", \"token\": \"{{ dag.dag_id }}-{{ "
    "run_id }}-' + name + '-{{ ti.max_tries }}\", \"interval\": \"" INTERVAL
    "\"}',\n"
    "        response_filter=lambda response: response.json()[\"run_id\"],\n"
    "    )\n"
    "    wait = HttpSensor(\n"
    "        task_id=name,\n"
    "        http_conn_id=\"pinline\",\n"
    "        endpoint=f\"/runs/{{{{ ti.xcom_pull(task_ids='start_{name}') "
    "}}}}\",\n"
    "        response_check=has_ended,\n"
    "        poke_interval=2,\n"
    "    )\n"
    "    start >> wait\n"
    "    return Pair(start, wait)\n";

static const char http_classes[] =
    "class Pair:\n"
    "    \"\"\"Two tasks that look like one.\"\"\"\n\n"
    "    def __init__(self, first, last):\n"
    "        self.first, self.last = first, last\n\n"
    "    def __rshift__(self, other):\n"
    "        self.last >> other.first\n"
    "        return other\n\n\n"
    "def has_ended(response):\n"
    "    run = response.json()\n"
    "    if run[\"state\"] in (\"failed\", \"canceled\", \"upstream_failed\"):\n"
    "        raise AirflowFailException(run[\"reason\"])\n"
    "    return run[\"state\"] == \"success\"\n\n\n";

static const struct style {
    const char *name;
    const char *imports;
    const char *helper; /* NULL: none */
    int (*put)(const struct schedule *s, const struct graph_task *t,
               struct buf *b, struct err *e);
} styles[] = {
    {"bash",
     "from airflow.providers.standard.operators.bash import BashOperator\n",
     NULL, put_bash},
    {"databricks",
     "from airflow.providers.databricks.operators.databricks import "
     "DatabricksSubmitRunOperator\n",
     NULL, put_databricks},
    {"http",
     "from airflow.exceptions import AirflowFailException\n"
     "from airflow.providers.http.operators.http import HttpOperator\n"
     "from airflow.providers.http.sensors.http import HttpSensor\n",
     http_classes, put_http},
};

static int put_head(const struct schedule *s, const struct style *style,
                    struct buf *b, struct err *e)
{
    return buf_puts(b,
                    "\"\"\"The daily run of a pinline project. Written by "
                    "`pinline schedule airflow`; needs Airflow 3.\"\"\"\n"
                    "import datetime\n\nimport pendulum\n"
                    "from airflow.sdk import DAG\n",
                    e) < 0 ||
                   (!s->conf.cron.manual &&
                    buf_putf(b, e,
                             "from airflow.timetables.interval import "
                             "%sDataIntervalTimetable\n",
                             s->conf.cron.every_us > 0 ? "Delta" : "Cron") <
                        0) ||
                   buf_puts(b, style->imports, e) < 0 ||
                   buf_puts(b, "\n\n", e) < 0 ||
                   (style->helper != NULL &&
                    (buf_puts(b, style->helper, e) < 0 ||
                     buf_puts(b, http_helper, e) < 0 ||
                     buf_puts(b, "\n\n", e) < 0)) ||
                   buf_puts(b, "with DAG(\n    dag_id=", e) < 0 ||
                   py_text(b, s->conf.name, e) < 0
               ? -1
               : 0;
}

/* Airflow 3 gives a bare cron text no data interval: its timetable does. */
static int put_schedule(const struct schedule *s, const char *cron,
                        struct buf *b, struct err *e)
{
    if (s->conf.cron.manual) {
        return buf_puts(b, "None", e);
    }
    if (s->conf.cron.every_us > 0) {
        return buf_putf(b, e,
                        "DeltaDataIntervalTimetable(datetime.timedelta(seconds="
                        "%" PRId64 "))",
                        s->conf.cron.every_us / 1000000);
    }
    return buf_puts(b, "CronDataIntervalTimetable(", e) < 0 ||
                   py_text(b, cron, e) < 0 ||
                   buf_puts(b, ", timezone=", e) < 0 ||
                   py_text(b, zone_name(s->zone), e) < 0
               ? -1
               : buf_putc(b, ')', e);
}

static int put_settings(const struct schedule *s, const char *cron,
                        struct buf *b, struct err *e)
{
    const struct sched_conf *c = &s->conf;
    struct clock_civil start;
    int64_t first;

    if (c->first_us >= 0) {
        first = c->first_us;
    } else if (!cron_last(&c->cron, s->zone, clock_wall_us(), &first)) {
        first = clock_wall_us();
    }
    clock_to_civil(first, &start);
    if (buf_puts(b, ",\n    schedule=", e) < 0 ||
        put_schedule(s, cron, b, e) < 0) {
        return -1;
    }
    return buf_putf(
        b, e,
        ",\n    start_date=pendulum.datetime(%d, %d, %d, %d, %d, tz=\"UTC\")"
        ".in_tz(\"%s\"),\n    catchup=%s,\n    max_active_runs=%" PRId64
        ",\n    default_args={\n        \"owner\": \"pinline\",\n        "
        "\"depends_on_past\": %s,\n        \"retries\": %" PRId64
        ",\n        \"retry_delay\": datetime.timedelta(seconds=%" PRId64
        "),\n    },\n) as dag:\n",
        start.year, start.month, start.day, start.hour, start.minute,
        zone_name(s->zone), c->catchup ? "True" : "False", c->max_runs,
        c->depends_on_past ? "True" : "False", c->retries,
        c->retry_delay_us / 1000000);
}

static int put_edges(const struct graph *g, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < g->regular; i++) {
        for (size_t k = 0; k < i; k++) {
            if ((g->tasks[i].upstream >> k & 1) &&
                buf_putf(b, e, "    t%zu >> t%zu\n", k, i) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

int schedule_airflow(const struct schedule *s, const char *operators,
                     const char *cron, struct buf *b, struct err *e)
{
    const struct style *style = NULL;
    const struct graph *g = &s->conf.graph;

    for (size_t i = 0; i < ARRAY_LEN(styles); i++) {
        if (strcmp(styles[i].name, operators) == 0) {
            style = &styles[i];
        }
    }
    assert(style != NULL);
    if (put_head(s, style, b, e) < 0 || put_settings(s, cron, b, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < g->regular; i++) {
        if (g->tasks[i].command != NULL && style->put != put_bash) {
            return err_set(e, ERR_INVALID,
                           "task \"%s\" is a shell command, which only "
                           "--operators bash can run",
                           g->tasks[i].name);
        }
        if (buf_putf(b, e, "    t%zu = ", i) < 0 ||
            style->put(s, &g->tasks[i], b, e) < 0) {
            return -1;
        }
    }
    return put_edges(g, b, e);
}

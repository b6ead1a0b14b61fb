#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "api/api.h"
#include "cli/background.h"
#include "cli/workspace.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metric.h"
#include "core/notify.h"
#include "core/secret.h"
#include "core/stop.h"
#include "flow/catalog.h"
#include "flow/worker.h"

extern const struct cmd cmd_serve;

enum {
    LISTEN_MAX = 16,
    CORS_MAX = 16,
    STRIP_MAX = 16,
    TELL_US = 1000000,
    FIELDS_MAX = 16,
};

static const struct opt opts[] = {
    {.name = "aws-keys-file",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Calls of Kinesis must be signed with one of these keys: lines "
             "ACCESS_KEY SECRET_KEY"},
    WORKSPACE_BROKER,
    {.name = "cors",
     .kind = OPT_TEXT,
     .arg = "ORIGIN",
     .repeat = true,
     .help = "Let pages of this origin call; may be repeated"},
    {.name = "insecure",
     .kind = OPT_FLAG,
     .help = "Serve beyond this machine although no token is set"},
    {.name = "listen",
     .letter = 'l',
     .kind = OPT_TEXT,
     .arg = "ADDR:PORT",
     .repeat = true,
     .help = "Listen here (127.0.0.1:8082); port 0 takes a free one; may be "
             "repeated"},
    {.name = "no-pipelines",
     .kind = OPT_FLAG,
     .help = "Only take records; write no objects and no files"},
    {.name = "strip-prefix",
     .kind = OPT_TEXT,
     .arg = "PATH",
     .repeat = true,
     .help = "A prefix that paths may have (/test, /dev, /production); may be "
             "repeated"},
    {.name = "tls-cert",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Speak TLS with this certificate (PEM)"},
    {.name = "tls-key",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "The certificate's key (PEM), not readable by others"},
    {.name = "token-file",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Ask for one of these tokens: lines TOKEN or NAME TOKEN"},
};

struct serving {
    struct workspace w;
    const char *listen[LISTEN_MAX];
    const char *cors[CORS_MAX];
    const char *strip[STRIP_MAX];
    struct api_topic topics[SPEC_TABLES_MAX];
    struct api_model models[SPEC_TABLES_MAX];
    struct api_field fields[SPEC_TABLES_MAX][SPEC_FIELDS_MAX];
    struct metrics *metrics; /* of the background */
    struct schedule schedule;
    struct api_schedule runs;
    struct worker_project self; /* for SQL over raw records */
    struct background *background;
    struct api *api;
};

/* ---- what it tells ---- */

/* One line a topic and second, for people and for the journal. */
static void say_traffic(void *arg, const struct api_traffic *t)
{
    enum log_level level = t->refused > 0 ? LOG_WARN : LOG_INFO;
    struct log_field f[FIELDS_MAX];
    char message[160];
    size_t n = 0;

    (void)arg;
    (void)snprintf(message, sizeof(message),
                   "%.100s: %lld received, %lld stored", t->topic,
                   (long long)t->received, (long long)t->stored);
    f[n++] = LOG_MSG(message);
    f[n++] = LOG_STR("topic", t->topic);
    if (t->partition >= 0) {
        f[n++] = LOG_INT("partition", t->partition);
        f[n++] = LOG_INT("offset_first", t->offset_first);
        f[n++] = LOG_INT("offset_last", t->offset_last);
    } else if (t->offsets[0] != '\0') {
        f[n++] = LOG_STR("offsets", t->offsets);
    }
    f[n++] = LOG_INT("count", t->stored);
    f[n++] = LOG_INT("bytes", t->bytes);
    f[n++] = LOG_INT("received", t->received);
    f[n++] = LOG_INT("refused", t->refused);
    f[n++] = LOG_INT("requests", t->requests);
    f[n++] = LOG_INT("repeated", t->repeated);
    f[n++] = LOG_STR("client", t->client);
    f[n++] = LOG_STR("request_id", t->request_id);
    if (t->error != NULL) {
        f[n++] = LOG_STR("error", t->error);
    }
    log_put(level, f, n);
}

/* ---- what to serve ---- */

/* The fields of a table: those of the exercise's three, else what its spec
 * reads, each as it comes. */
static void set_model(struct serving *s, size_t i, const char *topic)
{
    const struct spec_table *t = &s->w.spec->tables[i];
    struct api_model *m = &s->models[i];
    const struct api_model *known;
    size_t n;

    known = api_models(&n);
    *m = (struct api_model){t->name, topic, s->fields[i], t->nfields};
    for (size_t k = 0; k < n; k++) {
        if (strcmp(known[k].name, t->name) == 0) {
            m->fields = known[k].fields;
            m->n_fields = known[k].n_fields;
            return;
        }
    }
    for (size_t k = 0; k < t->nfields; k++) {
        s->fields[i][k] = (struct api_field){t->fields[k], API_ANY, true};
    }
}

static int set_tables(struct serving *s, struct api_conf *c, struct err *e)
{
    const struct spec *spec = s->w.spec;

    for (size_t i = 0; i < spec->ntables; i++) {
        const char *topic =
            project_topic(&s->w.project, spec->tables[i].name, e);

        if (topic == NULL) {
            return -1;
        }
        s->topics[i] =
            (struct api_topic){topic, (int32_t)s->w.project.partitions};
        set_model(s, i, topic);
    }
    c->topics = s->topics;
    c->n_topics = spec->ntables;
    c->models = s->models;
    c->n_models = spec->ntables;
    return 0;
}

/* Texts of a repeated option into list; ERR_LIMIT. */
static int take(const struct args *a, const char *name, const char **list,
                size_t max, size_t *ret_n, struct err *e)
{
    const char *text;
    size_t at = 0;
    size_t n = 0;

    while ((text = args_next(a, name, &at)) != NULL) {
        if (n == max) {
            return err_set(e, ERR_INVALID, "--%s can be given %zu times", name,
                           max);
        }
        list[n++] = text;
    }
    *ret_n = n;
    return 0;
}

static const char *text_or_null(const struct args *a, const char *name,
                                const char *otherwise)
{
    const char *text = args_text(a, name, otherwise);

    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* On Kafka each has threads and a connection of its own. */
static int64_t consumers_max(const struct project *p)
{
    if (p->consumers_max > 0) {
        return p->consumers_max;
    }
    return strncmp(p->broker, "kafka", 5) == 0 ? 128 : 1024;
}

static int configure(struct serving *s, const struct args *a,
                     struct api_conf *c, struct err *e)
{
    struct project *p = &s->w.project;

    *c = (struct api_conf){
        .token_file = text_or_null(a, "token-file", p->token_file),
        .aws_keys_file = text_or_null(a, "aws-keys-file", p->aws_keys_file),
        .tls_cert = text_or_null(a, "tls-cert", p->tls_cert),
        .tls_key = text_or_null(a, "tls-key", p->tls_key),
        .insecure = args_has(a, "insecure") || p->insecure,
        .auto_create_topics = p->auto_create_topics,
        .retention_us = p->retention_us,
        .retention_bytes = p->retention_bytes,
        .body_max = p->max_body,
        .request_us = p->request_timeout_us,
        .consumers_max = consumers_max(p),
        .consumers_idle_us = p->consumers_idle_us,
        .listen = s->listen,
        .cors = s->cors,
        .strip = s->strip,
        .traffic = say_traffic};
    if (take(a, "listen", s->listen, LISTEN_MAX, &c->n_listen, e) < 0 ||
        take(a, "cors", s->cors, CORS_MAX, &c->n_cors, e) < 0 ||
        take(a, "strip-prefix", s->strip, STRIP_MAX, &c->n_strip, e) < 0) {
        return -1;
    }
    if (c->n_strip == 0) {
        c->strip = p->strip_prefixes.items;
        c->n_strip = p->strip_prefixes.n;
    }
    if (c->n_listen == 0) {
        c->listen = p->listen.items;
        c->n_listen = p->listen.n;
    }
    if (c->n_cors == 0 && p->cors[0] != '\0') {
        s->cors[c->n_cors++] = p->cors;
    }
    return set_tables(s, c, e);
}

/* Every connection is a descriptor; the soft limit is 1,024 as a rule. */
static void raise_open_files(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max < 65536 ? r.rlim_max : 65536;
        (void)setrlimit(RLIMIT_NOFILE, &r);
    }
}

/* ---- serving ---- */

static void say_ready(struct cli *c, struct serving *s,
                      const struct api_conf *conf)
{
    (void)fprintf(c->out, "pinline " PINLINE_VERSION " serves");
    for (size_t i = 0; i < conf->n_listen; i++) {
        const char *text = conf->listen[i];
        const char *colon = strrchr(text, ':');
        int host = colon == NULL ? 0 : (int)(colon - text);

        (void)fprintf(c->out, "%s %s://%.*s:%d", i > 0 ? "," : "",
                      conf->tls_cert != NULL ? "https" : "http",
                      host > 0 ? host : 7, host > 0 ? text : "0.0.0.0",
                      api_port(s->api, i));
    }
    (void)fprintf(c->out, ", data in %s; Ctrl-C stops it\n", s->w.project.data);
    (void)fflush(c->out);
}

/* Runs that clients ask for are done even when no cron is set. */
static int set_schedule(struct cli *c, struct serving *s, struct api_conf *conf,
                        struct err *e)
{
    struct project *p = &s->w.project;

    if (schedule_make(&s->schedule, c, &s->w, e) < 0) {
        return -1;
    }
    if (p->schedule_cron[0] == '\0') {
        s->schedule.conf.cron = (struct cron){.manual = true};
    }
    s->self = (struct worker_project){p->file, p->data, c->sets, c->n_sets};
    s->runs = (struct api_schedule){.name = s->schedule.conf.name,
                                    .dir = s->schedule.conf.dir,
                                    .graph = &s->schedule.conf.graph,
                                    .notebooks = p->schedule_notebooks.items,
                                    .n_notebooks = p->schedule_notebooks.n,
                                    .tables = catalog_tables_dir(p, e),
                                    .project = &s->self,
                                    .cron = &s->schedule.conf.cron,
                                    .zone = s->schedule.zone};
    if (s->runs.tables == NULL) {
        return -1;
    }
    conf->schedule = &s->runs;
    return 0;
}

static int serve(struct cli *c, const struct args *a, struct serving *s,
                 struct err *e)
{
    struct api_conf conf;
    int rc = 0;

    if (configure(s, a, &conf, e) < 0 || set_schedule(c, s, &conf, e) < 0 ||
        metrics_new(&s->metrics, e) < 0) {
        return -1;
    }
    conf.more = s->metrics;
    if (workspace_broker(&s->w, BROKER_WRITE, e) < 0 ||
        api_start(&s->api, &conf, s->w.broker, e) < 0) {
        return -1;
    }
    if (!args_has(a, "no-pipelines")) {
        rc = background_start(&s->background, &s->w, &s->schedule, s->metrics,
                              e);
    }
    if (rc == 0) {
        say_ready(c, s, &conf);
        (void)notify_manager("READY=1");
        while (!stop_wait(TELL_US)) {
            api_tell(s->api);
        }
    }
    (void)notify_manager("STOPPING=1");
    stop_ask();
    api_stop(s->api);
    background_stop(s->background);
    return rc;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct serving *s = mem_zero(1, sizeof(*s));
    int rc;

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    mem_give_back();
    stop_install();
    secret_no_core_dumps();
    raise_open_files();
    rc = workspace_load_for(&s->w, c, a, e);
    if (rc == 0) {
        rc = serve(c, a, s, e);
        schedule_release(&s->schedule);
        workspace_close(&s->w);
        metrics_free(s->metrics);
    }
    mem_free(s);
    return rc;
}

const struct cmd cmd_serve = {
    .name = "serve",
    .summary = "Take records over HTTP and land them until stopped",
    .about =
        "Serves the Kafka REST Proxy v2 (POST /topics/NAME and its metadata), "
        "POST /pin/, /geo/ and /user/, POST /send_data and GET /get_data, GET "
        "/healthz and GET /metrics. An answer with an offset means that the "
        "record is on disk. A request with an Idempotency-Key may be repeated: "
        "it is stored once.\n\nThe topics of the configuration exist from the "
        "start; others only with auto_create_topics. The sinks of the "
        "configuration follow the topics in the same process.\n\nWithout a "
        "token only this machine is served, unless --insecure says "
        "otherwise. SIGTERM and SIGINT answer what is under way, land it and "
        "end with 0.",
    .examples =
        "pinline serve\n  Listen on 127.0.0.1:8082\n"
        "pinline serve --listen 0.0.0.0:8082 --token-file tokens\n  Serve "
        "others who have a token\n"
        "curl 127.0.0.1:8082/topics/pin -H 'Content-Type: "
        "application/vnd.kafka.json.v2+json' -d "
        "'{\"records\":[{\"value\":{\"index\":1}}]}'\n  Post a record\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .run = run,
};

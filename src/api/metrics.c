/* metrics.c - GET /healthz and GET /metrics. */
#include <stdio.h>

#include "api/jobs.h"
#include "broker/broker.h"
#include "core/metric.h"
#include "json/json.h"

/* One row a value of put_server(), in its order; metrics keep the rows. */
static const struct metric_def server_defs[] = {
    {.name = "pinline_broker_away",
     .help = "Servers of the broker seen before that are gone.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_broker_brokers",
     .help = "Servers of the broker that answer; 0: it has none.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_broker_bytes_total",
     .help = "Bytes stored by this process.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_broker_commit_us_max",
     .help = "Longest commit, microseconds.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_broker_commit_us_total",
     .help = "Time spent in commits, microseconds.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_broker_commits_total",
     .help = "Group commits.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_broker_disk_bytes",
     .help = "Bytes that the topics take on disk.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_broker_records_total",
     .help = "Records stored by this process.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_broker_repeats_total",
     .help = "Requests answered from the idempotency window.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_broker_up",
     .help = "1 when records can be stored and read, as far as is known.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_broker_waiting",
     .help = "Records on their way to the broker.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_consumers",
     .help = "Consumer instances of the REST API.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_consumers_created_total",
     .help = "Consumer instances that were made.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_expired_total",
     .help = "Consumer instances removed as idle.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_reads_total",
     .help = "Reads of consumers that were answered.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_records_total",
     .help = "Records given to consumers.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_refused_total",
     .help = "Consumer instances refused: the name is taken, or too many.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_repeated_total",
     .help = "Reads repeated under their Idempotency-Key.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_unsent_total",
     .help = "Reads whose answer did not reach the client, taken back.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_consumers_waiting",
     .help = "Consumer instances that somebody waits for.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_http_body_bytes",
     .help = "Bytes of request bodies held now.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_http_connections",
     .help = "Open connections.",
     .kind = METRIC_GAUGE},
    {.name = "pinline_http_cut_total",
     .help = "Connections ended as too slow.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_http_requests_total",
     .help = "Requests.",
     .kind = METRIC_COUNTER},
    {.name = "pinline_http_waiting",
     .help = "Requests that wait for their commit.",
     .kind = METRIC_GAUGE},
};

static int put_server(struct api *a, struct metrics *m, struct err *e)
{
    struct server_stats s;
    struct broker_health h;
    struct broker_stats k;
    struct consumers_stats c;

    consumers_stats(a->consumers, &c);
    server_stats(a->server, &s);
    broker_stats(a->broker, &k);
    broker_health(a->broker, &h);
    const int64_t values[ARRAY_LEN(server_defs)] = {h.away,
                                                    h.brokers,
                                                    k.bytes,
                                                    k.commit_us_max,
                                                    k.commit_us_total,
                                                    k.commits,
                                                    k.disk_bytes,
                                                    k.records,
                                                    k.repeats,
                                                    h.ok ? 1 : 0,
                                                    h.waiting,
                                                    c.instances,
                                                    c.created,
                                                    c.expired,
                                                    c.reads,
                                                    c.records,
                                                    c.refused,
                                                    c.repeated,
                                                    c.unsent,
                                                    c.waiting,
                                                    s.bodies,
                                                    s.connections,
                                                    s.cut,
                                                    s.requests,
                                                    s.waiting};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct metric *row;

        if (metrics_get(m, &server_defs[i], NULL, &row, e) != 0) {
            return -1;
        }
        metric_add(row, values[i]);
    }
    return 0;
}

/* A row a server of the broker. */
static int put_nodes(struct api *a, struct metrics *m, struct err *e)
{
    static const struct metric_def def = {
        .name = "pinline_broker_server_up",
        .help = "1 when this server of the broker answers.",
        .kind = METRIC_GAUGE,
        .labels = {"server"}};
    struct broker_node nodes[BROKER_NODES_MAX];
    size_t n = broker_nodes(a->broker, nodes, ARRAY_LEN(nodes));

    for (size_t i = 0; i < n; i++) {
        struct slice value;
        struct metric *row;
        char name[300];

        (void)snprintf(name, sizeof(name), "%.255s:%d", nodes[i].host,
                       nodes[i].port);
        value = slice_of(name);
        if (metrics_get(m, &def, &value, &row, e) != 0) {
            return -1;
        }
        metric_set(row, nodes[i].up ? 1 : 0);
    }
    return 0;
}

static int put_answers(struct api *a, struct metrics *m, struct err *e)
{
    static const char *const classes[] = {"",    "1xx", "2xx",
                                          "3xx", "4xx", "5xx"};
    static const struct metric_def def = {.name = "pinline_http_answers_total",
                                          .help = "Answers by class of status.",
                                          .kind = METRIC_COUNTER,
                                          .labels = {"status"}};

    for (size_t i = 2; i < ARRAY_LEN(classes); i++) {
        struct slice value = slice_of(classes[i]);
        struct metric *c;

        if (metrics_get(m, &def, &value, &c, e) != 0) {
            return -1;
        }
        metric_add(c, atomic_load(&a->answers[i]));
    }
    return 0;
}

static int put_topic(struct metrics *m, struct topic *t, struct err *e)
{
    static const struct metric_def defs[] = {
        {.name = "pinline_topic_received_total",
         .help = "Records stored through HTTP.",
         .kind = METRIC_COUNTER,
         .labels = {"topic"}},
        {.name = "pinline_topic_refused_total",
         .help = "Records answered with an error.",
         .kind = METRIC_COUNTER,
         .labels = {"topic"}},
        {.name = "pinline_topic_dropped_fields_total",
         .help = "Fields that the table does not have.",
         .kind = METRIC_COUNTER,
         .labels = {"topic"}},
    };
    const int64_t values[] = {atomic_load(&t->received),
                              atomic_load(&t->refused),
                              atomic_load(&t->dropped)};
    struct slice name = slice_of(t->name);

    for (size_t i = 0; i < ARRAY_LEN(defs); i++) {
        struct metric *c;

        if (metrics_get(m, &defs[i], &name, &c, e) != 0) {
            return -1;
        }
        metric_add(c, values[i]);
    }
    return 0;
}

static int put_topics(struct api *a, struct metrics *m, struct err *e)
{
    int rc = 0;

    mutex_lock(&a->lock);
    for (size_t i = 0; rc == 0 && i < TOPIC_SLOTS; i++) {
        if (a->slots[i] != NULL) {
            rc = put_topic(m, a->slots[i], e);
        }
    }
    mutex_unlock(&a->lock);
    return rc;
}

void api_metrics(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct metrics *m = NULL;

    if (metrics_new(&m, &e) != 0 || put_server(a, m, &e) != 0 ||
        put_nodes(a, m, &e) != 0 || put_answers(a, m, &e) != 0 ||
        put_topics(a, m, &e) != 0 || runs_metrics(a, m, &e) != 0 ||
        (a->conf.more != NULL && metrics_join(m, a->conf.more, &e) != 0) ||
        metrics_print(
            m, answer_begin(r, 200, "text/plain; version=0.0.4; charset=utf-8"),
            &e) != 0) {
        answer_err(r, FAMILY_PLAIN, &e);
    }
    metrics_free(m);
}

void api_healthz(struct api *a, struct http_request *r)
{
    struct broker_health h;
    const char *status = "ok";
    struct buf *b;

    broker_health(a->broker, &h);
    if (!h.ok) {
        status = "unavailable";
    } else if (h.away > 0) {
        status = "degraded";
    }
    b = answer_begin(r, h.ok ? 200 : 503, MEDIA_JSON);
    if (buf_putf(b, NULL, "{\"status\":\"%s\"", status) != 0 ||
        (h.brokers + h.away > 0 &&
         buf_putf(b, NULL, ",\"brokers\":%d,\"away\":%d,\"waiting\":%lld",
                  h.brokers, h.away, (long long)h.waiting) != 0) ||
        (h.reason[0] != '\0' &&
         (buf_puts(b, ",\"reason\":", NULL) != 0 ||
          json_print_text(b, slice_of(h.reason), NULL) != 0)) ||
        buf_putc(b, '}', NULL) != 0) {
        answer_broken(r);
    }
}

/* What bench/post holds a durable POST against. */
void api_noop(struct api *a, struct http_request *r)
{
    (void)a;
    answer_text(r, 200, MEDIA_KAFKA,
                "{\"offsets\":[{\"partition\":0,\"offset\":0,\"error_code\":"
                "null,\"error\":null}],\"key_schema_id\":null,"
                "\"value_schema_id\":null}");
}

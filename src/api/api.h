/*
 * api.h - the HTTP contracts over a broker, started and stopped as one thing.
 *
 * api_start() creates the configured topics, binds every listener and serves
 * with threads of its own until api_stop(); the broker must outlive it.  An
 * answer with an offset means that the record is on disk.
 *
 * Accounting.  `received` of a topic is the records that HTTP accepted and
 * the broker stored: each is counted in the moment in which the broker says
 * that it is durable, repeats of an Idempotency-Key are not counted again.
 * The count is of this process; api_received.base is what the topic held
 * (sum of the partitions' end offsets) at its first use here, so that
 * base + since == stored must hold at any quiet moment, also after a restart
 * and after a crash between the commit and its answer: a record that nobody
 * was told about is in the next base.
 */
#ifndef API_API_H
#define API_API_H

#include "broker/broker.h"

struct api;            /* opaque */
struct cron;           /* sched/cron.h */
struct graph;          /* sched/graph.h */
struct worker_project; /* flow/worker.h */
struct zone;           /* core/zone.h */

/* A table that POST /<name>/ takes, as the FastAPI clients send it. */
enum api_type {
    API_INT,
    API_FLOAT,
    API_TEXT,
    API_ANY, /* whatever JSON was sent */
};

struct api_field {
    const char *name;
    enum api_type type;
    bool optional; /* kept when sent, not missed when absent */
};

struct api_model {
    const char *name;  /* the path: /pin/ */
    const char *topic; /* where its records go */
    const struct api_field *fields;
    size_t n_fields;
};

struct api_topic {
    const char *name;
    int32_t partitions; /* 0: 1 */
};

/* Produce requests to one topic since the last time it was told. */
struct api_traffic {
    const char *topic;
    int64_t requests, repeated;        /* repeated: stored before */
    int64_t received, stored, refused; /* records */
    int64_t bytes;                     /* of the keys and values stored */
    int32_t partition;                 /* the one that took all; -1: several */
    int64_t offset_first, offset_last; /* of that partition; else -1 */
    const char *offsets;               /* "0:12-40 3:7-9" */
    const char *client;     /* the last one's name or address; "and others" */
    const char *request_id; /* the last one's */
    const char *error;      /* of the last record refused; NULL: none */
};

struct metrics; /* core/metric.h */

/* The project's schedule: POST /runs and the Databricks routes add runs to its
 * journal (sched/journal.h). */
struct api_schedule {
    const char *name;
    const char *dir; /* of the journal */
    const struct graph *graph;
    const char *const *notebooks; /* "PATH=TASK" */
    size_t n_notebooks;
    const char *tables; /* folder of the cleaned tables, for SQL; or NULL */
    const struct worker_project *project; /* its raw records too; or NULL */
    const struct cron *cron;              /* when a run is due, for /metrics */
    const struct zone *zone;
};

/* Zero or NULL anywhere means the default. Borrowed until api_stop(). */
struct api_conf {
    const char *const *listen; /* "127.0.0.1:8082", "[::1]:0"; port 0: any */
    size_t n_listen;           /* 0: 127.0.0.1:8082 */
    const char *token_file; /* lines "TOKEN" or "NAME TOKEN"; not for others */
    const char *aws_keys_file; /* "ACCESS_KEY SECRET_KEY": Kinesis is signed */
    const char *tls_cert, *tls_key; /* PEM files */
    const char *const *cors;        /* allowed origins; "*" is any */
    size_t n_cors;
    bool insecure;     /* serve beyond loopback without a token */
    bool open_metrics; /* /metrics needs no token */

    const struct api_topic *topics; /* exist from the start */
    size_t n_topics;
    bool auto_create_topics;
    int64_t retention_us, retention_bytes; /* of topics made here; 0: none */
    const struct api_model *models;        /* NULL: pin, geo and user */
    size_t n_models;
    const char *const *strip; /* prefixes that paths may have: "/test" */
    size_t n_strip;

    int64_t body_max;      /* bytes of one body; 8 MB */
    int64_t budget;        /* bytes of all bodies held; 256 MB, then 429 */
    int64_t records_max;   /* records of one request; 100,000 */
    int64_t connections;   /* of one listener; 4096 */
    int64_t header_max;    /* bytes of a request's head; 16 kB */
    int64_t request_us;    /* for a whole request to arrive; 60 s, then 408 */
    int64_t answer_us;     /* for the broker to answer; 60 s, then 50003 */
    int64_t consumers_max; /* consumer instances; 1,024, then 50301 */
    int64_t consumers_idle_us; /* after which one is removed; 5 minutes */
    int64_t prefetch_bytes;    /* of each, where the broker fetches ahead */
    /* told of each topic with traffic by api_tell() and api_stop() */
    void (*traffic)(void *arg, const struct api_traffic *t);
    void *traffic_arg;
    struct metrics *more; /* /metrics shows these too; NULL: none */
    const struct api_schedule *schedule; /* NULL: none */
    bool noop_route; /* tests and benches: POST /_noop does nothing */
};

/* The three tables of the exercise, as POST /pin/ takes them. The topics of
 * the result are "pin", "geo", "user"; copy it to change them. */
const struct api_model *api_models(size_t *ret_n);

/* ERR_INVALID (address, token, TLS), ERR_BUSY "port is in use", ... */
int api_start(struct api **ret, const struct api_conf *conf, struct broker *b,
              struct err *e) MUST_USE;
/* Tell conf.traffic what came since the last call, once a topic with traffic;
 * call it every second.  Its texts are good until it returns. */
void api_tell(struct api *a);
/* Refuse what is new, answer or refuse all that is under way, end; within
 * 10 s. NULL is fine. */
void api_stop(struct api *a);
/* The port of the i-th listener; 0 when there is no such. */
int api_port(const struct api *a, size_t i);

struct api_received {
    int64_t since;   /* stored through this process */
    int64_t base;    /* held by the topic at its first use here */
    int64_t refused; /* records that were answered with an error */
    int64_t dropped; /* extra fields dropped from POST /<model>/ */
};
/* False when the topic was not used here yet.  Any thread. */
bool api_received(struct api *a, const char *topic, struct api_received *ret);

#endif

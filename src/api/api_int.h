/*
 * api_int.h - what the files of this module share: the api's state, the
 * topics it has met, and the work of one produce request.
 */
#ifndef API_API_INT_H
#define API_API_INT_H

#include <stdatomic.h>

#include "api/answer.h"
#include "api/api.h"
#include "api/auth.h"
#include "api/aws_auth.h"
#include "api/consumers.h"
#include "api/media.h"
#include "api/slow.h"
#include "api/traffic.h"
#include "broker/cluster.h"
#include "core/thread.h"

enum {
    TOPICS_MAX = 10000, /* that one process serves */
    TOPIC_SLOTS = 16384,
    IDEMPOTENCY_KEY_MAX = 255,
};

/* Lives as long as the api; the counters are any thread's. */
struct topic {
    char name[TOPIC_NAME_MAX + 1];
    atomic_int partitions; /* 0: ask the broker again */
    int64_t base;          /* end offsets at its first use here */
    atomic_llong received, refused, dropped;
    struct mutex take; /* of GET /get_data */
    int32_t turn;      /* the partition to ask first */
    struct traffic traffic;
};

struct api {
    struct api_conf conf;
    struct broker *broker;
    struct server *server;
    struct consumers *consumers;
    struct statements *statements;
    struct slow *slow;
    struct router router;
    struct auth auth;
    struct aws_keys keys;
    struct mutex tags; /* of streams, while they change */
    struct mutex lock; /* the slots */
    struct topic *slots[TOPIC_SLOTS];
    size_t n_topics;
    struct cluster_info cluster; /* once it is known; under the lock */
    atomic_llong answers[6];     /* by the hundreds of their status */
    int64_t started_us;
    atomic_llong ids;   /* of requests that brought none */
    atomic_int holders; /* api_start's caller, and works with the broker */
};

/* One holder less; the last one frees it. */
void api_release(struct api *a);

/* ---- topics.c ---- */

/* The topic, made when it is missing and auto_create_topics says so.
 * ERR_INVALID (name), ERR_NOTFOUND with the way out, ERR_LIMIT. */
int topics_find(struct api *a, struct slice name, struct topic **ret,
                struct err *e) MUST_USE;
/* Whether topics_find() gives it without asking the broker. */
bool topics_met(struct api *a, struct slice name);
/* Ask the broker again how many partitions it has. */
void topics_refresh(struct api *a, struct topic *t);
/* It was deleted, or made anew: ask the broker when it is used next. */
void topics_forget(struct api *a, const char *name);
/* Make the configured ones. */
int topics_make(struct api *a, struct err *e) MUST_USE;
void topics_release(struct api *a);

/* ---- work.c: one produce request ---- */

struct work {
    struct broker_produce p;
    struct api *api;
    struct topic *topic;
    struct http_request *r;
    enum family family;
    struct broker_record *records; /* n of them, and as many reports */
    struct broker_report *reports;
    size_t n;
    struct buf text; /* keys and values, in order */
    /* fills r's answer when all or some is stored; w->p has the reports */
    void (*answer)(struct work *w, struct http_request *r);
    int64_t epoch;     /* the topic's, of Kinesis */
    struct slice echo; /* FastAPI's answer, in text or the arena */
    void *extra;       /* of the route; release() with the work */
    void (*release)(void *extra);
    atomic_int state;
    char key[IDEMPOTENCY_KEY_MAX];
    char client[CLIENT_TEXT_MAX]; /* these two only when traffic is told */
    char request_id[REQUEST_ID_MAX];
};

/* For n records and text_max bytes; NULL with *e set. r->work owns it. */
struct work *work_new(struct api *a, struct http_request *r, size_t n,
                      size_t text_max, struct err *e) MUST_USE;
/* Take the Idempotency-Key of the request; ERR_INVALID. */
int work_key(struct work *w, struct http_request *r, struct err *e) MUST_USE;
/* Give it to the broker and suspend the request; always answers, later. */
void work_start(struct work *w, struct http_request *r);
/* The request ends: what it still owns is freed. */
void work_end(struct http_request *r);

#include "api/routes_int.h"

#endif

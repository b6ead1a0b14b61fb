/*
 * consumers_int.h - the registry of instances and the threads they belong to;
 * consumers.c has both and the jobs, consumers_work.c what a thread does.
 *
 * Locks: the registry's before a worker's, a worker's before the server's.
 */
#ifndef API_CONSUMERS_INT_H
#define API_CONSUMERS_INT_H

#include "api/api_int.h"

enum {
    CONSUMERS_WORKERS = 8,
};

enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_DONE,
    JOB_GIVEN_UP,
};

struct consumers_worker {
    struct consumers *all;
    struct mutex lock;
    struct cond woken;
    struct thread thread;
    bool awake; /* something happened since it looked */
    bool stop;
    struct consumer_instance *first;
    size_t n; /* of the registry */
    atomic_int waiting;
};

struct consumer_instance {
    struct consumer_instance *next; /* of the worker */
    struct consumers_worker *w;
    atomic_int refs; /* the registry's, and one a job */
    char group[TOPIC_NAME_MAX + 1], name[TOPIC_NAME_MAX + 1];
    struct consumer *c; /* NULL: gone */
    struct consumer_body_create conf;
    struct consumer_job *jobs;
    size_t n_jobs;
    bool swept;   /* it takes no more jobs */
    bool sending; /* an answer with records is on its way */
    bool unsent;  /* it did not arrive */
    int64_t tick_us, used_us;
};

struct consumers {
    struct api *api;
    struct mutex lock; /* the registry */
    struct consumer_instance **list;
    size_t n, max;
    atomic_bool stopping;
    struct consumers_worker workers[CONSUMERS_WORKERS];
    atomic_llong held; /* bytes of answers that are not sent yet */
    atomic_llong created, refused, expired, reads, records, repeated, unsent;
};

/* One reference less; the last one frees it. */
void consumers_release(struct consumer_instance *i);
/* No request finds it any more. */
void consumers_unregister(struct consumers *cs, struct consumer_instance *i);
/* The thread; arg is its worker. */
void consumers_work(void *arg);

#endif

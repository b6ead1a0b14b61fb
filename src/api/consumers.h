/*
 * consumers.h - the consumer instances of the server, and their threads.
 *
 * An instance belongs to one of a few threads.  What a request asks of it is
 * a job: the request is suspended, the job waits its turn at the instance,
 * and the thread answers it.  A read that finds no records is tried again
 * until its time is over, and holds nobody but the jobs behind it.  After a
 * read the instance goes on when the answer has been sent, or its sending
 * has failed (then the records are given again).
 */
#ifndef API_CONSUMERS_H
#define API_CONSUMERS_H

#include <stdatomic.h>

#include "api/consumer_body.h"
#include "api/server.h"

struct api;
struct consumers; /* opaque */
struct consumer_instance;

int consumers_start(struct consumers **ret, struct api *a,
                    struct err *e) MUST_USE;
/* Answer what waits; from now on everything is refused. NULL is fine. */
void consumers_stop(struct consumers *cs);
/* After the server's end: leave every group. NULL is fine. */
void consumers_free(struct consumers *cs);
/* Records were stored in this process: reads that wait look again. */
void consumers_kick(struct consumers *cs);

/* ERR_EXISTS (the name is taken), ERR_LIMIT (no more instances), ERR_BUSY
 * (stopping). */
int consumers_create(struct consumers *cs, const struct consumer_conf *conf,
                     const struct consumer_body_create *body,
                     struct err *e) MUST_USE;

enum consumer_done {
    CONSUMER_WAIT, /* try again soon */
    CONSUMER_DONE, /* the request has its answer */
    CONSUMER_GONE, /* and the instance shall be no more */
};

struct consumer_job {
    struct http_request *r;
    struct arena arena; /* what the request asked for */
    /* In the instance's thread; fills j->r's answer unless it must wait. */
    enum consumer_done (*run)(struct consumer_job *j, struct consumer *c);
    bool is_read; /* its answer is waited for */

    struct member_conf subscription;
    struct consumer_place *places;
    size_t n_places;
    bool listed;          /* places were given, be they none */
    int64_t place_offset; /* what all are sought to */
    struct consumer_read read;
    int64_t timeout_us; /* of a read; 0: the instance's */
    bool has_timeout;
    enum media_format format;
    bool has_format;

    /* of the instance, while run() is called */
    const struct consumer_body_create *conf;
    int64_t begun_us; /* when its turn came */
    int64_t hold_us;  /* how long it may wait for the group to settle */
    struct consumers *all;

    struct consumer_job *next; /* the instance's, as all below */
    struct consumer_instance *i;
    atomic_int state;
    size_t held; /* bytes of the answer, of the budget */
};

struct consumer_job *consumers_job(struct http_request *r, struct err *e);
void consumers_job_free(struct consumer_job *j);
/* Give it to the instance; always answers, at once or later. */
void consumers_do(struct consumers *cs, struct slice group, struct slice name,
                  struct consumer_job *j);
/* Bytes that one answer may take now. */
size_t consumers_room(const struct consumers *cs, size_t asked);

struct consumers_stats {
    int64_t instances, waiting; /* now */
    int64_t created, refused, expired, reads, records, repeated, unsent;
};
void consumers_stats(struct consumers *cs, struct consumers_stats *ret);
/* Count a read that was answered. */
void consumers_count(struct consumers *cs, const struct consumer_read *r);

#endif
